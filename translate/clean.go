package translate

import (
	"cmp"
	"slices"
	"time"
)

// MinKeepDeleted is how long a tombstone stays at least. That it may go at all
// rests on no write being under way that looked before it was there.
const MinKeepDeleted = time.Hour

// Garbage are the UIDs that may be expunged now, in any order: native messages
// that are no head, except the kept ones; and relics that a native life of the
// same object has seen. What others put there is in Covered.
func (l *Listing) Garbage() []uint32 {
	seen := l.shadows(func(e *Life) bool { return e.native })
	stays := l.staying()
	return l.pick(func(m *Record) bool {
		return !l.alien(m) && !stays[m] && (l.isNative(m) || seen.know(l, m))
	})
}

// Covered are the UIDs of foreign messages, copies of ours among them, that a
// native life of the same object has seen. They are hidden, and go with the
// tombstone, or long after the head, that covers them (Expired); a mail with more
// in it than an event never does.
func (l *Listing) Covered() []uint32 {
	if len(l.foreign) == 0 {
		return nil
	}
	seen := l.shadows(func(e *Life) bool { return e.native })
	stays := l.staying()
	return l.pick(func(m *Record) bool {
		return l.alien(m) && !m.Mixed && !stays[m] && seen.know(l, m)
	})
}

// Unordered are the UIDs of foreign messages that the tombstone of their object covers
// and that came in its second: where that second is mixed, see split, nothing tells that
// they were there before it. Of a mail with more in it than an event nothing can go.
func (l *Listing) Unordered() []uint32 {
	if len(l.foreign) == 0 {
		return nil
	}
	held := map[int64]shadows{} // by the second of the tombstones
	for e := range l.Dead() {
		second := e.Head.InternalDate.Unix()
		if _, ok := held[second]; !ok {
			held[second] = l.shadows(func(e *Life) bool { return e.Dead && e.Head.InternalDate.Unix() == second })
		}
	}
	return l.pick(func(m *Record) bool {
		x, ok := held[m.InternalDate.Unix()]
		return ok && l.alien(m) && !m.Mixed && x.any(l, m, func(s shadow) bool { return s.covers(m.UID) })
	})
}

// alien says whether another program, or a person, put the message there.
func (l *Listing) alien(m *Record) bool { return l.foreign[m] }

// know says whether a life of the same object had seen m.
func (x shadows) know(l *Listing, m *Record) bool {
	return x.any(l, m, func(s shadow) bool { return m.UID <= s.seen })
}

func (l *Listing) isNative(m *Record) bool {
	return m.Ours && m.Folder == l.UIDValidity && !l.foreign[m]
}

// pick are the UIDs of the messages for which f says yes and which may go.
func (l *Listing) pick(f func(*Record) bool) (uids []uint32) {
	for _, m := range l.records {
		if f(m) && !l.pinned[m] {
			uids = append(uids, m.UID)
		}
	}
	return uids
}

// staying are the heads of the accepted lives, and what is kept below native
// tombstones.
func (l *Listing) staying() map[*Record]bool {
	stays := l.heads()
	for _, e := range l.lives {
		if e.native && e.Dead {
			if k := l.kept(e); k != nil {
				stays[k] = true
			}
		}
	}
	return stays
}

func (l *Listing) heads() map[*Record]bool {
	heads := make(map[*Record]bool, len(l.lives))
	for _, e := range l.lives {
		heads[e.Head] = true
	}
	return heads
}

// kept is the last version of a dead life, nil if it is gone: what the Base of a
// native tombstone names, else the one with a Gen one less that the tombstone names,
// in whatever order they are now. It must be of the same object: who forges a
// tombstone shall not point it at something else.
func (l *Listing) kept(t *Life) *Record {
	if !t.native {
		for _, m := range t.Members {
			if m.Gen == t.Head.Gen-1 && t.names(m.Token) {
				return m
			}
		}
		return nil
	}
	i, ok := slices.BinarySearchFunc(l.records, t.Head.Base, func(m *Record, uid uint32) int { return cmp.Compare(m.UID, uid) })
	if !ok || l.records[i].Mixed {
		return nil
	}
	m := l.records[i]
	if m.Ours && m.Life == t.ID || m.ICalUID != "" && m.ICalUID == t.Head.ICalUID {
		return m
	}
	if t.ID == lifeOver(l.UIDValidity, m.UID) || t.names(m.Token) {
		return m
	}
	return nil
}

