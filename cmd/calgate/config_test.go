package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// try runs a command that ends at once.
func try(t *testing.T, input string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, log bytes.Buffer
	err = run(t.Context(), args, strings.NewReader(input), &out, &log)
	return out.String(), log.String(), err
}

func TestEveryMistakeAtOnce(t *testing.T) {
	t.Setenv("CALGATE_NO_SUCH", "1")
	t.Setenv("CALGATE_IMAP_SESSIONS", "many")
	_, _, err := try(t, "", "serve", "-imap", "imap://mail.example.com", "-listen", "0.0.0.0:8100", "-tls-cert", "c.pem",
		"-log-format", "xml", "-keep-deleted", "1m", "-nonsense", "more", "-imap-ca", "/does/not/exist")
	if err == nil {
		t.Fatal("no mistake found")
	}
	for _, want := range []string{"-imap:", "-behind-tls-proxy", "-tls-cert and -tls-key", "log-format", "-keep-deleted",
		"nonsense", `"more"`, "-imap-ca", "CALGATE_NO_SUCH", "CALGATE_IMAP_SESSIONS"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing about %s in:\n%v", want, err)
		}
	}
}

func TestConfig(t *testing.T) {
	for name, tc := range map[string]struct {
		env  map[string]string
		args []string
		want string // part of the error; "" = none
	}{
		"plain":             {nil, []string{"-imap", "imaps://mail.example.com"}, ""},
		"imap is missing":   {nil, nil, "-imap is missing"},
		"by environment":    {map[string]string{"CALGATE_IMAP": "imaps://mail.example.com", "CALGATE_LISTEN": "[::1]:1", "CALGATE_NO_CACHE": "true"}, nil, ""},
		"of other commands": {map[string]string{"CALGATE_USER": "ada", "CALGATE_PASSWORD": "x"}, []string{"-imap", "imaps://h"}, ""},
		"flag goes first":   {map[string]string{"CALGATE_LOG_FORMAT": "xml"}, []string{"-imap", "imaps://h", "-log-format", "json"}, ""},
		"unknown variable":  {map[string]string{"CALGATE_LISTENN": "x"}, []string{"-imap", "imaps://h"}, "CALGATE_LISTENN"},
		"cleartext imap":    {nil, []string{"-imap", "imap://mail.example.com"}, "-imap:"},
		"loopback imap":     {nil, []string{"-imap", "imap://127.0.0.1:1143"}, ""},
		"insecure imap":     {nil, []string{"-imap", "imap+insecure://mail.example.com"}, ""},
		"password in url":   {nil, []string{"-imap", "imaps://ada:secret@mail.example.com"}, "-imap:"},
		"any address":       {nil, []string{"-imap", "imaps://h", "-listen", ":8100"}, "-behind-tls-proxy"},
		"behind a proxy":    {nil, []string{"-imap", "imaps://h", "-listen", ":8100", "-behind-tls-proxy"}, ""},
		"insecure http":     {nil, []string{"-imap", "imaps://h", "-listen", "10.0.0.1:80", "-insecure-http"}, ""},
		"nothing to listen": {nil, []string{"-imap", "imaps://h", "-listen", ""}, "nothing would be served"},
		"bad address":       {nil, []string{"-imap", "imaps://h", "-listen", "8100"}, "HOST:PORT"},
		"key alone":         {nil, []string{"-imap", "imaps://h", "-tls-key", "k"}, "go together"},
		"two domains":       {nil, []string{"-imap", "imaps://h", "-domain", "a.org", "-domain", "b.org"}, "domain"},
		"domains by host":   {map[string]string{"CALGATE_DOMAIN": "cal.a.org=a.org,b.org"}, []string{"-imap", "imaps://h"}, ""},
		"bad domain":        {nil, []string{"-imap", "imaps://h", "-domain", "@a.org"}, "domain"},
		"no sessions":       {nil, []string{"-imap", "imaps://h", "-imap-sessions", "0"}, "imap-sessions"},
		"unknown realm":     {nil, []string{"-imap", "imaps://h", "-realms", "publish,carddav"}, `"carddav" is none of`},
		"unknown scope":     {nil, []string{"-imap", "imaps://h", "-delete-scope", "none"}, "delete-scope"},
		"bad others":        {nil, []string{"-imap", "imaps://h", "-others", "shared/"}, "-others"},
		"bad size":          {nil, []string{"-imap", "imaps://h", "-cache-size", "12"}, "cache-size"},
	} {
		t.Run(name, func(t *testing.T) {
			for k, v := range tc.env {
				t.Setenv(k, v)
			}
			c := &config{}
			_, err := c.parse(commands()[0], tc.args)
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("unexpected: %v", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want something about %q", err, tc.want)
			case err != nil && strings.Contains(err.Error(), "secret"):
				t.Errorf("a password is shown: %v", err)
			case err == nil && c.keepDeleted != 30*24*time.Hour:
				t.Errorf("what was deleted is kept for %v", c.keepDeleted)
			}
		})
	}
}

