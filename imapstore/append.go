package imapstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// Outgoing is a message to store.
type Outgoing struct {
	Octets []byte
	Flags  []string // \Seen and so on
}

// Appended says where a message went (RFC 4315 APPENDUID); zero without UIDPLUS.
type Appended struct{ UIDValidity, UID uint32 }

var errDeadline = errors.New("the last octet could not leave before the deadline")

// Append stores one message. Its last octet leaves before deadline, else the connection is cut before that octet and nothing
// was stored: Kind TooLate. When the connection is lost at any later time, Unknown is set.
func (s *Session) Append(ctx context.Context, mailbox string, m Outgoing, deadline time.Time) (Appended, error) {
	var a Appended
	err := s.do(ctx, "Append", mailbox, write, func(c *conn) error {
		uids, err := s.append(c, mailbox, 1, func(int) Outgoing { return m }, deadline)
		if len(uids.uids) == 1 {
			a = Appended{uids.validity, uids.uids[0]}
		}
		return err
	})
	if err != nil {
		return Appended{}, err
	}
	return a, nil
}

// AppendAll stores n messages or none (RFC 3502), under the deadline of Append for the last octet of the last one. message
// makes each when its turn comes, so that they need not be in memory together; it must give the same one again when asked
// again. Kind Unsupported where the server has no MULTIAPPEND.
func (s *Session) AppendAll(ctx context.Context, mailbox string, n int, message func(i int) Outgoing, deadline time.Time) error {
	if n == 0 {
		return nil
	}
	return s.do(ctx, "AppendAll", mailbox, write, func(c *conn) error {
		if n > 1 && !c.caps.MultiAppend {
			return &Error{Kind: Unsupported}
		}
		_, err := s.append(c, mailbox, n, message, deadline)
		return err
	})
}

// appendUID is the response code of a successful APPEND.
type appendUID struct {
	validity uint32
	uids     []uint32
}

func (s *Session) append(c *conn, mailbox string, n int, message func(int) Outgoing, deadline time.Time) (appendUID, error) {
	real, err := c.server(mailbox)
	if err != nil {
		return appendUID{}, &Error{Kind: NotFound, Err: err}
	}
	left := deadline.Sub(s.store.o.Now()) // the deadline is of the store's clock, sockets have another
	if left <= 0 {
		return appendUID{}, &Error{Kind: TooLate, Err: errDeadline}
	}
	var octets int64
	p, err := c.appendAll(real, n, func(i int) Outgoing {
		m := message(i)
		octets += int64(len(m.Octets))
		return m
	}, time.Now().Add(left))
	if err != nil {
		return appendUID{}, err
	}
	if err := p.err(); err != nil {
		return appendUID{}, c.overQuota(real, n, octets, err)
	}
	u := parseAppendUID(p)
	if x := c.sel; x != nil && x.name == real && u.validity == x.triple.UIDValidity {
		x.own = append(x.own, u.uids...)
	}
	return u, nil
}

// appendAll speaks one APPEND. Up to the last octet the end is the deadline; a literal goes without waiting where LITERAL+
// (RFC 7888) is offered, at any size.
func (c *conn) appendAll(real string, n int, message func(int) Outgoing, deadline time.Time) (reply, error) {
	tag, err := c.begin(1)
	if err != nil {
		return reply{}, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "W%d APPEND %s", tag, arg(real))
	sent := 0
	send := func(octets []byte) error {
		n, err := c.w.send(octets, deadline)
		sent += n
		return err
	}
	for i := range n {
		m := message(i)
		if f, ok := badFlag(m.Flags); ok {
			if sent > 0 { // the command cannot be taken back
				return reply{}, c.broken(fmt.Errorf("%q is no flag", f))
			}
			return reply{}, &Error{Kind: Bad, Err: fmt.Errorf("%q is no flag", f)}
		}
		wait := !c.caps.LiteralPlus && (!c.caps.LiteralMinus || len(m.Octets) > 4096)
		plus := "+"
		if wait {
			plus = ""
		}
		b.WriteByte(' ')
		if len(m.Flags) > 0 {
			fmt.Fprintf(&b, "(%s) ", strings.Join(m.Flags, " "))
		}
		fmt.Fprintf(&b, "{%d%s}\r\n", len(m.Octets), plus)
		if wait {
			if err := send(b.Bytes()); err != nil {
				return reply{}, c.unsent(err, sent, deadline)
			}
			b.Reset()
			p, err := c.awaitContinuation(tag, deadline)
			if err != nil || p.status != "" {
				return p, err
			}
		}
		b.Write(m.Octets)
		if last := i == n-1; last {
			b.WriteString("\r\n")
		} else if b.Len() < 64<<10 {
			continue
		}
		if err := send(b.Bytes()); err != nil {
			return reply{}, c.unsent(err, sent, deadline)
		}
		b.Reset()
	}
	// Cyrus says nothing until it has stored all of them.
	patience := c.w.reads.timeout
	c.w.reads.timeout += time.Duration(n-1) * storeTime
	defer func() { c.w.reads.timeout = patience }()
	replies, err := c.await(tag, 1, nil)
	if err != nil {
		return reply{}, err
	}
	return replies[0], nil
}

// storeTime is how much longer a server may be silent after the last octet of an APPEND, for each message beyond the first.
const storeTime = 10 * time.Millisecond

func badFlag(flags []string) (string, bool) {
	for _, f := range flags {
		if !isAtom(strings.TrimPrefix(f, `\`)) {
			return f, true
		}
	}
	return "", false
}

// unsent cuts the connection, in which the last octet has not been written.
func (c *conn) unsent(err error, sent int, deadline time.Time) error {
	err = c.broken(err)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(deadline):
		return &Error{Kind: TooLate, Err: errDeadline}
	case sent == 0:
		return &Error{Kind: Unavailable, Err: fmt.Errorf("nothing was sent: %w", err)}
	}
	return err
}

// awaitContinuation waits for + up to the deadline; an answer to the command instead is given back.
func (c *conn) awaitContinuation(tag uint64, deadline time.Time) (reply, error) {
	c.w.reads.until = deadline
	defer func() { c.w.reads.until = time.Time{} }()
	for {
		r, err := c.next(maxSmall)
		if err != nil {
			return reply{}, c.unsent(err, 1, deadline)
		}
		if r.tag == "+" {
			return reply{}, nil
		}
		if r.tag == "*" {
			continue
		}
		if n, ok := rawTag(r.tag); !ok || n != tag || r.reply.status == "OK" {
			return reply{}, c.broken(errSyntax)
		}
		return r.reply, nil
	}
}

func parseAppendUID(p reply) appendUID {
	if p.code != "APPENDUID" {
		return appendUID{}
	}
	s := &scanner{b: []byte(p.args)}
	u := appendUID{validity: s.number32()}
	s.spaces()
	uids, err := parseSet(nil, string(s.rest()))
	if s.bad || err != nil {
		return appendUID{}
	}
	u.uids = uids
	return u
}
