package translate

import (
	"cmp"
	"slices"
)

// series is the recurrence set of a calendar object (RFC 5545 section 3.8.5):
// what its components of one kind say together.
type series struct {
	frame
	kind  string
	dates bool // what recurs are DATEs
	list  []*times
	over  moments   // RECURRENCE-IDs
	gone  []moments // EXDATEs of each component
	later []int     // of the components with RANGE=THISANDFUTURE, by RECURRENCE-ID
	step  steps

	// missing: there may be instances that each does not find. extra: there may
	// be fewer than it finds.
	missing, extra bool
}

// instance is one instance of a series.
type instance struct {
	by         int     // which component describes it
	id         instant // when it would begin by the rule; absent where nothing recurs
	wall       int64   // the same, as the clocks show it
	start      instant
	unix, end  int64 // exact
	endOrDue   bool  // the component has DTEND or DUE
	endInstant instant
	unlike     bool // DURATION, or that there is none, would say another end in UTC
}

// init reads what components say together. gone has one for each of them.
func (s *series) init(f frame, kind string, list []*times, gone []moments, budget *Budget) {
	*s = series{frame: f, kind: kind, list: list, gone: gone, step: newSteps(budget)}
	s.dates = slices.ContainsFunc(list, func(t *times) bool { return !t.override && t.base().date })
	for i, t := range list {
		for _, d := range t.exdates {
			s.gone[i].add(d, t.base().date)
		}
		if !t.override {
			continue
		}
		s.over.add(t.id, s.dates)
		if t.thisFuture && t.id.state == known && t.base().state == known {
			s.later = append(s.later, i)
		}
	}
	slices.SortStableFunc(s.later, func(a, b int) int { return cmp.Compare(s.at(list[a].id).lo, s.at(list[b].id).lo) })
}

// base is what recurs: DTSTART, or DUE of a task that has only that.
func (t *times) base() instant {
	switch {
	case t.start.state == absent && t.due.state != absent:
		return t.due
	case t.start.state == absent && t.override:
		return t.id
	}
	return t.start
}

// endOf is the property that ends a component of a kind.
func (t *times) endOf(kind string) instant {
	switch kind {
	case "VTODO":
		return t.due
	case "VJOURNAL":
		return instant{}
	}
	return t.end
}

// special says whether the component is more, or less, than one instance.
func (t *times) special() bool { return t.recurs() || len(t.exdates)+len(t.exrules) > 0 }

// extentOf is how long each instance is. With DTEND or DUE it is the same exact
// length for all, with DURATION the same nominal one (RFC 5545 section 3.8.5.3).
func (t *times) extentOf(kind string) duration {
	end, start := t.endOf(kind), t.base()
	switch {
	case kind == "VJOURNAL": // has neither DTEND nor DURATION (RFC 5545 section 3.6.3)
		if start.date {
			return duration{days: 1, ok: true}
		}
		return duration{ok: true}
	case end.state == unreadable:
		return duration{}
	case end.state == known && start.date && end.date:
		if end.wall <= start.wall && kind == "VEVENT" {
			return duration{days: 1, ok: true}
		}
		return duration{days: (end.wall - start.wall) / day, ok: true}
	case end.state == known:
		return duration{seconds: t.at(end).lo - t.at(start).lo, ok: true}
	case t.hasLength:
		return t.length
	case start.date && kind != "VTODO":
		return duration{days: 1, ok: true}
	}
	return duration{ok: true}
}

// moments are EXDATEs or RECURRENCE-IDs. They should be of the form of DTSTART
// (RFC 5545 sections 3.8.5.1 and 3.8.4.4) and often are not.
type moments struct{ unix, walls, days map[int64]bool }

func (m *moments) add(i instant, dates bool) {
	if i.state != known {
		return
	}
	to, v := m.form(i, dates)
	note(to, v)
}

// form is where an instant belongs, and as what.
func (m *moments) form(i instant, dates bool) (*map[int64]bool, int64) {
	switch {
	case i.date || dates:
		return &m.days, floorDiv(i.wall, day)
	case i.zone != nil:
		return &m.unix, i.zone.unix(i.wall)
	}
	return &m.walls, i.wall
}

func note(to *map[int64]bool, v int64) {
	if *to == nil {
		*to = map[int64]bool{}
	}
	(*to)[v] = true
}

// holds says whether a known instant is one of those that were added.
func (m *moments) holds(i instant, dates bool) bool {
	in, v := m.form(i, dates)
	return (*in)[v]
}

func (m *moments) has(wall, unix int64) bool {
	return m.unix[unix] || m.walls[wall] || m.days != nil && m.days[floorDiv(wall, day)]
}

// each calls yield with the instances that no override replaces and that may
// touch a range of Unix seconds, and with some more; in no order. It stops where
// yield returns false.
func (s *series) each(from, to int64, yield func(instance) bool) {
	for i, t := range s.list {
		if t.override {
			continue
		}
		base := t.base()
		if base.state != known {
			s.missing = s.missing || base.state == unreadable
			continue
		}
		if s.step.left < 0 {
			s.missing = true
			return
		}
		m := &master{series: s, by: i, t: t, base: base, zone: s.of(base), length: t.extentOf(s.kind), yield: yield}
		if !m.each(from, to) {
			return
		}
	}
}

