package calendar

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"calgate/translate"
)

// Change is one step of a delta.
type Change struct {
	Entry        // of the version of now; of a removal the name only
	Deleted bool // the object is gone

	version translate.Predecessor // as a Snapshot has it
}

// Delta leads from the listing of a sync token to the present one, or part of the
// way (RFC 6578 section 3.6).
type Delta struct {
	Changes []Change
	Token   string
	More    bool // the limit cut it short; Token goes on from there
}

const tokenPrefix = "urn:calgate:"

// syncToken names a listing that a client has. Whole: the one that readers saw when
// UIDNEXT was next. A page: on the way from the listing at base to the one at next,
// what lies below upTo has been told.
type syncToken struct {
	uidValidity, next uint32
	upTo, base        uint32 // of a page; upTo 0: a whole one
	digest            string // of the listing
}

func (t syncToken) String() string {
	page := ""
	if t.upTo != 0 {
		page = fmt.Sprintf(".%d.%d", t.upTo, t.base)
	}
	return fmt.Sprintf("%s%d-%d%s-%s", tokenPrefix, t.uidValidity, t.next, page, t.digest)
}

// parseToken reads a token; one that String would write otherwise is none.
func parseToken(s string) (t syncToken, ok bool) {
	rest, found := strings.CutPrefix(s, tokenPrefix)
	parts := strings.Split(rest, "-")
	if !found || len(parts) != 3 {
		return t, false
	}
	numbers := append([]string{parts[0]}, strings.Split(parts[1], ".")...)
	fields := []*uint32{&t.uidValidity, &t.next, &t.upTo, &t.base}
	if len(numbers) != 2 && len(numbers) != len(fields) {
		return t, false
	}
	for i, number := range numbers {
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil {
			return t, false
		}
		*fields[i] = uint32(n)
	}
	t.digest = parts[2]
	return t, t.String() == s
}

// SyncToken is DAV:sync-token of what the view shows (RFC 6578 section 4).
func (v *View) SyncToken() string {
	next := v.ix.triple.UIDNext
	return syncToken{uidValidity: v.ix.triple.UIDValidity, next: next, digest: v.ix.listing.At(next).Digest()}.String()
}

// Since tells what changed after a token; of the empty token everything is new.
// limit bounds the changes, 0 is no bound. Kind InvalidToken: the token is none of
// this folder's, or the listing of then cannot be rebuilt.
func (v *View) Since(token string, limit int) (Delta, error) {
	old, base := translate.Snapshot{}, uint32(0)
	if token != "" {
		t, ok := parseToken(token)
		if old, ok = v.rebuild(t, ok); !ok {
			return Delta{}, &Error{Op: "Since", Mailbox: v.calendar.Mailbox, Kind: InvalidToken}
		}
		if base = t.next; t.upTo != 0 {
			base = t.base
		}
	}
	changes := v.changes(old)
	if limit <= 0 || len(changes) <= limit {
		return Delta{Changes: newestOnly(changes), Token: v.SyncToken()}, nil
	}
	page := newestOnly(changes[:limit])
	has := maps.Clone(old)
	for _, c := range page {
		if c.Deleted {
			delete(has, c.Name)
		} else {
			has[c.Name] = c.version
		}
	}
	next := syncToken{v.ix.triple.UIDValidity, v.ix.triple.UIDNext, changes[limit-1].UID + 1, base, has.Digest()}
	return Delta{Changes: page, Token: next.String(), More: true}, nil
}

// rebuild finds the listing of a token again. That it is the one that the client has,
// its digest says; else nobody can tell what changed.
func (v *View) rebuild(t syncToken, ok bool) (translate.Snapshot, bool) {
	if !ok || t.uidValidity != v.ix.triple.UIDValidity || t.next > v.ix.triple.UIDNext {
		return nil, false
	}
	if t.upTo == 0 {
		s := v.ix.listing.At(t.next)
		return s, s.Digest() == t.digest
	}
	if s := v.page(t); s.Digest() == t.digest {
		return s, true
	}
	s := v.ix.listing.At(t.upTo)
	return s, s.Digest() == t.digest
}

// page rebuilds what a client had after a page. An object whose version of then lies
// beyond the page is still as it was at the base: that an older version of it lies
// below means nothing, for nobody has told it. (Were that taken for told, the client
// would never hear of it when a mail program expunges the newer one.)
func (v *View) page(t syncToken) translate.Snapshot {
	base, whole := v.ix.listing.At(t.base), v.ix.listing.At(t.next)
	removedAt := v.removals(t.next)
	has := translate.Snapshot{}
	for name, was := range base {
		now, ok := whole[name]
		at := removedAt[name]
		switch {
		case ok && now.UID == was.UID:
			has[name] = was
		case ok && now.UID < t.upTo:
			has[name] = now
		case at > was.UID && at < t.upTo: // its removal was told
		default:
			has[name] = was
		}
	}
	for name, now := range whole {
		if _, was := base[name]; !was && now.UID < t.upTo {
			has[name] = now
		}
	}
	return has
}

// removals are the names with a tombstone below next, and the UID of the last.
func (v *View) removals(next uint32) map[string]uint32 {
	at := map[string]uint32{}
	for l := range v.ix.listing.Dead() {
		if l.Head.UID < next {
			at[l.Name] = max(at[l.Name], l.Head.UID)
		}
	}
	return at
}

// changes are all steps from an old listing to the present one, in the order of
// UIDs: a version at its own, a removal at its tombstone's.
func (v *View) changes(old translate.Snapshot) []Change {
	var all []Change
	present := map[string]bool{}
	for l := range v.ix.listing.Alive() {
		present[l.Name] = true
		if was, ok := old[l.Name]; !ok || was.UID != l.Head.UID {
			all = append(all, Change{Entry: v.entry(l), version: translate.Predecessor{UID: l.Head.UID, Token: l.Head.Token}})
		}
	}
	removedAt := v.removals(v.ix.triple.UIDNext)
	for name := range old {
		at, dead := removedAt[name]
		if present[name] && (!dead || at < old[name].UID) {
			continue
		}
		if !dead { // never missed: reported last
			at = v.ix.triple.UIDNext - 1
		}
		all = append(all, Change{Entry: Entry{Name: name, UID: at}, Deleted: true})
	}
	slices.SortFunc(all, func(x, y Change) int {
		if x.UID != y.UID {
			return int(int64(x.UID) - int64(y.UID))
		}
		return strings.Compare(x.Name, y.Name)
	})
	return all
}

// newestOnly leaves one change a name: the last.
func newestOnly(changes []Change) []Change {
	last := map[string]int{}
	for i, c := range changes {
		last[c.Name] = i
	}
	out := make([]Change, 0, len(last))
	for i, c := range changes {
		if last[c.Name] == i {
			out = append(out, c)
		}
	}
	return out
}
