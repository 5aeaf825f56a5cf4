// Package translate knows iCalendar and the messages that hold it: octets in,
// octets out. It reads calendar objects, answers filters on them, and says which
// of the messages of a folder are the calendar. It knows no HTTP, XML or IMAP.
package translate

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// Object is a calendar object resource (RFC 4791 section 4.1): the components of
// one iCalendar UID, with their VTIMEZONEs.
type Object struct {
	Raw       []byte // octets as received; never rewritten
	UID       string // iCalendar UID as written, of any length, not unescaped
	Component string // VEVENT, VTODO, VJOURNAL or VFREEBUSY
	Summary   string // one line of valid UTF-8 without controls, "" when none
	// Sequence and DTStamp are of the component without RECURRENCE-ID, else of
	// the newest one. DTStamp is as "20261125T090000Z", "" when absent or
	// unreadable.
	Sequence uint32
	DTStamp  string
	Span     Span
}

// ObjectError says why octets are no calendar object resource that can be
// stored.
type ObjectError struct {
	// Precondition is an element of RFC 4791 section 5.3.2.1:
	// valid-calendar-data, valid-calendar-object-resource,
	// supported-calendar-data, max-resource-size, min-date-time,
	// max-date-time, max-instances or max-attendees-per-instance.
	Precondition string
	Reason       string // a sentence for the client; says nothing of the data
}

func (e *ObjectError) Error() string { return e.Precondition + ": " + e.Reason }

func badData(reason string) *ObjectError { return &ObjectError{"valid-calendar-data", reason} }

func badObject(reason string) *ObjectError {
	return &ObjectError{"valid-calendar-object-resource", reason}
}

// ParseObject reads a calendar object resource and checks what RFC 4791 sections
// 4.1 and 5.3.2.1 ask of it. It accepts what programs leave out and nobody needs
// to understand the object: VERSION, PRODID, DTSTAMP, DTSTART. The error is an
// *ObjectError.
func ParseObject(raw []byte) (*Object, error) {
	o := new(Object)
	if err := new(objectReader).read(o, raw); err != nil {
		return nil, err
	}
	return o, nil
}

// read is ParseObject in room that can be used again.
func (r *objectReader) read(o *Object, raw []byte) error {
	if len(raw) > MaxObject {
		return &ObjectError{"max-resource-size", "the object is larger than " + strconv.Itoa(MaxObject) + " octets"}
	}
	if what := textError(raw); what != "" {
		return badData("the object holds " + what)
	}
	*o = Object{Raw: raw}
	*r = objectReader{o: o, zones: zones{raw: raw, rule: r.zones.rule}, scanner: r.scanner, expected: r.expected}
	s := &r.scanner
	for s.Reset(raw); s.Next(); {
		if err := r.line(&s.Line); err != nil {
			return err
		}
	}
	return r.finish()
}

