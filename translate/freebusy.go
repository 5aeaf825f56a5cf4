package translate

import (
	"cmp"
	"errors"
	"slices"
	"time"
)

// FreeBusy collects when the objects of calendars are busy (RFC 4791 section
// 7.10).
type FreeBusy struct {
	asked  TimeRange
	budget *Budget
	// busy is by type, the stronger first: where two overlap the stronger one
	// counts.
	busy [3][]bounds
}

// busyTypes are the values of FBTYPE but FREE (RFC 5545 section 3.2.9).
var busyTypes = [3]string{"BUSY-UNAVAILABLE", "BUSY", "BUSY-TENTATIVE"}

const (
	busyUnavailable = iota
	busy
	busyTentative
)

// errTooManySteps says that the rules of an object take too many steps to be
// listed in a range.
var errTooManySteps = errors.New("the rules of an object take too many steps")

// NewFreeBusy returns a FreeBusy of a range.
func NewFreeBusy(r TimeRange) *FreeBusy {
	r = r.normal()
	return &FreeBusy{asked: TimeRange{max(r.Start, minWall), min(r.End, maxWall)}, budget: NewBudget()}
}

// Add adds an object. zone is where its floating times and dates are, nil for UTC.
// The error is for an object that cannot be listed within the limits.
func (f *FreeBusy) Add(raw []byte, zone *Zone) error {
	m := newMatcher(raw, zone, f.budget)
	for i, c := range m.list {
		if c.name == "VFREEBUSY" && m.main(i) {
			f.published(m, i)
		}
	}
	if s := m.set("VEVENT"); len(s.members) > 0 {
		kinds := make([]int8, len(s.members))
		for by, i := range s.members {
			kinds[by] = m.busyType(i)
		}
		if err := f.events(s, kinds); err != nil {
			return err
		}
	}
	for kind := range f.busy {
		if err := f.join(kind); err != nil {
			return err
		}
	}
	return nil
}

// busyType is what an event makes of its time; -1: nothing.
func (m *matcher) busyType(i int) int8 {
	kind := int8(busy)
	m.lines(i, func(l *Line) {
		v := trimBlank(l.Value())
		switch {
		case l.Is("TRANSP") && equalFold(v, "TRANSPARENT"), l.Is("STATUS") && equalFold(v, "CANCELLED"):
			kind = -1
		case l.Is("STATUS") && equalFold(v, "TENTATIVE") && kind == busy:
			kind = busyTentative
		}
	})
	return kind
}

func (f *FreeBusy) events(s *set, kinds []int8) error {
	n := 0
	take := func(i instance) bool {
		if kind := kinds[i.by]; kind >= 0 && i.end != openEnd {
			n += f.add(int(kind), bounds{i.unix, i.end})
		}
		return n <= MaxInstances
	}
	for by, t := range s.list {
		if s.single(by) || t.override {
			if i, ok := s.own(by); ok {
				take(i)
			}
		}
	}
	if len(s.list) > 1 || !s.single(0) {
		s.each(f.asked.Start, f.asked.End, take)
	}
	switch {
	case n > MaxInstances:
		return ErrTooManyInstances
	case s.step.left < 0:
		return errTooManySteps
	}
	return nil
}

// published takes the periods of a VFREEBUSY.
func (f *FreeBusy) published(m *matcher, i int) {
	t := &times{frame: m.frame}
	m.lines(i, func(l *Line) {
		if !l.Is("FREEBUSY") {
			return
		}
		kind := busy
		if v, ok := l.Param("FBTYPE"); ok {
			if equalFold([]byte(v), "FREE") {
				return
			}
			if at := slices.IndexFunc(busyTypes[:], func(name string) bool { return equalFold([]byte(v), name) }); at >= 0 {
				kind = at
			}
		}
		t.eachPeriod(l, func(d rdate) {
			if d.from.state == known {
				f.add(kind, bounds{t.at(d.from).lo, t.until(d).hi})
			}
		})
	})
}

// maxPeriods is how many periods of a type are kept that do not touch each other.
const maxPeriods = 100_000

// join keeps what is held of a type within its limit.
func (f *FreeBusy) join(kind int) error {
	if len(f.busy[kind]) < 2*maxPeriods {
		return nil
	}
	if f.busy[kind] = merge(f.busy[kind]); len(f.busy[kind]) > maxPeriods {
		return ErrTooManyInstances
	}
	return nil
}

// add adds what of a period is in the range, and returns how many that are.
func (f *FreeBusy) add(kind int, p bounds) int {
	p.lo, p.hi = max(p.lo, f.asked.Start), min(p.hi, f.asked.End)
	if p.lo >= p.hi {
		return 0
	}
	f.busy[kind] = append(f.busy[kind], p)
	return 1
}

// merge sorts periods and joins those that touch.
func merge(list []bounds) []bounds {
	slices.SortFunc(list, func(a, b bounds) int { return cmp.Compare(a.lo, b.lo) })
	out := list[:0]
	for _, p := range list {
		if n := len(out); n > 0 && p.lo <= out[n-1].hi {
			out[n-1].hi = max(out[n-1].hi, p.hi)
		} else {
			out = append(out, p)
		}
	}
	return out
}

// subtract takes merged periods out of merged periods.
func subtract(list, taken []bounds) []bounds {
	var out []bounds
	at := 0
	for _, p := range list {
		for at < len(taken) && taken[at].hi <= p.lo {
			at++
		}
		for n := at; n < len(taken) && taken[n].lo < p.hi && p.lo < p.hi; n++ {
			if p.lo < taken[n].lo {
				out = append(out, bounds{p.lo, taken[n].lo})
			}
			p.lo = taken[n].hi
		}
		if p.lo < p.hi {
			out = append(out, p)
		}
	}
	return out
}

// Calendar is the VFREEBUSY that answers a free-busy-query.
func (f *FreeBusy) Calendar(now time.Time) []byte {
	type period struct {
		bounds
		kind int
	}
	var list []period
	var taken []bounds
	for kind := range f.busy {
		own := merge(f.busy[kind])
		for _, b := range subtract(own, taken) {
			list = append(list, period{b, kind})
		}
		taken = merge(append(slices.Clone(taken), own...))
	}
	slices.SortFunc(list, func(a, b period) int { return cmp.Compare(a.lo, b.lo) })
	var w lineWriter
	start, end := formatUTC(f.asked.Start), formatUTC(f.asked.End)
	for _, l := range []string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//calgate//EN", "BEGIN:VFREEBUSY",
		"UID:" + start + "-" + end + "@freebusy.invalid", "DTSTAMP:" + formatUTC(now.Unix()), "DTSTART:" + start, "DTEND:" + end} {
		w.line(l)
	}
	for _, p := range list {
		w.line("FREEBUSY;FBTYPE=", busyTypes[p.kind], ":", formatUTC(p.lo), "/", formatUTC(p.hi))
	}
	w.line("END:VFREEBUSY")
	w.line("END:VCALENDAR")
	return w.b
}
