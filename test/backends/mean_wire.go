package backends

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// meanConn is a connection to the mean server, as the server holds it: it hands commands on one by one, and takes answers
// apart on their way out.
type meanConn struct {
	net.Conn
	m *mean

	// of the goroutine that serves the connection
	in      *bufio.Reader
	pending []byte // what the server has not read of a command
	literal int64  // octets of a literal that come next
	inside  bool   // the next line goes on a command
	command string // upper case, of the command that is being done
	tag     string

	mu       sync.Mutex // guards what follows
	dice     *rand.Rand
	user     string // logged in
	doomed   bool   // ends at its next command
	life     int    // commands until it ends within one that only reads; 0 = it does not
	last     int    // octets that it still says, while ending
	ending   bool
	out      []byte
	skip     int64 // octets of a literal in an answer
	within   bool  // the next line goes on an answer
	greeted  bool
	messages uint32 // in the view, as announced
}

func newMeanConn(c net.Conn, m *mean) *meanConn {
	return &meanConn{Conn: c, m: m, in: bufio.NewReader(c), dice: dice(m.o.Seed, 0)}
}

// begins is told of the login, the n-th of the user, and whether the connection ends in the middle of a command.
func (c *meanConn) begins(user string, n uint64, ends bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dice, c.user = dice(c.m.o.Seed, n), user
	if ends {
		c.life = 4 + c.dice.IntN(25)
	}
}

func (c *meanConn) interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.doomed = c.doomed || c.dice.IntN(3) == 0
}

// Read gives no more than the rest of one command, so that the server knows which one it is doing.
func (c *meanConn) Read(p []byte) (int, error) {
	if c.literal > 0 {
		n, err := c.in.Read(p[:min(int64(len(p)), c.literal)])
		c.literal -= int64(n)
		return n, err
	}
	if len(c.pending) == 0 {
		line, err := c.in.ReadBytes('\n')
		if err != nil {
			return 0, err
		}
		if !c.inside && !c.begin(string(line)) {
			return 0, io.EOF
		}
		c.inside, c.literal = literalOf(string(line))
		c.pending = line
	}
	n := copy(p, c.pending)
	c.pending = c.pending[n:]
	return n, nil
}

// literalOf finds the {n} or {n+} that ends a line.
func literalOf(line string) (bool, int64) {
	line = strings.TrimRight(line, "\r\n")
	open := strings.LastIndexByte(line, '{')
	if open < 0 || !strings.HasSuffix(line, "}") {
		return false, 0
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(line[open+1:len(line)-1], "+"), 10, 63)
	return err == nil, n
}

var rfc3501 = strings.Fields("CAPABILITY NOOP LOGOUT LOGIN SELECT EXAMINE CREATE DELETE RENAME SUBSCRIBE UNSUBSCRIBE LIST LSUB STATUS " +
	"APPEND CHECK CLOSE EXPUNGE SEARCH FETCH STORE COPY UID_FETCH UID_SEARCH UID_STORE UID_COPY")

// reading are commands that change nothing, and may be given again on another connection.
var reading = strings.Fields("NOOP SELECT EXAMINE LIST LSUB STATUS UID_FETCH UID_SEARCH")

// begin notes what the command is; false ends the connection.
func (c *meanConn) begin(line string) bool {
	words := strings.Fields(strings.ToUpper(line))
	if len(words) < 2 {
		return true // the server says what it thinks of it
	}
	c.tag, _, _ = strings.Cut(line, " ")
	c.command = words[1]
	if c.command == "UID" && len(words) > 2 {
		c.command += "_" + words[2]
	}
	known := slices.Contains(rfc3501, c.command) || c.command == "UID_EXPUNGE" && c.m.o.UIDPlus
	extended := strings.HasSuffix(strings.TrimSpace(line), "+}") || strings.HasSuffix(c.command, "SEARCH") && slices.Contains(words, "RETURN") ||
		c.command == "LIST" && len(words) > 2 && strings.HasPrefix(words[2], "(")
	if !known || extended {
		if c.command == "LOGIN" || c.command == "AUTHENTICATE" {
			line = c.command
		}
		c.m.violation(strings.TrimSpace(line))
	}
	if c.livesOut() {
		c.m.spare(c.user)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.doomed && c.dice.IntN(2) == 0 {
		io.WriteString(c.Conn, "* BYE [UNAVAILABLE] going down\r\n")
	}
	return !c.doomed
}

// livesOut counts a command, and says whether the connection is to end within it.
func (c *meanConn) livesOut() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life > 1 {
		c.life--
	}
	if c.life != 1 || !slices.Contains(reading, c.command) {
		return false
	}
	c.life, c.ending, c.last = 0, true, c.dice.IntN(300)
	return true
}

