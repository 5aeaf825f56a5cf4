package translate

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unsafe"
)

// hostileTexts are texts of about n octets that were made to take time or memory.
func hostileTexts(n int) map[string]string {
	fill := func(s string) string { return strings.Repeat(s, n/len(s)) }
	one := func(lines string) string {
		return "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:u\nDTSTART:20260310T090000Z\n" + lines + "END:VEVENT\nEND:VCALENDAR\n"
	}
	zone := func(lines string) string {
		return "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Z\n" + lines + "END:VTIMEZONE\nBEGIN:VEVENT\nUID:u\nDTSTART;TZID=Z:20260310T090000\nRRULE:FREQ=DAILY\nEND:VEVENT\nEND:VCALENDAR\n"
	}
	observance := "BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=SECONDLY\nEND:STANDARD\n"
	return map[string]string{
		"one parameter":      "A;X=" + fill("x") + ":v",
		"many parameters":    "A" + fill(";X=1") + ":v",
		"folds":              "A:" + fill("\r\n "),
		"folds of one octet": "A:" + fill("\n x"),
		"folded head":        "A;X=" + fill("\r\n x") + ":v",
		"folded short head":  fill("A;X=\r\n x\r\n y\r\n z:v\r\n w\r\n"),
		"folded name":        fill("A\n B\n C\n :\n v\n"),
		"name without colon": fill("A\n A"),
		"CRs":                "A:" + fill("\r"),
		"CRs in folds":       fill("A:\r\r\r\r\n \r\r\r\n"),
		"CRs in the head":    fill("A;\r\r\r\r\n \r\r\r\n x:"),
		"CRs and blanks":     "A:" + fill("\r \n"),
		"blank lines":        fill(" \n\t\n"),
		"blank folded lines": fill("  \n  \n"),
		"DQUOTEs":            "A;X=" + fill(`"`) + ":v",
		"DQUOTEs and folds":  fill("A;X=\"\n :\"\n :\n"),
		"lines":              fill("A:\n"),
		"BEGINs":             fill("BEGIN:A\n"),
		"colons":             fill(":"),
		"no line":            fill("\x00"),
		"no text":            fill("\xff\n"),

		"an attachment":    one("ATTACH;ENCODING=BASE64;VALUE=BINARY:" + fill("\n "+strings.Repeat("QUJD", 18)) + "\n"),
		"components":       one(fill("BEGIN:X\nEND:X\n")),
		"alarms":           one(fill("BEGIN:VALARM\nTRIGGER:-PT5M\nEND:VALARM\n")),
		"attendees":        one(fill("ATTENDEE;CN=x:mailto:a@example.org\n")),
		"rules":            one(fill("RRULE:FREQ=DAILY\n")),
		"bad rules":        one(fill("RRULE:x\n") + fill("EXRULE:\n")),
		"long rules":       one(fill("RRULE:FREQ=YEARLY;BYYEARDAY=" + strings.TrimSuffix(strings.Repeat("1,-2,3,", 20), ",") + "\n")),
		"one long rule":    one("RRULE:FREQ=SECONDLY;BYSECOND=" + fill("1,") + "\n"),
		"dates":            one("RDATE:" + fill("20260310T090000Z,") + "\n"),
		"bad dates":        one("RDATE:" + fill("x,") + "\nEXDATE:" + fill(",") + "\n"),
		"excluded dates":   one("EXDATE;VALUE=DATE:" + fill("20260310,") + "\n" + fill("EXDATE:20260310T090000\n")),
		"periods":          one("RDATE;VALUE=PERIOD:" + fill("20260310T090000Z/PT1H,") + "\n"),
		"overrides":        one("RRULE:FREQ=DAILY\nEND:VEVENT\n" + fill("BEGIN:VEVENT\nUID:u\nRECURRENCE-ID:20260310\nEND:VEVENT\n") + "BEGIN:VEVENT\nUID:u\nRECURRENCE-ID:20260310\n"),
		"this and future":  one("RRULE:FREQ=DAILY\nEND:VEVENT\n" + fill("BEGIN:VEVENT\nUID:u\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260310T090000Z\nEND:VEVENT\n") + "BEGIN:VEVENT\nUID:u\nRECURRENCE-ID:20260310\n"),
		"busy":             strings.ReplaceAll(one(fill("FREEBUSY:20260310T090000Z/PT1H\n")), "VEVENT", "VFREEBUSY"),
		"observances":      zone(fill(observance)),
		"changes":          zone(strings.Replace(observance, "RRULE", "RDATE:"+fill("20260310T000000,")+"\nRRULE", 1)),
		"zones":            strings.ReplaceAll(zone(fill("X:\n")), "BEGIN:VEVENT", fill("BEGIN:VTIMEZONE\nTZID:"+strings.Repeat("z", 20)+"\nEND:VTIMEZONE\n")+"BEGIN:VEVENT"),
		"names of zones":   one(fill("DTSTART;TZID=Nowhere/At_all:20260310T090000\n")),
		"many named zones": one(manyZones(n)),
	}
}

