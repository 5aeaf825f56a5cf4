package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"calgate/gateway/calendar"
	"calgate/imapstore"
	"calgate/test/backends"
	"calgate/translate"
)

// eachServer runs a test of a command that logs in, with a user of its own whose password is in the environment. open opens
// that user's default calendar as a gateway does.
func eachServer(t *testing.T, f func(t *testing.T, args []string, open func() (*calendar.Account, *calendar.View))) {
	for name, b := range map[string]*backends.Server{
		"memory":  backends.Memory(t),
		"dovecot": backends.Dovecot(t, backends.Options{Dotted: true}),
	} {
		t.Run(name, func(t *testing.T) {
			user, password := b.User()
			t.Setenv("CALGATE_PASSWORD", password)
			o, err := imapstore.ParseURL(b.URL())
			if err != nil {
				t.Fatal(err)
			}
			store := imapstore.New(o)
			defer store.Close()
			server := calendar.New(store, calendar.Options{Autocreate: true})
			f(t, []string{"-imap", b.URL(), "-user", user}, func() (*calendar.Account, *calendar.View) {
				account, err := server.Login(t.Context(), user, password)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(account.Close)
				home, err := account.Home(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				cal, _, err := account.Autocreate(t.Context(), home.DefaultCalendar())
				if err != nil {
					t.Fatal(err)
				}
				view, err := account.Open(t.Context(), cal)
				if err != nil {
					t.Fatal(err)
				}
				return account, view
			})
		})
	}
}

func lunch(uid, summary string) *translate.Object {
	o, err := translate.ParseObject(fmt.Appendf(nil, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:%s\r\n"+
		"DTSTAMP:20261101T000000Z\r\nDTSTART:20261125T120000Z\r\nSUMMARY:%s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n", uid, summary))
	if err != nil {
		panic(err)
	}
	return o
}

// expect runs a command and compares its exit status and parts of what it says.
func expect(t *testing.T, want int, args []string, parts ...string) {
	t.Helper()
	out, log, err := try(t, "", args...)
	if got := status(t, err); got != want {
		t.Errorf("%v: exit status %d, want %d: %v\n%s", args, got, want, err, out)
	}
	for _, part := range parts {
		if !strings.Contains(out+fmt.Sprint(err), part) {
			t.Errorf("%v: no %q in\n%s%v", args, part, out, err)
		}
	}
	if log != "" {
		t.Errorf("%v: said on standard error: %s", args, log)
	}
}

func TestUndelete(t *testing.T) {
	eachServer(t, func(t *testing.T, args []string, open func() (*calendar.Account, *calendar.View)) {
		args = append([]string{"undelete"}, args...)
		expect(t, 0, args)
		expect(t, 2, append(args, "-mailbox", "Sent"), `no calendar mailbox "Sent"`)
		_, v := open()
		for _, name := range []string{"lunch.ics", "dinner.ics"} {
			if _, err := v.Put(t.Context(), name, lunch(name, "The "+name), calendar.Condition{}); err != nil {
				t.Fatal(err)
			}
			if err := v.Delete(t.Context(), name, calendar.Condition{}); err != nil {
				t.Fatal(err)
			}
		}
		expect(t, 0, args, "Calendar: 2 deleted objects", "deleted 20", "VEVENT", "first 2026-11-25T12:00:00Z", "lunch.ics", `"The dinner.ics"`)
		expect(t, 1, append(args, "-name", "supper.ics"), "supper.ics")
		expect(t, 0, append(args, "-name", "lunch.ics"), "lunch.ics is back as lunch.ics")
		expect(t, 1, append(args, "-name", "lunch.ics"), "lunch.ics has its UID")
		expect(t, 0, append(args, "-mailbox", "Calendar"), "cannot come back now: lunch.ics has its UID")
		if _, v = open(); v.Len() != 1 {
			t.Errorf("%d objects are there", v.Len())
		}
		t.Setenv("CALGATE_PASSWORD", "wrong")
		expect(t, 2, args, "could not log in")
	})
}

func TestFsck(t *testing.T) {
	eachServer(t, func(t *testing.T, args []string, open func() (*calendar.Account, *calendar.View)) {
		args = append([]string{"fsck"}, args...)
		account, v := open()
		for _, summary := range []string{"old", "new"} {
			if _, err := v.Put(t.Context(), "a.ics", lunch("a", summary), calendar.Condition{}); err != nil {
				t.Fatal(err)
			}
		}
		expect(t, 0, args, "Calendar: 2 messages", "1 live ", "1 superseded", "-repair", "nothing is wrong")
		expect(t, 0, append(args, "-repair"), "1 messages of garbage are gone")
		expect(t, 0, append(args, "-mailbox", "Calendar"), "Calendar: 1 messages")

		o := lunch("b", "damaged")
		r := translate.Heads(nil, validity(v)).Next(translate.Write{Op: translate.OpPut, Name: "b.ics", ICalUID: "b", Token: translate.NewToken(),
			Hash: translate.Hash(nil), Length: int64(len(o.Raw)), Span: o.Span}, nil)
		message := translate.Message(r, translate.Envelope{From: "x", Date: time.Now(), Component: "VEVENT"}, o.Raw)
		if _, err := account.Session().Append(t.Context(), "Calendar", imapstore.Outgoing{Octets: message}, time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		expect(t, 1, args, "damaged, UID", "live, b.ics: ", "not repaired")
		expect(t, 0, append(args, "-repair"), "live, b.ics: repaired")
		expect(t, 0, args, "nothing is wrong")
		t.Setenv("CALGATE_PASSWORD", "wrong")
		expect(t, 2, args, "could not log in")
	})
}

// Whatever a folder's log holds has a line.
func TestReport(t *testing.T) {
	r := &calendar.Report{Count: map[translate.Standing]int{}}
	for s := translate.StandingMail; s <= translate.StandingHidden; s++ {
		r.Count[s] = 7
	}
	var out strings.Builder
	printReport(&out, r, false)
	for s := range r.Count {
		if !strings.Contains(out.String(), "7 "+s.String()+" ") {
			t.Errorf("nothing is said of %s:\n%s", s, out.String())
		}
	}
}

// validity is the UIDVALIDITY in a sync token.
func validity(v *calendar.View) (n uint32) {
	if _, err := fmt.Sscanf(v.SyncToken(), "urn:calgate:%d-", &n); err != nil {
		panic(err)
	}
	return n
}

func TestCheckProbe(t *testing.T) {
	eachServer(t, func(t *testing.T, args []string, _ func() (*calendar.Account, *calendar.View)) {
		expect(t, 0, append([]string{"check", "-probe"}, args...), "probe         ok: 72 messages by 6 sessions", "usable        yes")
	})
	var out strings.Builder
	err := printProbed(&out, calendar.Probed{Sessions: 6, Messages: 72, Broken: []string{"two messages have the UID 7"}})
	if status(t, err) != int(notUsable) {
		t.Errorf("a broken order: %v", err)
	}
	for _, want := range []string{"must not be used with more than one gateway", "two messages have the UID 7", "with one gateway and one IMAP session per login only"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("of a broken order nothing says %q:\n%s", want, out.String())
		}
	}
}

func TestProgress(t *testing.T) {
	var out strings.Builder
	p := progress(&out, "Calendar")
	for i := range 1000 {
		p(i+1, 1000)
	}
	if strings.Count(out.String(), "\n") > 10 {
		t.Errorf("too much is said: %s", out.String())
	}
}
