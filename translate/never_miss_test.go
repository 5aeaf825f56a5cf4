package translate

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/teambition/rrule-go"
	"pgregory.net/rapid"
)

// startsOf lists the starts of a rule by another implementation, within its
// correct domain: DAILY and above, in UTC, with a bounded number of instances.
func startsOf(t *rapid.T, rule string, start time.Time) []time.Time {
	option, err := rrule.StrToROption(rule)
	if err != nil {
		t.Fatal(err)
	}
	option.Dtstart = start
	r, err := rrule.NewRRule(*option)
	if err != nil {
		t.Fatal(err)
	}
	starts := []time.Time{start} // DTSTART is the first instance, whether it fits or not
	next := r.Iterator()
	for range 300 {
		at, ok := next()
		if !ok {
			break
		}
		starts = append(starts, at)
	}
	if option.Count > 0 && len(starts) > option.Count && !starts[1].Equal(start) {
		starts = starts[:option.Count] // it counts as the first one, too (RFC 5545 section 3.3.10)
	}
	return starts
}

func drawRule(t *rapid.T, start time.Time) string {
	rule := "FREQ=" + rapid.SampledFrom([]string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}).Draw(t, "freq") +
		rapid.SampledFrom([]string{"", ";INTERVAL=2", ";INTERVAL=7"}).Draw(t, "interval") +
		rapid.SampledFrom([]string{"", ";BYDAY=MO,TH", ";BYMONTH=2,11", ";BYMONTHDAY=-1"}).Draw(t, "by")
	until := start.AddDate(0, 0, rapid.IntRange(0, 900).Draw(t, "days"))
	switch rapid.IntRange(0, 2).Draw(t, "end") {
	case 0:
		rule += fmt.Sprintf(";COUNT=%d", rapid.IntRange(1, 50).Draw(t, "count"))
	case 1:
		rule += ";UNTIL=" + until.Format("20060102T150405Z")
	}
	return rule
}

// TestRecurringIsNeverMissed compares with the instances one by one.
func TestRecurringIsNeverMissed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := time.Unix(rapid.Int64Range(at("20200101T000000Z", 0), at("20270101T000000Z", 0)).Draw(t, "start"), 0).UTC()
		length := time.Duration(rapid.IntRange(0, 3*24*60).Draw(t, "minutes")) * time.Minute
		rule := drawRule(t, start)
		starts := startsOf(t, rule, start)
		lines := fmt.Sprintf("DTSTART:%s\r\nDTEND:%s\r\nRRULE:%s", formatUTC(start.Unix()), formatUTC(start.Add(length).Unix()), rule)
		for range rapid.IntRange(0, 2).Draw(t, "rdates") {
			extra := start.AddDate(0, 0, rapid.IntRange(-400, 1500).Draw(t, "rdate"))
			starts = append(starts, extra)
			lines += "\r\nRDATE:" + formatUTC(extra.Unix())
		}
		o := parseRapid(t, event(lines))
		instance := rapid.SampledFrom(starts).Draw(t, "instance").Unix()
		// A range that the instance overlaps: it begins before its end, and ends
		// behind its start.
		from := instance + int64(length.Seconds()) - int64(rapid.IntRange(0, 100_000).Draw(t, "from"))
		if length > 0 {
			from--
		}
		to := max(from, instance) + 1 + int64(rapid.IntRange(0, 100_000).Draw(t, "to"))
		if to <= instance {
			to = instance + 1
		}
		mustMatch(t, within("VEVENT", TimeRange{from, to}), o)
		mustMatch(t, within("VEVENT", TimeRange{from, openEnd}), o)
		mustMatch(t, within("VEVENT", TimeRange{openStart, to}), o)
	})
}

func parseRapid(t *rapid.T, raw string) *Object {
	o, err := ParseObject([]byte(raw))
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	return o
}

func mustMatch(t *rapid.T, f *Filter, o *Object) {
	if !f.MayMatch(o.Span) {
		t.Fatalf("the span %q misses %+v\n%s", o.Span, *f.Comp.Comps[0].TimeRange, o.Raw)
	}
	if !f.Match(o) {
		t.Fatalf("missed in %+v\n%s", *f.Comp.Comps[0].TimeRange, o.Raw)
	}
}

