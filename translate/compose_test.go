package translate

import (
	"strings"
	"testing"
)

// TestNewObject: what is composed is folded, is an object that could be stored, and has the zones that it names.
func TestNewObject(t *testing.T) {
	raw := NewObject(Component{Name: "VEVENT", Lines: []string{"UID:u", "DTSTAMP:20260101T000000Z",
		"DTSTART;TZID=Europe/Berlin:20260710T100000", "DTEND;TZID=Europe/Berlin:20260710T110000", "SUMMARY:" + strings.Repeat("ä", 50)},
		Inside: []Component{{Name: "VALARM", Lines: []string{"ACTION:DISPLAY", "DESCRIPTION:x", "TRIGGER:-PT15M"}}}})
	o, err := ParseObject(raw)
	if err != nil || o.UID != "u" || o.Summary != strings.Repeat("ä", 50) {
		t.Fatalf("%v %+v\n%s", err, o, raw)
	}
	if n := strings.Count(string(raw), "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\n"); n != 1 {
		t.Errorf("%d zones", n)
	}
	if !strings.Contains(string(raw), "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT15M\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n") {
		t.Errorf("the alarm:\n%s", raw)
	}
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		if len(line) > foldedLine {
			t.Errorf("a line of %d octets", len(line))
		}
	}
}

func TestValidTimezone(t *testing.T) {
	definition, _ := ZoneDefinition("Europe/Berlin")
	zone := string(definition)
	for name, c := range map[string]struct {
		text string
		want bool
	}{
		"plain":       {zone, true},
		"bare LF":     {strings.ReplaceAll(zone, "\r", ""), true},
		"empty":       {"", false},
		"no calendar": {zone[strings.Index(zone, "BEGIN:VTIME"):strings.Index(zone, "END:VCAL")], false},
		"two zones":   {strings.Replace(zone, "END:VCALENDAR", "BEGIN:VTIMEZONE\r\nTZID:x\r\nEND:VTIMEZONE\r\nEND:VCALENDAR", 1), false},
		"no TZID":     {strings.Replace(zone, "TZID:Europe/Berlin\r\n", "", 1), false},
		"cut":         {strings.TrimSuffix(zone, "END:VCALENDAR\r\n"), false},
		"crossed":     {strings.Replace(zone, "END:STANDARD\r\nEND:VTIMEZONE", "END:VTIMEZONE\r\nEND:STANDARD", 1), false},
		"more after":  {zone + zone, false},
		"no lines":    {strings.Replace(zone, "PRODID:", "PRODID", 1), false},
		"too deep":    {strings.Replace(zone, "END:VTIMEZONE", strings.Repeat("BEGIN:X\r\n", MaxDepth)+strings.Repeat("END:X\r\n", MaxDepth)+"END:VTIMEZONE", 1), false},
		"too long":    {strings.Replace(zone, "END:VCALENDAR", "X:"+strings.Repeat("x", MaxObject)+"\r\nEND:VCALENDAR", 1), false},
	} {
		if got := ValidTimezone([]byte(c.text)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
