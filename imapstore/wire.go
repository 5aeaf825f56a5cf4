package imapstore

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"
)

// wire lies between the socket and imapclient. It has two users, never at once: imapclient, whose reads get the answers to
// its own commands only, in a form that it can bear; and the raw commands of this package (tags W…), which read the socket
// themselves. Reading is imapclient's turn while a command of it (tags T…) is in flight, else it is the raw path's; a session
// is owned by one goroutine, so the turns need no more than the count of commands in flight.
//
// It keeps from imapclient: unknown untagged responses and FETCH items, mailbox names that are no modified UTF-7, arguments
// of response codes, and IMAP4rev2 (with which it would send names in raw UTF-8 to a server that is in rev1 mode).
type wire struct {
	net.Conn // of imapclient only through the methods below
	raw      net.Conn
	reads    *progress // what br reads from
	br       *bufio.Reader
	log      *slog.Logger
	warned   bool // a bad LIST name was logged
	timeout  time.Duration

	buf []byte // the response that is being read; belongs to whoever has the turn

	mu       sync.Mutex // guards what follows
	cond     *sync.Cond
	inflight int    // commands of imapclient without their tagged answer
	feed     []byte // what imapclient will read
	fed      []byte // the memory of feed
	err      error  // why there is nothing more to read
	closed   bool

	out      commandCounter
	commands int    // of both users, since ever
	tag      uint64 // last raw tag

	view  view
	doubt string // text of an untagged NO or BAD: the view may be dead, see look
	caps  []string
	bye   string
	login bool // the tagged OK in flight ends a login
}

// view is what untagged answers said of the selected mailbox.
type view struct {
	exists  uint32 // messages in the view
	changed bool   // since the triple was known
	removed bool   // the same, and not only by EXISTS
}

// newWire puts a wire over a connection whose greeting has been read.
func newWire(l *link, timeout time.Duration, log *slog.Logger) *wire {
	w := &wire{Conn: l.conn, raw: l.raw, reads: l.reads, br: l.br, timeout: timeout, log: log, caps: l.caps}
	w.cond = sync.NewCond(&w.mu)
	w.feed = append(w.feed, "* OK ["+capabilityLine(l.caps)+"] ready\r\n"...) // made up, see dial.go
	return w
}

// progress is a connection on which every read must bring an octet within timeout, and before until where that is set.
type progress struct {
	net.Conn
	timeout time.Duration
	until   time.Time
}

// Read waits no longer than the time allows.
func (p *progress) Read(b []byte) (int, error) {
	by := time.Now().Add(p.timeout)
	if !p.until.IsZero() && p.until.Before(by) {
		by = p.until
	}
	if err := p.Conn.SetReadDeadline(by); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}

// Deadlines that imapclient sets are ignored: each exchange has its own.

// SetDeadline does nothing.
func (w *wire) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (w *wire) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// Close ends the connection at once, octets that have not left included (a cut APPEND must not arrive after its deadline).
func (w *wire) Close() error {
	w.mu.Lock()
	done := w.closed
	w.closed = true
	if w.err == nil {
		w.err = net.ErrClosed
	}
	w.cond.Broadcast()
	w.mu.Unlock()
	if done {
		return nil
	}
	if t, ok := w.raw.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	return w.raw.Close()
}

// end closes the connection and lets what was written arrive.
func (w *wire) end() {
	w.mu.Lock()
	w.closed = true
	if w.err == nil {
		w.err = net.ErrClosed
	}
	w.cond.Broadcast()
	w.mu.Unlock()
	w.raw.Close()
}

// Write is imapclient's.
func (w *wire) Write(b []byte) (int, error) {
	w.mu.Lock()
	n := w.out.count(b)
	w.inflight += n
	w.commands += n
	w.cond.Broadcast()
	w.mu.Unlock()
	return w.send(b, time.Time{})
}

// send writes b in parts that must each leave within the timeout, and all of it before end where that is set. It says how
// many octets may have left.
func (w *wire) send(b []byte, end time.Time) (int, error) {
	const part = 64 << 10
	sent := 0
	for sent < len(b) {
		by := time.Now().Add(w.timeout)
		if !end.IsZero() && end.Before(by) {
			by = end
		}
		if err := w.Conn.SetWriteDeadline(by); err != nil {
			return sent, err
		}
		n, err := w.Conn.Write(b[sent:min(sent+part, len(b))])
		sent += n
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// Read is imapclient's. It waits until imapclient has a command in flight; then it alone reads the socket.
func (w *wire) Read(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.feed) == 0 {
		if w.err != nil {
			return 0, w.err
		}
		if w.inflight == 0 {
			w.cond.Wait()
			continue
		}
		w.mu.Unlock()
		r, buf, err := readResponse(w.br, w.buf, maxSmall)
		w.mu.Lock()
		w.buf = buf
		if err != nil {
			w.fail(err)
			continue
		}
		w.feed = w.filter(&r, w.fed[:0])
		w.fed = w.feed
	}
	n := copy(p, w.feed)
	w.feed = w.feed[n:]
	return n, nil
}

// errDropped is a connection that the other side has ended.
var errDropped = errors.New("server ended the connection")

// fail notes why reading or writing ended; w.mu is held.
func (w *wire) fail(err error) {
	switch ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF); {
	case ended && w.bye != "":
		err = fmt.Errorf("%w, saying BYE %s", errDropped, w.bye)
	case ended, errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrClosedPipe): // the last is net.Pipe's
		err = fmt.Errorf("%w: %w", errDropped, err)
	}
	if w.err == nil {
		w.err = err
	}
}

