package calendar_test

import (
	"fmt"
	"testing"

	"calgate/gateway/calendar"
)

// account logs in to gateway i.
func (g *fleet) account(t *testing.T, i int) *calendar.Account {
	t.Helper()
	a, err := g.servers[i%len(g.servers)].Login(t.Context(), g.user, g.password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// openAll lists the home by gateway i: "path len" of each calendar, and the IMAP
// commands that it took.
func (g *fleet) openAll(t *testing.T, i int) (shown []string, commands int) {
	t.Helper()
	a := g.account(t, i)
	defer a.Close()
	h, err := a.OpenHome(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for v, err := range a.OpenAll(t.Context(), h.All()) {
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, fmt.Sprint(v.Calendar().Path, " ", v.Len()))
	}
	commands, _ = a.Stats()
	return shown, commands
}

func TestCreateOpenAllRemove(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		ctx := t.Context()
		a := g.account(t, 0)
		if h, err := a.CreateDefaults(ctx); err != nil || len(h.Calendars) != 2 {
			t.Fatal(h, err)
		}
		name := calendar.PropertyName{Space: "DAV:", Local: "displayname"}
		for i := range 10 {
			c, err := a.Create(ctx, []string{fmt.Sprintf("w %d", i)}, calendar.Events, []calendar.Property{{Name: name, XML: fmt.Sprint(i)}})
			if err != nil {
				t.Fatal(err)
			}
			v, err := a.Open(ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			for j := range i % 3 {
				if _, err := v.Put(ctx, fmt.Sprintf("%d.ics", j), event(fmt.Sprint(j), "x"), calendar.Condition{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := a.Create(ctx, []string{"w 1"}, calendar.Events, nil); !calendar.IsKind(err, calendar.Exists) {
			t.Errorf("a second MKCALENDAR: %v", err)
		}
		if _, err := a.Create(ctx, []string{"Calendar"}, calendar.Events, nil); !calendar.IsKind(err, calendar.Exists) {
			t.Errorf("MKCALENDAR on the default: %v", err)
		}
		cold, _ := g.openAll(t, 1)
		if len(cold) != 12 || cold[0] != "[Calendar] 0" || cold[4] != "[w 2] 2" {
			t.Errorf("%q", cold)
		}
		warm, commands := g.openAll(t, 1)
		if fmt.Sprint(warm) != fmt.Sprint(cold) {
			t.Errorf("warm %q, cold %q", warm, cold)
		}
		t.Log("a warm home of 12 calendars takes", commands, "IMAP commands")

		h, err := a.Home(ctx)
		if err != nil {
			t.Fatal(err)
		}
		c, ok := h.Find([]string{"w 5"})
		if !ok {
			t.Fatal("w 5 is not found")
		}
		if err := a.Remove(ctx, c); err != nil {
			t.Fatal(err)
		}
		if err := a.Remove(ctx, c); !calendar.IsKind(err, calendar.NotFound) {
			t.Errorf("a second DELETE: %v", err)
		}
		if err := a.Remove(ctx, h.DefaultTasks()); !calendar.IsKind(err, calendar.Forbidden) {
			t.Errorf("DELETE of the default: %v", err)
		}
		if left, _ := g.openAll(t, 2); len(left) != 11 {
			t.Errorf("%q", left)
		}
		// what another gateway deleted is gone for one that knew it
		b := g.account(t, 1)
		if c, ok, err := b.Find(ctx, []string{"w 5"}); err == nil && ok {
			if _, err := b.Open(ctx, c); !calendar.IsKind(err, calendar.NotFound) {
				t.Error(err)
			}
		}
	})
}

// A mailbox without properties is one whose maker did not come to the second step.
func TestCreateCompletes(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		a := g.account(t, 0)
		if _, err := a.CreateDefaults(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := a.Session().Create(t.Context(), "Calendar/half"); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Create(t.Context(), []string{"half"}, calendar.Events, nil); err != nil {
			t.Error(err)
		}
		if _, err := a.Create(t.Context(), []string{"half"}, calendar.Events, nil); !calendar.IsKind(err, calendar.Exists) {
			t.Error(err)
		}
	})
}
