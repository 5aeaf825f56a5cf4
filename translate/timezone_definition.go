package translate

import (
	"bytes"
	"slices"
	"sort"
	"sync"
)

// definition is a VTIMEZONE (RFC 5545 section 3.6.5).
type definition struct {
	observances []observance
	before      int64 // offset before the first onset
	parsed      int   // rules that are kept as they were read

	mu sync.Mutex // guards the rest
	// years are what was looked up, and changes those of all of them: the room of
	// what is forgotten is used again.
	years   map[int64]zoneYear
	changes []change
	found   []change // of the year that is looked up
	room    *ruleRoom
	zone    Zone // of UNTIL
}

// zoneYear is where the changes of a year are, the first one from before it, and the
// steps that it takes to find them.
type zoneYear struct {
	first, n int32 // among definition.changes
	cost     int32
}

// observance is a STANDARD or DAYLIGHT. Its onsets are in local time by the
// offset from, which it changes.
type observance struct {
	onset    int64 // DTSTART
	from, to int64 // offsets in seconds
	rules    []repeat
	dates    []int64 // RDATE, sorted
}

// change is when an offset begins.
type change struct{ at, offset int64 }

const (
	// maxObservances is how many of them a VTIMEZONE may have; those that list
	// every change since 1900 have some two hundred.
	maxObservances = 1_000
	// maxZoneDates is how many RDATEs of an observance are read.
	maxZoneDates = 10_000
	// maxZoneSteps is how many steps the changes of one year may take, and
	// maxChanges how many of them count.
	maxZoneSteps = 2_000
	maxChanges   = 50
	// maxZoneYears, maxZoneChanges and maxDefinitions bound what is kept of zones.
	maxZoneYears   = 100
	maxZoneChanges = 128
	maxDefinitions = 500
	// maxZoneRules is how many rules of an observance are read, and keptZoneRules how many
	// of a VTIMEZONE stay as they were read.
	maxZoneRules  = 10
	keptZoneRules = 8
	// maxKeptDefinition is the longest VTIMEZONE that is kept, and maxKeptDefinitions
	// how long all of them are, in octets. One that lists every change since 1900 has some
	// thirty thousand.
	maxKeptDefinition  = 64 << 10
	maxKeptDefinitions = 8 << 20
)

// definitions holds the zones of VTIMEZONEs by their octets: a calendar has few,
// and each of them in many objects.
var definitions = struct {
	sync.Mutex
	zones  map[string]*Zone
	octets int
}{zones: map[string]*Zone{}}

// readDefinition returns the zone that a VTIMEZONE defines, nil where it defines
// none.
func readDefinition(raw []byte) *Zone {
	if len(raw) > maxKeptDefinition {
		return parseDefinition(raw)
	}
	definitions.Lock()
	zone, ok := definitions.zones[string(raw)]
	definitions.Unlock()
	if ok {
		return zone
	}
	zone = parseDefinition(raw)
	definitions.Lock()
	defer definitions.Unlock()
	if zone, ok := definitions.zones[string(raw)]; ok { // of another request, meanwhile
		return zone
	}
	if len(definitions.zones) >= maxDefinitions || definitions.octets+len(raw) > maxKeptDefinitions {
		clear(definitions.zones)
		definitions.octets = 0
	}
	definitions.zones[string(raw)] = zone
	definitions.octets += len(raw)
	return zone
}

// observanceReader is an observance that is being read.
type observanceReader struct {
	observance
	good [3]bool // DTSTART, TZOFFSETFROM, TZOFFSETTO
}

func parseDefinition(raw []byte) *Zone {
	d := new(definition)
	var o observanceReader
	depth, inside := 0, false
	for s := NewScanner(raw); s.Next(); {
		l := &s.Line
		switch {
		case l.Is("BEGIN"):
			depth++
			name := trimBlank(l.Value())
			if depth == 2 && (equalFold(name, "STANDARD") || equalFold(name, "DAYLIGHT")) {
				o, inside = observanceReader{}, true
			}
		case l.Is("END"):
			if depth == 2 && inside {
				d.add(&o)
				inside = false
			}
			depth--
		case depth == 2 && inside:
			d.read(&o, l)
		}
	}
	if len(d.observances) == 0 {
		return nil
	}
	first := slices.MinFunc(d.observances, func(a, b observance) int { return cmp64(a.onset-a.from, b.onset-b.from) })
	d.before, d.years, d.room = first.from, map[int64]zoneYear{}, new(ruleRoom)
	return &Zone{own: d}
}

