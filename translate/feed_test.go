package translate

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func lines(s ...string) []byte { return []byte(strings.Join(s, "\r\n") + "\r\n") }

func zone(tzid, offset string, notes ...string) string {
	return strings.Join(append(append([]string{"BEGIN:VTIMEZONE", "TZID:" + tzid}, notes...), "BEGIN:STANDARD", "DTSTART:19700101T000000",
		"TZOFFSETFROM:"+offset, "TZOFFSETTO:"+offset, "END:STANDARD", "END:VTIMEZONE"), "\r\n")
}

func item(parts ...string) []byte {
	return lines(append(append([]string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//other//EN", "METHOD:PUBLISH", "X-WR-CALNAME:other"}, parts...), "END:VCALENDAR")...)
}

func vevent(uid string, more ...string) string {
	return strings.Join(append(append([]string{"BEGIN:VEVENT", "UID:" + uid, "DTSTAMP:20260101T000000Z"}, more...), "END:VEVENT"), "\r\n")
}

// feedOf writes a feed; unreadable items are counted.
func feedOf(t *testing.T, title string, items ...[]byte) (feed string, skipped int) {
	t.Helper()
	var b bytes.Buffer
	w := NewFeedWriter(&b, title)
	for _, it := range items {
		if err := w.Add(it); err != nil {
			skipped++
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), skipped
}

const feedHead = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//calgate//calgate//EN\r\n"
const feedTimes = "REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\nX-PUBLISHED-TTL:PT1H\r\n"

func TestFeedOfNothing(t *testing.T) {
	got, _ := feedOf(t, "")
	if want := feedHead + feedTimes + "END:VCALENDAR\r\n"; got != want {
		t.Errorf("%q", got)
	}
	got, _ = feedOf(t, "Büro; \\ a,b\nc")
	if want := feedHead + `NAME:Büro\; \\ a\,b\nc` + "\r\n" + `X-WR-CALNAME:Büro\; \\ a\,b\nc` + "\r\n" + feedTimes + "END:VCALENDAR\r\n"; got != want {
		t.Errorf("%q", got)
	}
}

// The components come as they were stored, METHOD and the names that others gave their calendars do not; of equal
// definitions of a zone one is there, a different one gets another name in this item alone.
func TestFeedZones(t *testing.T) {
	a := item(zone("Here", "+0100"), vevent("a", "DTSTART;TZID=Here:20260310T180000", "SUMMARY:ä", "X-ODD:;,"))
	b := item(zone("Here", "+0100", "LAST-MODIFIED:20200101T000000Z", "X-LIC-LOCATION:Here"), vevent("b", "DTSTART;TZID=Here:20260310T180000"))
	c := item(zone("Here", "-0500"), vevent("c", `DTSTART;X-A="a:b";TZID="Here":20260310T180000`, "EXDATE;VALUE=DATE-TIME;TZID=Here:20260311T180000,", " 20260312T180000"))
	d := item(vevent("d", "DTSTART;TZID=Here-2:20260310T180000"), zone("Here-2", "+0900"))
	e := item(zone("Here", "-0500"), vevent("e", "DTSTART;TZID=Here:20260310T180000"))
	got, skipped := feedOf(t, "T", a, b, c, d, e)
	if skipped != 0 {
		t.Fatal(skipped)
	}
	want := feedHead + "NAME:T\r\nX-WR-CALNAME:T\r\n" + feedTimes + strings.Join([]string{
		zone("Here", "+0100"), vevent("a", "DTSTART;TZID=Here:20260310T180000", "SUMMARY:ä", "X-ODD:;,"),
		vevent("b", "DTSTART;TZID=Here:20260310T180000"),
		zone("Here-2", "-0500"), vevent("c", `DTSTART;X-A="a:b";TZID=Here-2:20260310T180000`, "EXDATE;VALUE=DATE-TIME;TZID=Here-2:20260311T180000,20260312T180000"),
		zone("Here-2-2", "+0900"), vevent("d", "DTSTART;TZID=Here-2-2:20260310T180000"),
		vevent("e", "DTSTART;TZID=Here-2:20260310T180000"),
		"END:VCALENDAR", ""}, "\r\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	u, err := ReadUpload([]byte(got))
	if err != nil || len(u.Items) != 5 {
		t.Fatalf("%d items, %v", len(u.Items), err)
	}
}

// An item that cannot be read costs itself and nothing else.
func TestFeedLeavesOut(t *testing.T) {
	good := item(vevent("good"))
	bad := [][]byte{nil, []byte("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n"), []byte("<html>"), lines("BEGIN:VCALENDAR", "END:VCALENDAR"),
		lines("BEGIN:VCALENDAR", "BEGIN:VEVENT", "SUMMARY:\x01", "END:VEVENT", "END:VCALENDAR"), lines("BEGIN:VCALENDAR", "BEGIN:VEVENT", "SUMMARY:\xFF", "END:VEVENT", "END:VCALENDAR"),
		lines("BEGIN:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "END:VCALENDAR", "END:VCALENDAR"), lines("BEGIN:VCALENDAR", "END:VEVENT", "END:VCALENDAR"),
		lines("BEGIN:VCALENDAR", "BEGIN:VEVENT", "no line", "END:VEVENT", "END:VCALENDAR")}
	want, _ := feedOf(t, "T", good)
	got, skipped := feedOf(t, "T", append(bad, good)...)
	if got != want || skipped != len(bad) {
		t.Errorf("%d left out of %d: %s", skipped, len(bad), got)
	}
	odd, skipped := feedOf(t, "T", []byte("\xEF\xBB\xBFbegin:vcalendar\n\nBEGIN:VEVENT\nUID:x\r\r\nSUMMARY:l\n ong\nend:vevent\nEND:VCALENDAR"))
	if skipped != 0 || !strings.Contains(odd, "BEGIN:VEVENT\r\nUID:x\r\nSUMMARY:l\r\n ong\r\nend:vevent\r\nEND:VCALENDAR\r\n") {
		t.Errorf("%d %q", skipped, odd)
	}
}

func TestAppendLine(t *testing.T) {
	for _, s := range []string{"", "short", strings.Repeat("x", 75), strings.Repeat("x", 76), strings.Repeat("ä", 200), strings.Repeat("x", 74) + "€€", strings.Repeat("\x80", 300)} {
		got := string(appendLine(nil, s))
		if strings.ReplaceAll(strings.TrimSuffix(got, "\r\n"), "\r\n ", "") != s {
			t.Errorf("%q became %q", s, got)
		}
		for line := range strings.SplitSeq(got, "\r\n") {
			if len(line) > 75 || utf8.ValidString(s) && !utf8.ValidString(line) {
				t.Errorf("line %q of %q", line, s)
			}
		}
	}
}

func TestUpload(t *testing.T) {
	first := lines("BEGIN:VCALENDAR", "PRODID:-//one//EN", "METHOD:PUBLISH", "X-WR-CALNAME:One", "VERSION:2.0", zone("Here", "+0100"), zone("Unused", "+0200"),
		vevent("a", "DTSTART;TZID=Here:20260310T180000", "RRULE:FREQ=DAILY"), vevent("b", "DTSTART;TZID=Europe/Paris:20260310T180000"), "END:VCALENDAR")
	second := lines("BEGIN:VCALENDAR", "VERSION:2.0", vevent("a", "RECURRENCE-ID;TZID=Here:20260311T180000", "DTSTART;TZID=Here:20260311T190000"),
		vevent("b", "DTSTART;TZID=Europe/Paris:20260310T180000"), "BEGIN:VTODO", "SUMMARY:no uid", "END:VTODO", "END:VCALENDAR")
	u, err := ReadUpload(append(first, second...))
	if err != nil {
		t.Fatal(err)
	}
	if len(u.Items) != 3 || u.Lossy {
		t.Fatalf("%+v", u.Items)
	}
	wants := []string{
		string(lines("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//one//EN", zone("Here", "+0100"), vevent("a", "DTSTART;TZID=Here:20260310T180000", "RRULE:FREQ=DAILY"),
			vevent("a", "RECURRENCE-ID;TZID=Here:20260311T180000", "DTSTART;TZID=Here:20260311T190000"), "END:VCALENDAR")),
		string(lines("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//one//EN", vevent("b", "DTSTART;TZID=Europe/Paris:20260310T180000"), "END:VCALENDAR")),
		string(lines("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//calgate//calgate//EN", "BEGIN:VTODO", "UID:"+u.Items[2].UID, "SUMMARY:no uid", "END:VTODO", "END:VCALENDAR")),
	}
	for i, want := range wants {
		got := u.Octets(i)
		if string(got) != want || u.Items[i].Hash != Hash(got) || u.Items[i].Length != int64(len(got)) {
			t.Errorf("item %d: %q, want %q", i, got, want)
		}
		if !u.Same(i, got) || u.Same(i, item(vevent("other"))) || u.Same(i, nil) {
			t.Errorf("item %d is not the same as itself", i)
		}
	}
	if !u.Same(1, item("BEGIN:VTIMEZONE\r\nTZID:Unused\r\nEND:VTIMEZONE", vevent("b", "DTSTART;TZID=Europe/Paris:20260310T180000"))) || u.Same(0, item(vevent("a"))) {
		t.Error("Same looks at more than the components")
	}
	if again, err := ReadUpload(second); err != nil || len(u.Items[2].UID) != 32 || again.Items[len(again.Items)-1].UID != u.Items[2].UID {
		t.Errorf("made-up UID %q, then %+v, %v", u.Items[2].UID, again, err)
	}
}

// What cannot be stored changes nothing, and says why.
func TestUploadRefused(t *testing.T) {
	for name, raw := range map[string][]byte{
		"empty": nil, "blank": []byte("\r\n \r\n"), "html": []byte("<html></html>"), "other component": lines(vevent("a")),
	} {
		if _, err := ReadUpload(raw); !errors.Is(err, ErrNoCalendar) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, raw := range map[string][]byte{
		"cut": bytes.TrimSuffix(item(vevent("a")), []byte("END:VCALENDAR\r\n")), "two masters": item(vevent("a"), vevent("a", "SUMMARY:x")),
		"two kinds": item(vevent("a"), "BEGIN:VTODO\r\nUID:a\r\nEND:VTODO"), "behind": append(item(vevent("a")), "X"...), "control": item(vevent("a", "SUMMARY:\x02")),
		"vCalendar 1.0": lines("BEGIN:VCALENDAR", "VERSION:1.0", vevent("a"), "END:VCALENDAR"),
		"two zones of one name": append(item(zone("Here", "+0100"), vevent("a", "DTSTART;TZID=Here:20260310T180000")),
			item(zone("Here", "+0200"), vevent("a", "RECURRENCE-ID;TZID=Here:20260310T180000"))...),
	} {
		var bad *ObjectError
		if _, err := ReadUpload(raw); !errors.As(err, &bad) || bad.Reason == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	var many bytes.Buffer
	many.WriteString("BEGIN:VCALENDAR\n")
	for i := range MaxFeedItems + 1 {
		fmt.Fprintf(&many, "BEGIN:VEVENT\nUID:%d\nEND:VEVENT\n", i)
	}
	many.WriteString("END:VCALENDAR\n")
	if _, err := ReadUpload(many.Bytes()); !errors.Is(err, ErrTooManyItems) {
		t.Errorf("too many: %v", err)
	}
	if _, err := ReadUpload(bytes.Repeat([]byte("BEGIN:VCALENDAR\nX:\nEND:VCALENDAR\n"), MaxFeedItems+1)); !errors.Is(err, ErrTooManyItems) {
		t.Errorf("too many calendars: %v", err)
	}
	if u, err := ReadUpload(item()); err != nil || len(u.Items) != 0 {
		t.Errorf("a calendar of nothing: %v", err)
	}
	if u, err := ReadUpload(item("BEGIN:VAVAILABILITY\r\nEND:VAVAILABILITY")); err != nil || !u.Lossy {
		t.Errorf("lossy: %v", err)
	}
}

// FuzzUpload: whatever is uploaded, what is taken of it can be stored, read again, and published again as the same.
func FuzzUpload(f *testing.F) {
	files, _ := filepath.Glob("testdata/*/*.ics")
	for _, name := range files {
		if raw, err := os.ReadFile(name); err == nil {
			f.Add(raw)
		}
	}
	f.Add(item(zone("Here", "+0100"), vevent("a", "DTSTART;TZID=Here:20260310T180000"), vevent("", "SUMMARY:x")))
	f.Add(append(item(vevent("a")), item(zone(`o"d;d`, "+0100"), vevent("b", "DTSTART;TZID=\"o;d\":1"))...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		u, err := ReadUpload(raw)
		var out bytes.Buffer
		w := NewFeedWriter(&out, "T")
		if err != nil {
			_ = w.Add(raw)
			_ = w.Close()
			if _, err := ReadUpload(out.Bytes()); errors.Is(err, ErrNoCalendar) {
				t.Fatalf("one item spoils a feed: %q", out.Bytes())
			}
			return
		}
		for i := range u.Items {
			octets := u.Octets(i)
			o, err := ParseObject(octets)
			if err != nil || o.UID != u.Items[i].UID || !u.Same(i, octets) {
				t.Fatalf("item %d: %v: %q", i, err, octets)
			}
			if err := w.Add(octets); err != nil {
				t.Fatalf("item %d is not published: %v: %q", i, err, octets)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := ReadUpload(out.Bytes())
		if err != nil || len(again.Items) != len(u.Items) {
			t.Fatalf("%d items became %v: %q", len(u.Items), err, out.Bytes())
		}
	})
}
