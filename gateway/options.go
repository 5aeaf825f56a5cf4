package gateway

import (
	"net/http"
	"strings"
)

// compliance is what OPTIONS says of us, in one line because Thunderbird reads no
// second one, and with "1" first because it drops the first token (RFC 4918 section
// 10.1; RFC 3744 section 7.2; RFC 4791 section 5.1; RFC 5689 section 3.1). Class 2
// would promise locks.
const compliance = "1, 3, access-control, calendar-access, extended-mkcol"

// options answers OPTIONS. It is behind the login like everything else, as set-up
// programs check the password with it. Of what another user shares it tells who may read
// it (RFC 3744 appendix B).
func (q *request) options() error {
	if err := q.visible(); err != nil {
		return err
	}
	header := q.w.Header()
	dav := compliance
	if q.account.CanShare() {
		dav += sharingTokens
	}
	header.Set("DAV", dav)
	header.Set("Allow", q.allow())
	header.Set("Content-Length", "0")
	q.w.WriteHeader(http.StatusOK)
	return nil
}

// visible asks for what another user shares before an answer that tells that it is there: the
// place may be known from before the share was taken away.
func (q *request) visible() error {
	if !q.place.calendar.Others() {
		return nil
	}
	_, err := q.open(q.place.calendar)
	return err
}

// allow lists the methods of the request's place.
func (q *request) allow() string {
	var names []string
	for _, m := range methods() {
		if m.offered(q.account) && m.on&q.place.kind != 0 && (q.place.kind != placeNothing || len(q.place.path) > 0) {
			names = append(names, m.name)
		}
	}
	if len(names) == 0 {
		return "OPTIONS"
	}
	return strings.Join(names, ", ")
}

// notAllowed is the answer where no method of the table applies. Where nothing is, a
// PUT lacks the collection above (RFC 4918 section 9.7.1).
func (q *request) notAllowed() error {
	if err := q.visible(); err != nil {
		return err
	}
	switch {
	case q.place.kind == placeCalendar && q.r.Method == "COPY":
		return &HTTPError{Code: http.StatusForbidden, Public: "calendars are not copied; make one and copy the objects"}
	case q.place.kind != placeNothing || !known(q.r.Method):
		return &HTTPError{Code: http.StatusMethodNotAllowed, Public: "method not allowed here"}
	case q.r.Method == http.MethodPut && len(q.place.path) > 0 && !q.target.Slash:
		return &HTTPError{Code: http.StatusConflict, Public: "the collection above does not exist"}
	case q.r.Method == http.MethodPut && len(q.place.path) > 0:
		return &HTTPError{Code: http.StatusMethodNotAllowed, Public: "a collection is made by MKCALENDAR"}
	case q.r.Method == "MKCALENDAR" || q.r.Method == "MKCOL":
		return errElsewhere
	}
	return notFound("no such resource")
}

func known(method string) bool {
	for _, m := range methods() {
		if m.name == method {
			return true
		}
	}
	return false
}
