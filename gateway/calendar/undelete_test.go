package calendar_test

import (
	"fmt"
	"sync"
	"testing"

	"calgate/gateway/calendar"
)

// deleted lists what can come back, seen by a gateway of its own.
func (g *fleet) deleted(t *testing.T, i int) (*calendar.View, []calendar.Deleted) {
	t.Helper()
	v := g.open(t, i)
	all, err := v.Deleted(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v, all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What was deleted comes back under its name, under a free one, or not at all where
// its iCalendar UID is in use; what another program wrote comes back too.
func TestUndelete(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		ctx := t.Context()
		g.open(t, 0)
		g.deliver(t, asCalendar, invitation("u9", "by mail", 0))
		v := g.open(t, 0)
		for _, name := range []string{"a", "b", "c"} {
			_, err := v.Put(ctx, name+".ics", event(name, "old "+name), calendar.Condition{})
			must(t, err)
			_, err = v.Put(ctx, name+".ics", event(name, name), calendar.Condition{})
			must(t, err)
		}
		for _, name := range []string{"a.ics", "b.ics", "c.ics", "mail.ics"} {
			must(t, v.Delete(ctx, name, calendar.Condition{}))
		}
		must(t, v.CleanUp(ctx))
		_, err := v.Put(ctx, "b.ics", event("another", "in the way"), calendar.Condition{})
		must(t, err)
		_, err = v.Put(ctx, "d.ics", event("c", "holds the UID"), calendar.Condition{})
		must(t, err)
		must(t, v.CleanUp(ctx))

		v, all := g.deleted(t, 1)
		var said []string
		for _, d := range all {
			said = append(said, fmt.Sprint(d.Name, " ", d.Summary, " ", d.Component, " ", d.Span.Start, " ", d.Holder, " ", d.Err))
			if d.At.IsZero() {
				t.Errorf("%s: no time of its deletion", d.Name)
			}
		}
		if len(all) != 4 {
			t.Fatalf("deleted: %q", said)
		}
		back := map[string]string{"a.ics": "a.ics", "b.ics": "b-2.ics", "mail.ics": "mail.ics"}
		for _, d := range all {
			r, err := v.Undelete(ctx, d)
			switch {
			case d.Name == "c.ics" && (d.Holder != "d.ics" || !calendar.IsKind(err, calendar.UIDConflict)):
				t.Errorf("c.ics, whose UID %q has: %v", d.Holder, err)
			case d.Name != "c.ics" && (err != nil || r.Name != back[d.Name] || !r.Created):
				t.Errorf("%s: %+v %v", d.Name, r, err)
			}
		}
		must(t, v.CleanUp(ctx))
		v = g.open(t, 2)
		want := map[string]string{"a.ics": "a", "b.ics": "in the way", "b-2.ics": "b", "d.ics": "holds the UID", "mail.ics": "by mail"}
		mustShow(t, v, want)
		if _, all = g.deleted(t, 2); len(all) != 4 || all[0].Holder == "" {
			t.Errorf("after all came back: %+v", all)
		}
		// A life that came back ends as any other.
		must(t, v.Delete(ctx, "a.ics", calendar.Condition{}))
		must(t, v.CleanUp(ctx))
		delete(want, "a.ics")
		mustShow(t, g.open(t, 0), want)
	})
}

// One of those who want a name at once gets it, and one of those who want a UID.
func TestUndeleteRaced(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		ctx := t.Context()
		v := g.open(t, 0)
		for round := range 8 {
			name, uid := fmt.Sprintf("r%d.ics", round), fmt.Sprintf("r%d", round)
			_, err := v.Put(ctx, name, event(uid, "was"), calendar.Condition{})
			must(t, err)
			must(t, v.Delete(ctx, name, calendar.Condition{}))
			other := uid // the same object created again, or another one under its name
			if round%2 == 1 {
				other = "other-" + uid
			}
			var errs [3]error
			var wg sync.WaitGroup
			for i := range errs {
				view, all := g.deleted(t, i)
				if i == 2 {
					wg.Go(func() { _, errs[i] = view.Put(ctx, name, event(other, "new"), ifNoneMatch()) })
					continue
				}
				for _, d := range all {
					if d.Name == name {
						wg.Go(func() { _, errs[i] = view.Undelete(ctx, d) })
					}
				}
			}
			wg.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				}
			}
			must(t, v.CleanUp(ctx))
			v = g.open(t, round)
			objects := map[string]int{}
			for e := range v.Entries() {
				if e.ICalUID == uid || e.ICalUID == other {
					objects[e.ICalUID]++
				}
			}
			want := map[string]int{uid: 1}
			if errs[2] == nil {
				want[other] = 1
			}
			if len(objects) != len(want) || objects[uid] != 1 || objects[other] != 1 && errs[2] == nil || won != len(want) {
				t.Fatalf("round %d: %v ended with %v", round, errs, objects)
			}
		}
	})
}

// A version that a raw IMAP client expunged cannot come back, and is not offered.
func TestUndeleteOfNothing(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		ctx := t.Context()
		v := g.open(t, 0)
		_, err := v.Put(ctx, "a.ics", event("a", "a"), calendar.Condition{})
		must(t, err)
		must(t, v.Delete(ctx, "a.ics", calendar.Condition{}))
		v, all := g.deleted(t, 1)
		if len(all) != 1 {
			t.Fatal(all)
		}
		a := g.account(t, 2)
		must(t, a.Session().Expunge(ctx, "Calendar", []uint32{all[0].UID}))
		if _, err := v.Undelete(ctx, all[0]); !calendar.IsKind(err, calendar.NotFound) {
			t.Errorf("its last version is gone: %v", err)
		}
		if _, all = g.deleted(t, 2); len(all) != 0 {
			t.Errorf("offered: %v", all)
		}
	})
}
