package test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"time"

	"calgate/test/backends"
)

// raw is a session in which a mail program says what the library has no words for: it sends the commands one after the other
// and gives what came untagged. A literal is not understood.
func (m *mailStore) raw(commands ...string) (untagged []string) {
	m.t.Helper()
	conn, err := net.Dial("tcp", m.address)
	if err != nil {
		m.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(stepLimit)); err != nil {
		m.t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	if _, err := in.ReadString('\n'); err != nil {
		m.t.Fatal(err)
	}
	for i, command := range append([]string{fmt.Sprintf("LOGIN %s %s", m.user, backends.Password(m.user))}, commands...) {
		tag := fmt.Sprintf("r%d", i)
		fmt.Fprintf(conn, "%s %s\r\n", tag, command)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				m.t.Fatalf("%s: %v", command, err)
			}
			line = strings.TrimRight(line, "\r\n")
			if status, tagged := strings.CutPrefix(line, tag+" "); tagged {
				if !strings.HasPrefix(status, "OK") {
					m.t.Fatalf("%s: %s", command, line)
				}
				break
			}
			if i > 0 {
				untagged = append(untagged, line)
			}
		}
	}
	return untagged
}

// subscribed are the mailboxes that a mail program shows, INBOX aside.
func (m *mailStore) subscribed() (names []string) {
	m.t.Helper()
	for _, line := range m.raw(`LSUB "" "*"`) {
		name := strings.Trim(line[strings.LastIndex(line, ` "`+m.delim+`" `)+5:], `"`)
		if !strings.EqualFold(name, "INBOX") {
			names = append(names, name)
		}
	}
	return names
}
