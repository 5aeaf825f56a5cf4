package translate

// overlaps says whether the component may overlap a range (RFC 4791 section
// 9.9). It is exact for what does not recur and has its zone known; otherwise
// it says yes where some reading does.
func (t *times) overlaps(component string, r TimeRange) bool {
	if t.recurs() {
		h := t.hull(component)
		return r.Start <= h.hi && r.End >= h.lo
	}
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
			end = shift(end, day)
		}
		return (r.Start < end || r.Start <= start.hi) && r.End > start.lo
	case "VFREEBUSY":
		if t.start.state != absent && t.end.state != absent {
			return r.Start <= t.at(t.end).hi && r.End > start.lo
		}
		return t.busyThen
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

// maxAlarmRepeat bounds the steps spent on one alarm; above it all of the time
// after the first counts.
const maxAlarmRepeat = 1_000

func (a *alarm) read(l *Line) {
	switch {
	case l.Is("TRIGGER"):
		a.triggers++
		if a.before = parseDuration(l.Value()); !a.before.ok {
			a.at = readInstant(l)
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
// section 9.9, VALARM).
func (a *alarm) overlaps(component string, t *times, r TimeRange) bool {
	if a.triggers != 1 {
		return a.triggers > 1 // without TRIGGER it never does
	}
	first := a.first(component, t)
	if !a.every.ok || a.every.total() <= 0 {
		a.repeat = 0
	}
	if a.repeat > maxAlarmRepeat {
		return r.End > first.lo
	}
	for n := 0; n <= a.repeat; n++ {
		if r.Start <= first.hi && r.End > first.lo {
			return true
		}
		first = first.add(a.every.total())
	}
	return false
}

// first is when the alarm may go off first.
func (a *alarm) first(component string, t *times) bounds {
	if !a.before.ok {
		return t.at(a.at) // the one time for all instances of a series
	}
	if t.recurs() {
		return t.hull(component).add(a.before.total()).widen(zoneSlack)
	}
	base, exact := t.start, t.start.state == known
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

func (b bounds) widen(seconds int64) bounds {
	return bounds{shift(b.lo, -seconds), shift(b.hi, seconds)}
}
