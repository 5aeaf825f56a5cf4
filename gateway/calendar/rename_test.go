package calendar_test

import (
	"testing"

	"calgate/gateway/calendar"
)

// TestRenameTidies: what has lost or was replaced does not move along, where the server
// may mix the messages of one second; in a calendar below it neither.
func TestRenameTidies(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		ctx, a := t.Context(), g.account(t, 0)
		_, err := a.CreateDefaults(ctx)
		must(t, err)
		var made []calendar.Calendar
		for _, path := range [][]string{{"Work"}, {"Work", "Sub"}} {
			c, err := a.Create(ctx, path, calendar.Events, nil)
			must(t, err)
			v, err := a.Open(ctx, c)
			must(t, err)
			for _, summary := range []string{"old", "new"} { // and nobody cleans up
				_, err := v.Put(ctx, "a.ics", event("a", summary), calendar.Condition{})
				must(t, err)
			}
			made = append(made, c)
		}
		messages := func(mailbox string) uint32 {
			looked, err := a.Session().Look(ctx, mailbox)
			must(t, err)
			return looked.Messages
		}
		before := messages(made[0].Mailbox)
		to, err := a.Rename(ctx, made[0], []string{"Job"})
		must(t, err)
		want := before
		if !a.Session().Caps().Condstore {
			want--
		}
		for _, mailbox := range []string{to.Mailbox, to.Mailbox + "/Sub"} {
			if got := messages(mailbox); got != want {
				t.Errorf("%s holds %d messages, want %d of %d", mailbox, got, want, before)
			}
		}
	})
}
