package gateway

import (
	"encoding/xml"
	"strings"

	"calgate/gateway/davxml"
)

// reports are the REPORTs and the places that answer them.
var reports = []struct {
	name xml.Name
	on   placeKind
}{
	{caldav("calendar-query"), placeHome | placeCalendar | placeObject},
	{caldav("calendar-multiget"), placeHome | placeCalendar | placeObject},
	{caldav("free-busy-query"), placeHome | placeCalendar},
	{dav("sync-collection"), placeHome | placeCalendar},
	{dav("expand-property"), everywhere},
	{dav("principal-match"), placeRoot | placePrincipal | placeHome},
	{dav("principal-property-search"), placeRoot | placePrincipal | placeHome},
	{dav("principal-search-property-set"), placeRoot | placePrincipal | placeHome},
	{dav("acl-principal-prop-set"), placeCalendar},
}

func supportsReport(name xml.Name, kind placeKind) bool {
	for _, r := range reports {
		if r.name == name {
			return r.on&kind != 0
		}
	}
	return false
}

// report answers REPORT (RFC 3253 section 3.6).
func (q *request) report() error {
	body, err := q.xmlBody()
	if err != nil {
		return err
	}
	report, err := davxml.ReadReport(body)
	if err != nil {
		return err
	}
	if !supportsReport(report.Name, q.place.kind) {
		return forbidden(dav("supported-report"), "this report is not supported here")
	}
	if err := checkCalendarData(report.Props); err != nil {
		return err
	}
	switch report.Name.Local {
	case "calendar-query":
		return q.calendarQuery(report)
	case "calendar-multiget":
		return q.calendarMultiget(report)
	case "free-busy-query":
		return q.freeBusyQuery(report)
	case "expand-property":
		return q.expandProperty(report)
	case "principal-match", "principal-property-search", "principal-search-property-set", "acl-principal-prop-set":
		return q.principalReport(report)
	}
	return q.syncCollection(report)
}

// checkCalendarData refuses formats that objects cannot be given in (RFC 4791 section
// 7.8).
func checkCalendarData(props []davxml.Prop) error {
	for _, p := range props {
		format, _, _ := strings.Cut(p.ContentType, ";")
		format = strings.ToLower(strings.TrimSpace(format))
		if format != "" && format != "text/calendar" && format != jcalType || p.Version != "" && p.Version != "2.0" {
			return forbidden(caldav("supported-calendar-data"), "calendar data is text/calendar or "+jcalType+", version 2.0")
		}
	}
	return nil
}
