package translate

import (
	"strings"
	"testing"
)

// component makes an object of one component with UID u.
func one(component string, lines string) string {
	return calendar("BEGIN:"+component, "UID:u", strings.ReplaceAll(lines, " ", "\r\n"), "END:"+component)
}

// TestOverlap holds the tables of RFC 4791 section 9.9 with their borders: start
// and end of a range, "-" is open, and the answer.
func TestOverlap(t *testing.T) {
	const s, e = "20260310T100000Z", "20260310T110000Z"
	type ask struct {
		start, end string
		want       bool
	}
	for _, c := range []struct {
		component, lines string
		asks             []ask
	}{
		{"VEVENT", "DTSTART:" + s + " DTEND:" + e, []ask{
			{"20260310T090000Z", s, false}, {"20260310T090000Z", "20260310T100001Z", true},
			{e, "-", false}, {"20260310T105959Z", "-", true}, {"-", s, false}, {"-", "-", true},
			{s, e, true}, {"20260310T101000Z", "20260310T102000Z", true}}},
		{"VEVENT", "DTSTART:" + s + " DURATION:PT1H", []ask{
			{"20260310T105959Z", "-", true}, {e, "-", false}, {"-", s, false}}},
		{"VEVENT", "DTSTART:" + s + " DURATION:PT0S", []ask{
			{s, e, true}, {"20260310T100001Z", e, false}, {"-", s, false}}},
		{"VEVENT", "DTSTART:" + s, []ask{{s, e, true}, {"20260310T100001Z", e, false}, {"-", s, false}}},
		{"VEVENT", "DTSTART:" + e + " DTEND:" + s, []ask{{e, "-", true}, {s, e, false}}},
		{"VEVENT", "DTSTART;VALUE=DATE:20260310", []ask{
			{"20260310T235959Z", "-", true}, {"20260311T000000Z", "-", false},
			{"-", "20260310T000000Z", false}, {"-", "20260310T000001Z", true}}},
		{"VEVENT", "DTSTART:20260310 DTEND:20260312", []ask{
			{"20260311T235959Z", "-", true}, {"20260312T000000Z", "-", false}}},
		{"VEVENT", "DTSTART;VALUE=DATE:20260310 DTEND;VALUE=DATE:20260310", []ask{
			{"20260310T120000Z", "20260310T130000Z", true}, {"20260311T000000Z", "-", false}}},
		{"VEVENT", "DTSTART;VALUE=DATE:20260310 DURATION:P2D", []ask{
			{"20260311T235959Z", "-", true}, {"20260312T000000Z", "-", false}}},
		{"VEVENT", "DTSTART;TZID=America/New_York:20260308T013000 DURATION:P1D", []ask{ // the clocks change
			{"20260309T052959Z", "-", true}, {"20260309T053000Z", "-", false}}},
		{"VEVENT", "DTSTART;TZID=America/New_York:20260308T013000 DURATION:PT24H", []ask{
			{"20260309T062959Z", "-", true}, {"20260309T063000Z", "-", false}}},
		{"VEVENT", "DTSTART:99991231T230000Z DURATION:P1D", []ask{{"99991231T235959Z", "-", true}, {"-", "99991231T230000Z", false}}},
		{"VTODO", "DTSTART:" + s + " DURATION:PT1H", []ask{
			{e, "-", true}, {"20260310T110001Z", "-", false}, {"-", s, false}, {"-", "20260310T100001Z", true}}},
		{"VTODO", "DTSTART:" + s + " DUE:" + e, []ask{
			{"20260310T105959Z", "-", true}, {e, "-", false}, {"-", s, false}, {"-", "20260310T100001Z", true}}},
		{"VTODO", "DTSTART:" + s + " DUE:" + s, []ask{{s, "-", true}, {"-", s, true}, {"20260310T100001Z", "-", false}}},
		{"VTODO", "DTSTART:" + s, []ask{{s, "-", true}, {"20260310T100001Z", "-", false}, {"-", s, false}}},
		{"VTODO", "DUE:" + e, []ask{{e, "-", false}, {s, e, true}, {"-", "20260310T105959Z", false}}},
		{"VTODO", "CREATED:" + s + " COMPLETED:" + e, []ask{
			{e, "-", true}, {"20260310T110001Z", "-", false}, {"-", s, true}, {"-", "20260310T095959Z", false}}},
		{"VTODO", "COMPLETED:" + s, []ask{{s, "-", true}, {"20260310T100001Z", "-", false}, {"-", s, true}, {"-", "20260310T095959Z", false}}},
		{"VTODO", "CREATED:" + s, []ask{{"20300101T000000Z", "-", true}, {"-", s, false}, {"-", "20260310T100001Z", true}}},
		{"VTODO", "SUMMARY:x", []ask{{"19700101T000000Z", "19700101T000001Z", true}}},
		{"VJOURNAL", "DTSTART:" + s, []ask{{s, "-", true}, {"20260310T100001Z", "-", false}, {"-", s, false}}},
		{"VJOURNAL", "DTSTART;VALUE=DATE:20260310", []ask{{"20260310T235959Z", "-", true}, {"20260311T000000Z", "-", false}}},
		{"VJOURNAL", "SUMMARY:x", []ask{{"-", "-", false}}},
		{"VTODO", "DTSTART:" + s + " DURATION:PT1H RRULE:FREQ=DAILY;COUNT=2", []ask{{"20260311T110000Z", "-", true}, {"20260311T110001Z", "-", false}}},
		{"VFREEBUSY", "DTSTART:" + s + " DTEND:" + e, []ask{{e, "-", true}, {"20260310T110001Z", "-", false}, {"-", s, false}}},
		{"VFREEBUSY", "FREEBUSY:20260310T100000Z/PT1H,20260310T130000Z/20260310T140000Z FREEBUSY:20260310T160000Z/PT1H", []ask{
			{e, "20260310T130000Z", false}, {"20260310T135959Z", "20260310T150000Z", true}, {"20260310T163000Z", "-", true}, {"20260310T170000Z", "-", false}, {"-", s, false}}},
		{"VFREEBUSY", "SUMMARY:x", []ask{{"-", "-", false}}},
	} {
		o := parse(t, one(c.component, c.lines))
		for _, a := range c.asks {
			if got := checkFilter(t, within(c.component, span(a.start, a.end)), o); got != a.want {
				t.Errorf("%s %s in %s/%s: %v", c.component, c.lines, a.start, a.end, got)
			}
		}
	}
}

