package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"calgate/test/backends"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
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

// What others share with the user is told too.
func TestCheckShares(t *testing.T) {
	b := backends.Dovecot(t, backends.Options{ACL: true})
	c, err := imapclient.DialInsecure(b.Addr, nil)
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
