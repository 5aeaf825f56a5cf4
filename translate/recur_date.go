package translate

// Dates of the proleptic Gregorian calendar as numbers of days since 1 January
// 1970, and local times as seconds since then as if they were UTC.

const (
	// minWall and maxWall are the first and the last local time that a
	// DATE-TIME can say (RFC 5545 section 3.3.5).
	minWall = -62167219200
	maxWall = 253402300799
)

// floorDiv and floorMod divide towards the past.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func floorMod(a, b int64) int64 { return a - floorDiv(a, b)*b }

// weekdayOf is 0 on a Monday.
func weekdayOf(date int64) int64 { return floorMod(date+3, 7) }

// dateOf is the number of a day. The months and days of a year may overflow.
func dateOf(year, month, dom int64) int64 {
	month--
	year, month = year+floorDiv(month, 12), floorMod(month, 12)+1
	if month <= 2 {
		year--
	}
	era := floorDiv(year, 400)
	inEra := year - era*400
	inYear := (153*floorMod(month+9, 12)+2)/5 + dom - 1
	return era*146097 + inEra*365 + inEra/4 - inEra/100 + inYear - 719468
}

// civil is the date of a day.
func civil(date int64) (year, month, dom int64) {
	date += 719468
	era := floorDiv(date, 146097)
	inEra := date - era*146097
	year = (inEra - inEra/1460 + inEra/36524 - inEra/146096) / 365
	inYear := inEra - (365*year + year/4 - year/100)
	part := (5*inYear + 2) / 153
	dom = inYear - (153*part+2)/5 + 1
	month = part + 3
	if month > 12 {
		month -= 12
	}
	year += era * 400
	if month <= 2 {
		year++
	}
	return year, month, dom
}

func leap(year int64) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

func yearLength(year int64) int64 {
	if leap(year) {
		return 366
	}
	return 365
}

var monthLengths = [...]int64{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func monthLength(year, month int64) int64 {
	if month == 2 && leap(year) {
		return 29
	}
	return monthLengths[month-1]
}

// weekOf is the number of the week that a day is in, and how many weeks the year
// has that the week belongs to (RFC 5545 section 3.3.10: the first week of a year
// has at least four days in it).
func weekOf(date, wkst int64) (week, weeks int64) {
	start := func(year int64) int64 { // of the first week
		first := dateOf(year, 1, 1)
		into := floorMod(weekdayOf(first)-wkst, 7)
		if into > 3 {
			return first - into + 7
		}
		return first - into
	}
	monday := date - floorMod(weekdayOf(date)-wkst, 7)
	year, _, _ := civil(monday + 3)
	begin := start(year)
	return (monday-begin)/7 + 1, (start(year+1) - begin) / 7
}
