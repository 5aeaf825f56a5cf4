package gateway

import (
	"slices"
	"strings"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
)

var componentSetName = caldav("supported-calendar-component-set")

// componentsOf is the component set of a calendar: the one that it was made with,
// else that of its kind.
func componentsOf(c calendar.Calendar, stored []storedElement) []string {
	for i := range stored {
		if stored[i].Name == componentSetName {
			if set := componentsIn(&stored[i].Element); len(set) > 0 {
				return set
			}
		}
	}
	if c.Kind == calendar.Tasks {
		return []string{"VTODO"}
	}
	return components
}

// components are what a calendar can hold (RFC 4791 section 4.1).
var components = []string{"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"}

// componentsIn are those components in a CALDAV:supported-calendar-component-set
// that a calendar can hold.
func componentsIn(e *davxml.Element) (set []string) {
	for _, c := range e.Children {
		name := strings.ToUpper(c.Attr)
		if c.Name == caldav("comp") && slices.Contains(components, name) && !slices.Contains(set, name) {
			set = append(set, name)
		}
	}
	return set
}

func supportedCalendarComponentSet(b []byte, s *subject) ([]byte, bool) {
	for _, name := range componentsOf(s.calendar, s.stored) {
		b = append(davxml.AppendAttribute(append(b, `<C:comp name="`...), name), `"/>`...)
	}
	return b, true
}

// componentSetElement is CALDAV:supported-calendar-component-set as it is stored.
func componentSetElement(names []string) string {
	var b strings.Builder
	b.WriteString(`<C:supported-calendar-component-set xmlns:C="` + davxml.CalDAV + `">`)
	for _, name := range names {
		b.WriteString(`<C:comp name="` + name + `"/>`)
	}
	b.WriteString(`</C:supported-calendar-component-set>`)
	return b.String()
}
