package translate

import (
	"strconv"
	"strings"
	"time"
)

// SpanVersion is the version of the rules by which a Span is made. Whoever
// changes them so that a Span could say less raises it.
const SpanVersion = 4

// Span says between which instants a calendar object can lie: what the field
// X-Calgate-Span keeps, so that a time-range query need not open most objects.
// It may be too wide, never too narrow.
type Span struct {
	Version   int
	Component string
	// Start and End are Unix seconds, both inclusive; math.MinInt64 and
	// math.MaxInt64 where that side is open. With Floats they may be off by as much
	// as two zones differ; what has no zone is read as if that were UTC.
	Start, End int64
	// Recurs: more than one instance or component. Floats: an all-day date, a
	// floating time, a zone that nobody knows, or one that is known by name only:
	// a later release of the IANA's data may move it, and spans are not made anew
	// for that, so that they hold whatever its offset is. Alarms: a VALARM.
	Recurs, Floats, Alarms bool
}

// String is the value of X-Calgate-Span, such as
// 3;VEVENT;20261125T090000Z/20261125T100000Z;recurs,floats,alarms.
func (s Span) String() string {
	var b strings.Builder
	b.WriteString(strconv.Itoa(s.Version) + ";" + s.Component + ";")
	if s.Start != openStart {
		b.WriteString(formatUTC(s.Start))
	}
	b.WriteByte('/')
	if s.End != openEnd {
		b.WriteString(formatUTC(s.End))
	}
	b.WriteByte(';')
	sep := ""
	for _, flag := range []struct {
		name string
		on   bool
	}{{"recurs", s.Recurs}, {"floats", s.Floats}, {"alarms", s.Alarms}} {
		if flag.on {
			b.WriteString(sep + flag.name)
			sep = ","
		}
	}
	return b.String()
}

// ParseSpan reads the value of X-Calgate-Span. Of another version only the
// Version is read.
func ParseSpan(s string) (Span, bool) {
	open := Span{Start: openStart, End: openEnd}
	number, rest, _ := strings.Cut(s, ";")
	version := digits([]byte(number))
	if len(number) == 0 || len(number) > 9 || version < 1 {
		return open, false
	}
	if open.Version = version; version != SpanVersion {
		return open, true
	}
	fields := strings.Split(rest, ";")
	if len(fields) != 3 {
		return open, false
	}
	span := open
	if span.Component = mainComponent([]byte(fields[0])); span.Component != fields[0] || span.Component == "" {
		return open, false
	}
	start, end, ok := strings.Cut(fields[1], "/")
	if !ok || !spanEnd(start, &span.Start) || !spanEnd(end, &span.End) {
		return open, false
	}
	for flag := range strings.SplitSeq(fields[2], ",") {
		switch flag {
		case "recurs":
			span.Recurs = true
		case "floats":
			span.Floats = true
		case "alarms":
			span.Alarms = true
		case "":
		default:
			return open, false
		}
	}
	return span, true
}

// spanEnd reads one end of a span; an empty one leaves it open.
func spanEnd(s string, at *int64) bool {
	if s == "" {
		return true
	}
	i := parseInstant([]byte(s))
	*at = i.wall
	return i.state == known && formatUTC(i.wall) == s
}

// minSpan and maxSpan are the ends that four digits of a year can say.
var (
	minSpan = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	maxSpan = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix()
)

// closed returns the span with the ends that cannot be written left open.
func (s Span) closed() Span {
	if s.Start < minSpan || s.Start > maxSpan {
		s.Start = openStart
	}
	if s.End < minSpan || s.End > maxSpan {
		s.End = openEnd
	}
	return s
}

// include widens the span by the hull of one component.
func (s *Span) include(b bounds) {
	s.Start, s.End = min(s.Start, b.lo), max(s.End, b.hi)
}

// trusted says whether the span was made by these rules.
func (s *Span) trusted() bool { return s.Version == SpanVersion && s.Component != "" }

// MayOverlap says whether the object may overlap a range of Unix seconds. An end
// before its start is read as open. Only "no" is certain.
func (s Span) MayOverlap(start, end int64) bool {
	if !s.trusted() {
		return true
	}
	r := TimeRange{start, end}.normal()
	if s.Floats {
		s.Start, s.End = shift(s.Start, -zoneSlack), shift(s.End, zoneSlack)
	}
	return r.Start <= s.End && r.End >= s.Start
}

// surelyOverlaps says whether an event of that span overlaps a range whatever
// the borders of the range do and whatever its zone is.
func (s Span) surelyOverlaps(r TimeRange) bool {
	if !s.trusted() || s.Recurs || s.Component != "VEVENT" || s.Start == openStart || s.End == openEnd {
		return false
	}
	if s.Floats {
		s.Start, s.End = shift(s.Start, zoneSlack), shift(s.End, -zoneSlack)
	}
	return r.Start < s.End && r.End > s.Start
}
