package translate

import (
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// What reads iCalendar from outside allocates, in all that it ever holds, less than
// timesText times the octets that it is given and those that it gives, and takenAnyway.
const (
	timesText   = 10
	takenAnyway = 20 << 10
)

// reading is one use of a text; it returns how many octets it gave.
type reading struct {
	what string
	read func(raw []byte, b *Budget) (out int)
}

// readings are all ways in which a text is read.
func readings(r TimeRange) []reading {
	return append(readingsOfRules(r), []reading{
		{"scanned", func(raw []byte, _ *Budget) int {
			for s := NewScanner(raw); s.Next(); {
				s.Line.Value()
				s.Line.Param("TZID")
			}
			return 0
		}},
		{"searched", func(raw []byte, b *Budget) int { return found(hostileSearch(""), raw, b) }},
		{"searched in any case", func(raw []byte, b *Budget) int { return found(hostileSearch("i;unicode-casemap"), raw, b) }},
		{"searched by date", func(raw []byte, b *Budget) int {
			return found(of(CompFilter{Name: "VEVENT", Props: []PropFilter{{Name: "RDATE", TimeRange: &r}, {Name: "X", TimeRange: &r}}}), raw, b)
		}},
		{"in part", func(raw []byte, _ *Budget) int {
			props := []PropData{{Name: "UID"}, {Name: "A", NoValue: true}}
			return applied(raw, &Data{Comp: &CompData{Name: "VCALENDAR", AllComp: true, Comps: []CompData{{Name: "VEVENT", Props: props}}}})
		}},
		{"limited in FREEBUSY", func(raw []byte, _ *Budget) int { return applied(raw, &Data{LimitFreeBusy: &r}) }},
		{"jCal", func(raw []byte, _ *Budget) int { return applied(raw, &Data{JSON: true}) }},
		{"a zone", func(raw []byte, _ *Budget) int {
			if z := ReadZone(raw); z != nil && ValidTimezone(raw) {
				for year := range int64(300) {
					z.offset(year * 366 * day)
				}
			}
			return 0
		}},
		{"published", func(raw []byte, _ *Budget) (out int) {
			if u, err := ReadUpload(raw); err == nil {
				for i := range u.Items {
					out += len(u.Octets(i))
				}
			}
			return out
		}},
		{"compared", func(raw []byte, _ *Budget) int { return len(contentKey(raw)) }},
		{"in a feed", func(raw []byte, _ *Budget) int {
			var out counter
			f := NewFeedWriter(&out, "")
			f.Add(raw)
			f.Close()
			return int(out)
		}},
		{"in a mail", func(raw []byte, _ *Budget) int {
			f, err := ReadForeign(append([]byte("Content-Type: text/calendar\n\n"), raw...))
			if err != nil {
				return 0
			}
			return len(f.Object.Raw)
		}},
	}...)
}

// readingsOfRules are those that recurrence rules matter to.
func readingsOfRules(r TimeRange) []reading {
	return []reading{
		{"parsed", func(raw []byte, _ *Budget) int { ParseObject(raw); return 0 }},
		{"matched", func(raw []byte, b *Budget) int { return found(within("VEVENT", r), raw, b) }},
		{"matched as a task", func(raw []byte, b *Budget) int { return found(within("VTODO", r), raw, b) }},
		{"matched by alarms", func(raw []byte, b *Budget) int {
			return found(of(CompFilter{Name: "VEVENT", TimeRange: &r, Comps: []CompFilter{{Name: "VALARM", TimeRange: &r}}}), raw, b)
		}},
		{"limited", func(raw []byte, b *Budget) int { return applied(raw, &Data{LimitRecurrence: &r, Budget: b}) }},
		{"expanded", func(raw []byte, b *Budget) int { return applied(raw, &Data{Expand: &r, Budget: b}) }},
		{"busy", func(raw []byte, b *Budget) int {
			f := NewFreeBusy(r)
			f.budget = b
			f.Add(raw, nil)
			return len(f.Calendar(time.Time{}))
		}},
	}
}

func hostileSearch(collation string) *Filter {
	text := &TextMatch{Collation: collation, Text: "nothing of it"}
	f := CompFilter{Name: "VEVENT"}
	for _, name := range []string{"SUMMARY", "ATTACH", "ATTENDEE", "X", "A"} {
		f.Props = append(f.Props, PropFilter{Name: name, Text: text}, PropFilter{Name: name, Params: []ParamFilter{{Name: "CN", Text: text}, {Name: "X", Text: text}}})
	}
	return of(f)
}

func found(f *Filter, raw []byte, b *Budget) (out int) {
	f.Budget = b
	f.Match(&Object{Raw: raw})
	return 0
}

func applied(raw []byte, d *Data) (out int) {
	got, _ := d.Apply(raw, nil)
	return len(got)
}

// counter counts what is written to it.
type counter int

var _ io.Writer = (*counter)(nil)

func (c *counter) Write(b []byte) (int, error) { *c += counter(len(b)); return len(b), nil }

// TestMemoryOfHostileTexts: whatever the text, and however short, no reading of it takes
// more memory than is allowed. Of long texts a part is read in each way, with TEST_LONG all
// are, and the steps are those of a request; with -v it tells how much each reading takes.
func TestMemoryOfHostileTexts(t *testing.T) {
	location("Europe/Berlin") // what is read once is read now
	parts := map[int]int{1 << 10: 1, 17 << 10: 2, 160 << 10: 10}
	if longer(0, 1) == 1 {
		parts = map[int]int{1 << 10: 1, 4 << 10: 1, 17 << 10: 1, 64 << 10: 1, 160 << 10: 1, 1 << 20: 1}
	}
	r := span("20260301T000000Z", "20260401T000000Z")
	ofRules := len(readingsOfRules(r))
	var m memory
	for n, part := range parts {
		texts := hostileTexts(n)
		for i, name := range slices.Sorted(maps.Keys(texts)) {
			for j, read := range readings(r) {
				if (i+j)%part == 0 || j < ofRules && part <= 2 {
					m.check(t, name, []byte(texts[name]), read, longer(3_000, maxRequestSteps))
				}
			}
		}
	}
	m.tell(t)
}

// TestMemoryOfManyRules: the same of an object of many rules.
func TestMemoryOfManyRules(t *testing.T) {
	location("America/New_York")
	var m memory
	for _, n := range []int{20, maxRules} {
		for _, c := range hostileRules() {
			rules := strings.Repeat("RRULE:"+c.rule+"\r\n", n)
			raw := []byte(event("DTSTART;TZID=America/New_York:"+c.start, strings.TrimSpace(rules)))
			for _, r := range readingsOfRules(span("20500101T000000Z", "20500201T000000Z")) {
				m.check(t, fmt.Sprint(n, " times ", c.rule), raw, r, longer(3_000, maxRequestSteps))
			}
		}
	}
	m.tell(t)
}

// TestMemoryOfHostileRules: nor does one rule of few octets, however many instances it has.
func TestMemoryOfHostileRules(t *testing.T) {
	location("America/New_York")
	var m memory
	rules := append(hostileRules(), hostileRule{"20500101T000000", "FREQ=MINUTELY;BYSECOND=0", 0},
		hostileRule{"20500101T000000", strings.Repeat("FREQ=DAILY\r\nRRULE:", 300) + "FREQ=DAILY", 0})
	for _, c := range rules {
		raw := []byte(event("DTSTART;TZID=America/New_York:"+c.start, "DURATION:PT1M", "RRULE:"+c.rule))
		for _, r := range readingsOfRules(span("20500101T000000Z", "20500201T000000Z")) {
			m.check(t, c.rule, raw, r, longer(25_000, maxRequestSteps))
		}
	}
	m.tell(t)
}

// memory is what readings have taken.
type memory struct{ worst map[string]taken }

type taken struct {
	times float64
	name  string
}

func (m *memory) check(t *testing.T, name string, raw []byte, r reading, steps int) {
	t.Helper()
	definitions.Lock() // those of other tests
	clear(definitions.zones)
	definitions.octets = 0
	definitions.Unlock()
	out := 0
	n := allocated(func() { out = r.read(raw, &Budget{steps}) }) - takenAnyway
	if n > timesText*(len(raw)+out) {
		t.Errorf("%.60s of %d octets, %s: %d octets, and %d are given", name, len(raw), r.what, n+takenAnyway, out)
	}
	if m.worst == nil {
		m.worst = map[string]taken{}
	}
	if times := float64(n) / float64(len(raw)+out); times > m.worst[r.what].times {
		m.worst[r.what] = taken{times, name}
	}
}

func (m *memory) tell(t *testing.T) {
	for _, r := range readings(TimeRange{}) {
		if w := m.worst[r.what]; w.times > 0 {
			t.Logf("%-21s %4.1f times: %.60s", r.what, w.times, w.name)
		}
	}
}

// allocated is how many octets f allocates in all.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}
