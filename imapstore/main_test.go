package imapstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"calgate/imapstore"
	"calgate/test/backends"
)

func TestMain(m *testing.M) { os.Exit(backends.Main(m)) }

// servers are the mail servers that every test of ordinary behaviour runs on.
var servers = []struct {
	name  string
	start func(testing.TB) *backends.Server
}{
	{"memory", func(t testing.TB) *backends.Server { return backends.Memory(t) }},
	{"maildir", func(t testing.TB) *backends.Server { return backends.Dovecot(t, backends.Options{ACL: true}) }},
	{"sdbox", func(t testing.TB) *backends.Server { return backends.Dovecot(t, backends.Options{Format: "sdbox"}) }},
	{"dotted", func(t testing.TB) *backends.Server {
		return backends.Dovecot(t, backends.Options{Dotted: true, ACL: true})
	}},
	{"cyrus", func(t testing.TB) *backends.Server { return backends.Cyrus(t, backends.Options{}) }},
	{"cyrus dotted", func(t testing.TB) *backends.Server { return backends.Cyrus(t, backends.Options{Dotted: true}) }},
	{"courier", func(t testing.TB) *backends.Server { return backends.Courier(t, backends.Options{}) }},
}

// TestOnServers runs every check of ordinary behaviour on every server, each with a user of its own.
func TestOnServers(t *testing.T) {
	checks := []struct {
		name string
		run  func(*testing.T, *backends.Server)
	}{
		{"Mailboxes", checkMailboxes},
		{"Log", checkLog},
		{"Freshness", checkFreshness},
		{"Arrivals", checkArrivals},
		{"StatusAfterLook", checkStatusAfterLook},
		{"TornSnapshot", checkTornSnapshot},
		{"DeletedElsewhere", checkDeletedElsewhere},
		{"CutAppend", checkCutAppend},
		{"TripleNamesTheSet", checkTripleNamesTheSet},
		{"AppendAll", checkAppendAll},
		{"Rights", checkRights},
		{"Deadline", checkDeadline},
		{"ReplacedFolder", checkReplacedFolder},
		{"StatusOfSelected", checkStatusOfSelected},
		{"RenamedFolder", checkRenamedFolder},
	}
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := s.start(t)
			for _, c := range checks {
				t.Run(c.name, func(t *testing.T) { c.run(t, b) })
			}
		})
	}
}

func newUser(b *backends.Server) string {
	user, _ := b.User()
	return user
}

// open makes a store on the server, closed when the test ends.
func open(t testing.TB, b *backends.Server) *imapstore.Store {
	t.Helper()
	return openAt(t, b.URL())
}

func openAt(t testing.TB, url string) *imapstore.Store {
	t.Helper()
	o, err := imapstore.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	s := imapstore.New(o)
	t.Cleanup(func() { s.Close() })
	return s
}

// login gives a session of user, released when the test ends.
func login(t testing.TB, s *imapstore.Store, user string) *imapstore.Session {
	t.Helper()
	x, err := s.Login(t.Context(), user, backends.Password(user))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Release)
	return x
}

func soon() time.Time { return time.Now().Add(time.Minute) }

func message(n int) imapstore.Outgoing {
	return imapstore.Outgoing{
		Octets: []byte(fmt.Sprintf("From: <a@invalid>\r\nDate: Wed, 25 Nov 2026 09:00:00 +0000\r\nX-Calgate-Name: n%d\r\nSubject: s\r\n\r\nBody %d\r\n", n, n)),
		Flags:  []string{`\Seen`},
	}
}

func add(t testing.TB, s *imapstore.Session, mailbox string, m imapstore.Outgoing) imapstore.Appended {
	t.Helper()
	a, err := s.Append(t.Context(), mailbox, m, soon())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func look(t testing.TB, s *imapstore.Session, mailbox string) imapstore.Looked {
	t.Helper()
	l, err := s.Look(t.Context(), mailbox)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func create(t testing.TB, s *imapstore.Session, mailbox string) {
	t.Helper()
	if err := s.Create(t.Context(), mailbox); err != nil {
		t.Fatal(err)
	}
}

func uids(t testing.TB, s *imapstore.Session, mailbox string) []uint32 {
	t.Helper()
	u, err := s.UIDs(t.Context(), mailbox)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// headers gives the X-Calgate-Name line of each row.
func headers(t testing.TB, s *imapstore.Session, mailbox string, u []uint32) map[uint32]string {
	t.Helper()
	got := map[uint32]string{}
	for f, err := range s.Fields(t.Context(), mailbox, u, []string{"X-Calgate-Name", "Date"}) {
		if err != nil {
			t.Fatal(err)
		}
		if f.Size == 0 || f.InternalDate.IsZero() {
			t.Errorf("row %+v lacks size or date", f)
		}
		for line := range bytes.SplitSeq(f.Header, []byte("\r\n")) {
			if v, ok := bytes.CutPrefix(line, []byte("X-Calgate-Name: ")); ok {
				got[f.UID] = string(v)
			}
		}
	}
	return got
}

func bodies(t testing.TB, s *imapstore.Session, mailbox string, u []uint32) map[uint32]string {
	t.Helper()
	got := map[uint32]string{}
	for m, err := range s.Messages(t.Context(), mailbox, u) {
		if err != nil {
			t.Fatal(err)
		}
		got[m.UID] = string(m.Octets)
	}
	return got
}

func wantKind(t testing.TB, err error, k imapstore.Kind) *imapstore.Error {
	t.Helper()
	var e *imapstore.Error
	if !errors.As(err, &e) || e.Kind != k {
		t.Fatalf("error %v, want kind %v", err, k)
	}
	if e.Op == "" || !strings.HasPrefix(e.Error(), "imapstore: ") {
		t.Errorf("error %q does not say its operation", e)
	}
	return e
}
