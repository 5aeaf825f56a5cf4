package calendar

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"calgate/imapstore"
	"calgate/test/backends"
	"calgate/test/faulty"
	"calgate/translate"
)

func TestDecodeProperties(t *testing.T) {
	of := func(local, xml string) Property { return Property{Name: PropertyName{"urn:x", local}, XML: xml} }
	body := []byte("{urn%3Ax}b 1\r\nnothing\r\n{urn%3Ax}a%20 %3Ca%2F%3E\r\n{urn%3Ax}b 2\r\n{urn%3Ax}%zz 3\r\n")
	if d := cmp.Diff(properties{of("a ", "<a/>"), of("b", "1")}, decodeProperties(body)); d != "" {
		t.Error(d)
	}
	ps := properties{of("a", "1"), of("c", "3")}
	merged := ps.merged([]Property{of("d", "4"), of("b", "2"), of("c", "0"), of("d", "5")}, []PropertyName{{"urn:x", "a"}, {"urn:x", "z"}})
	if d := cmp.Diff(properties{of("b", "2"), of("c", "0"), of("d", "5")}, merged); d != "" {
		t.Error(d)
	}

	// Of what nobody may write no more is read than of what may be written.
	var many bytes.Buffer
	for i := range 20_000 {
		fmt.Fprintf(&many, "{}%06x x\r\n", 0xffffff-i)
	}
	if ps := decodeProperties(many.Bytes()); len(ps) != maxProperties {
		t.Errorf("%d properties are read", len(ps))
	}
	most := append([]byte("{}x "), bytes.Repeat([]byte("x"), maxPropertyOctets-4)...)
	if ps := decodeProperties(most); len(ps) != 1 {
		t.Errorf("%d properties of the largest body", len(ps))
	}
	if ps := decodeProperties(append(most, 'x')); len(ps) != 0 {
		t.Errorf("%d properties of a larger body", len(ps))
	}
}

// bodyFetches are the commands that fetched whole messages.
func bodyFetches(wire *faulty.Proxy) []string {
	return slices.DeleteFunc(wire.Commands(), func(c string) bool { return !strings.Contains(c, "BODY.PEEK[]") })
}

