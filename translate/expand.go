package translate

import (
	"cmp"
	"slices"
)

// expand returns an object with its instances in a range in place of its rules, in
// UTC and without time zones (RFC 4791 section 9.6.5). Floating times are read in
// the zone; dates stay dates.
func expand(raw []byte, r TimeRange, zone *Zone, budget *Budget) ([]byte, error) {
	m := newMatcher(raw, zone, budget)
	e := &expansion{matcher: m}
	for i, c := range m.list {
		if !m.main(i) || c.name == "VFREEBUSY" {
			continue
		}
		if s := m.set(c.name); s.members[0] == i {
			list, err := e.gather(s, r)
			if err != nil {
				return nil, err
			}
			e.kinds = append(e.kinds, expanded{i, list})
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
	kinds  []expanded // by first
	cut    map[shape]*cutting
	once   cutting // of what has one instance of its shape
	values []byte
	w      lineWriter
}

// expanded are the instances of a kind.
type expanded struct {
	first int // of the components of that kind, in the list
	list  []occurrence
}

// occurrence is an instance to be written. Its times are in Unix seconds, or of a DATE
// those of its midnight as if it were in UTC.
type occurrence struct {
	unix           int64 // exact: what they are sorted by
	id, start, end int64
	shape
}

// shape is what the lines of an instance depend on, but for its times.
type shape struct {
	by   int32 // component in the list
	says says
}

type says uint8

const (
	saysID says = 1 << iota // it has one that is known, and so on
	saysStart
	saysEnd
	isDates    // start and end are DATEs
	isDateID   // id is
	hasEnd     // DTEND or DUE
	endsUnlike // DURATION, or that there is none, would say another end in UTC
	standsOnce // an override is so often written
)

func (s says) when(is bool) says {
	if is {
		return s
	}
	return 0
}

// occurrenceOf is an instance of a series as it is written.
func (s *set) occurrenceOf(i *instance) occurrence {
	o := occurrence{unix: i.unix, id: i.id.wall, start: i.unix, end: i.end}
	if i.id.state == known && !i.id.date {
		o.id = s.at(i.id).lo
	}
	if i.start.date {
		o.start, o.end = i.start.wall, i.endInstant.wall
	}
	o.by = int32(s.members[i.by])
	o.says = saysID.when(i.id.state == known) | saysStart.when(i.start.state == known) | saysEnd.when(i.endInstant.state == known) |
		isDates.when(i.start.date) | isDateID.when(i.id.date) | hasEnd.when(i.endOrDue) | endsUnlike.when(s.saysElse(i))
	return o
}

// listedAtOnce is how many instances are listed while they are counted. Of more the list is
// made when it is known how many there are: too many take no memory.
const listedAtOnce = 370

// gather finds the instances of a kind in a range.
func (e *expansion) gather(s *set, r TimeRange) ([]occurrence, error) {
	list := make([]occurrence, 0, 8)
	var full [][]occurrence // lists before it
	n := 0
	err := s.within(r, func(o occurrence) bool {
		if n++; n <= listedAtOnce {
			if len(list) == cap(list) {
				full, list = append(full, list), make([]occurrence, 0, min(3*n, listedAtOnce-n+1))
			}
			list = append(list, o)
		}
		return n <= MaxInstances
	})
	switch {
	case n > MaxInstances:
		return nil, ErrTooManyInstances
	case err != nil:
		return nil, err
	case n <= listedAtOnce:
		if full = append(full, list); len(full) > 1 {
			for i := range full {
				full[i] = sorted(full[i])
			}
			list = slices.Concat(full...)
		}
	default:
		list = list[:0] // the longest one
		if err := s.within(r, func(o occurrence) bool {
			if len(list) == cap(list) {
				if list = sorted(list); 2*len(list) > cap(list) { // as far as they are not said twice
					list = append(make([]occurrence, 0, min(n, 2*cap(list))), list...)
				}
			}
			list = append(list, o)
			return true
		}); err != nil {
			return nil, err
		}
	}
	return sorted(list), nil
}

// within calls take with the instances in a range until it returns false.
func (s *set) within(r TimeRange, take func(occurrence) bool) error {
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
		o := s.occurrenceOf(&i)
		o.says |= standsOnce
		if !take(o) {
			return nil
		}
	}
	if len(s.list) > 1 || !s.single(0) {
		s.missing, s.extra = false, false
		s.each(r.Start, r.End, func(i instance) bool {
			return !i.overlaps(s.kind, s.list[i.by], r) || take(s.occurrenceOf(&i))
		})
	}
	if s.missing || s.extra || s.step.left < 0 {
		return ErrNotExpanded
	}
	return nil
}

// sorted brings instances into their order, those that two properties say once.
func sorted(list []occurrence) []occurrence {
	order := func(a, b occurrence) int {
		if a.unix != b.unix {
			return cmp.Compare(a.unix, b.unix)
		}
		once, other := a.says&standsOnce, b.says&standsOnce
		if once != other || once != 0 {
			return int(other) - int(once)
		}
		return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.by, b.by))
	}
	if !slices.IsSortedFunc(list, order) {
		slices.SortStableFunc(list, order)
	}
	return slices.CompactFunc(list, func(a, b occurrence) bool { return a.says&standsOnce == 0 && order(a, b) == 0 })
}

// write writes the object: its own lines as they are, the instances where the
// first component of their kind was.
func (e *expansion) write() ([]byte, error) {
	size := len(e.raw)
	for _, kind := range e.kinds {
		for i := range kind.list {
			if o := &kind.list[i]; o.says&standsOnce == 0 {
				if size += e.cuttingOf(o.shape).length(); size > maxExpanded {
					return nil, ErrTooManyInstances
				}
			}
		}
	}
	e.w.b = make([]byte, 0, size)
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
				if len(e.kinds) > 0 && e.kinds[0].first == next {
					list := e.kinds[0].list
					e.kinds = e.kinds[1:]
					for n := range list {
						if e.component(&list[n]); len(e.w.b) > maxExpanded {
							return nil, ErrTooManyInstances
						}
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
