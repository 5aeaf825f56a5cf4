package translate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestBudgetOfRequest: a calendar full of rules that are made to take time takes no
// more than the budget and a little for each object; what they spend is answered by
// "may match", and other objects are still answered for exactly.
func TestBudgetOfRequest(t *testing.T) {
	hostile := &Object{Raw: []byte(event("DTSTART:20260101T000000Z", "RRULE:FREQ=SECONDLY;BYSETPOS=2;COUNT=9999999999"))}
	weekly := &Object{Raw: []byte(event("DTSTART;TZID=Europe/Berlin:19960101T090000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY"))}
	f := within("VEVENT", span("20260310T000000Z", "20260311T000000Z")) // a Tuesday
	all, n := longer(maxRequestSteps/5, maxRequestSteps), longer(200, 1_000)
	f.Budget = &Budget{all}
	for range n {
		if !f.Match(hostile) {
			t.Fatal("not told that it may match")
		}
	}
	if spent := all - f.Budget.left; spent > all+maxSteps+n*(leastSteps+10) {
		t.Errorf("%d steps", spent)
	}
	if f.Budget.left > 0 {
		t.Error("the budget is not spent")
	}
	if f.Match(weekly) {
		t.Error("found on another day")
	}
	f.Comp.Comps[0].TimeRange.Start -= day
	if !f.Match(weekly) {
		t.Error("missed")
	}
	d := &Data{Expand: f.Comp.Comps[0].TimeRange, Budget: f.Budget}
	if got, err := d.Apply(hostile.Raw, nil); err != ErrNotExpanded {
		t.Errorf("got %v %s", err, got)
	}
	if got, err := d.Apply(weekly.Raw, nil); err != nil || !strings.Contains(string(got), "DTSTART:20260309T080000Z") {
		t.Errorf("got %v %s", err, got)
	}
}

// TestStepsOfManyParts: components that multiply each other's work are counted, too.
func TestStepsOfManyParts(t *testing.T) {
	const n = maxRules
	override := "BEGIN:VEVENT\r\nUID:u\r\nRECURRENCE-ID%s:20260310T090000Z\r\nDTSTART:20260310T090000Z\r\nEND:VEVENT\r\n"
	master := "BEGIN:VEVENT\r\nUID:u\r\nDTSTART:20260310T090000Z\r\n%sEND:VEVENT\r\n"
	later := strings.Repeat(fmt.Sprintf(override, ";RANGE=THISANDFUTURE"), n)
	never := span("19700101T000000Z", "19700102T000000Z")
	for name, raw := range map[string]string{
		"THISANDFUTURE": fmt.Sprintf(master, "RRULE:FREQ=DAILY\r\n") + later,
		"EXRULE":        fmt.Sprintf(master, strings.Repeat("EXRULE:FREQ=DAILY\r\n", n)) + later,
		"RRULE":         fmt.Sprintf(master, strings.Repeat("RRULE:FREQ=DAILY\r\n", n)) + later,
		"RDATE":         fmt.Sprintf(master, strings.Repeat("RDATE:20260310T090000Z\r\n", n)) + later,
		"masters":       strings.Repeat(fmt.Sprintf(master, ""), n) + later,
	} {
		raw := []byte(calendar(raw))
		f := within("VEVENT", never)
		f.Budget = NewBudget()
		m := newMatcher(raw, nil, f.Budget)
		m.some(&f.Comp, -1, 0)
		if spent := maxRequestSteps - f.Budget.left; spent < n || spent > maxSteps+5*n {
			t.Errorf("%s: %d steps", name, spent)
		}
		limitRecurrence(raw, never, nil, nil)
	}
}

// TestReadingAnewIsCounted: text that is read anew for each question takes steps, as it is long.
func TestReadingAnewIsCounted(t *testing.T) {
	never := span("19700101T000000Z", "19700102T000000Z")
	for name, lines := range map[string]string{
		"RDATE":  "RDATE:20260310T090000Z" + strings.Repeat(",", 64_000),
		"RRULE":  strings.TrimSpace(strings.Repeat("RRULE:FREQ=DAILY;BYHOUR="+strings.Repeat("1,", 8_000)+"\r\n", keptRules+4)),
		"EXRULE": strings.TrimSpace(strings.Repeat("EXRULE:FREQ=DAILY;BYHOUR="+strings.Repeat("1,", 8_000)+"\r\n", keptRules+4)),
	} {
		f := within("VEVENT", never)
		f.Budget = NewBudget()
		f.Match(&Object{Raw: []byte(event("DTSTART:20260310T090000Z", lines))})
		if spent := maxRequestSteps - f.Budget.left; spent < 64_000/stepText {
			t.Errorf("%s: %d steps", name, spent)
		}
	}
}

