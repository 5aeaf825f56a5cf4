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

var (
	timezoneName     = caldav("calendar-timezone")
	timezoneIDName   = caldav("calendar-timezone-id")
	transparencyName = caldav("schedule-calendar-transp")
)

// invalidValue says what is wrong with the value of a settable property; zero: nothing.
func invalidValue(e *davxml.Element) refusal {
	switch e.Name {
	case timezoneName:
		if !translate.ValidTimezone([]byte(e.Text)) {
			return refusedFor(caldav("valid-calendar-data")) // RFC 4791 section 5.2.2
		}
	case timezoneIDName:
		if _, ok := translate.ZoneDefinition(strings.TrimSpace(e.Text)); !ok {
			return refusedFor(caldav("valid-timezone")) // RFC 7809 section 3.1.5
		}
	case transparencyName: // RFC 6638 section 9.1
		if len(e.Children) != 1 || e.Children[0].Name != caldav("opaque") && e.Children[0].Name != caldav("transparent") {
			return refusal{status: http.StatusConflict} // RFC 4918 section 9.2.1
		}
	}
	return refusal{}
}

// keepTimezones sets or removes CALDAV:calendar-timezone and calendar-timezone-id together,
// whichever of them a client knows (RFC 7809 section 3.1.5).
func (p *patch) keepTimezones() {
	if p.failed {
		return
	}
	zone, id := p.text(timezoneName), p.text(timezoneIDName)
	removed := slices.Contains(p.remove, calendar.PropertyName(timezoneName)) || slices.Contains(p.remove, calendar.PropertyName(timezoneIDName))
	switch {
	case zone != nil && id != nil:
		if named := translate.ZoneID([]byte(*zone)); named != "" && named != strings.TrimSpace(*id) {
			p.refuse(timezoneIDName, refusedFor(caldav("valid-timezone")))
		}
	case zone != nil:
		if named := translate.ZoneID([]byte(*zone)); named != "" {
			p.add(timezoneIDName, named)
		} else {
			p.remove = append(p.remove, calendar.PropertyName(timezoneIDName))
		}
	case id != nil:
		definition, _ := translate.ZoneDefinition(strings.TrimSpace(*id))
		p.add(timezoneName, string(definition))
	case removed:
		p.remove = append(p.remove, calendar.PropertyName(timezoneName), calendar.PropertyName(timezoneIDName))
	}
	p.remove = slices.DeleteFunc(p.remove, func(n calendar.PropertyName) bool { return p.text(xml.Name(n)) != nil })
}

// text is the text that a property is set to, nil where it is not.
func (p *patch) text(name xml.Name) *string {
	for i := range p.set {
		if xml.Name(p.set[i].Name) == name {
			return &p.set[i].Text
		}
	}
	return nil
}

func (p *patch) add(name xml.Name, text string) {
	p.set = append(p.set, calendar.Property{Name: calendar.PropertyName(name), XML: textElement(name, text), Text: text})
}

// calendarTimezone is what the zone's name alone tells, where another program set that.
func calendarTimezone(b []byte, s *subject) ([]byte, bool) {
	e := s.storedElement(timezoneIDName)
	if e == nil {
		return b, false
	}
	definition, ok := translate.ZoneDefinition(strings.TrimSpace(e.Text))
	return davxml.AppendText(b, definition), ok
}

// calendarTimezoneID is the same the other way round.
func calendarTimezoneID(b []byte, s *subject) ([]byte, bool) {
	e := s.storedElement(timezoneName)
	if e == nil {
		return b, false
	}
	id := translate.ZoneID([]byte(e.Text))
	return davxml.AppendText(b, id), id != ""
}