// master is a component without RECURRENCE-ID while its instances are listed.
type master struct {
	*series
	t       *times
	by      int
	base    instant
	zone    *Zone
	length  duration
	exrules []*recurrence
	seen    map[int64]bool // instances that were yielded, where two sources could say the same
	yield   func(instance) bool
}

// each returns false where yield wanted no more.
func (m *master) each(from, to int64) bool {
	step := &m.series.step
	// Whoever asks about each of many overrides comes here as often.
	if !step.take(1 + len(m.t.exrules) + len(m.t.rules) + len(m.later)) {
		m.missing = true
		return true
	}
	for _, r := range m.t.exrules {
		g := newRecurrence(r, m.base.wall, m.base.date, m.zone, step)
		if g == nil {
			m.extra = true
			continue
		}
		m.exrules = append(m.exrules, g)
	}
	if len(m.t.rdates) > 0 || len(m.t.rules) > 1 {
		m.seen = map[int64]bool{}
	}
	for _, d := range m.t.rdates {
		if !step.take(1) {
			m.missing = true
			return true
		}
		if !m.extraDate(d) {
			return false
		}
	}
	first := m.zone.unix(m.base.wall)
	if !m.instance(m.base.wall, first, m.length) {
		return false
	}
	back, ahead := m.reach()
	lo, hi := shift(from, -back), shift(to, ahead)
	for _, r := range m.t.rules {
		g := newRecurrence(r, m.base.wall, m.base.date, m.zone, step)
		if g == nil { // nothing is before DTSTART
			m.missing = m.missing || to >= m.earliest()
			continue
		}
		wanted := true
		complete := g.walls(lo, hi, func(wall, unix int64) bool {
			if wall == m.base.wall && unix == first { // of exact rules another one may show the same time
				return true
			}
			wanted = m.instance(wall, unix, m.length)
			return wanted
		})
		if !wanted {
			return false
		}
		m.missing = m.missing || !complete
	}
	return true
}

// slack is for what zones and changes of the clocks do between local times and
// Unix seconds.
const slack = 3 * day

// reach is how far before a range an instance can begin that touches it, and how
// far behind, in seconds.
func (m *master) reach() (back, ahead int64) {
	back, ahead = m.length.total(), max(0, -m.length.total())
	for _, i := range m.later {
		t := m.list[i]
		moved := m.at(t.base()).lo - m.at(t.id).lo
		length := t.extentOf(m.kind).total()
		back = max(back, moved+length, moved)
		ahead = max(ahead, -moved-length, -moved)
	}
	return max(back, 0) + slack, ahead + slack
}

// earliest is when a rule that cannot be read can have its first instance. A task
// counts from its DUE where that is before DTSTART.
func (m *master) earliest() int64 {
	begin := func(start int64, length duration) int64 {
		if m.kind != "VTODO" {
			return start
		}
		return start + min(0, length.total())
	}
	first := begin(m.zone.unix(m.base.wall), m.length)
	for _, i := range m.later {
		t := m.list[i]
		first = min(first, begin(m.at(t.base()).lo, t.extentOf(m.kind)))
	}
	return first
}

// extraDate is for a value of RDATE.
func (m *master) extraDate(d rdate) bool {
	if d.from.state != known {
		m.missing = true
		return true
	}
	length := m.length
	if m.kind != "VJOURNAL" && (d.to.state != absent || d.length.ok) {
		length = d.length
		if d.to.state == known {
			length = duration{seconds: m.at(d.to).lo - m.at(d.from).lo, ok: true}
		}
	}
	wall := d.from.wall
	switch {
	case m.base.date:
		wall = floorDiv(wall, day) * day
	case d.from.date: // at the time of day of the others
		wall += floorMod(m.base.wall, day)
	case d.from.zone != nil && d.from.zone != m.zone:
		unix := d.from.zone.unix(wall)
		return m.instance(m.zone.wall(unix), unix, length)
	}
	return m.instance(wall, m.zone.unix(wall), length)
}

// instance yields an instance unless it is excluded or overridden.
func (m *master) instance(wall, unix int64, length duration) bool {
	if m.gone[m.by].has(wall, unix) || m.over.has(wall, unix) {
		return true
	}
	if m.seen != nil {
		if m.seen[unix] {
			return true
		}
		m.seen[unix] = true
	}
	for _, g := range m.exrules {
		hit := false
		g.walls(wall, wall, func(_, _ int64) bool { hit = true; return false })
		if hit {
			return true
		}
		m.extra = m.extra || m.step.left < 0
	}
	i := instance{by: m.by, start: m.base, wall: wall, unix: unix}
	i.start.wall = wall
	if i.id = i.start; !i.id.date { // exact, where the clocks show a time twice
		i.id.wall, i.id.zone = unix, UTC
	}
	if !m.t.recurs() && len(m.list) == 1 {
		i.id = instant{}
	}
	n, _ := slices.BinarySearchFunc(m.later, unix, func(at int, unix int64) int {
		if m.at(m.list[at].id).lo > unix {
			return 1
		}
		return -1
	})
	if n > 0 {
		return m.yield(m.moved(i, m.later[n-1]))
	}
	m.finish(&i, m.t, length)
	return m.yield(i)
}

