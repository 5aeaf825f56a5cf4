package main

import (
	"fmt"
	"strings"
	"time"
)

// sample is a calendar object of the demo.
type sample struct {
	name, body string
}

// berlin is the zone of the samples that have one, as Thunderbird and others write it.
const berlin = `BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
TZNAME:CEST
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
`

// sampleEvents is a week of events around today.
func sampleEvents(now time.Time) []sample {
	monday := now.AddDate(0, 0, -(int(now.Weekday())+6)%7)
	day := func(n int) string { return monday.AddDate(0, 0, n).Format("20060102") }
	today := now.Format("20060102")
	local := func(date, clock string) string { return "TZID=Europe/Berlin:" + date + "T" + clock }
	return []sample{
		object(now, "standup", berlin, "VEVENT", "SUMMARY:Stand-up",
			"DTSTART;"+local(day(0), "093000"), "DTEND;"+local(day(0), "094500"),
			"RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "LOCATION:Room 2"),
		object(now, "planning", berlin, "VEVENT", "SUMMARY:Planning of the quarter",
			"DTSTART;"+local(day(1), "130000"), "DURATION:PT2H",
			"DESCRIPTION:What we did\\, what we do\\, and what we leave.", "CATEGORIES:work",
			"BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:Planning", "TRIGGER:-PT15M", "END:VALARM"),
		object(now, "lunch", "", "VEVENT", "SUMMARY:Lunch with Zoë", "DTSTART:"+today+"T110000Z", "DTEND:"+today+"T120000Z",
			"LOCATION:Café Größenwahn"),
		object(now, "fair", "", "VEVENT", "SUMMARY:Book fair", "DTSTART;VALUE=DATE:"+day(3), "DTEND;VALUE=DATE:"+day(5),
			"TRANSP:TRANSPARENT"),
		object(now, "birthday", "", "VEVENT", "SUMMARY:Ada's birthday", "DTSTART;VALUE=DATE:"+day(5), "RRULE:FREQ=YEARLY",
			"TRANSP:TRANSPARENT"),
		object(now, "call", "", "VEVENT", "SUMMARY:Call with the other side of the world", "DTSTART:"+day(4)+"T060000Z",
			"DTEND:"+day(4)+"T064500Z", "STATUS:TENTATIVE"),
		object(now, "run", berlin, "VEVENT", "SUMMARY:Run in the park", "DTSTART;"+local(day(6), "100000"), "DURATION:PT1H",
			"RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=10"),
	}
}

// sampleTeam are the events of the calendar that is shared.
func sampleTeam(now time.Time) []sample {
	in := func(days int) string { return now.AddDate(0, 0, days).Format("20060102") }
	return []sample{
		object(now, "review", "", "VEVENT", "SUMMARY:Review with the guest", "DTSTART:"+in(1)+"T130000Z", "DTEND:"+in(1)+"T140000Z"),
		object(now, "on-call", "", "VEVENT", "SUMMARY:Ada is on call", "DTSTART;VALUE=DATE:"+in(0), "DTEND;VALUE=DATE:"+in(3), "TRANSP:TRANSPARENT"),
	}
}

func sampleTasks(now time.Time) []sample {
	in := func(days int) string { return now.AddDate(0, 0, days).Format("20060102") }
	return []sample{
		object(now, "report", "", "VTODO", "SUMMARY:Hand in the report", "DUE;VALUE=DATE:"+in(2), "PRIORITY:1",
			"STATUS:NEEDS-ACTION"),
		object(now, "milk", "", "VTODO", "SUMMARY:Buy milk", "STATUS:NEEDS-ACTION"),
		object(now, "books", "", "VTODO", "SUMMARY:Return the books", "STATUS:COMPLETED", "PERCENT-COMPLETE:100",
			"COMPLETED:"+in(-1)+"T160000Z"),
	}
}

// object is one calendar object resource (RFC 4791 section 4.1) with the given lines.
func object(now time.Time, name, zone, component string, lines ...string) sample {
	body := fmt.Sprintf("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//calgate//demo//EN\n%sBEGIN:%s\nUID:%s@demo.invalid\nDTSTAMP:%s\n%s\nEND:%s\nEND:VCALENDAR\n",
		zone, component, name, now.UTC().Format("20060102T150405Z"), strings.Join(lines, "\n"), component)
	return sample{name + ".ics", strings.ReplaceAll(body, "\n", "\r\n")}
}
