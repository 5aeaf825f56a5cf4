package imapstore_test

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"

	"calgate/imapstore"
	"calgate/test/backends"
)

// growing is a server as Cyrus is: a second message comes just before a command, the view of the session catches up with it
// at that command, and nothing but SELECT ever says EXISTS, unless that command does.
type growing struct {
	before string // how the first command begins that knows of the message
	told   bool   // and says EXISTS
	came   bool
}

// answers makes {n} in what is said the number of messages, which are numbered from 1, and {next} the UIDNEXT.
func (g *growing) answers(said map[string]string) fakeAnswers {
	answers := fakeAnswers{}
	for name, untagged := range said {
		answers[name] = func(x *fakeConn, tag, command string) bool {
			says := untagged
			if strings.HasPrefix(command, g.before) && !g.came {
				g.came = true
				if g.told {
					says += "* {n} EXISTS\r\n"
				}
			}
			if strings.HasSuffix(command, "MAILBOXID)") {
				says = "* STATUS Box (UIDVALIDITY 7 MAILBOXID (id))\r\n"
			}
			n := 1
			if g.came {
				n = 2
			}
			says = strings.NewReplacer("{n}", strconv.Itoa(n), "{next}", strconv.Itoa(n+1), "{tag}", tag).Replace(says)
			return x.say(says + tag + " OK done\r\n")
		}
	}
	return answers
}

// A message that came beside a look is in the next one, whatever command let the server see it first.
func TestLookBesideArrivals(t *testing.T) {
	nothing := func(*imapstore.Session) error { return nil }
	status := func(s *imapstore.Session) error { _, err := s.Status(t.Context(), "Box"); return err }
	list := func(s *imapstore.Session) error { _, err := s.List(t.Context(), true); return err }
	for _, test := range []struct {
		name string
		growing
		between func(*imapstore.Session) error
	}{
		{"at the MYRIGHTS behind SELECT", growing{before: "MYRIGHTS", told: true}, nothing},
		{"at SEARCH", growing{before: "UID SEARCH"}, nothing},
		{"at STATUS", growing{before: `STATUS "Box" (MESSAGES`}, status},
		{"at the STATUS of an id", growing{before: `STATUS "Box" (UIDVALIDITY`}, status},
		{"at LIST", growing{before: `LIST "" "*`}, list},
		{"at the STATUS of an id after LIST", growing{before: `STATUS "Box" (UIDVALIDITY`}, list},
	} {
		t.Run(test.name, func(t *testing.T) {
			triple := "* STATUS Box (MESSAGES {n} UIDNEXT {next} UIDVALIDITY 7)\r\n"
			f := &fake{caps: "ACL CONDSTORE OBJECTID ESEARCH LIST-EXTENDED LIST-STATUS", answers: test.answers(map[string]string{
				"SELECT":     "* {n} EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT {next}] x\r\n* OK [MAILBOXID (id)] x\r\n",
				"MYRIGHTS":   "* MYRIGHTS Box lrswipkxtecda\r\n",
				"NOOP":       "",
				"STATUS":     triple,
				"LIST":       "* LIST () \"/\" Box\r\n" + triple,
				"UID SEARCH": "* ESEARCH (TAG \"{tag}\") UID ALL 1:{n}\r\n",
			})}
			s := fakeLogin(t, f.store(t))
			l := look(t, s, "Box")
			if got := uids(t, s, "Box"); uint32(len(got)) != l.Messages {
				t.Errorf("UIDs %v, and %d messages at the look", got, l.Messages)
			}
			if err := test.between(s); err != nil {
				t.Fatal(err)
			}
			if !test.came {
				t.Fatalf("no message came: %q", f.commands())
			}
			if l := look(t, s, "Box"); l.Messages != 2 || l.UIDNext != 3 {
				t.Errorf("look %+v; commands %q", l, f.commands())
			}
			if n := strings.Count(strings.Join(f.commands(), "\n"), "NOOP"); n > 3 {
				t.Errorf("%d NOOPs until SELECT is asked: %q", n, f.commands())
			}
		})
	}
}

// checkArrivals lets messages come while a session uses every command that shows them, and a third one flags: what was stored
// before a look began is in it.
func checkArrivals(t *testing.T, b *backends.Server) {
	store := open(t, b)
	user := newUser(b)
	a, o, f := login(t, store, user), login(t, store, user), login(t, store, user)
	create(t, a, "Calendar")
	first := add(t, o, "Calendar", message(0)).UID
	look(t, f, "Calendar")
	ctx, stop := context.WithCancel(t.Context())
	var flags sync.WaitGroup
	defer flags.Wait()
	defer stop()
	flags.Go(func() {
		set, clear := []string{`\Flagged`}, []string(nil)
		for ctx.Err() == nil {
			if err := f.Flag(t.Context(), "Calendar", []uint32{first}, set, clear); err != nil && !imapstore.IsKind(err, imapstore.Unavailable) {
				t.Error(err)
				return
			}
			set, clear = clear, set
		}
	})
	show := []func() error{
		func() error { _, err := a.Look(t.Context(), "Calendar"); return err },
		func() error { _, err := a.UIDs(t.Context(), "Calendar"); return err },
		func() error { _, err := a.Status(t.Context(), "Calendar"); return err },
		func() error { _, err := a.List(t.Context(), true); return err },
		func() error { return a.Flag(t.Context(), "Calendar", []uint32{first}, []string{`\Seen`}, nil) },
		func() error {
			for _, err := range a.Fields(t.Context(), "Calendar", []uint32{first}, []string{"Date"}) {
				return err
			}
			return nil
		},
	}
	rounds := 100
	if b.Name == "courier" { // its sessions wait a second for each other's lock
		rounds = 10
	}
	for i := range rounds {
		look(t, a, "Calendar")
		stored := make(chan imapstore.Appended, 1)
		flags.Go(func() {
			defer close(stored)
			if m, err := o.Append(t.Context(), "Calendar", message(i+1), soon()); err != nil {
				t.Error(err)
			} else {
				stored <- m
			}
		})
		var m imapstore.Appended
		for n, open := 0, true; open; n++ {
			if err := show[(i+n)%len(show)](); err != nil && !imapstore.IsKind(err, imapstore.Unavailable) {
				t.Error(err)
			}
			select {
			case m, open = <-stored:
				open = false
			default:
			}
		}
		if l := look(t, a, "Calendar"); t.Failed() || l.UIDNext <= m.UID || int(l.Messages) != i+2 {
			t.Fatalf("message %d has UID %d, and a look shows %+v", i+2, m.UID, l)
		}
	}
}
