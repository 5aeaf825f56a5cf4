package calendar

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"calgate/translate"
)

// Bounds of the properties of one calendar, for who writes them and for who reads
// them: whoever may APPEND to a shared calendar makes all its readers read.
const (
	maxProperties     = 500
	maxPropertyOctets = 1 << 20
	// maxPropsMessage is for the whole message, whose body may be in base64.
	maxPropsMessage = 2 * maxPropertyOctets
)

// PropertyName is an expanded XML name.
type PropertyName struct{ Space, Local string }

func (n PropertyName) String() string { return "{" + n.Space + "}" + n.Local }

// Property is a property of a calendar. XML is the element as an answer writes it,
// complete with its namespace declarations. Text is the character data in it, or the
// names of what is in it, with blanks between them: all there is of a property that a
// program without XML keeps.
//
// One that is stored without both is not there, whatever METADATA says.
type Property struct {
	Name      PropertyName
	XML, Text string
	Private   bool // read: this user's own, which nobody else sees
}

func (p Property) isThere() bool { return p.XML != "" || p.Text != "" }

// properties are all of a calendar, ordered by name.
type properties []Property

func compareNames(x, y PropertyName) int {
	if c := strings.Compare(x.Space, y.Space); c != 0 {
		return c
	}
	return strings.Compare(x.Local, y.Local)
}

func (ps properties) find(n PropertyName) (int, bool) {
	return slices.BinarySearchFunc(ps, n, func(p Property, n PropertyName) int { return compareNames(p.Name, n) })
}

// ordered sorts ps itself by name; of those that have one name the first stays.
func (ps properties) ordered() properties {
	slices.SortStableFunc(ps, func(x, y Property) int { return compareNames(x.Name, y.Name) })
	return slices.CompactFunc(ps, func(x, y Property) bool { return x.Name == y.Name })
}

// merged is ps with a change applied; ps stays as it is.
func (ps properties) merged(set []Property, remove []PropertyName) properties {
	gone := make(map[PropertyName]bool, len(remove))
	for _, n := range remove {
		gone[n] = true
	}
	out := slices.Grow(properties(nil), len(ps)+len(set))
	for _, p := range slices.Backward(set) { // of two with one name the later one counts
		out = append(out, p)
	}
	for _, p := range ps {
		if !gone[p.Name] {
			out = append(out, p)
		}
	}
	return out.ordered()
}

// encode writes the body of a props message: one line a property, its name, a
// blank and its element, percent-encoded.
func (ps properties) encode() []byte {
	var b bytes.Buffer
	for _, p := range ps {
		fmt.Fprintf(&b, "{%s}%s %s\r\n", translate.PercentEncode(p.Name.Space), translate.PercentEncode(p.Name.Local), translate.PercentEncode(p.XML))
	}
	return b.Bytes()
}

// decodeProperties reads what encode wrote. A line that says nothing is left out:
// the rest of the properties is worth more than an error. What is beyond the bounds of
// encode was written by somebody else, and is left out too.
func decodeProperties(body []byte) properties {
	if len(body) > maxPropertyOctets {
		return nil
	}
	var ps properties
	for line := range strings.Lines(string(body)) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		space, local, ok2 := strings.Cut(strings.TrimPrefix(name, "{"), "}")
		if !ok || !ok2 {
			continue
		}
		p := Property{}
		var good [3]bool
		p.Name.Space, good[0] = translate.PercentDecode(space)
		p.Name.Local, good[1] = translate.PercentDecode(local)
		p.XML, good[2] = translate.PercentDecode(value)
		if good != [3]bool{true, true, true} {
			continue
		}
		if ps = append(ps, p); len(ps) == maxProperties {
			break
		}
	}
	return ps.ordered()
}

// collection is the name of the props life that holds a calendar's own
// properties; no URL can say it.
const collection = ""

// Properties are what this user sees: the stored properties of the calendar, ordered
// by name, with the user's own ones before those that all share. What METADATA says
// fills what is stored in neither.
func (v *View) Properties(ctx context.Context) ([]Property, error) {
	entries, err := v.entries(ctx)
	if err != nil {
		return nil, err
	}
	stored, err := v.life(ctx, collection)
	if err != nil {
		return nil, err
	}
	own, err := v.privateLife(ctx)
	if err != nil {
		return nil, err
	}
	own = annotations(entries, private).merged(own, nil).there()
	for i := range own {
		own[i].Private = true
	}
	return annotations(entries, shared).merged(stored, nil).there().merged(own, nil), nil
}

// SharedProperties are those that the folder itself holds for all, ordered by name: one
// message, read once.
func (v *View) SharedProperties(ctx context.Context) ([]Property, error) {
	stored, err := v.life(ctx, collection)
	return stored.there(), err
}

