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
	over  moments // RECURRENCE-IDs
	later []int   // of the components with RANGE=THISANDFUTURE, by RECURRENCE-ID
	step  steps

	// rules and exrules are the room of those whose instances are listed; the last of
	// exrules serves all that have none of their own.
	rules   *ruleRoom
	exrules []*ruleRoom

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
}

// ruleRoom is a rule while its instances are listed.
type ruleRoom struct {
	recurrence
	read rule
}

// init reads what components say together.
func (s *series) init(f frame, kind string, list []*times, budget *Budget) {
	*s = series{frame: f, kind: kind, list: list, step: newSteps(budget)}
	s.dates = slices.ContainsFunc(list, func(t *times) bool { return !t.override && t.base().date })
	for i, t := range list {
		if t.exdates > 0 {
			t.gone = new(moments)
			t.eachDate(isExdate, func(d rdate) bool {
				t.gone.add(d.from, t.base().date)
				return true
			})
			t.gone.sort()
		}
		if !t.override {
			continue
		}
		s.over.add(t.id, s.dates)
		if t.thisFuture && t.id.state == known && t.base().state == known {
			s.later = append(s.later, i)
		}
	}
	s.over.sort()
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
func (t *times) special() bool { return t.recurs() || t.exdates > 0 || t.exrules > 0 || t.exUnknown }

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
