package calendar_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"calgate/gateway/calendar"
	"calgate/imapstore"
)

// deliver puts a message of another program into the default calendar.
func (g *fleet) deliver(t *testing.T, header, body string) {
	t.Helper()
	a := g.account(t, 0)
	defer a.Close()
	message := crlfs(header + "\n\n" + body)
	if _, err := a.Session().Append(t.Context(), "Calendar", imapstore.Outgoing{Octets: []byte(message)}, time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
}

func crlfs(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
}

func invitation(uid, summary string, sequence int) string {
	return fmt.Sprintf("BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:%s\nSEQUENCE:%d\nDTSTAMP:20261101T000000Z\nDTSTART:20261125T090000Z\nSUMMARY:%s\nEND:VEVENT\nEND:VCALENDAR\n", uid, sequence, summary)
}

const asCalendar = "From: x@example.com\nContent-Type: text/calendar; method=REQUEST; name=\"mail.ics\""

// Messages by other hands are seen, covered by a PUT or DELETE, and nothing else of
// the folder is touched.
func TestForeign(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		ctx := t.Context()
		g.open(t, 0)
		g.deliver(t, "From: x@example.com\nSubject: hello", "plain mail\n")
		g.deliver(t, asCalendar, invitation("u1", "first", 0))
		g.deliver(t, asCalendar, invitation("u1", "third", 2))
		g.deliver(t, asCalendar, invitation("u1", "second", 1))
		g.deliver(t, "From: x@example.com\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=b",
			"--b\nContent-Type: text/plain\n\nsee you\n--b\nContent-Type: text/calendar; charset=ISO-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n"+
				strings.ReplaceAll(invitation("u2", "B=FCro", 0), "METHOD:", "METHOD:=\n")+"--b--\n")
		v := g.open(t, 1)
		names := map[string]string{}
		for name, summary := range shown(t, v) {
			names[summary] = name
		}
		if len(names) != 2 || names["third"] != "mail.ics" || !strings.HasPrefix(names["Büro"], "imap-") {
			t.Fatalf("shown: %q", names)
		}
		token := v.SyncToken()

		third, _ := v.Entry("mail.ics")
		put, err := v.Put(ctx, "mail.ics", event("u1", "mine"), ifMatch(third.ETag))
		if err != nil {
			t.Fatal(err)
		}
		if r, err := v.Put(ctx, "mail.ics", event("u1", "mine"), ifMatch(third.ETag)); err != nil || r.ETag != put.ETag {
			t.Errorf("the repeated PUT: %v", err)
		}
		if err := v.CleanUp(ctx); err != nil {
			t.Fatal(err)
		}
		v = g.open(t, 2)
		mustShow(t, v, map[string]string{"mail.ics": "mine", names["Büro"]: "Büro"})
		if d, err := v.Since(token, 0); err != nil || len(d.Changes) != 1 || d.Changes[0].ETag != put.ETag {
			t.Errorf("sync after the PUT: %+v %v", d, err)
		}
		if err := v.Delete(ctx, "mail.ics", calendar.Condition{}); err != nil {
			t.Fatal(err)
		}
		if err := v.Delete(ctx, names["Büro"], calendar.Condition{}); err != nil {
			t.Fatal(err)
		}
		if err := v.CleanUp(ctx); err != nil {
			t.Fatal(err)
		}
		v = g.open(t, 0)
		mustShow(t, v, map[string]string{})
		if d, err := v.Since(token, 0); err != nil || len(d.Changes) != 2 || !d.Changes[0].Deleted || !d.Changes[1].Deleted {
			t.Errorf("sync after the DELETEs: %+v %v", d, err)
		}
		// what came by mail is flagged, the mail with more in it not, and nothing has gone but our own old versions:
		// mail, three invitations, one with text, two tombstones, one kept version
		if n := messages(t, g); n != 8 {
			t.Errorf("%d messages are left, want 8", n)
		}
		// a later invitation shows again
		g.deliver(t, asCalendar, invitation("u1", "fourth", 3))
		if got := shown(t, g.open(t, 1)); len(got) != 1 {
			t.Errorf("a new invitation after the DELETE: %q", got)
		}
	})
}

// A folder that another program filled, with 10,000 messages where TEST_LONG is set and MULTIAPPEND is offered, opens in one
// pass, and is known after.
func TestManyForeign(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		g.open(t, 0)
		n := 200
		filler := g.account(t, 0)
		if filler.Session().Caps().MultiAppend {
			if os.Getenv("TEST_LONG") != "" {
				n = 10_000
			}
			message := func(i int) imapstore.Outgoing {
				return imapstore.Outgoing{Octets: []byte(crlfs(asCalendar + "\n\n" + invitation(fmt.Sprint("u", i), "x", 0)))}
			}
			if err := filler.Session().AppendAll(t.Context(), "Calendar", n, message, time.Now().Add(5*time.Minute)); err != nil {
				t.Fatal(err)
			}
		} else {
			for i := range n {
				g.deliver(t, asCalendar, invitation(fmt.Sprint("u", i), "x", 0))
			}
		}
		open := func() (commands int) {
			a := g.account(t, 1)
			defer a.Close()
			h, err := a.Home(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			before, _ := a.Stats()
			v, err := a.Open(t.Context(), h.DefaultCalendar())
			if err != nil || v.Len() != n {
				t.Fatal(v.Len(), err)
			}
			after, _ := a.Stats()
			return after - before
		}
		if commands := open(); commands > 10 {
			t.Errorf("%d commands for one pass", commands)
		}
		if commands := open(); commands > 3 && !strings.Contains(t.Name(), "no_cache") {
			t.Errorf("%d commands for what is known", commands)
		}
	})
}