func loginAt(t *testing.T, url, user, password string) *Account {
	t.Helper()
	o, err := imapstore.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	store := imapstore.New(o)
	t.Cleanup(func() { store.Close() })
	a, err := New(store, Options{Autocreate: true}).Login(t.Context(), user, password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// openDefault makes the default calendar and opens it.
func openDefault(t *testing.T, a *Account) (Calendar, *View) {
	t.Helper()
	h, err := a.CreateDefaults(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, err := a.Open(t.Context(), h.DefaultCalendar())
	if err != nil {
		t.Fatal(err)
	}
	return h.DefaultCalendar(), v
}

// Properties that are too large, as any program can store them, are not even fetched; a PROPPATCH puts its own in their place.
func TestLargeProperties(t *testing.T) {
	t.Parallel()
	b := backends.Memory(t)
	wire := faulty.New(t, b.Addr)
	for name, octets := range map[string]struct{ are, said int }{
		"as it says": {maxPropertyOctets + 1, maxPropertyOctets + 1}, "as it hides": {maxPropsMessage, 20},
	} {
		t.Run(name, func(t *testing.T) {
			body := append([]byte("{urn%3Ax}large "), bytes.Repeat([]byte("x"), octets.are)...)
			user, password := b.User()
			a := loginAt(t, wire.URL(), user, password)
			c, v := openDefault(t, a)
			w := translate.Write{Op: translate.OpProps, Token: translate.NewToken(), Asof: v.ix.triple.UIDNext - 1, Hash: translate.Hash(body), Length: int64(octets.said)}
			message := translate.Message(v.ix.listing.Next(w, nil), translate.Envelope{From: user, Date: v.looked}, body)
			if _, err := a.session.Append(t.Context(), c.Mailbox, imapstore.Outgoing{Octets: message}, v.looked.Add(maxLook)); err != nil {
				t.Fatal(err)
			}
			wire.Forget()
			var err error
			if v, err = a.Open(t.Context(), c); err != nil || v.ix.listing.Props(collection) == nil {
				t.Fatalf("the message is not there: %v", err)
			}
			if ps, err := v.Properties(t.Context()); err != nil || len(ps) != 0 {
				t.Errorf("%d properties, %v", len(ps), err)
			}
			small := Property{Name: PropertyName{"urn:x", "small"}, XML: "<small/>"}
			if err := v.Patch(t.Context(), []Property{small}, nil); err != nil {
				t.Fatal(err)
			}
			if got := bodyFetches(wire); len(got) > 0 {
				t.Errorf("fetched: %q", got)
			}
			if ps, err := v.Properties(t.Context()); err != nil || !slices.Equal(ps, []Property{small}) {
				t.Errorf("after a PROPPATCH: %v, %v", ps, err)
			}
		})
	}
}

// Of one's own properties of other users' calendars those are read that a request is about, and of many no more at once than
// other bodies, also where their owner has moved some of the calendars since.
func TestPrivateLivesInParts(t *testing.T) {
	t.Parallel()
	b := backends.Memory(t)
	wire := faulty.New(t, b.Addr)
	user, password := b.User()
	a := loginAt(t, b.URL(), user, password)
	const n = 7
	var calendars []Calendar
	listed := states{}
	view := func(a *Account, c Calendar) *View {
		return &View{account: a, calendar: c, ix: &index{triple: listed[c.Mailbox].Mailbox}}
	}
	value := strings.Repeat("x", maxPropertyOctets-100)
	for i := range n {
		c := Calendar{Mailbox: fmt.Sprintf("~bob/Calendar/%d", i), Exists: true}
		calendars = append(calendars, c)
		listed[c.Mailbox] = imapstore.Listed{Mailbox: imapstore.Mailbox{ID: fmt.Sprint("id", i)}}
		set := []Property{{Name: PropertyName{"urn:x", fmt.Sprint(i)}, XML: value}}
		if err := view(a, c).patchSettings(t.Context(), changes(nil, set, nil)); err != nil {
			t.Fatal(err)
		}
	}
	read := func(a *Account, c Calendar) {
		t.Helper()
		ps, err := view(a, c).privateLife(t.Context())
		if err != nil || len(ps) != 1 || !strings.HasSuffix(c.Mailbox, "/"+ps[0].Name.Local) || ps[0].XML != value {
			t.Errorf("%s: %d properties, %v", c.Mailbox, len(ps), err)
		}
	}

	a = loginAt(t, wire.URL(), user, password)
	read(a, calendars[3])
	if len(a.settings.own) != 1 || len(bodyFetches(wire)) != 1 {
		t.Errorf("of one calendar %d are read: %q", len(a.settings.own), bodyFetches(wire))
	}
	if ps, err := view(a, Calendar{Mailbox: "~bob/Other", Exists: true}).privateLife(t.Context()); err != nil || len(ps) > 0 || len(bodyFetches(wire)) != 1 {
		t.Errorf("of a calendar without any: %v, %v, %q", ps, err, bodyFetches(wire))
	}

	a = loginAt(t, wire.URL(), user, password)
	wire.Forget()
	for i := 1; i < n; i += 2 {
		was := calendars[i].Mailbox
		calendars[i].Mailbox = fmt.Sprintf("~bob/Moved/%d", i)
		listed[calendars[i].Mailbox] = listed[was]
	}
	a.opened, a.states = calendars, listed
	for _, c := range calendars {
		read(a, c)
		octets := int64(0)
		for uid := range a.settings.own {
			octets += a.settings.view.ix.record(uid).Size
		}
		if octets > batchOctets {
			t.Errorf("%d octets are read at once", octets)
		}
	}
	if got := bodyFetches(wire); len(got) != 2 {
		t.Errorf("fetched: %q", got)
	}
}
