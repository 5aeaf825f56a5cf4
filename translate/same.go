package translate

// This file tells which messages that belong to no accepted life of ours are of
// the same object as one: by iCalendar UID; properties by their Name; and where
// there is no iCalendar UID, which is never compared when it is empty, by what
// Life and Prev of a version say of the message.

// shadow is what lives with one subject cover and have seen.
type shadow struct {
	alive bool
	dead  uint32 // highest UID of a tombstone
	seen  uint32 // highest UID that a native one of them knew
}

func (s *shadow) add(l *Life) {
	if l.Dead {
		s.dead = max(s.dead, l.Head.UID)
	} else {
		s.alive = true
	}
	if l.native {
		s.seen = max(s.seen, l.Head.Base, l.Head.Asof)
	}
}

// covers says whether something alive, or ended above uid, is there.
func (s shadow) covers(uid uint32) bool { return s.alive || s.dead > uid }

// shadows are those of a set of lives, by subject.
type shadows map[subject]shadow

// shadows of the accepted lives of ours for which take says yes.
func (l *Listing) shadows(take func(*Life) bool) shadows {
	x := make(shadows, len(l.lives))
	var subjects []subject
	for _, e := range l.lives {
		if e.Foreign || !take(e) {
			continue
		}
		subjects = e.identity(subjects[:0], l.nameless)
		for _, s := range subjects {
			v := x[s]
			v.add(e)
			x[s] = v
		}
	}
	return x
}

// any says whether one of the shadows that may fall on m does what f asks.
func (x shadows) any(l *Listing, m *Record, f func(shadow) bool) bool {
	subjects, n := l.same(m)
	for _, s := range subjects[:n] {
		if v, ok := x[s]; ok && f(v) {
			return true
		}
	}
	return false
}

// same are the subjects by which a message is of the same object as a life.
func (l *Listing) same(m *Record) (s [3]subject, n int) {
	switch {
	case m.Op == OpProps:
		s[0] = subject{kind: subjectProps, text: m.Name}
		return s, 1
	case m.ICalUID != "":
		s[0] = subject{kind: subjectUID, text: m.ICalUID}
		return s, 1
	}
	s[0] = subject{kind: subjectLife, text: string(lifeOver(l.UIDValidity, m.UID))}
	if m.Token == "" {
		return s, 1
	}
	s[1] = subject{kind: subjectLife, text: string(m.Life)}
	s[2] = subject{kind: subjectToken, text: string(m.Token)}
	return s, 3
}

func accepted(*Life) bool { return true }
