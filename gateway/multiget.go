package gateway

import (
	"net/http"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
)

// calendarMultiget answers CALDAV:calendar-multiget (RFC 4791 section 7.9). Its
// Depth header means nothing. An object is answered for once, under the href that
// the client wrote first: programs look for that one. In a home the objects of one
// calendar come together.
func (q *request) calendarMultiget(report *davxml.Report) error {
	m, err := q.reportAnswer(report)
	if err != nil {
		return err
	}
	groups, strangers, err := q.group(report.Hrefs)
	if err != nil {
		return err
	}
	calendars := make([]calendar.Calendar, len(groups))
	for i, g := range groups {
		calendars[i] = g.calendar
	}
	if q.place.kind == placeHome {
		err = m.multigetHome(groups, calendars)
	} else {
		err = m.multigetCalendar(groups)
	}
	if err != nil {
		return err
	}
	for _, href := range strangers {
		if err := m.gone(href); err != nil {
			return err
		}
	}
	return m.Close()
}

// wanted are objects of one calendar that a multiget names.
type wanted struct {
	calendar     calendar.Calendar
	names, hrefs []string
}

// group finds the calendars of hrefs; strangers are the hrefs that are no members.
func (q *request) group(hrefs []string) (groups []*wanted, strangers []string, err error) {
	seen := map[string]bool{}
	by := map[string]*wanted{}
	for _, href := range hrefs {
		p, member, err := q.member(href)
		if err != nil {
			return nil, nil, err
		}
		key := "href " + href
		if member {
			key = "name " + p.calendar.Mailbox + "\x00" + p.name
		}
		if seen[key] {
			continue
		}
		seen[key] = true
		if !member {
			strangers = append(strangers, href)
			continue
		}
		g := by[p.calendar.Mailbox]
		if g == nil {
			g = &wanted{calendar: p.calendar}
			by[p.calendar.Mailbox] = g
			groups = append(groups, g)
		}
		g.names, g.hrefs = append(g.names, p.name), append(g.hrefs, href)
	}
	return groups, strangers, nil
}

func (m *multistatus) multigetCalendar(groups []*wanted) error {
	view, err := m.q.open(m.q.place.calendar)
	if err != nil || len(groups) == 0 {
		return err
	}
	return m.answerFor(view, groups[0])
}

// multigetHome answers for objects of several calendars. One that cannot be opened
// costs its own objects.
func (m *multistatus) multigetHome(groups []*wanted, calendars []calendar.Calendar) error {
	left := map[string]*wanted{}
	for _, g := range groups {
		left[g.calendar.Mailbox] = g
	}
	for view, err := range m.q.account.OpenAll(m.q.r.Context(), calendars) {
		mailbox, failed := "", 0
		if err == nil {
			mailbox = view.Calendar().Mailbox
		} else if mailbox, failed = m.q.failedMailbox(err); failed == 0 {
			return err
		}
		g := left[mailbox]
		if g == nil {
			return err
		}
		delete(left, mailbox)
		if failed == 0 {
			err = m.answerFor(view, g)
		} else {
			err = m.statuses(g.hrefs, failed)
		}
		if err != nil {
			return err
		}
	}
	for _, g := range groups { // what is not there any more, or may not be read
		if left[g.calendar.Mailbox] != nil {
			if err := m.statuses(g.hrefs, http.StatusNotFound); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *multistatus) statuses(hrefs []string, status int) error {
	for _, href := range hrefs {
		m.ResponseText(href)
		m.Status(status)
		if err := m.EndResponse(); err != nil {
			return err
		}
	}
	return nil
}

// answerFor writes the responses of objects of one calendar.
func (m *multistatus) answerFor(view *calendar.View, g *wanted) error {
	var entries []calendar.Entry
	var hrefs []string
	for i, name := range g.names {
		if e, exists := view.Entry(name); exists {
			entries, hrefs = append(entries, e), append(hrefs, g.hrefs[i])
		} else if err := m.gone(g.hrefs[i]); err != nil {
			return err
		}
	}
	m.zone = nil
	return m.members(view, entries, func(i int) string { return hrefs[i] })
}

// members writes the responses of objects in their order, with their octets where
// these are asked for. href gives the href of the i-th.
func (m *multistatus) members(view *calendar.View, entries []calendar.Entry, href func(i int) string) error {
	// Now: in the middle of reading objects the mail server can be asked nothing else.
	if err := m.readACL(&subject{q: m.q, calendar: view.Calendar(), view: view}, placeObject); err != nil {
		return err
	}
	if !m.needsBody() {
		for i, e := range entries {
			if err := m.member(view, calendar.Item{Entry: e}, href(i)); err != nil {
				return err
			}
		}
		return nil
	}
	if err := m.findZone(view); err != nil {
		return err
	}
	i := 0
	for item, err := range view.Read(m.q.r.Context(), entries) {
		if err != nil {
			return err
		}
		if err := m.member(view, item, href(i)); err != nil {
			return err
		}
		i++
	}
	return nil
}

// member writes the response of one object. One that vanished while it was read is
// not found; one that cannot be read keeps what the index tells of it.
func (m *multistatus) member(view *calendar.View, item calendar.Item, href string) error {
	if calendar.IsKind(item.Err, calendar.NotFound) {
		return m.gone(href)
	}
	failed := 0
	if item.Err != nil {
		if failed = m.q.httpError(item.Err).Code; failed < http.StatusInternalServerError {
			failed = http.StatusInternalServerError
		}
	}
	s := &subject{q: m.q, kind: placeObject, calendar: view.Calendar(), view: view, entry: item.Entry, acl: m.acls[view.Calendar().Mailbox]}
	if failed == 0 && item.Body != nil {
		var err error
		if s.body, err = m.calendarText(item.Body); err != nil {
			failed = http.StatusInsufficientStorage
		}
	}
	return m.respondText(href, s, failed)
}
