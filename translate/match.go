package translate

import (
	"bytes"
	"slices"
	"strings"
	"sync"
)

// component is where one component lies in the text of an object.
type component struct {
	name       string // in upper case
	parent     int    // -1: none
	start, end int    // from its BEGIN to behind its END
}

// components lists the components of the text of a scanner, each behind its parent.
// What is not balanced or too deep is left out, so that any octets can be listed.
func components(list []component, s *Scanner) []component {
	var open [MaxDepth]int
	depth := 0   // of the open components that are listed
	skipped := 0 // how many more are open
	for s.Next() {
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
			if n := len(list); n == cap(list) && n > 0 { // for all that may come
				rest := s.raw[s.at:]
				more := 1 + bytes.Count(rest, []byte("BEGIN:"))
				if more < n/2 { // they are written in another way
					more = MaxDepth + len(rest)/len("BEGIN:\nEND:\n")
				}
				list = append(make([]component, 0, n+min(more, MaxComponents-n)), list...)
			}
			list = append(list, component{componentName(trimBlank(l.Value())), parent, l.Start, len(s.raw)})
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
	names   zones // of the object
	budget  *Budget
	scanner Scanner
	texts   texts

	// sets are the series of each kind, made when they are asked for: many alarms
	// ask for the times of one event.
	sets []*set
	only only
}

// set is a series and where its components are in the list, in ascending order.
type set struct {
	series
	members []int
}

// place is which of the series a component in the list is.
func (s *set) place(i int) int {
	place, _ := slices.BinarySearch(s.members, i)
	return place
}

// only is the room for a set of one component, which most objects are.
type only struct {
	taken   bool
	set     set
	times   times
	done    done
	sets    [1]*set
	list    [1]*times
	members [1]int
}

// matchers keeps what Match has allocated for the next object.
var matchers = sync.Pool{New: func() any { return new(matcher) }}

// Match says whether the object matches. It reads o.Raw only. It is exact but for
// what cannot be read or exceeds the steps for one object: then it says yes, never
// no where it could match, so too when f.Budget is spent. Its time is linear in the size of the object and of the
// filter, and in the steps.
func (f *Filter) Match(o *Object) bool {
	m := matchers.Get().(*matcher)
	m.reset(o.Raw, f.Zone, f.Budget)
	matches := m.some(&f.Comp, -1, 0)
	if cap(m.list) <= keptComponents {
		*m = matcher{list: m.list[:0]}
		matchers.Put(m)
	}
	return matches
}

// keptComponents is for how many components the room is kept.
const keptComponents = 100

func newMatcher(raw []byte, zone *Zone, budget *Budget) *matcher {
	m := new(matcher)
	m.reset(raw, zone, budget)
	return m
}

func (m *matcher) reset(raw []byte, zone *Zone, budget *Budget) {
	if zone == nil {
		zone = UTC
	}
	m.raw, m.budget, m.names.raw = raw, budget, raw
	m.frame = frame{zone: zone, zones: &m.names}
	m.scanner.Reset(raw)
	m.list = components(m.list, &m.scanner)
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
	if name == "VFREEBUSY" {
		t := new(times)
		t.begin(&m.frame)
		t.published = &published{asked: &r}
		m.lines(i, t.read)
		return t.overlaps(name, r)
	}
	if name != "VALARM" {
		if s := m.set(name); m.main(i) {
			return s.inRange(s.place(i), r)
		}
		return true
	}
	parent := m.list[i].parent
	if parent < 0 {
		return false
	}
	var a alarm
	m.lines(i, func(l *Line) { a.read(l, m.zones) })
	kind := m.list[parent].name
	if !m.main(parent) {
		return a.overlaps(kind, m.times(parent), nil, 0, r)
	}
	s := m.set(kind)
	by := s.place(parent)
	if s.single(by) {
		return a.overlaps(kind, s.list[by], nil, 0, r)
	}
	return a.overlaps(kind, s.list[by], &s.series, by, r)
}

// single says whether a component is just itself.
func (s *set) single(by int) bool { return len(s.list) == 1 && !s.list[by].special() }

func (s *set) inRange(by int, r TimeRange) bool {
	if s.single(by) {
		return s.list[by].overlaps(s.kind, r)
	}
	return s.overlaps(by, r)
}

// main says whether a component is one that recurs.
func (m *matcher) main(i int) bool {
	return m.list[i].parent >= 0 && m.list[m.list[i].parent].parent < 0 && mainComponent([]byte(m.list[i].name)) != ""
}

// set is the series of all components of a kind.
func (m *matcher) set(kind string) *set {
	for _, s := range m.sets {
		if s.kind == kind {
			return s
		}
	}
	first, n := 0, 0
	for i := range m.list {
		if m.list[i].name == kind && m.main(i) {
			if n++; n == 1 {
				first = i
			}
		}
	}
	if o := &m.only; n == 1 && !o.taken {
		o.taken, o.members[0], o.list[0] = true, first, &o.times
		o.times.begin(&m.frame)
		o.times.done = &o.done
		m.lines(first, o.times.read)
		o.times.settle()
		o.set.series.init(m.frame, kind, o.list[:], m.budget)
		o.set.members = o.members[:]
		if m.sets == nil {
			m.sets = o.sets[:0]
		}
		m.sets = append(m.sets, &o.set)
		return &o.set
	}
	s := &set{members: make([]int, 0, n)}
	list, empty := make([]*times, 0, n), new(times)
	empty.begin(&m.frame)
	var room []times
	for i := first; i < len(m.list) && len(list) < n; i++ {
		if m.list[i].name != kind || !m.main(i) {
			continue
		}
		if len(room) == 0 {
			room = make([]times, min(n-len(list), 20))
		}
		t := &room[0]
		if m.readTimes(i, t); *t == *empty {
			t = empty // what says nothing takes no room
		} else {
			room = room[1:]
		}
		s.members, list = append(s.members, i), append(list, t)
	}
	s.init(m.frame, kind, list, m.budget)
	m.sets = append(m.sets, s)
	return s
}

// times reads one component.
func (m *matcher) times(i int) *times {
	t := new(times)
	m.readTimes(i, t)
	return t
}

func (m *matcher) readTimes(i int, t *times) {
	t.begin(&m.frame)
	m.lines(i, t.read)
	t.settle()
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
	if p.Text != nil {
		value := l.Value()
		if bytes.IndexByte(value, '\\') >= 0 {
			m.texts.plain = appendUnescaped(m.texts.plain[:0], value)
			value = m.texts.plain
		}
		if !p.Text.match(value, &m.texts) {
			return false
		}
	}
	for n := range p.Params {
		if !p.Params[n].match(l, &m.texts) {
			return false
		}
	}
	return true
}

// valueInRange says whether one of the values of a property may lie in a range
// (RFC 4791 section 9.9). A DATE is all of that day; what is no time is in none.
func (m *matcher) valueInRange(l *Line, r TimeRange) bool {
	zone, zoned := m.zones.of(l)
	for list := l.Value(); len(list) > 0; {
		var value []byte
		value, list, _ = bytes.Cut(list, []byte{','})
		value, _, _ = bytes.Cut(value, []byte{'/'})
		i := parseInstant(value)
		if i.state != known {
			continue
		}
		if zoned && i.zone == nil && !i.date {
			i.zone = zone
		}
		at := m.at(i)
		if r.End > at.lo && (r.Start <= at.hi || i.date && r.Start < m.after(i, duration{days: 1, ok: true}).hi) {
			return true
		}
	}
	return false
}

// match says whether a property has the parameter as asked (RFC 4791 section
// 9.7.3).
func (p *ParamFilter) match(l *Line, room *texts) bool {
	matched := p.IsNotDefined
	for params := l.params; len(params) > 0; {
		var name, values []byte
		if name, values, params = nextParam(params); !sameName(name, p.Name) {
			continue
		}
		if p.IsNotDefined {
			return false
		}
		for {
			var value []byte
			if value, values = nextParamValue(values); p.Text == nil || p.Text.match(decodedParam(value), room) {
				return true
			}
			if values == nil {
				break
			}
		}
	}
	return matched
}
