package gateway

import (
	"net/http"
	"strconv"
	"strings"

	"calgate/gateway/calendar"
	"calgate/translate"
)

// open opens a calendar.
func (q *request) open(c calendar.Calendar) (*calendar.View, error) {
	view, err := q.account.Open(q.r.Context(), c)
	if err == nil && c.Mailbox == q.place.calendar.Mailbox && c.Exists && !view.Calendar().Exists {
		q.place.calendar = view.Calendar() // a default that was removed since the last LIST
	}
	return view, err
}

// get answers GET and HEAD of an object: the octets of its PUT (RFC 4791 section 5.3.4
// for the strong entity tag). HEAD and 304 fetch no body. Who prefers it gets jCal,
// under a weak entity tag: those octets are not the ones of the PUT.
func (q *request) get() error {
	if q.place.kind != placeObject {
		return q.publish()
	}
	view, err := q.open(q.place.calendar)
	if err != nil {
		return err
	}
	e, exists := view.Entry(q.place.name)
	q.w.Header().Set("Vary", "Accept")
	json := prefersJSON(q.r.Header["Accept"])
	if err := q.cond.check(q.r.Method, stateOf(e, exists)); err != nil {
		if err == errNotModified {
			if q.validators(e); json {
				q.w.Header().Set("ETag", "W/"+e.ETag) // as of the 200
			}
			q.w.WriteHeader(http.StatusNotModified)
			return nil
		}
		return err
	}
	if !exists {
		return notFound("no such object")
	}
	var body []byte
	if q.r.Method != http.MethodHead || e.Length < 0 || json {
		item, err := q.read(view, e)
		if err != nil {
			return err
		}
		e, body = item.Entry, item.Body // as it is now, if it was replaced meanwhile
		e.Length = int64(len(body))
	}
	q.validators(e)
	q.w.Header().Set("Content-Type", contentType(e.Component))
	if json {
		if converted, err := translate.JSON(body); err == nil {
			body, e.Length = converted, int64(len(converted))
			q.w.Header().Set("Content-Type", jcalType)
			q.w.Header().Set("ETag", "W/"+e.ETag)
		}
	}
	q.w.Header().Set("Content-Length", strconv.FormatInt(e.Length, 10))
	q.w.WriteHeader(http.StatusOK)
	if q.r.Method != http.MethodHead {
		q.w.Write(body)
	}
	return nil
}

// read fetches one body.
func (q *request) read(view *calendar.View, e calendar.Entry) (calendar.Item, error) {
	for item, err := range view.Read(q.r.Context(), []calendar.Entry{e}) {
		if err == nil {
			err = item.Err
		}
		return item, err
	}
	return calendar.Item{}, notFound("no such object")
}

// validators sets what a later request can be conditional on.
func (q *request) validators(e calendar.Entry) {
	header := q.w.Header()
	header.Set("ETag", e.ETag)
	header.Set("Cache-Control", "private, no-cache")
	if !e.Modified.IsZero() {
		header.Set("Last-Modified", e.Modified.UTC().Format(http.TimeFormat))
	}
}

// contentType is the media type of an object (RFC 5545 section 8.1).
func contentType(component string) string {
	t := "text/calendar; charset=utf-8"
	if component != "" {
		t += "; component=" + strings.ToUpper(component)
	}
	return t
}