// Kept are the UIDs of the kept versions of deleted objects. They are to be
// flagged \Deleted, so that other programs take them for what they are.
func (l *Listing) Kept() []uint32 {
	var kept []*Record
	for e := range l.Dead() {
		if k := l.kept(e); k != nil {
			kept = append(kept, k)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	heads := l.heads()
	var uids []uint32
	for _, k := range kept {
		if !heads[k] {
			uids = append(uids, k.UID)
		}
	}
	slices.Sort(uids)
	return slices.Compact(uids)
}

// Expired tells what may go besides garbage, when what was deleted is kept for
// a time: the messages to remove first, and the tombstones whose time is over.
// Once a new look has verified that the former are gone, those of the latter
// that are Droppable may be expunged by a later command.
//
// The time is over by the own clock and by the INTERNALDATE of the newest
// message: a wrong clock alone never ends it.
func (l *Listing) Expired(now time.Time, keep time.Duration) (remove []uint32, tombstones []*Life) {
	keep = max(keep, MinKeepDeleted)
	over := func(e *Life) bool {
		end := e.Head.InternalDate.Add(keep)
		return !now.Before(end) && !l.newest.Before(end)
	}
	below := map[Token]uint32{}                           // Life -> highest expired tombstone
	goes, stays := map[*Record]bool{}, map[*Record]bool{} // kept versions
	for e := range l.Dead() {
		k := l.kept(e)
		if !over(e) {
			stays[k] = true
			continue
		}
		tombstones = append(tombstones, e)
		below[e.ID] = max(below[e.ID], e.Head.UID)
		goes[k] = true
	}
	if len(tombstones) == 0 && len(l.foreign) == 0 {
		return nil, nil
	}
	// A relic can be forged, so only a native tombstone takes what is of another
	// life; and only a native head, alive or not, what other programs wrote.
	ended := l.shadows(func(e *Life) bool { return e.native && e.Dead && over(e) })
	old := l.shadows(func(e *Life) bool { return e.native && over(e) })
	heads := l.heads()
	remove = l.pick(func(m *Record) bool {
		switch {
		case heads[m] || m.Mixed:
			return false
		case goes[m]:
			return true
		case m.Foreign:
			return !stays[m] && old.know(l, m)
		case m.Folder == l.UIDValidity || l.foreign[m] || m.Op == OpProps:
			return false
		}
		return m.UID < below[m.Life] || ended.any(l, m, func(s shadow) bool { return m.UID < s.dead })
	})
	return remove, tombstones
}

// remains says, for tombstones, what is left of their object.
type remains struct {
	members map[Token]int      // Life -> messages
	lowest  map[subject]uint32 // UID
}

func (l *Listing) newRemains() *remains {
	r := &remains{make(map[Token]int), make(map[subject]uint32)}
	low := func(s subject, uid uint32) {
		if v, ok := r.lowest[s]; !ok || uid < v {
			r.lowest[s] = uid
		}
	}
	for _, m := range l.records {
		if m.Life != "" {
			r.members[m.Life]++
		}
		if m.Op == OpProps {
			continue
		}
		if m.Name != "" {
			low(subject{kind: subjectName, text: m.Name}, m.UID)
		}
		subjects, n := l.same(m)
		for _, s := range subjects[:n] {
			low(s, m.UID)
		}
	}
	return r
}

// Droppable says whether a tombstone covers nothing that is still there: nothing
// of its life, and nothing below it with its name or iCalendar UID.
func (l *Listing) Droppable(t *Life) bool {
	r := l.remains()
	if r.members[t.ID] > 1 {
		return false
	}
	below := func(s subject) bool {
		uid, ok := r.lowest[s]
		return ok && uid < t.Head.UID
	}
	if below(subject{kind: subjectName, text: t.Head.Name}) || below(subject{kind: subjectLife, text: string(t.ID)}) {
		return false
	}
	if t.Head.ICalUID != "" && below(subject{kind: subjectUID, text: t.Head.ICalUID}) {
		return false
	}
	for _, p := range t.Head.Prev {
		if p.Token != "" && below(subject{kind: subjectToken, text: string(p.Token)}) {
			return false
		}
	}
	return true
}
