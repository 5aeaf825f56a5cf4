package translate

import "slices"

// fill makes a period the present one. skipTo, when not 0, is a local time
// before which no further period has an instance.
func (g *recurrence) fill(period int64) (skipTo int64) {
	g.bases = g.bases[:0]
	n := period * g.interval
	switch g.freq {
	case yearly:
		g.fillYear(g.year + n)
	case monthly:
		month := g.month - 1 + n
		g.fillMonth(g.year+floorDiv(month, 12), floorMod(month, 12)+1)
	case weekly:
		g.fillWeek(floorDiv(g.origin(), day) + 7*n)
	case daily:
		date := floorDiv(g.start, day) + n
		if skipTo = g.try(date); skipTo != 0 {
			skipTo *= day
		}
	default:
		skipTo = g.fillTime(g.origin() + n*g.unit())
	}
	if g.skip != omit && len(g.bases) > 1 {
		slices.Sort(g.bases)
		g.bases = slices.Compact(g.bases)
	}
	g.choose()
	return skipTo
}

func (g *recurrence) add(date int64) { g.bases = append(g.bases, date*day) }

// byDate tells whether a part says which days of a month or year.
func (g *recurrence) byDate() bool {
	return len(g.monthDays)+len(g.yearDays)+len(g.weeks)+len(g.days) > 0
}

func (g *recurrence) fillYear(year int64) {
	if year > 9999 {
		return
	}
	months := g.months
	if len(months) == 0 && !g.byDate() {
		months = []int64{g.month} // RFC 5545 section 3.3.10: from DTSTART
	}
	if len(months) == 0 {
		months = allMonths
	}
	for _, month := range months {
		g.fillMonth(year, month)
	}
	g.fillNextYear(year)
}

var allMonths = []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}

// fillNextYear adds the day that follows a year, where SKIP=FORWARD puts a day that the
// year does not have. The other parts are asked as with BYMONTHDAY.
func (g *recurrence) fillNextYear(year int64) {
	date := dateOf(year+1, 1, 1)
	if g.skip == forward && g.lacks(year) && allows(g.months, 12) && year < 9999 && len(g.monthDays) == 0 &&
		(len(g.weeks) == 0 || g.inWeeks(date)) && (len(g.days) == 0 || g.inDays(date, year+1, 1, 1, 31)) {
		g.add(date)
	}
}

// lacks tells whether BYYEARDAY asks for a day that a year does not have, and SKIP moves it.
func (g *recurrence) lacks(year int64) bool {
	return g.skip != omit && g.freq == yearly && yearLength(year) < 366 && slices.Contains(g.yearDays, 366)
}

// fillMonth adds the days of one month, which is a period or a part of one.
func (g *recurrence) fillMonth(year, month int64) {
	if year > 9999 || g.freq == monthly && !allows(g.months, month) {
		return
	}
	first, length := dateOf(year, month, 1), monthLength(year, month)
	days := g.monthDays
	if !g.byDate() {
		days = []int64{g.dom}
	}
	if len(days) == 0 {
		if !g.step.take(1) {
			return
		}
		for dom := int64(1); dom <= length; dom++ {
			g.addMatching(first+dom-1, year, month, dom, length)
		}
		return
	}
	start := len(g.bases)
	for _, dom := range days {
		switch {
		case dom < 0:
			dom += length + 1
		case dom > length && g.skip == backward:
			dom = length
		case dom > length && g.skip == forward:
			// RFC 7529 section 4.1; BYDAY is asked about where it moved. December has all days.
			g.addMatching(first+length, year, month+1, 1, monthLength(year, month+1))
			continue
		}
		if 1 <= dom && dom <= length {
			g.addMatching(first+dom-1, year, month, dom, length)
		}
	}
	slices.Sort(g.bases[start:])
	g.bases = slices.Compact(g.bases)
}

