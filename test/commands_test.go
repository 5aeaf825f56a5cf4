package test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"calgate/test/backends"
	"calgate/test/faulty"

	"github.com/emersion/go-imap/v2/imapclient"
)

// command runs calgate as a user and returns its exit status and all that it said.
func command(t *testing.T, b *backends.Server, c *crashClient, args ...string) (status int, said string) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	run := backends.Command(t, path, append([]string{args[0], "-imap", b.URL(), "-user", c.user}, args[1:]...)...)
	run.Env = append(os.Environ(), "CALGATE_PASSWORD="+c.password)
	out, err := run.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return run.ProcessState.ExitCode(), string(out)
}

// The commands do with another user's calendar what its rights allow, and say so where they do not.
func TestCommandsOfOthers(t *testing.T) {
	for _, s := range sharingServers {
		if os.Getenv("TEST_LONG") != "1" && strings.Contains(s.name, " ") {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := s.start(t)
			owner := newCrashClient(t, b, startGateway(t, b, nil, false))
			guest := newCrashClient(t, b, startGateway(t, b, nil, false))
			owner.must(t, putOld)
			owner.must(t, anyOther)
			owner.must(t, request{"DELETE", anyOther.path, nil, ""})
			guest.must(t, makeTarget)
			theirs := "~" + owner.user + "/Calendar"
			for _, step := range []struct {
				rights string
				args   []string
				status int
				says   string
			}{
				{"", []string{"undelete", "-mailbox", theirs}, 2, "no calendar mailbox"},
				{"l", []string{"fsck", "-mailbox", theirs}, 2, "denied"},
				{"lr", []string{"fsck", "-mailbox", theirs}, 0, "nothing is wrong"},
				{"lr", []string{"undelete", "-mailbox", theirs}, 0, "1 deleted objects"},
				{"lr", []string{"undelete", "-mailbox", theirs, "-name", "other.ics"}, 1, "forbidden"},
				{"lrswite", []string{"undelete", "-mailbox", theirs, "-name", "other.ics"}, 0, "other.ics is back"},
				{"lrswite", []string{"fsck", "-repair", "-mailbox", theirs}, 0, "nothing is wrong"},
			} {
				setACL(t, b, owner, "Calendar", guest.user, step.rights)
				if status, said := command(t, b, guest, step.args...); status != step.status || !strings.Contains(said, step.says) {
					t.Errorf("rights %q, %q: exit status %d, want %d and %q: %s", step.rights, step.args, status, step.status, step.says, said)
				}
			}
			tornFromOthers(t, b, owner, guest)
			tornMail(t, b, owner, guest)
		})
	}
}

// tornFromOthers: a move out of another user's calendar ends between its steps; who has the copy can finish it.
func tornFromOthers(t *testing.T, b *backends.Server, owner, guest *crashClient) {
	tear(t, b, guest, "/CalDAV/~"+owner.user+"/Calendar/a.ics", crashTarget)
	if s := owner.shown(t); s.summary != "old" {
		t.Fatalf("the source shows %+v", s)
	}
	if status, said := command(t, b, guest, "fsck"); status != 1 || !strings.Contains(said, "torn move") || !strings.Contains(said, "from ~"+owner.user+"/Calendar") {
		t.Errorf("fsck: exit status %d: %s", status, said)
	}
	if status, said := command(t, b, guest, "fsck", "-repair"); status != 0 || !strings.Contains(said, "repaired") {
		t.Errorf("fsck -repair: exit status %d: %s", status, said)
	}
	if s := owner.shown(t); s.summary != "" {
		t.Errorf("after the repair the source shows %+v", s)
	}
	if a := guest.ask(request{"GET", crashTarget, nil, ""}); a.status != 200 || summary(a.body) != "old" {
		t.Errorf("after the repair the target is %d %s", a.status, a.body)
	}
}

// tear moves an object, and breaks off before the second step.
func tear(t *testing.T, b *backends.Server, c *crashClient, from, to string) {
	t.Helper()
	wire := faulty.New(t, b.Addr)
	wire.Set(faulty.Fault{At: faulty.Before, Command: "^APPEND", N: 2})
	failing := &crashClient{c.user, c.password, startGatewayAt(t, wire.URL(), nil, false)}
	if a := failing.ask(request{"MOVE", from, map[string]string{"Destination": to}, ""}); a.status != 503 {
		t.Fatalf("MOVE: %d %s", a.status, a.body)
	}
	wire.Clear()
}

// tornMail: the same of an object that came by mail, into another user's calendar; who has the source can finish it.
func tornMail(t *testing.T, b *backends.Server, owner, guest *crashClient) {
	guest.must(t, anyOther)
	m := openMailStore(t, b, guest.user, guest.password)
	m.do(func(c *imapclient.Client) error {
		_, err := appendTo(c, m.name("Calendar"), []byte("From: x@example.com\r\nSubject: invited\r\nMIME-Version: 1.0\r\n"+
			"Content-Type: text/calendar; charset=utf-8\r\nContent-Disposition: attachment; filename=mail.ics\r\n\r\n"+displaced("mail")))
		return err
	})
	source, target := "/CalDAV/Calendar/mail.ics", "/CalDAV/~"+owner.user+"/Calendar/moved.ics"
	tear(t, b, guest, source, target)
	if status, said := command(t, b, guest, "fsck"); status != 1 || !strings.Contains(said, "torn move") || !strings.Contains(said, "~"+owner.user+"/Calendar: ") {
		t.Errorf("fsck: exit status %d: %s", status, said)
	}
	if status, said := command(t, b, guest, "fsck", "-repair"); status != 0 || !strings.Contains(said, "repaired") {
		t.Errorf("fsck -repair: exit status %d: %s", status, said)
	}
	if was, is := guest.ask(request{"GET", source, nil, ""}), guest.ask(request{"GET", target, nil, ""}); was.status != 404 || summary(is.body) != "mail" {
		t.Errorf("after the repair the source is %d, the target %d %s", was.status, is.status, is.body)
	}
}