// TestOverlapMaybe: what cannot be read is never missed, and is not found where
// no reading has it.
func TestOverlapMaybe(t *testing.T) {
	near, far := span("20260310T230000Z", "20260310T230100Z"), span("20260320T000000Z", "20260321T000000Z")
	before := span("20260301T000000Z", "20260302T000000Z")
	for lines, want := range map[string][3]bool{ // before, near, far
		"DTSTART:20260310T100000 DTEND:20260310T110000":                                     {false, false, false},
		"DTSTART;TZID=Harbour:20260310T100000 DURATION:PT1H":                                {false, false, false},
		"DTSTART;TZID=Local:20260310T100000 DURATION:PT1H":                                  {false, false, false},
		"DTSTART;TZID=../../etc/passwd:20260310T100000":                                     {false, false, false},
		"DTSTART:20260310T220000Z DURATION:-P5S":                                            {false, true, true},
		"DTSTART:20260310T220000Z DTEND:tomorrow":                                           {false, true, true},
		"DTSTART:20260309T220000Z DTEND:x RRULE:FREQ=DAILY;COUNT=3 EXDATE:20260309T220000Z": {false, true, true},
		"DTSTART:20260310T220000Z DTSTART:20260320T000000Z":                                 {true, true, true},
		"DTSTART:20260230T220000Z":                                                          {true, true, true},
		"DTSTART:20260310T240000Z":                                                          {true, true, true},
		"SUMMARY:x":                                                                         {true, true, true},
		"DTSTART:20260305T100000Z RRULE:FREQ=SECONDLY":                                      {false, true, true},
		"DTSTART:20260305T100000Z RRULE:FREQ=DAILY;UNTIL=20260312T000000Z":                  {false, false, false},
		"DTSTART:20260305T100000Z RRULE:FREQ=DAILY;until=20260312":                          {false, false, false},
		"DTSTART:20260305T100000Z RRULE:FREQ=DAILY;UNTIL=20260312T000000Z RRULE:x":          {false, true, true},
		"DTSTART:20260305T100000Z RRULE:FREQ=DAILY;UNTIL=":                                  {false, true, true},
		"DTSTART:20260310T100000Z RDATE:20260301T120000Z":                                   {true, false, false},
		"DTSTART:20260310T100000Z RDATE:20260301T120000Z,20260320T100000Z":                  {true, false, true},
		"DTSTART:20260310T100000Z RDATE:x":                                                  {true, true, true},
		"DTSTART:20260310T220000Z DURATION:PT2H RECURRENCE-ID;RANGE=THISANDFUTURE:x":        {false, true, true},
		"DTSTART:20260310T220000Z DURATION:PT2H RECURRENCE-ID:20260320T100000Z":             {false, true, false},
		"DTSTART:20260301T220000Z RDATE;VALUE=PERIOD:20260305T000000Z/P6D,x/y":              {true, true, true},
		"DTSTART:20260305T220000Z RDATE;VALUE=PERIOD:20260305T000000Z/P6D":                  {false, true, false},
		"DTSTART:20260310T220000Z DURATION:P9999999W DTEND:20260311T000000Z":                {false, true, false},
		"DTSTART:20260305T100000 RRULE:FREQ=DAILY;UNTIL=20260312T000000Z":                   {false, false, false},
		"DTSTART;VALUE=DATE:20260305 RRULE:FREQ=DAILY;UNTIL=20260312":                       {false, true, false},
		"DTSTART;TZID=Europe/Berlin:20260305T100000 RRULE:FREQ=DAILY;UNTIL=20260312":        {false, false, false},
		"DTSTART;TZID=Europe/Berlin:20260305T100000 RRULE:UNTIL=20260312T100000":            {false, true, true},
		"DTSTART;VALUE=DATE:20260305 RRULE:FREQ=DAILY;UNTIL=20260312T215959Z":               {false, true, false},
		"DTSTART:20260305T100000Z EXRULE:FREQ=DAILY EXDATE:20260305T100000Z DTEND:bad":      {false, false, false},
	} {
		o := parse(t, one("VEVENT", lines))
		for i, r := range []TimeRange{before, near, far} {
			f := within("VEVENT", r)
			if got := checkFilter(t, f, o); got != want[i] {
				t.Errorf("%s: %d: %v", lines, i, got)
			}
		}
	}
}

