package translate

import (
	"bytes"
	"math"
	"time"
)

const (
	day = 24 * 60 * 60

	// openStart and openEnd are the ends of a range that has none.
	openStart = math.MinInt64
	openEnd   = math.MaxInt64

	// zoneSlack is how far a local time may be from the same time read as UTC,
	// whatever its zone: RFC 5545 section 3.3.14 allows offsets below 24 h, and
	// two hours are added for what a change of the clocks does to a length.
	zoneSlack = 26 * 60 * 60
)

// instant is the value of a DATE or DATE-TIME property (RFC 5545 sections 3.3.4
// and 3.3.5) before its zone is applied. The zero value is an absent property.
type instant struct {
	state instantState
	date  bool  // DATE
	wall  int64 // the local time, as Unix seconds as if it were UTC
	zone  *Zone // nil: floating, a DATE, or a TZID that nobody knows
}

type instantState uint8

const (
	absent instantState = iota
	known
	unreadable
)

// bounds are the earliest and the latest Unix second that an instant can be;
// equal where it is exact.
type bounds struct{ lo, hi int64 }

var anywhere = bounds{openStart, openEnd}

func (b bounds) add(seconds int64) bounds { return bounds{shift(b.lo, seconds), shift(b.hi, seconds)} }

// shift adds to an end of a range; an open one stays open.
func shift(t, seconds int64) int64 {
	if t == openStart || t == openEnd {
		return t
	}
	return t + seconds
}

// floats says whether the instant depends on more than the object itself says: on the
// zone of whoever asks, or on the IANA's data, which change with each release.
func (i instant) floats() bool {
	return i.state == known && (i.zone == nil || i.zone != UTC && i.zone.own == nil)
}

// in is where the instant can be when floating times and dates are in zone.
func (i instant) in(zone *Zone) bounds {
	if i.state != known {
		return anywhere
	}
	if i.zone != nil {
		zone = i.zone
	}
	t := zone.unix(i.wall)
	return bounds{t, t}
}

// nominal is the instant with floating times and dates read as UTC: what a Span
// holds.
func (i instant) nominal() bounds { return i.in(UTC) }

// plus adds a duration: weeks and days to the local time, the rest to the exact
// time (RFC 5545 section 3.3.6).
func (i instant) plus(d duration, zone *Zone) bounds {
	if i.state != known || !d.ok {
		return anywhere
	}
	i.wall += d.days * day
	return i.in(zone).add(d.seconds)
}

// readInstant reads the value of a line as DATE or DATE-TIME by its form,
// whatever VALUE says. zs may be nil where a TZID does not matter.
func readInstant(l *Line, zs *zones) instant {
	i := parseInstant(l.Value())
	if i.state == known && i.zone == nil && !i.date && zs != nil {
		i.zone, _ = zs.of(l)
	}
	return i
}

// parseInstant reads 20261125, 20261125T090000 or 20261125T090000Z.
func parseInstant(v []byte) instant {
	v = trimBlank(v)
	bad := instant{state: unreadable}
	if len(v) < 8 {
		return bad
	}
	year, month, date := digits(v[:4]), digits(v[4:6]), digits(v[6:8])
	if year < 0 || month < 1 || month > 12 || date < 1 || date > 31 {
		return bad
	}
	t := time.Date(year, time.Month(month), date, 0, 0, 0, 0, time.UTC)
	if t.Day() != date {
		return bad // 30 February
	}
	i := instant{state: known, date: true, wall: t.Unix()}
	if len(v) == 8 {
		return i
	}
	utc := v[len(v)-1]|0x20 == 'z'
	if utc {
		v = v[:len(v)-1]
	}
	if len(v) != 15 || v[8]|0x20 != 't' {
		return bad
	}
	hour, minute, second := digits(v[9:11]), digits(v[11:13]), digits(v[13:15])
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 {
		return bad
	}
	second = min(second, 59) // RFC 5545 section 3.3.12: second 60 is taken as 59
	i.date = false
	i.wall += int64(hour*3600 + minute*60 + second)
	if utc {
		i.zone = UTC
	}
	return i
}

// digits reads decimal digits only; -1 when there is anything else.
func digits(b []byte) int {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// duration is the value of a DURATION (RFC 5545 section 3.3.6).
type duration struct {
	days, seconds int64 // both with the sign
	ok            bool
}

// total is its length with days of 24 hours.
func (d duration) total() int64 { return d.days*day + d.seconds }

// maxDurationDigits bounds each number of a duration: seven digits of weeks are
// 190,000 years, and nothing overflows.
const maxDurationDigits = 7

// parseDuration reads [+-]P[nW][nD][T[nH][nM][nS]], each number at most once and
// in this order, and at least one.
func parseDuration(v []byte) duration {
	v = bytes.ToUpper(trimBlank(v))
	sign := int64(1)
	if len(v) > 0 && (v[0] == '+' || v[0] == '-') {
		if v[0] == '-' {
			sign = -1
		}
		v = v[1:]
	}
	if len(v) < 3 || v[0] != 'P' {
		return duration{}
	}
	var d duration
	units, timed := "WD", false
	for v = v[1:]; len(v) > 0; {
		if v[0] == 'T' && !timed {
			units, timed, v = "HMS", true, v[1:]
		}
		n := 0
		for n < len(v) && '0' <= v[n] && v[n] <= '9' {
			n++
		}
		if n == 0 || n > maxDurationDigits || n == len(v) {
			return duration{}
		}
		unit := bytes.IndexByte([]byte(units), v[n])
		if unit < 0 {
			return duration{}
		}
		number := sign * int64(digits(v[:n]))
		switch v[n] {
		case 'W':
			d.days += 7 * number
		case 'D':
			d.days += number
		case 'H':
			d.seconds += 3600 * number
		case 'M':
			d.seconds += 60 * number
		case 'S':
			d.seconds += number
		}
		units, v = units[unit+1:], v[n+1:]
	}
	d.ok = true
	return d
}

// formatUTC writes Unix seconds as DATE-TIME in UTC.
func formatUTC(t int64) string { return string(appendUTC(nil, t)) }

func appendUTC(b []byte, t int64) []byte {
	if t < minWall || t > maxWall {
		return time.Unix(t, 0).UTC().AppendFormat(b, "20060102T150405Z")
	}
	b = append(appendDate(b, t), 'T')
	second := floorMod(t, day)
	b = appendDigits(b, second/3600, 2)
	b = appendDigits(b, second/60%60, 2)
	return append(appendDigits(b, second%60, 2), 'Z')
}

// appendDate appends the DATE of Unix seconds in UTC.
func appendDate(b []byte, t int64) []byte {
	if t < minWall || t > maxWall {
		return time.Unix(t, 0).UTC().AppendFormat(b, "20060102")
	}
	year, month, dom := civil(floorDiv(t, day))
	return appendDigits(appendDigits(appendDigits(b, year, 4), month, 2), dom, 2)
}

// appendDigits appends a number that is not negative with so many digits, 4 at most.
func appendDigits(b []byte, n int64, width int) []byte {
	for divisor := [...]int64{1, 10, 100, 1000}[width-1]; divisor > 0; divisor /= 10 {
		b = append(b, byte('0'+n/divisor%10))
	}
	return b
}
