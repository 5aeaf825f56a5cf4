package translate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Years in which a written VTIMEZONE says what an IANA zone does; a rule that holds in the
// last of them goes on.
const (
	firstZoneYear = 1970
	lastZoneYear  = 2037
	// minRuleYears is how long a rule must have held to be one.
	minRuleYears = 8
)

// ZoneID is the name, of the IANA, of the zone that a CALDAV:calendar-timezone is about;
// "" where it has none.
func ZoneID(raw []byte) string {
	if len(raw) > MaxObject {
		return ""
	}
	z := zones{raw: raw}
	z.scan()
	zone := location(strings.TrimSpace(z.first))
	switch {
	case z.first == "" || zone == nil:
		return ""
	case zone == UTC:
		return "UTC"
	}
	return zone.place.String()
}

// ZoneDefinition writes an iCalendar object with the VTIMEZONE of an IANA zone, the value
// of CALDAV:calendar-timezone (RFC 4791 section 5.2.2). ok is false for a name that is none.
func ZoneDefinition(id string) (definition []byte, ok bool) {
	var w lineWriter
	w.head()
	ok = w.zone(id)
	w.line("END:VCALENDAR")
	if !ok {
		return nil, false
	}
	return w.b, true
}

// zone writes the VTIMEZONE of an IANA zone, nothing for a name that is none.
func (w *lineWriter) zone(id string) (ok bool) {
	if iana(id) == nil {
		return false
	}
	place, err := time.LoadLocation(id)
	if err != nil {
		return false
	}
	w.line("BEGIN:VTIMEZONE")
	w.line("TZID:", id)
	start := time.Date(firstZoneYear, 1, 1, 0, 0, 0, 0, time.UTC).In(place)
	name, offset := start.Zone()
	w.observance(onset{wall: time.Date(firstZoneYear, 1, 1, 0, 0, 0, 0, time.UTC), from: offset, to: offset, name: name, daylight: start.IsDST()}, "", nil)
	all := onsets(place)
	rules, rest := ruled(all)
	for len(rest) > 0 { // those that do the same are one observance
		first := rest[0]
		var dates []string
		rest = slices.DeleteFunc(rest[1:], func(o onset) bool {
			same := o.same(first)
			if same {
				dates = append(dates, o.wall.Format(localTime))
			}
			return same
		})
		w.observance(first, "", dates)
	}
	for _, r := range rules {
		w.observance(r.first, r.rule, nil)
	}
	w.line("END:VTIMEZONE")
	return true
}

const localTime = "20060102T150405"

// onset is a moment from which another offset holds.
type onset struct {
	wall     time.Time // by the offset from
	from, to int       // in seconds
	name     string
	daylight bool
}

func (o onset) same(x onset) bool {
	return o.from == x.from && o.to == x.to && o.name == x.name && o.daylight == x.daylight
}

// onsets are all of a zone, in their order.
func onsets(place *time.Location) (all []onset) {
	end := time.Date(lastZoneYear+1, 1, 1, 0, 0, 0, 0, time.UTC)
	t := time.Date(firstZoneYear, 1, 1, 0, 0, 0, 0, time.UTC).In(place)
	for {
		_, next := t.ZoneBounds()
		if next.IsZero() || !next.Before(end) {
			return all
		}
		_, from := t.Zone()
		name, to := next.Zone()
		wall := next.UTC().Add(time.Duration(from) * time.Second)
		all = append(all, onset{wall: wall, from: from, to: to, name: name, daylight: next.IsDST()})
		t = next
	}
}

// zoneRule is a yearly rule from its first onset on.
type zoneRule struct {
	first onset
	rule  string
}

// ruled finds what happens every year up to the last; rest is all else.
func ruled(all []onset) (rules []zoneRule, rest []onset) {
	taken := make([]bool, len(all))
	for i := len(all) - 1; i >= 0 && all[i].wall.Year() == lastZoneYear; i-- {
		run := []int{i} // the same onset in the years before, back to where it was another one
		for k := i - 1; k >= 0; k-- {
			last := all[run[len(run)-1]]
			if !taken[k] && all[k].same(last) && all[k].wall.Month() == last.wall.Month() &&
				all[k].wall.Year() == last.wall.Year()-1 {
				if yearlyRule(all, append(slices.Clone(run), k)) == "" {
					break
				}
				run = append(run, k)
			}
		}
		if len(run) < minRuleYears {
			continue
		}
		for _, k := range run {
			taken[k] = true
		}
		rules = append(rules, zoneRule{all[run[len(run)-1]], yearlyRule(all, run)})
	}
	for i, o := range all {
		if !taken[i] {
			rest = append(rest, o)
		}
	}
	slices.Reverse(rules)
	return rules, rest
}

// yearlyRule is the RRULE that gives these onsets of one month, "" where there is none.
func yearlyRule(all []onset, run []int) string {
	first := all[run[0]].wall
	low, high, last := 31, 1, true
	for _, i := range run {
		w := all[i].wall
		if w.Weekday() != first.Weekday() || w.Format("150405") != first.Format("150405") {
			return ""
		}
		low, high = min(low, w.Day()), max(high, w.Day())
		last = last && w.AddDate(0, 0, 7).Month() != w.Month()
	}
	rule := "FREQ=YEARLY;BYMONTH=" + strconv.Itoa(int(first.Month())) + ";BYDAY="
	day := strings.ToUpper(first.Weekday().String()[:2])
	switch {
	case last:
		return rule + "-1" + day
	case (low-1)/7 == (high-1)/7:
		return rule + strconv.Itoa((low-1)/7+1) + day
	case high-low > 6:
		return ""
	}
	days := make([]string, 7) // the weekday on or after a day, as of Friday before the last Sunday
	for i := range days {
		days[i] = strconv.Itoa(high - 6 + i)
	}
	return rule + day + ";BYMONTHDAY=" + strings.Join(days, ",")
}

func (w *lineWriter) observance(o onset, rule string, dates []string) {
	kind := "STANDARD"
	if o.daylight {
		kind = "DAYLIGHT"
	}
	w.line("BEGIN:", kind)
	w.line("TZNAME:", o.name)
	w.line("TZOFFSETFROM:", zoneOffset(o.from))
	w.line("TZOFFSETTO:", zoneOffset(o.to))
	w.line("DTSTART:", o.wall.Format(localTime))
	if rule != "" {
		w.line("RRULE:", rule)
	}
	for _, d := range dates {
		w.line("RDATE:", d)
	}
	w.line("END:", kind)
}

// zoneOffset is a UTC-OFFSET (RFC 5545 section 3.3.14), with seconds where there are any.
func zoneOffset(seconds int) string {
	sign := "+"
	if seconds < 0 {
		sign, seconds = "-", -seconds
	}
	s := fmt.Sprintf("%s%02d%02d", sign, seconds/3600, seconds/60%60)
	if seconds%60 != 0 {
		s += fmt.Sprintf("%02d", seconds%60)
	}
	return s
}
