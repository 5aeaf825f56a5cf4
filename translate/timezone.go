package translate

import (
	"strings"
	"time"
)

// Zone is a time zone: one of the IANA's, or one that a VTIMEZONE defines.
type Zone struct {
	place *time.Location
	own   *definition // nil: place says it
	fixed int64       // the offset, which never changes, where neither does
}

// UTC is the zone of times that end in Z.
var UTC = &Zone{place: time.UTC}

// offset is how far the clocks of the zone are ahead of UTC, in seconds.
func (z *Zone) offset(unix int64) int64 {
	switch {
	case z == UTC:
		return 0
	case z.own != nil:
		return z.own.offset(unix)
	case z.place == nil:
		return z.fixed
	}
	_, seconds := time.Unix(unix, 0).In(z.place).Zone()
	return int64(seconds)
}

// period is the offset at a Unix second, between which Unix seconds it is the same
// at least, and how many steps it takes to find out.
func (z *Zone) period(unix int64) (from, to, offset int64, cost int) {
	switch {
	case z == UTC:
		return openStart, openEnd, 0, 0
	case z.own != nil:
		return z.own.period(unix)
	case z.place == nil:
		return openStart, openEnd, z.fixed, 0
	}
	at := time.Unix(unix, 0).In(z.place)
	_, seconds := at.Zone()
	from, to = openStart, openEnd
	start, end := at.ZoneBounds()
	if !start.IsZero() {
		from = start.Unix()
	}
	if !end.IsZero() {
		to = end.Unix()
	}
	return from, to, int64(seconds), 0
}

// clock is a zone that is asked about times that are close to each other.
type clock struct {
	zone             *Zone
	from, to, offset int64 // Unix seconds between which the offset is known
}

// unix is Zone.unix. cost is the steps that it takes.
func (c *clock) unix(wall int64) (unix int64, cost int) {
	if c.zone == UTC {
		return wall, 0
	}
	unix = wall - c.offset
	// Zone.unix asks for the offsets of one day before and behind by local time.
	const near = 2 * day
	if unix-near < c.from || unix+near >= c.to {
		unix = c.zone.unix(wall)
		c.from, c.to, c.offset, cost = c.zone.period(unix)
	}
	return unix, cost
}

// wall is what the clocks of the zone show at a Unix second, as Unix seconds as
// if it were UTC.
func (z *Zone) wall(unix int64) int64 { return unix + z.offset(unix) }

// unix is the Unix second at which the clocks of the zone show a local time.
// Where they show it twice it is the first one, where they never do the offset
// before the gap counts (RFC 5545 section 3.3.5). time.Date promises neither.
func (z *Zone) unix(wall int64) int64 {
	if z == UTC {
		return wall
	}
	before := z.offset(wall - day)
	early := wall - before
	if z.offset(early) == before {
		return early
	}
	if after := z.offset(wall + day); z.offset(wall-after) == after {
		return wall - after
	}
	return early
}

// ReadZone returns the zone of a CALDAV:calendar-timezone or CALDAV:timezone
// value (RFC 4791 sections 5.2.2 and 9.8): what its first VTIMEZONE defines, else
// what that names. nil when there is none.
func ReadZone(raw []byte) *Zone {
	if len(raw) > MaxObject {
		return nil
	}
	z := zones{raw: raw}
	z.scan()
	if z.first == "" {
		return nil
	}
	return z.find([]byte(z.first))
}

// ValidTimezone tells whether text is an iCalendar object with exactly one VTIMEZONE in
// it, as CALDAV:calendar-timezone and CALDAV:timezone must be (RFC 4791 sections 5.2.2
// and 9.8).
func ValidTimezone(text []byte) bool {
	if len(text) > MaxObject {
		return false
	}
	var open []string
	zones, named, ended := 0, 0, false
	for s := NewScanner(text); s.Next(); {
		l := &s.Line
		switch {
		case l.Err != nil || ended:
			return false
		case l.Is("BEGIN"):
			name := componentName(trimBlank(l.Value()))
			if len(open) == 0 && name != "VCALENDAR" || len(open) >= MaxDepth {
				return false
			}
			if open = append(open, name); name == "VTIMEZONE" {
				zones++
			}
		case l.Is("END"):
			if len(open) == 0 || !equalFold(trimBlank(l.Value()), open[len(open)-1]) {
				return false
			}
			open = open[:len(open)-1]
			ended = len(open) == 0
		case len(open) == 0:
			return false
		case l.Is("TZID") && len(open) == 2 && open[1] == "VTIMEZONE":
			named++
		}
	}
	return ended && zones == 1 && named == 1
}

// zones resolves the TZIDs of one iCalendar text. Own definitions come first,
// whatever they are called (RFC 5545 section 3.2.19).
type zones struct {
	raw     []byte
	scanned bool
	first   string            // TZID of the first VTIMEZONE
	own     map[string]octets // of the VTIMEZONEs, by TZID without blanks around
	found   map[string]*Zone

	lastName string
	last     *Zone

	rule *rule // where a rule is read
}

// room is where a rule is read that is not kept.
func (z *zones) room() *rule {
	if z.rule == nil {
		z.rule = new(rule)
	}
	return z.rule
}

// octets is a range of a text.
type octets struct{ start, end int }

// of returns the zone that a line says with TZID; nil for one that nobody knows.
func (z *zones) of(l *Line) (zone *Zone, ok bool) {
	tzid, ok := l.param("TZID")
	if !ok {
		return nil, false
	}
	return z.find(tzid), true
}

// find returns the zone of a TZID; nil for one that nobody knows.
func (z *zones) find(tzid []byte) *Zone {
	if string(tzid) == z.lastName && len(tzid) > 0 {
		return z.last
	}
	text := string(tzid)
	name := strings.Trim(text, " \t\r\n")
	zone, ok := z.found[name]
	if !ok {
		zone = z.look(name)
	}
	z.lastName, z.last = text, zone
	return zone
}

func (z *zones) look(name string) *Zone {
	if name == "" {
		return nil
	}
	if !z.scanned {
		z.scan()
	}
	var zone *Zone
	if at, ok := z.own[name]; ok {
		zone = readDefinition(z.raw[at.start:at.end])
	}
	if zone == nil {
		zone = location(name)
	}
	if z.found == nil {
		z.found = map[string]*Zone{}
	}
	z.found[name] = zone
	return zone
}

// scan finds the VTIMEZONEs, wherever they stand.
func (z *zones) scan() {
	z.scanned = true
	depth, start, tzid := 0, 0, "" // depth counts inside a VTIMEZONE
	for s := NewScanner(z.raw); s.Next(); {
		l := &s.Line
		switch {
		case l.Is("BEGIN"):
			if depth > 0 {
				depth++
			} else if equalFold(trimBlank(l.Value()), "VTIMEZONE") {
				depth, start, tzid = 1, l.Start, ""
			}
		case depth == 0:
		case l.Is("END"):
			if depth--; depth == 0 {
				z.add(tzid, octets{start, l.End})
			}
		case depth == 1 && l.Is("TZID") && tzid == "":
			tzid = string(trimBlank(l.Value()))
		}
	}
}

func (z *zones) add(tzid string, at octets) {
	if _, ok := z.own[tzid]; ok || tzid == "" {
		return
	}
	if z.own == nil {
		z.own, z.first = map[string]octets{}, tzid
	}
	z.own[tzid] = at
}
