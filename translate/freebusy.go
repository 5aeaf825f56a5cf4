package translate

import (
	"cmp"
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
	// kept is how many periods of a type are kept that do not touch each other.
	kept int
}

// busyTypes are the values of FBTYPE but FREE (RFC 5545 section 3.2.9).
var busyTypes = [3]string{"BUSY-UNAVAILABLE", "BUSY", "BUSY-TENTATIVE"}

const (
	busyUnavailable = iota
	busy
	busyTentative
)

// NewFreeBusy returns a FreeBusy of a range.
func NewFreeBusy(r TimeRange) *FreeBusy {
	r = r.normal()
	return &FreeBusy{asked: TimeRange{max(r.Start, minDate), min(r.End, maxDate)}, budget: NewBudget(), kept: maxPeriods}
}

// Add adds an object. zone is where its floating times and dates are, nil for UTC.
//
// Where the instances of an event cannot be listed, because its start, its end or its rules
// are not understood, or take too many steps or have more than MaxInstances instances, all
// the time in which there may be some, where Filter.Match says that there may, is
// BUSY-TENTATIVE: it must not look free, and one event must not keep the others from being
// told.
func (f *FreeBusy) Add(raw []byte, zone *Zone) {
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
		f.events(s, kinds)
	}
	for kind := range f.busy {
		f.join(kind)
	}
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

func (f *FreeBusy) events(s *set, kinds []int8) {
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
	unlisted := n > MaxInstances || s.step.left < 0 || s.missing
	for by, t := range s.list {
		base := t.base().state
		if kinds[by] >= 0 && base != absent && (base == unreadable || !t.extentOf(s.kind).ok || unlisted && t.recurs()) {
			f.add(busyTentative, t.hull(s.kind))
		}
	}
}

// published takes the periods of a VFREEBUSY.
func (f *FreeBusy) published(m *matcher, i int) {
	t := new(times)
	t.begin(&m.frame)
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
		t.eachPeriod(l, func(d rdate) bool {
			if d.from.state == known {
				f.add(kind, bounds{t.at(d.from).lo, t.until(d).hi})
			}
			return true
		})
	})
}

// maxPeriods is FreeBusy.kept.
const maxPeriods = 100_000

// join keeps what is held of a type within its limit. Where there are more periods, those
// with the shortest time between them become one: what is told is never too little.
func (f *FreeBusy) join(kind int) {
	if len(f.busy[kind]) < 2*f.kept {
		return
	}
	list := merge(f.busy[kind], 0)
	for gap := int64(1); len(list) > f.kept; gap *= 2 {
		list = merge(list, gap)
	}
	f.busy[kind] = list
}

// add adds what of a period is in the range, and returns how many that are.
func (f *FreeBusy) add(kind int, p bounds) int {
	p.lo, p.hi = max(p.lo, f.asked.Start), min(p.hi, f.asked.End)
	if p.lo >= p.hi {
		return 0
	}
	list := f.busy[kind]
	if n := len(list); n > 0 && list[n-1].lo <= p.lo && p.lo <= list[n-1].hi {
		list[n-1].hi = max(list[n-1].hi, p.hi)
		return 1
	}
	if len(list) == cap(list) {
		if list = merge(list, 0); 2*len(list) >= cap(list) { // as far as they do not touch
			list = append(make([]bounds, 0, max(8, 2*cap(list))), list...)
		}
	}
	f.busy[kind] = append(list, p)
	return 1
}

// merge sorts periods and joins those that touch, or are no farther apart than gap.
func merge(list []bounds, gap int64) []bounds {
	slices.SortFunc(list, func(a, b bounds) int { return cmp.Compare(a.lo, b.lo) })
	out := list[:0]
	for _, p := range list {
		if n := len(out); n > 0 && p.lo-gap <= out[n-1].hi {
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
	list := make([]period, 0, len(f.busy[0])+len(f.busy[1])+len(f.busy[2]))
	var taken []bounds
	for kind := range f.busy {
		own := merge(f.busy[kind], 0)
		for _, b := range subtract(own, taken) {
			list = append(list, period{b, kind})
		}
		taken = merge(append(slices.Clone(taken), own...), 0)
	}
	slices.SortFunc(list, func(a, b period) int { return cmp.Compare(a.lo, b.lo) })
	var w lineWriter
	start, end := formatUTC(f.asked.Start), formatUTC(f.asked.End)
	w.head()
	for _, l := range []string{"BEGIN:VFREEBUSY", "UID:" + start + "-" + end + "@freebusy.invalid", "DTSTAMP:" + formatUTC(now.Unix()), "DTSTART:" + start, "DTEND:" + end} {
		w.line(l)
	}
	for _, p := range list {
		w.line("FREEBUSY;FBTYPE=", busyTypes[p.kind], ":", formatUTC(p.lo), "/", formatUTC(p.hi))
	}
	w.line("END:VFREEBUSY")
	w.line("END:VCALENDAR")
	return w.b
}
