package gateway

import (
	"strings"
	"testing"
)

const series = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//Test//EN\r\nBEGIN:VEVENT\r\nUID:s\r\nDTSTAMP:20260101T000000Z\r\n" +
	"DTSTART;TZID=Europe/Berlin:20260710T100000\r\nDTEND;TZID=Europe/Berlin:20260710T110000\r\nRRULE:FREQ=DAILY;COUNT=3\r\nSUMMARY:S\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

// TestCalendarData: the three reports give the same parts of an object.
func TestCalendarData(t *testing.T) {
	r := newRig(t)
	r.want(201, "PUT", "/CalDAV/Calendar/s.ics", series)
	reports := map[string]func(data string) string{
		"query": func(data string) string {
			return element("C:calendar-query", "<D:prop>"+data+`</D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter>`)
		},
		"multiget": func(data string) string {
			return element("C:calendar-multiget", "<D:prop>"+data+"</D:prop><D:href>/CalDAV/Calendar/s.ics</D:href>")
		},
		"sync": func(data string) string {
			return element("D:sync-collection", "<D:sync-token/><D:sync-level>1</D:sync-level><D:prop>"+data+"</D:prop>")
		},
	}
	for name, report := range reports {
		data := func(inner, attributes string) string {
			l := r.ask("REPORT", "/CalDAV/Calendar/", report("<C:calendar-data"+attributes+">"+inner+"</C:calendar-data>"), "Depth: 1")
			return l.of("/CalDAV/Calendar/s.ics").text(caldav("calendar-data"))
		}
		got := data(`<C:expand start="20260711T000000Z" end="20260712T000000Z"/>`, "")
		if strings.Count(got, "BEGIN:VEVENT") != 1 || !strings.Contains(got, "DTSTART:20260711T080000Z\r\n") || !strings.Contains(got, "RECURRENCE-ID:20260711T080000Z\r\n") || strings.Contains(got, "RRULE") {
			t.Errorf("%s, expanded: %s", name, got)
		}
		got = data(`<C:comp name="VCALENDAR"><C:comp name="VEVENT"><C:prop name="UID"/></C:comp></C:comp>`, "")
		if got != "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n" {
			t.Errorf("%s, in part: %s", name, got)
		}
		if got = data("", ` content-type="application/calendar+json" version="2.0"`); !strings.HasPrefix(got, `["vcalendar",[`) {
			t.Errorf("%s, as jCal: %s", name, got)
		}
		if got = data("", ` content-type="text/calendar"`); got != series {
			t.Errorf("%s, whole: %s", name, got)
		}
		for _, bad := range []string{`<C:expand start="20260711T000000Z"/>`, `<C:comp/>`, `<C:comp name="VEVENT"/>`,
			`<C:expand start="20260711T000000Z" end="20260712T000000Z"/><C:limit-recurrence-set start="20260711T000000Z" end="20260712T000000Z"/>`} {
			r.want(400, "REPORT", "/CalDAV/Calendar/", report("<C:calendar-data>"+bad+"</C:calendar-data>"), "Depth: 1")
		}
		r.refused(403, "min-date-time", "REPORT", "/CalDAV/Calendar/", report(`<C:calendar-data><C:expand start="00000711T000000Z" end="20260712T000000Z"/></C:calendar-data>`), "Depth: 1")
	}
	// What has too many instances says so, and the others are answered.
	r.want(201, "PUT", "/CalDAV/Calendar/h.ics", strings.Replace(strings.Replace(series, "DAILY;COUNT=3", "HOURLY", 1), "UID:s", "UID:h", 1))
	l := r.ask("REPORT", "/CalDAV/Calendar/", reports["query"](`<D:getetag/><C:calendar-data><C:expand start="20260101T000000Z" end="20360101T000000Z"/></C:calendar-data>`), "Depth: 1")
	if got := l.of("/CalDAV/Calendar/h.ics"); got.text(dav("getetag")) == "" || got.text(caldav("calendar-data")) != "" {
		t.Errorf("got %+v", got)
	}
	if got := l.of("/CalDAV/Calendar/s.ics").text(caldav("calendar-data")); strings.Count(got, "BEGIN:VEVENT") != 3 {
		t.Errorf("got %s", got)
	}
}

func TestFreeBusyQuery(t *testing.T) {
	r := newRig(t)
	r.want(201, "PUT", "/CalDAV/Calendar/s.ics", series)
	ask := element("C:free-busy-query", `<C:time-range start="20260710T000000Z" end="20260712T000000Z"/>`)
	for _, url := range []string{"/CalDAV/Calendar/", "/CalDAV/", "/CalDAV/~me/"} {
		a := r.want(200, "REPORT", url, ask, "Depth: 1")
		if a.Header.Get("Content-Type") != "text/calendar; charset=utf-8" ||
			!strings.Contains(a.body, "FREEBUSY;FBTYPE=BUSY:20260710T080000Z/20260710T090000Z\r\nFREEBUSY;FBTYPE=BUSY:20260711T080000Z/20260711T090000Z\r\nEND") {
			t.Errorf("%s: %v %s", url, a.Header, a.body)
		}
	}
	// A transparent calendar makes nobody busy, but tells of itself.
	r.ask("PROPPATCH", "/CalDAV/Calendar/", set("<C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp>"))
	for url, busy := range map[string]bool{"/CalDAV/Calendar/": true, "/CalDAV/~me/": false} {
		if a := r.want(200, "REPORT", url, ask, "Depth: 1"); strings.Contains(a.body, "FREEBUSY;") != busy {
			t.Errorf("%s: %s", url, a.body)
		}
	}
	r.want(400, "REPORT", "/CalDAV/Calendar/", element("C:free-busy-query", ""))
	r.refused(403, "supported-report", "REPORT", "/CalDAV/Calendar/s.ics", ask)
}

func TestGetJSON(t *testing.T) {
	r := newRig(t)
	tag := r.want(201, "PUT", "/CalDAV/Calendar/s.ics", series).Header.Get("ETag")
	for accept, json := range map[string]bool{
		"application/calendar+json": true, "application/calendar+json, */*": true, "text/calendar;q=0.5, application/calendar+json": true,
		"": false, "*/*": false, "text/calendar, application/calendar+json": false, "application/json": false, "application/calendar+json;q=0": false, "x;;": false,
	} {
		a := r.want(200, "GET", "/CalDAV/Calendar/s.ics", "", "Accept: "+accept)
		if got := a.Header.Get("Content-Type") == "application/calendar+json"; got != json || strings.HasPrefix(a.body, "[") != json || (a.Header.Get("ETag") == tag) == json {
			t.Errorf("%q: %v %s", accept, a.Header, a.body)
		}
		if n := r.want(304, "GET", "/CalDAV/Calendar/s.ics", "", "Accept: "+accept, "If-None-Match: "+a.Header.Get("ETag")); n.Header.Get("ETag") != a.Header.Get("ETag") {
			t.Errorf("%q: %v in a 304", accept, n.Header)
		}
	}
}
