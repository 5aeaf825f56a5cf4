package imapstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"
)

// conn is one connection that is logged in. It belongs to the pool or to one Session, never to both.
type conn struct {
	w      *wire
	client *imapclient.Client
	caps   Caps
	ns     Namespaces
	user   string            // as logged in
	others *others           // nil: the server shows none
	alias  map[string]string // names that LIST showed and that cannot be turned back by rule: shown name -> server's name
	ghosts []string          // server's names that LIST showed and that are not there, see ghost
	sel    *selected         // nil: no mailbox is selected

	key         string
	born, since time.Time     // login; idle since
	took        time.Duration // of the login
	expire      *time.Timer
}

// abort cuts the connection and waits for imapclient's reader.
func (c *conn) abort() {
	c.w.Close()
	c.client.Close()
}

// quit ends a healthy connection politely, without waiting for the answer.
func (c *conn) quit() {
	if c.w.lost() == nil {
		c.w.timeout = time.Second
		c.w.send([]byte("WX LOGOUT\r\n"), time.Time{})
		c.w.end()
	}
	c.client.Close()
}

// under runs f so that the end of ctx ends the connection, and with it f. An answer that was cut spends the connection.
func (c *conn) under(ctx context.Context, f func() error) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { c.w.Close() })
	err := f()
	if !stop() {
		c.w.Close()
		if err == nil {
			return nil // the answer was there first; only the connection is spent
		}
		return errors.Join(context.Cause(ctx), err)
	}
	if err != nil && !errors.As(err, new(*refusal)) {
		if lost := c.w.lost(); lost != nil && !errors.As(err, new(*Error)) {
			return lost
		}
	}
	return err
}

// errBusy is a command in the middle of another: a loop over Fields that asks something else.
var errBusy = errors.New("another command of this session is under way")

// maxWrite bounds the octets of commands that are sent before their answers are read: what the buffers on the way hold even
// where the server reads nothing until its own answers are gone.
const maxWrite = 32 << 10

// command sends lines, each with a tag of its own, in one write as far as maxWrite goes, and reads until all are answered.
// Untagged answers go to on, which may be nil; what it gets is valid until it returns. A tagged NO is no error here: the
// replies tell.
func (c *conn) command(on func(*response) error, lines ...string) ([]reply, error) {
	replies := make([]reply, 0, len(lines))
	for len(lines) > 0 {
		n, octets := 0, 0
		for n < len(lines) && (n == 0 || octets+len(lines[n])+tagged <= maxWrite) {
			octets += len(lines[n]) + tagged
			n++
		}
		some, err := c.write(on, lines[:n])
		if err != nil {
			return nil, err
		}
		replies, lines = append(replies, some...), lines[n:]
	}
	return replies, nil
}

// tagged is what comes to a line when it is sent.
const tagged = len("W1234567 \r\n")

func (c *conn) write(on func(*response) error, lines []string) ([]reply, error) {
	first, err := c.begin(len(lines))
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for i, line := range lines {
		fmt.Fprintf(&b, "W%d %s\r\n", first+uint64(i), line)
	}
	if _, err := c.w.send([]byte(b.String()), time.Time{}); err != nil {
		return nil, c.broken(err)
	}
	return c.await(first, len(lines), on)
}

// begin takes the turn for n raw commands and gives the tag of the first.
func (c *conn) begin(n int) (uint64, error) {
	w := c.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, w.err
	}
	if w.inflight != 0 {
		return 0, errBusy
	}
	first := w.tag + 1
	w.tag += uint64(n)
	w.commands += n
	return first, nil
}

// broken notes that the connection cannot be used any more, and closes it.
func (c *conn) broken(err error) error {
	c.w.mu.Lock()
	c.w.fail(err)
	err = c.w.err
	c.w.mu.Unlock()
	c.w.Close()
	return err
}

// next reads one response.
func (c *conn) next(maxLiteral int) (response, error) {
	r, buf, err := readResponse(c.w.br, c.w.buf, maxLiteral)
	c.w.buf = buf
	if err != nil {
		return r, c.broken(err)
	}
	c.w.note(&r)
	return r, nil
}

func (c *conn) await(first uint64, n int, on func(*response) error) ([]reply, error) {
	replies := make([]reply, n)
	for open := n; open > 0; {
		r, err := c.next(maxMessage)
		if err != nil {
			return nil, err
		}
		if r.tag == "*" {
			if r.kind == "STATUS" {
				c.distrust(r.scan())
			}
			if on != nil {
				if err := on(&r); err != nil {
					return nil, c.broken(err)
				}
			}
			continue
		}
		i, ok := rawTag(r.tag)
		if !ok || i < first || i >= first+uint64(n) || replies[i-first].status != "" {
			return nil, c.broken(errSyntax)
		}
		replies[i-first] = r.reply
		open--
	}
	const keep = 1 << 20
	if cap(c.w.buf) > keep { // a pooled session does not sit on the largest message it ever saw
		c.w.buf = nil
	}
	return replies, nil
}

func rawTag(tag string) (uint64, bool) {
	digits, ok := strings.CutPrefix(tag, "W")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil
}

// one is command for a single line whose NO or BAD is an error.
func (c *conn) one(on func(*response) error, line string) (reply, error) {
	replies, err := c.command(on, line)
	if err != nil {
		return reply{}, err
	}
	return replies[0], replies[0].err()
}

func (p reply) err() error {
	if p.status == "OK" {
		return nil
	}
	return &refusal{p}
}
