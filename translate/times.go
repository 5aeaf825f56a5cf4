package translate

import "bytes"

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
	*frame
	*repeats
	*done
	*published
	start, end, due, id instant  // id: RECURRENCE-ID
	length              duration // DURATION

	hasLength  bool // DURATION
	override   bool // RECURRENCE-ID
	thisFuture bool // RANGE=THISANDFUTURE

	floats bool // a time depends on a zone that the object does not define
}

// done is when a task was made and done.
type done struct{ completed, created instant }

// published are the periods of FREEBUSY.
type published struct {
	periods bounds // all of them
	busy    bool   // there are some
	asked   *TimeRange
	then    bool // one may overlap asked
}

// neverDone and nothingPublished are for components that do not say it.
var (
	neverDone        done
	nothingPublished published
)

// begin is before the first line.
func (t *times) begin(f *frame) {
	*t = times{frame: f, repeats: &noRepeats, done: &neverDone, published: &nothingPublished}
}

// saysDone is where it is noted.
func (t *times) saysDone() *done {
	if t.done == &neverDone {
		t.done = &done{}
	}
	return t.done
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
			t.addRule(l, isRule)
		case l.Is("RDATE"):
			t.addDates(l, isDate)
		}
	case 6:
		switch {
		case l.Is("EXRULE"):
			t.addRule(l, isExrule)
		case l.Is("EXDATE"):
			t.addDates(l, isExdate)
		}
	case 7:
		t.once(&t.start, l, "DTSTART")
		if l.Is("CREATED") {
			t.once(&t.saysDone().created, l, "CREATED")
		}
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
		if l.Is("COMPLETED") {
			t.once(&t.saysDone().completed, l, "COMPLETED")
		}
	case 13:
		if l.Is("RECURRENCE-ID") {
			t.override, t.id = true, readInstant(l, t.zones)
			if value, ok := l.Param("RANGE"); ok && equalFold([]byte(value), "THISANDFUTURE") {
				t.thisFuture = true
			}
		}
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
	t.eachPeriod(l, func(d rdate) bool {
		from, to := t.at(d.from), t.until(d)
		if t.published == &nothingPublished {
			t.published = &published{}
		}
		r := t.published
		if !r.busy {
			r.busy, r.periods = true, from
		}
		r.periods.lo = min(r.periods.lo, from.lo)
		r.periods.hi = max(r.periods.hi, from.hi, to.hi)
		if asked := r.asked; asked != nil && asked.Start < to.hi && asked.End > from.lo {
			r.then = true
		}
		return true
	})
}

// eachPeriod calls f with each value of a line, until it returns false.
func (t *times) eachPeriod(l *Line, f func(rdate) bool) {
	zone, _ := t.zones.of(l)
	t.eachValue(l.Value(), zone, f)
}

// eachValue calls f with each value of a list, until it returns false.
func (t *times) eachValue(list []byte, zone *Zone, f func(rdate) bool) {
	read := func(v []byte) instant {
		i := parseInstant(v)
		if i.state == known && i.zone == nil && !i.date {
			i.zone = zone
		}
		t.floats = t.floats || i.floats()
		return i
	}
	for more := true; len(list) > 0 && more; {
		var value []byte
		value, list, _ = bytes.Cut(list, []byte{','})
		first, second, period := bytes.Cut(value, []byte{'/'})
		d := rdate{from: read(first)}
		if period {
			if d.length = parseDuration(second); !d.length.ok {
				d.to = read(second)
			}
		}
		more = f(d)
	}
}

// recurs says whether the component may have more instances than its own.
func (t *times) recurs() bool {
	return t.rules > 0 || t.unknown || t.rdates > 0 || t.unread || t.thisFuture
}

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
	if t.thisFuture || t.rules > 1 || t.unknown || t.start.state != known {
		return bounds{e.lo, openEnd}
	}
	start := t.at(t.start)
	last := max(start.hi, dates.hi)
	for p := range t.every(isRule) { // the only one
		last = max(last, t.last(p.rule))
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
	if t.unread {
		b = anywhere
	}
	t.eachDate(isDate, func(d rdate) bool {
		from, to := t.at(d.from), t.until(d)
		if d.from.date {
			to = to.add(day) // whole, or at any time of that day
		}
		b.lo, b.hi = min(b.lo, from.lo), max(b.hi, from.hi, to.hi)
		return true
	})
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
