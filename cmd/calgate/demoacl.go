package main

import (
	"bufio"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"

	"calgate/imapstore"

	"github.com/emersion/go-imap/v2"
)

// aclConn teaches a connection of go-imap's server the commands of RFC 4314, which that server does not know: it sees a NOOP
// in their place, and where it answers that, the answer to the real command is put in. So they keep their turn among
// pipelined commands.
type aclConn struct {
	net.Conn
	session *demoSession // set before the first command
	br      *bufio.Reader
	in      []byte // what the server is to read next
	literal int64  // octets of a literal that pass unread

	mu      sync.Mutex        // guards what follows
	pending map[string]string // tag -> command
	out     []byte            // a line that is not complete
	pass    int64             // octets of a literal that pass unread
}

func newACLConn(c net.Conn) *aclConn {
	return &aclConn{Conn: c, br: bufio.NewReader(c), pending: map[string]string{}}
}

// Read gives the server what the client sent, with NOOP for the commands that it does not know.
func (c *aclConn) Read(p []byte) (int, error) {
	if c.literal > 0 {
		n, err := c.br.Read(p[:min(int64(len(p)), c.literal)])
		c.literal -= int64(n)
		return n, err
	}
	if len(c.in) == 0 {
		line, err := c.br.ReadString('\n')
		if err != nil {
			return 0, err
		}
		tag, command, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		name, _, _ := strings.Cut(command, " ")
		switch strings.ToUpper(name) {
		case "MYRIGHTS", "GETACL", "SETACL", "DELETEACL", "LISTRIGHTS":
			c.mu.Lock()
			c.pending[tag] = command
			c.mu.Unlock()
			line = tag + " NOOP\r\n"
		default:
			c.literal = literalAtEnd(line)
		}
		c.in = []byte(line)
	}
	n := copy(p, c.in)
	c.in = c.in[n:]
	return n, nil
}

// literalAtEnd is the n of the {n} or {n+} that a line ends with, 0 where it does not.
func literalAtEnd(line string) int64 {
	line, ok := strings.CutSuffix(strings.TrimRight(line, "\r\n"), "}")
	open := strings.LastIndexByte(line, '{')
	if !ok || open < 0 {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(line[open+1:], "+"), 10, 63)
	if err != nil {
		return 0
	}
	return n
}

// Write sends the client what the server says.
func (c *aclConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []byte
	for rest := p; len(rest) > 0; {
		if c.pass > 0 {
			n := min(c.pass, int64(len(rest)))
			out, rest, c.pass = append(out, rest[:n]...), rest[n:], c.pass-n
			continue
		}
		line, after, complete := strings.Cut(string(rest), "\n")
		rest = []byte(after)
		c.out = append(c.out, line...)
		if !complete {
			break
		}
		out = append(out, c.answer(string(c.out)+"\n")...)
		c.out = c.out[:0]
	}
	if _, err := c.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// answer is a line of the server as the client is to see it.
func (c *aclConn) answer(line string) string {
	tag, rest, _ := strings.Cut(line, " ")
	if command, ok := c.pending[tag]; ok {
		delete(c.pending, tag)
		if strings.HasPrefix(rest, "OK ") {
			return c.session.acl(tag, command)
		}
		return line
	}
	c.pass = literalAtEnd(line)
	if rest = strings.TrimPrefix(rest, "OK ["); strings.HasPrefix(rest, "CAPABILITY ") {
		return strings.Replace(line, "CAPABILITY ", "CAPABILITY ACL RIGHTS=kxte ", 1)
	}
	return line
}

// acl is the answer to a command of RFC 4314 section 3.
func (s *demoSession) acl(tag, command string) string {
	refuse := func(text string) string { return tag + " " + text + "\r\n" }
	name, rest, _ := strings.Cut(command, " ")
	args, ok := arguments(rest)
	want := map[string]int{"MYRIGHTS": 1, "GETACL": 1, "SETACL": 3, "DELETEACL": 2, "LISTRIGHTS": 2}
	name = strings.ToUpper(name)
	if !ok || len(args) != want[name] || s.UserSession == nil {
		return refuse("BAD " + name + " is not understood")
	}
	mailbox, err := imapstore.DecodeUTF7(args[0])
	if err != nil {
		return refuse("BAD this is no mailbox name")
	}
	needed := "a"
	if name == "MYRIGHTS" {
		needed = ""
	}
	owner, own, err := s.at(mailbox, needed)
	if err == nil {
		_, err = s.store.users[owner].Status(own, &imap.StatusOptions{})
	}
	switch {
	case err == errNoRight:
		return refuse("NO [NOPERM] Permission denied")
	case err != nil:
		return refuse("NO [NONEXISTENT] No such mailbox")
	}
	said := ""
	switch name {
	case "MYRIGHTS":
		said = fmt.Sprintf("* MYRIGHTS %s %s\r\n", imapString(args[0]), s.store.rights(owner, own, s.name))
	case "GETACL":
		said = fmt.Sprintf("* ACL %s %s %s", imapString(args[0]), imapString(owner), demoRights)
		entries := s.store.entries(owner, own)
		for _, id := range slices.Sorted(maps.Keys(entries)) {
			said += " " + imapString(id) + " " + entries[id]
		}
		said += "\r\n"
	case "LISTRIGHTS":
		said = fmt.Sprintf("* LISTRIGHTS %s %s \"\" %s\r\n", imapString(args[0]), imapString(args[1]), strings.Join(strings.Split(demoRights, ""), " "))
	default: // SETACL, DELETEACL
		id := args[1]
		if id == owner || s.store.users[id] == nil && id != "anyone" {
			return refuse("NO no rights can be given to " + imapString(id))
		}
		s.store.setRights(owner, own, id, append(args, "")[2])
	}
	return said + tag + " OK " + name + " completed\r\n"
}

// changed applies the third argument of SETACL: +rights, -rights, or rights alone.
func changed(was, change string) string {
	letters, add := strings.CutPrefix(change, "+")
	letters, remove := strings.CutPrefix(letters, "-")
	var now []byte
	for _, c := range []byte(demoRights) {
		named := strings.IndexByte(letters, c) >= 0
		if had := strings.IndexByte(was, c) >= 0; named && !remove || had && (add || remove && !named) {
			now = append(now, c)
		}
	}
	return string(now)
}

// arguments are atoms and quoted strings; calgate sends no literal where these do.
func arguments(s string) (args []string, ok bool) {
	for s = strings.TrimLeft(s, " "); s != ""; s = strings.TrimLeft(s, " ") {
		if s[0] != '"' {
			var a string
			a, s, _ = strings.Cut(s, " ")
			args = append(args, a)
			continue
		}
		var b []byte
		i := 1
		for ; i < len(s) && s[i] != '"'; i++ {
			if s[i] == '\\' {
				i++
			}
			if i < len(s) {
				b = append(b, s[i])
			}
		}
		if i >= len(s) {
			return nil, false
		}
		args, s = append(args, string(b)), s[i+1:]
	}
	return args, true
}

func imapString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
