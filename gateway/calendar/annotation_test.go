package calendar_test

import (
	"fmt"
	"slices"
	"testing"

	"calgate/gateway/calendar"
	"calgate/imapstore"
	"calgate/test/backends"
	"calgate/test/faulty"
)

// A home with many calendars costs one command more for the properties of all, on a gateway that has seen none of them:
// METADATA has the bodies of the props messages, and what is not the present one is not believed.
func TestMetadataSparesBodies(t *testing.T) {
	for name, s := range map[string]*backends.Server{
		"dovecot": backends.Dovecot(t, backends.Options{Metadata: true, Dotted: true}),
		"cyrus":   backends.Cyrus(t, backends.Options{Metadata: true}),
	} {
		t.Run(name, func(t *testing.T) {
			const n = 12
			g := newFleet(t, s, 3, calendar.Options{})
			a := g.account(t, 0)
			display, note := calendar.PropertyName{Space: "DAV:", Local: "displayname"}, calendar.PropertyName{Space: "urn:x", Local: "note"}
			for i := range n {
				set := []calendar.Property{{Name: display, XML: fmt.Sprintf("<n>%d</n>", i)}, {Name: note, XML: "<x/>"}}
				if _, err := a.Create(t.Context(), []string{fmt.Sprintf("w %02d", i)}, calendar.Events, set); err != nil {
					t.Fatal(err)
				}
			}
			a.Close()
			// read gives the names of all calendars, and what OpenAll and the properties cost.
			read := func(i int) (names []string, open, properties int) {
				a := g.account(t, i)
				defer a.Close()
				h, err := a.Home(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				var views []*calendar.View
				for v, err := range a.OpenAll(t.Context(), h.Calendars) {
					if err != nil {
						t.Fatal(err)
					}
					views = append(views, v)
				}
				open, _ = a.Stats()
				for _, v := range views {
					ps, err := v.Properties(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					for _, p := range ps {
						if p.Name == display {
							names = append(names, p.XML+p.Text)
						}
					}
				}
				all, _ := a.Stats()
				return names, open, all - open
			}
			names, open, properties := read(1)
			if len(names) != n || names[n-1] != fmt.Sprintf("<n>%d</n>", n-1) || properties > 2 {
				t.Errorf("cold: %d commands to open, %d for the properties %q", open, properties, names)
			}

			// A copy that METADATA has of another version does not count.
			mail, err := g.servers[2].Login(t.Context(), g.user, g.password)
			if err != nil {
				t.Fatal(err)
			}
			h, err := mail.Home(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			c := h.Calendars[len(h.Calendars)-1]
			old, err := mail.Session().Metadata(t.Context(), c.Mailbox, []string{"/shared/vendor/calgate"})
			if err != nil || len(old) != 1 {
				t.Fatalf("METADATA %v %v", old, err)
			}
			v, err := mail.Open(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if err := v.Patch(t.Context(), []calendar.Property{{Name: display, XML: "<n>new</n>"}}, nil); err != nil {
				t.Fatal(err)
			}
			for entry, value := range old {
				if err := mail.Session().SetMetadata(t.Context(), c.Mailbox, []imapstore.Annotation{{Name: entry, Value: value}}); err != nil {
					t.Fatal(err)
				}
			}
			mail.Close()
			if names, _, _ := read(0); names[n-1] != "<n>new</n>" {
				t.Errorf("an old copy is believed: %q (%s)", names, c.Mailbox)
			}
			entriesOfEach(t, g, s, display)
		})
	}
}

// entriesOfEach has a server that takes no pattern in GETMETADATA: what it holds of each calendar is found all the same.
func entriesOfEach(t *testing.T, g *fleet, s *backends.Server, display calendar.PropertyName) {
	t.Helper()
	mail := g.account(t, 2).Session()
	must(t, mail.Create(t.Context(), "Calendar/Kolab"))
	must(t, mail.SetMetadata(t.Context(), "Calendar/Kolab", []imapstore.Annotation{{Name: "/shared/vendor/kolab/displayname", Value: "By Kolab"}}))
	p := faulty.New(t, s.Addr)
	p.Set(faulty.Fault{Command: `^GETMETADATA \(DEPTH infinity\) "[^"]*\*"`, Refuse: "NO no patterns"})
	a, err := newServer(t, p.URL(), calendar.Options{}).Login(t.Context(), g.user, g.password)
	must(t, err)
	defer a.Close()
	h, err := a.Home(t.Context())
	must(t, err)
	for v, err := range a.OpenAll(t.Context(), h.Calendars) {
		must(t, err)
		ps, err := v.Properties(t.Context())
		must(t, err)
		if v.Calendar().Mailbox == "Calendar/Kolab" && !slices.ContainsFunc(ps, func(p calendar.Property) bool { return p.Name == display && p.Text == "By Kolab" }) {
			t.Errorf("the properties of %s are %v", v.Calendar().Mailbox, ps)
		}
	}
	p.Await(t)
}
