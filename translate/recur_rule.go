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
	interval int64
	count    int64 // 0: no COUNT
	until    instant
	skip     skip
	wkst     int64 // 0 is Monday

	seconds, minutes, hours []int64 // sorted, each once
	days                    []weekday
	monthDays, yearDays     []int64
	weeks, setPos           []int64
	months                  []int64

	// unknown: it cannot be interpreted. It may have any instance.
	unknown bool
}

// weekday is a value of BYDAY; nth is 0 for every such day.
type weekday struct{ nth, day int64 }

var weekdays = []string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}

var frequencies = []string{"SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"}

// parseRule reads a recurrence rule. It takes lower case, blanks, empty parts
// and parts that begin with X-, which are in circulation.
func parseRule(v []byte) *rule {
	if len(v) > maxRule {
		return unknownRule
	}
	r := &rule{interval: 1}
	for rest := bytes.ToUpper(trimBlank(v)); len(rest) > 0 && !r.unknown; {
		var part []byte
		part, rest, _ = bytes.Cut(rest, []byte{';'})
		if part = trimBlank(part); len(part) > 0 {
			name, value, _ := bytes.Cut(part, []byte{'='})
			r.unknown = !r.part(string(trimBlank(name)), trimBlank(value))
		}
	}
	if r.unknown || r.freq == 0 {
		return unknownRule
	}
	return r
}

// unknownRule stands for all that cannot be interpreted.
var unknownRule = &rule{interval: 1, unknown: true}

// part reads one part and says whether it is understood.
func (r *rule) part(name string, value []byte) (ok bool) {
	switch name {
	case "FREQ":
		r.freq = frequency(slices.Index(frequencies, string(value)) + 1)
		return r.freq > 0
	case "INTERVAL":
		r.interval, ok = ruleNumber(value, 1, maxInterval)
	case "COUNT":
		r.count, ok = ruleNumber(value, 1, maxInterval)
	case "UNTIL":
		r.until = parseInstant(value)
		ok = r.until.state == known
	case "WKST":
		r.wkst = int64(slices.Index(weekdays, string(value)))
		ok = r.wkst >= 0
	case "RSCALE":
		ok = string(value) == "GREGORIAN"
	case "SKIP":
		at := slices.Index([]string{"OMIT", "BACKWARD", "FORWARD"}, string(value))
		r.skip, ok = skip(at), at >= 0
	case "BYDAY":
		return r.byDay(value)
	case "BYSECOND":
		r.seconds, ok = ruleList(value, 0, 60, false)
		for i, s := range r.seconds {
			r.seconds[i] = min(s, 59) // RFC 5545 section 3.3.12: second 60 is taken as 59
		}
		r.seconds = slices.Compact(r.seconds)
	case "BYMINUTE":
		r.minutes, ok = ruleList(value, 0, 59, false)
	case "BYHOUR":
		r.hours, ok = ruleList(value, 0, 23, false)
	case "BYMONTHDAY":
		r.monthDays, ok = ruleList(value, 1, 31, true)
	case "BYYEARDAY":
		r.yearDays, ok = ruleList(value, 1, 366, true)
	case "BYWEEKNO":
		r.weeks, ok = ruleList(value, 1, 53, true)
	case "BYMONTH":
		r.months, ok = ruleList(value, 1, 12, false)
	case "BYSETPOS":
		r.setPos, ok = ruleList(value, 1, 366, true)
	default:
		return len(name) > 2 && name[:2] == "X-"
	}
	return ok
}

// byDay reads BYDAY, such as MO,-1SU,+2FR.
func (r *rule) byDay(value []byte) bool {
	for len(value) > 0 {
		var v []byte
		v, value, _ = bytes.Cut(value, []byte{','})
		if v = trimBlank(v); len(v) < 2 {
			return false
		}
		d := weekday{day: int64(slices.Index(weekdays, string(v[len(v)-2:])))}
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

// ruleList reads a list of numbers, sorted and each once.
func ruleList(value []byte, least, most int64, signed bool) ([]int64, bool) {
	list := make([]int64, 0, 1+bytes.Count(value, []byte{','}))
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
