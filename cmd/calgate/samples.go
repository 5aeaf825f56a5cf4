package main

import (
	"time"

	"calgate/translate"
)

// sample is a calendar object of the demo.
type sample struct {
	name string
	translate.Component
}

// octets are the object as a program would send it.
func (s sample) octets() []byte { return translate.NewObject(s.Component) }

// alarm is the sample with a VALARM.
func (s sample) alarm(lines ...string) sample {
	s.Inside = append(s.Inside, translate.Component{Name: "VALARM", Lines: lines})
	return s
}

// sampleEvents is a week of events around today.
func sampleEvents(now time.Time) []sample {
	monday := now.AddDate(0, 0, -(int(now.Weekday())+6)%7)
	day := func(n int) string { return monday.AddDate(0, 0, n).Format("20060102") }
	today := now.Format("20060102")
	local := func(date, clock string) string { return "TZID=Europe/Berlin:" + date + "T" + clock }
	return []sample{
		object(now, "standup", "VEVENT", "SUMMARY:Stand-up",
			"DTSTART;"+local(day(0), "093000"), "DTEND;"+local(day(0), "094500"),
			"RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "LOCATION:Room 2"),
		object(now, "planning", "VEVENT", "SUMMARY:Planning of the quarter",
			"DTSTART;"+local(day(1), "130000"), "DURATION:PT2H",
			"DESCRIPTION:What we did\\, what we do\\, and what we leave.", "CATEGORIES:work").alarm(
			"ACTION:DISPLAY", "DESCRIPTION:Planning", "TRIGGER:-PT15M"),
		object(now, "lunch", "VEVENT", "SUMMARY:Lunch with Zoë", "DTSTART:"+today+"T110000Z", "DTEND:"+today+"T120000Z",
			"LOCATION:Café Größenwahn"),
		object(now, "fair", "VEVENT", "SUMMARY:Book fair", "DTSTART;VALUE=DATE:"+day(3), "DTEND;VALUE=DATE:"+day(5),
			"TRANSP:TRANSPARENT"),
		object(now, "birthday", "VEVENT", "SUMMARY:Ada's birthday", "DTSTART;VALUE=DATE:"+day(5), "RRULE:FREQ=YEARLY",
			"TRANSP:TRANSPARENT"),
		object(now, "call", "VEVENT", "SUMMARY:Call with the other side of the world", "DTSTART:"+day(4)+"T060000Z",
			"DTEND:"+day(4)+"T064500Z", "STATUS:TENTATIVE"),
		object(now, "run", "VEVENT", "SUMMARY:Run in the park", "DTSTART;"+local(day(6), "100000"), "DURATION:PT1H",
			"RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=10"),
	}
}

// sampleTeam are the events of the calendar that is shared.
func sampleTeam(now time.Time) []sample {
	in := func(days int) string { return now.AddDate(0, 0, days).Format("20060102") }
	return []sample{
		object(now, "review", "VEVENT", "SUMMARY:Review with the guest", "DTSTART:"+in(1)+"T130000Z", "DTEND:"+in(1)+"T140000Z"),
		object(now, "on-call", "VEVENT", "SUMMARY:Ada is on call", "DTSTART;VALUE=DATE:"+in(0), "DTEND;VALUE=DATE:"+in(3), "TRANSP:TRANSPARENT"),
	}
}

func sampleTasks(now time.Time) []sample {
	in := func(days int) string { return now.AddDate(0, 0, days).Format("20060102") }
	return []sample{
		object(now, "report", "VTODO", "SUMMARY:Hand in the report", "DUE;VALUE=DATE:"+in(2), "PRIORITY:1",
			"STATUS:NEEDS-ACTION"),
		object(now, "milk", "VTODO", "SUMMARY:Buy milk", "STATUS:NEEDS-ACTION"),
		object(now, "books", "VTODO", "SUMMARY:Return the books", "STATUS:COMPLETED", "PERCENT-COMPLETE:100",
			"COMPLETED:"+in(-1)+"T160000Z"),
	}
}

// object is one component with the given lines.
func object(now time.Time, name, component string, lines ...string) sample {
	own := []string{"UID:" + name + "@demo.invalid", "DTSTAMP:" + now.UTC().Format("20060102T150405Z")}
	return sample{name + ".ics", translate.Component{Name: component, Lines: append(own, lines...)}}
}
