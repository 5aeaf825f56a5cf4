package translate

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
)

// expand returns an object with its instances in a range in place of its rules, in
// UTC and without time zones (RFC 4791 section 9.6.5). Floating times are read in
// the zone; dates stay dates.
func expand(raw []byte, r TimeRange, zone *Zone, budget *Budget) ([]byte, error) {
	m := newMatcher(raw, zone, budget)
	e := &expansion{matcher: m, instances: map[int][]instance{}}
	for i, c := range m.list {
		if !m.main(i) || c.name == "VFREEBUSY" {
			continue
		}
		if s := m.set(c.name); !e.done[s] {
			if e.done == nil {
				e.done = map[*set]bool{}
			}
			e.done[s] = true
			if err := e.gather(s, r); err != nil {
				return nil, err
			}
		}
	}
	return e.write()
}

// maxExpanded is how long an expanded object may be, in octets: its instances may be as
// many as its text is long.
const maxExpanded = 2 * MaxObject

// expansion is an object that is being expanded.
type expansion struct {
	*matcher
	done      map[*set]bool
	instances map[int][]instance // by the first component of their kind
	pieces    map[shape][]piece
	w         lineWriter
}

// gather finds the instances of a kind in a range.
func (e *expansion) gather(s *set, r TimeRange) error {
	var list []instance
	take := func(i instance) bool {
		i.unlike, i.by = s.saysElse(&i), s.members[i.by]
		list = append(list, i)
		return len(list) <= MaxInstances
	}
	for by, t := range s.list {
		single := s.single(by)
		if !single && !t.override {
			continue
		}
		alone := *t
		alone.thisFuture = false
		if !alone.overlaps(s.kind, r) {
			continue
		}
		i, known := s.own(by)
		if !known {
			i = instance{by: by} // a task without DTSTART and DUE, for one
		}
		if !take(i) {
			return ErrTooManyInstances
		}
	}
	if len(s.list) > 1 || !s.single(0) {
		s.missing, s.extra = false, false
		s.each(r.Start, r.End, func(i instance) bool {
			return !i.overlaps(s.kind, s.list[i.by], r) || take(i)
		})
	}
	if len(list) > MaxInstances {
		return ErrTooManyInstances
	}
	if s.missing || s.extra || s.step.left < 0 {
		return ErrNotExpanded
	}
	slices.SortStableFunc(list, func(a, b instance) int { return cmp.Compare(a.unix, b.unix) })
	e.instances[s.members[0]] = list
	return nil
}

// write writes the object: its own lines as they are, the instances where the
// first component of their kind was.
func (e *expansion) write() ([]byte, error) {
	size := len(e.raw)
	for _, list := range e.instances {
		for _, i := range list {
			size += e.list[i.by].end - e.list[i.by].start
		}
	}
	e.w.b = make([]byte, 0, min(size, maxExpanded))
	next := 0 // in the list of components
	skip := 0 // octets up to here are done
	for s := NewScanner(e.raw); s.Next(); {
		l := &s.Line
		if l.Start < skip || l.Err != nil {
			continue
		}
		for next < len(e.list) && e.list[next].start < l.Start {
			next++
		}
		if next < len(e.list) && e.list[next].start == l.Start {
			c := e.list[next]
			switch {
			case c.name == "VTIMEZONE":
				skip = c.end
				continue
			case e.main(next) && c.name != "VFREEBUSY":
				list := e.instances[next]
				for n := range list {
					if e.component(&list[n]); len(e.w.b) > maxExpanded {
						return nil, ErrTooManyInstances
					}
				}
				skip = c.end
				continue
			}
		}
		e.w.raw(e.raw[l.Start:l.End])
	}
	return e.w.b, nil
}

// shape is what the lines of an instance depend on, but for its times.
type shape struct {
	by                    int
	id, start, end, dates bool // known; and DATEs
	idDate, ends, unlike  bool
}

// piece is a part of a component that is being written: text that all instances of a
// shape share, or the head of a line with a time of each.
type piece struct {
	text  []byte
	time  func(i *instance) instant // nil: text is all
	lasts bool                      // it is not the time that follows but how long it is since the start
}

// component writes one instance.
func (e *expansion) component(i *instance) {
	s := shape{i.by, i.id.state == known, i.start.state == known, i.endInstant.state == known, i.start.date,
		i.id.date, i.endOrDue, i.unlike}
	pieces, ok := e.pieces[s]
	if !ok {
		if e.pieces == nil {
			e.pieces = map[shape][]piece{}
		}
		pieces = e.cut(s)
		e.pieces[s] = pieces
	}
	for _, p := range pieces {
		if p.time == nil {
			e.w.b = append(e.w.b, p.text...)
			continue
		}
		at := p.time(i)
		if p.lasts {
			length := i.end - i.unix
			if at.date {
				length = at.wall - i.start.wall
			}
			e.w.line(string(p.text), formatDuration(length))
			continue
		}
		if len(p.text)+len(MaxDateTime) > foldedLine {
			e.w.line(string(p.text), e.frame.time(at))
			continue
		}
		e.w.b = append(e.w.b, p.text...)
		if at.date {
			e.w.b = appendDate(e.w.b, at.wall)
		} else {
			e.w.b = appendUTC(e.w.b, e.frame.at(at).lo)
		}
		e.w.b = append(e.w.b, crlf...)
	}
}

