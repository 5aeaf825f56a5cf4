package translate

import (
	"archive/zip"
	"fmt"
	"go/build"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const berlinDefinition = `BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
DTSTART:19810329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
DTSTART:19961027T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
`

// newYorkDefinition is the example of RFC 5545 section 3.6.5 with all its rules.
const newYorkDefinition = `BEGIN:VTIMEZONE
TZID:America/New_York
BEGIN:DAYLIGHT
DTSTART:19670430T020000
RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=-1SU;UNTIL=19730429T070000Z
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19671029T020000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20061029T060000Z
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19740106T020000
RDATE:19750223T020000
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
END:DAYLIGHT
BEGIN:DAYLIGHT
DTSTART:19760425T020000
RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=-1SU;UNTIL=19860427T070000Z
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
END:DAYLIGHT
BEGIN:DAYLIGHT
DTSTART:19870405T020000
RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=20060402T070000Z
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
END:DAYLIGHT
BEGIN:DAYLIGHT
DTSTART:20070311T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:20071104T020000
RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
END:STANDARD
END:VTIMEZONE
`

// TestDefinitionIsTheZone: a VTIMEZONE that says what the IANA says gives the same
// times, far in the future too.
func TestDefinitionIsTheZone(t *testing.T) {
	for _, c := range []struct{ name, text, since string }{
		{"Europe/Berlin", berlinDefinition, "19970101T000000Z"},
		{"America/New_York", newYorkDefinition, "19670501T000000Z"},
	} {
		own, known := ReadZone([]byte(c.text)), location(c.name)
		if own == nil || own.own == nil {
			t.Fatalf("%s is not read", c.name)
		}
		rapid.Check(t, func(t *rapid.T) {
			unix := rapid.Int64Range(at(c.since, 0), at("29000101T000000Z", 0)).Draw(t, "unix")
			if rapid.Bool().Draw(t, "near") { // at the borders
				year := rapid.IntRange(1998, 2500).Draw(t, "year")
				d := rapid.IntRange(0, 365*24*4).Draw(t, "quarter")
				unix = dateOf(int64(year), 1, 1)*day + int64(d)*900
			}
			if own.offset(unix) != known.offset(unix) || own.unix(unix) != known.unix(unix) {
				t.Fatalf("%s: offset %d, %d; %s, %s", formatUTC(unix), own.offset(unix), known.offset(unix),
					formatUTC(own.unix(unix)), formatUTC(known.unix(unix)))
			}
		})
	}
}

// TestOwnDefinitionCounts: the definition in the object, not the name.
func TestOwnDefinitionCounts(t *testing.T) {
	own := strings.Replace(berlinDefinition, "+0200", "+0530", -1)
	text := strings.Replace(event("DTSTART;TZID=Europe/Berlin:20260710T100000", "DURATION:PT1H"), "BEGIN:VEVENT", own+"BEGIN:VEVENT", 1)
	o := parse(t, text)
	if got := o.Span.String(); got != "4;VEVENT;20260710T043000Z/20260710T053000Z;" {
		t.Error(got)
	}
	if !checkFilter(t, within("VEVENT", span("20260710T043000Z", "20260710T043001Z")), o) {
		t.Error("missed")
	}
	if checkFilter(t, within("VEVENT", span("20260710T080000Z", "20260710T080100Z")), o) {
		t.Error("found where the name says")
	}
}

func TestZonesOfObject(t *testing.T) {
	z := &zones{raw: []byte(berlinDefinition + strings.Replace(berlinDefinition, "Europe/Berlin", "My Zone ", 1) +
		"BEGIN:VTIMEZONE\nTZID:Europe/Paris\nBEGIN:STANDARD\nEND:STANDARD\nEND:VTIMEZONE\nBEGIN:VTIMEZONE\n")}
	for name, want := range map[string]string{
		"My Zone": "own", " My Zone ": "own", "Europe/Berlin": "own", "Europe/Paris": "known", "Nowhere": "", "": "", "/x/y/Europe/Rome": "known", "W. Europe Standard Time": "known",
	} {
		got := ""
		if zone := z.find([]byte(name)); zone != nil {
			if got = "known"; zone.own != nil {
				got = "own"
			}
		}
		if got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestParseOffset(t *testing.T) {
	for in, want := range map[string]int64{"+0100": 3600, "-0530": -19800, "+010203": 3723, " +0000 ": 0, "-0000": 0} {
		if got, ok := parseOffset([]byte(in)); !ok || got != want {
			t.Errorf("%q: %d, %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "0100", "+01", "+2400", "+0060", "+01:00", "+010", "Z"} {
		if _, ok := parseOffset([]byte(in)); ok {
			t.Errorf("%q is read", in)
		}
	}
}

// TestWindowsZones: every name leads to a zone that exists.
func TestWindowsZones(t *testing.T) {
	if len(windowsZones) < 130 {
		t.Errorf("only %d names", len(windowsZones))
	}
	for name, zone := range windowsZones {
		if location(name) == nil {
			t.Errorf("%s: there is no %s", name, zone)
		}
	}
}

func FuzzDefinition(f *testing.F) {
	f.Add([]byte(berlinDefinition), int64(0))
	f.Add([]byte(newYorkDefinition), int64(1_700_000_000))
	f.Add([]byte(strings.Replace(berlinDefinition, "YEARLY", "SECONDLY", -1)), int64(1_700_000_000))
	if raw, err := os.ReadFile("testdata/cases/009-windows-zone-name.ics"); err == nil {
		f.Add(raw, int64(1_700_000_000))
	}
	f.Fuzz(func(t *testing.T, raw []byte, unix int64) {
		zone := parseDefinition(raw)
		if zone == nil {
			return
		}
		unix = min(max(unix, minWall), maxWall)
		if o := zone.offset(unix); o < -day || o > day {
			t.Fatalf("offset %d", o)
		}
		if first, again := zone.unix(unix), zone.unix(unix); first != again {
			t.Fatal("not the same twice")
		}
	})
}

func FuzzRule(f *testing.F) {
	for _, s := range []string{"FREQ=DAILY;COUNT=10", "FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3;BYSETPOS=1,-1", "FREQ=SECONDLY;INTERVAL=60;BYSECOND=5",
		"FREQ=MONTHLY;SKIP=FORWARD;RSCALE=GREGORIAN;BYMONTHDAY=31", "FREQ=YEARLY;BYWEEKNO=53,-1;UNTIL=20300101"} {
		f.Add(s, int64(1_700_000_000), int64(2_500_000_000), int64(3_000_000), true)
	}
	berlin := location("Europe/Berlin")
	f.Fuzz(func(t *testing.T, text string, start, from, length int64, date bool) {
		start, from = min(max(start, minWall), maxWall), min(max(from, minWall), maxWall)
		to := from + min(max(length, 0), maxWall)
		if date {
			start -= floorMod(start, day)
		}
		for _, zone := range []*Zone{UTC, berlin} {
			step := &steps{left: 10_000}
			g := newRecurrence(parseRule([]byte(text)), start, date, zone, step)
			if g == nil {
				return
			}
			last := int64(minWall - 1)
			g.walls(from, to, func(wall, unix int64) bool {
				if wall < from || wall > to || wall < start {
					t.Fatalf("%q: %s is outside", text, formatUTC(wall))
				}
				if !g.exact && wall <= last {
					t.Fatalf("%q: %s behind %s", text, formatUTC(wall), formatUTC(last))
				}
				last = wall
				return true
			})
			if step.left < -1 {
				t.Fatalf("%q: %d steps too many", text, -step.left)
			}
		}
	})
}

// TestNamesOfZones: each name that is known is one of the IANA's, as this Go has them.
func TestNamesOfZones(t *testing.T) {
	if !slices.IsSorted(ianaNames) || len(ianaNames) < 500 {
		t.Error("no list of names")
	}
	for _, name := range ianaNames {
		if location(name) == nil {
			t.Errorf("%s is unknown", name)
		}
	}
	data, err := zip.OpenReader(filepath.Join(build.Default.GOROOT, "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Skip(err)
	}
	defer data.Close()
	for _, f := range data.File {
		if _, ok := slices.BinarySearch(ianaNames, f.Name); !ok && !strings.HasSuffix(f.Name, "/") {
			t.Errorf("%s is not in the list: run timezone_iana_generate.go", f.Name)
		}
	}
}

// TestZonesAreKept: the zone of one object is that of the next, by its definition, however long, and by its name; nor is
// a year of it looked through twice.
func TestZonesAreKept(t *testing.T) {
	var long strings.Builder
	for year := 1900; year < 2030; year++ {
		fmt.Fprintf(&long, "BEGIN:STANDARD\r\nTZNAME:%s\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nDTSTART:%d0101T000000\r\nEND:STANDARD\r\n", strings.Repeat("x", 100), year)
	}
	for name, lines := range map[string]string{
		"own":  "BEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0130\r\nEND:STANDARD\r\n",
		"long": long.String(),
	} {
		z := &zones{raw: []byte(calendar("BEGIN:VTIMEZONE", "TZID:"+name, strings.TrimSuffix(lines, "\r\n"), "END:VTIMEZONE"))}
		zone := z.find([]byte(name))
		if n := testing.AllocsPerRun(10, func() { readDefinition(z.raw[z.own[name].start:z.own[name].end]) }); n > 0 || zone == nil {
			t.Errorf("%s: the definition is read for each object: %v allocations", name, n)
			continue
		}
		zone.offset(0)
		before := len(zone.own.changes)
		zone.offset(1)
		if before != len(zone.own.changes) {
			t.Errorf("%s: the year is looked through for each time", name)
		}
	}
	for name, of := range map[string]string{"UTC": "UTC", "Europe/Berlin": "Europe/Berlin", "W. Europe Standard Time": "Europe/Berlin", "/example.org/Europe/Berlin": "Europe/Berlin"} {
		if n := testing.AllocsPerRun(10, func() { location(name) }); n > 0 || location(name) != iana(of) {
			t.Errorf("%s is loaded each time: %v allocations", name, n)
		}
	}
	for i := range 2 * maxSpellings { // whatever names there were before
		location(fmt.Sprint("Nowhere/", i))
		location(fmt.Sprintf("/example.org/%d/Europe/Berlin", i))
	}
	if n := testing.AllocsPerRun(10, func() { location("Nowhere/Else") }); n > 0 {
		t.Errorf("a name that is none is looked up each time: %v allocations", n)
	}
	for i := range maxKeptDefinitions/(60<<10) + 10 {
		readDefinition([]byte(fmt.Sprintf("BEGIN:VTIMEZONE\r\nTZID:%d\r\nX-A:%s\r\nEND:VTIMEZONE\r\n", i, strings.Repeat("x", 60<<10))))
	}
	kept := 0
	for raw := range definitions.zones {
		kept += len(raw)
	}
	if kept > maxKeptDefinitions || len(spellings.zones) > maxSpellings {
		t.Errorf("%d octets of definitions and %d names of zones are kept", kept, len(spellings.zones))
	}
}
