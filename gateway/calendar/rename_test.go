package calendar_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"calgate/gateway/calendar"
	"calgate/imapstore"
	"calgate/test/backends"
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

// TestRenameOfTheDeleted: an invitation that was deleted in the second in which it came does not move along where that
// second may be mixed, and come to lie above its tombstone.
func TestRenameOfTheDeleted(t *testing.T) {
	t.Parallel()
	g := newFleet(t, backends.Courier(t, backends.Options{}), 1, calendar.Options{})
	ctx, a := t.Context(), g.account(t, 0)
	var c calendar.Calendar
	for try, second := 0, int64(0); second != time.Now().Unix(); try++ { // until it happens in one
		var err error
		c, err = a.Create(ctx, []string{fmt.Sprint("Work ", try)}, calendar.Events, nil)
		must(t, err)
		second = time.Now().Unix()
		for _, uid := range []string{"gone", "stays"} {
			message := crlfs(asCalendar + "\n\n" + invitation(uid, uid, 0))
			_, err = a.Session().Append(ctx, c.Mailbox, imapstore.Outgoing{Octets: []byte(strings.Replace(message, "mail.ics", uid+".ics", 1))}, time.Now().Add(time.Minute))
			must(t, err)
		}
		v, err := a.Open(ctx, c)
		must(t, err)
		err = v.Delete(ctx, "gone.ics", calendar.Condition{})
		must(t, err)
	}
	before, err := a.Session().Look(ctx, c.Mailbox)
	must(t, err)
	to, err := a.Rename(ctx, c, []string{"Job"})
	must(t, err)
	v, err := a.Open(ctx, to)
	must(t, err)
	after, err := a.Session().Look(ctx, to.Mailbox)
	must(t, err)
	if got := shown(t, v); len(got) != 1 || got["stays.ics"] != "stays" || after.Messages != before.Messages-1 {
		t.Errorf("%d messages after %d, shown: %q", after.Messages, before.Messages, got)
	}
}
