package gateway

import "calgate/gateway/calendar"

// hrefHome is the canonical calendar home, which discovery hands out.
func (q *request) hrefHome() string { return "/CalDAV/~" + escapeSegment(q.login.href()) + "/" }

// hrefPrincipal is the canonical principal.
func (q *request) hrefPrincipal() string { return "/UserDAV/" + escapeSegment(q.login.href()) + "/" }

// hrefCalendar is a calendar below the home as the request spelled it.
func (q *request) hrefCalendar(c calendar.Calendar) string {
	if q.place.collection != "" && c.Mailbox == q.place.calendar.Mailbox {
		return q.place.collection
	}
	base := q.place.base
	switch own := q.place.owner == "" || q.place.share; {
	case base == "", !own && !c.Others():
		base = q.hrefHome()
		if c.Others() {
			return q.hrefShare(base, c)
		}
	case own && c.Others():
		return q.hrefShare(base, c)
	}
	return base + escapePath(c.Path) + "/"
}

// hrefObject is an object below its calendar as the request spelled it.
func (q *request) hrefObject(c calendar.Calendar, name string) string {
	if q.place.kind == placeObject && name == q.place.name && c.Mailbox == q.place.calendar.Mailbox {
		return q.place.self
	}
	return q.hrefCalendar(c) + escapeSegment(name)
}

// hrefOwner is the principal whose home the request is about.
func (q *request) hrefOwner() string {
	if q.place.owner == "" {
		return q.hrefPrincipal()
	}
	return q.hrefPrincipalOf(q.place.owner)
}