// TestZoneOfTheQuery: with Filter.Zone floating times and dates are exact.
func TestZoneOfTheQuery(t *testing.T) {
	auckland, honolulu := location("Pacific/Auckland"), location("Pacific/Honolulu")
	allDay := parse(t, event("DTSTART;VALUE=DATE:20260310"))
	floating := parse(t, event("DTSTART:20260310T120000", "DTEND:20260310T130000"))
	berlin, long, short := location("Europe/Berlin"), "DTSTART;VALUE=DATE:20261025", "DTSTART;VALUE=DATE:20260329" // 25 and 23 hours
	journal, shortJournal := parse(t, one("VJOURNAL", long)), parse(t, one("VJOURNAL", short))
	for _, c := range []struct {
		o          *Object
		zone       *Zone
		start, end string
		want       bool
	}{
		{allDay, auckland, "20260309T110000Z", "20260309T110001Z", true},
		{allDay, auckland, "20260310T110000Z", "-", false},
		{allDay, honolulu, "20260311T095959Z", "-", true},
		{allDay, honolulu, "-", "20260310T100000Z", false},
		{allDay, UTC, "20260311T000000Z", "-", false},
		{allDay, nil, "20260310T235959Z", "-", true},
		{allDay, nil, "20260311T000000Z", "-", false},
		{floating, auckland, "20260309T230000Z", "20260309T230001Z", true},
		{floating, auckland, "20260310T000000Z", "-", false},
		{floating, UTC, "20260310T125959Z", "-", true},
		{floating, UTC, "20260310T130000Z", "-", false},
		{parse(t, event(long)), berlin, "20261025T225959Z", "-", true},
		{journal, berlin, "20261025T225959Z", "-", true},
		{journal, berlin, "20261025T230000Z", "-", false},
		{shortJournal, berlin, "20260329T215959Z", "-", true},
		{shortJournal, berlin, "20260329T220000Z", "-", false},
	} {
		f := within(c.o.Component, span(c.start, c.end))
		f.Zone = c.zone
		if got := checkFilter(t, f, c.o); got != c.want {
			t.Errorf("%v in %v, %s/%s: %v", c.o.Span, c.zone, c.start, c.end, got)
		}
	}
}

