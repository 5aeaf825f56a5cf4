// Package imapstore is a mail store seen over IMAP: logins, mailboxes, and messages as opaque octets. It knows no HTTP
// and no iCalendar. Mailbox names are UTF-8, with levels separated by "/", relative to the first personal namespace
// prefix; a Session alone adds prefix, delimiter and modified UTF-7.
package imapstore

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"
)

// Security is how the connection to the server is protected.
type Security int

// The ways to connect, each with its URL scheme.
const (
	TLS       Security = iota // imaps://
	STARTTLS                  // imap+starttls://
	Loopback                  // imap://: cleartext, refused to any address but the loopback
	Cleartext                 // imap+insecure://: cleartext to anywhere
)

// Options says where the mail store is. Zero values mean the defaults.
type Options struct {
	Host, Port string
	Security   Security
	TLS        *tls.Config                                 // ServerName is Host where it is empty
	Dial       func(ctx context.Context) (net.Conn, error) // nil: TCP to Host and Port

	Sessions, SessionsPerLogin int // 100, 3

	LoginAge       time.Duration // 10 min: password changes and lost rights show after it at the latest
	IdleAge        time.Duration // 5 min
	Wait           time.Duration // 10 s: how long a request waits for a session
	DialTimeout    time.Duration // 5 s
	LoginTimeout   time.Duration // 20 s: Dovecot holds a wrong password up to 15 s
	CommandTimeout time.Duration // 30 s without a received octet end an exchange

	// Others says where the server shows the mailboxes of other users, in the server's own form: "shared/%u/". %u is the
	// owner, %n and %d its local part and domain. "" is what NAMESPACE says. See CheckOthers.
	Others string

	NoCache bool // forgets refused logins, too
	Logger  *slog.Logger
	Now     func() time.Time
}

func (o *Options) fill() {
	positive := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	positive(&o.LoginAge, 10*time.Minute)
	positive(&o.IdleAge, 5*time.Minute)
	positive(&o.Wait, 10*time.Second)
	positive(&o.DialTimeout, 5*time.Second)
	positive(&o.LoginTimeout, 20*time.Second)
	positive(&o.CommandTimeout, 30*time.Second)
	if o.Sessions <= 0 {
		o.Sessions = 100
	}
	if o.SessionsPerLogin <= 0 {
		o.SessionsPerLogin = 3
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// Store is one mail server. It is safe for concurrent use.
type Store struct {
	o    Options
	pool *pool
	salt [32]byte // keys the hashes of logins; lives as long as the process
	once sync.Once
}

// New makes a Store; it connects to nothing yet.
func New(o Options) *Store {
	o.fill()
	s := &Store{o: o}
	rand.Read(s.salt[:])
	s.pool = newPool(&s.o)
	return s
}

// Close ends all idle sessions; those that are lent end at their Release.
func (s *Store) Close() error {
	s.once.Do(s.pool.close)
	return nil
}

// key is the name of a login in pools and caches: a keyed hash, so that no secret is kept.
func (s *Store) key(user, password string) string {
	m := hmac.New(sha256.New, s.salt[:])
	var n [8]byte
	for i := range n {
		n[i] = byte(uint64(len(user)) >> (8 * i))
	}
	m.Write(n[:]) // the length keeps ("ab","c") apart from ("a","bc")
	m.Write([]byte(user))
	m.Write([]byte(password))
	return hex.EncodeToString(m.Sum(nil))
}

// Login lends a session of that user, from the pool or new. The caller must Release it.
// Errors: BadCredentials, Denied, Unavailable.
func (s *Store) Login(ctx context.Context, user, password string) (*Session, error) {
	return s.LoginFor(ctx, user, password, "")
}

// TryLogin is Login that does not wait while all sessions are in use: for a second session, which a request may do without.
func (s *Store) TryLogin(ctx context.Context, user, password string) (*Session, error) {
	return s.login(ctx, user, password, "", 0)
}

// LoginFor is Login that prefers a session which has mailbox selected already.
func (s *Store) LoginFor(ctx context.Context, user, password, mailbox string) (*Session, error) {
	return s.login(ctx, user, password, mailbox, s.o.Wait)
}

func (s *Store) login(ctx context.Context, user, password, mailbox string, patience time.Duration) (*Session, error) {
	if user == "" || strings.ContainsAny(user+password, "\r\n\x00") {
		return nil, &Error{Op: "Login", Kind: BadCredentials, Err: errors.New("no name, or CR, LF or NUL in the credentials")}
	}
	key := s.key(user, password)
	open := func(ctx context.Context) (*conn, error) { return s.connect(ctx, user, password, key) }
	c, pooled, err := s.pool.take(ctx, key, mailbox, patience, open)
	if err != nil {
		return nil, wrap("Login", "", err)
	}
	return newSession(s, c, pooled, user, password, key), nil
}
