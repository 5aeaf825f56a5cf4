package translate

import "slices"

// perPeriod is how many instances each period of the rule has behind the first one, where
// all have the same number: so many need not be listed to know how much of COUNT is left.
func (g *recurrence) perPeriod() (n int64, ok bool) {
	r := g.rule
	if g.skip != omit || len(r.hours) > 0 && g.freq < daily || len(r.minutes) > 0 && g.freq < hourly || len(r.seconds) > 0 && g.freq < minutely {
		return 0, false
	}
	least, same := g.basesPerPeriod()
	least *= int64(len(g.hours) * len(g.minutes) * len(g.seconds))
	if len(g.setPos) > 0 {
		return oneSided(g.setPos, least)
	}
	return least, same
}

// basesPerPeriod is how many bases each period has at least, and whether none has more.
func (g *recurrence) basesPerPeriod() (least int64, same bool) {
	limited := len(g.weeks) > 0 || g.freq < yearly && len(g.months)+len(g.yearDays) > 0 || g.freq < monthly && len(g.monthDays) > 0 ||
		g.freq < weekly && len(g.days) > 0 || len(g.monthDays) > 0 && len(g.days) > 0
	months, shortest := g.monthsPerPeriod()
	switch {
	case limited:
		return 0, false
	case g.freq < weekly:
		return 1, true
	case g.freq == weekly:
		return max(1, g.weekdays()), true
	case len(g.yearDays) > 0:
		if len(g.months)+len(g.monthDays)+len(g.days) > 0 {
			return 0, false
		}
		return oneSided(g.yearDays, 365)
	case len(g.monthDays) > 0:
		least, same = oneSided(g.monthDays, shortest)
	case len(g.days) == 0:
		least, same = oneSided([]int64{g.dom}, shortest)
	case g.freq == yearly && len(g.months) == 0:
		return g.weekdaysOf(52)
	default:
		least, same = g.weekdaysOf(4)
	}
	return months * least, same
}

// monthsPerPeriod is how many months are looked through, and how many days the shortest has.
func (g *recurrence) monthsPerPeriod() (months, shortest int64) {
	list := g.months
	switch {
	case g.freq == monthly:
		return 1, 28
	case len(list) == 0 && !g.byDate():
		list = []int64{g.month}
	case len(list) == 0:
		list = allMonths
	}
	shortest = 31
	for _, month := range list {
		shortest = min(shortest, monthLengths[month-1])
	}
	return int64(len(list)), shortest
}

// weekdaysOf is how many days BYDAY gives at least in a month or year that has each day of
// the week so many times, or once more.
func (g *recurrence) weekdaysOf(times int64) (least int64, same bool) {
	numbers := make([]int64, 0, len(g.days))
	for _, d := range g.days {
		if d.nth != 0 {
			numbers = append(numbers, d.nth)
		}
	}
	switch len(numbers) {
	case 0:
		return times * g.weekdays(), false
	case len(g.days):
		return oneSided(numbers, times)
	}
	return 0, false
}

// weekdays is how many different days of the week BYDAY names.
func (g *recurrence) weekdays() (n int64) {
	var seen [7]bool
	for _, d := range g.days {
		if !seen[d.day] {
			seen[d.day] = true
			n++
		}
	}
	return n
}

// oneSided is how many numbers there are that count from either end of a list of so many
// elements or more, if all count from the same end: each is there then, and no two are one.
func oneSided(numbers []int64, least int64) (n int64, ok bool) {
	first, last := slices.Min(numbers), slices.Max(numbers)
	if 0 < first && last <= least || last < 0 && -first <= least {
		return int64(len(numbers)), true
	}
	return 0, false
}

// leftAt is how much of COUNT is left at the begin of a period, DTSTART being the first
// instance whether it fits the rule or not (RFC 5545 section 3.8.5.3). ok is false where
// all periods before it must be looked through.
func (g *recurrence) leftAt(period int64) (left int64, ok bool) {
	n, ok := g.perPeriod()
	if !ok || period < 2 {
		return 0, false
	}
	g.step.take(1)
	g.fill(0)
	i, is := g.searchStart(g.length())
	left = g.count - int64(g.length()-i)
	if !is {
		left--
	}
	if period-1 > left/n {
		return 0, true
	}
	return left - (period-1)*n, true
}
