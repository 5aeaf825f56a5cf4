package imapstore_test

import (
	"testing"

	"calgate/test/backends"
)

// BenchmarkFields reads the index fields of 10,000 messages on Dovecot.
func BenchmarkFields(b *testing.B) {
	const n = 10000
	s := login(b, open(b, backends.Dovecot(b, backends.Options{Format: "mdbox"})), "alice")
	if err := s.Create(b.Context(), "Calendar"); err != nil {
		b.Fatal(err)
	}
	if err := s.AppendAll(b.Context(), "Calendar", n, message, soon()); err != nil {
		b.Fatal(err)
	}
	look(b, s, "Calendar")
	u := uids(b, s, "Calendar")
	b.ReportAllocs()
	for b.Loop() {
		rows := 0
		for _, err := range s.Fields(b.Context(), "Calendar", u, []string{"X-Calgate-Name", "Date", "From", "Subject"}) {
			if err != nil {
				b.Fatal(err)
			}
			rows++
		}
		if rows != n {
			b.Fatalf("%d rows", rows)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rows/s")
}
