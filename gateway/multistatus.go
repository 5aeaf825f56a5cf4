package gateway

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
	"calgate/translate"
)

// multistatus is a 207 answer that lists resources with the properties that were
// asked for.
type multistatus struct {
	*davxml.Multistatus
	q       *request
	asked   *davxml.Names
	report  bool // answers a REPORT: CALDAV:calendar-data is a property there
	minimal bool // leave out what is not there (RFC 8144 section 2.1)

	data *translate.Data // how much of an object is wanted
	zone *translate.Zone // of its floating times

	plans map[placeKind][]question
	// Of the response that is being written: what is not there, what is there but
	// cannot be read now, and what this user may not read.
	missing, unreadable, refused []xml.Name

	acls   map[string][]calendar.Grant // read for a whole list, by mailbox
	quotas map[string]*calendar.Quota  // the same; nil: it has none
}

// question is a name that was asked for, with its live property if it has one on
// this kind of resource.
type question struct {
	name  xml.Name
	live  *property
	named bool // by the client; the others only tell what there is
}

// calendarData is the property in the format that was asked for.
func (m *multistatus) calendarData() *property {
	if m.data != nil && m.data.JSON {
		return calendarDataJSON
	}
	return calendarData
}

func (q *request) multistatus(asked *davxml.Names, report bool) *multistatus {
	m := &multistatus{Multistatus: davxml.NewMultistatus(q.w), q: q, asked: asked, report: report,
		minimal: q.minimal(), plans: map[placeKind][]question{}}
	m.Begin = func(length int) {
		q.w.Header().Set("Content-Type", "application/xml; charset=utf-8")
		if length >= 0 {
			q.w.Header().Set("Content-Length", strconv.Itoa(length))
		}
		q.w.WriteHeader(http.StatusMultiStatus)
	}
	return m
}

// plan finds out once for all resources of a kind what is to be written.
func (m *multistatus) plan(kind placeKind) []question {
	if plan, ok := m.plans[kind]; ok {
		return plan
	}
	var plan []question
	add := func(name xml.Name, live *property, named bool) {
		if live != nil && live.on&kind == 0 {
			live = nil
		}
		if !slices.ContainsFunc(plan, func(w question) bool { return w.name == name }) {
			plan = append(plan, question{name, live, named})
		}
	}
	for i := range properties {
		p := &properties[i]
		if p.on&kind != 0 && (m.asked.PropName || m.asked.AllProp && p.allprop) {
			add(p.name, p, false)
		}
	}
	for _, p := range m.asked.Props {
		if m.report && p.Name == calendarData.name {
			add(p.Name, m.calendarData(), true)
		} else {
			add(p.Name, findProperty(p.Name), true)
		}
	}
	m.plans[kind] = plan
	return plan
}

// needsView tells whether a calendar in a home must be opened to answer for it. Its
// getctag is told by the listing.
func (m *multistatus) needsView(home *calendar.HomeView) bool {
	return m.needsStored() || slices.ContainsFunc(m.plan(placeCalendar), func(w question) bool {
		return w.live.index && (w.name != cTagName || slices.ContainsFunc(home.All(), func(c calendar.Calendar) bool { return home.CTag(c) == "" }))
	})
}

// needsHome tells whether a home must be listed to answer for it alone.
func (m *multistatus) needsHome() bool {
	return slices.ContainsFunc(m.plan(placeHome), func(w question) bool {
		return w.live != nil && (w.name == cTagName || w.name == syncTokenName || w.live.quota)
	})
}

// needsStored tells whether the stored properties of a calendar must be read.
func (m *multistatus) needsStored() bool {
	return m.asked.AllProp || m.asked.PropName ||
		slices.ContainsFunc(m.plan(placeCalendar), func(w question) bool {
			return w.live == nil || w.live.stored || w.name == componentSetName
		})
}

// needsBody tells whether calendar objects must be read.
func (m *multistatus) needsBody() bool {
	return slices.ContainsFunc(m.plan(placeObject), func(w question) bool { return w.live != nil && w.live == m.calendarData() })
}

// calendarSubject is a calendar as a subject: its stored properties are read where
// they are needed.
func (m *multistatus) calendarSubject(c calendar.Calendar, v *calendar.View) (*subject, error) {
	s := &subject{q: m.q, kind: placeCalendar, calendar: c, view: v, home: m.q.homeView}
	err := m.readACL(s, placeCalendar)
	if err == nil {
		err = m.readShared(s)
	}
	if err == nil {
		s.quota, err = m.quotaOf(placeCalendar, c)
	}
	if err != nil || v == nil || !m.needsStored() {
		return s, err
	}
	s.stored, err = m.q.storedProperties(v)
	return s, err
}

