package imapstore_test

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"calgate/imapstore"
	"calgate/test/backends"
)

// sharing are the servers on which users share mailboxes, and what differs there.
var sharing = []struct {
	name       string
	start      func(testing.TB) *backends.Server
	prefix     string // of personal mailboxes, with the delimiter of all at its end
	delimiter  string
	dots       bool   // a user with a dot has a name
	domains    bool   // a user of another domain has one
	template   string // the same as NAMESPACE says, configured
	otherNames string // a template under which nothing is
}{
	{"dovecot", func(t testing.TB) *backends.Server { return backends.Dovecot(t, backends.Options{ACL: true}) },
		"", "/", true, true, "shared/%u/", "user/%u/"},
	{"dovecot dotted", func(t testing.TB) *backends.Server {
		return backends.Dovecot(t, backends.Options{ACL: true, Dotted: true})
	}, "INBOX.", ".", false, false, "shared.%u.", "user.%u."},
	{"cyrus", func(t testing.TB) *backends.Server { return backends.Cyrus(t, backends.Options{}) },
		"", "/", true, false, "Other Users/%u/", "user/%u/"},
	{"cyrus dotted", func(t testing.TB) *backends.Server { return backends.Cyrus(t, backends.Options{Dotted: true}) },
		"INBOX.", ".", true, false, "user.%u.", "users.%u."},
	{"courier", func(t testing.TB) *backends.Server { return backends.Courier(t, backends.Options{}) },
		"INBOX.", ".", true, true, "#shared.%u.", "user.%u."},
}

// raw says lines to the server as a user, as a mail program would.
func raw(t testing.TB, b *backends.Server, user string, lines ...string) {
	t.Helper()
	c, err := net.Dial("tcp", b.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	r := bufio.NewReader(c)
	lines = append([]string{fmt.Sprintf("LOGIN %q %q", user, backends.Password(user))}, lines...)
	for i, line := range lines {
		fmt.Fprintf(c, "a%d %s\r\n", i, line)
		for {
			answer, err := r.ReadString('\n')
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if rest, ok := strings.CutPrefix(answer, fmt.Sprintf("a%d ", i)); ok {
				if !strings.HasPrefix(rest, "OK") {
					t.Fatalf("%s: %s", line, rest)
				}
				break
			}
		}
	}
}

func names(ls []imapstore.Listed) []string {
	var out []string
	for _, l := range ls {
		out = append(out, l.Name)
	}
	return out
}

// TestOthers shares mailboxes of several owners with bob in every way and looks at what he sees.
func TestOthers(t *testing.T) {
	for _, s := range sharing {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := s.start(t)
			owners := []string{"alice"}
			if s.dots {
				owners = append(owners, "dave.smith")
			}
			if s.domains {
				owners = append(owners, "erin@example.com")
			}
			calendar := s.prefix + "Calendar"
			work, deep := calendar+s.delimiter+"Work", s.prefix+"Tasks"+s.delimiter+"Deep"
			var want []string
			for _, o := range []string{"alice", "dave.smith", "erin@example.com"} {
				raw(t, b, o, "CREATE "+calendar, "CREATE "+work, "CREATE "+deep, "CREATE "+s.prefix+"Secret",
					"SETACL "+calendar+" bob lr", "SETACL "+work+" bob lrswid", "SETACL "+deep+" bob l")
				if slices.Contains(owners, o) {
					want = append(want, "~"+o+"/Calendar", "~"+o+"/Calendar/Work", "~"+o+"/Tasks/Deep")
				}
			}
			store := open(t, b)
			bob := login(t, store, "bob")
			create(t, bob, "Own")
			for _, status := range []bool{false, true} {
				list, err := bob.ListOthers(t.Context(), status)
				if err != nil || !slices.Equal(names(list), want) {
					t.Fatalf("others %v, %v; want %v", names(list), err, want)
				}
				for _, l := range list {
					if readable := !strings.HasSuffix(l.Name, "Deep"); readable && l.HasStatus != status {
						t.Errorf("status %v: %+v", status, l)
					}
				}
			}
			own, err := bob.List(t.Context(), true)
			if err != nil || !slices.Equal(names(own), []string{"INBOX", "Own"}) {
				t.Errorf("own mailboxes %v, %v", names(own), err)
			}
			for i, o := range owners {
				list, err := bob.Overview(t.Context(), imapstore.Scope{Owner: o})
				if err != nil || !slices.Equal(names(list), want[3*i:3*i+3]) {
					t.Errorf("of %s: %v, %v", o, names(list), err)
				}
				checkShared(t, bob, o)
			}
			checkNotShared(t, bob)
			checkTemplates(t, b, s.template, s.otherNames, want)
		})
	}
}

