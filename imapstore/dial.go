package imapstore

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"time"
)

// link is a connection that has been greeted and, where asked for, is under TLS. Greeting and STARTTLS are done here and not
// by imapclient: it would wrap the connection in TLS above the wire, which would then see ciphertext.
type link struct {
	raw, conn net.Conn // the socket; what is spoken over
	reads     *progress
	br        *bufio.Reader
	caps      []string
	buf       []byte
}

// errLimited marks an answer that means "too many sessions": [LIMIT], or a close where the greeting should be.
var errLimited = errors.New("the server takes no more sessions")

// errNoGreeting is the second of them: it is said of the address, not of a user.
var errNoGreeting = fmt.Errorf("%w: closed without a greeting", errLimited)

func (s *Store) dialRaw(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.DialTimeout)
	defer cancel()
	if s.o.Dial != nil {
		return s.o.Dial(ctx)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", net.JoinHostPort(s.o.Host, s.o.Port))
}

// dial connects and greets. The caller closes l.raw when ctx ends, and on error.
func (s *Store) dial(ctx context.Context, raw net.Conn) (*link, error) {
	if s.o.Security == Loopback && s.o.Dial == nil {
		if a, ok := raw.RemoteAddr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
			return nil, fmt.Errorf("cleartext to %s, which is not the loopback, is refused", raw.RemoteAddr())
		}
	}
	l := &link{raw: raw}
	l.over(quickAcknowledge(raw), s.o.CommandTimeout)
	if s.o.Security == TLS {
		if err := l.handshake(ctx, s.tlsConfig(), s.o.CommandTimeout); err != nil {
			return nil, limitedIfClosed(err)
		}
	}
	if err := l.greeting(); err != nil {
		return nil, err
	}
	if s.o.Security == STARTTLS {
		if err := l.startTLS(ctx, s.tlsConfig(), s.o.CommandTimeout); err != nil {
			return nil, err
		}
	}
	if l.caps == nil {
		return l, l.capability()
	}
	return l, nil
}

func (s *Store) tlsConfig() *tls.Config {
	c := s.o.TLS.Clone()
	if c == nil {
		c = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if c.ServerName == "" {
		c.ServerName = s.o.Host
	}
	return c
}

func (l *link) over(c net.Conn, timeout time.Duration) {
	l.conn = c
	l.reads = &progress{Conn: c, timeout: timeout}
	l.br = bufio.NewReaderSize(l.reads, 64<<10)
}

func (l *link) handshake(ctx context.Context, c *tls.Config, timeout time.Duration) error {
	t := tls.Client(quickAcknowledge(l.raw), c)
	if err := t.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	l.over(t, timeout)
	return nil
}

// limitedIfClosed takes a close or reset for "too many sessions".
func limitedIfClosed(err error) error {
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, net.ErrClosed) {
		return err
	}
	var op *net.OpError
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || (errors.As(err, &op) && op.Op == "read") {
		return fmt.Errorf("%w: %w", errNoGreeting, err)
	}
	return err
}

func (l *link) read() (response, error) {
	r, buf, err := readResponse(l.br, l.buf, maxSmall)
	l.buf = buf
	return r, err
}

func (l *link) greeting() error {
	r, err := l.read()
	if err != nil {
		return limitedIfClosed(err)
	}
	switch {
	case r.tag != "*" || !isStatus(r.kind):
		return errSyntax
	case r.kind == "OK":
		if r.reply.code == "CAPABILITY" {
			l.caps = parseCapabilities(r.reply.args)
		}
		return nil
	case r.kind == "PREAUTH":
		// somebody else's login, and before STARTTLS perhaps a forged one (RFC 9051 section 11.1)
		return errors.New("server is logged in already (PREAUTH), as a user that we do not know")
	case r.reply.code == "LIMIT":
		return fmt.Errorf("%w: %s", errLimited, r.reply.text)
	}
	return fmt.Errorf("server greets with %s [%s] %s", r.kind, r.reply.code, r.reply.text)
}

// command sends one line before the login and reads up to its answer.
func (l *link) command(line string) (reply, error) {
	if err := l.conn.SetWriteDeadline(time.Now().Add(l.reads.timeout)); err != nil {
		return reply{}, err
	}
	if _, err := io.WriteString(l.conn, "W0 "+line+"\r\n"); err != nil {
		return reply{}, err
	}
	for {
		r, err := l.read()
		if err != nil {
			return reply{}, err
		}
		switch {
		case r.tag == "W0":
			return r.reply, nil
		case r.tag != "*":
			return reply{}, errSyntax
		case r.kind == "CAPABILITY":
			l.caps = parseCapabilities(string(r.scan().rest()))
		case r.kind == "BYE":
			return reply{}, fmt.Errorf("server said BYE %s", r.reply.text)
		}
	}
}

func (l *link) capability() error {
	p, err := l.command("CAPABILITY")
	if err != nil {
		return err
	}
	if p.status != "OK" || l.caps == nil {
		return errors.New("server does not say its capabilities")
	}
	return nil
}

// startTLS is RFC 9051 section 6.2.1. What was said before it is forgotten, and octets that came with its OK in the clear are
// refused: somebody on the way could have put them there.
func (l *link) startTLS(ctx context.Context, c *tls.Config, timeout time.Duration) error {
	if l.caps == nil {
		if err := l.capability(); err != nil {
			return err
		}
	}
	if !slices.Contains(l.caps, "STARTTLS") {
		return errors.New("server offers no STARTTLS")
	}
	p, err := l.command("STARTTLS")
	if err != nil {
		return err
	}
	if p.status != "OK" {
		return &refusal{p}
	}
	if l.br.Buffered() > 0 {
		return errors.New("octets in the clear behind the answer to STARTTLS")
	}
	l.caps = nil
	return l.handshake(ctx, c, timeout)
}
