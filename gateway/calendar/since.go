package calendar

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"calgate/translate"
)

// Change is one step of a delta.
type Change struct {
	Entry        // of the version of now; of a removal the name only
	Deleted bool // the object is gone
}

// Delta leads from the listing of a sync token to the present one, or part of the
// way (RFC 6578 section 3.6).
type Delta struct {
	Changes []Change
	Token   string
	More    bool // the limit cut it short; Token goes on from there
}

const tokenPrefix = "urn:calgate:"

// SyncToken is DAV:sync-token of what the view shows (RFC 6578 section 4).
func (v *View) SyncToken() string { return v.token(v.ix.triple.UIDNext) }

// token names the listing that readers saw when UIDNEXT was next.
func (v *View) token(next uint32) string {
	return fmt.Sprintf("%s%d-%d-%s", tokenPrefix, v.ix.triple.UIDValidity, next, v.ix.listing.At(next).Digest())
}

// Since tells what changed after a token; of the empty token everything is new.
// limit bounds the changes, 0 is no bound. Kind InvalidToken: the token is none of
// this folder's, or the listing of then cannot be rebuilt.
func (v *View) Since(token string, limit int) (Delta, error) {
	var old translate.Snapshot
	if token != "" {
		next, err := v.rebuild(token)
		if err != nil {
			return Delta{}, err
		}
		old = v.ix.listing.At(next)
	}
	changes := v.changes(old)
	if limit <= 0 || len(changes) <= limit {
		return Delta{Changes: newestOnly(changes), Token: v.SyncToken()}, nil
	}
	page := changes[:limit]
	return Delta{Changes: newestOnly(page), Token: v.token(page[limit-1].UID + 1), More: true}, nil
}

// rebuild finds the UIDNEXT of a token whose listing can be had again: the digest
// says so.
func (v *View) rebuild(token string) (next uint32, err error) {
	refused := &Error{Op: "Since", Mailbox: v.calendar.Mailbox, Kind: InvalidToken}
	rest, ok := strings.CutPrefix(token, tokenPrefix)
	parts := strings.Split(rest, "-")
	if !ok || len(parts) != 3 {
		return 0, refused
	}
	n, err := strconv.ParseUint(parts[1], 10, 32)
	if err != nil || uint32(n) > v.ix.triple.UIDNext || v.token(uint32(n)) != token {
		return 0, refused
	}
	return uint32(n), nil
}

// changes are all steps from an old listing to the present one, in the order of
// UIDs: a version at its own, a removal at its tombstone's.
func (v *View) changes(old translate.Snapshot) []Change {
	var all []Change
	present := map[string]bool{}
	for l := range v.ix.listing.Alive() {
		present[l.Name] = true
		if was, ok := old[l.Name]; !ok || was.UID != l.Head.UID {
			all = append(all, Change{Entry: v.entry(l)})
		}
	}
	removedAt := map[string]uint32{}
	for l := range v.ix.listing.Dead() {
		removedAt[l.Name] = max(removedAt[l.Name], l.Head.UID)
	}
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