// lost is why the connection is of no use, nil while it is.
func (w *wire) lost() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// filter appends to out what imapclient may see of r; w.mu is held.
func (w *wire) filter(r *response, out []byte) []byte {
	switch {
	case r.tag == "+": // only AUTHENTICATE PLAIN and literals wait for it, neither for its text
		return append(out, "+ \r\n"...)
	case r.tag != "*":
		w.inflight--
		w.note(r)
		return w.tagged(r, out)
	}
	w.note(r)
	switch r.kind {
	case "CAPABILITY":
		return append(out, "* "+capabilityLine(w.caps)+"\r\n"...)
	case "LIST":
		return w.list(r, out)
	case "STATUS":
		if m, items, ok := parseStatus(r.scan()); ok {
			out = fmt.Appendf(out, "* STATUS %s (MESSAGES %d UIDVALIDITY %d", quote(m), items.Messages, items.UIDValidity)
			if items.UIDNext != 0 {
				out = fmt.Appendf(out, " UIDNEXT %d", items.UIDNext)
			}
			return append(out, ")\r\n"...)
		}
	case "NAMESPACE":
		return append(out, r.octets...)
	}
	return out
}

// tagged rebuilds a tagged answer. The OK of a login always gets a CAPABILITY code: without one imapclient would ask for the
// capabilities from a goroutine of its own, at any time.
func (w *wire) tagged(r *response, out []byte) []byte {
	p := r.reply
	code := ""
	switch {
	case p.code == "CAPABILITY", w.login && p.status == "OK":
		code = "[" + capabilityLine(w.caps) + "] "
	case p.code != "" && isAtom(p.code):
		code = "[" + p.code + "] "
	}
	return append(out, r.tag+" "+p.status+" "+code+printable(p.text)+"\r\n"...)
}

// list rebuilds a LIST answer with its name quoted, or drops it when nobody could name the mailbox.
func (w *wire) list(r *response, out []byte) []byte {
	s := r.scan()
	attrs, delim, name := parseList(s)
	if s.bad {
		return out
	}
	if _, err := DecodeUTF7(name); err != nil {
		w.warnName(name)
		return out
	}
	d := "NIL"
	if delim != 0 {
		d = quote(string(rune(delim)))
	}
	return append(out, "* LIST ("+strings.Join(attrs, " ")+") "+d+" "+quote(name)+"\r\n"...)
}

// warnName says once that nobody can name a mailbox.
func (w *wire) warnName(name string) {
	if !w.warned {
		w.warned = true
		w.log.Warn("a mailbox is left out: its name is no modified UTF-7", "name", name)
	}
}

// note keeps what an answer says about the connection and the selected mailbox; w.mu is held, or the caller has the turn
// (then nobody else touches these fields).
func (w *wire) note(r *response) {
	switch r.kind {
	case "EXISTS":
		w.view.changed = w.view.changed || r.num != w.view.exists
		w.view.exists = r.num
	case "EXPUNGE": // no EXISTS follows it (RFC 9051 section 7.5.1)
		w.view.changed, w.view.removed = true, true
		w.view.exists -= min(w.view.exists, 1)
	case "VANISHED": // RFC 7162 section 3.2.10: never asked for; it must not hurt. settle counts anew
		w.view.changed, w.view.removed = true, true
	case "BYE":
		w.bye = r.reply.text
		if w.bye == "" {
			w.bye = "without a reason"
		}
		if r.reply.code != "" {
			w.bye = "[" + r.reply.code + "] " + w.bye
		}
	case "CAPABILITY":
		w.caps = parseCapabilities(string(r.scan().rest()))
	case "OK", "NO", "BAD":
		if r.kind != "OK" && r.tag == "*" {
			w.doubt = r.reply.text
			if w.doubt == "" {
				w.doubt = "no reason given"
			}
		}
		switch r.reply.code {
		case "CAPABILITY":
			w.caps = parseCapabilities(r.reply.args)
		case "ALERT": // RFC 9051 section 7.1: must be shown; the sysadmin is who can see it
			w.log.Warn("alert of the IMAP server", "text", r.reply.text)
		}
	}
}

// commandCounter finds the commands in what imapclient writes: lines that begin with T, digits and a blank and are not
// inside a literal or behind one.
type commandCounter struct {
	line    []byte // the line so far
	literal uint64 // octets of a literal that are still to come
	inside  bool   // the line goes on a command that had a literal
}

func (c *commandCounter) count(b []byte) int {
	n := 0
	for len(b) > 0 {
		if c.literal > 0 {
			k := min(c.literal, uint64(len(b)))
			c.literal -= k
			b = b[k:]
			continue
		}
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			c.line = append(c.line, b...)
			return n
		}
		c.line = append(c.line, b[:end+1]...)
		b = b[end+1:]
		at, size := literalAt(c.line)
		if !c.inside && beginsCommand(c.line) {
			n++
		}
		c.inside, c.literal = at >= 0, size
		c.line = c.line[:0]
	}
	return n
}

func beginsCommand(line []byte) bool {
	if len(line) < 3 || line[0] != 'T' {
		return false
	}
	i := 1
	for i < len(line) && line[i] >= '0' && line[i] <= '9' {
		i++
	}
	return i > 1 && i < len(line) && line[i] == ' '
}
