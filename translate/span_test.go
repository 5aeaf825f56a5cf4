package translate

import (
	"testing"

	"pgregory.net/rapid"
)

func TestSpan(t *testing.T) {
	for lines, want := range map[string]string{
		"DTSTART:20261125T090000Z DTEND:20261125T100000Z":                                "4;VEVENT;20261125T090000Z/20261125T100000Z;",
		"DTSTART;TZID=Europe/Berlin:20261125T090000 DURATION:PT1H":                       "4;VEVENT;20261125T080000Z/20261125T090000Z;floats",
		"DTSTART;VALUE=DATE:20261125":                                                    "4;VEVENT;20261125T000000Z/20261126T000000Z;floats",
		"DTSTART:20261125T090000":                                                        "4;VEVENT;20261125T090000Z/20261125T090000Z;floats",
		"DTSTART;TZID=Harbour:20261125T090000":                                           "4;VEVENT;20261125T090000Z/20261125T090000Z;floats",
		"DTSTART:20261125T090000Z RRULE:FREQ=DAILY BEGIN:VALARM END:VALARM":              "4;VEVENT;20261125T090000Z/;recurs,alarms",
		"DTSTART:20261125T090000Z RRULE:FREQ=DAILY;UNTIL=20261201T090000Z DURATION:PT1H": "4;VEVENT;20261125T090000Z/20261201T100000Z;recurs",
		"DTSTART:20261125T090000Z RDATE:20261120T090000Z":                                "4;VEVENT;20261120T090000Z/20261125T090000Z;recurs",
		"RECURRENCE-ID:20261125T090000Z DTSTART:20261126T090000Z":                        "4;VEVENT;20261126T090000Z/20261126T090000Z;recurs",
		"SUMMARY:x":                             "4;VEVENT;/;",
		"DTSTART:junk":                          "4;VEVENT;/;",
		"DTSTART:20261125T090000Z DTEND:x":      "4;VEVENT;20261125T090000Z/;",
		"DTSTART:99991231T230000Z DURATION:P1D": "4;VEVENT;99991231T230000Z/;",
		"DTSTART:00010101T000000Z":              "4;VEVENT;00010101T000000Z/00010101T000000Z;",
	} {
		o := parse(t, one("VEVENT", lines))
		if got := o.Span.String(); got != want {
			t.Errorf("%s: %s, want %s", lines, got, want)
		}
	}
	o := parse(t, calendar("BEGIN:VEVENT", "UID:u", "DTSTART:20261125T090000Z", "END:VEVENT",
		"BEGIN:VEVENT", "UID:u", "RECURRENCE-ID:x", "DTSTART:20261120T090000Z", "DTEND:20261120T100000Z", "BEGIN:VALARM", "END:VALARM", "END:VEVENT"))
	if got := o.Span.String(); got != "4;VEVENT;20261120T090000Z/20261125T090000Z;recurs,alarms" {
		t.Errorf("two components: %s", got)
	}
}

func TestParseSpan(t *testing.T) {
	for _, s := range []string{"", ";", "x", "0;VEVENT;/;", "4", "4;VEVENT", "4;VEVENT;/", "4;vevent;/;", "4;;/;", "4;VALARM;/;",
		"4;VEVENT;;", "4;VEVENT;20261125/;", "4;VEVENT;20261125T090000/;", "4;VEVENT;20261125T090000z/;", "4;VEVENT; /;",
		"4;VEVENT;/;sings", "4;VEVENT;/;;", "-1;VEVENT;/;", "1 ;VEVENT;/;", "99999999999999999999;VEVENT;/;"} {
		if got, ok := ParseSpan(s); ok {
			t.Errorf("%q is read as %+v", s, got)
		} else if !got.MayOverlap(0, 1) {
			t.Errorf("%q says no", s)
		}
	}
	newer, ok := ParseSpan("2;anything at all")
	if !ok || newer.Version != 2 || !newer.MayOverlap(0, 1) || !newer.MayOverlap(openStart, openEnd) {
		t.Errorf("another version: %+v, %v", newer, ok)
	}
}

func TestSpanReadsBack(t *testing.T) {
	end := func(t *rapid.T, label string, open int64) int64 {
		if rapid.Bool().Draw(t, label+" open") {
			return open
		}
		return rapid.Int64Range(minSpan, maxSpan).Draw(t, label)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := Span{
			Version: SpanVersion, Component: rapid.SampledFrom([]string{"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"}).Draw(t, "component"),
			Start: end(t, "start", openStart), End: end(t, "end", openEnd),
			Recurs: rapid.Bool().Draw(t, "recurs"), Floats: rapid.Bool().Draw(t, "floats"), Alarms: rapid.Bool().Draw(t, "alarms"),
		}
		if got, ok := ParseSpan(s.String()); !ok || got != s {
			t.Fatalf("%s reads back as %+v, %v", s, got, ok)
		}
	})
}

func TestMayOverlap(t *testing.T) {
	s := Span{Version: SpanVersion, Component: "VEVENT", Start: 100, End: 200}
	for _, c := range []struct {
		start, end int64
		want       bool
	}{{0, 99, false}, {0, 100, true}, {200, 300, true}, {201, 300, false}, {201, openEnd, false}, {openStart, 99, false}, {openStart, openEnd, true}, {150, 0, true}, {201, 0, false}} {
		if got := s.MayOverlap(c.start, c.end); got != c.want {
			t.Errorf("%d/%d: %v", c.start, c.end, got)
		}
	}
	s.Floats = true
	if !s.MayOverlap(200+zoneSlack, openEnd) || s.MayOverlap(201+zoneSlack, openEnd) {
		t.Error("a floating span is not widened by 26 h")
	}
}

func FuzzParseSpan(f *testing.F) {
	f.Add("4;VEVENT;20261125T090000Z/20261125T100000Z;recurs,floats,alarms")
	f.Add("4;VTODO;/;")
	f.Add("1;x")
	f.Fuzz(func(t *testing.T, s string) {
		span, ok := ParseSpan(s)
		if !ok {
			return
		}
		if again, ok := ParseSpan(span.String()); span.Version == SpanVersion && (!ok || again != span) {
			t.Fatalf("%q: %+v, %+v", s, span, again)
		}
		span.MayOverlap(openStart, openEnd)
	})
}