// respond writes the DAV:response of a subject. base is escaped by
// davxml.EscapeHref. failed is the status of what cannot be read now, although it
// is there; 0 where everything can.
func (m *multistatus) respond(base, segment string, s *subject, failed int) error {
	m.Response(base, segment)
	m.propstats(s, failed)
	return m.EndResponse()
}

// respondText is respond for a href in the words of the client.
func (m *multistatus) respondText(href string, s *subject, failed int) error {
	m.ResponseText(href)
	m.propstats(s, failed)
	return m.EndResponse()
}

func (m *multistatus) propstats(s *subject, failed int) {
	m.missing, m.unreadable, m.refused = m.missing[:0], m.unreadable[:0], m.refused[:0]
	start := m.Mark()
	m.Propstat()
	content := m.Mark()
	for _, w := range m.plan(s.kind) {
		switch {
		case failed != 0 && w.unreadable(s):
			m.unreadable = append(m.unreadable, w.name)
		case w.named && w.name == aclName && s.view != nil && !s.mayReadACL():
			m.refused = append(m.refused, w.name)
		case !m.value(w, s) && w.named && !m.minimal:
			m.missing = append(m.missing, w.name)
		}
	}
	if m.asked.AllProp || m.asked.PropName {
		m.dead(s)
	}
	// An empty propstat says that nothing is there, if no other one does.
	if m.Mark() == content && len(m.missing)+len(m.unreadable)+len(m.refused) > 0 {
		m.Truncate(start)
	} else {
		m.EndPropstat(http.StatusOK)
	}
	m.names(m.missing, http.StatusNotFound)
	m.names(m.unreadable, failed)
	if len(m.refused) > 0 {
		m.names(m.refused, http.StatusForbidden, davxml.Condition{Name: dav("need-privileges"),
			Hrefs: []string{m.q.hrefCalendar(s.calendar)}, Privilege: dav(string(calendar.ReadACL))})
	}
}

func (m *multistatus) names(names []xml.Name, status int, failed ...davxml.Condition) {
	if len(names) == 0 {
		return
	}
	m.Propstat()
	for _, name := range names {
		m.Empty(name)
	}
	m.EndPropstat(status, failed...)
}

// unreadable tells whether the answer to a question is lost where a subject cannot
// be read: of a calendar all that its folder tells, of an object its octets.
func (w question) unreadable(s *subject) bool {
	if s.kind == placeCalendar {
		return w.live == nil || w.live.index
	}
	return w.live == calendarData || w.live == calendarDataJSON
}

// value writes one property and tells whether it is there.
func (m *multistatus) value(w question, s *subject) bool {
	ok := false
	mark := m.Mark()
	m.Append(func(b []byte) []byte {
		if w.live == nil {
			e := s.storedElement(w.name)
			if ok = e != nil; ok {
				b = append(b, e.XML...)
			}
			return b
		}
		b, ok = w.live.append(b, s)
		return b
	})
	if ok && m.asked.PropName {
		m.Truncate(mark)
		m.Empty(w.name)
	}
	return ok
}

// dead writes the dead properties, which allprop and propname include (RFC 4918
// section 9.1).
func (m *multistatus) dead(s *subject) {
	for i := range s.stored {
		name := s.stored[i].Name
		if findProperty(name) != nil || slices.ContainsFunc(m.asked.Props, func(a davxml.Prop) bool { return a.Name == name }) {
			continue
		}
		if m.asked.PropName {
			m.Empty(name)
		} else {
			m.Raw(s.stored[i].XML)
		}
	}
}

// gone writes the DAV:response of a resource that is not there.
func (m *multistatus) gone(href string) error {
	m.ResponseText(href)
	m.Status(http.StatusNotFound)
	return m.EndResponse()
}

// cutShort says that there is more than the client wanted to have at once
// (RFC 6578 section 3.6, RFC 5323 section 5.17).
func (m *multistatus) cutShort() error {
	m.ResponseText(m.q.place.self)
	m.Status(http.StatusInsufficientStorage, davxml.Condition{Name: dav("number-of-matches-within-limits")})
	return m.EndResponse()
}
