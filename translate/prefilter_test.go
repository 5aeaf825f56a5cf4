package translate

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// drawObject draws an object with all that can move its instances about.
func drawObject(t *rapid.T, forms ...string) string {
	pick := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
	form := pick("form", forms...)
	moment := func(name string) string {
		wall := rapid.Int64Range(at("20251225T000000Z", 0), at("20260401T000000Z", 0)).Draw(t, name)
		s := formatUTC(wall - wall%900)
		switch form {
		case "utc":
			return name + ":" + s
		case "zone":
			return name + ";TZID=America/New_York:" + s[:15]
		case "own":
			return name + ";TZID=Mine:" + s[:15]
		case "nowhere":
			return name + ";TZID=Nowhere:" + s[:15]
		case "date":
			return name + ";VALUE=DATE:" + s[:8]
		}
		return name + ":" + s[:15]
	}
	kind := pick("kind", "VEVENT", "VTODO", "VJOURNAL")
	component := func(override bool) []string {
		lines := []string{"BEGIN:" + kind, "UID:u"}
		maybe := func(line string) {
			if rapid.IntRange(0, 2).Draw(t, "with "+line) == 0 {
				lines = append(lines, line)
			}
		}
		if override {
			id := moment("RECURRENCE-ID")
			if rapid.Bool().Draw(t, "future") {
				id = strings.Replace(id, "RECURRENCE-ID", "RECURRENCE-ID;RANGE=THISANDFUTURE", 1)
			}
			lines = append(lines, id)
		}
		if rapid.IntRange(0, 9).Draw(t, "start") > 0 {
			lines = append(lines, moment("DTSTART"))
		}
		switch {
		case rapid.Bool().Draw(t, "length"):
			maybe("DURATION:" + pick("duration", "PT1H", "P1D", "P1W", "PT0S"))
		case kind == "VEVENT":
			maybe(moment("DTEND"))
		case kind == "VTODO":
			maybe(moment("DUE"))
		}
		if kind == "VTODO" {
			maybe("COMPLETED:20260301T000000Z")
			maybe("CREATED:20251201T000000Z")
		}
		if !override {
			rule := "RRULE:FREQ=" + pick("freq", "HOURLY;INTERVAL=7", "DAILY", "WEEKLY;BYDAY=MO,FR", "MONTHLY;BYDAY=-1SU", "YEARLY", "NEVER")
			maybe(rule + pick("end", "", ";COUNT=4", ";UNTIL=20260215", ";UNTIL=20260215T120000Z", ";UNTIL=20260215T120000"))
			maybe(moment("RDATE"))
			maybe("RDATE;VALUE=PERIOD:20260110T100000Z/P2D")
			maybe(moment("EXDATE"))
			maybe("EXRULE:FREQ=DAILY;INTERVAL=2")
		}
		if rapid.Bool().Draw(t, "alarm") {
			lines = append(lines, "BEGIN:VALARM", "TRIGGER;RELATED="+pick("related", "START", "END")+":"+pick("before", "-P3D", "PT5M", "-PT0S"), "END:VALARM")
		}
		return append(lines, "END:"+kind)
	}
	lines := component(rapid.IntRange(0, 9).Draw(t, "no master") == 0)
	for range rapid.IntRange(0, 2).Draw(t, "overrides") {
		lines = append(lines, component(true)...)
	}
	if form == "own" {
		own := strings.TrimSpace(strings.Replace(newYorkDefinition, "America/New_York", "Mine", 1))
		lines = append(lines, strings.ReplaceAll(own, "\n", "\r\n"))
	}
	return calendar(lines...)
}

// TestPrefilterNeverMisses: what matches by its octets matches by its span, in any
// zone of the calendar; and what the span alone says to match does.
func TestPrefilterNeverMisses(t *testing.T) {
	zones := []*Zone{nil, UTC, location("Pacific/Kiritimati"), location("Pacific/Pago_Pago"), ReadZone([]byte(berlinDefinition))}
	rapid.Check(t, func(t *rapid.T) {
		raw := drawObject(t, "utc", "zone", "own", "floating", "date", "nowhere")
		o, err := ParseObject([]byte(raw))
		if err != nil {
			t.Skip(err)
		}
		for n := range 4 {
			start := rapid.Int64Range(at("20251220T000000Z", 0), at("20260420T000000Z", 0)).Draw(t, fmt.Sprint("start ", n))
			r := TimeRange{start, start + rapid.SampledFrom([]int64{1, 900, day, 20 * day}).Draw(t, "length")}
			f := within(o.Component, r)
			if rapid.Bool().Draw(t, "of alarms") {
				f = of(CompFilter{Name: o.Component, Comps: []CompFilter{{Name: "VALARM", TimeRange: &r}}})
			}
			f.Zone = rapid.SampledFrom(zones).Draw(t, "zone")
			matches := f.Match(o)
			if matches && !f.MayMatch(o.Span) {
				t.Fatalf("the span %s misses %s/%s\n%s", o.Span, formatUTC(r.Start), formatUTC(r.End), raw)
			}
			if !matches && !f.NeedsBody(o.Span) && f.MayMatch(o.Span) {
				t.Fatalf("the span %s finds %s/%s\n%s", o.Span, formatUTC(r.Start), formatUTC(r.End), raw)
			}
		}
	})
}

// TestPrefilterSurvivesNewZoneData: a span made by one release of the IANA's data misses
// nothing under another one, and finds nothing that is no longer there.
func TestPrefilterSurvivesNewZoneData(t *testing.T) {
	const name = "Test/Moved"
	defer ianaZones.Delete(name)
	rapid.Check(t, func(t *rapid.T) {
		offset := func(label string) *Zone { return &Zone{fixed: 1800 * rapid.Int64Range(-24, 28).Draw(t, label)} }
		raw := strings.ReplaceAll(drawObject(t, "zone"), "America/New_York", name)
		ianaZones.Store(name, offset("old"))
		o, err := ParseObject([]byte(raw))
		if err != nil {
			t.Skip(err)
		}
		ianaZones.Store(name, offset("new"))
		for n := range 10 {
			start := rapid.Int64Range(at("20251220T000000Z", 0), at("20260420T000000Z", 0)).Draw(t, fmt.Sprint("start ", n))
			for _, border := range []int64{o.Span.Start, o.Span.End} {
				if border != openStart && border != openEnd && rapid.Bool().Draw(t, "near a border") {
					start = border + rapid.Int64Range(-2*day, 2*day).Draw(t, "off it")
				}
			}
			f := within(o.Component, TimeRange{start, start + rapid.SampledFrom([]int64{1, 900, day}).Draw(t, "length")})
			matches := f.Match(o)
			if matches && !f.MayMatch(o.Span) {
				t.Fatalf("the span %s misses %s\n%s", o.Span, formatUTC(start), raw)
			}
			if !matches && !f.NeedsBody(o.Span) && f.MayMatch(o.Span) {
				t.Fatalf("the span %s finds %s\n%s", o.Span, formatUTC(start), raw)
			}
		}
	})
}
