package gateway

import (
	"net/http"
	"net/url"
	"strings"

	"calgate/gateway/calendar"
)

// move answers MOVE and COPY of an object to another calendar (RFC 4918 sections
// 9.8 and 9.9), where Depth means nothing, and MOVE of a calendar.
func (q *request) move() error {
	if q.place.kind == placeCalendar {
		return q.moveCalendar()
	}
	ctx := q.r.Context()
	to, err := q.destination()
	if err != nil {
		return err
	}
	view, err := q.open(q.place.calendar)
	if err != nil {
		return err
	}
	if !to.calendar.Exists {
		if to.calendar, _, err = q.account.Autocreate(ctx, to.calendar); err != nil {
			return err
		}
	}
	q.to = &to
	target, err := q.open(to.calendar)
	if calendar.IsKind(err, calendar.NotFound) {
		return errNoTarget
	}
	if err != nil {
		return err
	}
	if err := q.checkMoved(view, target); err != nil {
		return err
	}
	q.clean(target)
	q.clean(view)
	do := view.Move
	if q.r.Method == "COPY" {
		do = view.Copy
	}
	result, err := do(ctx, q.place.name, q.objectCondition(), target, to.name, q.overwrite())
	if err != nil {
		return err
	}
	q.stored(result, "", nil)
	return nil
}

// errNoTarget is also what is said of a calendar that may not be seen.
var errNoTarget = &HTTPError{Code: http.StatusConflict, Public: "the collection above Destination does not exist"}

// destination is where the Destination header leads (RFC 4918 section 10.3): to an
// object, there or not.
func (q *request) destination() (place, error) {
	value, err := q.destinationURL()
	if err != nil {
		return place{}, err
	}
	to, err := q.locate(value)
	switch {
	case err != nil:
		return to, err
	case to.kind == placeNothing:
		return to, errNoTarget
	case to.kind != placeObject:
		return to, forbidden(caldav("calendar-collection-location-ok"), "Destination is no object in a calendar")
	case len(to.name) > maxName:
		return to, &HTTPError{Code: http.StatusForbidden, Public: "the name is too long"}
	case to.calendar.Mailbox == q.place.calendar.Mailbox && to.name == q.place.name:
		return to, &HTTPError{Code: http.StatusForbidden, Public: "source and destination are the same"}
	}
	return to, nil
}

// destinationURL is the Destination header, if it is a URL of this server.
func (q *request) destinationURL() (string, error) {
	value := strings.TrimSpace(q.r.Header.Get("Destination"))
	if value == "" {
		return "", badRequest("Destination is missing")
	}
	u, err := url.Parse(value)
	if err != nil {
		return "", badRequest("Destination is no URL")
	}
	if u.Host != "" && !strings.EqualFold(u.Host, q.r.Host) {
		return "", &HTTPError{Code: http.StatusBadGateway, Public: "Destination is on another server"}
	}
	return value, nil
}

// checkMoved is CALDAV:supported-calendar-component for the target.
func (q *request) checkMoved(view, target *calendar.View) error {
	e, ok := view.Entry(q.place.name)
	if !ok {
		return notFound("no such object")
	}
	return q.checkComponent(target, e.Component)
}

// overwrite is what the Overwrite header says of the destination (RFC 4918 section
// 10.6): without it, or with T, what is there is replaced.
func (q *request) overwrite() calendar.Condition {
	if q.overwrites() {
		return calendar.Condition{}
	}
	return calendar.Condition{Conditional: true, Check: func(_ calendar.Entry, exists bool) error {
		if exists {
			return &HTTPError{Code: http.StatusPreconditionFailed, Public: "something is there, and Overwrite is F"}
		}
		return nil
	}}
}

func (q *request) overwrites() bool {
	return !strings.EqualFold(strings.TrimSpace(q.r.Header.Get("Overwrite")), "F")
}
