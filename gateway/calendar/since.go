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

// syncToken is a position in a folder.
type syncToken struct {
	uidValidity uint32
	translate.Position
}

func (t syncToken) String() string {
	b := fmt.Appendf(nil, "%s%d-%d", tokenPrefix, t.uidValidity, t.Next)
	for _, p := range t.Pages {
		b = fmt.Appendf(b, ".%d.%d", p.Next, p.UpTo)
	}
	return string(b) + "-" + t.Digest
}

// parseToken reads a token; one that String would write otherwise is none.
func parseToken(s string) (t syncToken, ok bool) {
	rest, found := strings.CutPrefix(s, tokenPrefix)
	parts := strings.Split(rest, "-")
	if !found || len(parts) != 3 {
		return t, false
	}
	words := append([]string{parts[0]}, strings.Split(parts[1], ".")...)
	if len(words)%2 != 0 || len(words) > 2*(1+translate.MaxPages) {
		return t, false
	}
	numbers := make([]uint32, len(words))
	for i, word := range words {
		n, err := strconv.ParseUint(word, 10, 32)
		if err != nil {
			return t, false
		}
		numbers[i] = uint32(n)
	}
	t.uidValidity, t.Next, t.Digest = numbers[0], numbers[1], parts[2]
	for p := range slices.Chunk(numbers[2:], 2) {
		t.Pages = append(t.Pages, translate.Page{Next: p[0], UpTo: p[1]})
	}
	return t, t.String() == s
}

// SyncToken is DAV:sync-token of what the view shows (RFC 6578 section 4).
func (v *View) SyncToken() string {
	return syncToken{v.ix.triple.UIDValidity, v.ix.listing.Position(v.ix.triple.UIDNext)}.String()
}

// Since tells what changed after a token; of the empty token everything is new.
// limit bounds the changes, 0 is no bound. Kind InvalidToken: the token is none of
// this folder's, or the listing of then cannot be rebuilt.
func (v *View) Since(token string, limit int) (Delta, error) {
	invalid := &Error{Op: "Since", Mailbox: v.calendar.Mailbox, Kind: InvalidToken}
	var position *translate.Position
	if token != "" {
		t, ok := parseToken(token)
		if !ok || t.uidValidity != v.ix.triple.UIDValidity {
			return Delta{}, invalid
		}
		position = &t.Position
	}
	steps, now, more, ok := v.ix.listing.Since(position, v.ix.triple.UIDNext, limit)
	if !ok {
		return Delta{}, invalid
	}
	d := Delta{Changes: make([]Change, len(steps)), Token: syncToken{v.ix.triple.UIDValidity, now}.String(), More: more}
	for i, s := range steps {
		if s.Life == nil {
			d.Changes[i] = Change{Entry: Entry{Name: s.Name, UID: s.UID}, Deleted: true}
		} else {
			d.Changes[i] = Change{Entry: v.entry(s.Life)}
		}
	}
	return d, nil
}
