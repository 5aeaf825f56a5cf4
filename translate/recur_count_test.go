package translate

import (
	"fmt"
	"slices"
	"sort"
	"testing"

	"pgregory.net/rapid"
)

// checkCount checks that a rule with COUNT gives in any range what it gives there when all of it is listed, and tells
// whether it skips what is before.
func checkCount(t rapid.TB, start int64, date bool, text string, zone *Zone) (skips bool) {
	t.Helper()
	rule := parseRule([]byte(text))
	list := func(from int64) (all []int64) {
		g := newRecurrence(rule, start, date, zone, &steps{left: maxSteps})
		g.walls(from, maxWall, func(wall, _ int64) bool { all = append(all, wall); return true })
		_, ok := g.leftAt(g.periodOf(from))
		skips = skips || ok
		return all
	}
	all := list(minWall)
	for i, at := range all {
		if i%13 > 0 && i < len(all)-1 {
			continue
		}
		for from := at - 1; from <= at+1; from++ {
			want := all[sort.Search(len(all), func(i int) bool { return all[i] >= from }):]
			if got := list(from); !slices.Equal(got, want) && len(got)+len(want) > 0 {
				t.Fatalf("%s from %s, asked from %s: %d instances, want %d", text, formatUTC(start), formatUTC(from), len(got), len(want))
			}
		}
	}
	return skips
}

