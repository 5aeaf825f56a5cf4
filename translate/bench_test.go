package translate

import (
	"os"
	"testing"
)

func appleEvent(tb testing.TB) []byte {
	raw, err := os.ReadFile("testdata/objects/apple-event.ics")
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func BenchmarkScanner(b *testing.B) {
	raw := appleEvent(b)
	b.SetBytes(int64(len(raw)))
	s := NewScanner(raw)
	loop(b, func() {
		for s.Reset(raw); s.Next(); {
		}
	})
}

func BenchmarkParseObject(b *testing.B) {
	raw := appleEvent(b)
	b.SetBytes(int64(len(raw)))
	loop(b, func() {
		if _, err := ParseObject(raw); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	o, err := ParseObject(appleEvent(b))
	if err != nil {
		b.Fatal(err)
	}
	in := TimeRange{1773100000, 1773200000}
	f := &Filter{Comp: CompFilter{Name: "VCALENDAR", Comps: []CompFilter{{Name: "VEVENT", TimeRange: &in}}}}
	loop(b, func() {
		if !f.Match(o) {
			b.Fatal("no match")
		}
	})
}

// BenchmarkRangeOfPlainEvent is a time-range on the octets of an event, as where the span
// does not tell.
func BenchmarkRangeOfPlainEvent(b *testing.B) {
	o := &Object{Raw: []byte(event("DTSTART:20260310T100000Z", "DTEND:20260310T110000Z", "SUMMARY:Meeting"))}
	f := within("VEVENT", span("20260310T103000Z", "20260311T000000Z"))
	loop(b, func() {
		if !f.Match(o) {
			b.Fatal("missed")
		}
	})
}

func BenchmarkMayMatch(b *testing.B) {
	o, err := ParseObject(appleEvent(b))
	if err != nil {
		b.Fatal(err)
	}
	in := TimeRange{1773100000, 1773200000}
	f := &Filter{Comp: CompFilter{Name: "VCALENDAR", Comps: []CompFilter{{Name: "VEVENT", TimeRange: &in}}}}
	loop(b, func() {
		if !f.MayMatch(o.Span) || f.NeedsBody(o.Span) {
			b.Fatal("the span tells")
		}
	})
}

func BenchmarkParseSpan(b *testing.B) {
	loop(b, func() {
		if _, ok := ParseSpan("4;VEVENT;20261125T090000Z/20261125T100000Z;recurs,floats,alarms"); !ok {
			b.Fatal("not read")
		}
	})
}

// BenchmarkExpandOverAYear is the answer to expand: reading the object and writing its
// instances, too.
func BenchmarkExpandOverAYear(b *testing.B) {
	raw := []byte(event("DTSTART;TZID=Europe/Berlin:20200101T090000", "DURATION:PT1H", "RRULE:FREQ=DAILY", "SUMMARY:Standup"))
	d := &Data{Expand: &TimeRange{at("20260101T000000Z", 0), at("20270101T000000Z", 0)}}
	loop(b, func() {
		if _, err := d.Apply(raw, nil); err != nil {
			b.Fatal(err)
		}
	})
}
