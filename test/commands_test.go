package test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"calgate/test/backends"
	"calgate/test/faulty"
)

// command runs calgate as a user and returns its exit status and all that it said.
func command(t *testing.T, b *backends.Server, c *crashClient, args ...string) (status int, said string) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	run := exec.Command(path, append([]string{args[0], "-imap", b.URL(), "-user", c.user}, args[1:]...)...)
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
		})
	}
}

// tornFromOthers: a move out of another user's calendar ends between its steps; who has the copy can finish it.
func tornFromOthers(t *testing.T, b *backends.Server, owner, guest *crashClient) {
	wire := faulty.New(t, b.Addr)
	wire.Set(faulty.Fault{At: faulty.Before, Command: "^APPEND", N: 2})
	failing := &crashClient{guest.user, guest.password, startGatewayAt(t, wire.URL(), nil, false)}
	if a := failing.ask(request{"MOVE", "/CalDAV/~" + owner.user + "/Calendar/a.ics", toTarget, ""}); a.status != 503 {
		t.Fatalf("MOVE: %d %s", a.status, a.body)
	}
	wire.Clear()
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
