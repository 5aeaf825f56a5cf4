package calendar_test

import (
	"fmt"
	"testing"
	"time"

	"calgate/gateway/calendar"
	"calgate/imapstore"
	"calgate/test/backends"
	"calgate/translate"
)

// BenchmarkPut changes one object of a calendar of n, on the embedded store: what of
// its cost grows with the calendar.
func BenchmarkPut(b *testing.B) {
	for _, n := range []int{10, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			v := filled(b, n)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := v.Put(b.Context(), "0.ics", event("u0", fmt.Sprint(i)), calendar.Condition{}); err != nil {
					b.Fatal(err)
				}
				if err := v.CleanUp(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// filled is a calendar of n objects.
func filled(b *testing.B, n int) *calendar.View {
	s := backends.Memory(b)
	o, err := imapstore.ParseURL(s.URL())
	if err != nil {
		b.Fatal(err)
	}
	store := imapstore.New(o)
	b.Cleanup(func() { store.Close() })
	user, password := s.User()
	a, err := calendar.New(store, calendar.Options{Autocreate: true}).Login(b.Context(), user, password)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(a.Close)
	h, err := a.CreateDefaults(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	looked, err := a.Session().Look(b.Context(), h.DefaultCalendar().Mailbox)
	if err != nil {
		b.Fatal(err)
	}
	empty := translate.Heads(nil, looked.UIDValidity)
	for i := range n {
		e := event(fmt.Sprint("u", i), "start")
		r := empty.Next(translate.Write{Op: translate.OpPut, Name: fmt.Sprint(i, ".ics"), ICalUID: e.UID, Token: translate.NewToken(),
			Hash: translate.Hash(e.Raw), Length: int64(len(e.Raw)), Span: e.Span}, nil)
		m := translate.Message(r, translate.Envelope{From: user, Date: time.Unix(0, 0)}, e.Raw)
		if _, err := a.Session().Append(b.Context(), h.DefaultCalendar().Mailbox, imapstore.Outgoing{Octets: m}, time.Now().Add(time.Minute)); err != nil {
			b.Fatal(err)
		}
	}
	v, err := a.Open(b.Context(), h.DefaultCalendar())
	if err != nil || v.Len() != n {
		b.Fatal(v, err)
	}
	return v
}
