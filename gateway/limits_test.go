package gateway

import (
	"encoding/xml"
	"strconv"
	"strings"
	"testing"

	"calgate/translate"
)

// TestLimits: each limit that a calendar shows (RFC 4791 sections 5.2.5 to 5.2.9) is the
// one that a PUT is held to, to the last octet, and the refusal names it.
func TestLimits(t *testing.T) {
	r := newRig(t)
	r.want(201, "PUT", "/CalDAV/Calendar/a.ics", event("a", "A"))
	var names strings.Builder
	for _, name := range []string{"max-resource-size", "min-date-time", "max-date-time", "max-instances", "max-attendees-per-instance"} {
		names.WriteString("<C:" + name + "/>")
	}
	shown := r.ask("PROPFIND", "/CalDAV/Calendar/", element("D:propfind", "<D:prop>"+names.String()+"</D:prop>"), "Depth: 0").resources[0]
	number := func(name string) int {
		n, err := strconv.Atoi(shown.text(caldav(name)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return n
	}
	with := func(lines string) string {
		return strings.Replace(event("u", "U"), "DTSTART:20260310T180000Z\r\nDTEND:20260310T190000Z\r\n", lines, 1)
	}
	earliest, latest := shown.text(caldav("min-date-time")), shown.text(caldav("max-date-time"))
	large := func(n int) string {
		o := with("X-A:\r\n")
		return strings.Replace(o, "X-A:", "X-A:"+strings.Repeat("x", n-len(o)), 1)
	}
	people := func(n int) string { return with(strings.Repeat("ATTENDEE:mailto:a@example.org\r\n", n)) }
	for name, c := range map[string]struct {
		accepted, refused string
		status            int
	}{
		"max-resource-size":          {large(number("max-resource-size")), large(number("max-resource-size") + 1), 413},
		"min-date-time":              {with("DTSTART:" + earliest + "\r\n"), with("DTSTART;TZID=Asia/Tokyo:" + earliest[:15] + "\r\n"), 403},
		"max-date-time":              {with("DTSTART:" + latest + "\r\n"), with("DTSTART;TZID=America/New_York:" + latest[:15] + "\r\n"), 403},
		"max-instances":              {with("DTSTART:20260101T000000Z\r\nRRULE:FREQ=DAILY;COUNT=" + strconv.Itoa(number("max-instances")) + "\r\n"), with("DTSTART:20260101T000000Z\r\nRRULE:FREQ=DAILY;COUNT=" + strconv.Itoa(number("max-instances")+1) + "\r\n"), 403},
		"max-attendees-per-instance": {people(number("max-attendees-per-instance")), people(number("max-attendees-per-instance") + 1), 403},
	} {
		r.refused(c.status, name, "PUT", "/CalDAV/Calendar/"+name+".ics", c.refused)
		r.want(404, "GET", "/CalDAV/Calendar/"+name+".ics", "")
		r.want(201, "PUT", "/CalDAV/Calendar/"+name+".ics", c.accepted)
		r.want(204, "DELETE", "/CalDAV/Calendar/"+name+".ics", "")
	}
}

// TestQueryDepths: Depth infinity is answered like 1, on a calendar and on the home.
func TestQueryDepths(t *testing.T) {
	r := newRig(t)
	r.want(201, "PUT", "/CalDAV/Calendar/a.ics", event("a", "A"))
	r.want(201, "MKCALENDAR", "/CalDAV/Work", "")
	r.want(201, "PUT", "/CalDAV/Work/w.ics", event("w", "W"))
	for url, n := range map[string]int{"/CalDAV/Calendar/": 1, "/CalDAV/~me/": 2} {
		for _, depth := range []string{"Depth: 1", "Depth: infinity"} {
			if l := r.ask("REPORT", url, queryOf(inEvent("")), depth); len(l.resources) != n {
				t.Errorf("%s, %s: %v", url, depth, l.hrefs())
			}
		}
		r.want(400, "REPORT", url, queryOf(inEvent("")), "Depth: 2")
	}
}

// TestFiltersRefused: each precondition of RFC 4791 section 7.8 by its element.
func TestFiltersRefused(t *testing.T) {
	r := newRig(t)
	nested := strings.Repeat(`<C:comp-filter name="X">`, translate.MaxFilterDepth) + strings.Repeat("</C:comp-filter>", translate.MaxFilterDepth)
	inProp := func(s string) string { return inEvent(`<C:prop-filter name="UID">` + s + `</C:prop-filter>`) }
	for _, c := range []struct{ condition, filter string }{
		{"supported-filter", inEvent(nested)},
		{"supported-filter", inEvent(strings.Repeat(`<C:prop-filter name="UID"/>`, translate.MaxFilter))},
		{"supported-filter", inProp(strings.Repeat(`<C:param-filter name="X"/>`, translate.MaxFilter))},
		{"supported-collation", inProp(`<C:text-match collation="i;ascii-numeric">1</C:text-match>`)},
		{"supported-collation", inProp(`<C:param-filter name="CN"><C:text-match collation="none">1</C:text-match></C:param-filter>`)},
		{"valid-filter", `<C:comp-filter name="VEVENT"/>`},
		{"valid-filter", ""},
		{"valid-filter", `<C:comp-filter/>`},
		{"valid-filter", `<C:comp-filter name="VCALENDAR"/><C:comp-filter name="VCALENDAR"/>`},
		{"valid-filter", inEvent(`<C:is-not-defined/><C:prop-filter name="UID"/>`)},
		{"valid-filter", inProp(`<C:is-not-defined/><C:text-match>x</C:text-match>`)},
		{"valid-filter", inProp(`<C:param-filter name="CN"><C:is-not-defined/><C:text-match>x</C:text-match></C:param-filter>`)},
		{"valid-filter", inProp(`<C:time-range start="20260101T000000Z"/><C:text-match>x</C:text-match>`)},
		{"valid-filter", inProp(`<C:time-range start="20260101T000000Z"/>`)},
		{"valid-filter", inProp(`<C:text-match negate-condition="perhaps">x</C:text-match>`)},
		{"valid-filter", inProp(`<C:text-match>x</C:text-match><C:text-match>y</C:text-match>`)},
		{"valid-filter", inProp(`<C:param-filter name="CN"><C:text-match>x</C:text-match><C:text-match>y</C:text-match></C:param-filter>`)},
		{"valid-filter", inEvent(strings.Repeat(`<C:time-range start="20260101T000000Z"/>`, 2))},
		{"valid-filter", `<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:prop-filter name="DTSTAMP">` +
			strings.Repeat(`<C:time-range start="20260101T000000Z"/>`, 2) + `</C:prop-filter></C:comp-filter></C:comp-filter>`},
		{"valid-filter", inEvent(`<C:time-range start="20260101T000000"/>`)},
		{"valid-filter", inEvent(`<C:time-range end="20260101T250000Z"/>`)},
		{"valid-filter", `<C:comp-filter name="VCALENDAR"><C:comp-filter name="VTIMEZONE"><C:time-range start="20260101T000000Z"/></C:comp-filter></C:comp-filter>`},
		{"min-date-time", inEvent(`<C:time-range start="00000101T000000Z"/>`)},
	} {
		for _, url := range []string{"/CalDAV/Calendar/", "/CalDAV/~me/"} {
			r.refused(403, c.condition, "REPORT", url, queryOf(c.filter), "Depth: 1")
		}
	}
}

// TestWhatCannotBeExpanded: an object whose rules cannot be followed never comes with
// these rules (RFC 4791 section 9.6.5), nor in part: its data are refused, the rest of its
// properties and the other objects are given. Who asks for no instances gets it whole, and
// for free-busy it counts as time that may be busy.
func TestWhatCannotBeExpanded(t *testing.T) {
	r := newRig(t)
	r.want(201, "PUT", "/CalDAV/Calendar/s.ics", series)
	lunar := strings.NewReplacer("UID:s", "UID:l", "RRULE:FREQ=DAILY;COUNT=3", "RRULE:RSCALE=CHINESE;FREQ=YEARLY").Replace(series)
	r.want(201, "PUT", "/CalDAV/Calendar/l.ics", lunar)
	bomb := strings.NewReplacer("UID:s", "UID:b", "RRULE:FREQ=DAILY;COUNT=3", "RRULE:FREQ=SECONDLY;BYSETPOS=2").Replace(series)
	r.want(201, "PUT", "/CalDAV/Calendar/b.ics", bomb)
	query := func(data string) listed {
		return r.ask("REPORT", "/CalDAV/Calendar/", element("C:calendar-query", "<D:prop><D:getetag/>"+data+`</D:prop><C:filter>`+inEvent(`<C:time-range start="20260711T000000Z" end="20260801T000000Z"/>`)+`</C:filter>`), "Depth: 1")
	}
	l := query(`<C:calendar-data><C:expand start="20260711T000000Z" end="20260801T000000Z"/></C:calendar-data>`)
	for _, name := range []string{"l", "b"} {
		got := l.of("/CalDAV/Calendar/" + name + ".ics")
		if data := got.props[caldav("calendar-data")]; data.status != 507 || data.Text != "" || got.text(dav("getetag")) == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := l.of("/CalDAV/Calendar/s.ics").text(caldav("calendar-data")); strings.Count(got, "BEGIN:VEVENT") != 2 || strings.Contains(got, "RRULE") {
		t.Errorf("another object: %s", got)
	}
	if got := query("<C:calendar-data/>").of("/CalDAV/Calendar/l.ics").text(caldav("calendar-data")); got != lunar {
		t.Errorf("whole: %s", got)
	}
	ask := element("C:free-busy-query", `<C:time-range start="20260710T000000Z" end="20260720T000000Z"/>`)
	for _, url := range []string{"/CalDAV/Calendar/", "/CalDAV/~me/"} {
		a := r.want(200, "REPORT", url, ask, "Depth: 1")
		for _, want := range []string{"FREEBUSY;FBTYPE=BUSY:20260711T080000Z/20260711T090000Z\r\n", "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20260712T090000Z/20260720T000000Z\r\n"} {
			if !strings.Contains(a.body, want) {
				t.Errorf("%s: no %q in\n%s", url, want, a.body)
			}
		}
	}
}

// TestPartsByEachReport: limit-recurrence-set, limit-freebusy-set and a selection are
// obeyed by all three reports, as text and as jCal, whose type the element names.
func TestPartsByEachReport(t *testing.T) {
	r := newRig(t)
	moved := strings.Replace(series, "END:VCALENDAR", "BEGIN:VEVENT\r\nUID:s\r\nRECURRENCE-ID;TZID=Europe/Berlin:20260711T100000\r\nDTSTART:20260711T150000Z\r\nSUMMARY:moved\r\nEND:VEVENT\r\nEND:VCALENDAR", 1)
	r.want(201, "PUT", "/CalDAV/Calendar/s.ics", moved)
	busy := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VFREEBUSY\r\nUID:f\r\nDTSTAMP:20260101T000000Z\r\nFREEBUSY:20260711T100000Z/PT1H,20260811T100000Z/PT1H\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n"
	r.want(201, "PUT", "/CalDAV/Calendar/f.ics", busy)
	for name, report := range map[string]func(data string) string{
		"query": func(data string) string {
			return element("C:calendar-query", "<D:prop>"+data+`</D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter>`)
		},
		"multiget": func(data string) string {
			return element("C:calendar-multiget", "<D:prop>"+data+"</D:prop><D:href>/CalDAV/Calendar/s.ics</D:href><D:href>/CalDAV/Calendar/f.ics</D:href>")
		},
		"sync": func(data string) string {
			return element("D:sync-collection", "<D:sync-token/><D:sync-level>1</D:sync-level><D:prop>"+data+"</D:prop>")
		},
	} {
		of := func(object, inner, attributes string) string {
			l := r.ask("REPORT", "/CalDAV/Calendar/", report("<C:calendar-data"+attributes+">"+inner+"</C:calendar-data>"), "Depth: 1")
			return l.of("/CalDAV/Calendar/" + object + ".ics").text(caldav("calendar-data"))
		}
		if got := of("s", `<C:limit-recurrence-set start="20260720T000000Z" end="20260721T000000Z"/>`, ""); got != series {
			t.Errorf("%s, limit-recurrence-set: %s", name, got)
		}
		if got := of("s", `<C:limit-recurrence-set start="20260711T000000Z" end="20260712T000000Z"/>`, ""); got != moved {
			t.Errorf("%s, limit-recurrence-set: %s", name, got)
		}
		if got := of("f", `<C:limit-freebusy-set start="20260801T000000Z" end="20260901T000000Z"/>`, ""); got != strings.Replace(busy, "20260711T100000Z/PT1H,", "", 1) {
			t.Errorf("%s, limit-freebusy-set: %s", name, got)
		}
		const part = `<C:comp name="VCALENDAR"><C:allprop/><C:comp name="VEVENT"><C:prop name="SUMMARY"/><C:prop name="RRULE" novalue="yes"/></C:comp></C:comp>`
		if got := of("s", part, ""); !strings.Contains(got, "PRODID") || !strings.Contains(got, "\r\nRRULE:\r\nSUMMARY:S\r\n") || strings.Contains(got, "UID") {
			t.Errorf("%s, selection: %s", name, got)
		}
		json := ` content-type="application/calendar+json" version="2.0"`
		if got := of("s", `<C:comp name="VCALENDAR"><C:comp name="VEVENT"><C:prop name="UID"/></C:comp></C:comp>`, json); got != `["vcalendar",[],[["vevent",[["uid",{},"text","s"]],[]],["vevent",[["uid",{},"text","s"]],[]]]]` {
			t.Errorf("%s, selection as jCal: %s", name, got)
		}
		if got := of("s", `<C:expand start="20260710T000000Z" end="20260711T000000Z"/>`, json); !strings.Contains(got, `["dtstart",{},"date-time","2026-07-10T08:00:00Z"]`) || strings.Contains(got, "rrule") {
			t.Errorf("%s, expanded as jCal: %s", name, got)
		}
		a := r.want(207, "REPORT", "/CalDAV/Calendar/", report("<C:calendar-data"+json+"/>"), "Depth: 1")
		var element struct {
			Response []struct {
				Data struct {
					Type    string `xml:"content-type,attr"`
					Version string `xml:"version,attr"`
				} `xml:"propstat>prop>calendar-data"`
			} `xml:"response"`
		}
		if err := xml.Unmarshal([]byte(a.body), &element); err != nil {
			t.Fatal(err)
		}
		for _, e := range element.Response {
			if e.Data.Type != "application/calendar+json" || e.Data.Version != "2.0" {
				t.Errorf("%s: the element says %+v", name, e.Data)
			}
		}
	}
}
