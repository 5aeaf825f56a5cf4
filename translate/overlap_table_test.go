package translate

import (
	"strings"
	"testing"
)

// TestOverlapTable asks each form of a component for the same ranges: an x where it
// matches by the tables of RFC 4791 section 9.9. What is asked about lies between S and
// E, or touches one of them; {S} is 10:00 and {E} 12:00 of that day. Floating times and
// dates are in Berlin, so that S and E of a date are 23:00 in UTC.
func TestOverlapTable(t *testing.T) {
	const hour = 3600
	cases := 0
	for _, c := range []struct{ component, lines, want string }{
		// before S | up to S | S inside | around | S/E | inside | at S | behind S | at E |
		// from E | behind E | later | to S | to behind S | to E | from before E | from E | from behind E
		{"VEVENT", "DTSTART:{S} DTEND:{E}", "--xxxxxxx----xxx--"},
		{"VEVENT", "DTSTART;TZID=Europe/Berlin:20260310T110000 DTEND;TZID=Europe/Berlin:20260310T130000", "--xxxxxxx----xxx--"},
		{"VEVENT", "DTSTART;TZID=America/New_York:20260310T060000 DTEND:{E}", "--xxxxxxx----xxx--"},
		{"VEVENT", "DTSTART:20260310T110000 DTEND:20260310T130000", "--xxxxxxx----xxx--"},
		{"VEVENT", "DTSTART:{S} DURATION:PT2H", "--xxxxxxx----xxx--"},
		{"VEVENT", "DTSTART:{S} DURATION:PT0S", "--xxx-x------xx---"},
		{"VEVENT", "DTSTART:{S}", "--xxx-x------xx---"},
		{"VEVENT", "DTSTART;TZID=Asia/Tokyo:20260310T210000", "---x---xxx-----xx-"},
		{"VEVENT", "DTSTART;TZID=UTC;VALUE=DATE-TIME:20260310T100000 DURATION:+PT120M", "--xxxxxxx----xxx--"},
		{"VEVENT", "DTSTART;VALUE=DATE:20260310", "--xxxxxxx----xxx--"},
		{"VEVENT", "DTSTART;VALUE=DATE:20260310 DTEND;VALUE=DATE:20260311", "--xxxxxxx----xxx--"},
		{"VEVENT", "DTSTART;VALUE=DATE:20260309 DURATION:P2D", "xxxxxxxxx---xxxx--"},
		{"VEVENT", "DTSTART:20260303T100000Z DTEND:20260303T120000Z RRULE:FREQ=WEEKLY;COUNT=2", "--xxxxxxx---xxxx--"},
		{"VEVENT", "DTSTART:{S} DTEND:{E} RRULE:FREQ=WEEKLY;COUNT=2", "--xxxxxxx----xxxxx"},
		{"VEVENT", "DTSTART:{S} DTEND:{E} RRULE:FREQ=WEEKLY", "--xxxxxxx----xxxxx"},
		{"VEVENT", "DTSTART:20260309T100000Z DTEND:20260309T120000Z RRULE:FREQ=DAILY;COUNT=3 EXDATE:20260309T100000Z,20260311T100000Z", "--xxxxxxx----xxx--"},
		{"VEVENT", "DTSTART:20260309T100000Z DTEND:20260309T120000Z RRULE:FREQ=DAILY;COUNT=3 EXDATE:{S}", "------------xxxxxx"},
		{"VEVENT", "DTSTART:20260303T100000Z DURATION:PT1H RDATE;VALUE=PERIOD:{S}/{E}", "--xxxxxxx---xxxx--"},
		{"VEVENT", "DTSTART:20260309T100000Z DURATION:PT1H RRULE:FREQ=DAILY;COUNT=2 END:VEVENT BEGIN:VEVENT UID:u RECURRENCE-ID:20260309T100000Z DTSTART:{S} DTEND:{E} END:VEVENT BEGIN:VEVENT UID:u RECURRENCE-ID:{S} DTSTART:20260320T100000Z DURATION:PT1H", "--xxxxxxx----xxxxx"},
		{"VEVENT", "RECURRENCE-ID:20260301T100000Z DTSTART:{S} DTEND:{E}", "--xxxxxxx----xxx--"},
		{"VTODO", "DTSTART:{S} DURATION:PT2H", "--xxxxxxxx---xxxx-"},
		{"VTODO", "DTSTART:{S} DUE:{E}", "--xxxxxxx----xxx--"},
		{"VTODO", "DTSTART:{S} DUE:{E} COMPLETED:20260101T000000Z CREATED:20250101T000000Z", "--xxxxxxx----xxx--"},
		{"VTODO", "DTSTART:{S} DUE:{S}", "-xxxx-x-----xxx---"},
		{"VTODO", "DTSTART:{S}", "--xxx-x------xx---"},
		{"VTODO", "DUE:{S}", "-xxx--------xxx---"},
		{"VTODO", "DUE;TZID=Europe/Berlin:20260310T130000", "---xx--xx-----xx--"},
		{"VTODO", "CREATED:{S} COMPLETED:{E}", "-xxxxxxxxx--xxxxx-"},
		{"VTODO", "CREATED:{E} COMPLETED:{S}", "-xxxxxxxxx--xxxxx-"},
		{"VTODO", "COMPLETED:{S}", "-xxxx-x-----xxx---"},
		{"VTODO", "COMPLETED:{E}", "---xx--xxx----xxx-"},
		{"VTODO", "CREATED:{S}", "--xxxxxxxxxx-xxxxx"},
		{"VTODO", "SUMMARY:x", "xxxxxxxxxxxxxxxxxx"},
		{"VTODO", "DTSTART:20260303T100000Z DUE:20260303T120000Z RRULE:FREQ=WEEKLY;COUNT=2", "--xxxxxxx---xxxx--"},
		{"VTODO", "DUE:20260303T120000Z RRULE:FREQ=WEEKLY;COUNT=2", "---xx--xx---xxxx--"},
		{"VJOURNAL", "DTSTART:{S}", "--xxx-x------xx---"},
		{"VJOURNAL", "DTSTART;VALUE=DATE:20260310", "--xxxxxxx----xxx--"},
		{"VJOURNAL", "DTSTART:20260303T100000Z RRULE:FREQ=WEEKLY;COUNT=2", "--xxx-x-----xxx---"},
		{"VJOURNAL", "SUMMARY:x", "------------------"},
		{"VFREEBUSY", "DTSTART:{S} DTEND:{E}", "--xxxxxxxx---xxxx-"},
		{"VFREEBUSY", "FREEBUSY:{S}/{E}", "--xxxxxxx----xxx--"},
		{"VFREEBUSY", "FREEBUSY:{S}/PT30M,20260310T113000Z/PT30M", "--xxx-xxx----xxx--"},
		{"VFREEBUSY", "DTSTAMP:{S}", "------------------"},
		{"VALARM", "DTSTART:20260310T101500Z BEGIN:VALARM TRIGGER:-PT15M END:VALARM", "--xxx-x------xx---"},
		{"VALARM", "DTSTART:20260310T110000Z DTEND:20260310T114500Z BEGIN:VALARM TRIGGER;RELATED=END:PT15M END:VALARM", "---x---xxx-----xx-"},
		{"VALARM", "DTSTART:20260101T110000Z BEGIN:VALARM TRIGGER;VALUE=DATE-TIME:{S} END:VALARM", "--xxx-x------xx---"},
		{"VALARM", "DTSTART:20260310T110000Z BEGIN:VALARM TRIGGER:-PT1H REPEAT:2 DURATION:PT1H END:VALARM", "--xxxxxxxx---xxxx-"},
		{"VALARM", "DTSTART:20260303T110000Z RRULE:FREQ=WEEKLY;COUNT=2 BEGIN:VALARM TRIGGER:-PT1H END:VALARM", "--xxx-x-----xxx---"},
		{"VALARM", "DTSTART:20260310T110000Z BEGIN:VALARM ACTION:AUDIO END:VALARM", "------------------"},
	} {
		s, e := at("20260310T100000Z", 0), at("20260310T120000Z", 0)
		lines := strings.NewReplacer("{S}", formatUTC(s), "{E}", formatUTC(e)).Replace(c.lines)
		if first, _, _ := strings.Cut(c.lines, " "); strings.Contains(first, "VALUE=DATE:") {
			s, e = at("20260309T230000Z", 0), at("20260310T230000Z", 0)
		}
		component := c.component
		if component == "VALARM" {
			component = "VEVENT"
		}
		o := parse(t, one(component, lines))
		for i, r := range []TimeRange{
			{s - 2*hour, s - hour}, {s - 2*hour, s}, {s - 2*hour, s + 1}, {s - 2*hour, e + hour}, {s, e}, {s + hour/2, e - hour/2},
			{s, s + 1}, {s + 1, e + hour}, {e - 1, e + hour}, {e, e + hour}, {e + 1, e + hour}, {e + hour, e + 2*hour},
			{openStart, s}, {openStart, s + 1}, {openStart, e}, {e - 1, openEnd}, {e, openEnd}, {e + 1, openEnd},
		} {
			f := within(component, r)
			if c.component == "VALARM" {
				f = of(CompFilter{Name: "VEVENT", Comps: []CompFilter{{Name: "VALARM", TimeRange: &r}}})
			}
			f.Zone = location("Europe/Berlin")
			if got := checkFilter(t, f, o); got != (c.want[i] == 'x') {
				t.Errorf("%s %s in %s/%s: %v", c.component, lines, formatUTC(max(r.Start, minWall)), formatUTC(min(r.End, maxWall)), got)
			}
			cases++
		}
	}
	if cases < 400 {
		t.Errorf("only %d cases", cases)
	}
}
