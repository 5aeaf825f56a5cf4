package gateway

import "net/http"

// delete answers DELETE of an object or of a calendar (RFC 4918 section 9.6). A
// calendar goes without its children: those are calendars of their own.
func (q *request) delete() error {
	if q.place.kind == placeFeed {
		return q.unpublish()
	}
	ctx := q.r.Context()
	if q.place.kind == placeCalendar {
		if err := q.account.Remove(ctx, q.place.calendar); err != nil {
			return err
		}
		q.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	view, err := q.open(q.place.calendar)
	if err != nil {
		return err
	}
	if err := view.Delete(ctx, q.place.name, q.objectCondition()); err != nil {
		return q.instead(err)
	}
	q.clean(view)
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}
