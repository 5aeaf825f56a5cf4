package translate

import (
	"bytes"
	"slices"
)

// frame says how times are read.
type frame struct {
	zone  *Zone  // of floating times and dates
	zones *zones // of TZIDs
}

func (f frame) at(i instant) bounds { return i.in(f.zone) }

func (f frame) after(i instant, d duration) bounds { return i.plus(d, f.zone) }

// of is the zone of an instant.
func (f frame) of(i instant) *Zone {
	if i.zone != nil {
		return i.zone
	}
	return f.zone
}

// times is what the properties of one component say about when it is. Bounds
// hold for every reading; nothing here is ever too narrow.
type times struct {
	frame
	start, end, due, completed, created instant

	length duration // DURATION

	rules, exrules []*rule
	rdates         []rdate
	exdates        []instant
	id             instant // RECURRENCE-ID

	periods bounds // of FREEBUSY
	asked   *TimeRange

	hasLength  bool // DURATION
	override   bool // RECURRENCE-ID
	thisFuture bool // RANGE=THISANDFUTURE
	busy       bool // has FREEBUSY
	busyThen   bool // a FREEBUSY period may overlap asked

	floats bool // a time depends on a zone that the object does not define
}

// read takes what a line of the component says about time.
func (t *times) read(l *Line) {
	switch len(l.Name) {
	case 3:
		t.once(&t.due, l, "DUE")
	case 5:
		switch {
		case l.Is("DTEND"):
			t.once(&t.end, l, "DTEND")
		case l.Is("RRULE"):
			t.rules = addRule(t.rules, l)
		case l.Is("RDATE"):
			t.rdates = slices.Grow(t.rdates, room(l, MaxInstances+1-len(t.rdates)))
			t.eachPeriod(l, t.addDate)
		}
	case 6:
		switch {
		case l.Is("EXRULE"):
			t.exrules = addRule(t.exrules, l)
		case l.Is("EXDATE"):
			t.exdates = slices.Grow(t.exdates, room(l, maxExdates-len(t.exdates)))
			t.eachPeriod(l, t.addExdate)
		}
	case 7:
		t.once(&t.start, l, "DTSTART")
		t.once(&t.created, l, "CREATED")
	case 8:
		switch {
		case l.Is("DURATION"):
			d := parseDuration(l.Value())
			d.ok = d.ok && !t.hasLength
			t.length, t.hasLength = d, true
		case l.Is("FREEBUSY"):
			t.readBusy(l)
		}
	case 9:
		t.once(&t.completed, l, "COMPLETED")
	case 13:
		if l.Is("RECURRENCE-ID") {
			t.override, t.id = true, readInstant(l, t.zones)
			if value, ok := l.Param("RANGE"); ok && equalFold([]byte(value), "THISANDFUTURE") {
				t.thisFuture = true
			}
		}
	}
}

// maxRules is how many RRULEs, and EXRULEs, of a component are read, and maxExdates how
// many EXDATEs. With more, and with more than MaxInstances RDATEs, the answer is "maybe".
const (
	maxRules   = 1_000
	maxExdates = 20_000
)

func addRule(rules []*rule, l *Line) []*rule {
	switch {
	case len(rules) < maxRules:
		return append(rules, parseRule(l.Value()))
	case len(rules) == maxRules:
		return append(rules, unknownRule)
	}
	return rules
}

// room is for how many more values of a list there is room to make.
func room(l *Line, most int) int {
	return max(0, min(most, 1+bytes.Count(l.Value(), []byte{','}), 1+len(l.Value())/8))
}

func (t *times) addDate(d rdate) {
	bad := d.from.state != known
	switch n := len(t.rdates); {
	case n > MaxInstances, n > 0 && bad && t.rdates[n-1].from.state != known:
		return // the last one says "maybe"
	case n == MaxInstances:
		d = rdate{from: instant{state: unreadable}}
	}
	t.rdates = append(t.rdates, d)
}

