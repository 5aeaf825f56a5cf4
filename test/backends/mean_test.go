package backends

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// meanClient speaks to a server line by line.
type meanClient struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
	n    int
}

func dialMean(t *testing.T, addr, user string) *meanClient {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	c := &meanClient{t: t, conn: conn, in: bufio.NewReader(conn)}
	if user != "" {
		c.say(fmt.Sprintf("LOGIN %q %q", user, Password(user)))
	}
	return c
}

// say sends a command and returns all that came up to its answer.
func (c *meanClient) say(command string) string {
	c.t.Helper()
	got, err := c.try(command)
	if err != nil {
		c.t.Fatalf("%s: %v after %q", command, err, got)
	}
	return got
}

func (c *meanClient) try(command string) (string, error) {
	c.n++
	tag := fmt.Sprintf("a%d ", c.n)
	if _, err := io.WriteString(c.conn, tag+command+"\r\n"); err != nil {
		return "", err
	}
	var got strings.Builder
	for {
		line, err := c.in.ReadString('\n')
		got.WriteString(line)
		if err != nil || strings.HasPrefix(line, tag) {
			return got.String(), err
		}
	}
}

func (c *meanClient) append(mailbox string) {
	c.t.Helper()
	message := "Subject: a\r\n\r\nb\r\n"
	c.n++
	fmt.Fprintf(c.conn, "a%d APPEND %s {%d}\r\n", c.n, mailbox, len(message))
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			c.t.Fatal(err)
		}
		if strings.HasPrefix(line, "+") {
			fmt.Fprintf(c.conn, "%s\r\n", message)
		}
		if strings.HasPrefix(line, fmt.Sprintf("a%d OK", c.n)) {
			return
		}
	}
}

// TestMean shows that the server is what it says it is.
func TestMean(t *testing.T) {
	b := Mean(t, MeanOptions{Seed: 7, UIDPlus: true})
	addr := strings.TrimPrefix(b.URL(), "imap://")
	mean, sound := dialMean(t, addr, "alice"), dialMean(t, b.Addr, "alice")
	if caps := mean.say("CAPABILITY"); !strings.Contains(caps, "UIDPLUS") || strings.Contains(caps, "UNSELECT") || strings.Contains(caps, "LITERAL") {
		t.Errorf("it offers %s", caps)
	}
	mean.say("SELECT INBOX")
	sound.append("INBOX")
	mean.append("INBOX")
	if got := mean.say("UID SEARCH ALL"); strings.Contains(got, "* SEARCH 1") {
		t.Errorf("before a NOOP it finds %q", got)
	}
	if got := mean.say("UID FETCH 1:* (UID)"); strings.Contains(got, "(UID ") {
		t.Errorf("before a NOOP it gives %q", got)
	}
	if got := mean.say("STATUS INBOX (MESSAGES)"); !strings.Contains(got, "(MESSAGES 2)") {
		t.Errorf("STATUS is %q", got)
	}
	if got := mean.say("NOOP"); !strings.Contains(got, "* 2 EXISTS") {
		t.Errorf("NOOP is %q", got)
	}
	if got := mean.say("UID SEARCH ALL"); !strings.Contains(got, "* SEARCH 1 2") {
		t.Errorf("after a NOOP it finds %q", got)
	}
	for i, want := range []bool{false, true} {
		mean.say(`UID STORE 1 +FLAGS.SILENT (\Deleted)`)
		sound.say("SELECT INBOX")
		if got := sound.say("UID FETCH 1 (FLAGS)"); strings.Contains(strings.ToLower(got), `\deleted`) != want {
			t.Errorf("after STORE %d the flags are %q", i+1, got)
		}
	}
	odd := 0
	for range 100 {
		if strings.Count(mean.say("NOOP"), "\n") > 1 {
			odd++
		}
	}
	if odd < 10 || odd > 90 {
		t.Errorf("it said something unasked in %d of 100 answers", odd)
	}
	for i := 0; ; i++ {
		b.Interrupt("alice")
		if _, err := mean.try("NOOP"); err != nil {
			break
		}
		if i > 100 {
			t.Fatal("it is not interrupted")
		}
	}
	if got := sound.say("NOOP"); !strings.Contains(got, "OK") {
		t.Errorf("the sound side says %q", got)
	}
}

// TestMeanEnds: each connection ends in the middle of a command that only reads, but for the one after.
func TestMeanEnds(t *testing.T) {
	b := Mean(t, MeanOptions{Seed: 5, Ends: true})
	for i := range 6 {
		c, commands := dialMean(t, strings.TrimPrefix(b.URL(), "imap://"), "carol"), 0
		for ; commands < 60; commands++ {
			if _, err := c.try("NOOP"); err != nil {
				break
			}
		}
		if ended := commands < 60; ended != (i%2 == 0) {
			t.Errorf("connection %d ends after %d commands", i+1, commands)
		}
	}
}

// TestMeanIsRepeatable: the same seed, the same answers.
func TestMeanIsRepeatable(t *testing.T) {
	var all []string
	for range 2 {
		b := Mean(t, MeanOptions{Seed: 3})
		c := dialMean(t, strings.TrimPrefix(b.URL(), "imap://"), "bob")
		said := ""
		for range 50 {
			said += c.say("NOOP")
		}
		all = append(all, said)
	}
	if all[0] != all[1] {
		t.Errorf("one seed gives %q and %q", all[0], all[1])
	}
}
