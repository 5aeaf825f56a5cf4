package translate

import (
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	_ "time/tzdata" // a host without zone files must not answer differently
)

// ianaName is the form of the names of the IANA time zone database. It keeps
// out paths, "Local", and the "posix" and "right" copies of some hosts.
var ianaName = regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$`)

// maxUnknownZones bounds how many names that are none are remembered.
const maxUnknownZones = 1_000

// zones holds name -> *time.Location, nil for names that are none. Loading a
// zone reads a file each time; those that exist are few hundred.
var (
	zones        sync.Map
	unknownZones atomic.Int32
)

// location is the zone of an IANA name, else nil.
func location(name string) *time.Location {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location)
	}
	if len(name) > 64 || !ianaName.MatchString(name) || name == "Local" {
		return nil
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		if unknownZones.Add(1) <= maxUnknownZones {
			zones.Store(name, (*time.Location)(nil))
		}
		return nil
	}
	zones.Store(name, z)
	return z
}

// localTime is the Unix second at which the clocks of a zone show a local time.
// Where they show it twice it is the first one, where they never do the offset
// before the gap counts (RFC 5545 section 3.3.5). time.Date promises neither.
func localTime(wall int64, zone *time.Location) int64 {
	if zone == time.UTC {
		return wall
	}
	offset := func(at int64) int64 {
		_, seconds := time.Unix(at, 0).In(zone).Zone()
		return int64(seconds)
	}
	before := offset(wall - day)
	early := wall - before
	if offset(early) == before {
		return early
	}
	if after := offset(wall + day); offset(wall-after) == after {
		return wall - after
	}
	return early
}

// ReadZone returns the zone that a CALDAV:calendar-timezone or CALDAV:timezone
// value (RFC 4791 sections 5.2.2 and 9.8) names: nil when its TZID is no IANA
// name, or when there is none.
func ReadZone(raw []byte) *time.Location {
	if len(raw) > MaxObject {
		return nil
	}
	inZone := false
	for s := NewScanner(raw); s.Next(); {
		l := &s.Line
		switch {
		case l.Is("BEGIN"):
			inZone = equalFold(trimBlank(l.Value()), "VTIMEZONE")
		case inZone && l.Is("TZID"):
			return location(string(trimBlank(l.Value())))
		}
	}
	return nil
}
