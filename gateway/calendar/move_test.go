package calendar_test

import (
	"testing"

	"calgate/gateway/calendar"
)

// twoCalendars opens the default calendar and another one by gateway i.
func (g *fleet) twoCalendars(t *testing.T, i int) (from, to *calendar.View) {
	t.Helper()
	a := g.account(t, i)
	h, err := a.CreateDefaults(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, ok := h.Find([]string{"Other"})
	if !ok {
		if c, err = a.Create(t.Context(), []string{"Other"}, calendar.Events, nil); err != nil {
			t.Fatal(err)
		}
	}
	if from, err = a.Open(t.Context(), h.DefaultCalendar()); err != nil {
		t.Fatal(err)
	}
	if to, err = a.Open(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return from, to
}

// A MOVE whose source another gateway changed in between takes its copy back.
func TestMoveThatLost(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		ctx := t.Context()
		from, to := g.twoCalendars(t, 0)
		if _, err := from.Put(ctx, "a.ics", event("u1", "old"), calendar.Condition{}); err != nil {
			t.Fatal(err)
		}
		other, _ := g.twoCalendars(t, 1)
		// The target's condition is checked after the source was read and before anything is written.
		between := calendar.Condition{Check: func(calendar.Entry, bool) error {
			_, err := other.Put(ctx, "a.ics", event("u1", "new"), calendar.Condition{})
			return err
		}}
		if _, err := from.Move(ctx, "a.ics", calendar.Condition{}, to, "b.ics", between); !calendar.IsKind(err, calendar.PreconditionFailed) {
			t.Errorf("MOVE of a version that is no longer the present one: %v", err)
		}
		from, to = g.twoCalendars(t, 2)
		mustShow(t, from, map[string]string{"a.ics": "new"})
		mustShow(t, to, map[string]string{})

		if _, err := from.Move(ctx, "a.ics", calendar.Condition{}, to, "b.ics", calendar.Condition{}); err != nil {
			t.Fatal(err)
		}
		from, to = g.twoCalendars(t, 1)
		mustShow(t, from, map[string]string{})
		mustShow(t, to, map[string]string{"b.ics": "new"})

		// Over an object: that one comes back.
		_, err := from.Put(ctx, "a.ics", event("u1", "again"), calendar.Condition{})
		must(t, err)
		other, _ = g.twoCalendars(t, 0)
		between.Check = func(calendar.Entry, bool) error {
			_, err := other.Put(ctx, "a.ics", event("u1", "and again"), calendar.Condition{})
			return err
		}
		if _, err := from.Move(ctx, "a.ics", calendar.Condition{}, to, "b.ics", between); !calendar.IsKind(err, calendar.PreconditionFailed) {
			t.Errorf("MOVE over an object of a version that is no longer the present one: %v", err)
		}
		from, to = g.twoCalendars(t, 2)
		mustShow(t, from, map[string]string{"a.ics": "and again"})
		mustShow(t, to, map[string]string{"b.ics": "new"})
	})
}
