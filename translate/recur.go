package translate

import (
	"slices"
	"sort"
)

// maxSteps is how many steps the rules of one object may take for one question.
// A step is a period, a month or week that is looked through, or an instance. When they are spent
// the answer is "maybe".
const maxSteps = 100_000

// maxRequestSteps is how many steps the rules of all objects may take for one
// request, and leastSteps how many each object may take whatever the others took:
// rules made to take time spend what they are given, and those of other people's
// appointments are still answered for exactly.
const (
	maxRequestSteps = 2_000_000
	leastSteps      = 1_000
)

// Budget is what the rules of all objects that one request asks about may take
// together. It is for one goroutine.
type Budget struct{ left int }

// NewBudget returns the budget of a request.
func NewBudget() *Budget { return &Budget{maxRequestSteps} }

// steps are what is left of them, and of those for the request.
type steps struct {
	left   int
	shared *Budget
}

// newSteps returns the steps for one object. A nil Budget has no end.
func newSteps(b *Budget) steps {
	s := steps{left: maxSteps, shared: b}
	if b != nil {
		s.left = max(min(b.left, maxSteps), leastSteps)
	}
	return s
}

func (s *steps) take(n int) bool {
	s.left -= n
	if s.shared != nil {
		s.shared.left -= n
	}
	return s.left >= 0
}

// recurrence is a rule with what DTSTART fills in (RFC 5545 section 3.3.10). It
// works on local times; only rules that step by an hour or less count exact
// seconds, so that no hour is lost or doubled where the clocks change.
//
// It holds one period of the rule at a time: the sorted bases (midnights, or
// hours, minutes, seconds) and what is added to each of them. Their product is
// never laid out.
type recurrence struct {
	*rule
	start int64 // DTSTART, local
	date  bool  // DTSTART is a DATE
	zone  *Zone // of DTSTART
	clock clock // of zone
	exact bool  // bases are Unix seconds

	year, month, dom, weekday int64 // of start
	bases                     []int64
	hours, minutes, seconds   []int64
	own                       [3]int64 // those of start
	positions                 []int64  // by BYSETPOS, of the present period
	untilUnix                 int64    // of UNTIL where it is exact
	step                      *steps
}

// newRecurrence returns nil where the rule cannot be interpreted.
func newRecurrence(r *rule, start int64, date bool, zone *Zone, step *steps) *recurrence {
	g := new(recurrence)
	if !g.set(r, start, date, zone, step) {
		return nil
	}
	return g
}

// set makes it one of another rule and keeps its room. It returns false where the rule
// cannot be interpreted.
func (g *recurrence) set(r *rule, start int64, date bool, zone *Zone, step *steps) bool {
	if r.unknown || date && r.freq < daily {
		return false
	}
	*g = recurrence{rule: r, start: start, date: date, zone: zone, clock: clock{zone: zone}, step: step, untilUnix: openEnd,
		bases: g.bases[:0], positions: g.positions[:0]}
	if u := r.until; u.state == known && u.zone != nil && !date {
		g.untilUnix = u.zone.unix(u.wall)
	}
	day0, second := floorDiv(start, day), floorMod(start, day)
	g.year, g.month, g.dom = civil(day0)
	g.weekday = weekdayOf(day0)
	g.exact = r.freq < daily && r.interval*g.unit() <= 3600
	pick := func(at int, from frequency, list []int64, own int64) []int64 {
		switch {
		case r.freq < from:
			own = 0
		case len(list) > 0 && !date:
			return list
		}
		g.own[at] = own
		return g.own[at : at+1]
	}
	g.hours = pick(0, daily, r.hours, second/3600)
	g.minutes = pick(1, hourly, r.minutes, second/60%60)
	g.seconds = pick(2, minutely, r.seconds, second%60)
	return true
}

// unit is the length of a period of a rule that has equal ones, in seconds.
func (g *recurrence) unit() int64 {
	switch g.freq {
	case secondly:
		return 1
	case minutely:
		return 60
	case hourly:
		return 3600
	case daily:
		return day
	}
	return 7 * day
}

// origin is the begin of the period that DTSTART is in.
func (g *recurrence) origin() int64 {
	start := g.start
	if g.exact {
		start = g.zone.unix(start)
	}
	switch g.freq {
	case secondly, minutely, hourly:
		return start - floorMod(g.start, g.unit())
	case daily:
		return floorDiv(start, day) * day
	}
	return (floorDiv(start, day) - floorMod(g.weekday-g.wkst, 7)) * day
}

// begin is the local time at which a period begins, 0 being that of DTSTART.
func (g *recurrence) begin(period int64) int64 {
	const beyond = maxWall + 1
	if period > maxInterval/g.interval {
		return beyond
	}
	n := period * g.interval
	switch g.freq {
	case yearly:
		if n > 10_000 {
			return beyond
		}
		return dateOf(g.year+n, 1, 1) * day
	case monthly:
		if n > 120_000 {
			return beyond
		}
		return dateOf(g.year, g.month+n, 1) * day
	}
	if n > 2*(maxWall-minWall)/g.unit() {
		return beyond
	}
	if at := g.origin() + n*g.unit(); !g.exact {
		return at
	} else {
		return g.zone.wall(at)
	}
}

