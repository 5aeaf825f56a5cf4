package gateway

import (
	"net/http"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
)

// calendarMultiget answers CALDAV:calendar-multiget (RFC 4791 section 7.9). Its
// Depth header means nothing. An object is answered for once, under the href that
// the client wrote first: programs look for that one.
func (q *request) calendarMultiget(report *davxml.Report) error {
	view, err := q.open(q.place.calendar)
	if err != nil {
		return err
	}
	m, err := q.reportAnswer(report)
	if err != nil {
		return err
	}
	var entries []calendar.Entry
	var hrefs []string
	seen := map[string]bool{} // hrefs that are none, and names
	for _, href := range report.Hrefs {
		name, member, err := q.member(href)
		if err != nil {
			return err
		}
		entry, exists := calendar.Entry{}, false
		key := "href " + href
		if member {
			key = "name " + name
			entry, exists = view.Entry(name)
		}
		if seen[key] {
			continue
		}
		seen[key] = true
		if exists {
			entries, hrefs = append(entries, entry), append(hrefs, href)
		} else if err := m.gone(href); err != nil {
			return err
		}
	}
	if err := m.members(view, entries, func(i int) string { return hrefs[i] }); err != nil {
		return err
	}
	return m.Close()
}

// members writes the responses of objects in their order, with their octets where
// these are asked for. href gives the href of the i-th.
func (m *multistatus) members(view *calendar.View, entries []calendar.Entry, href func(i int) string) error {
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
	s := &subject{q: m.q, kind: placeObject, calendar: view.Calendar(), view: view, entry: item.Entry}
	if failed == 0 && item.Body != nil {
		var err error
		if s.body, err = m.calendarText(item.Body); err != nil {
			failed = http.StatusInsufficientStorage
		}
	}
	return m.respondText(href, s, failed)
}