func cmp64(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (d *definition) read(o *observanceReader, l *Line) {
	switch {
	case l.Is("DTSTART"):
		i := parseInstant(l.Value())
		o.onset, o.good[0] = i.wall, i.state == known
	case l.Is("TZOFFSETFROM"):
		o.from, o.good[1] = parseOffset(l.Value())
	case l.Is("TZOFFSETTO"):
		o.to, o.good[2] = parseOffset(l.Value())
	case l.Is("RRULE"):
		if len(o.rules) < maxZoneRules {
			o.rules = append(o.rules, d.readRule(l))
		}
	case l.Is("RDATE"):
		for list := l.Value(); len(list) > 0 && len(o.dates) < maxZoneDates; {
			var v []byte
			v, list, _ = bytes.Cut(list, []byte{','})
			v, _, _ = bytes.Cut(v, []byte{'/'})
			if i := parseInstant(v); i.state == known {
				o.dates = append(o.dates, i.wall)
			}
		}
	}
}

// readRule keeps a rule, or its text.
func (d *definition) readRule(l *Line) repeat {
	if d.parsed < keptZoneRules {
		d.parsed++
		return repeat{rule: parseRule(l.Value())}
	}
	return repeat{text: bytes.Clone(l.Value())}
}

// add takes an observance that has all it needs.
func (d *definition) add(o *observanceReader) {
	if o.good != [3]bool{true, true, true} || len(d.observances) >= maxObservances {
		return
	}
	slices.Sort(o.dates)
	d.observances = append(d.observances, o.observance)
}

// recurrence is a rule of an observance. It is valid until the next one is asked for; nil
// where the rule cannot be interpreted.
func (d *definition) recurrence(o *observance, p *repeat, step *steps) *recurrence {
	d.zone = Zone{fixed: o.from} // UNTIL is in UTC (RFC 5545 section 3.6.5)
	if g := d.room; g.set(p.ruleOf(&g.read), o.onset, false, &d.zone, step) {
		return &g.recurrence
	}
	return nil
}

// parseOffset reads +hhmm or +hhmmss (RFC 5545 section 3.3.14).
func parseOffset(v []byte) (seconds int64, ok bool) {
	v = trimBlank(v)
	if len(v) != 5 && len(v) != 7 || v[0] != '+' && v[0] != '-' {
		return 0, false
	}
	hour, minute, second := digits(v[1:3]), digits(v[3:5]), digits(v[5:])
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return 0, false
	}
	seconds = int64(hour*3600 + minute*60 + second)
	if v[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

// offset is the offset at a Unix second: that of the last onset.
func (d *definition) offset(unix int64) int64 {
	_, _, offset, _ := d.period(unix)
	return offset
}

// period is the offset at a Unix second, between which Unix seconds of that year it
// is the same, and what it takes to find out.
func (d *definition) period(unix int64) (from, to, offset int64, cost int) {
	unix = min(max(unix, minWall), maxWall)
	number, _, _ := civil(floorDiv(unix, day))
	d.mu.Lock()
	defer d.mu.Unlock()
	year, ok := d.years[number]
	if !ok {
		list, cost := d.year(number)
		if len(d.years) >= maxZoneYears || len(d.changes)+len(list) > maxZoneChanges {
			clear(d.years)
			d.changes = d.changes[:0]
		}
		year = zoneYear{int32(len(d.changes)), int32(len(list)), int32(cost)}
		d.changes = append(d.changes, list...)
		d.years[number] = year
	}
	changes := d.changes[year.first : year.first+year.n]
	next := 1 + sort.Search(len(changes)-1, func(i int) bool { return changes[i+1].at > unix })
	from, to = dateOf(number, 1, 1)*day, dateOf(number+1, 1, 1)*day
	if next < len(changes) {
		to = changes[next].at
	}
	last := changes[next-1]
	return max(from, last.at), to, last.offset, int(year.cost)
}

// year finds the changes of a year, and what that costs. They are valid until the next one
// is asked for.
func (d *definition) year(number int64) (list []change, cost int) {
	from, to := dateOf(number, 1, 1)*day, dateOf(number+1, 1, 1)*day
	list = append(d.found[:0], change{openStart, d.before})
	step := &steps{left: maxZoneSteps}
	for i := range d.observances {
		o := &d.observances[i]
		if last, ok := d.last(o, from-1, step); ok && last >= list[0].at {
			list[0] = change{last, o.to}
		}
		d.each(o, from, to-1, step, func(at int64) {
			if len(list) <= maxChanges {
				list = append(list, change{at, o.to})
			}
		})
	}
	slices.SortStableFunc(list[1:], func(a, b change) int { return cmp64(a.at, b.at) })
	d.found = list
	return list, len(d.observances)/10 + maxZoneSteps - max(step.left, 0)
}

// each calls f with the onsets of an observance between two Unix seconds included, in no
// order.
func (d *definition) each(o *observance, from, to int64, step *steps, f func(at int64)) {
	from, to = from+o.from, to+o.from // local
	if from <= o.onset && o.onset <= to {
		f(o.onset - o.from)
	}
	at, _ := slices.BinarySearch(o.dates, from)
	for ; at < len(o.dates) && o.dates[at] <= to; at++ {
		f(o.dates[at] - o.from)
	}
	for i := range o.rules {
		if !step.take(1 + o.rules[i].cost()) {
			return
		}
		if g := d.recurrence(o, &o.rules[i], step); g != nil {
			g.walls(from, to, func(wall, _ int64) bool {
				f(wall - o.from)
				return true
			})
		}
	}
}

// last is the last onset of an observance up to a Unix second. It looks further and further
// back.
func (d *definition) last(o *observance, to int64, step *steps) (at int64, ok bool) {
	if o.onset-o.from > to {
		return 0, false
	}
	at = o.onset - o.from
	found := func(x int64) { at = max(at, x) }
	if n, _ := slices.BinarySearch(o.dates, to+o.from+1); n > 0 {
		found(o.dates[n-1] - o.from)
	}
	for i := range o.rules {
		if !step.take(1 + o.rules[i].cost()) {
			break
		}
		g := d.recurrence(o, &o.rules[i], step)
		if g == nil {
			continue
		}
		end := min(to, g.latest()-o.from)
		for back := int64(400 * day); ; back *= 8 {
			before := at
			g.walls(end-back+o.from, end+o.from, func(wall, _ int64) bool {
				found(wall - o.from)
				return true
			})
			if at != before || end-back+o.from <= o.onset || step.left < 0 {
				break
			}
		}
	}
	return at, true
}