func (t *times) addExdate(d rdate) {
	switch {
	case d.from.state != known:
	case len(t.exdates) < maxExdates:
		t.exdates = append(t.exdates, d.from)
	case len(t.exrules) == 0 || t.exrules[len(t.exrules)-1] != unknownRule:
		t.exrules = append(t.exrules, unknownRule)
	}
}

// settle is called when all lines are read: an override that does not say when it
// begins does so when the instance would that it replaces.
func (t *times) settle() {
	if t.override && t.start.state == absent && t.due.state == absent {
		t.start = t.id
		t.floats = t.floats || t.id.floats()
	}
}

// once reads a property that may stand once. When it stands twice, programs
// differ in which one they take.
func (t *times) once(i *instant, l *Line, name string) {
	if !l.Is(name) {
		return
	}
	if i.state != absent {
		i.state = unreadable
		return
	}
	*i = readInstant(l, t.zones)
	t.floats = t.floats || i.floats()
}

// rdate is a value of RDATE, EXDATE or FREEBUSY: a date, a time, or a period
// (RFC 5545 sections 3.8.5.2 and 3.3.9).
type rdate struct {
	from   instant
	to     instant  // of a period with an end
	length duration // of one with a duration
}

// until is when a period ends, or what has no end of its own begins.
func (f frame) until(d rdate) bounds {
	switch {
	case d.to.state != absent:
		return f.at(d.to)
	case d.length.ok:
		return f.after(d.from, d.length)
	}
	return f.at(d.from)
}

// readBusy reads FREEBUSY: a list of periods (RFC 5545 section 3.8.2.6).
func (t *times) readBusy(l *Line) {
	t.eachPeriod(l, func(d rdate) {
		from, to := t.at(d.from), t.until(d)
		if !t.busy {
			t.busy, t.periods = true, from
		}
		t.periods.lo = min(t.periods.lo, from.lo)
		t.periods.hi = max(t.periods.hi, from.hi, to.hi)
		if r := t.asked; r != nil && r.Start < to.hi && r.End > from.lo {
			t.busyThen = true
		}
	})
}

// eachPeriod calls f with each value of a list.
func (t *times) eachPeriod(l *Line, f func(rdate)) {
	tzid, zoned := l.Param("TZID")
	var zone *Zone
	if zoned {
		zone = t.zones.find(tzid)
	}
	read := func(v []byte) instant {
		i := parseInstant(v)
		if i.state == known && i.zone == nil && !i.date {
			i.zone = zone
		}
		t.floats = t.floats || i.floats()
		return i
	}
	for list := l.Value(); len(list) > 0; {
		var value []byte
		value, list, _ = bytes.Cut(list, []byte{','})
		first, second, period := bytes.Cut(value, []byte{'/'})
		d := rdate{from: read(first)}
		if period {
			if d.length = parseDuration(second); !d.length.ok {
				d.to = read(second)
			}
		}
		f(d)
	}
}

// recurs says whether the component may have more instances than its own.
func (t *times) recurs() bool { return len(t.rules) > 0 || len(t.rdates) > 0 || t.thisFuture }

// eventEnd is the end of an event, its start when it has no length (RFC 4791
// section 9.9, the table of VEVENT).
func (t *times) eventEnd() bounds {
	oneDay := t.after(t.start, duration{days: 1, ok: true})
	switch {
	case t.end.state == known && t.start.state == known && t.start.date && t.end.date && t.end.wall <= t.start.wall:
		return oneDay // written for one day by programs that take DTEND as inclusive
	case t.end.state != absent:
		return t.at(t.end)
	case t.hasLength:
		return t.after(t.start, t.length)
	case t.start.state == known && t.start.date:
		return oneDay
	}
	return t.at(t.start)
}

// todoEnd is when a task with DTSTART or DUE is due.
func (t *times) todoEnd() bounds {
	switch {
	case t.due.state != absent:
		return t.at(t.due)
	case t.hasLength:
		return t.after(t.start, t.length)
	}
	return t.at(t.start)
}