// TestLongDay: a DATE of a property, and of the DUE that an alarm counts from, is a day by the clocks.
func TestLongDay(t *testing.T) {
	last, behind := span("20261025T225959Z", "-"), span("20261025T230000Z", "-")
	due := of(CompFilter{Name: "VTODO", Props: []PropFilter{{Name: "DUE", TimeRange: &last}}})
	alarm := of(CompFilter{Name: "VTODO", Comps: []CompFilter{{Name: "VALARM", TimeRange: &last}}})
	o := parse(t, one("VTODO", "DUE;VALUE=DATE:20261025 BEGIN:VALARM TRIGGER:PT0S END:VALARM"))
	for _, f := range []*Filter{due, alarm} {
		f.Zone = location("Europe/Berlin")
		last = span("20261025T225959Z", "-")
		if !checkFilter(t, f, o) {
			t.Errorf("%+v: not in the last second of the day", f.Comp.Comps[0])
		}
		if last = behind; f == due && checkFilter(t, f, o) {
			t.Error("still the day after it")
		}
	}
}

// TestPropertyRange: a time-range in a prop-filter (RFC 4791 section 9.7.2).
func TestPropertyRange(t *testing.T) {
	o := parse(t, event("DTSTART:20260310T090000Z", "CREATED:20260301T100000Z", "SUMMARY:20260301T100000Z",
		"EXDATE;TZID=Europe/Berlin:20260401T100000,20260501T100000", "X-DAY;VALUE=DATE;TZID=Pacific/Auckland:20260601", "X-UTC;TZID=Pacific/Auckland:20260701T100000Z", "DTEND:soon"))
	for _, c := range []struct {
		name, start, end string
		want             bool
	}{
		{"CREATED", "20260301T100000Z", "20260301T100001Z", true},
		{"created", "20260301T100001Z", "-", false},
		{"CREATED", "-", "20260301T100000Z", false},
		{"EXDATE", "20260501T080000Z", "20260501T080001Z", true},
		{"EXDATE", "20260501T080001Z", "-", false},
		{"X-DAY", "20260601T235959Z", "-", true},
		{"X-DAY", "20260602T000000Z", "-", false},
		{"X-UTC", "20260701T100000Z", "20260701T100001Z", true},
		{"X-UTC", "-", "20260701T100000Z", false},
		{"DTEND", "-", "-", false},
		{"LAST-MODIFIED", "-", "-", false},
	} {
		r := span(c.start, c.end)
		f := of(CompFilter{Name: "VEVENT", Props: []PropFilter{{Name: c.name, TimeRange: &r}}})
		if got := checkFilter(t, f, o); got != c.want {
			t.Errorf("%s in %s/%s: %v", c.name, c.start, c.end, got)
		}
	}
}