// cut makes the pieces of a component.
func (e *expansion) cut(s shape) (pieces []piece) {
	c := e.list[s.by]
	raw := e.raw[c.start:c.end]
	written := e.w
	e.w = lineWriter{}
	flush := func() {
		if len(e.w.b) > 0 {
			pieces, e.w = append(pieces, piece{text: e.w.b}), lineWriter{}
		}
	}
	time := func(name string, params []byte, date bool, at func(i *instance) instant) {
		flush()
		form := ""
		if date {
			form = ";VALUE=DATE"
		}
		head := name + form + keepParams(params, "TZID", "VALUE", "RANGE") + ":"
		pieces = append(pieces, piece{[]byte(head), at, false})
	}
	lasts := false // a task with DURATION keeps it: with DUE it would end a second earlier (RFC 4791 section 9.9)
	if s.unlike {  // but DUE without DTSTART would be another task
		s.unlike = false
		e.lines(s.by, func(l *Line) {
			s.unlike = s.unlike || l.Is("DTSTART")
			lasts = lasts || c.name == "VTODO" && l.Is("DURATION")
		})
	}
	depth := 0
	for sc := NewScanner(raw); sc.Next(); {
		l := &sc.Line
		octets := raw[l.Start:l.End]
		switch {
		case l.Err != nil:
		case l.Is("BEGIN"):
			depth++
			e.w.raw(octets)
			if depth == 1 && s.id {
				time("RECURRENCE-ID", nil, s.idDate, func(i *instance) instant { return i.id })
			}
		case l.Is("END"):
			depth--
			e.w.raw(octets)
		case depth > 1:
			e.other(l, octets)
		case l.Is("RRULE"), l.Is("RDATE"), l.Is("EXDATE"), l.Is("EXRULE"), l.Is("RECURRENCE-ID"):
		case s.start && l.Is("DTSTART"):
			time("DTSTART", l.params, s.dates, startOf)
			switch {
			case s.unlike && lasts:
				flush()
				pieces = append(pieces, piece{[]byte("DURATION:"), endOf, true})
			case s.unlike:
				time(endName(c.name), nil, s.dates, endOf)
			}
		case s.start && s.ends && s.end && (l.Is("DTEND") || l.Is("DUE")):
			time(string(bytes.ToUpper(l.Name)), l.params, s.dates, endOf)
		case s.start && (s.ends || s.unlike) && l.Is("DURATION"): // DTEND says it
		default:
			e.other(l, octets)
		}
	}
	flush()
	e.w = written
	return pieces
}

// formatDuration writes seconds as a DURATION (RFC 5545 section 3.3.6), for a start in UTC
// or, of whole days, a DATE.
func formatDuration(seconds int64) string {
	sign := ""
	if seconds < 0 {
		sign, seconds = "-", -seconds
	}
	days, seconds := seconds/day, seconds%day
	if seconds == 0 {
		return fmt.Sprintf("%sP%dD", sign, days)
	}
	return fmt.Sprintf("%sP%dDT%dH%dM%dS", sign, days, seconds/3600, seconds/60%60, seconds%60)
}

func endName(kind string) string {
	if kind == "VTODO" {
		return "DUE"
	}
	return "DTEND"
}

// startOf and endOf are exact, where the clocks show a time twice.
func startOf(i *instance) instant {
	if i.start.date {
		return i.start
	}
	return instant{state: known, wall: i.unix, zone: UTC}
}

func endOf(i *instance) instant {
	if i.endInstant.date {
		return i.endInstant
	}
	return instant{state: known, wall: i.end, zone: UTC}
}

// other writes a line that is the same for all instances; times in a zone are
// converted.
func (e *expansion) other(l *Line, octets []byte) {
	tzid, zoned := l.Param("TZID")
	if !zoned {
		e.w.raw(octets)
		return
	}
	zone := e.zones.find(tzid)
	values := bytes.Split(l.Value(), []byte{','})
	for n, v := range values {
		i := parseInstant(v)
		if i.state != known {
			e.w.raw(octets)
			return
		}
		if i.zone == nil && !i.date {
			i.zone = zone
		}
		values[n] = []byte(e.frame.time(i))
	}
	e.w.line(string(l.Name), keepParams(l.params, "TZID"), ":", string(bytes.Join(values, []byte{','})))
}

// keepParams returns parameters as written, without those of some names.
func keepParams(params []byte, drop ...string) string {
	var kept []byte
	for p := params; len(p) > 0; {
		begin := p
		var name []byte
		name, _, p = nextParam(p)
		if !slices.ContainsFunc(drop, func(d string) bool { return equalFold(name, d) }) {
			kept = append(kept, begin[:len(begin)-len(p)]...)
		}
	}
	return string(kept)
}
