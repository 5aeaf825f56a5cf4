package calendar_test

import (
	"testing"

	"calgate/gateway/calendar"
)

// TestKeptIsFlagged: the version that a tombstone keeps is flagged \Deleted, but for
// servers without CONDSTORE, which renumber what is flagged while they scan.
func TestKeptIsFlagged(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		v := g.open(t, 0)
		if _, err := v.Put(t.Context(), "a.ics", event("a", "x"), calendar.Condition{}); err != nil {
			t.Fatal(err)
		}
		if err := v.Delete(t.Context(), "a.ics", calendar.Condition{}); err != nil {
			t.Fatal(err)
		}
		if err := v.CleanUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		a := g.account(t, 1)
		mailbox := v.Calendar().Mailbox
		if _, err := a.Session().Look(t.Context(), mailbox); err != nil {
			t.Fatal(err)
		}
		uids, err := a.Session().UIDs(t.Context(), mailbox)
		if err != nil || len(uids) != 2 {
			t.Fatal(uids, err)
		}
		for f, err := range a.Session().Fields(t.Context(), mailbox, uids, []string{"Date"}) {
			if err != nil {
				t.Fatal(err)
			}
			if want := f.UID == uids[0] && a.Session().Caps().Condstore; f.Deleted != want {
				t.Errorf("message %d of %v: \\Deleted %v", f.UID, uids, f.Deleted)
			}
		}
	})
}