func TestDomains(t *testing.T) {
	var d domains
	for _, s := range []string{"cal.A.org=A.org", "b.org"} {
		if err := d.Set(s); err != nil {
			t.Fatal(err)
		}
	}
	for host, want := range map[string]string{"cal.a.org": "a.org", "CAL.a.org": "a.org", "elsewhere": "b.org", "": "b.org"} {
		if got := d.of(host); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
}

func TestListsFromEnvironment(t *testing.T) {
	t.Setenv("CALGATE_CALENDAR", "Team/%,Room *")
	c := &config{}
	if _, err := c.parse(commands()[0], []string{"-imap", "imaps://h"}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(c.calendars, "|"); got != "Team/%|Room *" {
		t.Errorf("calendars %q", got)
	}
}

// Whatever a flag says, its variable says as well.
func TestEveryFlagFromEnvironment(t *testing.T) {
	fresh := func(cmd command, i int) option { return cmd.flags(&config{})[i] }
	for _, cmd := range commands() {
		for i := range cmd.flags(&config{}) {
			byFlag, byVariable, said := fresh(cmd, i), fresh(cmd, i), ""
			for _, said = range []string{"true", "false", "json", "none", "uploaded-kinds", "publish", "17m", "1000h", "17", "17M", "example.com"} {
				if untouched := byFlag.value.String(); byFlag.value.Set(said) == nil && byFlag.value.String() != untouched {
					break
				}
				byFlag = fresh(cmd, i)
			}
			if byFlag.value.String() == byVariable.value.String() {
				t.Fatalf("%s -%s: no value for this test", cmd.name, byFlag.name)
			}
			if mistakes := fromEnvironment([]option{byVariable}, nil, []string{byVariable.environment() + "=" + said}); mistakes != nil {
				t.Errorf("%s %s=%s: %v", cmd.name, byVariable.environment(), said, mistakes)
			}
			if got, want := byVariable.value.String(), byFlag.value.String(); got != want {
				t.Errorf("%s %s=%s: %q, by the flag %q", cmd.name, byVariable.environment(), said, got, want)
			}
		}
	}
}

// What the mail server is to be asked by comes to the store.
func TestOthers(t *testing.T) {
	c := &config{}
	if _, err := c.parse(commands()[0], []string{"-imap", "imaps://h", "-others", "shared/%u/"}); err != nil || c.imapOptions.Others != "shared/%u/" {
		t.Errorf("others %q, %v", c.imapOptions.Others, err)
	}
}

func TestHelpAndVersion(t *testing.T) {
	for _, args := range [][]string{{"-h"}, {"help"}, {"serve", "-h"}, {"demo", "--help"}, {"check", "-h"}, {"undelete", "-h"}, {"fsck", "-h"}, {"version", "-h"}} {
		out, _, err := try(t, "", args...)
		if err != nil || !strings.HasPrefix(out, "calgate") {
			t.Errorf("%v: %v, %q", args, err, out)
		}
	}
	if out, _, err := try(t, "", "version"); err != nil || !strings.HasPrefix(out, "calgate ") {
		t.Errorf("version: %q, %v", out, err)
	}
	for _, args := range [][]string{{}, {"surf"}, {"version", "x"}} {
		if _, _, err := try(t, "", args...); err == nil {
			t.Errorf("%v is no command, but no error", args)
		}
	}
}

// TestManual compares calgate.8 with the flags and their defaults.
func TestManual(t *testing.T) {
	text, err := os.ReadFile("calgate.8")
	if err != nil {
		t.Fatal(err)
	}
	_, body, ok := strings.Cut(string(text), ".Sh COMMANDS\n")
	if !ok {
		t.Fatal("no COMMANDS section")
	}
	body, _, _ = strings.Cut(body, ".Sh EXIT STATUS\n")
	sections := map[string]string{}
	for part := range strings.SplitSeq(body, ".Ss ") {
		name, rest, _ := strings.Cut(part, "\n")
		sections[name] = rest
	}
	for _, cmd := range commands() {
		section, ok := sections[cmd.name]
		if !ok {
			t.Errorf("the manual has no command %s", cmd.name)
			continue
		}
		documented := map[string]string{} // flag and argument -> text
		for i, item := range strings.Split(section, ".It Fl ") {
			head, rest, _ := strings.Cut(item, "\n")
			if i > 0 {
				documented[head] = rest
			}
		}
		for _, o := range cmd.flags(&config{}) {
			checkManual(t, cmd.name, o, section, documented)
		}
		for head := range documented {
			t.Errorf("%s: the manual has a flag %q that is not there", cmd.name, head)
		}
	}
}

// TestManualLimits: what sysadmins must know of the protocol stands in the manual, one phrase for each limit.
func TestManualLimits(t *testing.T) {
	text, err := os.ReadFile("calgate.8")
	if err != nil {
		t.Fatal(err)
	}
	_, limits, _ := strings.Cut(string(text), ".Sh KNOWN LIMITS\n")
	limits, _, _ = strings.Cut(limits, "\n.Sh ")
	words := strings.Join(strings.Fields(limits), " ")
	for _, want := range []string{
		"can forge the header fields of a version and so change or end objects",
		"expunges the newest version of an object while a change to it is under way may see it come back",
		"takes effect when that program expunges: then the next older version shows",
		"renumber messages break the order of the log: send each user to one of them; .Cm check Fl probe tests the order",
		"Renumbering without a new UIDVALIDITY breaks IMAP itself",
		"Gateways must not write while a folder is moved",
		"must copy all messages in their order",
		"deleted objects or older versions may come back",
		"may take the place of the object that it duplicates",
		"Without the IMAP extension UIDPLUS nothing is ever cleaned up",
	} {
		if !strings.Contains(words, want) {
			t.Errorf("the known limits do not say: %s", want)
		}
	}
}

func checkManual(t *testing.T, command string, o option, section string, documented map[string]string) {
	t.Helper()
	if o.only {
		if !strings.Contains(section, ".Ev "+o.environment()) {
			t.Errorf("%s: the manual does not tell %s", command, o.environment())
		}
		return
	}
	head := o.name
	if o.argument != "" {
		head += " Ar " + o.argument
	}
	text, ok := documented[head]
	if !ok {
		t.Errorf("%s: the manual has no %q", command, head)
		return
	}
	delete(documented, head)
	want := ""
	if d := o.value.String(); d != "" {
		want = "Default: " + d + "."
	}
	got := ""
	if i := strings.Index(text, "Default: "); i >= 0 {
		got, _, _ = strings.Cut(text[i:], "\n")
	}
	if got != want {
		t.Errorf("%s -%s: the manual says %q, the flag %q", command, o.name, got, want)
	}
}

func TestPasswordNeverOnTheCommandLine(t *testing.T) {
	_, _, err := try(t, "", "check", "-imap", "imaps://h", "-user", "ada", "-password", "secret")
	if err == nil || !strings.Contains(err.Error(), "password") {
		t.Errorf("-password was taken: %v", err)
	}
}

func TestCertificateIsCheckedFirst(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x.pem")
	if err := os.WriteFile(file, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := run(context.Background(), []string{"serve", "-imap", "imaps://h", "-tls-cert", file, "-tls-key", file, "-imap-ca", file}, nil, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "-tls-cert") || !strings.Contains(err.Error(), "-imap-ca") {
		t.Errorf("got %v", err)
	}
}
