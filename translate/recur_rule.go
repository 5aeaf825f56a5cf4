package translate

import (
	"bytes"
	"slices"
	"strconv"
)

// frequency is FREQ of a recurrence rule (RFC 5545 section 3.3.10).
type frequency uint8

const (
	secondly frequency = iota + 1
	minutely
	hourly
	daily
	weekly
	monthly
	yearly
)

// skip is what becomes of a day that a month does not have (RFC 7529 section 4.1).
type skip uint8

const (
	omit skip = iota
	backward
	forward
)

const (
	// maxRule is how long the text of a rule may be; all values of all BY parts
	// are shorter.
	maxRule = 32 << 10
	// maxInterval bounds INTERVAL: it is more seconds than 9999 years have.
	maxInterval = 1 << 39
)

// rule is a recurrence rule as written. What DTSTART fills in comes later.
type rule struct {
	freq     frequency
	skip     skip
	unknown  bool // it cannot be interpreted, and may have any instance
	interval int64
	count    int64 // 0: no COUNT
	until    instant
	wkst     int64 // 0 is Monday
	*byParts
}

// byParts are the lists of a rule, each sorted and each value once.
type byParts struct {
	seconds, minutes, hours []int64
	days                    []weekday
	monthDays, yearDays     []int64
	weeks, setPos           []int64
	months                  []int64
}

// noParts is for rules without a list.
var noParts byParts

// weekday is a value of BYDAY; nth is 0 for every such day.
type weekday struct{ nth, day int64 }

var weekdays = []string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}

var frequencies = []string{"SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"}

// parseRule reads a recurrence rule.
func parseRule(v []byte) *rule {
	r := new(rule)
	r.read(v)
	return r
}

// read reads a recurrence rule in place of the one before and keeps the room of its lists.
// It takes lower case, blanks, empty parts and parts that begin with X-, which are in
// circulation.
func (r *rule) read(v []byte) {
	parts := r.byParts
	*r = rule{interval: 1, byParts: &noParts, unknown: len(v) > maxRule}
	for rest := trimBlank(v); len(rest) > 0 && !r.unknown; {
		var part []byte
		part, rest, _ = bytes.Cut(rest, []byte{';'})
		if part = trimBlank(part); len(part) > 0 {
			name, value, _ := bytes.Cut(part, []byte{'='})
			if name = trimBlank(name); r.byParts == &noParts && len(name) > 2 && equalFold(name[:2], "BY") {
				r.byParts = parts.empty()
			}
			r.unknown = !r.part(name, trimBlank(value))
		}
	}
	if r.unknown || r.freq == 0 {
		*r = rule{interval: 1, byParts: &noParts, unknown: true}
	}
	if r.byParts == &noParts && parts != nil && parts != &noParts {
		r.byParts = parts.empty()
	}
}

// empty returns the same room with nothing in it, or new room.
func (p *byParts) empty() *byParts {
	if p == nil || p == &noParts {
		return &byParts{}
	}
	*p = byParts{p.seconds[:0], p.minutes[:0], p.hours[:0], p.days[:0], p.monthDays[:0], p.yearDays[:0], p.weeks[:0], p.setPos[:0], p.months[:0]}
	return p
}

// oneOf is the index of a word of any case in a list of words in upper case.
func oneOf(list []string, v []byte) int {
	return slices.IndexFunc(list, func(s string) bool { return equalFold(v, s) })
}

var skips = []string{"OMIT", "BACKWARD", "FORWARD"}

