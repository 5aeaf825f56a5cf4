package translate

import (
	"bytes"
	"errors"
	"slices"
)

// Data is CALDAV:calendar-data in a request (RFC 4791 section 9.6): how much of
// an object is wanted.
type Data struct {
	Comp            *CompData  // of VCALENDAR; nil: all
	Expand          *TimeRange // RFC 4791 section 9.6.5
	LimitRecurrence *TimeRange // RFC 4791 section 9.6.6
	LimitFreeBusy   *TimeRange // RFC 4791 section 9.6.7
	JSON            bool       // as jCal (RFC 7265)
	Budget          *Budget    // of the request; nil: each object has its own steps
}

// CompData is CALDAV:comp (RFC 4791 section 9.6.1). One that says nothing of
// properties and components stands for all of them, as in the example of RFC 4791
// section 7.8.1.
type CompData struct {
	Name             string
	AllProp, AllComp bool
	Props            []PropData
	Comps            []CompData
}

// PropData is CALDAV:prop (RFC 4791 section 9.6.4).
type PropData struct {
	Name    string
	NoValue bool
}

// ErrTooManyInstances says that an object has more than MaxInstances instances in
// the range that it was to be expanded for.
var ErrTooManyInstances = errors.New("more instances than are answered")

// ErrNotExpanded says that the rules of an object that was to be expanded cannot be
// read, or take too many steps.
var ErrNotExpanded = errors.New("rules that cannot be expanded")

// Whole says whether all octets of an object are wanted as they are.
func (d *Data) Whole() bool { return d == nil || *d == Data{Budget: d.Budget} }

// Apply returns what is wanted of an object. zone is where floating times and dates
// are, nil for UTC. What cannot be expanded is an error: an answer must not hold rules
// (RFC 4791 section 9.6.5), and a part of the instances would be taken for all of them.
func (d *Data) Apply(raw []byte, zone *Zone) ([]byte, error) {
	if d.Whole() {
		return raw, nil
	}
	if d.Expand != nil {
		expanded, err := expand(raw, d.Expand.normal(), zone, d.Budget)
		if err != nil {
			return nil, err
		}
		raw = expanded
	}
	if d.LimitRecurrence != nil {
		raw = limitRecurrence(raw, d.LimitRecurrence.normal(), zone, d.Budget)
	}
	if d.LimitFreeBusy != nil {
		raw = limitFreeBusy(raw, d.LimitFreeBusy.normal(), zone)
	}
	if d.Comp != nil {
		raw = d.Comp.choose(raw)
	}
	if d.JSON {
		return JSON(raw)
	}
	return raw, nil
}

// all says whether nothing is left out of a component.
func (c *CompData) all() bool {
	return !c.AllProp && !c.AllComp && len(c.Props)+len(c.Comps) == 0
}

// choose copies the lines that are wanted.
func (c *CompData) choose(raw []byte) []byte {
	everything, root := &CompData{AllProp: true, AllComp: true}, &CompData{Comps: []CompData{*c}}
	open := []*CompData{root}
	skipped := 0 // depth inside a component that is not wanted
	var w lineWriter
	for s := NewScanner(raw); s.Next(); {
		l := &s.Line
		octets := raw[l.Start:l.End]
		in := open[len(open)-1]
		switch {
		case l.Err != nil:
		case l.Is("BEGIN") && skipped > 0:
			skipped++
		case l.Is("BEGIN"):
			var next *CompData
			name := trimBlank(l.Value())
			for i := range in.Comps {
				if sameName(name, in.Comps[i].Name) {
					next = &in.Comps[i]
				}
			}
			if next == nil && in.AllComp || next != nil && next.all() {
				next = everything
			}
			if next == nil || len(open) > MaxDepth {
				skipped = 1
				continue
			}
			open = append(open, next)
			w.raw(octets)
		case l.Is("END") && skipped > 0:
			skipped--
		case l.Is("END"):
			if len(open) > 1 {
				open = open[:len(open)-1]
				w.raw(octets)
			}
		case skipped > 0:
		case in.AllProp:
			w.raw(octets)
		default:
			in.property(&w, l, octets)
		}
	}
	return w.b
}

func (c *CompData) property(w *lineWriter, l *Line, octets []byte) {
	for i := range c.Props {
		p := &c.Props[i]
		switch {
		case !sameName(l.Name, p.Name):
		case p.NoValue:
			w.line(string(l.Name), string(l.params), ":")
			return
		default:
			w.raw(octets)
			return
		}
	}
}

// without copies a text without some ranges of it, which are in order.
func without(raw []byte, gone []octets) []byte {
	out, at := make([]byte, 0, len(raw)), 0
	for _, g := range gone {
		out, at = append(out, raw[at:g.start]...), g.end
	}
	return append(out, raw[at:]...)
}

