package translate

// overlaps says whether the component itself, not its other instances, may
// overlap a range (RFC 4791 section 9.9). It is exact where its times can be
// read; otherwise it says yes where some reading does.
func (t *times) overlaps(component string, r TimeRange) bool {
	start := t.at(t.start)
	switch component {
	case "VEVENT":
		// A zero length is like a missing one: start <= DTSTART.
		return (r.Start < t.eventEnd().hi || r.Start <= start.hi) && r.End > start.lo
	case "VTODO":
		return t.todoOverlaps(r)
	case "VJOURNAL":
		if t.start.state == absent {
			return false
		}
		end := start.hi
		if t.start.date {
			end = t.after(t.start, duration{days: 1, ok: true}).hi
		}
		return (r.Start < end || r.Start <= start.hi) && r.End > start.lo
	case "VFREEBUSY":
		if t.start.state != absent && t.end.state != absent {
			return r.Start <= t.at(t.end).hi && r.End > start.lo
		}
		return t.then
	}
	return true
}

// todoOverlaps is the table of VTODO.
func (t *times) todoOverlaps(r TimeRange) bool {
	start, due := t.at(t.start), t.at(t.due)
	completed, created := t.at(t.completed), t.at(t.created)
	hasStart, hasDue := t.start.state != absent, t.due.state != absent
	hasCompleted, hasCreated := t.completed.state != absent, t.created.state != absent
	switch {
	case hasStart && hasDue:
		return (r.Start < due.hi || r.Start <= start.hi) && (r.End > start.lo || r.End >= due.lo)
	case hasStart && t.hasLength:
		end := t.todoEnd()
		return r.Start <= end.hi && (r.End > start.lo || r.End >= end.lo)
	case hasStart:
		return r.Start <= start.hi && r.End > start.lo
	case hasDue:
		return r.Start < due.hi && r.End >= due.lo
	case hasCompleted && hasCreated:
		return (r.Start <= created.hi || r.Start <= completed.hi) && (r.End >= created.lo || r.End >= completed.lo)
	case hasCompleted:
		return r.Start <= completed.hi && r.End >= completed.lo
	case hasCreated:
		return r.End > created.lo
	}
	return true
}

// alarm is what the properties of a VALARM say about when it goes off.
type alarm struct {
	triggers   int
	at         instant  // an absolute TRIGGER
	before     duration // a relative one, with its sign
	relatedEnd bool
	repeat     int
	every      duration
}

func (a *alarm) read(l *Line, zs *zones) {
	switch {
	case l.Is("TRIGGER"):
		a.triggers++
		if a.before = parseDuration(l.Value()); !a.before.ok {
			a.at = readInstant(l, zs)
		}
		related, _ := l.Param("RELATED")
		a.relatedEnd = equalFold([]byte(related), "END")
	case l.Is("REPEAT"):
		if v := trimBlank(l.Value()); len(v) <= maxDurationDigits {
			a.repeat = max(0, digits(v))
		}
	case l.Is("DURATION"):
		a.every = parseDuration(l.Value())
	}
}

// overlaps says whether the alarm of a component may go off in a range (RFC 4791
// section 9.9, VALARM). s is the series of the component, nil where it has but one
// instance.
func (a *alarm) overlaps(component string, t *times, s *series, by int, r TimeRange) bool {
	if a.triggers != 1 {
		return a.triggers > 1 // without TRIGGER it never does
	}
	if !a.every.ok || a.every.total() <= 0 {
		a.repeat = 0
	}
	if !a.before.ok || s == nil || t.override && a.hits(a.first(component, t), r) {
		// An absolute one is the same time for all instances of a series.
		return a.hits(a.first(component, t), r)
	}
	if t.override && !t.thisFuture {
		return false
	}
	// An instance whose alarm goes off in the range is about as far from it.
	least, most := a.before.total(), a.before.total()+int64(a.repeat)*a.every.total()
	return s.some(by, shift(r.Start, -most-2*day), shift(r.End, -least+2*day), func(i instance) bool {
		at := i.start
		exact := i.unix
		if a.relatedEnd {
			at, exact = i.endInstant, i.end
		}
		if at.state != known {
			return true
		}
		if a.before.days != 0 {
			zone := s.of(at)
			exact = zone.unix(zone.wall(exact) + a.before.days*day)
		}
		exact += a.before.seconds
		return a.hits(bounds{exact, exact}, r)
	})
}

// hits says whether the alarm, when it goes off first at a time, or one of its
// repetitions may lie in a range.
func (a *alarm) hits(first bounds, r TimeRange) bool {
	n := int64(0)
	if every := a.every.total(); a.repeat > 0 && first.hi < r.Start && first.hi != openStart {
		if n = (r.Start - first.hi + every - 1) / every; n > int64(a.repeat) {
			return false
		}
		first = first.add(n * every)
	}
	return r.Start <= first.hi && r.End > first.lo
}

// first is when the alarm may go off first, with the component's own times.
func (a *alarm) first(component string, t *times) bounds {
	if !a.before.ok {
		return t.at(a.at)
	}
	base, exact := t.start, t.start.state == known
	if !a.relatedEnd && base.state == absent && component == "VTODO" && t.due.state != absent {
		// There is no start to count from (RFC 5545 section 3.8.6.3 forbids it, RFC 4791
		// section 7.8.5 has it): programs take DUE, at whatever time of a date.
		b := t.after(t.due, a.before)
		if t.due.date {
			b.hi = t.after(t.due, duration{a.before.days + 1, a.before.seconds, true}).hi
		}
		return b
	}
	if a.relatedEnd {
		switch {
		case t.end.state != absent:
			base = t.end
		case t.due.state != absent:
			base = t.due
		case t.hasLength && exact && t.length.ok:
			return t.after(base, duration{t.length.days + a.before.days, t.length.seconds + a.before.seconds, true})
		case t.start.date && component == "VEVENT":
			return t.after(base, duration{1 + a.before.days, a.before.seconds, true})
		}
	}
	return t.after(base, a.before)
}
