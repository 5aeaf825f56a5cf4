package gateway

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
	"calgate/translate"
)

// freeBusyQuery answers CALDAV:free-busy-query (RFC 4791 section 7.10) for a
// calendar, or for all that the owner of a home has. Its Depth header changes nothing: a
// calendar holds no collections.
func (q *request) freeBusyQuery(report *davxml.Report) error {
	if report.Range == nil {
		return badRequest("a free-busy-query needs a time-range")
	}
	asked, err := timeRange(report.Range)
	if err != nil {
		return err
	}
	answer := &freeBusy{q, *asked, translate.NewFreeBusy(*asked)}
	if q.place.kind == placeCalendar {
		view, err := q.open(q.place.calendar)
		if e := new(calendar.Error); errors.As(err, &e) && e.Privilege == calendar.Read {
			lacking := *e
			lacking.Privilege = calendar.ReadFreeBusy // RFC 4791 section 6.1.1
			return &lacking
		}
		if err != nil {
			return err
		}
		if err := answer.add(view); err != nil {
			return err
		}
	} else if err := answer.home(); err != nil {
		return err
	}
	body := answer.Calendar(time.Now())
	header := q.w.Header()
	header.Set("Content-Type", "text/calendar; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "private, no-cache")
	q.w.WriteHeader(http.StatusOK)
	q.w.Write(body)
	return nil
}

// freeBusy is a free-busy-query that is being answered.
type freeBusy struct {
	q     *request
	asked translate.TimeRange
	*translate.FreeBusy
}

// home adds the calendars of the home's owner: those of others say nothing of his time.
func (f *freeBusy) home() error {
	home, err := f.q.openHome()
	if err != nil {
		return err
	}
	for view, err := range f.q.account.OpenAll(f.q.r.Context(), home.Calendars) {
		if err != nil {
			return err
		}
		stored, err := f.q.storedProperties(view)
		if err != nil {
			return err
		}
		if transparent(stored) {
			continue
		}
		if err := f.add(view); err != nil {
			return err
		}
	}
	return nil
}

// transparent says whether a calendar makes nobody busy (RFC 6638 section 9.1). That
// is about the owner's time as a whole: who asks about that very calendar is answered.
func transparent(stored []storedElement) bool {
	for _, e := range stored {
		if e.Name == caldav("schedule-calendar-transp") {
			for _, c := range e.Children {
				if c.Name == caldav("transparent") {
					return true
				}
			}
		}
	}
	return false
}

// add adds the objects of a calendar that may be busy in the range. One that cannot
// be read ends the query: time would look free that is not.
func (f *freeBusy) add(view *calendar.View) error {
	zone, err := f.q.zone(view)
	if err != nil {
		return err
	}
	var batch []calendar.Entry
	wanted := func(s translate.Span) bool {
		return s.Component != "VTODO" && s.Component != "VJOURNAL" && s.MayOverlap(f.asked.Start, f.asked.End)
	}
	for e := range view.EntriesWhere(wanted) {
		if batch = append(batch, e); len(batch) == batchQuery {
			if err := f.read(view, batch, zone); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return f.read(view, batch, zone)
}

func (f *freeBusy) read(view *calendar.View, batch []calendar.Entry, zone *translate.Zone) error {
	for item, err := range view.Read(f.q.r.Context(), batch) {
		if err == nil {
			err = item.Err
		}
		switch {
		case calendar.IsKind(err, calendar.NotFound): // removed meanwhile
		case err != nil:
			return err
		default:
			f.FreeBusy.Add(item.Body, zone)
		}
	}
	return nil
}
