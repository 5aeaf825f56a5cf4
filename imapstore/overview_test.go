package imapstore_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"calgate/imapstore"
	"calgate/test/backends"
)

// overviewOf is what an Overview told of each mailbox that counts here.
func overviewOf(ls []imapstore.Listed) (out []string) {
	for _, l := range ls {
		if l.Name == "INBOX" {
			continue
		}
		told := fmt.Sprintf("%s %d/%d/%d", l.Name, l.UIDValidity, l.UIDNext, l.Messages)
		if l.HasRights {
			told += " rights=" + l.Rights
		}
		if l.Subscribed {
			told += " subscribed"
		}
		if l.FolderType != "" {
			told += " type=" + l.FolderType
		}
		out = append(out, told)
	}
	return out
}

const overviewSpaces = "* NAMESPACE ((\"\" \"/\")) ((\"Other/\" \"/\")) NIL\r\nTAG OK\r\n"

// A server that has a command for everything is asked everything at once; its answers may come in any order.
func TestOverviewExtended(t *testing.T) {
	f := &fake{caps: "NAMESPACE ACL RIGHTS=texk METADATA CONDSTORE LIST-EXTENDED LIST-STATUS LIST-MYRIGHTS LIST-METADATA SPECIAL-USE", answers: map[string]func(*fakeConn, string, string) bool{
		"NAMESPACE": say(overviewSpaces),
		"LIST": func(x *fakeConn, tag, command string) bool {
			if strings.Contains(command, "Other/") {
				return x.say("* LIST (\\NoSelect) \"/\" Other/bob\r\n* STATUS Other/bob/Work (MESSAGES 2 UIDNEXT 9 UIDVALIDITY 8)\r\n" +
					"* LIST (\\Subscribed) \"/\" Other/bob/Work\r\n* MYRIGHTS Other/bob/Work lr\r\n" + tag + " OK\r\n")
			}
			return x.say("* METADATA Calendar (/shared/vendor/kolab/folder-type Task /private/vendor/kolab/folder-type {5}\r\nEvent)\r\n" +
				"* LIST () \"/\" Calendar\r\n* MYRIGHTS Calendar lrswi\r\n* STATUS Calendar (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7)\r\n" +
				"* LIST () \"/\" Other/bob/Work\r\n" + tag + " OK\r\n")
		},
	}}
	s := fakeLogin(t, f.store(t))
	before := len(f.commands())
	ls, err := s.Overview(t.Context(), imapstore.Scope{Own: true, Others: true, Subscribed: true, Types: true, Status: true, Rights: true})
	want := []string{"Calendar 7/2/1 rights=lrswi type=event", "~bob/Work 8/9/2 rights=lr subscribed"}
	if err != nil || !slices.Equal(overviewOf(ls), want) {
		t.Errorf("%q, %v; want %q", overviewOf(ls), err, want)
	}
	const options = ` RETURN (SUBSCRIBED SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY) MYRIGHTS METADATA (/private/vendor/kolab/folder-type /shared/vendor/kolab/folder-type))`
	if got, want := f.commands()[before:], []string{`LIST "" "*"` + options, `LIST "" "Other/%/*"` + options}; !slices.Equal(got, want) {
		t.Errorf("asked %q, want %q", got, want)
	}
}