// TestAlarmRange: VALARM in RFC 4791 section 9.9.
func TestAlarmRange(t *testing.T) {
	type ask struct {
		start, end string
		want       bool
	}
	const base = "DTSTART:20260310T100000Z DTEND:20260310T110000Z "
	const clocks = "DTSTART;TZID=Europe/Berlin:20260329T120000 DURATION:PT1H "
	alarm := func(lines string) string { return "BEGIN:VALARM " + lines + " END:VALARM" }
	for lines, asks := range map[string][]ask{
		base + alarm("TRIGGER:-PT15M"): {
			{"20260310T094500Z", "20260310T094501Z", true}, {"20260310T094501Z", "-", false}, {"-", "20260310T094500Z", false}},
		base + alarm("TRIGGER;RELATED=END:PT5M"): {{"20260310T110500Z", "20260310T110501Z", true}, {"-", "20260310T110500Z", false}},
		base + alarm("TRIGGER;VALUE=DATE-TIME:20260101T000000Z"): {
			{"20260101T000000Z", "20260101T000001Z", true}, {"20260310T000000Z", "-", false}},
		base + alarm("TRIGGER:-PT15M REPEAT:2 DURATION:PT5M"): {
			{"20260310T095500Z", "20260310T095501Z", true}, {"20260310T095501Z", "-", false}, {"20260310T094501Z", "20260310T094959Z", false}},
		base + alarm("TRIGGER:-PT15M REPEAT:9999999 DURATION:P9999999W"):               {{"20990310T095500Z", "-", true}},
		base + alarm("TRIGGER:-P5S"):                                                   {{"20200101T000000Z", "20200102T000000Z", true}},
		base + alarm("ACTION:AUDIO"):                                                   {{"-", "-", false}},
		base + alarm("TRIGGER:PT0S TRIGGER:PT0S"):                                      {{"20200101T000000Z", "20200102T000000Z", true}},
		"DTSTART:20260310T100000Z DURATION:P1D " + alarm("TRIGGER;RELATED=END:-PT1H"):  {{"20260311T090000Z", "20260311T090001Z", true}, {"-", "20260311T090000Z", false}},
		"DTSTART;VALUE=DATE:20260310 " + alarm("TRIGGER;RELATED=END:PT9H"):             {{"20260311T090000Z", "20260311T090001Z", true}, {"-", "20260311T090000Z", false}},
		"DTSTART:20260310T100000Z RRULE:FREQ=DAILY " + alarm("TRIGGER:-PT15M"):         {{"20300101T000000Z", "-", true}, {"-", "20260101T000000Z", false}},
		"DTSTART:20260310T100000Z RRULE:FREQ=DAILY " + alarm("TRIGGER:20260309T0000Z"): {{"20300101T000000Z", "-", true}},
		base + "RRULE:FREQ=DAILY;COUNT=3 " + alarm("TRIGGER;RELATED=END:PT5M"): {
			{"20260312T110500Z", "20260312T110501Z", true}, {"20260312T110501Z", "-", false}, {"20260310T110501Z", "20260311T110500Z", false}},
		base + "RDATE;VALUE=PERIOD:20260320T100000Z/PT3H " + alarm("TRIGGER;RELATED=END:PT5M"): {
			{"20260320T130500Z", "20260320T130501Z", true}, {"20260310T110501Z", "20260320T130500Z", false}},
		"DTSTART;VALUE=DATE:20260310 RRULE:FREQ=DAILY;COUNT=3 " + alarm("TRIGGER;RELATED=END:-PT1H"): {
			{"20260312T230000Z", "20260312T230001Z", true}, {"20260312T230001Z", "-", false}},
		// A day is one by the clocks, 24 hours are 24 hours (RFC 5545 section 3.3.6); there they change in the night of the 29th.
		clocks + alarm("TRIGGER:-P1D"):             {{"20260328T110000Z", "20260328T110001Z", true}, {"20260328T110001Z", "-", false}},
		clocks + alarm("TRIGGER;RELATED=END:-P1D"): {{"20260328T120000Z", "20260328T120001Z", true}, {"20260328T120001Z", "-", false}},
		"DTSTART:20260310T100000Z DURATION:x RRULE:FREQ=DAILY;COUNT=2 " + alarm("TRIGGER;RELATED=END:PT0S"): {{"20300101T000000Z", "-", true}},
		clocks + alarm("TRIGGER:-PT24H"): {{"20260328T100000Z", "20260328T100001Z", true}, {"20260328T100001Z", "-", false}},
		clocks + "RRULE:FREQ=DAILY;COUNT=2 " + alarm("TRIGGER:-P1D"): {
			{"20260328T110000Z", "20260328T110001Z", true}, {"20260328T110001Z", "20260329T100000Z", false}, {"20260329T100000Z", "20260329T100001Z", true}},
		clocks + "RRULE:FREQ=DAILY;COUNT=2 " + alarm("TRIGGER:-PT24H"): {{"20260328T100000Z", "20260328T100001Z", true}, {"20260328T100001Z", "20260329T100000Z", false}},
		clocks + "RRULE:FREQ=DAILY;COUNT=2 " + alarm("TRIGGER;RELATED=END:-P1D"): {
			{"20260328T120000Z", "20260328T120001Z", true}, {"-", "20260328T120000Z", false}, {"20260328T120001Z", "20260329T110000Z", false}},
		clocks + "RRULE:FREQ=DAILY;COUNT=2 " + alarm("TRIGGER;RELATED=END:-PT24H"): {{"20260328T110000Z", "20260328T110001Z", true}, {"-", "20260328T110000Z", false}},
	} {
		o := parse(t, one("VEVENT", lines))
		for _, a := range asks {
			r := span(a.start, a.end)
			f := of(CompFilter{Name: "VEVENT", Comps: []CompFilter{{Name: "VALARM", TimeRange: &r}}})
			if got := checkFilter(t, f, o); got != a.want {
				t.Errorf("%s in %s/%s: %v", lines, a.start, a.end, got)
			}
		}
	}
	for lines, asks := range map[string][]ask{
		"DUE:20260310T100000Z " + alarm("TRIGGER;RELATED=END:-PT1H"): {{"20260310T090000Z", "20260310T090001Z", true}, {"20260310T090001Z", "-", false}},
		// Where there is no start to count from it is DUE, a date as a whole.
		"DUE:20260310T100000Z " + alarm("TRIGGER:-PT1H"): {
			{"20260310T090000Z", "20260310T090001Z", true}, {"20260310T090001Z", "-", false}, {"-", "20260310T090000Z", false}},
		"DUE;VALUE=DATE:20260310 " + alarm("TRIGGER;RELATED=START:-PT1H"): {
			{"20260309T230000Z", "20260309T230001Z", true}, {"20260310T225959Z", "-", true}, {"20260310T230001Z", "-", false}, {"-", "20260309T230000Z", false}},
		"SUMMARY:undated " + alarm("TRIGGER:-PT1H"): {{"20200101T000000Z", "20200102T000000Z", true}},
	} {
		o := parse(t, one("VTODO", lines))
		for _, a := range asks {
			r := span(a.start, a.end)
			f := of(CompFilter{Name: "VTODO", Comps: []CompFilter{{Name: "VALARM", TimeRange: &r}}})
			if got := checkFilter(t, f, o); got != a.want {
				t.Errorf("task with %s in %s/%s: %v", lines, a.start, a.end, got)
			}
		}
	}
}

