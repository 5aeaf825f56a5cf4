package translate

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func text(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n" }

// apply checks what is given of an object.
func apply(t *testing.T, name string, d *Data, raw, want string, zone *Zone) {
	t.Helper()
	got, err := d.Apply([]byte(raw), zone)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if diff := cmp.Diff(strings.Split(want, "\r\n"), strings.Split(string(got), "\r\n")); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

// recurring is abcd2.ics of RFC 4791 appendix B, with an alarm.
var recurring = text("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Example Corp.//CalDAV Client//EN",
	"BEGIN:VTIMEZONE", "TZID:US/Eastern",
	"BEGIN:STANDARD", "DTSTART:20001026T020000", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", "TZNAME:EST", "TZOFFSETFROM:-0400", "TZOFFSETTO:-0500", "END:STANDARD",
	"BEGIN:DAYLIGHT", "DTSTART:20000404T020000", "RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=4", "TZNAME:EDT", "TZOFFSETFROM:-0500", "TZOFFSETTO:-0400", "END:DAYLIGHT",
	"END:VTIMEZONE",
	"BEGIN:VEVENT", "DTSTAMP:20060206T001121Z", "DTSTART;TZID=US/Eastern:20060102T120000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=5",
	"SUMMARY:Event #2", "UID:00959BC664CA650E933C892C@example.com", "END:VEVENT",
	"BEGIN:VEVENT", "DTSTAMP:20060206T001121Z", "DTSTART;TZID=US/Eastern:20060104T140000", "DURATION:PT1H",
	"RECURRENCE-ID;TZID=US/Eastern:20060104T120000", "SUMMARY:Event #2 bis", "UID:00959BC664CA650E933C892C@example.com", "END:VEVENT",
	"BEGIN:VEVENT", "DTSTAMP:20060206T001121Z", "DTSTART;TZID=US/Eastern:20060106T140000", "DURATION:PT1H",
	"RECURRENCE-ID;TZID=US/Eastern:20060106T120000", "SUMMARY:Event #2 bis bis", "UID:00959BC664CA650E933C892C@example.com", "END:VEVENT",
	"END:VCALENDAR")

// TestExpand holds the answer of RFC 4791 section 7.8.3. DTSTART is DATE-TIME in UTC.
func TestExpand(t *testing.T) {
	r := span("20060103T000000Z", "20060105T000000Z")
	apply(t, "RFC 4791 section 7.8.3", &Data{Expand: &r}, recurring, text("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Example Corp.//CalDAV Client//EN",
		"BEGIN:VEVENT", "RECURRENCE-ID:20060103T170000Z", "DTSTAMP:20060206T001121Z", "DTSTART:20060103T170000Z", "DURATION:PT1H",
		"SUMMARY:Event #2", "UID:00959BC664CA650E933C892C@example.com", "END:VEVENT",
		"BEGIN:VEVENT", "RECURRENCE-ID:20060104T170000Z", "DTSTAMP:20060206T001121Z", "DTSTART:20060104T190000Z", "DURATION:PT1H",
		"SUMMARY:Event #2 bis", "UID:00959BC664CA650E933C892C@example.com", "END:VEVENT",
		"END:VCALENDAR"), nil)
	head := []string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Example//Test//EN"}
	answer := func(lines ...string) string { return text(append(append(head, lines...), "END:VCALENDAR")...) }
	all := span("20260101T000000Z", "20270101T000000Z")
	for name, c := range map[string]struct {
		raw, want string
		zone      *Zone
	}{
		"one event": {event("DTSTART;TZID=Europe/Berlin;X-A=\"b:c\":20260710T100000", "DTEND;TZID=Europe/Berlin:20260710T110000"),
			answer("BEGIN:VEVENT", "UID:u", "DTSTAMP:20260101T000000Z", "DTSTART;X-A=\"b:c\":20260710T080000Z", "DTEND:20260710T090000Z", "END:VEVENT"), nil},
		"dates": {event("DTSTART;VALUE=DATE:20260709", "DTEND;VALUE=DATE:20260711", "RRULE:FREQ=WEEKLY;COUNT=2"),
			answer("BEGIN:VEVENT", "RECURRENCE-ID;VALUE=DATE:20260709", "UID:u", "DTSTAMP:20260101T000000Z", "DTSTART;VALUE=DATE:20260709", "DTEND;VALUE=DATE:20260711", "END:VEVENT",
				"BEGIN:VEVENT", "RECURRENCE-ID;VALUE=DATE:20260716", "UID:u", "DTSTAMP:20260101T000000Z", "DTSTART;VALUE=DATE:20260716", "DTEND;VALUE=DATE:20260718", "END:VEVENT"), nil},
		"floating": {event("DTSTART:20260710T100000", "DTEND:20260710T110000"),
			answer("BEGIN:VEVENT", "UID:u", "DTSTAMP:20260101T000000Z", "DTSTART:20260710T080000Z", "DTEND:20260710T090000Z", "END:VEVENT"), location("Europe/Berlin")},
		"nothing there": {event("DTSTART:20250710T100000Z"), answer(), nil},
		"this and future": {calendar("BEGIN:VEVENT", "UID:u", "DTSTART:20260504T100000Z", "DTEND:20260504T110000Z", "RRULE:FREQ=WEEKLY;COUNT=5", "EXDATE:20260511T100000Z", "END:VEVENT",
			"BEGIN:VEVENT", "UID:u", "RECURRENCE-ID;RANGE=THISANDFUTURE:20260518T100000Z", "DTSTART:20260518T120000Z", "DTEND:20260518T123000Z", "SUMMARY:later", "END:VEVENT",
			"BEGIN:VEVENT", "UID:u", "RECURRENCE-ID;RANGE=THISANDFUTURE:20260525T100000Z", "DTSTART:20260526T090000Z", "DTEND:20260526T100000Z", "SUMMARY:last", "END:VEVENT"),
			answer("BEGIN:VEVENT", "RECURRENCE-ID:20260504T100000Z", "UID:u", "DTSTART:20260504T100000Z", "DTEND:20260504T110000Z", "END:VEVENT",
				"BEGIN:VEVENT", "RECURRENCE-ID:20260518T100000Z", "UID:u", "DTSTART:20260518T120000Z", "DTEND:20260518T123000Z", "SUMMARY:later", "END:VEVENT",
				"BEGIN:VEVENT", "RECURRENCE-ID:20260525T100000Z", "UID:u", "DTSTART:20260526T090000Z", "DTEND:20260526T100000Z", "SUMMARY:last", "END:VEVENT",
				"BEGIN:VEVENT", "RECURRENCE-ID:20260601T100000Z", "UID:u", "DTSTART:20260602T090000Z", "DTEND:20260602T100000Z", "SUMMARY:last", "END:VEVENT"), nil},
		"this and future of days": {calendar("BEGIN:VEVENT", "UID:u", "DTSTART;VALUE=DATE:20260316", "RRULE:FREQ=WEEKLY;COUNT=4", "END:VEVENT",
			"BEGIN:VEVENT", "UID:u", "RECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20260323", "DTSTART;VALUE=DATE:20260325", "DTEND;VALUE=DATE:20260327", "END:VEVENT"),
			answer("BEGIN:VEVENT", "RECURRENCE-ID;VALUE=DATE:20260316", "UID:u", "DTSTART;VALUE=DATE:20260316", "END:VEVENT",
				"BEGIN:VEVENT", "RECURRENCE-ID;VALUE=DATE:20260323", "UID:u", "DTSTART;VALUE=DATE:20260325", "DTEND;VALUE=DATE:20260327", "END:VEVENT",
				"BEGIN:VEVENT", "RECURRENCE-ID;VALUE=DATE:20260330", "UID:u", "DTSTART;VALUE=DATE:20260401", "DTEND;VALUE=DATE:20260403", "END:VEVENT",
				"BEGIN:VEVENT", "RECURRENCE-ID;VALUE=DATE:20260406", "UID:u", "DTSTART;VALUE=DATE:20260408", "DTEND;VALUE=DATE:20260410", "END:VEVENT"), location("Europe/Berlin")},
		"EXRULE": {event("DTSTART:20260710T100000Z", "RRULE:FREQ=DAILY;COUNT=3", "EXRULE:FREQ=DAILY;INTERVAL=2;COUNT=1", "EXRULE:FREQ=DAILY;BYMONTHDAY=12"),
			answer("BEGIN:VEVENT", "RECURRENCE-ID:20260711T100000Z", "UID:u", "DTSTAMP:20260101T000000Z", "DTSTART:20260711T100000Z", "END:VEVENT"), nil},
		"task and period": {calendar("BEGIN:VTODO", "UID:u", "DTSTART:20260710T100000Z", "DUE:20260710T120000Z", "RDATE;VALUE=PERIOD:20260810T100000Z/PT1H", "BEGIN:VALARM", "TRIGGER:-PT5M", "END:VALARM", "END:VTODO"),
			answer("BEGIN:VTODO", "RECURRENCE-ID:20260710T100000Z", "UID:u", "DTSTART:20260710T100000Z", "DUE:20260710T120000Z", "BEGIN:VALARM", "TRIGGER:-PT5M", "END:VALARM", "END:VTODO",
				"BEGIN:VTODO", "RECURRENCE-ID:20260810T100000Z", "UID:u", "DTSTART:20260810T100000Z", "DUE:20260810T110000Z", "BEGIN:VALARM", "TRIGGER:-PT5M", "END:VALARM", "END:VTODO"), nil},
		"period and DURATION": {event("DTSTART:20260301T100000Z", "DURATION:PT1H", "RDATE;VALUE=PERIOD:20260305T100000Z/PT3H"),
			answer("BEGIN:VEVENT", "RECURRENCE-ID:20260301T100000Z", "UID:u", "DTSTAMP:20260101T000000Z", "DTSTART:20260301T100000Z", "DURATION:PT1H", "END:VEVENT",
				"BEGIN:VEVENT", "RECURRENCE-ID:20260305T100000Z", "UID:u", "DTSTAMP:20260101T000000Z", "DTSTART:20260305T100000Z", "DTEND:20260305T130000Z", "END:VEVENT"), nil},
		"period of a task without length": {calendar("BEGIN:VTODO", "UID:u", "DTSTART:20260301T100000Z", "RDATE;VALUE=PERIOD:20260305T100000Z/20260305T130000Z", "END:VTODO"),
			answer("BEGIN:VTODO", "RECURRENCE-ID:20260301T100000Z", "UID:u", "DTSTART:20260301T100000Z", "END:VTODO",
				"BEGIN:VTODO", "RECURRENCE-ID:20260305T100000Z", "UID:u", "DTSTART:20260305T100000Z", "DUE:20260305T130000Z", "END:VTODO"), nil},
		"period of a task with DURATION": {calendar("BEGIN:VTODO", "UID:u", "DTSTART:20260301T100000Z", "DURATION:PT1H", "RDATE;VALUE=PERIOD:20260305T100000Z/P1DT3H1M", "END:VTODO"),
			answer("BEGIN:VTODO", "RECURRENCE-ID:20260301T100000Z", "UID:u", "DTSTART:20260301T100000Z", "DURATION:PT1H", "END:VTODO",
				"BEGIN:VTODO", "RECURRENCE-ID:20260305T100000Z", "UID:u", "DTSTART:20260305T100000Z", "DURATION:P1DT3H1M0S", "END:VTODO"), nil},
		"period of a task of days": {calendar("BEGIN:VTODO", "UID:u", "DTSTART;VALUE=DATE:20260301", "DURATION:P1D", "RDATE;VALUE=PERIOD:20260305T000000Z/P2D", "END:VTODO"),
			answer("BEGIN:VTODO", "RECURRENCE-ID;VALUE=DATE:20260301", "UID:u", "DTSTART;VALUE=DATE:20260301", "DURATION:P1D", "END:VTODO",
				"BEGIN:VTODO", "RECURRENCE-ID;VALUE=DATE:20260305", "UID:u", "DTSTART;VALUE=DATE:20260305", "DURATION:P2D", "END:VTODO"), nil},
		"period of a journal entry": {calendar("BEGIN:VJOURNAL", "UID:u", "DTSTART:20260301T100000Z", "RDATE;VALUE=PERIOD:20260305T100000Z/P1D", "END:VJOURNAL"),
			answer("BEGIN:VJOURNAL", "RECURRENCE-ID:20260301T100000Z", "UID:u", "DTSTART:20260301T100000Z", "END:VJOURNAL",
				"BEGIN:VJOURNAL", "RECURRENCE-ID:20260305T100000Z", "UID:u", "DTSTART:20260305T100000Z", "END:VJOURNAL"), nil},
		"a day of 23 hours": {event("DTSTART;TZID=Europe/Berlin:20260327T120000", "DURATION:P1D", "RRULE:FREQ=DAILY;COUNT=2"),
			answer("BEGIN:VEVENT", "RECURRENCE-ID:20260327T110000Z", "UID:u", "DTSTAMP:20260101T000000Z", "DTSTART:20260327T110000Z", "DURATION:P1D", "END:VEVENT",
				"BEGIN:VEVENT", "RECURRENCE-ID:20260328T110000Z", "UID:u", "DTSTAMP:20260101T000000Z", "DTSTART:20260328T110000Z", "DTEND:20260329T100000Z", "END:VEVENT"), nil},
		"days": {event("DTSTART;VALUE=DATE:20260328", "DURATION:P2D"),
			answer("BEGIN:VEVENT", "UID:u", "DTSTAMP:20260101T000000Z", "DTSTART;VALUE=DATE:20260328", "DURATION:P2D", "END:VEVENT"), location("Europe/Berlin")},
		"task without times": {calendar("BEGIN:VTODO", "UID:u", "SUMMARY:x", "END:VTODO"), answer("BEGIN:VTODO", "UID:u", "SUMMARY:x", "END:VTODO"), nil},
	} {
		apply(t, name, &Data{Expand: &all}, c.raw, c.want, c.zone)
	}
	long := span("20000101T000000Z", "20300101T000000Z")
	if _, err := (&Data{Expand: &long}).Apply([]byte(event("DTSTART:20000101T000000Z", "RRULE:FREQ=HOURLY")), nil); err != ErrTooManyInstances {
		t.Errorf("an hour for 30 years: %v", err)
	}
	// DTSTART is one instance of its rule, also where the rule counts exact seconds.
	for rule, want := range map[string]string{
		"FREQ=MINUTELY;COUNT=3":                         "20261025T003000Z 20261025T003100Z 20261025T003200Z",
		"FREQ=HOURLY;COUNT=3":                           "20261025T003000Z 20261025T013000Z 20261025T023000Z", // its time of day comes twice
		"FREQ=HOURLY;COUNT=3\r\nRDATE:20261025T013000Z": "20261025T003000Z 20261025T013000Z 20261025T023000Z",
		"FREQ=SECONDLY;INTERVAL=1800;COUNT=2":           "20261025T003000Z 20261025T010000Z",
	} {
		got, err := (&Data{Expand: &all}).Apply([]byte(event("DTSTART;TZID=Europe/Berlin:20261025T023000", "RRULE:"+rule)), nil)
		var starts []string
		for line := range strings.Lines(string(got)) {
			if v, ok := strings.CutPrefix(strings.TrimSpace(line), "DTSTART:"); ok {
				starts = append(starts, v)
			}
		}
		if strings.Join(starts, " ") != want || err != nil {
			t.Errorf("%s: %v %v", rule, starts, err)
		}
	}
	// No answer holds rules, none holds a part of the instances.
	for _, rule := range []string{"RRULE:FREQ=FORTNIGHTLY", "RRULE:RSCALE=CHINESE;FREQ=YEARLY", "RRULE:FREQ=SECONDLY;BYSETPOS=2", "RDATE:soon", "EXRULE:x"} {
		if got, err := (&Data{Expand: &all}).Apply([]byte(event("DTSTART:20260710T100000Z", rule)), nil); err != ErrNotExpanded {
			t.Errorf("%s: %v %s", rule, err, got)
		}
	}
	big := event("DTSTART:20260101T000000Z", "RRULE:FREQ=DAILY", "DESCRIPTION:"+strings.Repeat("x", MaxObject/100))
	if _, err := (&Data{Expand: &all}).Apply([]byte(big), nil); err != ErrTooManyInstances {
		t.Errorf("365 times %d octets: %v", len(big), err)
	}
}

// TestExpandedMatches: an object and what it is expanded to are found in the same ranges.
func TestExpandedMatches(t *testing.T) {
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		pick := func(name string, from ...string) string { return rapid.SampledFrom(from).Draw(t, name) }
		kind := pick("kind", "VEVENT", "VTODO", "VTODO", "VJOURNAL")
		lines := []string{"BEGIN:" + kind, "UID:u"}
		dates := rapid.Bool().Draw(t, "dates")
		moment := func(name string) string {
			date := fmt.Sprintf("202603%02d", rapid.IntRange(26, 31).Draw(t, name))
			if dates {
				return ";VALUE=DATE:" + date
			}
			return pick("zone", ":", ";TZID=Europe/Berlin:") + date + pick("clock", "T000000", "T023000", "T100000")
		}
		lines = append(lines, "DTSTART"+moment("start"))
		switch end := map[string]string{"VEVENT": "DTEND", "VTODO": "DUE", "VJOURNAL": "DTEND"}[kind]; pick("end", "none", "end", "DURATION") {
		case "end":
			lines = append(lines, end+moment("end"))
		case "DURATION":
			lines = append(lines, "DURATION:"+pick("length", "P1D", "P2D", "PT1H", "P1DT1H"))
		}
		if rapid.Bool().Draw(t, "rule") {
			lines = append(lines, "RRULE:FREQ=DAILY;COUNT=3")
		}
		for range rapid.IntRange(0, 2).Draw(t, "dates") {
			date := moment("RDATE")
			if !dates && rapid.Bool().Draw(t, "period") {
				date = strings.Replace(date+pick("length", "/PT3H", "/P1D", "/P2DT1S"), ";TZID", ";VALUE=PERIOD;TZID", 1)
			}
			lines = append(lines, "RDATE"+date)
		}
		raw := []byte(calendar(append(lines, "END:"+kind)...))
		berlin := location("Europe/Berlin")
		r := span("20260101T000000Z", "20270101T000000Z")
		expanded, err := (&Data{Expand: &r}).Apply(raw, berlin)
		if err != nil {
			t.Fatal(err)
		}
		for range 30 {
			at := at("20260325T220000Z", 0) + rapid.Int64Range(0, 9*24).Draw(t, "hour")*3600
			f := within(kind, TimeRange{at, at + rapid.SampledFrom([]int64{1, 3600}).Draw(t, "seconds")})
			f.Zone = berlin
			was, is := f.Match(&Object{Raw: raw}), f.Match(&Object{Raw: expanded})
			if was != is {
				t.Fatalf("%v, expanded %v, at %s:\n%s\n%s", was, is, formatUTC(at), raw, expanded)
			}
			if was {
				found++
			}
		}
	})
	if found == 0 {
		t.Error("nothing was found")
	}
}