// checkShared uses what the owner shares with bob.
func checkShared(t *testing.T, bob *imapstore.Session, owner string) {
	t.Helper()
	calendar, work, deep := "~"+owner+"/Calendar", "~"+owner+"/Calendar/Work", "~"+owner+"/Tasks/Deep"
	l := look(t, bob, calendar)
	if !l.HasRights || !strings.Contains(l.Rights, "r") || strings.ContainsAny(l.Rights, "ite") {
		t.Errorf("%s: %+v", calendar, l)
	}
	if l := look(t, bob, work); !l.HasRights || strings.Trim("rite", l.Rights) != "" {
		t.Errorf("%s: %+v", work, l)
	}
	a := add(t, bob, work, message(1))
	if l := look(t, bob, work); l.Name != work || l.Messages != 1 {
		t.Errorf("%s: %+v", work, l)
	}
	if got := bodies(t, bob, work, []uint32{a.UID}); got[a.UID] != string(message(1).Octets) {
		t.Errorf("%s: %v", work, got)
	}
	if err := bob.Expunge(t.Context(), work, []uint32{a.UID}); err != nil {
		t.Error(err)
	}
	if l := look(t, bob, work); l.Messages != 0 {
		t.Errorf("%s: %+v", work, l)
	}
	rights, ok, err := bob.Rights(t.Context(), deep)
	if err != nil || !ok || rights != "l" {
		t.Errorf("%s: rights %q %v %v", deep, rights, ok, err)
	}
	_, err = bob.Look(t.Context(), deep)
	wantKind(t, err, imapstore.NoPermission)
	_, err = bob.Status(t.Context(), deep)
	wantKind(t, err, imapstore.NoPermission)
	for _, none := range []string{"Tasks", "Secret", "Nowhere"} { // a parent that is no mailbox; not shared; not there
		_, err = bob.Look(t.Context(), "~"+owner+"/"+none)
		wantKind(t, err, imapstore.NotFound)
		_, err = bob.Status(t.Context(), "~"+owner+"/"+none)
		wantKind(t, err, imapstore.NotFound)
	}
}

// checkNotShared asks for users who share nothing, and for oneself.
func checkNotShared(t *testing.T, bob *imapstore.Session) {
	t.Helper()
	for _, n := range []string{"~nobody/Calendar", "~carol/Calendar", "~no.body/Calendar", "~x@y.example/Calendar",
		"~", "~alice", "~alice/", "~/Calendar", "~bob/~alice/Calendar", "~al^ice/Calendar", "~a b/Calendar", "~%/Calendar", "~*/Calendar"} {
		_, err := bob.Look(t.Context(), n)
		wantKind(t, err, imapstore.NotFound)
		_, err = bob.Status(t.Context(), n)
		wantKind(t, err, imapstore.NotFound)
		rights, _, err := bob.Rights(t.Context(), n)
		if err == nil && rights != "" {
			t.Errorf("%s: rights %q", n, rights)
		}
	}
	for _, o := range []string{"nobody", "carol", "no.body", "x@y.example", "", "%", "*", "a/b", "al^ice"} {
		if list, err := bob.Overview(t.Context(), imapstore.Scope{Owner: o}); err != nil || len(list) > 0 {
			t.Errorf("of %q: %v, %v", o, names(list), err)
		}
	}
	if l := look(t, bob, "~Bob/Own"); l.Messages != 0 {
		t.Errorf("own mailbox by the long name: %+v", l)
	}
	if list, err := bob.Overview(t.Context(), imapstore.Scope{Owner: "bob"}); err != nil || !slices.Equal(names(list), []string{"INBOX", "Own"}) {
		t.Errorf("of bob: %v, %v", names(list), err)
	}
}

func checkTemplates(t *testing.T, b *backends.Server, template, other string, want []string) {
	t.Helper()
	for template, want := range map[string][]string{template: want, other: nil} {
		o, err := imapstore.ParseURL(b.URL())
		if err != nil {
			t.Fatal(err)
		}
		o.Others = template
		store := imapstore.New(o)
		defer store.Close()
		bob := login(t, store, "bob")
		list, err := bob.ListOthers(t.Context(), false)
		if err != nil || !slices.Equal(names(list), want) {
			t.Errorf("template %s: %v, %v", template, names(list), err)
		}
		bob.Release()
	}
}

// TestFirstShare: a session that is older than a sharer's first share may not list it; one that is renewed does, also where
// the server does not offer ACL.
func TestFirstShare(t *testing.T) {
	for name, extra := range map[string]string{"ACL": "", "no ACL": "imap_capability = IMAP4rev1 LITERAL+ UIDPLUS MULTIAPPEND UNSELECT CONDSTORE NAMESPACE"} {
		t.Run(name, func(t *testing.T) { t.Parallel(); firstShare(t, extra) })
	}
}