// addMatching adds a day that the other parts allow.
func (g *recurrence) addMatching(date, year, month, dom, length int64) {
	if len(g.yearDays) > 0 && !g.inYearDays(date, year) {
		return
	}
	if len(g.weeks) > 0 {
		if !g.inWeeks(date) {
			return
		}
		if !g.byDayOrDate() && weekdayOf(date) != g.weekday {
			return // the day of the week is that of DTSTART
		}
	}
	if len(g.days) > 0 && !g.inDays(date, year, month, dom, length) {
		return
	}
	g.add(date)
}

// byDayOrDate tells whether a part next to BYWEEKNO says which days.
func (g *recurrence) byDayOrDate() bool { return len(g.days)+len(g.monthDays)+len(g.yearDays) > 0 }

// allows says whether an empty list, or one that holds it, allows a value.
func allows(list []int64, v int64) bool { return len(list) == 0 || slices.Contains(list, v) }

func (g *recurrence) inYearDays(date, year int64) bool {
	n := date - dateOf(year, 1, 1) + 1
	return slices.Contains(g.yearDays, n) || slices.Contains(g.yearDays, n-yearLength(year)-1) ||
		n == 365 && g.skip == backward && g.lacks(year) // RFC 7529 section 4.1
}

func (g *recurrence) inWeeks(date int64) bool {
	week, weeks := weekOf(date, g.wkst)
	return slices.Contains(g.weeks, week) || slices.Contains(g.weeks, week-weeks-1)
}

// inDays says whether BYDAY allows a day. Its numbers count in the month where
// the rule is monthly or has BYMONTH, else in the year.
func (g *recurrence) inDays(date, year, month, dom, length int64) bool {
	weekday := weekdayOf(date)
	for _, d := range g.days {
		if d.day != weekday {
			continue
		}
		n, of := dom, length
		if g.freq == yearly && len(g.months) == 0 {
			n, of = date-dateOf(year, 1, 1)+1, yearLength(year)
		}
		switch {
		case d.nth == 0 || g.freq < monthly || g.freq == yearly && len(g.weeks) > 0,
			d.nth == (n-1)/7+1,
			d.nth == -((of-n)/7 + 1):
			return true
		}
	}
	return false
}

func (g *recurrence) fillWeek(first int64) {
	for date := first; date < first+7; date++ {
		if !g.byDate() && weekdayOf(date) != g.weekday {
			continue
		}
		g.try(date)
	}
}

// try adds a day that all parts allow, as of a rule whose periods are no longer
// than a week. Where the month is not allowed it returns the first day of the
// next one.
func (g *recurrence) try(date int64) (next int64) {
	year, month, dom := civil(date)
	if year > 9999 {
		return 0
	}
	length := monthLength(year, month)
	if !allows(g.months, month) {
		return date - dom + 1 + length
	}
	if len(g.monthDays) > 0 && !slices.Contains(g.monthDays, dom) && !slices.Contains(g.monthDays, dom-length-1) {
		return 0
	}
	if len(g.yearDays) > 0 && !g.inYearDays(date, year) || len(g.weeks) > 0 && !g.inWeeks(date) ||
		len(g.days) > 0 && !g.inDays(date, year, month, dom, length) {
		return 0
	}
	g.add(date)
	return 0
}

// fillTime is for rules that step by hours, minutes or seconds.
func (g *recurrence) fillTime(base int64) (skipTo int64) {
	wall := base
	if g.exact {
		wall = g.zone.wall(base)
	}
	date, second := floorDiv(wall, day), floorMod(wall, day)
	next := g.try(date)
	switch {
	case next != 0:
		return next * day
	case len(g.bases) == 0:
		return (date + 1) * day
	}
	g.bases = g.bases[:0]
	switch {
	case !allows(g.rule.hours, second/3600):
		return date*day + (second/3600+1)*3600
	case g.freq < hourly && !allows(g.rule.minutes, second/60%60):
		return date*day + (second/60+1)*60
	case g.freq < minutely && !allows(g.rule.seconds, second%60):
		return 0
	}
	g.bases = append(g.bases, base)
	return 0
}