// extent is from when to when one instance, the component's own, can be.
// Both ends may belong to it.
func (t *times) extent(component string) bounds {
	start := t.at(t.start)
	switch component {
	case "VEVENT", "VJOURNAL":
		return bounds{start.lo, max(start.hi, t.eventEnd().hi)}
	case "VTODO":
		return t.todoExtent()
	case "VFREEBUSY":
		if t.busy && (t.start.state == absent || t.end.state == absent) {
			return t.periods
		}
		end := t.at(t.end)
		return bounds{min(start.lo, end.lo), max(start.hi, end.hi)}
	}
	return anywhere
}

func (t *times) todoExtent() bounds {
	start, completed, created := t.at(t.start), t.at(t.completed), t.at(t.created)
	switch {
	case t.start.state != absent:
		end := t.todoEnd()
		return bounds{min(start.lo, end.lo), max(start.hi, end.hi)}
	case t.due.state != absent:
		return t.at(t.due)
	case t.completed.state != absent && t.created.state != absent:
		return bounds{min(completed.lo, created.lo), max(completed.hi, created.hi)}
	case t.completed.state != absent:
		return completed
	case t.created.state != absent:
		return bounds{created.lo, openEnd}
	}
	return anywhere
}

// hull is from when to when the component with all its instances can be. A rule
// is open-ended unless UNTIL or COUNT ends it; EXDATE and EXRULE only take away.
func (t *times) hull(component string) bounds {
	e := t.extent(component)
	if !t.recurs() {
		return e
	}
	dates := t.dateHull()
	if start := t.at(t.start); e.lo < start.hi && dates.lo != openEnd {
		e.lo = min(e.lo, shift(dates.lo, e.lo-start.hi-zoneSlack)) // DUE before DTSTART
	}
	e.lo = min(e.lo, dates.lo)
	if t.thisFuture || len(t.rules) > 1 || t.start.state != known {
		return bounds{e.lo, openEnd}
	}
	start := t.at(t.start)
	last := max(start.hi, dates.hi)
	if len(t.rules) == 1 {
		last = max(last, t.last(t.rules[0]))
	}
	if last == openEnd || e.hi == openEnd || start.lo == openStart {
		return bounds{e.lo, openEnd}
	}
	length := e.hi - start.lo
	if t.start.zone != UTC {
		// The clocks may change between two instances, and UNTIL may be in
		// another zone than DTSTART.
		length += zoneSlack
	}
	return bounds{e.lo, max(e.hi, last+length)}
}

// dateHull is of the starts and ends of RDATE.
func (t *times) dateHull() bounds {
	b := bounds{openEnd, openStart}
	for _, d := range t.rdates {
		from, to := t.at(d.from), t.until(d)
		if d.from.date {
			to = to.add(day) // whole, or at any time of that day
		}
		b.lo, b.hi = min(b.lo, from.lo), max(b.hi, from.hi, to.hi)
	}
	return b
}

// maxSpanSteps is how many steps are spent on the last instance of a rule with
// COUNT, when an object is stored.
const maxSpanSteps = 5_000

// last is when the last instance of a rule can begin. UNTIL should be of the type
// of DTSTART (RFC 5545 section 3.3.10), and often is not; hull adds zoneSlack for
// what that can mean.
func (t *times) last(r *rule) int64 {
	if r.unknown || t.start.date && r.freq < daily { // what newRecurrence does not take
		return openEnd
	}
	if until := r.until; until.state == known {
		if until.date && !t.start.date { // until the end of that day
			until.date, until.wall = false, until.wall+day
		}
		if until.zone == nil {
			until.zone = t.start.zone
		}
		return t.at(until).hi
	}
	if r.count == 0 {
		return openEnd
	}
	g := newRecurrence(r, t.start.wall, t.start.date, t.of(t.start), &steps{left: maxSpanSteps})
	last := t.at(t.start).hi
	if g == nil || !g.walls(minWall, maxWall, func(_, unix int64) bool { last = max(last, unix); return true }) {
		return openEnd
	}
	return last
}
