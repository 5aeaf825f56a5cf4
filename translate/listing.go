package translate

import (
	"cmp"
	"iter"
	"slices"
)

// Live is the object that clients see under a name, nil if there is none.
func (l *Listing) Live(name string) *Life {
	i, ok := slices.BinarySearchFunc(l.alive, name, func(e *Life, name string) int { return cmp.Compare(e.Name, name) })
	if !ok {
		return nil
	}
	return l.alive[i]
}

// Holder is the object with an iCalendar UID (in its stored form), under any
// name; nil if there is none.
func (l *Listing) Holder(icalUID string) *Life {
	if icalUID == "" {
		return nil
	}
	for _, e := range l.alive {
		if e.Head.ICalUID == icalUID {
			return e
		}
	}
	return nil
}

// Props is the life of the properties with a Name: "" for those of this
// collection, "~owner/mailbox" for private ones; nil if there is none.
func (l *Listing) Props(name string) *Life {
	name = storedName(name)
	for _, e := range l.lives {
		if e.props() && e.Name == name {
			return e
		}
	}
	return nil
}

// PropsOf is the newest life of private properties that says MailboxID id, under whatever
// Name; nil if there is none.
func (l *Listing) PropsOf(id string) *Life {
	var of *Life
	for e := range l.AllProps() {
		if e.MailboxID() == id && (of == nil || e.Head.UID > of.Head.UID) {
			of = e
		}
	}
	return of
}

// AllProps are the lives of properties, of whatever Name.
func (l *Listing) AllProps() iter.Seq[*Life] {
	return func(yield func(*Life) bool) {
		for _, e := range l.lives {
			if e.props() && !yield(e) {
				return
			}
		}
	}
}

// Len is the number of objects that clients see.
func (l *Listing) Len() int { return len(l.alive) }

// Alive are the objects that clients see, in the order of the octets of their
// names.
func (l *Listing) Alive() iter.Seq[*Life] { return slices.Values(l.alive) }

// Native are the accepted lives, alive and dead, that were written for this
// folder.
func (l *Listing) Native() iter.Seq[*Life] {
	return func(yield func(*Life) bool) {
		for _, e := range l.lives {
			if e.native && !e.Foreign && !yield(e) {
				return
			}
		}
	}
}

// Dead are the lives that ended and whose tombstone is still there.
func (l *Listing) Dead() iter.Seq[*Life] {
	return func(yield func(*Life) bool) {
		for _, e := range l.lives {
			if e.Dead && !yield(e) {
				return
			}
		}
	}
}

// Seen says whether a life, alive or dead, has this name.
func (l *Listing) Seen(name string) bool {
	_, ok := l.names[name]
	return ok
}

// Won says whether the write with this Token is a head, or an accepted head
// descends from it.
func (l *Listing) Won(t Token) bool {
	if t == "" {
		return false
	}
	for _, e := range l.lives {
		if !e.Foreign && (e.Head.Token == t || e.names(t)) {
			return true
		}
	}
	return false
}

// Beaten says that a write which was stored, and whose message is gone, had lost and
// was cleaned up by the winner: its life has come to its generation or further
// without it, or somebody else has what it wanted to create. A version that had won
// would stand in the Prev of all that came after it, as far as that reaches. Of a
// write that may not be stored yet it says nothing: it can come when what beats it
// now is gone.
func (l *Listing) Beaten(r *Record) bool {
	for e := range l.Native() {
		h := e.Head
		if (h.Op == OpProps) != (r.Op == OpProps) {
			continue
		}
		if h.Life == r.Life {
			return h.Gen >= r.Gen && h.Gen-r.Gen <= MaxPrev
		}
		if r.Base == 0 && (h.Name == r.Name || r.ICalUID != "" && h.ICalUID == r.ICalUID) && h.UID > r.Asof {
			return true
		}
	}
	return false
}

// Copies are the UIDs of those messages of ours that are foreign now and whose
// order among each other is open: SEQUENCE and DTSTAMP must be read from their
// bodies (and Opened be set) before the listing is final.
func (l *Listing) Copies() []uint32 {
	var uids []uint32
	for _, e := range l.lives {
		if !e.Foreign || len(e.Members) < 2 {
			continue
		}
		for _, m := range e.Members {
			if m.Ours && !m.Opened {
				uids = append(uids, m.UID)
			}
		}
	}
	slices.Sort(uids)
	return uids
}