// TestCountFromLater holds which rules skip, at the borders of what each month or year has.
func TestCountFromLater(t *testing.T) {
	const workdays = "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS="
	for _, c := range []struct {
		start, rule string
		skips       bool
	}{
		{"20240128", "FREQ=MONTHLY", true},
		{"20240129", "FREQ=MONTHLY", false},
		{"20240131", "FREQ=MONTHLY;SKIP=FORWARD", false},
		{"20240128", "FREQ=MONTHLY;SKIP=BACKWARD", false},
		{"20240101", "FREQ=MONTHLY;BYMONTHDAY=1,28", true},
		{"20240115", "FREQ=MONTHLY;BYMONTHDAY=1,28", true},
		{"20240101", "FREQ=MONTHLY;BYMONTHDAY=28,-1", false},
		{"20240101", "FREQ=MONTHLY;BYMONTHDAY=-28,-1", true},
		{"20240101", "FREQ=MONTHLY;BYMONTHDAY=29", false},
		{"20240101", "FREQ=MONTHLY;BYMONTHDAY=-29", false},
		{"20240101", "FREQ=MONTHLY;BYMONTH=6", false},
		{"20240101", "FREQ=MONTHLY;BYDAY=4MO,4TU", true},
		{"20240101", "FREQ=MONTHLY;BYDAY=5TU", false},
		{"20240101", "FREQ=MONTHLY;BYDAY=-1FR,-4FR", true},
		{"20240101", "FREQ=MONTHLY;BYDAY=1MO,-4MO", false},
		{"20240101", "FREQ=MONTHLY;BYDAY=MO", false},
		{"20240101", "FREQ=MONTHLY;BYDAY=MO,2TU", false},
		{"20240101", "FREQ=MONTHLY;BYDAY=1FR;BYMONTHDAY=1,2,3", false},
		{"20240103", workdays + "-1", true},
		{"20240103", workdays + "20", true},
		{"20240103", workdays + "21", false},
		{"20240103", workdays + "1,-1", false},
		{"20240103", "FREQ=MONTHLY;BYDAY=MO,2TU;BYSETPOS=1", false},
		{"20240228", "FREQ=YEARLY", true},
		{"20240229", "FREQ=YEARLY", false},
		{"20240331", "FREQ=YEARLY", true},
		{"20240101", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", false},
		{"20240101", "FREQ=YEARLY;BYMONTH=6,7;BYMONTHDAY=30", true},
		{"20240101", "FREQ=YEARLY;BYMONTH=6,7;BYMONTHDAY=31", false},
		{"20240101", "FREQ=YEARLY;BYMONTHDAY=28", true},
		{"20240130", "FREQ=YEARLY;BYMONTH=1,2", false},
		{"20240101", "FREQ=YEARLY;BYMONTH=1,7;BYDAY=2TU", true},
		{"20240101", "FREQ=YEARLY;BYMONTH=1,7;BYDAY=5TU", false},
		{"20240101", "FREQ=YEARLY;BYDAY=52MO,52TU", true},
		{"20240101", "FREQ=YEARLY;BYDAY=53MO", false},
		{"20240101", "FREQ=YEARLY;BYDAY=MO", false},
		{"20240101", "FREQ=YEARLY;BYDAY=MO;BYSETPOS=52", true},
		{"20240101", "FREQ=YEARLY;BYDAY=MO;BYSETPOS=53", false},
		{"20240101", "FREQ=YEARLY;BYYEARDAY=1,365", true},
		{"20240101", "FREQ=YEARLY;BYYEARDAY=-1,-365", true},
		{"20240101", "FREQ=YEARLY;BYYEARDAY=366", false},
		{"20240101", "FREQ=YEARLY;BYYEARDAY=1,-365", false},
		{"20240101", "FREQ=YEARLY;BYYEARDAY=60;BYMONTH=2", false},
		{"20240101", "FREQ=YEARLY;BYWEEKNO=1", false},
		{"20240103", "FREQ=WEEKLY;BYDAY=MO,FR", true},
		{"20240103", "FREQ=WEEKLY;BYDAY=1MO,2MO;WKST=SU", true},
		{"20240103", "FREQ=WEEKLY;BYDAY=MO,FR;BYMONTH=1", false},
		{"20240103", "FREQ=DAILY;BYHOUR=8,20", true},
		{"20240103", "FREQ=DAILY;BYHOUR=8,20;BYSETPOS=2", true},
		{"20240103", "FREQ=DAILY;BYHOUR=8,20;BYSETPOS=3", false},
		{"20240103", "FREQ=DAILY;BYDAY=MO;BYSETPOS=1", false},
		{"20240103", "FREQ=DAILY;BYMONTHDAY=1", false},
		{"20240103", "FREQ=HOURLY;BYMINUTE=0,30", true},
		{"20240103", "FREQ=HOURLY;BYHOUR=8,20", false},
		{"20240103", "FREQ=MINUTELY;BYSECOND=0,59", true},
		{"20240103", "FREQ=MINUTELY;BYMINUTE=0,30", false},
		{"20240103", "FREQ=SECONDLY;BYSECOND=0,59", false},
	} {
		start := parseInstant([]byte(c.start + "T103000")).wall
		for _, more := range []string{"", ";INTERVAL=2"} {
			if got := checkCount(t, start, false, c.rule+";COUNT=40"+more, location("Europe/Berlin")); got != c.skips {
				t.Errorf("%s %s: skips %v", c.start, c.rule, got)
			}
		}
	}
}

// TestCountFromLaterOfAnyRule is the same for any parts together.
func TestCountFromLaterOfAnyRule(t *testing.T) {
	drawFewer(t, "40")
	rapid.Check(t, func(t *rapid.T) {
		freq := rapid.SampledFrom(frequencies[1:]).Draw(t, "freq")
		text := "FREQ=" + freq + fmt.Sprintf(";COUNT=%d;INTERVAL=%d", rapid.IntRange(1, 40).Draw(t, "count"), rapid.IntRange(1, 3).Draw(t, "interval"))
		for _, part := range [][]string{
			{"BYMONTH", "1", "2", "6,7"}, {"BYMONTHDAY", "1", "28,-1", "29", "1,15"}, {"BYYEARDAY", "1,365", "366", "1,-1"}, {"BYWEEKNO", "1", "53"},
			{"BYDAY", "MO", "1MO", "-1FR,-4FR", "5TU", "MO,2TU", "MO,TU,WE,TH,FR", "52MO"}, {"BYHOUR", "8", "8,20"}, {"BYMINUTE", "0", "0,30"},
			{"BYSETPOS", "1", "-1", "1,-1", "2,3", "-20"}, {"SKIP", "FORWARD"},
		} {
			name := part[0]
			if rapid.IntRange(0, 5).Draw(t, name) == 0 {
				text += ";" + name + "=" + rapid.SampledFrom(part[1:]).Draw(t, name)
			}
		}
		start := at("20240101T103000Z", 0) + rapid.Int64Range(0, 400).Draw(t, "start")*day
		date := freq != "MINUTELY" && freq != "HOURLY" && rapid.Bool().Draw(t, "date")
		checkCount(t, start, date, text, location(rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/New_York"}).Draw(t, "zone")))
	})
}