// periodOf is a period that begins before a local time, close to it.
func (g *recurrence) periodOf(wall int64) int64 {
	wall = min(max(wall, minWall), maxWall)
	var n int64
	switch g.freq {
	case yearly:
		year, _, _ := civil(floorDiv(wall, day))
		n = year - g.year
	case monthly:
		year, month, _ := civil(floorDiv(wall, day))
		n = (year-g.year)*12 + month - g.month
	default:
		origin := g.origin()
		if g.exact {
			wall = g.zone.unix(wall)
		}
		n = floorDiv(wall-origin, g.unit())
	}
	// One more, as a day may be put into the month behind (RFC 7529), or an hour
	// may come twice.
	return max(0, floorDiv(n, g.interval)-1)
}

// walls calls yield with the local times from and to included that the rule
// gives, in order, and with the Unix second of each. It says whether it came to
// the end: false where the steps are spent or yield wanted no more. DTSTART is
// among them where it fits the rule.
func (g *recurrence) walls(from, to int64, yield func(wall, unix int64) bool) (complete bool) {
	to = min(to, maxWall, g.latest())
	if g.exact { // the clocks may show a time before DTSTART again behind it
		from = max(from, g.start-day)
	} else {
		from = max(from, g.start)
	}
	period, left := g.periodOf(from), int64(-1)
	if g.count > 0 {
		var ok bool
		if left, ok = g.leftAt(period); !ok {
			left, period = g.count, 0
		}
	}
	first, last := period == 0, int64(minWall-1)
	for ; left != 0 && g.begin(period) <= to; period++ {
		if !g.step.take(1) {
			return false
		}
		skipTo := g.fill(period)
		n := g.length()
		i := 0
		if first && n > 0 {
			first = false
			var is bool
			i, is = g.searchStart(n)
			if left > 0 && !is {
				left-- // DTSTART is the first instance, whether it fits or not (RFC 5545 section 3.8.5.3)
			}
		} else if first && left > 0 {
			first, left = false, left-1
		}
		if at := max(i, g.search(n, from)); at > i {
			if left > 0 {
				left = max(0, left-int64(at-i))
			}
			i = at
		}
		for ; i < n && left != 0; i++ {
			wall := g.at(i)
			unix := g.unixAt(i, wall)
			if wall > to || unix > g.untilUnix {
				return true
			}
			if wall <= last && !g.exact {
				continue // RFC 7529: two days moved to one
			}
			last = wall
			if left > 0 {
				left--
			}
			if !g.step.take(1) || !yield(wall, unix) {
				return false
			}
		}
		if skipTo > 0 {
			period = max(period, g.periodOf(skipTo))
		}
		if g.step.left < 0 {
			return false
		}
	}
	return true
}

// latest is the last local time that UNTIL allows.
func (g *recurrence) latest() int64 {
	u := g.until
	switch {
	case u.state != known:
		return maxWall
	case u.date && !g.date:
		return u.wall + day - 1 // all of that day
	case u.zone == nil:
		return u.wall
	}
	wall := g.zone.wall(u.zone.unix(u.wall))
	if !g.date {
		wall += day // where the clocks change untilUnix decides
	}
	return wall
}

// length is how many instances the present period has.
func (g *recurrence) length() int {
	if len(g.setPos) > 0 {
		return len(g.positions)
	}
	return g.size()
}

func (g *recurrence) size() int {
	return len(g.bases) * len(g.hours) * len(g.minutes) * len(g.seconds)
}

// element is the i-th of the present period before BYSETPOS.
func (g *recurrence) element(i int) int64 {
	i, second := i/len(g.seconds), i%len(g.seconds)
	i, minute := i/len(g.minutes), i%len(g.minutes)
	i, hour := i/len(g.hours), i%len(g.hours)
	return g.bases[i] + 3600*g.hours[hour] + 60*g.minutes[minute] + g.seconds[second]
}

// at is the local time of the i-th instance of the present period.
func (g *recurrence) at(i int) int64 {
	if len(g.setPos) > 0 {
		i = int(g.positions[i])
	}
	if g.exact {
		return g.zone.wall(g.element(i))
	}
	return g.element(i)
}

func (g *recurrence) unixAt(i int, wall int64) int64 {
	if !g.exact {
		unix, cost := g.clock.unix(wall)
		g.step.take(cost)
		return unix
	}
	if len(g.setPos) > 0 {
		i = int(g.positions[i])
	}
	return g.element(i)
}

// search is the first of n instances that is not before a local time.
func (g *recurrence) search(n int, wall int64) int {
	return sort.Search(n, func(i int) bool { return g.at(i) >= wall })
}

// searchStart is the first of n instances that is not before DTSTART, and whether it is
// DTSTART.
func (g *recurrence) searchStart(n int) (i int, is bool) {
	if !g.exact {
		i = g.search(n, g.start)
		return i, i < n && g.at(i) == g.start
	}
	unix := g.zone.unix(g.start)
	i = sort.Search(n, func(i int) bool { return g.unixAt(i, 0) >= unix })
	return i, i < n && g.unixAt(i, 0) == unix
}

// choose finds the instances that BYSETPOS leaves.
func (g *recurrence) choose() {
	g.positions = g.positions[:0]
	if len(g.setPos) == 0 {
		return
	}
	n := int64(g.size())
	for _, p := range g.setPos {
		if p < 0 {
			p += n + 1
		}
		if 1 <= p && p <= n {
			g.positions = append(g.positions, p-1)
		}
	}
	slices.Sort(g.positions)
	g.positions = slices.Compact(g.positions)
}
