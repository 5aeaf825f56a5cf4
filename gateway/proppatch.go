package gateway

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strings"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
	"calgate/translate"
)

// proppatch answers PROPPATCH (RFC 4918 section 9.2). Only calendars have
// properties that can be set.
func (q *request) proppatch() error {
	body, err := q.xmlBody()
	if err != nil {
		return err
	}
	updates, err := davxml.ReadPropertyupdate(body)
	if err != nil {
		return err
	}
	var view *calendar.View
	switch q.place.kind {
	case placeObject:
		if _, _, err := q.openObject(); err != nil {
			return err
		}
	case placeCalendar:
		if view, err = q.open(q.place.calendar); err != nil {
			return err
		}
	}
	patch := q.newPatch(updates)
	if !patch.failed && len(patch.order) > 0 {
		if view, err = q.autocreated(view); err != nil {
			return err
		}
		q.clean(view)
		if err := view.Patch(q.r.Context(), patch.set, patch.remove); err != nil {
			return err
		}
	}
	return q.patched(patch)
}

// patch is a PROPPATCH after its check: all or nothing (RFC 4918 section 9.2).
type patch struct {
	order  []xml.Name // each name once
	errors map[xml.Name]xml.Name
	failed bool
	set    []calendar.Property
	remove []calendar.PropertyName
}

func (q *request) newPatch(updates []davxml.Update) *patch {
	p := &patch{errors: map[xml.Name]xml.Name{}}
	last := map[xml.Name]davxml.Update{} // instructions are obeyed in document order
	for _, u := range updates {
		if _, twice := last[u.Name]; !twice {
			p.order = append(p.order, u.Name)
		}
		last[u.Name] = u
		if condition := q.refuses(u); condition.Local != "" {
			p.errors[u.Name], p.failed = condition, true
		}
	}
	for _, name := range p.order {
		if u := last[name]; u.Remove {
			p.remove = append(p.remove, calendar.PropertyName(name))
		} else {
			p.set = append(p.set, calendar.Property{Name: calendar.PropertyName(name), XML: u.XML, Text: u.Text})
		}
	}
	return p
}

// refuses is the precondition that an instruction breaks; none where it can be
// obeyed.
func (q *request) refuses(u davxml.Update) xml.Name {
	if q.place.kind != placeCalendar || !settable(u.Name) {
		return dav("cannot-modify-protected-property")
	}
	if !u.Remove {
		return invalidValue(&u.Element)
	}
	return xml.Name{}
}

// invalidValue is the precondition that the value of a settable property breaks.
func invalidValue(e *davxml.Element) xml.Name {
	if e.Name == caldav("calendar-timezone") && !validTimezone(e.Text) {
		return caldav("valid-calendar-data") // RFC 4791 section 5.2.2
	}
	return xml.Name{}
}

// validTimezone tells whether text is an iCalendar object with exactly one
// VTIMEZONE in it (RFC 4791 section 5.2.2).
func validTimezone(text string) bool {
	if len(text) > translate.MaxObject {
		return false
	}
	var open []string
	zones, named, ended := 0, 0, false
	for s := translate.NewScanner([]byte(text)); s.Next(); {
		l := &s.Line
		value := string(l.Value())
		switch {
		case l.Err != nil || ended:
			return false
		case l.Is("BEGIN"):
			name := strings.ToUpper(strings.TrimSpace(value))
			if len(open) == 0 && name != "VCALENDAR" || len(open) >= translate.MaxDepth {
				return false
			}
			if open = append(open, name); name == "VTIMEZONE" {
				zones++
			}
		case l.Is("END"):
			if len(open) == 0 || open[len(open)-1] != strings.ToUpper(strings.TrimSpace(value)) {
				return false
			}
			open = open[:len(open)-1]
			ended = len(open) == 0
		case len(open) == 0:
			return false
		case l.Is("TZID") && len(open) == 2 && open[1] == "VTIMEZONE":
			named++
		}
	}
	return ended && zones == 1 && named == 1
}

// patched answers a PROPPATCH that was obeyed, or refused for the sake of single
// properties: these are 403, and the others 424 because of them.
func (q *request) patched(p *patch) error {
	if !p.failed && q.minimal() {
		q.w.Header().Set("Content-Length", "0") // RFC 8144 section 2.2
		q.w.WriteHeader(http.StatusOK)
		return nil
	}
	m := q.multistatus(&davxml.Names{}, false)
	m.ResponseText(q.place.self)
	p.propstats(m.Multistatus)
	if err := m.EndResponse(); err != nil {
		return err
	}
	return m.Close()
}

// propstats writes a DAV:propstat for each status.
func (p *patch) propstats(m *davxml.Multistatus) {
	if !p.failed {
		p.propstat(m, http.StatusOK, xml.Name{})
		return
	}
	var conditions []xml.Name
	others := false
	for _, name := range p.order {
		condition, failed := p.errors[name]
		others = others || !failed
		if failed && !slices.Contains(conditions, condition) {
			conditions = append(conditions, condition)
		}
	}
	for _, condition := range conditions {
		p.propstat(m, http.StatusForbidden, condition)
	}
	if others {
		p.propstat(m, http.StatusFailedDependency, xml.Name{})
	}
}

func (p *patch) propstat(m *davxml.Multistatus, status int, condition xml.Name) {
	m.Propstat()
	for _, name := range p.order {
		if p.errors[name] == condition {
			m.Empty(name)
		}
	}
	if condition.Local == "" {
		m.EndPropstat(status)
		return
	}
	m.EndPropstat(status, davxml.Condition{Name: condition})
}
