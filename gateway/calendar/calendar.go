// Package calendar sees a mailbox as a calendar (RFC 4791 section 4.2): it knows
// which mailboxes are calendars, keeps the storage protocol (a folder is an
// append-only log of versions), and the one cache of what folders hold. It speaks
// to the mail server through imapstore, reads messages through translate, and
// knows neither HTTP nor XML.
package calendar

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"calgate/imapstore"
	"calgate/translate"
)

// Options configures a Server; the zero value serves.
type Options struct {
	DefaultCalendar, DefaultTasks string   // mailbox names, "" = the first of the table that exists
	CalendarRoot, TasksRoot       string   // where new calendars are made, "" = below the defaults
	Calendars, Tasks              []string // patterns of mailbox names; "*" stands for anything, "%" for anything within a level

	Shares Shares // which calendars of other users the home shows

	Autocreate  bool          // make the default mailboxes at the first write
	Subscribe   bool          // subscribe to calendars that are made, so that mail programs list them
	KeepDeleted time.Duration // how long tombstones and kept versions stay, 0 = 30 days
	NoCache     bool          // read everything anew at every request
	CacheBytes  int64         // bound of what is cached, 0 = 256 MiB

	Now    func() time.Time // nil = time.Now
	Logger *slog.Logger     // nil = nowhere
}

const (
	defaultKeepDeleted = 30 * 24 * time.Hour
	defaultCacheBytes  = 256 << 20

	// maxLook is the time from a look to the last octet of the APPEND that rests
	// on it. The expiry of tombstones (an hour at least) depends on it.
	maxLook = time.Minute
)

// Server opens calendars on one mail store. It is safe for concurrent use.
type Server struct {
	store *imapstore.Store
	o     Options
	kinds kinds
	cache cache
}

// New returns a Server on the store, which stays the caller's to close.
func New(store *imapstore.Store, o Options) *Server {
	if o.KeepDeleted == 0 {
		o.KeepDeleted = defaultKeepDeleted
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = defaultCacheBytes
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	return &Server{store: store, o: o, kinds: newKinds(o), cache: newCache(o)}
}

// Account is a user who is logged in, for the time of one request. It is not
// safe for concurrent use.
type Account struct {
	server   *Server
	session  *imapstore.Session
	name     string
	password string           // to log in again when the mail server ends the session in the middle of a write
	home     *Home            // LIST of this request
	homes    map[string]*Home // the same of other users, by owner as in the URL; nil: what was cached of an owner was believed
	states   states           // of the last OpenHome or OpenHomeOf of this request
	scope    imapstore.Scope  // what that listed
	settings settings

	principals []Principal     // of this request; nil: not asked for
	shared     map[string]bool // what this request knows of its own calendars, by mailbox: whether they are shared

	named map[string]namedCalendar // what asking by name for other users' mailboxes has found in this request, or not
	asked int                      // how often this request has asked for what other users have

	metadata    map[string]imapstore.Annotations // by mailbox, as far as it was asked for
	allMetadata bool                             // metadata holds all that there is
	many        bool                             // this request is about many calendars
	opened      []Calendar                       // those of the last OpenAll

	spentCommands int // of sessions given back before
	spentTime     time.Duration
}

// Login opens an IMAP session with the user's own credentials. Errors: Kind
// BadCredentials, Denied, Unavailable.
func (s *Server) Login(ctx context.Context, account, password string) (*Account, error) {
	session, err := s.store.Login(ctx, account, password)
	if err != nil {
		return nil, wrap("Login", "", err)
	}
	return &Account{server: s, session: session, name: account, password: password}, nil
}

// Close gives the session back. The Account and its Views end with it.
func (a *Account) Close() { a.session.Release() }

// Name is the account's name as it logged in.
func (a *Account) Name() string { return a.name }

// Session is the account's IMAP session, for what the mail server itself should
// be asked (calgate check).
func (a *Account) Session() *imapstore.Session { return a.session }

// Stats are the IMAP commands of this login and the time they took.
func (a *Account) Stats() (commands int, spent time.Duration) {
	commands, spent = a.session.Stats()
	return a.spentCommands + commands, a.spentTime + spent
}

// LoginStats are the IMAP commands that a Login which failed with err has sent, and
// the time it took; 0 where the mail server was not asked.
func LoginStats(err error) (commands int, spent time.Duration) {
	var e *imapstore.Error
	if errors.As(err, &e) {
		return e.Commands, e.Took
	}
	return 0, 0
}

// renew replaces a session that broke in the middle of a request.
func (a *Account) renew(ctx context.Context) error {
	a.spentCommands, a.spentTime = a.Stats()
	a.session.Release()
	session, err := a.server.store.Login(ctx, a.name, a.password)
	if err != nil {
		return wrap("Login", "", err)
	}
	a.session = session
	return nil
}

// Entry is one calendar object resource as the index knows it, without its body.
type Entry struct {
	Name      string // resource name, its octets as the client chose them
	ETag      string // strong and quoted (RFC 9110 section 8.8.3)
	ICalUID   string // stored form, see translate.StoredUID
	Component string // VEVENT, VTODO, VJOURNAL, VFREEBUSY
	Span      Span
	Length    int64     // octets of the iCalendar text; -1 where only the body tells
	Created   time.Time // INTERNALDATE of the oldest version that is still there
	Modified  time.Time // INTERNALDATE of this version
	UID       uint32    // IMAP UID

	octets int64 // RFC822.SIZE
}

// Item is an Entry with its iCalendar octets, or with the reason why they cannot
// be had: Kind NotFound where the object is gone meanwhile.
type Item struct {
	Entry
	Body []byte
	Err  error
}

// Condition is what must hold for a write, evaluated against the head that the
// write is appended on.
type Condition struct {
	// Conditional tells that the client named a state: a write that loses
	// against another one fails instead of being repeated.
	Conditional bool
	// Check returns an error where the condition does not hold; nil checks nothing.
	Check func(e Entry, exists bool) error
	// IfMatch are the strong entity tags, quoted, one of which the client wants
	// to replace; IfNoneMatchAny says that it wants to create. By them a request
	// whose first answer got lost is told from one that lost a race.
	IfMatch        []string
	IfNoneMatchAny bool
}

func (c Condition) check(e Entry, exists bool) error {
	if c.Check == nil {
		return nil
	}
	return c.Check(e, exists)
}

// Result is what a Put made.
type Result struct {
	Entry
	Created bool

	life translate.Token
}
