package translate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/teambition/rrule-go"
	"pgregory.net/rapid"
)

// listWalls lists the first n local times that a rule gives from DTSTART on.
func listWalls(t testing.TB, start, text, zone string, n int) []string {
	t.Helper()
	i := parseInstant([]byte(start))
	z := UTC
	if zone != "" {
		z = location(zone)
	}
	step := &steps{left: maxSteps}
	g := newRecurrence(parseRule([]byte(text)), i.wall, i.date, z, step)
	if g == nil {
		t.Fatalf("%s is not understood", text)
	}
	var list []string
	g.walls(minWall, maxWall, func(wall, _ int64) bool {
		list = append(list, strings.TrimSuffix(formatUTC(wall), "Z"))
		return len(list) < n
	})
	return list
}

// brief writes local times as in the tables below: what follows the year, with the
// time of day where it differs from that of the first.
func brief(list []string) string {
	var b strings.Builder
	year, clock := "", ""
	for n, s := range list {
		if s[:4] != year {
			year = s[:4]
			b.WriteString(" " + year + ":")
		}
		b.WriteString(" " + s[4:8])
		if n == 0 {
			clock = s[8:]
		} else if s[8:] != clock {
			b.WriteString(s[8:])
		}
	}
	return strings.TrimSpace(b.String())
}