// there are those that are.
func (ps properties) there() properties {
	return slices.DeleteFunc(ps, func(p Property) bool { return !p.isThere() })
}

// propsHead is the message that holds a props life, nil where there is nothing to read.
func (v *View) propsHead(ctx context.Context, life *translate.Life) *translate.Record {
	if life == nil || life.Head.Length == 0 {
		return nil
	}
	if life.Head.Length > maxPropertyOctets || life.Head.Size > maxPropsMessage {
		v.account.server.o.Logger.WarnContext(ctx, "the properties of a calendar are too large; they are not read",
			"mailbox", v.calendar.Mailbox, "uid", life.Head.UID, "user", v.account.name, "octets", life.Head.Size)
		return nil
	}
	return life.Head
}

// life reads the properties of a props life, nil where there is none.
func (v *View) life(ctx context.Context, name string) (properties, error) {
	for range maxLooks {
		head := v.propsHead(ctx, v.ix.listing.Props(name))
		if head == nil {
			return nil, nil
		}
		if name == collection {
			if body := v.annotatedBody(head); body != nil {
				return decodeProperties(body), nil
			}
		}
		items := []Item{{Entry: Entry{UID: head.UID, Length: head.Length}}}
		missing, err := v.fetchBodies(ctx, items, []int{0})
		if err != nil {
			return nil, err
		}
		if len(missing) == 0 {
			return decodeProperties(items[0].Body), nil
		}
		if err := v.look(ctx); err != nil { // replaced meanwhile
			return nil, err
		}
	}
	return nil, v.unavailable("Properties", errMoving)
}

// Patch changes stored properties in one step; what nobody names stays. A write
// that loses is merged into the newer set and repeated: the last one wins, property
// by property. Who lacks the rights to change them for all changes them for himself
// alone.
//
// Errors: Kind Forbidden, TooMany, OverQuota, Unavailable.
func (v *View) Patch(ctx context.Context, set []Property, remove []PropertyName) error {
	entries, err := v.entries(ctx)
	if err != nil {
		return err
	}
	if !v.May(WriteProperties) {
		return v.patchPrivate(ctx, entries, set, remove)
	}
	body, err := v.patchLife(ctx, translate.Write{Name: collection}, changes(annotations(entries, shared), set, remove), false)
	if err != nil {
		return err
	}
	v.annotate(ctx, entries, set, remove, body)
	return v.forgetPrivate(ctx, changed(set, remove))
}

// changes is what a PROPPATCH does to a props life. What is removed, and below it
// another program's METADATA would show, is stored as what is not there.
func changes(below properties, set []Property, remove []PropertyName) func(properties) properties {
	for _, n := range remove {
		if _, shows := below.find(n); shows {
			set = append(slices.Clip(set), Property{Name: n})
		}
	}
	return func(old properties) properties { return old.merged(set, remove) }
}

// errFirst says that a calendar has properties already.
var errFirst = errors.New("the calendar has properties already")

// patchLife writes the next version of a props life, w.Name; first wants to be the one that
// begins it, and fails with Kind Exists otherwise. It gives the body that was stored.
func (v *View) patchLife(ctx context.Context, w translate.Write, change func(properties) properties, first bool) ([]byte, error) {
	for try := range maxTries {
		if try > 0 {
			if err := v.look(ctx); err != nil {
				return nil, err
			}
		}
		if err := v.require("Patch", WriteProperties); err != nil {
			return nil, err
		}
		head := v.ix.listing.Props(w.Name)
		if first && head != nil {
			return nil, &Error{Op: "Patch", Mailbox: v.calendar.Mailbox, Kind: Exists, Err: errFirst}
		}
		old, err := v.life(ctx, w.Name)
		if err != nil {
			return nil, err
		}
		if v.ix.listing.Props(w.Name) != head {
			continue // replaced while it was read
		}
		merged := change(old)
		body := merged.encode()
		if len(merged) > maxProperties || len(body) > maxPropertyOctets {
			return nil, &Error{Op: "Patch", Mailbox: v.calendar.Mailbox, Kind: TooMany}
		}
		if w.Name == collection {
			w.MailboxID = v.mailboxID(head, first)
		}
		w.Op, w.Hash, w.Length = translate.OpProps, translate.Hash(body), int64(len(body))
		if _, err = v.append(ctx, "Patch", w, head, "", body); !errors.Is(err, errLost) {
			return body, err
		}
	}
	return nil, &Error{Op: "Patch", Mailbox: v.calendar.Mailbox, Kind: Unavailable, Err: errLostAgain}
}
