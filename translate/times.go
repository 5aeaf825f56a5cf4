package translate

import (
	"bytes"
	"time"
)

// frame says how times without a known zone are read.
type frame struct {
	zone    *time.Location // of floating times and dates; nil: any
	nominal bool           // all of them, and unknown zones, as UTC: as in a Span
}

func (f frame) at(i instant) bounds {
	if f.nominal {
		return i.nominal()
	}
	return i.in(f.zone)
}

func (f frame) after(i instant, d duration) bounds {
	if f.nominal {
		i.alien = false
		return i.plus(d, time.UTC)
	}
	return i.plus(d, f.zone)
}

// times is what the properties of one component say about when it is. Bounds
// hold for every reading; nothing here is ever too narrow.
type times struct {
	frame
	start, end, due, completed, created instant

	length    duration // DURATION
	hasLength bool

	rules      int     // RRULE lines
	until      instant // of the RRULE
	hasDates   bool    // RDATE
	dates      bounds  // of the starts and ends of RDATE
	override   bool    // RECURRENCE-ID
	thisFuture bool    // RANGE=THISANDFUTURE

	busy     bool   // has FREEBUSY
	periods  bounds // of FREEBUSY
	asked    *TimeRange
	busyThen bool // a FREEBUSY period may overlap asked

	floats bool // a time depends on a zone that is not known here
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
			t.rules++
			t.until = ruleUntil(l.Value())
		case l.Is("RDATE"):
			t.readDates(l)
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
			t.override = true
			if value, ok := l.Param("RANGE"); ok && equalFold([]byte(value), "THISANDFUTURE") {
				t.thisFuture = true
			}
		}
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
	*i = readInstant(l)
	t.floats = t.floats || i.floats()
}

// ruleUntil reads the UNTIL of a recurrence rule (RFC 5545 section 3.3.10).
func ruleUntil(rule []byte) instant {
	for len(rule) > 0 {
		var part []byte
		part, rule, _ = bytes.Cut(rule, []byte{';'})
		name, value, _ := bytes.Cut(part, []byte{'='})
		if equalFold(trimBlank(name), "UNTIL") {
			return parseInstant(value)
		}
	}
	return instant{}
}

// readDates reads RDATE: a list of dates, times or periods (RFC 5545 section
// 3.8.5.2).
func (t *times) readDates(l *Line) {
	t.eachPeriod(l, func(from, to bounds) {
		if !t.hasDates {
			t.hasDates, t.dates = true, from
		}
		t.dates.lo = min(t.dates.lo, from.lo)
		t.dates.hi = max(t.dates.hi, from.hi, to.hi)
	})
}

// readBusy reads FREEBUSY: a list of periods (RFC 5545 section 3.8.2.6).
func (t *times) readBusy(l *Line) {
	t.eachPeriod(l, func(from, to bounds) {
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

// eachPeriod calls f with the begin and end of each value of a list. A value
// without an end has its begin as its end.
func (t *times) eachPeriod(l *Line, f func(from, to bounds)) {
	tzid, zoned := l.Param("TZID")
	var zone *time.Location
	if zoned {
		zone = location(tzid)
	}
	read := func(v []byte) instant {
		i := parseInstant(v)
		if zoned && i.state == known && i.zone == nil && !i.date {
			i.zone, i.alien = zone, zone == nil
		}
		t.floats = t.floats || i.floats()
		return i
	}
	for list := l.Value(); len(list) > 0; {
		var value []byte
		value, list, _ = bytes.Cut(list, []byte{','})
		first, second, period := bytes.Cut(value, []byte{'/'})
		from := read(first)
		to := t.at(from)
		if from.date {
			to = to.add(day) // whole, or at any time of that day
		}
		if period {
			if to = t.after(from, parseDuration(second)); to == anywhere {
				to = t.at(read(second))
			}
		}
		f(t.at(from), to)
	}
}

// recurs says whether the component may have more instances than its own.
func (t *times) recurs() bool { return t.rules > 0 || t.hasDates || t.thisFuture }

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
// is open-ended unless its UNTIL ends it; EXDATE and EXRULE only take away.
func (t *times) hull(component string) bounds {
	e := t.extent(component)
	if !t.recurs() {
		return e
	}
	if t.hasDates {
		e.lo = min(e.lo, t.dates.lo)
	}
	if t.thisFuture || t.rules > 1 || t.start.state != known {
		return bounds{e.lo, openEnd}
	}
	start := t.at(t.start)
	last := start.hi
	if t.rules == 1 {
		last = max(last, t.lastByUntil())
	}
	if t.hasDates {
		last = max(last, t.dates.hi)
	}
	if last == openEnd || e.hi == openEnd || start.lo == openStart {
		return bounds{e.lo, openEnd}
	}
	length := e.hi - start.lo
	if t.start.zone != time.UTC {
		// The clocks may change between two instances, and UNTIL may be in
		// another zone than DTSTART.
		length += zoneSlack
	}
	return bounds{e.lo, max(e.hi, last+length)}
}

// lastByUntil is the latest start that UNTIL allows. It should be of the type of
// DTSTART (RFC 5545 section 3.3.10), and often is not; hull adds zoneSlack for
// what that can mean.
func (t *times) lastByUntil() int64 {
	until := t.until
	if until.state != known {
		return openEnd
	}
	if until.date && !t.start.date { // until the end of that day
		until.date, until.wall = false, until.wall+day
	}
	if until.zone == nil {
		until.zone, until.alien = t.start.zone, t.start.alien
	}
	return t.at(until).hi
}
