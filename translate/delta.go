package translate

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Position names a listing that a client has: the one that readers saw when UIDNEXT
// was Next, and what the pages that it was told since made of it.
type Position struct {
	Next   uint32
	Pages  []Page // oldest first, at most MaxPages
	Digest string // of the listing
}

// Page is the first part of the steps to the listing that readers saw when UIDNEXT
// was Next: those below UpTo.
type Page struct{ Next, UpTo uint32 }

// MaxPages is how many pages a position names. Pages that tell one delta count as
// one, so long as nothing that they told changes in between.
const MaxPages = 16

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
	if p == nil {
		p = &Position{Digest: Snapshot{}.Digest()}
	}
	whole := l.At(next)
	old, before, ok := l.rebuild(p, whole, next)
	if !ok {
		return nil, Position{}, false, false
	}
	all := l.changes(old, whole, Page{next, next})
	slices.SortStableFunc(all, func(x, y edit) int { return cmp.Or(cmp.Compare(x.at, y.at), strings.Compare(x.name, y.name)) })
	if limit <= 0 || len(all) <= limit {
		return l.told(all), Position{Next: next, Digest: whole.Digest()}, false, true
	}
	page := Page{next, all[limit-1].at + 1}
	has := old.after(all[:limit])
	pages := slices.Clone(p.Pages)
	if n := len(pages); n > 0 && (pages[n-1].Next == next || maps.Equal(has, before.after(l.changes(before, whole, page)))) {
		pages = pages[:n-1] // the new one tells all of it
	} else if n == MaxPages {
		pages = pages[1:]
	}
	return l.told(all[:limit]), Position{p.Next, append(pages, page), has.Digest()}, true, true
}

// rebuild finds the listing of a position again, and what it was before the last
// page. That it is the one that the client has, its digest says; it does so of a
// UIDNEXT above next, too: another gateway saw a message that came and went.
//
// Each page is told once more. A guess from the last one would not do: of an object
// that was told in an earlier page and has changed since, or was removed and made
// again, it could not say which version the client has.
func (l *Listing) rebuild(p *Position, whole Snapshot, next uint32) (has, before Snapshot, ok bool) {
	at := func(then uint32) Snapshot {
		if then == next {
			return whole
		}
		return l.At(then)
	}
	has = at(p.Next)
	for _, page := range p.Pages {
		before = has
		has = before.after(l.changes(before, at(page.Next), page))
	}
	return has, before, has.Digest() == p.Digest
}

// edit is what one message did to a listing.
type edit struct {
	name string
	at   uint32      // UID of the message
	to   Predecessor // the version; UID 0: the object is gone
}

// after is the listing when changes have been told.
func (s Snapshot) after(changes []edit) Snapshot {
	has := maps.Clone(s)
	for _, c := range changes {
		if c.to.UID == 0 {
			delete(has, c.name)
		} else {
			has[c.name] = c.to
		}
	}
	return has
}

// changes are those of a page on the way from an old listing, the removals first.
// whole is the listing that the page leads to.
func (l *Listing) changes(old, whole Snapshot, p Page) []edit {
	var all []edit
	removedAt := l.removals(p.Next)
	for name, was := range old {
		at, dead := removedAt[name]
		if _, present := whole[name]; present && (!dead || at < was.UID) {
			continue
		}
		if !dead { // never missed: reported last
			at = p.Next - 1
		}
		if at < p.UpTo {
			all = append(all, edit{name: name, at: at})
		}
	}
	for name, v := range whole {
		if was, ok := old[name]; v.UID < p.UpTo && (!ok || was.UID != v.UID) {
			all = append(all, edit{name, v.UID, v})
		}
	}
	return all
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

// told makes steps of changes that lead to the present, one a name: the last.
func (l *Listing) told(changes []edit) []Step {
	last := make(map[string]int, len(changes))
	for i, c := range changes {
		last[c.name] = i
	}
	steps := make([]Step, 0, len(last))
	for i, c := range changes {
		if last[c.name] != i {
			continue
		}
		s := Step{Name: c.name, UID: c.at}
		if c.to.UID != 0 {
			s.Life = l.Live(c.name)
		}
		steps = append(steps, s)
	}
	return steps
}