// A MAILBOXID is asked alone, and counts where the mailbox is the one of the triple.
func TestOverviewID(t *testing.T) {
	f := &fake{caps: "LIST-EXTENDED LIST-STATUS OBJECTID", answers: map[string]func(*fakeConn, string, string) bool{
		"LIST": say("* LIST () \"/\" One\r\n* STATUS One (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7)\r\n* LIST () \"/\" Two\r\n" +
			"* STATUS Two (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7)\r\nTAG OK\r\n"),
		"STATUS": func(x *fakeConn, tag, command string) bool {
			if strings.Contains(command, "Two") {
				return x.say("* STATUS Two (UIDVALIDITY 8 MAILBOXID (b))\r\n" + tag + " OK\r\n")
			}
			return x.say("* STATUS One (MAILBOXID (a) UIDVALIDITY 7)\r\n" + tag + " OK\r\n")
		},
	}}
	ls, err := fakeLogin(t, f.store(t)).Overview(t.Context(), imapstore.Scope{Own: true, Status: true})
	if err != nil || len(ls) != 2 || !ls[0].HasStatus || ls[0].ID != "a" || ls[1].UIDNext != 2 || ls[1].ID != "" {
		t.Errorf("%+v, %v", ls, err)
	}
	if got := f.commands(); !slices.Contains(got, `STATUS "One" (UIDVALIDITY MAILBOXID)`) {
		t.Errorf("asked %q", got)
	}
}

// A server that has nothing is asked of each mailbox, but only of those that are wanted.
func TestOverviewPlain(t *testing.T) {
	f := &fake{caps: "NAMESPACE ACL METADATA", answers: map[string]func(*fakeConn, string, string) bool{
		"NAMESPACE": say(overviewSpaces),
		"LIST": func(x *fakeConn, tag, command string) bool {
			if strings.Contains(command, "Other/") {
				return x.say("* LIST () \"/\" Other/bob/Work\r\n" + tag + " OK\r\n")
			}
			return x.say("* LIST () \"/\" Calendar\r\n* LIST () \"/\" Mail\r\n* LIST (\\Noselect) \"/\" Top\r\n" + tag + " OK\r\n")
		},
		"LSUB":        say("* LSUB () \"/\" Other/bob/Work\r\n* LSUB (\\Noselect) \"/\" Calendar\r\nTAG OK\r\n"),
		"GETMETADATA": say("TAG NO no such entry\r\n"),
		"STATUS": func(x *fakeConn, tag, command string) bool {
			if strings.Contains(command, "bob") {
				return x.say(tag + " NO gone\r\n")
			}
			return x.say("* STATUS Calendar (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7)\r\n" + tag + " OK\r\n")
		},
		"MYRIGHTS": func(x *fakeConn, tag, command string) bool {
			return x.say("* " + command + " lrd\r\n" + tag + " OK\r\n")
		},
	}}
	s := fakeLogin(t, f.store(t))
	before := len(f.commands())
	ls, err := s.Overview(t.Context(), imapstore.Scope{Own: true, Others: true, Subscribed: true, Types: true, Status: true, Rights: true,
		Of: func(l imapstore.Listed) bool { return l.Name != "Mail" }})
	want := []string{"Calendar 7/2/1 rights=delrt", "Mail 0/0/0", "Top 0/0/0", "~bob/Work 0/0/0 rights=delrt subscribed"}
	if err != nil || !slices.Equal(overviewOf(ls), want) {
		t.Errorf("%q, %v; want %q", overviewOf(ls), err, want)
	}
	const types = " (/private/vendor/kolab/folder-type /shared/vendor/kolab/folder-type)"
	asked := []string{`LIST "" "*"`, `LIST "" "Other/%/*"`, `LSUB "" "*"`, `GETMETADATA "*"` + types, `LSUB "" "Other/%/*"`, `GETMETADATA "Other/%/*"` + types,
		`STATUS "Calendar" (MESSAGES UIDNEXT UIDVALIDITY)`, `MYRIGHTS "Calendar"`, `STATUS "Other/bob/Work" (MESSAGES UIDNEXT UIDVALIDITY)`, `MYRIGHTS "Other/bob/Work"`}
	if got := f.commands()[before:]; !slices.Equal(got, asked) {
		t.Errorf("asked\n%q, want\n%q", got, asked)
	}
}