// TestLimitedIsEnough: an object without the overrides that do not matter in a range
// has the same instances there.
func TestLimitedIsEnough(t *testing.T) {
	weekly := []string{"BEGIN:VEVENT", "UID:u", "DTSTART:20260301T100000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=20", "END:VEVENT"}
	override := func(id, start string) []string {
		return []string{"BEGIN:VEVENT", "UID:u", "RECURRENCE-ID" + id, "DTSTART:" + start, "DURATION:PT1H", "SUMMARY:" + id, "END:VEVENT"}
	}
	object := func(overrides ...[]string) string {
		return calendar(slices.Concat(append([][]string{weekly}, overrides...)...)...)
	}
	const later = ";RANGE=THISANDFUTURE:"
	first, second := override(later+"20260301T100000Z", "20260303T100000Z"), override(":20260308T100000Z", "20260420T100000Z")
	days := func(start, end string) TimeRange { return span(start+"T000000Z", end+"T000000Z") }
	for name, c := range map[string]struct {
		raw, want string
		r         TimeRange
	}{
		"moved back into the range":                  {object(override(later+"20260315T100000Z", "20260303T100000Z")), "", days("20260310", "20260311")},
		"moved out of a range where it was moved to": {object(first, second), "", days("20260310", "20260311")},
		"never there": {object(override(later+"20260315T100000Z", "20260317T100000Z"), second), object(), days("20260302", "20260303")},
		"before a range that the next one has": {object(override(later+"20260315T100000Z", "20260317T100000Z"), override(later+"20260329T100000Z", "20260330T100000Z")),
			object(override(later+"20260329T100000Z", "20260330T100000Z")), days("20260406", "20260407")},
		"a DATE, of a series with hours": {object(override(":20260308", "20260420T100000Z")), "", span("20260308T103000Z", "20260308T104500Z")},
	} {
		if c.want == "" {
			c.want = c.raw
		}
		apply(t, name, &Data{LimitRecurrence: &c.r}, c.raw, c.want, nil)
	}
	instances := func(raw []byte, r TimeRange) []string {
		got, err := (&Data{Expand: &r}).Apply(raw, nil)
		if err != nil {
			t.Fatal(err)
		}
		list := strings.SplitAfter(string(got), "BEGIN:VEVENT")
		slices.Sort(list)
		return list
	}
	left := 0
	rapid.Check(t, func(t *rapid.T) {
		moment := func(name string, days int64) string {
			return formatUTC(at("20260301T100000Z", 0) + rapid.Int64Range(0, days).Draw(t, name)*day)
		}
		var overrides [][]string
		for range rapid.IntRange(1, 4).Draw(t, "overrides") {
			id := moment("week", 8)
			if rapid.Bool().Draw(t, "on a week") {
				id = formatUTC(at("20260301T100000Z", 0) + rapid.Int64Range(0, 6).Draw(t, "week")*7*day)
			}
			overrides = append(overrides, override(rapid.SampledFrom([]string{":", later}).Draw(t, "range")+id, moment("start", 50)))
		}
		raw := []byte(object(overrides...))
		for d := int64(-10); d < 70; d += 4 {
			r := TimeRange{at("20260301T000000Z", 0) + d*day, at("20260303T000000Z", 0) + d*day}
			limited, err := (&Data{LimitRecurrence: &r}).Apply(raw, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(limited) < len(raw) {
				left++
			}
			if diff := cmp.Diff(instances(raw, r), instances(limited, r)); diff != "" {
				t.Fatalf("in %s/%s of\n%s: %s", formatUTC(r.Start), formatUTC(r.End), raw, diff)
			}
		}
	})
	if left == 0 {
		t.Error("nothing was left out")
	}
}

func TestPartial(t *testing.T) {
	r := span("20060103T000000Z", "20060105T000000Z")
	limited := strings.Replace(recurring, recurring[strings.LastIndex(recurring, "BEGIN:VEVENT"):], "END:VCALENDAR\r\n", 1)
	apply(t, "RFC 4791 section 7.8.2", &Data{LimitRecurrence: &r}, recurring, limited, nil)
	moved := span("20060104T173000Z", "20060104T174000Z") // where the replaced instance was
	apply(t, "original place", &Data{LimitRecurrence: &moved}, recurring, limited, nil)
	apply(t, "comp and prop", &Data{Comp: &CompData{Name: "VCALENDAR", Props: []PropData{{Name: "version"}},
		Comps: []CompData{{Name: "VEVENT", Props: []PropData{{Name: "UID"}, {Name: "DTSTART", NoValue: true}, {Name: "SUMMARY"}}}, {Name: "VTIMEZONE"}}}},
		strings.Replace(limited, "SUMMARY:Event #2\r\n", "SUMMARY:Event\r\n  #2\r\nBEGIN:VALARM\r\nEND:VALARM\r\n", 1),
		text("BEGIN:VCALENDAR", "VERSION:2.0")+recurring[strings.Index(recurring, "BEGIN:VTIMEZONE"):strings.Index(recurring, "BEGIN:VEVENT")]+
			text("BEGIN:VEVENT", "DTSTART;TZID=US/Eastern:", "SUMMARY:Event", "  #2", "UID:00959BC664CA650E933C892C@example.com", "END:VEVENT",
				"BEGIN:VEVENT", "DTSTART;TZID=US/Eastern:", "SUMMARY:Event #2 bis", "UID:00959BC664CA650E933C892C@example.com", "END:VEVENT", "END:VCALENDAR"), nil)
	apply(t, "all of it", &Data{Comp: &CompData{Name: "VCALENDAR", AllProp: true, AllComp: true}}, recurring, recurring, nil)
	apply(t, "only properties", &Data{Comp: &CompData{Name: "VCALENDAR", AllProp: true}}, event("SUMMARY:x"),
		text("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Example//Test//EN", "END:VCALENDAR"), nil)
	busy := func(lines ...string) string {
		return calendar(append(append([]string{"BEGIN:VFREEBUSY", "UID:u"}, lines...), "END:VFREEBUSY")...)
	}
	apply(t, "limit-freebusy-set", &Data{LimitFreeBusy: &r},
		busy("FREEBUSY;FBTYPE=BUSY:20060102T100000Z/20060102T120000Z,20060104T100000Z/PT1H", "FREEBUSY:20060110T100000Z/PT1H", "FREEBUSY:20060103T100000Z/PT1H"),
		busy("FREEBUSY;FBTYPE=BUSY:20060104T100000Z/PT1H", "FREEBUSY:20060103T100000Z/PT1H"), nil)
}

// TestJSON: RFC 7265, its examples by property.
func TestJSON(t *testing.T) {
	raw := calendar("BEGIN:VEVENT", "UID:u", "DTSTART;TZID=Europe/Berlin:20260710T100000", "DTEND;VALUE=DATE:20260711",
		"RRULE:FREQ=YEARLY;COUNT=5;BYDAY=-1SU,2MO;BYMONTH=10;UNTIL=20300101T000000Z", `SUMMARY;LANGUAGE=en:a\, b\nc<`, `CATEGORIES:one,two\,three`,
		"GEO:37.386013;-122.082932", "REQUEST-STATUS:2.0;Success", "PRIORITY:5", "SEQUENCE:many", "X-A;X-B=1,\"2,3\":raw\\,", "TRIGGER:-PT5M",
		"FREEBUSY:20260710T100000Z/PT1H,20260711T100000Z/20260711T110000Z", "ATTENDEE;CN=\"A ^^ B\":mailto:a@example.org", "X-T;VALUE=BOOLEAN:TRUE",
		"BEGIN:VALARM", "ACTION:AUDIO", "END:VALARM", "COMMENT:behind", "END:VEVENT", "BEGIN:STANDARD", "TZOFFSETFROM:-0500", "END:STANDARD")
	got, err := JSON([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	want := `["vcalendar",[["version",{},"text","2.0"],["prodid",{},"text","-//Example//Test//EN"]],[["vevent",[` +
		`["uid",{},"text","u"],["dtstart",{"tzid":"Europe/Berlin"},"date-time","2026-07-10T10:00:00"],["dtend",{},"date","2026-07-11"],` +
		`["rrule",{},"recur",{"freq":"YEARLY","count":5,"byday":["-1SU","2MO"],"bymonth":10,"until":"2030-01-01T00:00:00Z"}],` +
		`["summary",{"language":"en"},"text","a, b\nc<"],["categories",{},"text","one","two,three"],["geo",{},"float",[37.386013,-122.082932]],` +
		`["request-status",{},"text",["2.0","Success"]],["priority",{},"integer",5],["sequence",{},"unknown","many"],` +
		`["x-a",{"x-b":["1","2,3"]},"unknown","raw\\,"],["trigger",{},"duration","-PT5M"],` +
		`["freebusy",{},"period",["2026-07-10T10:00:00Z","PT1H"],["2026-07-11T10:00:00Z","2026-07-11T11:00:00Z"]],` +
		`["attendee",{"cn":"A ^ B"},"cal-address","mailto:a@example.org"],["x-t",{},"boolean",true],["comment",{},"text","behind"]],` +
		`[["valarm",[["action",{},"text","AUDIO"]],[]]]],["standard",[["tzoffsetfrom",{},"utc-offset","-05:00"]],[]]]]`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	if _, err := JSON([]byte("BEGIN:VEVENT\r\nEND:VEVENT\r\n")); err == nil {
		t.Error("no calendar, no error")
	}
}

// FuzzApply: any text can be asked for in any form, and jCal is JSON.
func FuzzApply(f *testing.F) {
	for _, raw := range caseFiles(f) {
		f.Add(raw)
	}
	f.Add([]byte(recurring))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := span("20060101T000000Z", "20270101T000000Z")
		for _, d := range []*Data{{Expand: &r}, {LimitRecurrence: &r}, {LimitFreeBusy: &r},
			{Comp: &CompData{Name: "VCALENDAR", Comps: []CompData{{Name: "VEVENT", Props: []PropData{{Name: "UID"}}}}}}} {
			out, err := d.Apply(raw, nil)
			if o, bad := ParseObject(raw); bad == nil && err == nil && d.Expand != nil && o.Component != "VFREEBUSY" {
				if len(out) == 0 {
					t.Fatal("nothing is left")
				}
			}
		}
		if out, err := JSON(raw); err == nil && !json.Valid(out) {
			t.Fatalf("no JSON: %s", out)
		}
		NewFreeBusy(r).Add(raw, nil)
	})
}