// TestReversedRange: an end before the start is an open one.
func TestReversedRange(t *testing.T) {
	o := parse(t, event("DTSTART:20300101T000000Z"))
	if !checkFilter(t, within("VEVENT", TimeRange{at("20260101T000000Z", 0), at("00010101T000000Z", 0)}), o) {
		t.Error("missed")
	}
	if checkFilter(t, within("VEVENT", TimeRange{at("20310101T000000Z", 0), at("00010101T000000Z", 0)}), o) {
		t.Error("found")
	}
}

// TestRecurringBorders: where the end of a series is not DTSTART's length behind
// its last start.
func TestRecurringBorders(t *testing.T) {
	for _, c := range []struct{ lines, start, end string }{
		// UNTIL as a date takes in all of that day.
		{"DTSTART:20260305T100000Z RRULE:FREQ=DAILY;UNTIL=20260310", "20260310T100000Z", "20260310T100001Z"},
		// The last day has 25 hours, the first has 24.
		{"DTSTART;TZID=Europe/Berlin:20260401T000000 DURATION:P1D RRULE:FREQ=DAILY;UNTIL=20261024T220000Z",
			"20261025T223000Z", "20261025T223100Z"},
		// An extra date of a timed event is at its time of day.
		{"DTSTART:20260310T180000Z RDATE;VALUE=DATE:20260312", "20260312T180000Z", "20260312T180001Z"},
		// An instance that THISANDFUTURE moves lies far behind where the rule has it, or before.
		{"DTSTART:20260101T100000Z RRULE:FREQ=WEEKLY END:VEVENT BEGIN:VEVENT UID:u RECURRENCE-ID;RANGE=THISANDFUTURE:20260108T100000Z DTSTART:20260209T100000Z",
			"20260330T100000Z", "20260330T100001Z"},
		{"DTSTART:20260101T100000Z RRULE:FREQ=WEEKLY;COUNT=20 END:VEVENT BEGIN:VEVENT UID:u RECURRENCE-ID;RANGE=THISANDFUTURE:20260402T100000Z DTSTART:20260209T100000Z",
			"20260302T100000Z", "20260302T100001Z"},
		{"DTSTART:20260101T100000Z RRULE:FREQ=YEARLY END:VEVENT BEGIN:VEVENT UID:u RECURRENCE-ID;RANGE=THISANDFUTURE:20270101T100000Z DTSTART:20270101T100000Z DURATION:P60D",
			"20280220T100000Z", "20280220T100001Z"},
	} {
		o := parse(t, one("VEVENT", c.lines))
		if !checkFilter(t, within("VEVENT", span(c.start, c.end)), o) {
			t.Errorf("%s is missed in %s/%s", c.lines, c.start, c.end)
		}
	}
}

// TestComponentsTooDeep: what is too deep to be listed hides nothing behind it.
func TestComponentsTooDeep(t *testing.T) {
	deep := strings.Repeat("BEGIN:X\r\n", 3*MaxDepth) + strings.Repeat("END:X\r\n", 3*MaxDepth)
	o := &Object{Raw: []byte("BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nBEGIN:X\r\n" + deep + "BEGIN:VALARM\r\nEND:VALARM\r\nEND:X\r\nEND:VTODO\r\n" +
		"BEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")}
	if !of(CompFilter{Name: "VEVENT"}).Match(o) {
		t.Error("the event behind is hidden")
	}
	alarm := CompFilter{Name: "VALARM"}
	if !of(CompFilter{Name: "VTODO", Comps: []CompFilter{{Name: "X", Comps: []CompFilter{alarm}}}}).Match(o) {
		t.Error("the alarm behind is hidden")
	}
	if of(CompFilter{Name: "VTODO", Comps: []CompFilter{alarm}}).Match(o) {
		t.Error("the alarm of another component is found")
	}
}