// StoredUID is the form in which an iCalendar UID is stored and compared: itself
// up to MaxUID octets, else sha256: and the hash in hex.
func StoredUID(uid string) string {
	if len(uid) <= MaxUID {
		return uid
	}
	sum := sha256.Sum256([]byte(uid))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// mainComponent is the name of a component that a calendar object resource is
// made of, else "".
func mainComponent(name []byte) string {
	for _, main := range [...]string{"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"} {
		if equalFold(name, main) {
			return main
		}
	}
	return ""
}

// componentName is the name of a component in upper case.
func componentName(name []byte) string {
	if main := mainComponent(name); main != "" {
		return main
	}
	for _, known := range [...]string{"VCALENDAR", "VTIMEZONE", "STANDARD", "DAYLIGHT", "VALARM"} {
		if equalFold(name, known) {
			return known
		}
	}
	return strings.ToUpper(string(name))
}

// objectReader takes the lines of an object one after the other.
type objectReader struct {
	scanner  Scanner
	expected string // a UID that it may have

	o     *Object
	open  [MaxDepth]string // names of the open components, in upper case
	depth int
	count int  // components
	ended bool // END:VCALENDAR was read
	// refused is the first reason against an object whose text is valid.
	refused *ObjectError

	zones  zones
	frame  frame
	done   done // of cur
	mains  int  // components of the kind of the object
	master bool
	chosen bool // Sequence, DTStamp and Summary are taken from a component
	cur    mainReader
}

// mainReader is what is known of the VEVENT, VTODO, VJOURNAL or VFREEBUSY that is
// being read.
type mainReader struct {
	times
	kind     string
	uid      string
	hasUID   bool
	summary  string
	sequence uint32
	stamp    string
	people   int // ATTENDEE lines
}

func (r *objectReader) refuse(err *ObjectError) {
	if r.refused == nil {
		r.refused = err
	}
}

func (r *objectReader) line(l *Line) error {
	switch {
	case l.Err != nil:
		return badData(l.Err.Error())
	case r.ended:
		return badData("there is more behind END:VCALENDAR")
	case l.Is("BEGIN"):
		return r.begin(trimBlank(l.Value()))
	case l.Is("END"):
		return r.end(trimBlank(l.Value()))
	case r.depth == 0:
		return badData("it does not begin with BEGIN:VCALENDAR")
	case r.depth == 1:
		r.calendarProperty(l)
	case r.depth == 2 && r.cur.kind != "":
		r.mainProperty(l)
	}
	return nil
}

func (r *objectReader) begin(name []byte) error {
	switch {
	case r.depth == 0 && !equalFold(name, "VCALENDAR"):
		return badData("it does not begin with BEGIN:VCALENDAR")
	case r.depth == MaxDepth:
		return badData("components are nested too deep")
	case r.count == MaxComponents:
		return badData("there are too many components")
	}
	r.count++
	kind := componentName(name)
	r.open[r.depth] = kind
	r.depth++
	switch {
	case r.depth == 2:
		r.beginMain(kind)
	case r.depth == 3 && r.cur.kind != "" && kind == "VALARM":
		r.o.Span.Alarms = true
	}
	return nil
}

// beginMain opens a component of VCALENDAR.
func (r *objectReader) beginMain(kind string) {
	r.frame = frame{zone: UTC, zones: &r.zones}
	r.cur, r.done = mainReader{}, done{}
	r.cur.begin(&r.frame)
	r.cur.done = &r.done
	switch {
	case mainComponent([]byte(kind)) == "":
		// VTIMEZONE, and what RFC 4791 section 5.3.3 asks to keep.
		if kind != "VTIMEZONE" && !strings.HasPrefix(kind, "X-") {
			r.refuse(badObject("a component is not a VEVENT, VTODO, VJOURNAL or VFREEBUSY"))
		}
	case r.o.Component != "" && r.o.Component != kind:
		r.refuse(badObject("it has components of two kinds"))
	default:
		r.o.Component, r.cur.kind = kind, kind
		r.mains++
	}
}

func (r *objectReader) end(name []byte) error {
	if r.depth == 0 || !equalFold(name, r.open[r.depth-1]) {
		return badData("an END does not belong to the BEGIN before it")
	}
	if r.depth == 2 && r.cur.kind != "" {
		r.endMain()
	}
	r.depth--
	r.ended = r.depth == 0
	return nil
}

func (r *objectReader) calendarProperty(l *Line) {
	switch {
	case l.Is("METHOD"):
		r.refuse(badObject("it has a METHOD"))
	case l.Is("VERSION"):
		// RFC 5545 section 3.7.4: one version, or the least and the greatest.
		if !slices.Contains(strings.Split(string(trimBlank(l.Value())), ";"), "2.0") {
			r.refuse(&ObjectError{"supported-calendar-data", "its VERSION is not 2.0"})
		}
	}
}

func (r *objectReader) mainProperty(l *Line) {
	c := &r.cur
	switch {
	case l.Is("UID"):
		uid := r.expected
		if v := l.Value(); string(v) != uid {
			uid = string(v)
		}
		if c.hasUID && c.uid != uid {
			r.refuse(badObject("a component has two UIDs"))
		}
		c.uid, c.hasUID = uid, true
	case l.Is("SUMMARY"):
		if c.summary == "" {
			c.summary = summaryLine(l.Value())
		}
	case l.Is("SEQUENCE"):
		n, _ := strconv.ParseUint(string(trimBlank(l.Value())), 10, 32)
		c.sequence = uint32(n)
	case l.Is("DTSTAMP"):
		if at := readInstant(l, &r.zones); at.state == known {
			c.stamp = formatUTC(at.nominal().lo)
		}
	case l.Is("ATTENDEE"):
		if c.people++; c.people > MaxAttendees {
			r.refuse(&ObjectError{"max-attendees-per-instance", "a component has more than " + strconv.Itoa(MaxAttendees) + " attendees"})
		}
	default:
		c.times.read(l)
	}
}

// checkLimits refuses what the date and instance limits of a calendar exclude (RFC
// 4791 section 5.3.2.1). Counted are the instances that COUNT and RDATE say by number. A
// rule without end must be taken, so one that UNTIL ends is, too, however many it makes:
// every answer is bounded by itself, and to refuse it could cost somebody the upload of a
// whole calendar.
func (r *objectReader) checkLimits() {
	c := &r.cur
	for _, i := range []instant{c.start, c.end, c.due, c.id, c.completed, c.created} {
		r.checkDate(i)
	}
	c.eachDate(isDate, func(d rdate) bool {
		r.checkDate(d.from)
		r.checkDate(d.to)
		return true
	})
	c.eachDate(isExdate, func(d rdate) bool {
		r.checkDate(d.from)
		return true
	})
	instances := int64(c.rdates)
	if c.unread {
		instances++
	}
	for p := range c.every(isRule) {
		rule := p.ruleOf(r.zones.room())
		r.checkDate(rule.until)
		instances += rule.count
	}
	if instances > MaxInstances {
		r.refuse(&ObjectError{"max-instances", "it has more than " + strconv.Itoa(MaxInstances) + " instances"})
	}
}

// checkDate checks a date or time, in UTC as the limits are.
func (r *objectReader) checkDate(i instant) {
	switch at := i.nominal().lo; {
	case i.state != known:
	case at < minDate:
		r.refuse(&ObjectError{"min-date-time", "a time is before " + MinDateTime})
	case at > maxDate:
		r.refuse(&ObjectError{"max-date-time", "a time is after " + MaxDateTime})
	}
}

// minDate and maxDate are MinDateTime and MaxDateTime.
var (
	minDate = parseInstant([]byte(MinDateTime)).wall
	maxDate = parseInstant([]byte(MaxDateTime)).wall
)

// endMain takes what was read of one component into the object.
func (r *objectReader) endMain() {
	c, o := &r.cur, r.o
	switch {
	case strings.TrimSpace(c.uid) == "":
		r.refuse(badObject("a component has no UID"))
	case r.mains > 1 && c.uid != o.UID:
		r.refuse(badObject("it has components with two UIDs"))
	case !c.override && r.master:
		r.refuse(badObject("it has two components that are no override"))
	}
	c.settle()
	r.checkLimits()
	o.UID = c.uid
	newer := c.sequence > o.Sequence || c.sequence == o.Sequence && c.stamp > o.DTStamp
	if !r.chosen || !c.override || newer && !r.master {
		o.Summary, o.Sequence, o.DTStamp = c.summary, c.sequence, c.stamp
		r.chosen = true
	}
	r.master = r.master || !c.override
	if r.mains == 1 {
		o.Span.Start, o.Span.End = openEnd, openStart // nothing yet
	}
	o.Span.include(c.hull(c.kind))
	o.Span.Recurs = o.Span.Recurs || c.special() || c.override || r.mains > 1
	o.Span.Floats = o.Span.Floats || c.floats
}

// finish says what is wrong with the object as a whole.
func (r *objectReader) finish() error {
	switch {
	case !r.ended:
		return badData("it does not end with END:VCALENDAR")
	case r.refused != nil:
		return r.refused
	case r.mains == 0:
		return badObject("it has no VEVENT, VTODO, VJOURNAL or VFREEBUSY")
	}
	r.o.Span.Version, r.o.Span.Component = SpanVersion, r.o.Component
	r.o.Span = r.o.Span.closed()
	return nil
}