func firstShare(t *testing.T, extra string) {
	b := backends.Dovecot(t, backends.Options{ACL: true, Extra: extra})
	o, err := imapstore.ParseURL(b.URL())
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	var later time.Duration
	o.Now = func() time.Time { return began.Add(later) }
	store := imapstore.New(o)
	defer store.Close()
	bob := login(t, store, "bob")
	if list, err := bob.ListOthers(t.Context(), true); err != nil || len(list) > 0 {
		t.Fatalf("%v, %v", list, err)
	}
	old := login(t, store, "bob")
	if _, err := old.ListOthers(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	raw(t, b, "alice", "CREATE Calendar", "SETACL Calendar bob lr")
	if r, ok, err := old.Rights(t.Context(), "~alice/Calendar"); err != nil || extra == "" && (!ok || r != "lr") {
		t.Errorf("rights asked in an old session: %q %v %v", r, ok, err)
	}
	look(t, old, "~alice/Calendar")
	later = 61 * time.Second
	if list, err := bob.ListOthers(t.Context(), true); err != nil || !slices.Equal(names(list), []string{"~alice/Calendar"}) {
		t.Errorf("%v, %v", list, err)
	}
	bob.Release()
	old.Release()
}

// TestServerBug: what Dovecot says of a user that it does not know is believed only where LIST shows nothing.
func TestServerBug(t *testing.T) {
	bug := say("TAG NO [SERVERBUG] Internal error occurred. Refer to server log for more information.\r\n")
	for listed, want := range map[string]imapstore.Kind{
		"": imapstore.NotFound, "* LIST (\\NoSelect) \"/\" shared/eve/Box\r\n": imapstore.NotFound, "* LIST () \"/\" shared/eve/Box\r\n": imapstore.Unavailable,
	} {
		f := &fake{caps: "NAMESPACE ACL RIGHTS=texk", answers: fakeAnswers{
			"NAMESPACE": say("* NAMESPACE ((\"\" \"/\")) ((\"shared/\" \"/\")) NIL\r\nTAG OK\r\n"),
			"SELECT":    bug, "STATUS": bug, "MYRIGHTS": bug, "LIST": say(listed + "TAG OK\r\n"),
		}}
		s := fakeLogin(t, f.store(t))
		_, err := s.Look(t.Context(), "~eve/Box")
		wantKind(t, err, want)
		_, err = s.Status(t.Context(), "~eve/Box")
		wantKind(t, err, want)
		_, _, err = s.Rights(t.Context(), "~eve/Box")
		wantKind(t, err, want)
		_, err = s.Look(t.Context(), "Box")
		wantKind(t, err, imapstore.Unavailable)
	}
}

// TestDomains: Cyrus leaves away the domain of the user who asks; a template with %n puts it back.
func TestDomains(t *testing.T) {
	t.Parallel()
	b := backends.Cyrus(t, backends.Options{Dotted: true})
	raw(t, b, "e.f@example.com", "CREATE INBOX.Calendar", "SETACL INBOX.Calendar erin@example.com lr")
	for template, want := range map[string]string{"": "~e.f/Calendar", "user.%n.": "~e.f@example.com/Calendar"} {
		o, err := imapstore.ParseURL(b.URL())
		if err != nil {
			t.Fatal(err)
		}
		o.Others = template
		store := imapstore.New(o)
		defer store.Close()
		erin := login(t, store, "erin@example.com")
		list, err := erin.ListOthers(t.Context(), false)
		if err != nil || !slices.Equal(names(list), []string{want}) {
			t.Errorf("template %q: %v, %v", template, names(list), err)
		}
		look(t, erin, want)
		_, err = erin.Look(t.Context(), "~e.f@example.org/Calendar")
		wantKind(t, err, imapstore.NotFound)
		erin.Release()
	}
}

func TestCheckOthers(t *testing.T) {
	for template, ok := range map[string]bool{
		"shared/%u/": true, "user.%n.": true, "users/%d/%n/": true, "": false, "shared/": false, "%u/": false, "shared/%u": false, "users/%d/": false,
	} {
		if err := imapstore.CheckOthers(template); (err == nil) != ok {
			t.Errorf("%q: %v", template, err)
		}
	}
}

// TestTilde: an own mailbox whose name begins like that of another user's stays reachable, and is never theirs.
func TestTilde(t *testing.T) {
	t.Parallel()
	b := backends.Cyrus(t, backends.Options{})
	raw(t, b, "alice", "CREATE Calendar", "SETACL Calendar bob lr")
	raw(t, b, "bob", "CREATE ~alice", "CREATE ~alice/Calendar")
	bob := login(t, open(t, b), "bob")
	list, err := bob.List(t.Context(), false)
	if err != nil || !slices.Equal(names(list), []string{"=7Ealice", "=7Ealice/Calendar", "INBOX"}) {
		t.Fatalf("%v, %v", names(list), err)
	}
	if l := look(t, bob, "=7Ealice/Calendar"); !strings.Contains(l.Rights, "i") {
		t.Errorf("own mailbox: %+v", l)
	}
	if l := look(t, bob, "~alice/Calendar"); strings.Contains(l.Rights, "i") {
		t.Errorf("hers: %+v", l)
	}
}