// Write takes what the server says, whole lines and literals, and sends what comes of it.
func (c *meanConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = append(c.out, p...)
	for len(c.out) > 0 {
		if c.skip > 0 {
			n := min(c.skip, int64(len(c.out)))
			if err := c.send(c.out[:n]); err != nil {
				return 0, err
			}
			c.out, c.skip = c.out[n:], c.skip-n
			continue
		}
		end := bytes.IndexByte(c.out, '\n')
		if end < 0 {
			break
		}
		line := string(c.out[:end+1])
		c.out = c.out[end+1:]
		if !c.within {
			line = c.response(line)
		}
		c.within, c.skip = literalOf(line)
		c.within = c.within && strings.HasPrefix(line, "*") || c.within && c.skip > 0
		if err := c.send([]byte(line)); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// response changes the first line of an answer, and puts noise before it.
func (c *meanConn) response(line string) string {
	before := ""
	for c.greeted && c.dice.IntN(4) == 0 {
		before += c.noise()
	}
	c.greeted = true
	words := strings.Fields(line)
	switch {
	case len(words) > 1 && words[1] == "CAPABILITY":
		caps := []string{"IMAP4rev1", "X-MEAN", "RIGHTS", "AUTH=X-NONE"}
		if c.m.o.UIDPlus {
			caps = append(caps, "UIDPLUS")
		}
		c.dice.Shuffle(len(caps), func(i, j int) { caps[i], caps[j] = caps[j], caps[i] })
		line = "* CAPABILITY " + strings.Join(caps, " ") + "\r\n"
	case len(words) > 2 && words[2] == "EXISTS":
		c.count(words[1])
	case len(words) > 2 && words[2] == "EXPUNGE":
		c.messages--
	case len(words) > 2 && words[2] == "[UIDNEXT" && c.dice.IntN(2) == 0:
		line = ""
	case len(words) > 2 && words[0] != "+":
		line = c.withoutCode(line, words[2])
	}
	if words[0] == c.tag && (c.command == "SELECT" || c.command == "EXAMINE") && words[1] != "OK" {
		c.messages = 0 // nothing is selected
	}
	if words[0] == c.tag { // ends before the answer is whole
		c.last = min(c.last, len(before+line)-2)
	}
	return before + line
}

func (c *meanConn) count(n string) {
	if v, err := strconv.ParseUint(n, 10, 32); err == nil {
		c.messages = uint32(v)
	}
}

// withoutCode takes out codes of extensions that are not offered.
func (c *meanConn) withoutCode(line, code string) string {
	hide := code == "[CAPABILITY" || !c.m.o.UIDPlus && (code == "[APPENDUID" || code == "[COPYUID")
	at, end := strings.IndexByte(line, '['), strings.IndexByte(line, ']')
	if !hide || end < at {
		return line
	}
	return line[:at] + strings.TrimLeft(line[end+1:], " ")
}

// noise is something that is true, or of no meaning, now: while a mailbox is being selected, its numbers are not.
func (c *meanConn) noise() string {
	if c.user == "" || c.command == "SELECT" || c.command == "EXAMINE" {
		return fmt.Sprintf("* OK [X-NOW %d] wait\r\n", c.dice.IntN(100))
	}
	return noise(c.dice, c.messages)
}

var errEnded = errors.New("the mean server ended the connection")

// send writes in pieces: of single octets at times, of a few most of the time, and larger ones where there is much.
func (c *meanConn) send(b []byte) error {
	if c.ending {
		if c.last -= len(b); c.last <= 0 {
			_, _ = c.Conn.Write(b[:len(b)+c.last])
			return errors.Join(errEnded, c.Conn.Close())
		}
	}
	most := 1 + c.dice.IntN(9)
	for sent := 0; sent < len(b); {
		if sent == 200 || sent > 200 && most < 500 {
			most = 500 + c.dice.IntN(1000)
		}
		n := min(1+c.dice.IntN(most), len(b)-sent)
		if _, err := c.Conn.Write(b[sent : sent+n]); err != nil {
			return err
		}
		sent += n
	}
	return nil
}
