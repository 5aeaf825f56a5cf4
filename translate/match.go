package translate

import (
	"bytes"
	"strings"
)

// component is where one component lies in the text of an object.
type component struct {
	name       string // in upper case
	parent     int    // -1: none
	start, end int    // from its BEGIN to behind its END
}

// components lists the components of a text, each behind its parent. What is not
// balanced or too deep is left out, so that any octets can be listed.
func components(raw []byte) []component {
	list := make([]component, 0, 8)
	var open [MaxDepth]int
	depth := 0   // of the open components that are listed
	skipped := 0 // how many more are open
	for s := NewScanner(raw); s.Next(); {
		l := &s.Line
		switch {
		case l.Is("BEGIN"):
			if depth == MaxDepth || len(list) == MaxComponents {
				skipped++
				continue
			}
			parent := -1
			if depth > 0 {
				parent = open[depth-1]
			}
			open[depth] = len(list)
			depth++
			list = append(list, component{componentName(trimBlank(l.Value())), parent, l.Start, len(raw)})
		case l.Is("END") && skipped > 0:
			skipped--
		case l.Is("END") && depth > 0 && equalFold(trimBlank(l.Value()), list[open[depth-1]].name):
			depth--
			list[open[depth]].end = l.End
		}
	}
	return list
}

// matcher holds one object while it is matched.
type matcher struct {
	raw  []byte
	list []component
	frame
	scanner Scanner

	// owner is the component that owned says the times of, kept because many
	// alarms ask for the times of one event.
	owner int
	owned *times
}

// Match says whether the object matches. It reads o.Raw only. A time-range is
// exact for components that do not recur, in UTC, in a zone with an IANA name,
// and for dates and floating times where Zone is set; for all others Match says
// yes where they may overlap, never no where they do. Its time is linear in the
// size of the object and of the filter.
func (f *Filter) Match(o *Object) bool {
	m := &matcher{raw: o.Raw, list: components(o.Raw), frame: frame{zone: f.Zone}}
	return m.some(&f.Comp, -1, 0)
}

// some says whether a component inside parent matches the filter, or, for
// is-not-defined, that there is none.
func (m *matcher) some(c *CompFilter, parent, depth int) bool {
	if depth > MaxFilterDepth {
		return false
	}
	for i := parent + 1; i < len(m.list) && m.inside(i, parent); i++ {
		if m.list[i].parent != parent || !strings.EqualFold(c.Name, m.list[i].name) {
			continue
		}
		if c.IsNotDefined {
			return false
		}
		if m.matches(c, i, depth) {
			return true
		}
	}
	return c.IsNotDefined
}

func (m *matcher) inside(i, parent int) bool {
	return parent < 0 || m.list[i].start < m.list[parent].end
}

// matches says whether one component fulfils all of a filter (RFC 4791 section
// 9.7.1).
func (m *matcher) matches(c *CompFilter, i, depth int) bool {
	if c.TimeRange != nil && !m.inRange(i, c.TimeRange.normal()) {
		return false
	}
	if len(c.Props) > 0 && !m.properties(c.Props, i) {
		return false
	}
	for n := range c.Comps {
		if !m.some(&c.Comps[n], i, depth+1) {
			return false
		}
	}
	return true
}

// lines calls f with the property lines of a component, without those of the
// components inside it.
func (m *matcher) lines(i int, f func(*Line)) {
	depth := 0
	for m.scanner.Reset(m.raw[m.list[i].start:m.list[i].end]); m.scanner.Next(); {
		switch l := &m.scanner.Line; {
		case l.Err != nil:
		case l.Is("BEGIN"):
			depth++
		case l.Is("END"):
			depth--
		case depth == 1:
			f(l)
		}
	}
}

// inRange answers a time-range on a component.
func (m *matcher) inRange(i int, r TimeRange) bool {
	name := m.list[i].name
	if name != "VALARM" {
		t := m.times(i, &r)
		return t.overlaps(name, r)
	}
	parent := m.list[i].parent
	if parent < 0 {
		return false
	}
	if m.owned == nil || m.owner != parent {
		m.owner, m.owned = parent, m.times(parent, nil)
	}
	var a alarm
	m.lines(i, a.read)
	return a.overlaps(m.list[parent].name, m.owned, r)
}

func (m *matcher) times(i int, asked *TimeRange) *times {
	t := &times{frame: m.frame, asked: asked}
	m.lines(i, t.read)
	return t
}

// properties says whether a component fulfils all prop-filters: each by one
// property of that name, whichever.
func (m *matcher) properties(filters []PropFilter, i int) bool {
	fulfilled := make([]bool, len(filters))
	for n := range filters {
		fulfilled[n] = filters[n].IsNotDefined
	}
	m.lines(i, func(l *Line) {
		for n := range filters {
			p := &filters[n]
			switch {
			case !sameName(l.Name, p.Name):
			case p.IsNotDefined:
				fulfilled[n] = false
			case !fulfilled[n]:
				fulfilled[n] = m.property(p, l)
			}
		}
	})
	for _, ok := range fulfilled {
		if !ok {
			return false
		}
	}
	return true
}

// property says whether one property fulfils a filter (RFC 4791 section 9.7.2).
func (m *matcher) property(p *PropFilter, l *Line) bool {
	if p.TimeRange != nil && !m.valueInRange(l, p.TimeRange.normal()) {
		return false
	}
	if p.Text != nil && !p.Text.match(unescapeText(l.Value())) {
		return false
	}
	for n := range p.Params {
		if !p.Params[n].match(l) {
			return false
		}
	}
	return true
}

// valueInRange says whether one of the values of a property may lie in a range
// (RFC 4791 section 9.9). A DATE is all of that day; what is no time is in none.
func (m *matcher) valueInRange(l *Line, r TimeRange) bool {
	tzid, zoned := l.Param("TZID")
	for list := l.Value(); len(list) > 0; {
		var value []byte
		value, list, _ = bytes.Cut(list, []byte{','})
		value, _, _ = bytes.Cut(value, []byte{'/'})
		i := parseInstant(value)
		if i.state != known {
			continue
		}
		if zoned && i.zone == nil && !i.date {
			i.zone = location(tzid)
			i.alien = i.zone == nil
		}
		at := m.at(i)
		if r.End > at.lo && (r.Start <= at.hi || i.date && r.Start < shift(at.hi, day)) {
			return true
		}
	}
	return false
}

// match says whether a property has the parameter as asked (RFC 4791 section
// 9.7.3).
func (p *ParamFilter) match(l *Line) bool {
	matched := p.IsNotDefined
	l.Params(func(name []byte, value string) bool {
		if !sameName(name, p.Name) {
			return true
		}
		if p.IsNotDefined {
			matched = false
			return false
		}
		matched = p.Text == nil || p.Text.match([]byte(value))
		return !matched
	})
	return matched
}
