package imapstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"
)

// connect opens a new connection and logs in. Errors are *Error; one that is errLimited tells the pool to open fewer.
func (s *Store) connect(ctx context.Context, user, password, key string) (*conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.o.LoginTimeout, errors.New("login took too long"))
	defer cancel()
	began := time.Now()
	raw, err := s.dialRaw(ctx)
	if err != nil {
		return nil, &Error{Op: "Login", Kind: Unavailable, Took: time.Since(began), Err: err}
	}
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	c, err := s.logIn(ctx, user, password, func() (*link, error) { return s.dial(ctx, raw) })
	if !stop() && err == nil {
		c.abort()
		err = context.Cause(ctx)
	}
	if err != nil {
		raw.Close()
		if cause := context.Cause(ctx); cause != nil {
			err = errors.Join(cause, err)
		}
		err = s.loginError(err)
		if e := new(Error); errors.As(err, &e) {
			e.Took = time.Since(began)
			if c != nil {
				e.Commands = c.sent()
			}
		}
		return nil, err
	}
	c.key, c.born, c.took = key, s.o.Now(), time.Since(began)
	return c, nil
}

// logIn authenticates and learns capabilities and namespaces. A connection that comes with an error is closed; it still says
// what was sent over it.
func (s *Store) logIn(ctx context.Context, user, password string, dial func() (*link, error)) (*conn, error) {
	l, err := dial()
	if err != nil {
		return nil, err
	}
	w := newWire(l, s.o.CommandTimeout, s.o.Logger)
	c := &conn{w: w, client: imapclient.New(w, nil), user: user}
	err = c.client.WaitGreeting()
	if err == nil {
		err = c.authenticate(user, password)
	}
	if err == nil {
		c.caps = readCaps(w.caps)
		err = c.readNamespaces()
	}
	if err == nil {
		c.others, err = c.findOthers(s.o.Others)
	}
	if err != nil {
		if lost := w.lost(); lost != nil && !errors.As(err, new(*refusal)) {
			err = lost // imapclient says no more than "unexpected EOF"
		}
		c.abort()
		return c, err
	}
	return c, nil
}

// loginRefused is a refusal of the credentials themselves; a NO to any other command on the way is none.
type loginRefused struct{ error }

func (e *loginRefused) Unwrap() error { return e.error }

// errNoLogin is a server that takes no password over this connection.
var errNoLogin = errors.New("server offers neither AUTH=PLAIN nor LOGIN on this connection (LOGINDISABLED): use imaps:// or imap+starttls://")

func (c *conn) authenticate(user, password string) error {
	w := c.w
	w.mu.Lock()
	w.login = true
	before := w.caps
	w.caps = nil
	w.mu.Unlock()
	var err error
	switch {
	case slices.Contains(before, "AUTH=PLAIN"): // base64: no octet of a name or password can be anything else
		err = c.client.Authenticate(sasl.NewPlainClient("", user, password))
	case slices.Contains(before, "LOGINDISABLED"):
		return errNoLogin
	default:
		err = c.client.Login(user, password).Wait() // a quoted string or a literal
	}
	w.mu.Lock()
	w.login = false
	known := w.caps != nil
	w.mu.Unlock()
	if err = refused(err); errors.As(err, new(*refusal)) {
		return &loginRefused{err}
	}
	if err != nil || known {
		return err
	}
	_, err = c.client.Capability().Wait()
	return refused(err)
}

// cyrusLimit begins Cyrus' refusal of one session more (maxlogins_per_user, maxlogins_per_host). It is the one text that is
// compared: neither that nor a wrong password has a code there, and who reached the limit must not lose the password.
const cyrusLimit = "Too many open connections"

// loginError decides what a refused login means (RFC 5530 section 3). Only a clear "these credentials are wrong" is
// BadCredentials: programs delete a stored password after it.
func (s *Store) loginError(err error) error {
	var r *refusal
	if !errors.As(err, new(*loginRefused)) || !errors.As(err, &r) {
		if !errors.Is(err, context.Canceled) {
			s.o.Logger.Warn("IMAP server is not available", "err", err)
		}
		return &Error{Op: "Login", Kind: Unavailable, Err: err}
	}
	kind, hint := Unavailable, ""
	switch code := r.reply.code; {
	case r.reply.status != "NO":
		hint = "the server does not understand the login"
	case code == "" && strings.HasPrefix(r.reply.text, cyrusLimit), code == "LIMIT":
		hint = "raise the server's limit of sessions per user and address (Dovecot: mail_max_userip_connections; Cyrus: maxlogins_per_user, " +
			"maxlogins_per_host), or lower -imap-sessions"
		err = fmt.Errorf("%w: %w", errLimited, err)
	case code == "" || code == "AUTHENTICATIONFAILED":
		return &Error{Op: "Login", Kind: BadCredentials, Err: err}
	case code == "EXPIRED" || code == "AUTHORIZATIONFAILED":
		kind, hint = Denied, "the account may not log in"
	case code == "PRIVACYREQUIRED":
		hint = "use imaps:// or imap+starttls://"
	case code == "UNAVAILABLE" || code == "INUSE" || code == "SERVERBUG":
		hint = "look at the mail server's log"
	default:
		hint = "an answer that calgate does not know; look at the mail server's log"
	}
	s.o.Logger.Warn("IMAP login refused", "answer", r.Error(), "hint", hint)
	return &Error{Op: "Login", Kind: kind, Err: err}
}
