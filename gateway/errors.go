package gateway

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
	"calgate/translate"
)

func dav(local string) xml.Name    { return xml.Name{Space: davxml.DAV, Local: local} }
func caldav(local string) xml.Name { return xml.Name{Space: davxml.CalDAV, Local: local} }

// HTTPError is an error with its two faces: the client reads Code, Precondition and
// Public, the log reads Err.
type HTTPError struct {
	Code         int
	Precondition xml.Name           // child of DAV:error (RFC 4918 section 16); zero: none
	Privilege    calendar.Privilege // missing, of DAV:need-privileges (RFC 3744 section 7.1.1)
	Href         []string           // escaped; children of the precondition
	Public       string             // a sentence for people, with nothing secret in it
	RetryAfter   time.Duration      // of a 503
	Err          error
}

func (e *HTTPError) Error() string {
	s := strconv.Itoa(e.Code)
	if e.Precondition.Local != "" {
		s += " " + e.Precondition.Local
	}
	if e.Public != "" {
		s += " " + e.Public
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *HTTPError) Unwrap() error { return e.Err }

func badRequest(public string) *HTTPError {
	return &HTTPError{Code: http.StatusBadRequest, Public: public}
}

func notFound(public string) *HTTPError {
	return &HTTPError{Code: http.StatusNotFound, Public: public}
}

func forbidden(precondition xml.Name, public string) *HTTPError {
	return &HTTPError{Code: http.StatusForbidden, Precondition: precondition, Public: public}
}

// statusClientGone is what the log shows where nobody reads the answer any more.
const statusClientGone = 499

// retryAfter is how long a client should wait for a mail server that cannot serve now.
const retryAfter = 30 * time.Second

// httpError is the only place where an error becomes a status.
func (q *request) httpError(err error) *HTTPError {
	var h *HTTPError
	if errors.As(err, &h) {
		return h
	}
	if q.r.Context().Err() != nil {
		return &HTTPError{Code: statusClientGone, Public: "client gone", Err: err}
	}
	var c *calendar.Error
	var o *translate.ObjectError
	var f *translate.FilterError
	var x *davxml.Error
	switch {
	case errors.As(err, &c):
		return q.calendarError(c, err)
	case errors.As(err, &o):
		return forbiddenData(caldav(o.Precondition), o.Reason, err)
	case errors.Is(err, translate.ErrNoCalendar):
		return &HTTPError{Code: http.StatusBadRequest, Public: "the request body is no iCalendar", Err: err}
	case errors.Is(err, translate.ErrTooManyItems):
		return &HTTPError{Code: http.StatusRequestEntityTooLarge, Public: "there are more than " + strconv.Itoa(translate.MaxFeedItems) + " calendar objects", Err: err}
	case errors.As(err, &f):
		return forbiddenData(caldav(f.Precondition), "the filter is not understood", err)
	case errors.As(err, &x):
		return xmlError(x, err)
	case errors.Is(err, context.DeadlineExceeded):
		return unavailable("the mail server does not answer", err)
	}
	return &HTTPError{Code: http.StatusInternalServerError, Public: "the gateway failed", Err: err}
}

// forbiddenData is a precondition of RFC 4791 on the data itself: the client could
// repeat the request only with other data, so it is 403 (RFC 4791 section 1.3).
func forbiddenData(precondition xml.Name, public string, err error) *HTTPError {
	return &HTTPError{Code: http.StatusForbidden, Precondition: precondition, Public: public, Err: err}
}

func unavailable(public string, err error) *HTTPError {
	return &HTTPError{Code: http.StatusServiceUnavailable, Public: public, RetryAfter: retryAfter, Err: err}
}

// calendarError maps the kinds of package calendar. Only wrong credentials are 401:
// clients delete stored passwords when they read it.
func (q *request) calendarError(c *calendar.Error, err error) *HTTPError {
	e := &HTTPError{Err: err}
	switch c.Kind {
	case calendar.Unavailable:
		return unavailable("the mail server cannot serve this now"+stoppedAt(c), err)
	case calendar.BadCredentials:
		return unauthorized(err)
	case calendar.Denied:
		e.Code, e.Public = http.StatusForbidden, "the mail server does not let this account in"
	case calendar.NotFound:
		e.Code, e.Public = http.StatusNotFound, "no such resource"
	case calendar.Forbidden:
		e.Code, e.Public = http.StatusForbidden, "not allowed"
		if c.Privilege != "" {
			e.Precondition, e.Privilege = dav("need-privileges"), c.Privilege
			e.Href = []string{q.lacking(c.Privilege, c.Mailbox)}
		}
	case calendar.Exists:
		e.Code, e.Precondition, e.Public = http.StatusMethodNotAllowed, dav("resource-must-be-null"), "something is there already"
	case calendar.Conflict:
		e.Code, e.Public = http.StatusConflict, "the collection above does not exist"
	case calendar.UIDConflict:
		// As for every precondition of RFC 4791 section 5.3.2.1: the same request fails again as long as that object is there.
		e.Code, e.Precondition, e.Public = http.StatusForbidden, caldav("no-uid-conflict"), "another object has this UID"
		if strings.HasPrefix(q.r.UserAgent(), "DAVx5/") {
			e.Code = http.StatusPreconditionFailed // a conflict to it; 403 without need-privileges ends its sync
		}
		if at := q.about(c.Mailbox); at.collection != "" && c.Name != "" {
			e.Href = []string{at.collection + escapeSegment(c.Name)}
		}
	case calendar.PreconditionFailed:
		e.Code, e.Public = http.StatusPreconditionFailed, "the resource is not in the state that the request names"
	case calendar.OverQuota:
		e.Code, e.Precondition, e.Public = http.StatusInsufficientStorage, dav("quota-not-exceeded"), "the mail account is full"
		if stoppedAt(c) != "" {
			e.Href = []string{q.hrefInFull(calendar.Calendar{Mailbox: c.Mailbox}) + escapeSegment(c.Name)}
		}
	case calendar.InvalidToken:
		e.Code, e.Precondition, e.Public = http.StatusForbidden, dav("valid-sync-token"), "unknown sync token"
	case calendar.TooMany:
		e.Code, e.Public = http.StatusInsufficientStorage, "too many properties, or too large ones"
	case calendar.Unsayable:
		e.Code, e.Precondition, e.Public = http.StatusForbidden, dav("no-ace-conflict"), "the mail server cannot give these rights and no others"
	case calendar.Protected:
		e.Code, e.Precondition, e.Public = http.StatusForbidden, dav("no-protected-ace-conflict"), "the owner's rights, and those that the mail server gives, stay as they are"
	case calendar.PrincipalRefused:
		e.Code, e.Precondition, e.Public = http.StatusForbidden, dav("allowed-principal"), "the mail server gives no rights to "+c.Name
	case calendar.TooManyGrants:
		e.Code, e.Precondition, e.Public = http.StatusForbidden, dav("limited-number-of-aces"), fmt.Sprintf("an ACL holds at most %d entries", calendar.MaxGrants)
	case calendar.TooManyOthers:
		e.Code, e.Precondition, e.Public = http.StatusForbidden, dav("number-of-matches-within-limits"), "too many mailboxes of other users in one request"
	case calendar.NameRefused:
		e.Code, e.Public = http.StatusForbidden, "this name cannot be used"
	default:
		e.Code, e.Public = http.StatusInternalServerError, "the gateway failed"
	}
	return e
}

// stoppedAt names the object of a publication that could not be stored, where others
// were.
func stoppedAt(c *calendar.Error) string {
	if c.Name == "" || c.Op != "Replace" {
		return ""
	}
	return "; the publication stopped at " + c.Name
}

// about is the place that an error in a mailbox is about: of MOVE and COPY it may be
// the destination.
func (q *request) about(mailbox string) place {
	if q.to != nil && mailbox == q.to.calendar.Mailbox {
		return *q.to
	}
	return q.place
}

// lacking is the resource on which a privilege is missing: members are bound and
// unbound in their collection (RFC 3744 sections 3.9 and 3.10).
func (q *request) lacking(p calendar.Privilege, mailbox string) string {
	at := q.about(mailbox)
	switch {
	case p != calendar.Bind && p != calendar.Unbind || at.base == "":
		return at.self
	case at.kind == placeObject:
		return at.collection
	case at.kind == placeCalendar && q.r.Method == http.MethodPost: // RFC 5995: a new member
		return at.self
	case at.kind == placeFeed && len(at.path) == 0:
		return at.self
	}
	return at.base
}

func xmlError(x *davxml.Error, err error) *HTTPError {
	switch x.Kind {
	case davxml.TooLarge:
		return &HTTPError{Code: http.StatusRequestEntityTooLarge, Public: x.Reason, Err: err}
	case davxml.TooMany:
		return forbiddenData(dav("number-of-matches-within-limits"), x.Reason, err)
	case davxml.BadFilter:
		return forbiddenData(caldav("valid-filter"), x.Reason, err)
	}
	return &HTTPError{Code: http.StatusBadRequest, Public: x.Reason, Err: err}
}

// fail answers with an error. After the first octet of an answer that is no longer
// possible, and the connection is cut: half a list would be taken for a whole one.
func (q *request) fail(err error) {
	e := q.httpError(err)
	q.err = err
	if q.w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	if e.Code == statusClientGone {
		q.w.status = e.Code
		panic(http.ErrAbortHandler)
	}
	header := q.w.Header()
	for _, name := range []string{"ETag", "Last-Modified", "Content-Length", "Cache-Control", "Preference-Applied", "Vary"} {
		header.Del(name)
	}
	switch e.Code {
	case http.StatusUnauthorized:
		header.Set("WWW-Authenticate", `Basic realm="`+realm+`", charset="UTF-8"`)
	case http.StatusMethodNotAllowed:
		header.Set("Allow", q.allow())
	case http.StatusServiceUnavailable:
		header.Set("Retry-After", strconv.Itoa(max(1, int(e.RetryAfter/time.Second))))
	}
	body := e.body()
	header.Set("Content-Type", "application/xml; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	q.w.WriteHeader(e.Code)
	if q.r.Method != http.MethodHead {
		q.w.Write(body)
	}
}

// body is what a client reads. There always is one: KIO takes an error without a
// body for no answer at all. DAV:error holds precondition elements only (RFC 4918
// section 14.5), and an empty one is a rate limit to Thunderbird, so an error
// without a precondition speaks for itself.
func (e *HTTPError) body() []byte {
	var b bytes.Buffer
	if e.Precondition.Local != "" {
		c := davxml.Condition{Name: e.Precondition, Hrefs: e.Href}
		if e.Privilege != "" {
			c.Privilege = dav(string(e.Privilege))
		}
		if e.Privilege == calendar.ReadFreeBusy { // the one that is not RFC 3744's
			c.Privilege = caldav(string(e.Privilege))
		}
		davxml.WriteError(&b, c)
		return b.Bytes()
	}
	io.WriteString(&b, `<?xml version="1.0" encoding="utf-8"?>`+"\n"+`<error xmlns="`+davxml.ErrorSpace+`">`)
	text := e.Public
	if text == "" {
		text = http.StatusText(e.Code)
	}
	b.Write(davxml.AppendText([]byte(nil), text))
	io.WriteString(&b, "</error>\n")
	return b.Bytes()
}