// limitRecurrence leaves out the overrides that do not matter in a range: neither
// they nor the instances that they replace overlap it (RFC 4791 section 9.6.6).
func limitRecurrence(raw []byte, r TimeRange, zone *Zone, budget *Budget) []byte {
	m := newMatcher(raw, zone, budget)
	mattering := map[*set][]bool{}
	var gone []octets
	for i, c := range m.list {
		if !m.main(i) || c.name == "VFREEBUSY" {
			continue
		}
		s := m.set(c.name)
		by := s.place(i)
		if !s.list[by].override {
			continue
		}
		if mattering[s] == nil {
			mattering[s] = s.mattering(r)
		}
		if !mattering[s][by] {
			gone = append(gone, octets{c.start, c.end})
		}
	}
	return without(raw, gone)
}

// mattering says which components change what is in a range. What cannot be told does.
// It leaves the series as it is without the others.
func (s *series) mattering(r TimeRange) []bool {
	matters := make([]bool, len(s.list))
	for by, t := range s.list {
		alone := *t
		alone.thisFuture = false
		matters[by] = !t.override || t.id.state != known || t.base().state != known || alone.overlaps(s.kind, r)
	}
	over := s.over
	s.over = moments{} // what is replaced is to be seen, too
	inRange := func(i instance) bool { return i.overlaps(s.kind, s.list[i.by], r) }
	for n := 0; n < len(s.later); {
		by := s.later[n]
		if !matters[by] && !s.some(by, r.Start, r.End, inRange) && !s.misses(n, r, inRange) {
			s.later = slices.Delete(s.later, n, n+1)
			continue
		}
		matters[by] = true
		n++
	}
	var replaced [3][]bool // of over
	for form := range over {
		replaced[form] = make([]bool, len(over[form]))
	}
	mark := func(form int, v int64) {
		at, _ := slices.BinarySearch(over[form], v)
		for ; at < len(over[form]) && over[form][at] == v; at++ {
			replaced[form][at] = true
		}
	}
	unsure := s.any(r.Start, r.End, func(i instance) bool {
		if unix := s.at(i.id).lo; over.has(i.wall, unix) && inRange(i) {
			mark(exactMoments, unix)
			mark(localMoments, i.wall)
			mark(dayMoments, floorDiv(i.wall, day))
		}
		return false
	})
	for by, t := range s.list {
		if matters[by] = matters[by] || unsure; !matters[by] {
			form, v := formOf(t.id, s.dates)
			at, ok := slices.BinarySearch(over[form], v)
			matters[by] = ok && replaced[form][at]
		}
	}
	return matters
}

// misses says whether something may come into a range without one of the components
// with RANGE=THISANDFUTURE: what it moves is then where the one before it has it.
func (s *series) misses(n int, r TimeRange, inRange func(instance) bool) bool {
	by := s.later[n]
	var own moments
	own.add(s.list[by].id, s.dates)
	from, to := s.at(s.list[by].id).lo, int64(openEnd)
	if n+1 < len(s.later) {
		to = s.at(s.list[s.later[n+1]].id).lo
	}
	s.later = slices.Delete(s.later, n, n+1)
	found := s.any(r.Start, r.End, func(i instance) bool {
		unix := s.at(i.id).lo
		return (from <= unix && unix < to || own.has(i.wall, unix)) && inRange(i)
	})
	s.later = slices.Insert(s.later, n, by)
	return found
}

// limitFreeBusy leaves out the periods that do not overlap a range (RFC 4791
// section 9.6.7).
func limitFreeBusy(raw []byte, r TimeRange, zone *Zone) []byte {
	if zone == nil {
		zone = UTC
	}
	t := new(times)
	t.begin(&frame{zone: zone, zones: &zones{raw: raw}})
	w := lineWriter{make([]byte, 0, len(raw)+len(crlf))}
	var open [MaxDepth]bool // whether it is a VFREEBUSY
	depth, busy := 0, 0
	var kept []byte
	for s := NewScanner(raw); s.Next(); {
		l := &s.Line
		octets := raw[l.Start:l.End]
		switch {
		case l.Is("BEGIN") && depth < MaxDepth:
			open[depth] = equalFold(trimBlank(l.Value()), "VFREEBUSY")
			if depth++; open[depth-1] {
				busy++
			}
		case l.Is("END") && depth > 0:
			if depth--; open[depth] {
				busy--
			}
		case l.Is("FREEBUSY") && busy > 0:
			kept = append(append(append(kept[:0], l.Name...), l.params...), ':')
			before := len(kept)
			list := l.Value()
			all := len(list) > 0
			t.eachPeriod(l, func(d rdate) bool {
				var value []byte
				value, list, _ = bytes.Cut(list, []byte{','})
				if from, to := t.at(d.from), t.until(d); r.Start < to.hi && r.End > from.lo {
					kept = append(append(kept, value...), ',')
				} else {
					all = false
				}
				return true
			})
			if !all {
				if len(kept) > before {
					w.line(string(kept[:len(kept)-1]))
				}
				continue
			}
		}
		w.raw(octets)
	}
	return w.b
}