// moved is an instance as a component with RANGE=THISANDFUTURE has it: moved by
// the same difference, and as long (RFC 5545 section 3.8.4.4).
func (s *series) moved(i instance, by int) instance {
	t := s.list[by]
	base := t.base()
	zone, id := s.of(base), t.id
	wall := zone.wall(i.unix) + base.wall - zone.wall(s.at(id).lo)
	if base.date || id.date {
		wall = i.start.wall + base.wall - id.wall
	}
	i.by, i.start = by, base
	i.start.wall = wall
	i.unix = zone.unix(wall)
	s.finish(&i, t, t.extentOf(s.kind))
	return i
}

// finish sets the end.
func (s *series) finish(i *instance, t *times, length duration) {
	i.endOrDue = t.endOf(s.kind).state != absent
	i.endInstant = i.start
	i.endInstant.wall += length.days * day
	if !length.ok {
		i.end, i.endInstant.state = openEnd, unreadable
		return
	}
	if length.days == 0 {
		i.end = i.unix + length.seconds // also where the clocks change
		return
	}
	i.end = s.of(i.start).unix(i.endInstant.wall) + length.seconds
}

// saysElse says whether an instance, once in UTC, would end at another time by what its
// component says: a PERIOD of RDATE has a length of its own, and a day by the clocks may
// not have 24 hours.
func (s *series) saysElse(i *instance) bool {
	t := s.list[i.by]
	switch {
	case i.start.state != known || i.endInstant.state != known || i.endOrDue || s.kind == "VJOURNAL":
		return false
	case i.start.date: // a part of a day cannot be said
		return i.endInstant.wall > i.start.wall && i.endInstant.wall-i.start.wall != t.extentOf(s.kind).days*day
	}
	return t.hasLength && !t.length.ok || i.end-i.unix != t.length.total()
}

// own is the instance that an override is itself.
func (s *series) own(by int) (instance, bool) {
	t := s.list[by]
	base := t.base()
	if base.state != known {
		return instance{}, false
	}
	i := instance{by: by, id: t.id, start: base, unix: s.at(base).lo}
	s.finish(&i, t, t.extentOf(s.kind))
	return i, true
}

// overlaps says whether an instance overlaps a range (RFC 4791 section 9.9).
func (i *instance) overlaps(kind string, t *times, r TimeRange) bool {
	switch kind {
	case "VTODO":
		hasStart, hasDue := t.start.state != absent, t.due.state != absent
		switch {
		case hasStart && (hasDue || !t.hasLength && i.end != i.unix): // a PERIOD of RDATE ends as DUE says
			return (r.Start < i.end || r.Start <= i.unix) && (r.End > i.unix || r.End >= i.end)
		case hasStart && t.hasLength:
			return r.Start <= i.end && (r.End > i.unix || r.End >= i.end)
		case hasDue:
			return r.Start < i.unix && r.End >= i.unix
		}
		return r.Start <= i.unix && r.End > i.unix
	case "VJOURNAL":
		return (i.start.date && r.Start < i.end || r.Start <= i.unix) && r.End > i.unix
	}
	return (r.Start < i.end || r.Start <= i.unix) && r.End > i.unix
}

// overlaps says whether an instance that a component describes may overlap a
// range.
func (s *series) overlaps(by int, r TimeRange) bool {
	t := s.list[by]
	if t.override {
		if one := *t; t.thisFuture {
			one.thisFuture = false
			if one.overlaps(s.kind, r) || t.id.state != known && r.End > s.at(t.base()).lo {
				return true
			}
		} else {
			return t.overlaps(s.kind, r)
		}
	}
	switch base := t.base().state; {
	case base == absent: // what has no begin does not recur
		return t.overlaps(s.kind, r)
	case base == unreadable, t.recurs() && !t.extentOf(s.kind).ok: // an early instance may last
		h := t.hull(s.kind)
		return r.Start <= h.hi && r.End >= h.lo
	}
	return s.some(by, r.Start, r.End, func(i instance) bool { return i.overlaps(s.kind, t, r) })
}

// some says whether there may be an instance that a component describes, near a
// range and such as asked.
func (s *series) some(by int, from, to int64, f func(instance) bool) bool {
	return s.any(from, to, func(i instance) bool { return i.by == by && f(i) })
}

// any says whether there may be an instance near a range and such as asked.
func (s *series) any(from, to int64, f func(instance) bool) bool {
	if s.step.left < 0 {
		return true
	}
	found := false
	s.missing = false
	s.each(from, to, func(i instance) bool {
		found = f(i)
		return !found
	})
	return found || s.missing || s.step.left < 0
}
