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
	b.ReportAllocs()
	s := NewScanner(raw)
	for b.Loop() {
		for s.Reset(raw); s.Next(); {
		}
	}
}

func BenchmarkParseObject(b *testing.B) {
	raw := appleEvent(b)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseObject(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	o, err := ParseObject(appleEvent(b))
	if err != nil {
		b.Fatal(err)
	}
	in := TimeRange{1773100000, 1773200000}
	f := &Filter{Comp: CompFilter{Name: "VCALENDAR", Comps: []CompFilter{{Name: "VEVENT", TimeRange: &in}}}}
	b.ReportAllocs()
	for b.Loop() {
		if !f.Match(o) {
			b.Fatal("no match")
		}
	}
}

func BenchmarkMayMatch(b *testing.B) {
	o, err := ParseObject(appleEvent(b))
	if err != nil {
		b.Fatal(err)
	}
	in := TimeRange{1773100000, 1773200000}
	f := &Filter{Comp: CompFilter{Name: "VCALENDAR", Comps: []CompFilter{{Name: "VEVENT", TimeRange: &in}}}}
	b.ReportAllocs()
	for b.Loop() {
		if !f.MayMatch(o.Span) || f.NeedsBody(o.Span) {
			b.Fatal("the span tells")
		}
	}
}

func BenchmarkParseSpan(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := ParseSpan("2;VEVENT;20261125T090000Z/20261125T100000Z;recurs,floats,alarms"); !ok {
			b.Fatal("not read")
		}
	}
}
