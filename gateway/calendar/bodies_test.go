package calendar

import (
	"fmt"
	"strings"
	"testing"

	"calgate/imapstore"
	"calgate/test/backends"
	"calgate/test/faulty"
	"calgate/translate"
)

// Of large objects few are read at once, also where X-Calgate-Length says that they are small: who may append to a calendar
// shall not make a gateway hold all of them.
func TestBodiesInParts(t *testing.T) {
	t.Parallel()
	b := backends.Memory(t)
	user, password := b.User()
	a := loginAt(t, b.URL(), user, password)
	c, v := openDefault(t, a)
	const event = "BEGIN:VEVENT\r\nUID:%d\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:20261125T090000Z\r\nSUMMARY:%s\r\nEND:VEVENT\r\n"
	const calendar = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n%sEND:VCALENDAR\r\n"
	line := "\r\n " + strings.Repeat("x", 900)
	small := ""
	for i := range 2 {
		body := fmt.Appendf(nil, calendar, fmt.Sprintf(event, i, strings.Repeat(line, batchOctets/2/len(line)+1)))
		w := translate.Write{Op: translate.OpPut, Name: fmt.Sprint(i), ICalUID: fmt.Sprint(i), Token: translate.NewToken(), Asof: v.ix.triple.UIDNext - 1,
			Hash: translate.Hash(body), Length: 20}
		message := translate.Message(v.ix.listing.Next(w, nil), translate.Envelope{From: user, Date: v.looked}, body)
		if _, err := a.session.Append(t.Context(), c.Mailbox, imapstore.Outgoing{Octets: message}, v.looked.Add(maxLook)); err != nil {
			t.Fatal(err)
		}
		small += fmt.Sprintf(event, i, "small")
	}
	upload, err := translate.ReadUpload(fmt.Appendf(nil, calendar, small))
	if err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func(*View) error{
		"Read": func(v *View) error {
			var entries []Entry
			for e := range v.Entries() {
				entries = append(entries, e)
			}
			n := 0
			for it, err := range v.Read(t.Context(), entries) {
				if n++; err != nil || it.Err != nil {
					return fmt.Errorf("%w %w", err, it.Err)
				}
			}
			if n != 2 {
				return fmt.Errorf("%d objects", n)
			}
			return nil
		},
		"Replace": func(v *View) error { // compares what is there
			_, err := (&replacement{v: v, Publication: Publication{Upload: upload}}).plan(t.Context())
			return err
		},
	} {
		wire := faulty.New(t, b.Addr)
		a := loginAt(t, wire.URL(), user, password)
		v, err := a.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if err := read(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := bodyFetches(wire); len(got) != 2 {
			t.Errorf("%s: 2 objects of more than half of what is read at once are fetched by %q", name, got)
		}
	}
}
