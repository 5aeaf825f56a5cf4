package imapstore_test

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"calgate/test/backends"
)

// speaker talks plain IMAP, to pin down what this package leans on.
type speaker struct {
	t    testing.TB
	conn net.Conn
	br   *bufio.Reader
	n    int
}

func speak(t testing.TB, b *backends.Server, user string) *speaker {
	t.Helper()
	c, err := net.Dial("tcp", b.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s := &speaker{t: t, conn: c, br: bufio.NewReader(c)}
	s.line()
	s.do(fmt.Sprintf("LOGIN %s %s", user, backends.Password(user)))
	return s
}

func (s *speaker) line() string {
	s.t.Helper()
	l, err := s.br.ReadString('\n')
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimRight(l, "\r\n")
}

// do sends the commands in one write and gives all lines up to the last answer.
func (s *speaker) do(commands ...string) []string {
	s.t.Helper()
	var b strings.Builder
	open := map[string]bool{}
	for _, c := range commands {
		s.n++
		tag := fmt.Sprintf("p%d", s.n)
		open[tag] = true
		b.WriteString(tag + " " + c + "\r\n")
	}
	if _, err := s.conn.Write([]byte(b.String())); err != nil {
		s.t.Fatal(err)
	}
	var lines []string
	for len(open) > 0 {
		l := s.line()
		lines = append(lines, l)
		delete(open, strings.SplitN(l, " ", 2)[0])
	}
	return lines
}

// find is the index of the first line that begins so, or -1.
func find(lines []string, prefix string) int {
	return slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, prefix) })
}

// TestDovecotPins holds what Look leans on, or may not lean on, as it was measured on Dovecot 2.3. When it fails with another
// version, look.go may become simpler, or must become more careful.
func TestDovecotPins(t *testing.T) {
	for _, format := range []string{"maildir", "sdbox"} {
		t.Run(format, func(t *testing.T) {
			b := backends.Dovecot(t, backends.Options{Format: format})
			a, o := speak(t, b, "alice"), speak(t, b, "alice")
			a.do("CREATE Box")
			a.do("SELECT Box")
			const status = "STATUS Box (MESSAGES UIDNEXT)"
			add := func() { o.do("APPEND Box {12+}\r\nA: b\r\n\r\nxx\r\n") }

			add()
			if got := a.do("NOOP", "UID FETCH 1:* (UID)"); find(got, "* 1 FETCH") >= 0 {
				t.Errorf("NOOP and FETCH in one write see the new message: %q", got)
			}
			if got := a.do("UID FETCH 1:* (UID)"); find(got, "* 1 FETCH") < 0 {
				t.Errorf("FETCH after the answer to NOOP does not see the message: %q", got)
			}

			// STATUS of the selected mailbox describes the view, and not what is in the mailbox
			add()
			if got := a.do(status); find(got, "* STATUS Box (MESSAGES 1 UIDNEXT 2)") < 0 {
				t.Errorf("STATUS of the selected mailbox before NOOP: %q", got)
			}
			if got := o.do(status); find(got, "* STATUS Box (MESSAGES 2 UIDNEXT 3)") < 0 {
				t.Errorf("STATUS from another session: %q", got)
			}
			if got := a.do("NOOP"); find(got, "* 2 EXISTS") < 0 {
				t.Errorf("NOOP: %q", got)
			}
			if got := a.do(status); find(got, "* STATUS Box (MESSAGES 2 UIDNEXT 3)") < 0 {
				t.Errorf("STATUS of the selected mailbox after NOOP: %q", got)
			}

			// a message that came and went leaves no trace in the answer to NOOP
			add()
			o.do("SELECT Box")
			o.do(`STORE 3 +FLAGS.SILENT (\Deleted)`)
			o.do("EXPUNGE")
			if got := a.do("NOOP"); find(got, "* ") >= 0 {
				t.Errorf("NOOP after a message that came and went: %q", got)
			}
			if got := a.do(status); find(got, "* STATUS Box (MESSAGES 2 UIDNEXT 4)") < 0 {
				t.Errorf("STATUS after a message that came and went: %q", got)
			}

			// no two mailboxes have one UIDVALIDITY, and RENAME keeps it, see Caps.ValidityIsID
			made := map[string]bool{}
			for _, name := range []string{"One", "Two", "Three"} {
				o.do("CREATE " + name)
				made[o.do("STATUS " + name + " (UIDVALIDITY)")[0][len("* STATUS "+name):]] = true
			}
			o.do("RENAME Three Four")
			if got := o.do("STATUS Four (UIDVALIDITY)")[0][len("* STATUS Four"):]; len(made) != 3 || !made[got] {
				t.Errorf("UIDVALIDITYs of three mailboxes: %v, of the one renamed: %s", made, got)
			}
			if got := strings.Join(a.do("CAPABILITY"), " "); !strings.Contains(got, "SNIPPET=FUZZY") || strings.Contains(got, "OBJECTID") {
				t.Errorf("it offers %s", got)
			}
		})
	}
}
