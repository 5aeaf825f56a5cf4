package imapstore

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"
)

// Session is one user's login, lent to one request. Its methods are for one goroutine at a time; one that is called while
// another is under way (also from within a loop over Fields or Messages) is refused.
type Session struct {
	store          *Store
	user, password string // for the replacement of a connection that the server dropped while it was pooled
	key            string

	mu       sync.Mutex // guards busy and released
	busy     bool
	released bool

	c        *conn
	unproven bool               // pooled, and nothing came back over it since it was lent
	repeated bool               // a later exchange was repeated on a new connection: once a lending
	older    bool               // the login is older than the lending
	looked   map[string]Mailbox // what the last Look of each mailbox said

	commands int // of connections that were replaced
	base     int // commands of c before it was lent
	time     time.Duration
}

func newSession(s *Store, c *conn, pooled bool, user, password, key string) *Session {
	x := &Session{store: s, c: c, unproven: pooled, older: pooled, user: user, password: password, key: key, looked: map[string]Mailbox{}}
	if pooled {
		x.base = c.sent()
	} else {
		x.time = c.took
	}
	return x
}

func (c *conn) sent() int {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	return c.w.commands
}

// Release gives the session back to the pool; one that is spent is closed. It may be called more than once.
func (s *Session) Release() {
	s.mu.Lock()
	done := s.released
	s.released = true
	if s.busy { // given back in the middle of an exchange: what is under way would read the next user's answers
		s.c.w.Close()
	}
	s.mu.Unlock()
	if !done {
		s.commands += s.c.sent() - s.base
		s.password = ""
		s.store.pool.put(s.key, s.c)
	}
}

// LoginKey is a keyed hash of name and password, fit for cache keys of this process.
func (s *Session) LoginKey() string { return s.key }

// Stats says how many commands were sent, and how long they took, since the session was lent.
func (s *Session) Stats() (commands int, d time.Duration) {
	s.mu.Lock()
	released := s.released
	s.mu.Unlock()
	if released { // the connection is somebody else's
		return s.commands, s.time
	}
	return s.commands + s.c.sent() - s.base, s.time
}

// Usable is false once the connection is spent: every further call fails.
func (s *Session) Usable() bool { return s.c.w.lost() == nil }

// Caps is what the server offers after login.
func (s *Session) Caps() Caps { return s.c.caps }

// Namespaces are the namespaces of the server.
func (s *Session) Namespaces() Namespaces { return s.c.ns }

// repeatable says what may be done when the server drops the connection.
type repeatable int

const (
	again repeatable = iota // f is run again on a new connection
	write                   // not f: a NOOP goes before the first one to find out, and the outcome of one that is cut is unknown
)

var errReleased = errors.New("session was given back")

// do is the one way to the server: every exchange runs in f, under ctx. The end of ctx, or CommandTimeout without an octet,
// closes the connection, and the session is spent. A cut write may have happened all the same.
func (s *Session) do(ctx context.Context, op, mailbox string, r repeatable, f func(c *conn) error) error {
	if err := s.enter(); err != nil {
		return &Error{Op: op, Mailbox: mailbox, Kind: Bad, Err: err}
	}
	defer s.leave()
	began := time.Now()
	defer func() { s.time += time.Since(began) }()
	if strings.HasPrefix(mailbox, "~") && s.Lags() {
		if err := s.renewed(ctx); err != nil {
			return wrap(op, mailbox, err)
		}
	}
	if s.unproven && r != again {
		if err := s.proven(ctx, again, func(c *conn) error { _, err := c.one(nil, "NOOP"); return err }); err != nil {
			return wrap(op, mailbox, err)
		}
	}
	err := wrap(op, mailbox, s.proven(ctx, r, f))
	var e *Error
	if r == write && errors.As(err, &e) && e.Kind == Unavailable && s.c.w.lost() != nil {
		e.Unknown = true
	}
	return err
}

// proven runs f, and once more on a new connection where the server has dropped the one that was lent.
func (s *Session) proven(ctx context.Context, r repeatable, f func(c *conn) error) error {
	for {
		before := s.c.sent()
		err := s.c.under(ctx, func() error { return f(s.c) })
		if err == nil || ctx.Err() != nil || !s.repeats(r) {
			s.unproven = s.unproven && s.c.sent() == before
			return err
		}
		if err := s.replace(ctx); err != nil {
			return err
		}
	}
}

// repeats says whether an exchange that failed is run again: the first one since the lending always, as a pooled connection may
// have died long ago; of the later ones one, if it was the server that went.
func (s *Session) repeats(r repeatable) bool {
	lost := s.c.w.lost()
	if lost == nil || s.unproven {
		return lost != nil
	}
	if r != again || s.repeated || !errors.Is(lost, errDropped) {
		return false
	}
	s.repeated = true
	return true
}

// Lags tells whether what the session knows of shares and rights may be older than the request.
func (s *Session) Lags() bool { return s.older && s.c.caps.RightsLag() }

// Anew makes a new login where what an older one knows of shares and rights may be wrong.
func (s *Session) Anew(ctx context.Context) error {
	if !s.Lags() {
		return nil
	}
	if err := s.enter(); err != nil {
		return &Error{Op: "Anew", Kind: Bad, Err: err}
	}
	defer s.leave()
	return wrap("Anew", "", s.renewed(ctx))
}

// renewed makes a new login in the place of one that still serves, but knows what the server said before: a right that was
// taken away must be gone at the next request (Caps.RightsLag).
func (s *Session) renewed(ctx context.Context) error {
	s.c.quit()
	return s.replace(ctx)
}

// replace makes a new login in the place of one that is lost.
func (s *Session) replace(ctx context.Context) error {
	s.unproven, s.older = false, false
	s.c.abort()
	c, err := s.store.connect(ctx, s.user, s.password, s.key)
	if err != nil {
		s.store.pool.mu.Lock()
		defer s.store.pool.mu.Unlock()
		s.store.pool.learn(s.key, err)
		return err
	}
	s.commands += s.c.sent() - s.base
	s.base, s.c = 0, c
	return nil
}

func (s *Session) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.released {
		return errReleased
	}
	if s.busy {
		return errBusy
	}
	s.busy = true
	return nil
}

func (s *Session) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = false
}
