package translate

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// calendar makes an object of lines, with the VCALENDAR around them.
func calendar(lines ...string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//Test//EN\r\n" +
		strings.Join(lines, "\r\n") + "\r\nEND:VCALENDAR\r\n"
}

// event makes an object of one VEVENT with UID u.
func event(lines ...string) string {
	return calendar("BEGIN:VEVENT\r\nUID:u\r\nDTSTAMP:20260101T000000Z\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT")
}

func parse(t testing.TB, raw string) *Object {
	t.Helper()
	o, err := ParseObject([]byte(raw))
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	return o
}

func TestParseObjectRefuses(t *testing.T) {
	const ev = "BEGIN:VEVENT\r\nUID:u\r\nDTSTART:20260310T090000Z\r\nEND:VEVENT"
	const override = "BEGIN:VEVENT\r\nUID:u\r\nRECURRENCE-ID:20260310T090000Z\r\nEND:VEVENT"
	const data, resource = "valid-calendar-data", "valid-calendar-object-resource"
	for name, c := range map[string]struct{ raw, want string }{
		"empty":                  {"", data},
		"blank":                  {"\r\n \r\n", data},
		"text":                   {"hello", data},
		"vCard":                  {"BEGIN:VCARD\r\nVERSION:4.0\r\nEND:VCARD\r\n", data},
		"no VCALENDAR":           {ev + "\r\n", data},
		"cut":                    {strings.TrimSuffix(calendar(ev), "END:VCALENDAR\r\n"), data},
		"only CR":                {strings.ReplaceAll(calendar(ev), "\r\n", "\r"), data},
		"END of another":         {calendar("BEGIN:VEVENT\r\nUID:u\r\nEND:VTODO"), data},
		"END too many":           {calendar(ev, "END:VEVENT"), data},
		"END missing":            {calendar("BEGIN:VEVENT\r\nUID:u"), data},
		"two VCALENDARs":         {calendar(ev) + calendar(ev), data},
		"junk behind":            {calendar(ev) + "x", data},
		"property behind":        {calendar(ev) + "X-A:1\r\n", data},
		"property before":        {"X-A:1\r\n" + calendar(ev), data},
		"line without colon":     {event("SUMMARY"), data},
		"ends in a parameter":    {event("SUMMARY;LANGUAGE=de"), data},
		"NUL":                    {event("SUMMARY:a\x00"), data},
		"escape":                 {event("SUMMARY:a\x1b[1m"), data},
		"DEL":                    {event("SUMMARY:a\x7f"), data},
		"CR inside a line":       {event("SUMMARY:a\rEND:VEVENT"), data},
		"Latin-1":                {event("SUMMARY:B\xfcro"), data},
		"UTF-8 cut":              {event("SUMMARY:B\xc3"), data},
		"surrogate":              {event("SUMMARY:\xed\xa0\x80"), data},
		"U+FFFE":                 {event("SUMMARY:\uFFFE"), data},
		"U+FFFF":                 {event("SUMMARY:\uFFFF"), data},
		"U+FFFF under a fold":    {event("SUMMARY:\xef\xbf\r\n \xbf"), data},
		"too deep":               {calendar("BEGIN:VEVENT\r\nUID:u" + strings.Repeat("\r\nBEGIN:X", MaxDepth) + strings.Repeat("\r\nEND:X", MaxDepth) + "\r\nEND:VEVENT"), data},
		"too many components":    {event(strings.Repeat("BEGIN:X\r\nEND:X\r\n", MaxComponents)), data},
		"year 0000":              {event("DTSTART;VALUE=DATE:00000101"), "min-date-time"},
		"year 1 in Tokyo":        {event("DTSTART;TZID=Asia/Tokyo:00010101T000000"), "min-date-time"},
		"RDATE of year 0000":     {event("RDATE:20260101T000000Z,00000101T000000Z"), "min-date-time"},
		"EXDATE of year 0000":    {event("EXDATE;VALUE=DATE:00001231"), "min-date-time"},
		"UNTIL of year 0000":     {event("DTSTART:20260101T000000Z", "RRULE:FREQ=DAILY;UNTIL=00000101"), "min-date-time"},
		"the end of all years":   {event("DTSTART;TZID=America/New_York:99991231T235959"), "max-date-time"},
		"a period behind it":     {event("RDATE;VALUE=PERIOD;TZID=America/New_York:20260101T000000/99991231T235959"), "max-date-time"},
		"too many instances":     {event("DTSTART:20260101T000000Z", "RRULE:FREQ=DAILY;COUNT=10001"), "max-instances"},
		"too many RDATEs":        {event("DTSTART:20260101T000000Z", "RDATE:"+strings.Repeat("20260101T000000Z,", MaxInstances+1)), "max-instances"},
		"too many attendees":     {event(strings.Repeat("ATTENDEE:mailto:a@example.org\r\n", MaxAttendees+1)), "max-attendees-per-instance"},
		"too large":              {event("X-A:" + strings.Repeat("a", MaxObject)), "max-resource-size"},
		"METHOD":                 {calendar("METHOD:REQUEST", ev), resource},
		"METHOD below":           {calendar(ev, "method;x=y:PUBLISH"), resource},
		"nothing in it":          {"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n", resource},
		"only VTIMEZONE":         {calendar("BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nEND:VTIMEZONE"), resource},
		"only X- component":      {calendar("BEGIN:X-A\r\nUID:u\r\nEND:X-A"), resource},
		"VAVAILABILITY":          {calendar("BEGIN:VAVAILABILITY\r\nUID:u\r\nEND:VAVAILABILITY"), resource},
		"VALARM alone":           {calendar("BEGIN:VALARM\r\nUID:u\r\nEND:VALARM"), resource},
		"two kinds":              {calendar(ev, "BEGIN:VTODO\r\nUID:u\r\nEND:VTODO"), resource},
		"two UIDs":               {calendar(ev, strings.Replace(override, "UID:u", "UID:v", 1)), resource},
		"two UIDs in one":        {event("UID:v"), resource},
		"no UID":                 {calendar("BEGIN:VEVENT\r\nDTSTART:20260310T090000Z\r\nEND:VEVENT"), resource},
		"empty UID":              {calendar("BEGIN:VEVENT\r\nUID: \r\nEND:VEVENT"), resource},
		"UID of an alarm only":   {calendar("BEGIN:VEVENT\r\nBEGIN:VALARM\r\nUID:u\r\nEND:VALARM\r\nEND:VEVENT"), resource},
		"no UID in the override": {calendar(ev, "BEGIN:VEVENT\r\nRECURRENCE-ID:20260310T090000Z\r\nEND:VEVENT"), resource},
		"two masters":            {calendar(ev, ev), resource},
		"two masters apart":      {calendar(ev, override, ev), resource},
		"vCalendar 1.0":          {strings.Replace(calendar(ev), "VERSION:2.0", "VERSION:1.0", 1), "supported-calendar-data"},
		"broken and METHOD":      {calendar("METHOD:REQUEST", "BEGIN:VEVENT"), data},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := ParseObject([]byte(c.raw))
			var objectErr *ObjectError
			if !errors.As(err, &objectErr) {
				t.Fatalf("ParseObject = %+v, %v", o, err)
			}
			if objectErr.Precondition != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func TestParseObjectAccepts(t *testing.T) {
	for name, c := range map[string]struct{ raw, want string }{
		"event":              {event("DTSTART:20260310T090000Z"), "VEVENT"},
		"no VERSION, PRODID": {"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u\nEND:VEVENT\nEND:VCALENDAR", "VEVENT"},
		"lower case":         {strings.ToLower(event("DTSTART:20260310T090000Z")), "VEVENT"},
		"blank behind END":   {strings.ReplaceAll(event("DTSTART:20260310T090000Z"), ":VEVENT", ":VEVENT \t"), "VEVENT"},
		"blank lines behind": {event() + "\r\n\n \r\n", "VEVENT"},
		"byte order mark":    {"\uFEFF" + event(), "VEVENT"},
		"fold inside UTF-8":  {event("SUMMARY:B\xC3\r\n \xBCro"), "VEVENT"},
		"same UID twice":     {event("UID:u"), "VEVENT"},
		"task":               {calendar("BEGIN:VTODO\r\nUID:u\r\nEND:VTODO"), "VTODO"},
		"journal":            {calendar("BEGIN:VJOURNAL\r\nUID:u\r\nEND:VJOURNAL"), "VJOURNAL"},
		"free-busy":          {calendar("BEGIN:VFREEBUSY\r\nUID:u\r\nFREEBUSY:20260310T090000Z/PT1H\r\nEND:VFREEBUSY"), "VFREEBUSY"},
		"override only":      {event("RECURRENCE-ID:20260310T090000Z", "DTSTART:20260311T090000Z"), "VEVENT"},
		"year 9999":          {event("DTSTART:99991231T235959Z", "DURATION:P10W"), "VEVENT"},
		"zone behind":        {calendar("BEGIN:VEVENT\r\nUID:u\r\nEND:VEVENT", "BEGIN:VTIMEZONE\r\nTZID:A\r\nEND:VTIMEZONE"), "VEVENT"},
		"X- component":       {calendar("BEGIN:X-A\r\nX-B:1\r\nEND:X-A", "BEGIN:VEVENT\r\nUID:u\r\nEND:VEVENT"), "VEVENT"},
		"VLOCATION inside":   {event("BEGIN:VLOCATION\r\nUID:w\r\nEND:VLOCATION"), "VEVENT"},
		"rule with ;":        {event("DTSTART:20260310T090000Z", "RRULE:FREQ=DAILY;"), "VEVENT"},
		"no dates at all":    {event("DTSTART:", "DTEND:x", "RRULE:", "RDATE:,,", "DURATION:P"), "VEVENT"},
		"attachment":         {event("ATTACH;ENCODING=BASE64;VALUE=BINARY:" + strings.Repeat("QUJD\r\n ", 1<<18)), "VEVENT"},
		"endless rule":       {event("DTSTART:19700101T000000Z", "RRULE:FREQ=MINUTELY"), "VEVENT"},
		"rule with an end":   {event("DTSTART:19700101T000000Z", "RRULE:FREQ=DAILY;UNTIL=20500101T000000Z"), "VEVENT"},
		"as many as may be":  {event("DTSTART:19700101T000000Z", "RRULE:FREQ=DAILY;COUNT=10000"), "VEVENT"},
		"deep":               {event(strings.Repeat("BEGIN:X\r\n", MaxDepth-2) + strings.Repeat("END:X\r\n", MaxDepth-2)), "VEVENT"},
	} {
		t.Run(name, func(t *testing.T) {
			o := parse(t, c.raw)
			if o.Component != c.want || o.UID != "u" || string(o.Raw) != c.raw {
				t.Errorf("%s %q", o.Component, o.UID)
			}
			checkObject(t, o)
		})
	}
}

// checkObject checks what holds for every object that ParseObject returns.
func checkObject(t testing.TB, o *Object) {
	t.Helper()
	if o.UID == "" || mainComponent([]byte(o.Component)) != o.Component || o.Component == "" {
		t.Errorf("UID %q, component %q", o.UID, o.Component)
	}
	if !utf8.ValidString(o.Summary) || strings.ContainsAny(o.Summary, "\r\n\x00\t") || len(o.Summary) > maxSummary {
		t.Errorf("summary %q", o.Summary)
	}
	if at := parseInstant([]byte(o.DTStamp)); o.DTStamp != "" && (at.state != known || len(o.DTStamp) != 16) {
		t.Errorf("DTSTAMP %q", o.DTStamp)
	}
	if again, ok := ParseSpan(o.Span.String()); !ok || again != o.Span {
		t.Errorf("span %+v reads back as %+v", o.Span, again)
	}
	if whole := WholeFolds(o.Raw); !utf8.Valid(whole) || !bytes.Equal(unfold(nil, whole), unfold(nil, o.Raw)) {
		t.Errorf("with whole folds it is %q", whole)
	}
	if len(StoredUID(o.UID)) > MaxUID {
		t.Errorf("stored UID %q", StoredUID(o.UID))
	}
	if !everything().Match(o) || everything().NeedsBody(o.Span) {
		t.Error("a filter of VCALENDAR alone does not match")
	}
}

func TestObjectFields(t *testing.T) {
	master := "BEGIN:VEVENT\r\nUID:a\\,b\r\nSUMMARY:  Two\\nlines\\, one\t\\\\ \r\nSEQUENCE:2\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260310T090000Z\r\nRRULE:FREQ=DAILY\r\nEND:VEVENT"
	over := "BEGIN:VEVENT\r\nUID:a\\,b\r\nRECURRENCE-ID:20260311T090000Z\r\nDTSTART:20260401T090000Z\r\nSUMMARY:Moved\r\nSEQUENCE:7\r\nDTSTAMP:20260501T000000Z\r\nEND:VEVENT"
	newer := strings.ReplaceAll(strings.Replace(over, "20260501", "20260601", 1), "Moved", "Again")
	for name, c := range map[string]struct {
		lines                []string
		uid, summary, dtstam string
		sequence             uint32
	}{
		"master first": {[]string{master, over}, `a\,b`, `Two lines, one \`, "20260101T000000Z", 2},
		"master last":  {[]string{over, newer, master}, `a\,b`, `Two lines, one \`, "20260101T000000Z", 2},
		"no master":    {[]string{over, newer}, `a\,b`, "Again", "20260601T000000Z", 7},
		"no master 2":  {[]string{newer, over}, `a\,b`, "Again", "20260601T000000Z", 7},
		"unreadable":   {[]string{"BEGIN:VTODO\r\nUID:u\r\nSEQUENCE:-1\r\nDTSTAMP:now\r\nEND:VTODO"}, "u", "", "", 0},
		"with a zone":  {[]string{"BEGIN:VTODO\r\nUID:u\r\nSEQUENCE: 3 \r\nDTSTAMP;TZID=Europe/Berlin:20260701T120000\r\nEND:VTODO"}, "u", "", "20260701T100000Z", 3},
	} {
		t.Run(name, func(t *testing.T) {
			o := parse(t, calendar(c.lines...))
			checkObject(t, o)
			if o.UID != c.uid || o.Summary != c.summary || o.DTStamp != c.dtstam || o.Sequence != c.sequence {
				t.Errorf("got %q %q %q %d", o.UID, o.Summary, o.DTStamp, o.Sequence)
			}
		})
	}
}

func TestSummaryLine(t *testing.T) {
	for in, want := range map[string]string{
		"":                                "",
		`a\;b\,c\Nd\\n`:                   `a;b,c d\n`,
		"a\u0085b\u2028c\u200bd":          "a b c\u200bd",
		strings.Repeat("ü", 200):          strings.Repeat("ü", 127),
		strings.Repeat("a", 1<<20):        strings.Repeat("a", maxSummary),
		strings.Repeat(" ", 9999) + "far": "",
	} {
		if got := summaryLine([]byte(in)); got != want {
			t.Errorf("%.40q: %q, want %q", in, got, want)
		}
	}
}

func TestStoredUID(t *testing.T) {
	short, long := strings.Repeat("u", MaxUID), strings.Repeat("u", MaxUID+1)
	if StoredUID(short) != short {
		t.Error("a UID of 255 octets is not itself")
	}
	if got := StoredUID(long); !strings.HasPrefix(got, "sha256:") || len(got) != 7+64 {
		t.Errorf("got %q", got)
	}
}

func TestWholeFolds(t *testing.T) {
	for in, want := range map[string]string{
		"A:b\r\n c\r\n":                    "A:b\r\n c\r\n",
		"A:\xC3\r\n \xBC\r\n":              "A:ü\r\n \r\n",
		"A:\xF0\r\n \x9F\xA6\n\t\x8A.\r\n": "A:🦊\r\n \n\t.\r\n",
	} {
		if got := WholeFolds([]byte(in)); string(got) != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// caseFiles are objects from public reports of what went wrong elsewhere.
func caseFiles(t testing.TB) map[string][]byte {
	paths, err := filepath.Glob("testdata/cases/*.ics")
	if err != nil || len(paths) < 30 {
		t.Fatalf("%d cases, %v", len(paths), err)
	}
	files := map[string][]byte{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimSuffix(filepath.Base(path), ".ics")] = raw
	}
	return files
}

func TestCases(t *testing.T) {
	refused := map[string]string{
		"008-two-uids-in-one-object":   "valid-calendar-object-resource",
		"045-method-request-in-object": "valid-calendar-object-resource",
		"047-latin-1-declared":         "valid-calendar-data",
	}
	for name, raw := range caseFiles(t) {
		t.Run(name, func(t *testing.T) {
			o, err := ParseObject(raw)
			var objectErr *ObjectError
			errors.As(err, &objectErr)
			switch want := refused[name]; {
			case want == "" && err != nil:
				t.Error(err)
			case want == "":
				checkObject(t, o)
			case objectErr == nil || objectErr.Precondition != want:
				t.Errorf("%v, want %s", err, want)
			}
		})
	}
}

func FuzzObject(f *testing.F) {
	for _, raw := range caseFiles(f) {
		f.Add(raw)
	}
	f.Add(appleEvent(f))
	f.Add([]byte(event("DTSTART;TZID=Foo/Bar:20260310T090000", "DURATION:-P9999999W", "RDATE;VALUE=PERIOD:20260310T090000Z/PT1H")))
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, err := ParseObject(raw)
		var objectErr *ObjectError
		if err != nil && !errors.As(err, &objectErr) {
			t.Fatalf("%T", err)
		}
		if err == nil {
			checkObject(t, o)
		}
	})
}
