package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
	"calgate/translate"
)

// An error becomes a status here and nowhere else; each has a body that says something.
func TestErrorStatus(t *testing.T) {
	at := place{kind: placeObject, self: "/CalDAV/Work/a.ics", base: "/CalDAV/", collection: "/CalDAV/Work/"}
	kind := func(k calendar.ErrorKind) error {
		return fmt.Errorf("wrapped: %w", &calendar.Error{Op: "Put", Kind: k})
	}
	forbidden := func(p calendar.Privilege) error { return &calendar.Error{Kind: calendar.Forbidden, Privilege: p} }
	for _, c := range []struct {
		err    error
		status int
		body   string // "": an error of our own namespace
	}{
		{kind(calendar.Unavailable), 503, ""},
		{kind(calendar.BadCredentials), 401, ""},
		{kind(calendar.Denied), 403, ""},
		{kind(calendar.NotFound), 404, ""},
		{kind(calendar.Forbidden), 403, ""},
		{forbidden(calendar.Bind), 403, `<D:need-privileges><D:resource><D:href>/CalDAV/Work/</D:href><D:privilege><D:bind/></D:privilege></D:resource></D:need-privileges>`},
		{forbidden(calendar.Unbind), 403, `<D:href>/CalDAV/Work/</D:href><D:privilege><D:unbind/>`},
		{forbidden(calendar.WriteContent), 403, `<D:href>/CalDAV/Work/a.ics</D:href><D:privilege><D:write-content/>`},
		{kind(calendar.Exists), 405, `<D:resource-must-be-null/>`},
		{kind(calendar.Conflict), 409, ""},
		{&calendar.Error{Kind: calendar.UIDConflict, Name: "b c.ics"}, 403, `:no-uid-conflict><D:href>/CalDAV/Work/b%20c.ics</D:href>`},
		{kind(calendar.PreconditionFailed), 412, ""},
		{kind(calendar.OverQuota), 507, `<D:quota-not-exceeded/>`},
		{&calendar.Error{Op: "Replace", Mailbox: "Calendar/Work", Kind: calendar.OverQuota, Name: "b.ics"}, 507, `<D:quota-not-exceeded><D:href>/CalDAV/~alice/Calendar/Work/b.ics</D:href></D:quota-not-exceeded></D:error>`},
		{&calendar.Error{Op: "Replace", Kind: calendar.Unavailable, Name: "b.ics"}, 503, "; the publication stopped at b.ics<"},
		{kind(calendar.InvalidToken), 403, `<D:valid-sync-token/>`},
		{kind(calendar.TooMany), 507, ""},
		{kind(calendar.NameRefused), 403, ""},
		{kind(calendar.TooManyGrants), 403, "<D:limited-number-of-aces/>"},
		{kind(calendar.ErrorKind(1000)), 500, ""},
		{&translate.ObjectError{Precondition: "valid-calendar-data"}, 403, ":valid-calendar-data/>"},
		{&translate.ObjectError{Precondition: "valid-calendar-object-resource"}, 403, ":valid-calendar-object-resource/>"},
		{&translate.ObjectError{Precondition: "max-resource-size"}, 403, ":max-resource-size/>"},
		{&translate.FilterError{Precondition: "supported-collation"}, 403, ":supported-collation/>"},
		{&davxml.Error{Kind: davxml.Malformed, Reason: "no <&> XML"}, 400, ""},
		{&davxml.Error{Kind: davxml.TooLarge}, 413, ""},
		{&davxml.Error{Kind: davxml.TooMany}, 403, "<D:number-of-matches-within-limits/>"},
		{&davxml.Error{Kind: davxml.BadFilter}, 403, ":valid-filter/>"},
		{context.DeadlineExceeded, 503, ""},
		{errors.New("secret detail"), 500, ""},
		{badRequest("so not"), 400, ""},
	} {
		w := httptest.NewRecorder()
		q := &request{place: at, login: login{account: "alice"}}
		q.w, q.r = watch(w, httptest.NewRequest("PUT", "/", nil), progress)
		q.fail(c.err)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) {
			t.Errorf("%v: %d %s, want %d %s", c.err, w.Code, w.Body, c.status, c.body)
		}
		if c.body == "" && strings.Contains(w.Body.String(), "DAV:") {
			t.Errorf("%v: DAV:error without a precondition: %s", c.err, w.Body)
		}
		if strings.Contains(w.Body.String(), "secret detail") {
			t.Errorf("the client reads %s", w.Body)
		}
		answered{w.Result(), w.Body.String()}.mustExplain(t, c.err.Error())
		if (w.Code == 503) != (w.Header().Get("Retry-After") != "") || (w.Code == 401) != (w.Header().Get("WWW-Authenticate") != "") || (w.Code == 405) != (w.Header().Get("Allow") != "") {
			t.Errorf("%v: headers %v", c.err, w.Header())
		}
	}
}

// Where nobody reads the answer any more, none is written, and the log says 499.
func TestGoneClient(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	q := &request{}
	q.w, q.r = watch(w, httptest.NewRequestWithContext(ctx, "GET", "/", nil), progress)
	defer func() {
		if recover() == nil || q.w.status != 499 || w.Body.Len() != 0 {
			t.Errorf("status %d, body %q", q.w.status, w.Body)
		}
	}()
	q.fail(&calendar.Error{Kind: calendar.Unavailable, Err: ctx.Err()})
}
