package translate

import (
	"strings"
	"testing"
)

// TestLongRuleExamples holds the examples of RFC 5545 section 3.8.5.3 that are too long to
// be written out: how many instances there are, the first and the last, and some between.
func TestLongRuleExamples(t *testing.T) {
	for _, c := range []struct {
		start, rule string
		n           int
		some        string
	}{
		{"19970902T090000", "FREQ=DAILY;UNTIL=19971224T000000Z", 113, "19970902T090000 19970930T090000 19971026T090000 19971223T090000"},
		{"19980101T090000", "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA", 93, "19980101T090000 19980131T090000 19990101T090000 20000131T090000"},
		{"19980101T090000", "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1", 93, "19980101T090000 19980131T090000 19990101T090000 20000131T090000"},
		{"19970902T090000", "FREQ=WEEKLY;UNTIL=19971224T000000Z", 17, "19970902T090000 19971028T090000 19971223T090000"},
		{"19970902T090000", "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", 10, "19970902T090000 19970904T090000 19971002T090000"},
		{"19970901T090000", "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR", 25, "19970901T090000 19970905T090000 19970915T090000 19971222T090000"},
		{"19970902T090000", "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40;COUNT=48", 48, "19970902T090000 19970902T092000 19970902T164000 19970903T090000 19970903T164000"},
		{"19970902T090000", "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16;COUNT=48", 48, "19970902T090000 19970902T092000 19970902T164000 19970903T090000 19970903T164000"},
		{"19970902T090000", "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z", 3, "19970902T090000 19970902T120000 19970902T150000"}, // UNTIL as in erratum 3883
		{"19970902T090000", "FREQ=MINUTELY;INTERVAL=90;COUNT=4", 4, "19970902T090000 19970902T103000 19970902T120000 19970902T133000"},
	} {
		list := listWalls(t, c.start, c.rule, "America/New_York", 1000)
		all := " " + strings.Join(list, " ") + " "
		some := strings.Fields(c.some)
		if len(list) != c.n || list[0] != some[0] || list[len(list)-1] != some[len(some)-1] {
			t.Errorf("%s: %d instances%s", c.rule, len(list), all)
		}
		for _, one := range some {
			if !strings.Contains(all, " "+one+" ") {
				t.Errorf("%s: no %s in%s", c.rule, one, all)
			}
		}
	}
	// Every Friday the 13th, without DTSTART, which EXDATE takes out.
	text, err := (&Data{Expand: &TimeRange{at("19970101T000000Z", 0), at("20010101T000000Z", 0)}}).Apply([]byte(event(
		"DTSTART;TZID=America/New_York:19970902T090000", "EXDATE;TZID=America/New_York:19970902T090000", "RRULE:FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13")), nil)
	var got []string
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "DTSTART:"); ok {
			got = append(got, v[:8])
		}
	}
	if want := "19980213 19980313 19981113 19990813 20001013"; strings.Join(got, " ") != want || err != nil {
		t.Errorf("Friday the 13th: %v %v", got, err)
	}
}
