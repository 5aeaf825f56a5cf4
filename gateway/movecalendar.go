package gateway

import (
	"net/http"

	"calgate/gateway/calendar"
)

// moveCalendar answers MOVE of a calendar within its owner's home (RFC 4918 section 9.9).
// The calendars below it come along, as Depth infinity is the only one there is (section
// 9.9.2). A calendar at the destination is never replaced, whatever Overwrite says: it
// would be deleted with all that is in it, and nothing could undo that.
func (q *request) moveCalendar() error {
	if d, err := q.depth(depthInfinity); err != nil {
		return err
	} else if d != depthInfinity {
		return badRequest("a calendar is moved with Depth infinity")
	}
	if err := q.visible(); err != nil {
		return err
	}
	path, err := q.destinationPath()
	if err != nil {
		return err
	}
	if err := q.hidesObject(path); err != nil {
		return err
	}
	_, err = q.account.Rename(q.r.Context(), q.place.calendar, path)
	switch {
	case calendar.IsKind(err, calendar.Exists):
		return q.destinationTaken(err)
	case calendar.IsKind(err, calendar.NameRefused):
		return &HTTPError{Code: http.StatusForbidden, Precondition: caldav("calendar-collection-location-ok"), Public: "the calendar cannot have this name", Err: err}
	case err != nil:
		return err
	}
	q.w.Header().Set("Content-Length", "0")
	q.w.WriteHeader(http.StatusCreated)
	return nil
}

// destinationPath is where a calendar shall be: a path below one's own home.
func (q *request) destinationPath() ([]string, error) {
	value, err := q.destinationURL()
	if err != nil {
		return nil, err
	}
	elsewhere := forbidden(caldav("calendar-collection-location-ok"), "a calendar moves only within its owner's home")
	raw, ok := pathOf(value)
	if !ok || q.place.calendar.Others() {
		return nil, elsewhere
	}
	target, err := ParseTarget(raw)
	if err != nil {
		return nil, err
	}
	if target.Realm != RealmCalDAV || len(target.Path) == 0 || target.HasOwner && !q.login.self(target.Owner) {
		return nil, elsewhere
	}
	to, err := q.resolveTarget(target, "MKCALENDAR") // a collection, with or without a slash at its end
	switch {
	case err != nil:
		return nil, err
	case to.kind == placeCalendar && to.calendar.Mailbox == q.place.calendar.Mailbox:
		return nil, &HTTPError{Code: http.StatusForbidden, Public: "source and destination are the same"}
	}
	return target.Path, nil
}

// destinationTaken is the answer where something is at the destination.
func (q *request) destinationTaken(err error) error {
	if !q.overwrites() {
		return &HTTPError{Code: http.StatusPreconditionFailed, Public: "something is there, and Overwrite is F", Err: err}
	}
	return &HTTPError{Code: http.StatusForbidden, Public: "a calendar is there, and no calendar is replaced by another: delete it first", Err: err}
}