func manyZones(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "X;TZID=/nowhere/%d:20260310T090000\nRDATE;TZID=/nowhere/%d:20260310T090000\n", i, i)
	}
	return b.String()
}

// TestScannerSteps: whatever the text, no octet is looked at or copied more than four
// times, its value unfolded.
func TestScannerSteps(t *testing.T) {
	for name, raw := range hostileTexts(100_000) {
		s := NewScanner([]byte(raw))
		for s.Next() {
			s.Line.Value()
		}
		if s.steps > 4*len(raw) {
			t.Errorf("%s: %.2f steps an octet", name, float64(s.steps)/float64(len(raw)))
		}
		if s.steps < len(raw)-3 {
			t.Errorf("%s: only %d steps for %d octets", name, s.steps, len(raw))
		}
	}
}

// TestMemoryOfHostileTexts: all that is allocated while a text is read, matched or given
// in part is less than ten times the text, and less than what the limits allow in all.
func TestMemoryOfHostileTexts(t *testing.T) {
	r := span("20260301T000000Z", "20260401T000000Z")
	alarms := of(CompFilter{Name: "VEVENT", TimeRange: &r, Comps: []CompFilter{{Name: "VALARM", TimeRange: &r}}})
	for name, raw := range hostileTexts(160 << 10) {
		raw := []byte(raw)
		checkExpanded(t, name, raw, r)
		for what, f := range map[string]func(){
			"scanned": func() {
				for s := NewScanner(raw); s.Next(); {
					s.Line.Value()
					s.Line.Param("TZID")
				}
			},
			"parsed":  func() { ParseObject(raw) },
			"matched": func() { within("VEVENT", r).Match(&Object{Raw: raw}) },
			"alarms":  func() { alarms.Match(&Object{Raw: raw}) },
			"limited": func() { (&Data{LimitRecurrence: &r}).Apply(raw, nil) },
			"in part": func() {
				(&Data{Comp: &CompData{Name: "VCALENDAR", Comps: []CompData{{Name: "VEVENT", Props: []PropData{{Name: "UID"}}}}}}).Apply(raw, nil)
			},
			"busy": func() { NewFreeBusy(r).Add(raw, nil) },
			"jCal": func() { JSON(raw) },
		} {
			if most := 10 * len(raw); allocated(f) > most {
				t.Errorf("%s, %s: %.1f times the text", name, what, float64(allocated(f))/float64(len(raw)))
			}
		}
	}
}

// TestMemoryOfHostileRules: a rule of few octets takes no more memory than it is long, ten times and what any object
// takes; expanded, no more than its instances and the text that they make.
func TestMemoryOfHostileRules(t *testing.T) {
	r := span("20500101T000000Z", "20500201T000000Z")
	const any = 20 << 10
	budget := func() *Budget { return &Budget{longer(20_000, maxRequestSteps)} }
	for _, c := range hostileRules() {
		raw := []byte(event("DTSTART;TZID=America/New_York:"+c.start, "RRULE:"+c.rule))
		for what, f := range map[string]func(){
			"parsed":  func() { ParseObject(raw) },
			"matched": func() { f := within("VEVENT", r); f.Budget = budget(); f.Match(&Object{Raw: raw}) },
			"limited": func() { (&Data{LimitRecurrence: &r, Budget: budget()}).Apply(raw, nil) },
			"busy":    func() { f := NewFreeBusy(TimeRange{r.Start, r.Start + day}); f.budget = budget(); f.Add(raw, nil) },
		} {
			if n := allocated(f); n > any+10*len(raw) {
				t.Errorf("%.60s, %s: %d octets", c.rule, what, n)
			}
		}
		checkExpanded(t, c.rule, raw, r)
	}
}

// checkExpanded checks what an expansion allocates.
func checkExpanded(t *testing.T, name string, raw []byte, r TimeRange) {
	t.Helper()
	var out []byte
	n := allocated(func() { out, _ = (&Data{Expand: &r}).Apply(raw, nil) })
	const most = 6 * MaxInstances * int(unsafe.Sizeof(instance{})) // a list that grows
	if n > most+10*(len(raw)+len(out)) {
		t.Errorf("%.60s, expanded: %d octets for %d of text", name, n, len(out))
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
