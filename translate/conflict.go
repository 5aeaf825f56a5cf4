package translate

import (
	"cmp"
	"slices"
)

// subject is what two lives must not share: an iCalendar UID, or a name under one
// Folder value. For props it is the name alone, whatever the Folder. (Two more
// kinds serve in same.go.)
type subject struct {
	kind   uint8
	folder uint32
	text   string
}

const (
	subjectUID   = iota
	subjectName  // with folder
	subjectProps // text is a Name
	subjectLife  // of what has no iCalendar UID
	subjectToken // the same
)

// subjects appends those of a life. An empty iCalendar UID is never compared:
// where there are messages without one (nameless), what Life, Token and Prev say
// stands for it.
func (l *Life) subjects(s []subject, nameless bool) []subject {
	if l.props() {
		return append(s, subject{subjectProps, 0, l.Head.Name})
	}
	s = append(s, subject{subjectName, l.Head.Folder, l.Head.Name})
	return l.identity(s, nameless)
}

// identity appends the subjects by which other messages are found to be of the
// same object.
func (l *Life) identity(s []subject, nameless bool) []subject {
	if l.props() {
		return append(s, subject{subjectProps, 0, l.Head.Name})
	}
	if l.Head.ICalUID != "" {
		s = append(s, subject{subjectUID, 0, l.Head.ICalUID})
	}
	if !nameless {
		return s
	}
	s = append(s, subject{subjectLife, 0, string(l.ID)}, subject{subjectToken, 0, string(l.Head.Token)})
	for _, p := range l.Head.Prev {
		if p.Token != "" {
			s = append(s, subject{subjectToken, 0, string(p.Token)})
		}
	}
	return s
}

// holding is what has been accepted under one subject. No more than one life of
// it is alive. Most have one life only, which costs no allocation.
type holding struct {
	first *Life
	more  []*Life
	top   uint32 // no tombstone lies higher
	alive int
}

func (h *holding) add(l *Life) {
	if h.first == nil && len(h.more) == 0 {
		h.first = l
	} else {
		h.more = append(h.more, l)
	}
	if l.Dead {
		h.top = max(h.top, l.Head.UID)
	} else {
		h.alive++
	}
}

func (h *holding) drop(l *Life) {
	i := slices.Index(h.more, l)
	switch {
	case h.first == l:
		h.first = nil
	case i >= 0:
		h.more = slices.Delete(h.more, i, i+1)
	default:
		return
	}
	if !l.Dead {
		h.alive--
	}
}

// idle: nothing in it can stand in the way of a head with that UID.
func (h *holding) idle(uid uint32) bool { return h.alive == 0 && h.top < uid }

// holdings is an index of them, without an allocation for each.
type holdings struct {
	at  map[subject]int32
	all []holding
}

func (x *holdings) of(s subject) *holding {
	i, ok := x.at[s]
	if !ok {
		i = int32(len(x.all))
		x.at[s] = i
		x.all = append(x.all, holding{})
	}
	return &x.all[i]
}

// accept looks at the lives in their order. A life is accepted unless an accepted
// one with the same subject covers it.
func (l *Listing) accept(lives []*Life) {
	sortLives(lives)
	held := holdings{make(map[subject]int32, 2*len(lives)), make([]holding, 0, 2*len(lives))}
	gone := map[*Life]bool{}
	var subjects, theirs []subject
	for _, e := range lives {
		subjects = e.subjects(subjects[:0], l.nameless)
		var over []*Life
		covered := false
		for _, s := range subjects {
			h := held.of(s)
			if e.Dead && e.settled() || h.idle(e.Head.UID) {
				continue // no harm in a tombstone that somebody has seen
			}
			var ok bool
			if over, ok = h.against(e, over); !ok {
				covered = true
				break
			}
		}
		if covered {
			continue
		}
		for _, o := range over {
			gone[o] = true
			theirs = o.subjects(theirs[:0], l.nameless)
			for _, s := range theirs {
				held.of(s).drop(o)
			}
		}
		for _, s := range subjects {
			held.of(s).add(e)
		}
		l.lives = append(l.lives, e)
	}
	if len(gone) > 0 {
		l.lives = slices.DeleteFunc(l.lives, func(e *Life) bool { return gone[e] })
	}
}

// against appends those lives that e is over; false if one covers e. The latest
// are asked first: where one covers, it most often is among them.
func (h *holding) against(e *Life, over []*Life) ([]*Life, bool) {
	for i := len(h.more); i >= 0; i-- {
		o := h.first
		if i > 0 {
			o = h.more[i-1]
		}
		switch {
		case o == nil:
		case o.Dead && o.Head.UID < e.Head.UID: // had ended before
		case goneFor(o, e):
			over = append(over, o)
		case e.Dead && (e.settled() || !e.native): // no harm in a tombstone
		case e.Dead && e.Head.UID <= o.Head.Asof: // o began after it
		default:
			return over, false
		}
	}
	return over, true
}

// goneFor: l replaced a restored copy of what is e's head; or the creator of l
// had looked at what e was then and found the place free, so a raw IMAP client
// had ended e, and what e got later is void. (Base and Asof compare under one
// Folder value; a UID of now only with those of now.)
func goneFor(e, l *Life) bool {
	switch {
	case l.settled():
		return false
	case l.names(e.Head.Token):
		return l.native || !e.native // who forges for another Folder may know the Token of a native head
	case e.Head.Folder != l.Head.Folder:
		return false
	}
	return l.native && e.Head.UID <= l.Head.Asof ||
		e.settled() && e.Head.UID > l.Head.UID && e.Head.Base <= l.Head.Asof
}

// sortLives brings lives into the order in which they are looked at: native
// before relic; settled before new; settled natives by Asof, largest first; else
// by UID of the head, smallest first.
func sortLives(lives []*Life) {
	type rank struct {
		class, asof, uid uint32
		life             *Life
	}
	ranks := make([]rank, len(lives))
	for i, e := range lives {
		r := rank{uid: e.Head.UID, life: e}
		if !e.native {
			r.class = 2
		}
		if !e.settled() {
			r.class++
		} else if e.native {
			r.asof = ^e.Head.Asof
		}
		ranks[i] = r
	}
	slices.SortFunc(ranks, func(a, b rank) int {
		if a.class != b.class {
			return cmp.Compare(a.class, b.class)
		}
		if a.asof != b.asof {
			return cmp.Compare(a.asof, b.asof)
		}
		return cmp.Compare(a.uid, b.uid)
	})
	for i := range ranks {
		lives[i] = ranks[i].life
	}
}