// A list that fails is no list: what is missing in it would be taken for deleted.
func TestOverviewFails(t *testing.T) {
	for _, refused := range []string{`"*"`, `"Other/%/*"`} {
		f := &fake{caps: "NAMESPACE", answers: map[string]func(*fakeConn, string, string) bool{
			"NAMESPACE": say(overviewSpaces),
			"LIST": func(x *fakeConn, tag, command string) bool {
				if strings.HasSuffix(command, refused) {
					return x.say(tag + " NO [SERVERBUG] internal error\r\n")
				}
				return x.say("* LIST () \"/\" Calendar\r\n" + tag + " OK\r\n")
			},
		}}
		ls, err := fakeLogin(t, f.store(t)).Overview(t.Context(), imapstore.Scope{Own: true, Others: true})
		if !imapstore.IsKind(err, imapstore.Unavailable) || ls != nil {
			t.Errorf("with %s refused: %v, %v", refused, overviewOf(ls), err)
		}
	}
}

// TestOverview asks real servers everything of many mailboxes: more than one write can hold.
func TestOverview(t *testing.T) {
	for _, s := range sharing {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := s.start(t)
			raw(t, b, "alice", "CREATE "+s.prefix+"Calendar", "SETACL "+s.prefix+"Calendar bob lrs")
			long := strings.Repeat("x", 150)
			var lines, want []string
			for i := range 120 {
				name := fmt.Sprintf("%s%03d", long, i)
				lines, want = append(lines, "CREATE "+s.prefix+name), append(want, name)
			}
			raw(t, b, "bob", lines...)
			bob := login(t, open(t, b), "bob")
			// that Dovecot keeps no subscriptions of mailboxes outside of "INBOX."
			subscribes := s.name != "dovecot dotted"
			if err := bob.Subscribe(t.Context(), "~alice/Calendar", true); (err == nil) != subscribes {
				t.Fatal(err)
			}
			ls, err := bob.Overview(t.Context(), imapstore.Scope{Own: true, Others: true, Subscribed: true, Types: true, Status: true, Rights: true})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, l := range ls {
				if !l.HasStatus || l.UIDNext == 0 || !l.HasRights || !strings.Contains(l.Rights, "lr") {
					t.Errorf("%+v", l)
				}
				switch {
				case l.Name == "INBOX":
				case l.Name == "~alice/Calendar":
					if id := look(t, bob, l.Name).ID; id != l.ID || id == "" && strings.HasPrefix(s.name, "cyrus") {
						t.Errorf("the id is %q, of a look %q", l.ID, id)
					}
					if l.Subscribed != subscribes || strings.ContainsAny(l.Rights, "ite") {
						t.Errorf("%+v", l)
					}
				default:
					got = append(got, l.Name)
					if !strings.Contains(l.Rights, "i") || !strings.Contains(l.Rights, "e") || l.Subscribed {
						t.Errorf("%+v", l)
					}
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d mailboxes: %.200v", len(got), got)
			}
		})
	}
}

// checkStatusAfterLook: of the mailbox that a session has selected and looked at it must tell what others did, too, not how its view was.
func checkStatusAfterLook(t *testing.T, b *backends.Server) {
	user, store := newUser(b), open(t, b)
	reader, writer := login(t, store, user), login(t, store, user)
	create(t, reader, "Box")
	listed := func() uint32 {
		ls, err := reader.List(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		return ls[slices.IndexFunc(ls, func(l imapstore.Listed) bool { return l.Name == "Box" })].Messages
	}
	asked := func() uint32 {
		m, err := reader.Status(t.Context(), "Box")
		if err != nil {
			t.Fatal(err)
		}
		return m.Messages
	}
	n := uint32(0)
	for range 3 {
		for what, messages := range map[string]func() uint32{"LIST": listed, "STATUS": asked} {
			look(t, reader, "Box")
			add(t, writer, "Box", message(1))
			if n++; messages() != n {
				t.Errorf("%s tells of less than %d messages", what, n)
			}
			if l := look(t, reader, "Box"); l.Messages != n {
				t.Errorf("after %s %+v, want %d messages", what, l, n)
			}
		}
	}
}