// part reads one part and says whether it is understood.
func (r *rule) part(name, value []byte) (ok bool) {
	var upper [len("BYMONTHDAY")]byte
	for i := range upper[:copy(upper[:], name)] {
		if 'a' <= upper[i] && upper[i] <= 'z' {
			upper[i] -= 'a' - 'A'
		}
	}
	if len(name) > len(upper) {
		return upper[0] == 'X' && upper[1] == '-'
	}
	switch string(upper[:len(name)]) {
	case "FREQ":
		r.freq = frequency(oneOf(frequencies, value) + 1)
		return r.freq > 0
	case "INTERVAL":
		r.interval, ok = ruleNumber(value, 1, maxInterval)
	case "COUNT":
		r.count, ok = ruleNumber(value, 1, maxInterval)
	case "UNTIL":
		r.until = parseInstant(value)
		ok = r.until.state == known
	case "WKST":
		r.wkst = int64(oneOf(weekdays, value))
		ok = r.wkst >= 0
	case "RSCALE":
		ok = equalFold(value, "GREGORIAN")
	case "SKIP":
		at := oneOf(skips, value)
		r.skip, ok = skip(at), at >= 0
	case "BYDAY":
		return r.byDay(value)
	case "BYSECOND":
		r.seconds, ok = ruleList(r.seconds, value, 0, 60, false)
		for i, s := range r.seconds {
			r.seconds[i] = min(s, 59) // RFC 5545 section 3.3.12: second 60 is taken as 59
		}
		r.seconds = slices.Compact(r.seconds)
	case "BYMINUTE":
		r.minutes, ok = ruleList(r.minutes, value, 0, 59, false)
	case "BYHOUR":
		r.hours, ok = ruleList(r.hours, value, 0, 23, false)
	case "BYMONTHDAY":
		r.monthDays, ok = ruleList(r.monthDays, value, 1, 31, true)
	case "BYYEARDAY":
		r.yearDays, ok = ruleList(r.yearDays, value, 1, 366, true)
	case "BYWEEKNO":
		r.weeks, ok = ruleList(r.weeks, value, 1, 53, true)
	case "BYMONTH":
		r.months, ok = ruleList(r.months, value, 1, 12, false)
	case "BYSETPOS":
		r.setPos, ok = ruleList(r.setPos, value, 1, 366, true)
	default:
		return len(name) > 2 && upper[0] == 'X' && upper[1] == '-'
	}
	return ok
}

// byDay reads BYDAY, such as MO,-1SU,+2FR.
func (r *rule) byDay(value []byte) bool {
	r.days = slices.Grow(r.days, 1+bytes.Count(value, []byte{','}))
	for len(value) > 0 {
		var v []byte
		v, value, _ = bytes.Cut(value, []byte{','})
		if v = trimBlank(v); len(v) < 2 {
			return false
		}
		d := weekday{day: int64(oneOf(weekdays, v[len(v)-2:]))}
		if v = v[:len(v)-2]; len(v) > 0 {
			var ok bool
			if d.nth, ok = ordinal(v, 1, 53); !ok {
				return false
			}
		}
		if d.day < 0 {
			return false
		}
		r.days = append(r.days, d)
	}
	slices.SortFunc(r.days, func(a, b weekday) int { return int((a.nth-b.nth)*8 + a.day - b.day) })
	r.days = slices.Compact(r.days)
	return len(r.days) > 0
}

// ruleNumber reads a number; a greater one than most counts as most.
func ruleNumber(v []byte, least, most int64) (int64, bool) {
	if len(v) == 0 || len(bytes.Trim(v, "0123456789")) > 0 {
		return least, false
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil {
		n = most // too great to be read
	}
	return min(n, most), n >= least
}

// ordinal reads a number between least and most, with a sign or without.
func ordinal(v []byte, least, most int64) (int64, bool) {
	sign := int64(1)
	if v[0] == '-' || v[0] == '+' {
		if v[0] == '-' {
			sign = -1
		}
		v = v[1:]
	}
	n, ok := ruleNumber(v, least, most+1)
	return sign * n, ok && n <= most
}

// ruleList reads a list of numbers, sorted and each once, into the room of a list.
func ruleList(list []int64, value []byte, least, most int64, signed bool) ([]int64, bool) {
	list = slices.Grow(list[:0], 1+bytes.Count(value, []byte{','}))
	for len(value) > 0 {
		var v []byte
		v, value, _ = bytes.Cut(value, []byte{','})
		if v = trimBlank(v); len(v) == 0 {
			return nil, false
		}
		n, ok := ordinal(v, least, most)
		if !ok || n < 0 && !signed {
			return nil, false
		}
		list = append(list, n)
	}
	slices.Sort(list)
	return slices.Compact(list), len(list) > 0
}
