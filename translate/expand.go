package translate

import (
	"bytes"
	"cmp"
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
	w         lineWriter
}

// gather finds the instances of a kind in a range.
func (e *expansion) gather(s *set, r TimeRange) error {
	var list []instance
	take := func(i instance) bool {
		i.by = s.members[i.by]
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
				for _, i := range e.instances[next] {
					if e.component(i); len(e.w.b) > maxExpanded {
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

// component writes one instance.
func (e *expansion) component(i instance) {
	c := e.list[i.by]
	raw := e.raw[c.start:c.end]
	depth := 0
	for s := NewScanner(raw); s.Next(); {
		l := &s.Line
		octets := raw[l.Start:l.End]
		switch {
		case l.Err != nil:
		case l.Is("BEGIN"):
			depth++
			e.w.raw(octets)
			if depth == 1 && i.id.state == known {
				e.time("RECURRENCE-ID", nil, i.id)
			}
		case l.Is("END"):
			depth--
			e.w.raw(octets)
		case depth > 1 || !e.ofInstance(i, l):
			e.other(l, octets)
		}
	}
}

// ofInstance writes the properties that differ between instances, and says whether
// the line was one.
func (e *expansion) ofInstance(i instance, l *Line) bool {
	switch {
	case l.Is("RRULE"), l.Is("RDATE"), l.Is("EXDATE"), l.Is("EXRULE"), l.Is("RECURRENCE-ID"):
		return true
	case i.start.state != known:
		return false
	case l.Is("DTSTART"):
		e.time("DTSTART", l.params, i.start)
		return true
	case (l.Is("DTEND") || l.Is("DUE")) && i.endOrDue:
		end := i.endInstant
		if end.state != known {
			return false
		}
		if !end.date {
			end = instant{state: known, wall: i.end, zone: UTC}
		}
		e.time(string(bytes.ToUpper(l.Name)), l.params, end)
		return true
	case l.Is("DURATION") && i.endOrDue:
		return true // DTEND says it
	}
	return false
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

// time writes a property with a time, and the parameters that have nothing to do
// with its form.
func (e *expansion) time(name string, params []byte, i instant) {
	form := ""
	if i.date {
		form = ";VALUE=DATE"
	}
	e.w.line(name, form, keepParams(params, "TZID", "VALUE", "RANGE"), ":", e.frame.time(i))
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
