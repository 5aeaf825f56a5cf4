// Package gateway speaks HTTP, WebDAV and CalDAV: it reads what a URL means, logs
// the user in to the mail server, and lets one method answer. Everything it knows
// of calendars it asks of package calendar.
package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"calgate/gateway/calendar"
)

// Options are what a gateway is built from. Only Calendar must be set.
type Options struct {
	Calendar *calendar.Server
	// Domain gives the mail domain that completes a login without "@" to a full
	// account, by the host name of the request (lower case, without port). Nil, or
	// an empty answer: none, the login stays as it is.
	Domain func(host string) string
	Logger *slog.Logger // nil: slog.Default()

	Services    Services // 0: all
	Allow, Deny []string // patterns of accounts, "*" is anything; without Allow all may that Deny does not name
	// DeleteUploadedKinds restricts what a publication that replaces everything
	// removes to the components that are in it: events leave tasks alone.
	DeleteUploadedKinds bool

	Progress time.Duration // a body or an answer that moves no octet for so long is cut; 0: 60 s
	CleanUp  time.Duration // longest clean-up of a folder after the answer is out; 0: 30 s
}

// realm is the key under which calendar programs store a password (RFC 7617
// section 2). Changing it makes every one of them ask its user again.
const realm = "calgate"

// Times of a request.
const (
	progress       = 60 * time.Second
	cleanUpTimeout = 30 * time.Second
)

type handler struct{ Options }

// New returns the handler of a gateway. It may serve any number of requests at once.
func New(o Options) http.Handler {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Domain == nil {
		o.Domain = func(string) string { return "" }
	}
	if o.Services == 0 {
		o.Services = ServeAll
	}
	if o.Progress == 0 {
		o.Progress = progress
	}
	if o.CleanUp == 0 {
		o.CleanUp = cleanUpTimeout
	}
	return &handler{o}
}

// request is one HTTP request on its way through the rooms.
type request struct {
	h      *handler
	w      *answer
	r      *http.Request
	target Target
	login  login

	account  *calendar.Account // nil before the login
	place    place
	homeView *calendar.HomeView // nil before the home was listed
	to       *place             // of MOVE and COPY
	cond     conditions

	cleanUp []*calendar.View // views that this request wrote to
	err     error            // for the log
}

// method is an HTTP method and the places where it may be asked; elsewhere it is 405.
// An error that do returns becomes the answer if nothing is written yet, else the
// connection is cut: a short but well-formed answer makes clients delete events.
type method struct {
	name string
	on   placeKind
	do   func(*request) error
	// needs tells whether the mail server has what the method rests on; nil: nothing.
	needs func(*calendar.Account) bool
}

func (m method) offered(a *calendar.Account) bool {
	return m.needs == nil || a != nil && m.needs(a)
}

// methods are in the order in which Allow names them.
func methods() []method {
	const dav = placeRoot | placePrincipal | placeHome | placeCalendar | placeObject
	const readable = placeRoot | placeCalendar | placeObject | placeFeed
	return []method{
		{"OPTIONS", dav | placeFeed, (*request).options, nil},
		{"GET", readable, (*request).get, nil}, // that of the root needs no login and is answered before
		{"HEAD", readable, (*request).get, nil},
		{"PUT", placeObject | placeFeed, (*request).put, nil},
		{"DELETE", placeCalendar | placeObject | placeFeed, (*request).delete, nil},
		{"COPY", placeObject, (*request).move, nil},
		{"MOVE", placeObject | placeCalendar, (*request).move, nil},
		{"PROPFIND", dav | placeFeed, (*request).propfind, nil},
		{"PROPPATCH", dav, (*request).proppatch, nil},
		{"REPORT", dav, (*request).report, nil},
		{"ACL", placeCalendar | placeObject, (*request).acl, (*calendar.Account).HasACL},
		{"POST", placeCalendar, (*request).post, nil},
		{"MKCALENDAR", placeNothing, (*request).mkcalendar, nil},
		{"MKCOL", placeNothing, (*request).mkcalendar, nil},
	}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	q := &request{h: h}
	q.w, q.r = watch(w, r, h.Progress)
	defer q.finish(start)
	defer q.w.limit()
	defer q.recover()
	q.w.Header().Set("X-Content-Type-Options", "nosniff")
	q.closeAfterwards()
	if err := q.serve(); err != nil {
		q.fail(err)
	}
	q.tidy()
}

