package gateway

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"calgate/gateway/calendar"
	"calgate/translate"
)

// BenchmarkQueryOfOneWeek is what a calendar-query of one week over 10,000 objects
// takes when their index is known and the bodies that it needs are cached: a tenth of
// them recur. What it does not hold is HTTP and the look at the mail server.
func BenchmarkQueryOfOneWeek(b *testing.B) {
	const n = 10_000
	entries, bodies := make([]calendar.Entry, n), map[string][]byte{}
	begin := time.Date(2020, 1, 1, 9, 0, 0, 0, time.UTC)
	for i := range n {
		start := begin.Add(time.Duration(i) * 6 * time.Hour)
		rule := ""
		if i%10 == 0 {
			rule = "\r\nRRULE:FREQ=WEEKLY;COUNT=20"
		}
		raw := strings.Replace(event(fmt.Sprint("u", i), "Meeting"), "DTSTART:", "X-DTSTART:", 1)
		raw = strings.Replace(raw, "UID:", "DTSTART;TZID=Europe/Berlin:"+start.Format("20060102T150405")+"\r\nDURATION:PT1H"+rule+"\r\nUID:", 1)
		raw = strings.ReplaceAll(raw, "DTEND", "X-DTEND")
		o, err := translate.ParseObject([]byte(raw))
		if err != nil {
			b.Fatal(err, raw)
		}
		name := fmt.Sprintf("%d.ics", i)
		entries[i] = calendar.Entry{Name: name, ETag: `"9f2c51d07a3be418-1a2b3c4d"`, Component: "VEVENT", Span: o.Span}
		bodies[name] = o.Raw
	}
	week := &translate.TimeRange{Start: begin.AddDate(3, 0, 0).Unix(), End: begin.AddDate(3, 0, 7).Unix()}
	comp := translate.CompFilter{Name: "VEVENT", TimeRange: week}
	read, found := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		filter := &translate.Filter{Comp: translate.CompFilter{Name: "VCALENDAR", Comps: []translate.CompFilter{comp}}, Zone: translate.UTC, Budget: translate.NewBudget()}
		q := &query{filter: filter}
		read, found = 0, 0
		for e := range slices.Values(entries) {
			if !filter.MayMatch(e.Span) {
				continue
			}
			c := candidate{e, true, filter.NeedsBody(e.Span)}
			if c.decide {
				read++
			}
			if q.match(c, calendar.Item{Entry: e, Body: bodies[e.Name]}) {
				found++
			}
		}
	}
	b.ReportMetric(float64(read), "bodies")
	b.ReportMetric(float64(found), "matches")
}