// TestHostileZones: a VTIMEZONE may say that the clocks change each second. What it
// takes to read it is bounded for a year, and counts for the rule that asks.
func TestHostileZones(t *testing.T) {
	observance := func(start, rule string) string {
		return "BEGIN:STANDARD\r\nDTSTART:" + start + "\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n" + rule + "\r\nEND:STANDARD\r\n"
	}
	zone := func(lines string) string {
		return "BEGIN:VTIMEZONE\r\nTZID:Z\r\n" + lines + "END:VTIMEZONE\r\n"
	}
	many := ""
	for i := range maxObservances {
		many += observance(fmt.Sprintf("19%02d0101T000000", i%100), strings.Repeat("RRULE:FREQ=DAILY\r\n", 10)+"RDATE:20260310T000000")
	}
	for name, text := range map[string]string{
		"each second":        zone(observance("19700101T000000", "RRULE:FREQ=SECONDLY")),
		"never":              zone(observance("00010101T000000", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31")),
		"count":              zone(observance("00010101T000000", "RRULE:FREQ=SECONDLY;COUNT=99999999")),
		"many observances":   zone(many),
		"many dates":         zone(observance("19700101T000000", "RDATE:"+strings.Repeat("20260310T000000,", maxZoneDates))),
		"changes to and fro": zone(observance("19700101T000000", "RRULE:FREQ=DAILY") + strings.ReplaceAll(observance("19700101T120000", "RRULE:FREQ=DAILY"), "0100", "2300")),
	} {
		z := parseDefinition([]byte(text))
		for year := int64(1); year < 9999; year += 1111 {
			changes, cost := z.own.year(year)
			if len(changes) > maxChanges+1 || cost > maxZoneSteps+maxObservances/10 {
				t.Errorf("%s: %d changes and %d steps in %d", name, len(changes), cost, year)
			}
		}
		for range 3 * maxZoneYears {
			z.offset(z.own.before)
		}
		b := NewBudget()
		f := within("VEVENT", span("99980101T000000Z", "99980101T000001Z"))
		f.Budget = b
		raw := calendar("BEGIN:VEVENT", "UID:u", "DTSTART;TZID=Z:00010101T000000", "RRULE:FREQ=YEARLY;BYMONTH=1,2,3,4;COUNT=100000", "END:VEVENT", strings.TrimSpace(text))
		f.Match(&Object{Raw: []byte(raw)})
		years := len(z.own.years)
		if spent := maxRequestSteps - b.left; spent > maxSteps+2*maxZoneSteps || years > maxZoneYears {
			t.Errorf("%s: %d steps, %d years kept", name, spent, years)
		}
	}
}

// TestFreeBusyIsBounded: however many periods there are, no more are kept than can be
// answered.
func TestFreeBusyIsBounded(t *testing.T) {
	r := span("20260101T000000Z", "20270101T000000Z")
	kept := longer(5_000, maxPeriods)
	f := NewFreeBusy(r)
	f.kept = kept
	var b strings.Builder
	for i := range int64(kept) {
		fmt.Fprintf(&b, "FREEBUSY:%s/PT1S\r\n", formatUTC(r.Start+2*i))
	}
	raw := []byte(calendar("BEGIN:VFREEBUSY", "UID:u", strings.TrimSpace(b.String()), "END:VFREEBUSY"))
	for range 3 { // the same ones again are joined
		f.Add(raw, nil)
	}
	if n := len(f.busy[busy]); n >= 3*kept {
		t.Errorf("%d periods", n)
	}
	other := []byte(strings.ReplaceAll(string(raw), "FREEBUSY:2026", "FREEBUSY:2027"))
	f = NewFreeBusy(span("20260101T000000Z", "20290101T000000Z"))
	f.kept = kept
	for range 2 {
		for _, o := range [][]byte{raw, other} {
			f.Add(o, nil)
		}
	}
	if n := len(f.busy[busy]); n >= 2*kept {
		t.Errorf("%d periods", n)
	}
	// What is joined is still busy.
	want := merge(f.busy[busy], 0)
	for _, from := range []int64{r.Start, r.Start + int64(2*kept) - 2, r.Start + 365*day, r.Start + 365*day + int64(kept)} {
		if !slices.ContainsFunc(want, func(b bounds) bool { return b.lo <= from && from < b.hi }) {
			t.Errorf("%s looks free", formatUTC(from))
		}
	}
}
