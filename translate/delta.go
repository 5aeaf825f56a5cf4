package translate

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Position names a listing that a client has. Whole: the one that readers saw when
// UIDNEXT was Next. After a page: on the way from the listing at Base to the one at
// Next, what lies below UpTo has been told.
type Position struct {
	Next       uint32
	UpTo, Base uint32 // of a page; UpTo 0: a whole one
	Digest     string // of the listing
}

// Step is one change on the way from a listing to the present one.
type Step struct {
	Name string
	UID  uint32 // of the version; of a removal the tombstone's
	Life *Life  // nil: the object is gone
}

// Position is where a client is that has the whole listing of UIDNEXT next.
func (l *Listing) Position(next uint32) Position {
	return Position{Next: next, Digest: l.At(next).Digest()}
}

// Since tells what changed after a position; nil: everything is new. next is
// UIDNEXT. limit bounds the steps, 0 is no bound; more: there are others, and the
// returned position goes on from there (RFC 6578 section 3.6). ok is false where the
// listing of then cannot be rebuilt, so that nobody can tell what changed.
func (l *Listing) Since(p *Position, next uint32, limit int) (steps []Step, now Position, more, ok bool) {
	old, base := Snapshot{}, uint32(0)
	if p != nil {
		if old, ok = l.rebuild(*p, next); !ok {
			return nil, Position{}, false, false
		}
		if base = p.Next; p.UpTo != 0 {
			base = p.Base
		}
	}
	all := l.steps(old, next)
	if limit <= 0 || len(all) <= limit {
		return newestOnly(all), l.Position(next), false, true
	}
	steps = newestOnly(all[:limit])
	has := maps.Clone(old)
	for _, s := range steps {
		if s.Life == nil {
			delete(has, s.Name)
		} else {
			has[s.Name] = Predecessor{s.Life.Head.UID, s.Life.Head.Token}
		}
	}
	return steps, Position{next, all[limit-1].UID + 1, base, has.Digest()}, true, true
}

// rebuild finds the listing of a position again. That it is the one that the client
// has, its digest says.
func (l *Listing) rebuild(p Position, next uint32) (Snapshot, bool) {
	if p.Next > next {
		return nil, false
	}
	if p.UpTo == 0 {
		s := l.At(p.Next)
		return s, s.Digest() == p.Digest
	}
	if s := l.page(p); s.Digest() == p.Digest {
		return s, true
	}
	s := l.At(p.UpTo)
	return s, s.Digest() == p.Digest
}

// page rebuilds what a client had after a page. An object whose version of then lies
// beyond the page is still as it was at the base: that an older version of it lies
// below means nothing, for nobody has told it. (Were that taken for told, the client
// would never hear of it when a mail program expunges the newer one.)
func (l *Listing) page(p Position) Snapshot {
	base, whole := l.At(p.Base), l.At(p.Next)
	removedAt := l.removals(p.Next)
	has := Snapshot{}
	for name, was := range base {
		now, ok := whole[name]
		at := removedAt[name]
		switch {
		case ok && now.UID == was.UID:
			has[name] = was
		case ok && now.UID < p.UpTo:
			has[name] = now
		case at > was.UID && at < p.UpTo: // its removal was told
		default:
			has[name] = was
		}
	}
	for name, now := range whole {
		if _, was := base[name]; !was && now.UID < p.UpTo {
			has[name] = now
		}
	}
	return has
}

// removals are the names with a tombstone below next, and the UID of the last.
func (l *Listing) removals(next uint32) map[string]uint32 {
	at := map[string]uint32{}
	for e := range l.Dead() {
		if e.Head.UID < next {
			at[e.Name] = max(at[e.Name], e.Head.UID)
		}
	}
	return at
}

// steps are all changes from an old listing to the present one, in the order of
// UIDs.
func (l *Listing) steps(old Snapshot, next uint32) []Step {
	var all []Step
	present := map[string]bool{}
	for e := range l.Alive() {
		present[e.Name] = true
		if was, ok := old[e.Name]; !ok || was.UID != e.Head.UID {
			all = append(all, Step{e.Name, e.Head.UID, e})
		}
	}
	removedAt := l.removals(next)
	for name := range old {
		at, dead := removedAt[name]
		if present[name] && (!dead || at < old[name].UID) {
			continue
		}
		if !dead { // never missed: reported last
			at = next - 1
		}
		all = append(all, Step{Name: name, UID: at})
	}
	slices.SortFunc(all, func(x, y Step) int { return cmp.Or(cmp.Compare(x.UID, y.UID), strings.Compare(x.Name, y.Name)) })
	return all
}

// newestOnly leaves one step a name: the last.
func newestOnly(steps []Step) []Step {
	last := map[string]int{}
	for i, s := range steps {
		last[s.Name] = i
	}
	out := make([]Step, 0, len(last))
	for i, s := range steps {
		if last[s.Name] == i {
			out = append(out, s)
		}
	}
	return out
}
