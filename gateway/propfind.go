package gateway

import (
	"net/http"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
)

// propfind answers PROPFIND (RFC 4918 section 9.1).
func (q *request) propfind() error {
	body, err := q.xmlBody()
	if err != nil {
		return err
	}
	names, err := davxml.ReadPropfind(body)
	if err != nil {
		return err
	}
	d, err := q.propfindDepth()
	if err != nil {
		return err
	}
	m := q.multistatus(names, false)
	switch q.place.kind {
	case placeHome:
		err = m.home(d)
	case placeCalendar:
		err = m.calendar(d)
	case placeObject:
		err = m.object()
	case placeFeed:
		err = m.feed()
	default:
		err = m.respond(davxml.EscapeHref(q.place.self), "", &subject{q: q, kind: q.place.kind, principal: q.place.principal}, 0)
	}
	if err != nil {
		return err
	}
	return m.Close()
}

// propfindDepth refuses infinity (RFC 4918 section 9.1.1). A missing header means
// infinity; but there are clients that look for the home without it, and nothing
// of the root or of a principal is lost to them by an answer of depth 0. On a
// calendar they would take such an answer for an empty one.
func (q *request) propfindDepth() (depth, error) {
	missing := depthInfinity
	if q.place.kind&(placeRoot|placePrincipal|placeObject|placeFeed) != 0 {
		missing = depth0
	}
	d, err := q.depth(missing)
	if err == nil && d == depthInfinity && q.place.kind&(placeObject|placeFeed) == 0 {
		err = forbidden(dav("propfind-finite-depth"), "Depth must be 0 or 1")
	}
	return d, err
}

// failedPart is the status of one resource of a list that cannot be read, while
// the others can: it must not spoil the list, nor be missing in it. 0 means that
// the whole request has failed.
func (q *request) failedPart(err error) int {
	if q.r.Context().Err() != nil || !q.account.Session().Usable() {
		return 0
	}
	e := q.httpError(err)
	q.h.Logger.Warn("left out of a list", "user", q.login.account, "err", err)
	if e.Code == http.StatusNotFound || e.Code == http.StatusUnauthorized {
		return http.StatusServiceUnavailable
	}
	return e.Code
}

// calendar lists a calendar and, at depth 1, the objects in it. It reads no object.
func (m *multistatus) calendar(d depth) error {
	q := m.q
	v, err := q.open(q.place.calendar)
	if err != nil {
		return err
	}
	s, err := m.calendarSubject(q.place.calendar, v)
	if err != nil {
		return err
	}
	base := davxml.EscapeHref(q.place.collection)
	if !q.noRoot(d) {
		if err := m.respond(base, "", s, 0); err != nil || d == depth0 {
			return err
		}
	}
	o := subject{q: q, kind: placeObject, calendar: q.place.calendar, view: v, acl: s.acl}
	if err := m.readACL(&o, placeObject); err != nil {
		return err
	}
	for e := range v.Entries() {
		o.entry = e
		if err := m.respond(base, e.Name, &o, 0); err != nil {
			return err
		}
	}
	return nil
}

// object answers for one object.
func (m *multistatus) object() error {
	v, e, err := m.q.openObject()
	if err != nil {
		return err
	}
	s := &subject{q: m.q, kind: placeObject, calendar: m.q.place.calendar, view: v, entry: e}
	if err := m.readACL(s, placeObject); err != nil {
		return err
	}
	return m.respondText(m.q.place.self, s, 0)
}

// openObject opens the calendar of the place and finds the object.
func (q *request) openObject() (*calendar.View, calendar.Entry, error) {
	v, err := q.open(q.place.calendar)
	if err != nil {
		return nil, calendar.Entry{}, err
	}
	e, ok := v.Entry(q.place.name)
	if !ok {
		return nil, e, notFound("no such object")
	}
	return v, e, nil
}
