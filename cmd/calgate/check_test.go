package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"calgate/imapstore"
	"calgate/test/backends"
	"calgate/test/faulty"

	"github.com/emersion/go-imap/v2"
)

func TestMain(m *testing.M) { os.Exit(backends.Main(m)) }

func status(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return 0
	}
	var code exitCode
	if !errors.As(err, &code) {
		t.Fatalf("no exit status in %v", err)
	}
	return int(code)
}

func TestCheck(t *testing.T) {
	for name, b := range map[string]*backends.Server{
		"memory":  backends.Memory(t),
		"dovecot": backends.Dovecot(t, backends.Options{ACL: true, Dotted: true}),
	} {
		t.Run(name, func(t *testing.T) {
			out, _, err := try(t, backends.Password("alice")+"\n", "check", "-imap", b.URL(), "-user", "alice")
			if status(t, err) != 0 {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, want := range []string{"capabilities", "IMAP4", "Calendar is not there yet", "usable        yes"} {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
			prefix := map[string]string{"dovecot": "INBOX."}[name]
			makeMailboxes(t, b, "bob", prefix+"Calendar", prefix+"Work")
			out, _, err = try(t, backends.Password("bob")+"\n", "check", "-imap", b.URL(), "-user", "bob", "-calendar", "Work")
			if status(t, err) != 0 || !strings.Contains(out, bobsCalendars) {
				t.Errorf("no\n%sin\n%s%v", bobsCalendars, out, err)
			}
			if name == "memory" && !strings.Contains(out, "\nmissing\n"+missingInMemory+"usable ") {
				t.Errorf("not missing alone\n%sin\n%s", missingInMemory, out)
			}
			t.Setenv("CALGATE_PASSWORD", "wrong")
			out, _, err = try(t, "", "check", "-imap", b.URL(), "-user", "alice")
			if status(t, err) != 1 || !strings.Contains(out, "usable        no") {
				t.Errorf("a wrong password: %v\n%s", err, out)
			}
			if strings.Contains(out+err.Error(), "wrong") && name == "memory" {
				t.Errorf("the password is shown: %v\n%s", err, out)
			}
		})
	}
}

// makeMailboxes makes mailboxes and puts an event into the last one, as a mail program does.
func makeMailboxes(t *testing.T, b *backends.Server, user string, names ...string) {
	t.Helper()
	c, err := backends.Dial(b.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	errs := []error{c.Login(user, backends.Password(user)).Wait()}
	for _, name := range names {
		errs = append(errs, c.Create(name, nil).Wait())
	}
	event := append([]byte("Content-Type: text/calendar\r\n\r\n"), lunch("a", "A").Raw...)
	a := c.Append(names[len(names)-1], int64(len(event)), nil)
	_, err = a.Write(event)
	errs = append(errs, err, a.Close())
	_, err = a.Wait()
	if err := errors.Join(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
}

const bobsCalendars = `calendars
  calendar   Calendar (the default calendar mailbox), as /CalDAV/~me/Calendar/
  calendar   Work (by -calendar or -tasks), as /CalDAV/~me/Work/
  tasks      Tasks is not there yet; calgate serve makes it when it is first needed
  Calendar: 0 objects
  Work: 1 objects
missing
`

const missingInMemory = `  CONDSTORE      each look asks twice, whether something new came meanwhile
  ACL            calgate finds out by SELECT whether a calendar is read-only
  MULTIAPPEND    a publication is stored object by object; after an error the next one does the rest
  METADATA       private properties are kept in a mailbox calgate; what Kolab and Cyrus say of a folder is not seen
  QUOTA          calendar programs are not told how much room is left
`

// What the server lacks is told, each with what is done instead, and what would need something else that it lacks is not.
func TestMissing(t *testing.T) {
	all := imapstore.Caps{UIDPlus: true, Namespace: true, ListStatus: true, Condstore: true, ACL: true, MultiAppend: true, ListExtended: true,
		Unselect: true, Metadata: true, ListMyRights: true, ListMetadata: true, Quota: true}
	bare := all
	bare.ListMyRights, bare.ListMetadata = false, false
	for _, c := range []struct {
		caps imapstore.Caps
		want string
	}{
		{imapstore.Caps{}, "UIDPLUS NAMESPACE LIST-STATUS CONDSTORE ACL MULTIAPPEND LIST-EXTENDED UNSELECT METADATA QUOTA"},
		{bare, "LIST-MYRIGHTS LIST-METADATA"},
		{all, "nothing"},
	} {
		var out strings.Builder
		printMissing(&out, c.caps)
		var got []string
		for line := range strings.Lines(strings.TrimPrefix(out.String(), "missing\n")) {
			got = append(got, strings.Fields(line)[0])
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("missing %v, want %s", got, c.want)
		}
	}
}

// What others share with the user is told too.
func TestCheckShares(t *testing.T) {
	b := backends.Dovecot(t, backends.Options{ACL: true})
	c, err := backends.Dial(b.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, err := range []error{c.Login("bob", backends.Password("bob")).Wait(), c.Create("Calendar", nil).Wait(),
		c.SetACL("Calendar", "alice", imap.RightModificationReplace, imap.RightSet("lr")).Wait()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	out, _, err := try(t, backends.Password("alice")+"\n", "check", "-imap", b.URL(), "-user", "alice")
	if want := "~bob/Calendar (the default calendar mailbox), shared by bob\n"; status(t, err) != 0 || !strings.Contains(out, want) {
		t.Errorf("no %q: %v\n%s", want, err, out)
	}
}

// A calendar that cannot be read now tells nothing of the server; one that no gateway of this version can read does.
func TestCheckOfAnUnreadableCalendar(t *testing.T) {
	b := backends.Memory(t)
	makeMailboxes(t, b, "bob", "Calendar")
	wire := faulty.New(t, b.Addr)
	wire.Set(faulty.Fault{At: faulty.Before, Command: "^(SELECT|EXAMINE)", Refuse: "NO [UNAVAILABLE] later"})
	check := func() (string, error) {
		out, _, err := try(t, backends.Password("bob")+"\n", "check", "-imap", wire.URL(), "-user", "bob")
		return out, err
	}
	if out, err := check(); status(t, err) != 2 || !strings.Contains(out, "usable        could not tell\n") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := check(); status(t, err) != 0 {
		t.Errorf("%v\n%s", err, out)
	}
	c, err := backends.Dial(b.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Login("bob", backends.Password("bob")).Wait(); err != nil {
		t.Fatal(err)
	}
	selected, err := c.Select("Calendar", nil).Wait()
	if err != nil {
		t.Fatal(err)
	}
	newer := fmt.Sprintf("X-Calgate-Op: put; v=2\r\nX-Calgate-Folder: %d\r\n\r\n", selected.UIDValidity)
	a := c.Append("Calendar", int64(len(newer)), nil)
	if _, err := io.WriteString(a, newer); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Wait(); err != nil {
		t.Fatal(err)
	}
	if out, err := check(); status(t, err) != 1 || !strings.Contains(out, "usable        no\n") || !strings.Contains(err.Error(), "upgrade all gateways") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestCheckCannotTell(t *testing.T) {
	b := backends.Memory(t)
	if err := b.Stop(); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"nobody answers":      {"check", "-imap", b.URL(), "-user", "alice"},
		"wrong configuration": {"check", "-imap", "imap://mail.example.com", "-user", "alice"},
	} {
		if _, _, err := try(t, "pw-alice\n", args...); status(t, err) != 2 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := try(t, "", "check", "-imap", b.URL(), "-user", "alice"); status(t, err) != 2 {
		t.Errorf("no password: %v", err)
	}
}
