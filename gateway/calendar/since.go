package calendar

import (
	"fmt"
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
	page := ""
	if t.UpTo != 0 {
		page = fmt.Sprintf(".%d.%d", t.UpTo, t.Base)
	}
	return fmt.Sprintf("%s%d-%d%s-%s", tokenPrefix, t.uidValidity, t.Next, page, t.Digest)
}

// parseToken reads a token; one that String would write otherwise is none.
func parseToken(s string) (t syncToken, ok bool) {
	rest, found := strings.CutPrefix(s, tokenPrefix)
	parts := strings.Split(rest, "-")
	if !found || len(parts) != 3 {
		return t, false
	}
	numbers := append([]string{parts[0]}, strings.Split(parts[1], ".")...)
	fields := []*uint32{&t.uidValidity, &t.Next, &t.UpTo, &t.Base}
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
	t.Digest = parts[2]
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