// TestAnyZoneIsNeverMissed: an event in floating time, on a date, or in a zone
// that only the object defines is found wherever its zone puts it, and in the
// zone of the query exactly there.
func TestAnyZoneIsNeverMissed(t *testing.T) {
	names := []string{"UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"}
	rapid.Check(t, func(t *rapid.T) {
		zone := location(rapid.SampledFrom(names).Draw(t, "zone"))
		wall := rapid.Int64Range(at("20200101T000000Z", 0), at("20300101T000000Z", 0)).Draw(t, "wall")
		length := rapid.Int64Range(1, 100_000).Draw(t, "length")
		kind := rapid.SampledFrom([]string{"floating", "date", "TZID", "rule"}).Draw(t, "kind")
		var lines string
		switch local := strings.TrimSuffix(formatUTC(wall), "Z"); kind {
		case "date":
			wall -= wall % day
			length = day
			lines = "DTSTART;VALUE=DATE:" + local[:8]
		case "TZID":
			lines = fmt.Sprintf("DTSTART;TZID=My Zone:%s\r\nDURATION:PT%dS", local, length)
		case "rule":
			lines = fmt.Sprintf("DTSTART:%s\r\nDURATION:PT%dS\r\nRRULE:FREQ=DAILY;UNTIL=%sZ", local, length, local)
		default:
			lines = fmt.Sprintf("DTSTART:%s\r\nDURATION:PT%dS", local, length)
		}
		o := parseRapid(t, event(lines))
		start, end := zone.unix(wall), zone.unix(wall)+length
		if kind == "date" {
			end = zone.unix(wall + day)
		}
		from := rapid.Int64Range(start-50_000, end-1).Draw(t, "from")
		to := max(from, start) + rapid.Int64Range(1, 50_000).Draw(t, "to")
		f := within("VEVENT", TimeRange{from, to})
		f.Zone = zone
		mustMatch(t, f, o)
		if kind == "floating" || kind == "date" {
			for _, r := range []TimeRange{{from - 100_000, start}, {end, to + 100_000}} {
				if f.Comp.Comps[0].TimeRange = &r; f.Match(o) {
					t.Fatalf("in %v found in %+v\n%s", zone, r, o.Raw)
				}
			}
		}
	})
}

// drawFilter draws a filter of any form, valid or not.
func drawFilter(draw func(n int) int, depth int) CompFilter {
	pick := func(from ...string) string { return from[draw(len(from))] }
	number := func() int64 {
		return []int64{openStart, openEnd, 0, at("20260310T000000Z", 0), at("20260311T000000Z", 0), at("20260310T100000Z", 0)}[draw(6)]
	}
	c := CompFilter{
		Name:         pick("VEVENT", "VTODO", "VALARM", "VTIMEZONE", "VJOURNAL", "VFREEBUSY", "vevent", "X", ""),
		IsNotDefined: draw(5) == 0,
	}
	if draw(2) == 0 {
		c.TimeRange = &TimeRange{number(), number()}
	}
	for range draw(3) {
		p := PropFilter{Name: pick("SUMMARY", "dtstart", "UID", "ATTENDEE", "TRIGGER", "RDATE"), IsNotDefined: draw(4) == 0}
		switch draw(3) {
		case 0:
			p.TimeRange = &TimeRange{number(), number()}
		case 1:
			p.Text = &TextMatch{pick("", "i;octet", "i;unicode-casemap", "?"), draw(2) == 0, pick("", "a", "2026", "ß", "\xff")}
		}
		if draw(3) == 0 {
			p.Params = []ParamFilter{{pick("TZID", "CN", "VALUE"), draw(2) == 0, p.Text}}
		}
		c.Props = append(c.Props, p)
	}
	if depth < 3 {
		for range draw(3) {
			c.Comps = append(c.Comps, drawFilter(draw, depth+1))
		}
	}
	return c
}

// FuzzFilterMatch: any filter on any octets ends, and the index never says what
// the object does not.
func FuzzFilterMatch(f *testing.F) {
	for _, raw := range caseFiles(f) {
		f.Add(raw, []byte{0, 5, 0, 3, 4, 0, 0, 0})
		f.Add(raw, []byte("\x01\x01\x00\x02\x01\x02\x00\x01\x01\x01\x01\x02"))
	}
	f.Add(appleEvent(f), []byte{0, 1, 0, 3, 4, 0, 2, 1, 0, 1})
	f.Add([]byte("END:A\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\n"), []byte{1})
	f.Fuzz(func(t *testing.T, raw, choices []byte) {
		draw := func(n int) int {
			if len(choices) == 0 {
				return n - 1 // mostly "none of it"
			}
			c := int(choices[0]) % n
			choices = choices[1:]
			return c
		}
		filter := &Filter{Comp: CompFilter{Name: "VCALENDAR"}, Zone: []*Zone{nil, UTC, location("Asia/Tokyo")}[draw(3)]}
		for range draw(3) {
			filter.Comp.Comps = append(filter.Comp.Comps, drawFilter(draw, 2))
		}
		_ = filter.Check()
		filter.Match(&Object{Raw: raw})
		o, err := ParseObject(raw)
		if err != nil {
			return
		}
		if filter.Check() == nil {
			checkFilter(t, filter, o)
		}
	})
}