// TestRuleExamples holds the examples of RFC 5545 section 3.8.5.3, all with DTSTART
// at 09:00 in New York. A rule without end is cut off after the instances given.
func TestRuleExamples(t *testing.T) {
	for _, c := range []struct{ start, rule, want string }{
		{"19970902", "FREQ=DAILY;COUNT=10", "1997: 0902 0903 0904 0905 0906 0907 0908 0909 0910 0911"},
		{"19970902", "FREQ=DAILY;INTERVAL=2", "1997: 0902 0904 0906 0908"},
		{"19970902", "FREQ=DAILY;INTERVAL=10;COUNT=5", "1997: 0902 0912 0922 1002 1012"},
		{"19980101", "FREQ=YEARLY;UNTIL=19980104T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA", "1998: 0101 0102 0103 0104"},
		{"19980101", "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1", "1998: 0101 0102"},
		{"19970902", "FREQ=WEEKLY;COUNT=10", "1997: 0902 0909 0916 0923 0930 1007 1014 1021 1028 1104"},
		{"19970902", "FREQ=WEEKLY;INTERVAL=2;WKST=SU", "1997: 0902 0916 0930 1014 1028 1111 1125 1209 1223 1998: 0106"},
		{"19970902", "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH", "1997: 0902 0904 0909 0911 0916 0918 0923 0925 0930 1002"},
		{"19970901", "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
			"1997: 0901 0903 0905 0915 0917 0919 0929 1001 1003 1013 1015 1017 1027 1029 1031 1110 1112 1114 1124 1126 1128 1208 1210 1212 1222"},
		{"19970902", "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", "1997: 0902 0904 0916 0918 0930 1002 1014 1016"},
		{"19970905", "FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "1997: 0905 1003 1107 1205 1998: 0102 0206 0306 0403 0501 0605"},
		{"19970905", "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR", "1997: 0905 1003 1107 1205"},
		{"19970907", "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU", "1997: 0907 0928 1102 1130 1998: 0104 0125 0301 0329 0503 0531"},
		{"19970922", "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "1997: 0922 1020 1117 1222 1998: 0119 0216"},
		{"19970928", "FREQ=MONTHLY;BYMONTHDAY=-3", "1997: 0928 1029 1128 1229 1998: 0129 0226"},
		{"19970902", "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15", "1997: 0902 0915 1002 1015 1102 1115 1202 1215 1998: 0102 0115"},
		{"19970930", "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1", "1997: 0930 1001 1031 1101 1130 1201 1231 1998: 0101 0131 0201"},
		{"19970910", "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15", "1997: 0910 0911 0912 0913 0914 0915 1999: 0310 0311 0312 0313"},
		{"19970902", "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU", "1997: 0902 0909 0916 0923 0930 1104 1111 1118 1125 1998: 0106 0113 0120 0127 0303"},
		{"19970610", "FREQ=YEARLY;COUNT=10;BYMONTH=6,7", "1997: 0610 0710 1998: 0610 0710 1999: 0610 0710 2000: 0610 0710 2001: 0610 0710"},
		{"19970310", "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3", "1997: 0310 1999: 0110 0210 0310 2001: 0110 0210 0310 2003: 0110 0210 0310"},
		{"19970101", "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200", "1997: 0101 0410 0719 2000: 0101 0409 0718 2003: 0101 0410 0719 2006: 0101"},
		{"19970519", "FREQ=YEARLY;BYDAY=20MO", "1997: 0519 1998: 0518 1999: 0517"},
		{"19970512", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "1997: 0512 1998: 0511 1999: 0517"},
		{"19970313", "FREQ=YEARLY;BYMONTH=3;BYDAY=TH", "1997: 0313 0320 0327 1998: 0305 0312 0319 0326 1999: 0304"},
		{"19970605", "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8", "1997: 0605 0612 0619 0626 0703 0710 0717 0724 0731 0807 0814 0821 0828 1998: 0604"},
		{"19980213", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "1998: 0213 0313 1113 1999: 0813 2000: 1013"},
		{"19970913", "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13", "1997: 0913 1011 1108 1213 1998: 0110 0207 0307 0411 0509 0613"},
		{"19961105", "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8", "1996: 1105 2000: 1107 2004: 1102"},
		{"19970904", "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997: 0904 1007 1106"},
		{"19970929", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "1997: 0929 1030 1127 1230 1998: 0129 0226 0330"},
		{"19970902", "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z", "1997: 0902 0902T120000 0902T150000"},
		{"19970902", "FREQ=MINUTELY;INTERVAL=15;COUNT=6", "1997: 0902 0902T091500 0902T093000 0902T094500 0902T100000 0902T101500"},
		{"19970902", "FREQ=MINUTELY;INTERVAL=90;COUNT=4", "1997: 0902 0902T103000 0902T120000 0902T133000"},
		{"19970902", "FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,40", "1997: 0902 0902T094000 0902T100000 0902T104000 0903"},
		{"19970902", "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16", "1997: 0902 0902T092000 0902T094000 0902T100000"},
		{"19970805", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997: 0805 0810 0819 0824"},
		{"19970805", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997: 0805 0817 0819 0831"},
		{"20070115", "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "2007: 0115 0130 0215 0315 0330"},
		// RFC 7529 section 5
		{"20140131", "RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=FORWARD;COUNT=4", "2014: 0131 0301 0331 0501"},
		{"20140131", "RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=BACKWARD;COUNT=4", "2014: 0131 0228 0331 0430"},
		{"20260131", "RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=31;BYDAY=SA;SKIP=FORWARD", "2026: 0131 1031 2027: 0501"},
		{"20160229", "RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=FORWARD", "2016: 0229 2017: 0301 2018: 0301 2019: 0301 2020: 0229"},
		{"20161231", "RSCALE=GREGORIAN;FREQ=YEARLY;BYYEARDAY=366;SKIP=BACKWARD", "2016: 1231 2017: 1231 2018: 1231 2019: 1231 2020: 1231"},
		{"20161231", "RSCALE=GREGORIAN;FREQ=YEARLY;BYYEARDAY=366;SKIP=FORWARD", "2016: 1231 2018: 0101 2019: 0101 2020: 0101 1231"},
		{"20161231", "RSCALE=GREGORIAN;FREQ=YEARLY;BYYEARDAY=365,366;BYDAY=MO;SKIP=BACKWARD", "2018: 1231 2024: 1230 2029: 1231"},
		{"20161231", "RSCALE=GREGORIAN;FREQ=YEARLY;BYYEARDAY=366;BYDAY=MO,TU;SKIP=FORWARD", "2018: 0101 2019: 0101 2024: 0101 1231"},
		{"20161231", "RSCALE=GREGORIAN;FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1;SKIP=FORWARD;COUNT=3", ""},
		{"20161231", "FREQ=YEARLY;BYYEARDAY=366", "2016: 1231 2020: 1231"},
		{"20161231", "FREQ=DAILY;BYYEARDAY=366;SKIP=BACKWARD", "2016: 1231 2020: 1231"},
		{"20160229", "RSCALE=GREGORIAN;FREQ=YEARLY", "2016: 0229 2020: 0229"},
		// DTSTART that does not fit counts (RFC 5545 section 3.3.10); it is no instance of the rule itself.
		{"19970902", "FREQ=WEEKLY;COUNT=3;BYDAY=WE", "1997: 0903 0910"},
		// The day of the week is that of DTSTART.
		{"19970512", "FREQ=YEARLY;BYWEEKNO=20", "1997: 0512 1998: 0511"},
		// Weeks at the edges of years.
		{"20041227", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO,SU", "2004: 1227 2005: 0102 2009: 1228 2010: 0103"},
		{"20020101", "FREQ=YEARLY;BYWEEKNO=52;BYDAY=TU;WKST=TH", "2002: 0101 1231 2003: 1230"},
		{"20020101", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=TU;WKST=TH", "2007: 0102"},
		{"20031229", "FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", "2003: 1229 2005: 0103 2006: 0102 2007: 0101 1231"},
		{"20200101", "freq=daily; interval=1 ;;X-A=1;COUNT=2;", "2020: 0101 0102"},
		{"20200229", "FREQ=YEARLY;BYMONTHDAY=-1;BYMONTH=2", "2020: 0229 2021: 0228"},
		{"20201231", "FREQ=YEARLY;BYYEARDAY=-1,366", "2020: 1231 2021: 1231 2022: 1231"},
	} {
		want := strings.Count(c.want, " ") + 1 - strings.Count(c.want, ":")
		got := brief(listWalls(t, c.start+"T090000", c.rule, "America/New_York", want))
		if got != c.want {
			t.Errorf("%s %s:\n%s, want\n%s", c.start, c.rule, got, c.want)
		}
	}
}

// TestHourlyThroughTheChange: each hour once, none lost where it comes twice.
func TestHourlyThroughTheChange(t *testing.T) {
	zone := location("Europe/Berlin")
	for _, c := range []struct{ start, first string }{{"20261025T000000", "20261024T220000Z"}, {"20260329T000000", "20260328T230000Z"}} {
		i := parseInstant([]byte(c.start))
		g := newRecurrence(parseRule([]byte("FREQ=HOURLY;COUNT=6")), i.wall, false, zone, &steps{left: maxSteps})
		next := at(c.first, 0)
		n := 0
		g.walls(minWall, maxWall, func(_, unix int64) bool {
			if unix != next {
				t.Errorf("%s: %s, want %s", c.start, formatUTC(unix), formatUTC(next))
			}
			next, n = next+3600, n+1
			return true
		})
		if n != 6 {
			t.Errorf("%d hours", n)
		}
	}
}

func TestParseRule(t *testing.T) {
	for _, s := range []string{"", "x", "FREQ=", "FREQ=FORTNIGHTLY", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=-1", "FREQ=DAILY;COUNT=0",
		"FREQ=DAILY;UNTIL=soon", "FREQ=DAILY;BYHOUR=24", "FREQ=DAILY;BYHOUR=", "FREQ=DAILY;BYHOUR=1,,2", "FREQ=DAILY;BYDAY=XX", "FREQ=DAILY;BYDAY=0MO",
		"FREQ=DAILY;BYDAY=54MO", "FREQ=DAILY;BYMONTH=0", "FREQ=DAILY;BYMONTH=5L", "FREQ=DAILY;BYMONTHDAY=0", "FREQ=DAILY;BYMONTHDAY=32",
		"FREQ=DAILY;BYYEARDAY=367", "FREQ=DAILY;BYWEEKNO=54", "FREQ=DAILY;BYSETPOS=0", "FREQ=DAILY;WKST=XX", "FREQ=DAILY;NEW=1",
		"RSCALE=CHINESE;FREQ=YEARLY", "FREQ=DAILY;SKIP=SIDEWAYS", "FREQ=DAILY;BYSECOND=-1", "FREQ=DAILY;BYDAY=" + strings.Repeat("MO,", maxRule)} {
		if r := parseRule([]byte(s)); !r.unknown {
			t.Errorf("%.60q is understood", s)
		}
	}
	r := parseRule([]byte("FREQ=MONTHLY;INTERVAL=99999999999999999999999;COUNT=18446744073709551616;BYDAY=+1mo,-1SU,MO,+1MO;BYSECOND=60,59"))
	if r.unknown || r.interval != maxInterval || r.count != maxInterval || len(r.days) != 3 || !slices.Equal(r.seconds, []int64{59}) {
		t.Errorf("got %+v", r)
	}
}

// hostileRule is a rule that was made to take time or memory.
type hostileRule struct {
	start, rule string
	most        int // steps in January 2050; 0: as many as there are
}

func hostileRules() []hostileRule {
	all := func(n int) string {
		return strings.TrimSuffix(strings.Join(strings.Fields(fmt.Sprint(numbers(n))), ","), "]")[1:]
	}
	every := ";BYHOUR=" + all(24) + ";BYMINUTE=" + all(60) + ";BYSECOND=" + all(60)
	return []hostileRule{
		{"19700101T000000", "FREQ=DAILY", 80},
		{"19700101T000000", "FREQ=HOURLY", 1_600},
		{"19700101T000000", "FREQ=MINUTELY;INTERVAL=60", 1_600},
		{"19700101T000000", "FREQ=MINUTELY", 0},
		{"19700101T000000", "FREQ=SECONDLY", 0},
		{"19700101T000000", "FREQ=SECONDLY;BYSETPOS=2", 0},
		{"19700101T000000", "FREQ=HOURLY;INTERVAL=24;BYHOUR=5", 100},
		{"19700101T000000", "FREQ=MINUTELY;INTERVAL=60;BYMINUTE=5", 1_600},
		{"19700101T000000", "FREQ=SECONDLY;INTERVAL=60;BYSECOND=5", 0},
		{"19700101T000000", "FREQ=HOURLY;INTERVAL=2;BYHOUR=5", 1_600},
		{"19700101T000000", "FREQ=DAILY" + every, 0},
		{"19700101T000000", "FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU" + every, 0},
		{"19700101T000000", "FREQ=MONTHLY;INTERVAL=9223372036854775807", 2},
		{"19700101T000000", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31", 10},
		{"19700101T000000", "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=31", 10},
		{"19700101T000000", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31", 40},
		{"19700101T000000", "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=31", 100},
		{"19700101T000000", "FREQ=SECONDLY;BYMONTH=6", 10},
		{"19700101T000000", "FREQ=WEEKLY;COUNT=5000", 80},
		{"19700101T000000", "FREQ=WEEKLY;BYDAY=MO,WE,FR;COUNT=99999", 80},
		{"19700101T000000", "FREQ=MONTHLY;COUNT=9999", 20},
		{"19700131T000000", "FREQ=MONTHLY;BYDAY=-1FR;COUNT=9999", 20},
		{"19700131T000000", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=9999", 20},
		{"19700131T000000", "FREQ=MONTHLY;BYMONTHDAY=1,15;BYHOUR=8,20;COUNT=9999", 40},
		{"19700131T000000", "FREQ=YEARLY;COUNT=9999", 20},
		{"19700131T000000", "FREQ=YEARLY;BYMONTH=1,7;BYDAY=2TU;COUNT=9999", 20},
		{"19700131T000000", "FREQ=DAILY;BYHOUR=8,20;COUNT=99999", 200},
		{"00010101T000000", "FREQ=YEARLY", 10},
		{"20260101T000000", "FREQ=SECONDLY;COUNT=9999999999", 0},
	}
}

// TestHostileRules: every rule ends within its steps, and what is asked about 2050
// costs what it costs since 2049.
func TestHostileRules(t *testing.T) {
	from, to := at("20500101T000000Z", 0), at("20500201T000000Z", 0)
	most := longer(maxSteps/5, maxSteps)
	for _, c := range hostileRules() {
		i := parseInstant([]byte(c.start))
		for _, zone := range []*Zone{UTC, location("America/New_York")} {
			step := &steps{left: most}
			g := newRecurrence(parseRule([]byte(c.rule)), i.wall, false, zone, step)
			n := 0
			g.walls(from, to, func(int64, int64) bool { n++; return true })
			spent := most - step.left
			if spent > most+1 || c.most > 0 && spent > c.most || n > most {
				t.Errorf("%.60s: %d steps for %d instances in one month", c.rule, spent, n)
			}
			step.left = most
			g.walls(minWall, maxWall, func(int64, int64) bool { return true })
			if step.left < -1-12 { // each month of a year asks
				t.Errorf("%.60s: %d steps in all", c.rule, most-step.left)
			}
		}
	}
}

func numbers(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// drawAnyRule draws a rule of the domain in which rrule-go is right: DAILY and
// above, and neither BYWEEKNO without BYDAY (it takes all days of the week instead of
// that of DTSTART), nor numbers in BYDAY next to BYMONTHDAY or BYYEARDAY, nor days
// with and without a number in one BYDAY (it wants both), nor BYSETPOS in weeks (it
// counts from DTSTART in the first one; RFC 5545 section 3.3.10 counts in the week),
// nor the weeks -52 and -53: they can be the first week of the next year, which begins
// in this one, and that it sees only where the week is called 1. Nor the weeks 52 and 53:
// of days in January it counts the weeks of the year before wrongly, and takes either for
// the other (2002-01-01 with WKST=TH for week 53). TestRuleExamples has these.
func drawAnyRule(t *rapid.T) string {
	freq := rapid.SampledFrom([]string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}).Draw(t, "freq")
	rule := "FREQ=" + freq
	part := func(name string, least, most int, negative bool) bool {
		if rapid.IntRange(0, 3).Draw(t, name) > 0 {
			return false
		}
		values := rapid.SliceOfNDistinct(rapid.IntRange(least, most), 1, 4, func(i int) int { return i }).Draw(t, name+" values")
		var list []string
		for _, v := range values {
			if negative && rapid.Bool().Draw(t, "negative") {
				v = -v
			}
			list = append(list, fmt.Sprint(v))
		}
		rule += ";" + name + "=" + strings.Join(list, ",")
		return true
	}
	if n := rapid.IntRange(1, 5).Draw(t, "interval"); n > 1 {
		rule += fmt.Sprintf(";INTERVAL=%d", n)
	}
	part("BYMONTH", 1, 12, false)
	dates := false
	if freq == "YEARLY" {
		dates = part("BYYEARDAY", 1, 366, true)
	}
	if freq != "WEEKLY" {
		dates = part("BYMONTHDAY", 1, 31, true) || dates
	}
	weeks := freq == "YEARLY" && part("BYWEEKNO", 1, 51, true)
	if weeks || rapid.Bool().Draw(t, "byday") {
		nth := !dates && !weeks && (freq == "MONTHLY" || freq == "YEARLY") && rapid.Bool().Draw(t, "nth")
		var list []string
		for _, d := range rapid.SliceOfNDistinct(rapid.SampledFrom(weekdays), 1, 3, func(s string) string { return s }).Draw(t, "days") {
			if nth {
				d = rapid.SampledFrom([]string{"1", "2", "-1", "-2", "5"}).Draw(t, "n") + d
			}
			list = append(list, d)
		}
		rule += ";BYDAY=" + strings.Join(list, ",")
	}
	part("BYHOUR", 0, 23, false)
	part("BYMINUTE", 0, 59, false)
	if freq != "WEEKLY" {
		part("BYSETPOS", 1, 5, true)
	}
	return rule + ";WKST=" + rapid.SampledFrom(weekdays).Draw(t, "wkst")
}

// TestAsOthersExpand compares with rrule-go in UTC, from DTSTART and from a window
// far behind it.
func TestAsOthersExpand(t *testing.T) {
	drawFewer(t, "40")
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.Int64Range(at("19960101T000000Z", 0), at("20160101T000000Z", 0)).Draw(t, "start")
		text := drawAnyRule(t)
		option, err := rrule.StrToROption(text)
		if err != nil {
			t.Fatal(err)
		}
		option.Dtstart = time.Unix(start, 0).UTC()
		years := 5
		if option.Freq >= rrule.WEEKLY { // MONTHLY and YEARLY are less
			years = longer(1, 5)
		}
		option.Until = time.Unix(start, 0).UTC().AddDate(years, 0, 0)
		other, err := rrule.NewRRule(*option)
		if err != nil {
			t.Skip(err)
		}
		to := option.Until.Unix()
		from := rapid.Int64Range(start, to).Draw(t, "from")
		var want, got []string
		for _, at := range other.All() {
			if at.Unix() >= from {
				want = append(want, formatUTC(at.Unix()))
			}
		}
		g := newRecurrence(parseRule([]byte(text)), start, false, UTC, &steps{left: 10 * maxSteps})
		if !g.walls(from, to, func(wall, _ int64) bool { got = append(got, formatUTC(wall)); return true }) {
			t.Fatal("not complete")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s from %s: %s", text, formatUTC(start), diff)
		}
	})
}

func BenchmarkRangeFarFromStart(b *testing.B) {
	raw := []byte(event("DTSTART;TZID=Europe/Berlin:19700105T090000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;BYDAY=MO,TH"))
	o := &Object{Raw: raw}
	f := within("VEVENT", TimeRange{at("20500105T000000Z", 0), at("20500112T000000Z", 0)})
	loop(b, func() {
		if !f.Match(o) {
			b.Fatal("missed")
		}
	})
}

func BenchmarkDailyOverAYear(b *testing.B) {
	i := parseInstant([]byte("20200101T090000"))
	zone := location("Europe/Berlin")
	r := parseRule([]byte("FREQ=DAILY"))
	from, to := at("20260101T000000Z", 0), at("20270101T000000Z", 0)
	loop(b, func() {
		n := 0
		newRecurrence(r, i.wall, false, zone, &steps{left: maxSteps}).walls(from, to, func(int64, int64) bool { n++; return true })
		if n != 365 {
			b.Fatal(n)
		}
	})
}
