package translate

import (
	"bytes"
	"iter"
	"slices"
)

// repeats are the properties of a component that say more, or fewer, instances than its
// own. Their text is kept, and read anew when it is asked: a text of many short rules or
// dates takes no more room than it is long, some times.
type repeats struct {
	last [4]*repeat // of each kind, and next to it the first

	rules, exrules  int32 // properties
	rdates, exdates int32 // values that can be read
	dateText        int32 // octets of RDATE

	// unknown: there is an RRULE, exUnknown: an EXRULE, that cannot be interpreted or is
	// not kept. unread: that can be said of an RDATE.
	unknown, exUnknown, unread bool

	lengths bool         // there is an RDATE with an end of its own
	starts  *[]dateStart // then, of all RDATEs, sorted, when they were asked for
	gone    *moments     // EXDATEs, where there are any
}

// dateStart is when the instance of an RDATE begins.
type dateStart struct {
	unix  int64
	place int // among the RDATEs
}

// noRepeats is for what does not recur.
var noRepeats repeats

// repeat is one of those properties.
type repeat struct {
	next *repeat // of its kind; of the last one the first
	text []byte  // its value, without folds
	rule *rule   // of the first ones only
	zone *Zone   // of dates
}

type repeatKind uint8

const (
	isRule repeatKind = iota
	isExrule
	isDate
	isExdate
)

// every is the properties of a kind.
func (r *repeats) every(kind repeatKind) iter.Seq[*repeat] {
	return func(yield func(*repeat) bool) {
		last := r.last[kind]
		if last == nil {
			return
		}
		for p := last.next; yield(p) && p != last; p = p.next {
		}
	}
}

func (r *repeats) add(kind repeatKind, p *repeat) {
	if last := r.last[kind]; last == nil {
		p.next = p
	} else {
		p.next, last.next = last.next, p
	}
	r.last[kind] = p
}

// stepText is how many octets are read anew in one step.
const stepText = 64

// cost is the steps that it takes to read a rule anew.
func (p *repeat) cost() int {
	if p.rule != nil {
		return 0
	}
	return 1 + len(p.text)/stepText
}

// keptRules is how many rules of a component stay as they were read.
const keptRules = 2

// ruleOf is the rule of a property. It is valid until the next call with the same room.
func (p *repeat) ruleOf(room *rule) *rule {
	if p.rule != nil {
		return p.rule
	}
	room.read(p.text)
	return room
}

// repeating is where the properties are noted.
func (t *times) repeating() *repeats {
	if t.repeats == &noRepeats {
		t.repeats = &repeats{}
	}
	return t.repeats
}

// maxRules is how many RRULEs, and EXRULEs, of a component are read, and maxExdates how
// many EXDATEs. With more, and with more than MaxInstances RDATEs, the answer is "maybe".
const (
	maxRules   = 1_000
	maxExdates = 20_000
)

// text is the value of a line for as long as the text is there that it is from.
func (l *Line) text() []byte {
	if l.folded {
		return bytes.Clone(l.Value())
	}
	return l.rest
}

// addRule takes an RRULE or EXRULE.
func (t *times) addRule(l *Line, kind repeatKind) {
	r := t.repeating()
	n, unknown := &r.rules, &r.unknown
	if kind == isExrule {
		n, unknown = &r.exrules, &r.exUnknown
	}
	if *n == maxRules {
		*unknown = true
		return
	}
	text := l.text()
	read := t.zones.room()
	if read.read(text); read.unknown {
		*unknown = true
		return
	}
	p := &repeat{text: text}
	if *n < keptRules {
		p.rule, t.zones.rule = read, nil
	}
	*n++
	r.add(kind, p)
}

// addDates takes an RDATE or EXDATE.
func (t *times) addDates(l *Line, kind repeatKind) {
	r := t.repeating()
	zone, _ := t.zones.of(l)
	text := l.text()
	before := r.rdates + r.exdates
	t.eachValue(text, zone, func(d rdate) bool {
		switch {
		case kind == isDate && (d.from.state != known || r.rdates == MaxInstances):
			r.unread = true
		case kind == isDate:
			r.rdates++
			r.lengths = r.lengths || d.to.state != absent || d.length.ok
		case d.from.state != known:
		case r.exdates == maxExdates:
			r.exUnknown = true
		default:
			r.exdates++
		}
		return true
	})
	if r.rdates+r.exdates > before {
		r.add(kind, &repeat{text: text, zone: zone})
		if kind == isDate {
			r.dateText += int32(min(len(text), MaxLine))
		}
	}
}

// eachDate calls f with the values of RDATE, or EXDATE, that can be read, until it returns
// false.
func (t *times) eachDate(kind repeatKind, f func(rdate) bool) {
	left := MaxInstances
	if kind == isExdate {
		left = maxExdates
	}
	for p := range t.every(kind) {
		more := true
		t.eachValue(p.text, p.zone, func(d rdate) bool {
			if d.from.state == known {
				more = left > 0 && f(d)
				left--
			}
			return more
		})
		if !more {
			return
		}
	}
}

// moments are EXDATEs or RECURRENCE-IDs. They should be of the form of DTSTART
// (RFC 5545 sections 3.8.5.1 and 3.8.4.4) and often are not. When all are added, they are
// sorted.
type moments [3][]int64 // exact ones in Unix seconds, local times, days

const (
	exactMoments = iota
	localMoments
	dayMoments
)

func (m *moments) add(i instant, dates bool) {
	if i.state == known {
		form, v := formOf(i, dates)
		m[form] = append(m[form], v)
	}
}

func (m *moments) sort() {
	for form := range m {
		slices.Sort(m[form])
	}
}

// formOf is where an instant belongs, and as what.
func formOf(i instant, dates bool) (form int, v int64) {
	switch {
	case i.date || dates:
		return dayMoments, floorDiv(i.wall, day)
	case i.zone != nil:
		return exactMoments, i.zone.unix(i.wall)
	}
	return localMoments, i.wall
}

// has says whether an instance is one of those that were added.
func (m *moments) has(wall, unix int64) bool {
	return holds(m[exactMoments], unix) || holds(m[localMoments], wall) || len(m[dayMoments]) > 0 && holds(m[dayMoments], floorDiv(wall, day))
}

func holds(list []int64, v int64) bool {
	if len(list) == 0 {
		return false
	}
	_, ok := slices.BinarySearch(list, v)
	return ok
}
