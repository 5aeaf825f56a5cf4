package translate

import (
	"fmt"
	"maps"
	"strings"
	"testing"
)

// hostileTexts are texts of about n octets that were made to take time or memory.
func hostileTexts(n int) map[string]string {
	fill := func(s string) string { return strings.Repeat(s, n/len(s)) }
	texts := map[string]string{
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
	}
	maps.Copy(texts, hostileObjects(n))
	return texts
}

// hostileObjects are those of them that are calendar objects, or nearly.
func hostileObjects(n int) map[string]string {
	fill := func(s string) string { return strings.Repeat(s, n/len(s)) }
	one := func(lines string) string {
		return "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:u\nDTSTART:20260310T090000Z\n" + lines + "END:VEVENT\nEND:VCALENDAR\n"
	}
	zone := func(lines string) string {
		return "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Z\n" + lines + "END:VTIMEZONE\nBEGIN:VEVENT\nUID:u\nDTSTART;TZID=Z:20260310T090000\nRRULE:FREQ=DAILY\nEND:VEVENT\nEND:VCALENDAR\n"
	}
	many := func(lines string) string { return "BEGIN:VCALENDAR\nVERSION:2.0\n" + lines + "END:VCALENDAR\n" }
	each := func(format string, step int64) string { // a day or time in each
		var b strings.Builder
		for i := int64(0); b.Len() < n; i++ {
			at := formatUTC(1_767_225_600 + i*step)
			b.WriteString(strings.NewReplacer("%DATE", at[:8], "%TIME", at, "%N", fmt.Sprint(i+1)).Replace(format))
		}
		return b.String()
	}
	observance := "BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=SECONDLY\nEND:STANDARD\n"
	override := "BEGIN:VEVENT\nUID:u\nRECURRENCE-ID:%TIME\nEND:VEVENT\n"
	return map[string]string{
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
		"daily changes":    zone(strings.Replace(observance, "SECONDLY", "DAILY", 1) + fill("X:\n")),
		"zones":            strings.ReplaceAll(zone(fill("X:\n")), "BEGIN:VEVENT", fill("BEGIN:VTIMEZONE\nTZID:"+strings.Repeat("z", 20)+"\nEND:VTIMEZONE\n")+"BEGIN:VEVENT"),
		"names of zones":   one(fill("DTSTART;TZID=Nowhere/At_all:20260310T090000\n")),
		"many named zones": one(manyZones(n)),

		"short components":         many(fill("begin:a\nend:a\n")),
		"folded components":        many(fill("B\n EGIN:a\nE\n ND:a\n")),
		"empty events":             many(fill("BEGIN:VEVENT\nEND:VEVENT\n")),
		"bad tasks":                many(fill("BEGIN:VTODO\nCREATED:1\nEND:VTODO\n")),
		"events":                   many(fill("BEGIN:VEVENT\nDTSTART:20260310\nRRULE:FREQ=DAILY\nEND:VEVENT\n")),
		"objects":                  many(each("BEGIN:VEVENT\nUID:%N\nEND:VEVENT\n", day)),
		"nameless objects":         many(each("BEGIN:VEVENT\nX:%N\nEND:VEVENT\n", day)),
		"refused objects":          many(each("BEGIN:VEVENT\nUID:%N\nEND:VEVENT\n", day) + "BEGIN:VEVENT\nUID:a\nUID:b\nEND:VEVENT\n"),
		"refused nameless objects": many(each("BEGIN:VEVENT\nX:%N\nEND:VEVENT\n", day) + "BEGIN:VEVENT\nUID:a\nUID:b\nEND:VEVENT\n"),
		"refused calendars":        each("BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:%N\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:%N\nX;TZID=%N:\nEND:VEVENT\nEND:VCALENDAR\n", day) + many("BEGIN:VEVENT\nUID:a\nUID:b\nEND:VEVENT\n"),
		"calendars":                each("BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:%N\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:%N\nX;TZID=%N:\nEND:VEVENT\nEND:VCALENDAR\n", day),
		"definitions":              many(each("BEGIN:VTIMEZONE\nTZID:%N\nEND:VTIMEZONE\n", day) + "BEGIN:VEVENT\nUID:u\nEND:VEVENT\n"),
		"daily overrides":          many("BEGIN:VEVENT\nUID:u\nDTSTART:20260101T000000Z\nRRULE:FREQ=DAILY\nEND:VEVENT\n" + each(override, day)),
		"minutely overrides":       many("BEGIN:VEVENT\nUID:u\nDTSTART:20260101T000000Z\nRRULE:FREQ=MINUTELY\nEND:VEVENT\n" + each(override, 60)),
		"bare overrides":           many(fill("BEGIN:VEVENT\nRECURRENCE-ID:20260310\nEND:VEVENT\n")),
		"daily and future":         many(each(strings.Replace(override, "ID:", "ID;RANGE=THISANDFUTURE:", 1), day) + "BEGIN:VEVENT\nUID:u\nDTSTART:20260101T000000Z\nRRULE:FREQ=DAILY\nEND:VEVENT\n"),
		"each EXDATE":              one("RRULE:FREQ=DAILY\n" + each("EXDATE:%DATE\n", day)),
		"each RDATE":               one(each("RDATE:%DATE\n", day)),
		"list of RDATE":            one("RDATE:" + each("%DATE,", day) + "\n"),
		"each period":              one(each("RDATE;VALUE=PERIOD:%TIME/PT1H\n", day)),
		"rules and dates":          one(each("RRULE:FREQ=DAILY\nRDATE:%DATE\n", day)),
		"rules of numbers":         one(each("RRULE:FREQ=DAILY;INTERVAL=%N\n", day)),
		"rules of days":            one(fill("RRULE:FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR,SA,SU\n")),
		"rules of lists":           one(fill("RRULE:FREQ=DAILY;BYDAY=MO;BYMONTH=1;BYHOUR=1;BYMINUTE=1;BYSECOND=1;BYSETPOS=1\n")),
		"rules twice":              one("RRULE:FREQ=SECONDLY\nRRULE:FREQ=SECONDLY;BYHOUR=5\n" + fill("X:\n")),
		"EXRULEs":                  one("RRULE:FREQ=DAILY\n" + fill("EXRULE:FREQ=DAILY;BYHOUR=1\n")),
		"rules of zones":           zone(fill(strings.Replace(observance, "RRULE", strings.Repeat("RRULE:FREQ=DAILY\n", maxZoneRules)+"RRULE", 1))),
		"periods of busy":          strings.ReplaceAll(one("FREEBUSY:"+each("%TIME/PT1S,", 60)+"\n"), "VEVENT", "VFREEBUSY"),
		"commas of busy":           strings.ReplaceAll(one("FREEBUSY:"+fill(",")+"\n"), "VEVENT", "VFREEBUSY"),
		"a long character":         one("SUMMARY:" + fill("\uFDFA") + "\n"),
		"short summaries":          one(fill("SUMMARY:x\n")),
		"line breaks":              one("SUMMARY:" + fill(`\n`) + "\n"),
		"folded characters":        one("SUMMARY:" + fill("\xc3\n \xa4") + "\n"),
		"many names":               one(each("X;TZID=Nowhere/%N:20260310T090000\nRDATE;TZID=A/%N:20260310T090000\n", day)),
		"many TZIDs":               one(each("X;TZID=%N:\n", day)),
		"dates in a zone":          one("X;TZID=Europe/Berlin:" + fill("20260310,") + "\n"),
		"commas in a zone":         one("X;TZID=Europe/Berlin:" + fill(",") + "\n"),
		"alarms of a rule":         one("RRULE:FREQ=SECONDLY\n" + fill("BEGIN:VALARM\nTRIGGER:PT5M\nEND:VALARM\n")),
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