// serve walks forward through the rooms: target, credentials, login, place, method.
func (q *request) serve() error {
	target, unreadable := ParseTarget(rawPath(q.r))
	q.target = target
	if unreadable == nil && q.public() {
		return nil
	}
	var err error
	if q.login, err = q.credentials(); err != nil {
		return err // without any IMAP: many clients first ask without credentials
	}
	if unreadable != nil {
		return unreadable
	}
	if q.cond, err = parseConditions(q.r.Header); err != nil {
		return err
	}
	if q.account, err = q.h.Calendar.Login(q.r.Context(), q.login.account, q.login.password); err != nil {
		return err
	}
	if err := q.admitted(); err != nil {
		return err
	}
	if err := q.served(); err != nil {
		return err
	}
	if err := q.resolve(); err != nil {
		return err
	}
	if err := q.ownLists(); err != nil {
		return err
	}
	if err := q.checkCollection(); err != nil {
		return err
	}
	return q.dispatch()
}

// dispatch lets the method answer. MKCALENDAR and MKCOL may be asked where something
// is, too: they say that it is in their way.
func (q *request) dispatch() error {
	on := q.place.kind
	for _, m := range methods() {
		if m.name != q.r.Method || !m.offered(q.account) {
			continue
		}
		if m.on&on != 0 && (on != placeNothing || len(q.place.path) > 0) || m.on == placeNothing && on&(placeCalendar|placeHome) != 0 {
			return m.do(q)
		}
	}
	return q.notAllowed()
}

// clean asks for a clean-up of the view's folder once the answer is out.
func (q *request) clean(v *calendar.View) { q.cleanUp = append(q.cleanUp, v) }

// tidy sends the answer out and then removes what the request's own writes made
// garbage. The client need not wait for it, and its leaving does not end it.
func (q *request) tidy() {
	if len(q.cleanUp) == 0 {
		return
	}
	q.w.Flush()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(q.r.Context()), q.h.CleanUp)
	defer cancel()
	for _, v := range q.cleanUp {
		if err := v.CleanUp(ctx); err != nil {
			q.h.Logger.Warn("clean-up", "mailbox", v.Calendar().Mailbox, "user", q.login.account, "err", err)
		}
	}
}

// recover turns a panic into a 500 and a log entry. A panic of net/http's own kind
// cuts the connection and goes on.
func (q *request) recover() {
	p := recover()
	if p == nil {
		return
	}
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(http.ErrAbortHandler)
	}
	q.h.Logger.Error("panic", "method", q.r.Method, "panic", p, "stack", string(debug.Stack()))
	q.fail(&HTTPError{Code: http.StatusInternalServerError, Public: "the gateway failed", Err: errPanic})
}

var errPanic = errors.New("panic")

// finish gives the session back and writes the access line.
func (q *request) finish(start time.Time) {
	if q.account != nil {
		defer q.account.Close()
	}
	q.log(start)
}

// closeAfterwards ends the connection after this answer where its framing was not
// plain: net/http hides from us whether a chunked request had a Content-Length too,
// and on HTTP/1.0 whether it said Transfer-Encoding, so a proxy before us may have
// seen another end of this body than we did (RFC 9112 section 6.3).
func (q *request) closeAfterwards() {
	if q.r.ProtoMajor == 1 && (len(q.r.TransferEncoding) > 0 || q.r.ProtoMinor == 0) {
		q.w.Header().Set("Connection", "close")
	}
}
