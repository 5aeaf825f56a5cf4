package gateway

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
)

// mkcalendar answers MKCALENDAR (RFC 4791 section 5.3.1) and the extended MKCOL
// (RFC 5689), which make the same.
func (q *request) mkcalendar() error {
	extended := q.r.Method == "MKCOL"
	elements, err := q.readMake(extended)
	if err != nil {
		return err
	}
	path := q.place.path
	switch {
	case q.place.kind == placeCalendar && !q.place.calendar.Others():
		path = q.place.calendar.Path // Create knows whether it is complete
	case q.place.kind != placeNothing:
		if err := q.visible(); calendar.IsKind(err, calendar.NotFound) {
			return errElsewhere
		} else if err != nil {
			return err
		}
		return &HTTPError{Code: http.StatusMethodNotAllowed, Precondition: dav("resource-must-be-null"), Public: "something is there already"}
	case len(path) == 0:
		return errElsewhere
	}
	p := makePatch(elements, extended)
	if p.failed {
		return q.notMade(p, extended)
	}
	if err := q.hidesObject(path); err != nil {
		return err
	}
	kind := calendar.Events
	if slices.Equal(p.components, []string{"VTODO"}) {
		kind = calendar.Tasks
	}
	_, err = q.account.Create(q.r.Context(), path, kind, p.set)
	switch {
	case calendar.IsKind(err, calendar.NameRefused):
		return &HTTPError{Code: http.StatusForbidden, Precondition: caldav("calendar-collection-location-ok"), Public: "this name cannot be used", Err: err}
	case err != nil:
		return err
	}
	q.w.Header().Set("Cache-Control", "no-cache") // RFC 4791 section 5.3.1
	q.w.Header().Set("Content-Length", "0")
	q.w.WriteHeader(http.StatusCreated)
	return nil
}

// errElsewhere is said of what is not there and of what may not be seen.
var errElsewhere = forbidden(caldav("calendar-collection-location-ok"), "calendars are made below one's own home")

// hidesObject refuses a calendar whose URL is that of an object: a collection is
// found first, and nobody would reach the object any more.
func (q *request) hidesObject(path []string) error {
	last := len(path) - 1
	if last == 0 {
		return nil
	}
	parent, found, err := q.account.Find(q.r.Context(), path[:last])
	if err != nil || !found {
		return err
	}
	view, err := q.open(parent)
	if err != nil {
		return err
	}
	if _, exists := view.Entry(path[last]); exists {
		return &HTTPError{Code: http.StatusMethodNotAllowed, Precondition: dav("resource-must-be-null"), Public: "an object is there already"}
	}
	return nil
}

func (q *request) readMake(extended bool) ([]davxml.Element, error) {
	body, err := q.xmlBody()
	if err != nil {
		return nil, err
	}
	if extended {
		return davxml.ReadMkcol(body)
	}
	return davxml.ReadMkcalendar(body)
}

// makePatch checks the properties that a new calendar shall have. A MKCOL must say
// that it wants a calendar: there are no other collections to make.
func makePatch(elements []davxml.Element, extended bool) *newCalendar {
	p := &newCalendar{patch: patch{errors: map[xml.Name]refusal{}}}
	typed := false
	for i := range elements {
		e := &elements[i]
		if !slices.Contains(p.order, e.Name) {
			p.order = append(p.order, e.Name)
		}
		var r refusal
		element := e.XML
		switch {
		case e.Name == dav("resourcetype"):
			if typed = calendarType(e); !typed {
				r = refusedFor(dav("valid-resourcetype"))
			}
			element = ""
		case e.Name == componentSetName:
			if p.components = componentsIn(e); len(p.components) == 0 {
				r = refusedFor(caldav("supported-calendar-component"))
			}
			element = componentSetElement(p.components)
		case !settable(e.Name):
			r = refusedFor(dav("cannot-modify-protected-property"))
		default:
			r = invalidValue(e)
		}
		if p.refuse(e.Name, r); r.status == 0 && element != "" {
			p.set = append(p.set, calendar.Property{Name: calendar.PropertyName(e.Name), XML: element, Text: plainText(e)})
		}
	}
	if name := dav("resourcetype"); extended && !typed && p.errors[name].status == 0 {
		p.order = append(p.order, name)
		p.refuse(name, refusedFor(dav("valid-resourcetype")))
	}
	p.keepTimezones()
	return p
}

// newCalendar is what a calendar shall be made with.
type newCalendar struct {
	patch
	components []string
}

// calendarType tells whether a DAV:resourcetype is that of a calendar and nothing
// else (RFC 5689 section 3.3).
func calendarType(e *davxml.Element) bool {
	isCalendar := false
	for _, c := range e.Children {
		switch c.Name {
		case dav("collection"):
		case caldav("calendar"):
			isCalendar = true
		default:
			return false
		}
	}
	return isCalendar
}

// notMade answers where a property stands in the way: nothing was made (RFC 5689
// section 3; RFC 4791 section 5.3.1).
func (q *request) notMade(p *newCalendar, extended bool) error {
	root := caldav("mkcalendar-response")
	if extended {
		root = dav("mkcol-response")
	}
	m := davxml.NewPropstats(q.w, root)
	m.Begin = func(length int) {
		q.w.Header().Set("Content-Type", "application/xml; charset=utf-8")
		q.w.Header().Set("Cache-Control", "no-cache")
		q.w.Header().Set("Content-Length", strconv.Itoa(length))
		q.w.WriteHeader(http.StatusForbidden)
	}
	p.propstats(m)
	return m.Close()
}
