package translate

import (
	"cmp"
	"slices"
)

// master is a component without RECURRENCE-ID while its instances are listed.
type master struct {
	*series
	t      *times
	by     int
	base   instant
	zone   *Zone
	length duration
	yield  func(instance) bool
}

// each returns false where yield wanted no more.
func (m *master) each(from, to int64) bool {
	step := &m.series.step
	// Whoever asks about each of many overrides comes here as often.
	if !step.take(1 + int(m.t.exrules+m.t.rules+m.t.dateText/stepText) + len(m.later)) {
		m.missing = true
		return true
	}
	m.readyExrules()
	m.missing = m.missing || m.t.unread || m.t.unknown && to >= m.earliest()
	wanted, spent, place := true, false, 0
	m.t.eachDate(isDate, func(d rdate) bool {
		if spent = !step.take(1); spent {
			return false
		}
		wall, unix, length := m.extraDate(d)
		wanted = m.saidByDate(unix, place) || m.instance(wall, unix, length)
		place++
		return wanted
	})
	switch {
	case !wanted:
		return false
	case spent:
		m.missing = true
		return true
	}
	first := m.zone.unix(m.base.wall)
	if !m.saidByDate(first, MaxInstances) && !m.instance(m.base.wall, first, m.length) {
		return false
	}
	back, ahead := m.reach()
	lo, hi := shift(from, -back), shift(to, ahead)
	for p := range m.t.every(isRule) {
		if m.rules == nil {
			m.rules = new(ruleRoom)
		}
		g := m.rules
		if !step.take(p.cost()) {
			m.missing = true
			return true
		}
		if !m.setRule(g, p) { // nothing is before DTSTART
			m.missing = m.missing || to >= m.earliest()
			continue
		}
		complete := g.walls(lo, hi, func(wall, unix int64) bool {
			if wall == m.base.wall && unix == first { // of exact rules another one may show the same time
				return true
			}
			wanted = m.saidByDate(unix, MaxInstances) || m.instance(wall, unix, m.length)
			return wanted
		})
		if !wanted {
			return false
		}
		m.missing = m.missing || !complete
	}
	return true
}

// saidByDate says whether an RDATE before a place gives the same instance, where it could
// give another end.
func (m *master) saidByDate(unix int64, place int) bool {
	r := m.t.repeats
	if !r.lengths {
		return false
	}
	if r.starts == nil {
		list := make([]dateStart, 0, r.rdates)
		m.t.eachDate(isDate, func(d rdate) bool {
			_, at, _ := m.extraDate(d)
			list = append(list, dateStart{at, len(list)})
			return true
		})
		slices.SortFunc(list, func(a, b dateStart) int { return cmp.Or(cmp.Compare(a.unix, b.unix), a.place-b.place) })
		r.starts = &list
	}
	i, ok := slices.BinarySearchFunc(*r.starts, unix, func(d dateStart, unix int64) int { return cmp.Compare(d.unix, unix) })
	return ok && (*r.starts)[i].place < place
}

// readyExrules prepares the first ones of EXRULE, and room for the others.
func (m *master) readyExrules() {
	m.extra = m.extra || m.t.exUnknown
	n := 0
	for p := range m.t.every(isExrule) {
		if n == len(m.exrules) {
			m.exrules = append(m.exrules, new(ruleRoom))
		}
		if p.rule == nil {
			break
		}
		if !m.setRule(m.exrules[n], p) {
			m.extra = true
		}
		n++
	}
}

func (m *master) setRule(g *ruleRoom, p *repeat) bool {
	return g.set(p.ruleOf(&g.read), m.base.wall, m.base.date, m.zone, &m.series.step)
}

// excluded says whether an EXRULE takes an instance away.
func (m *master) excluded(wall int64) bool {
	n := 0
	for p := range m.t.every(isExrule) {
		g := m.exrules[n]
		switch {
		case p.rule != nil:
			if n++; g.rule != p.rule {
				continue // it is none for DATEs
			}
		case !m.step.take(p.cost()) || !m.setRule(g, p):
			m.extra = true
			continue
		}
		hit := false
		g.walls(wall, wall, func(_, _ int64) bool { hit = true; return false })
		if hit {
			return true
		}
		m.extra = m.extra || m.step.left < 0
	}
	return false
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

// extraDate is when the instance of a value of RDATE begins, and how long it is.
func (m *master) extraDate(d rdate) (wall, unix int64, length duration) {
	length = m.length
	if m.kind != "VJOURNAL" && (d.to.state != absent || d.length.ok) {
		length = d.length
		if d.to.state == known {
			length = duration{seconds: m.at(d.to).lo - m.at(d.from).lo, ok: true}
		}
	}
	wall = d.from.wall
	switch {
	case m.base.date:
		wall = floorDiv(wall, day) * day
	case d.from.date: // at the time of day of the others
		wall += floorMod(m.base.wall, day)
	case d.from.zone != nil && d.from.zone != m.zone:
		unix = d.from.zone.unix(wall)
		return m.zone.wall(unix), unix, length
	}
	return wall, m.zone.unix(wall), length
}

// instance yields an instance unless it is excluded or overridden. Where two properties say
// the same one, it may be yielded twice.
func (m *master) instance(wall, unix int64, length duration) bool {
	if m.t.gone != nil && m.t.gone.has(wall, unix) || m.over.has(wall, unix) || m.excluded(wall) {
		return true
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
