package translate

import (
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "time/tzdata" // a host without zone files must not answer differently
)

// ianaName is the form of the names of the IANA time zone database. It keeps
// out paths, "Local", and the "posix" and "right" copies of some hosts.
var ianaName = regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$`)

const (
	// maxUnknownZones bounds how many names that are none are remembered.
	maxUnknownZones = 1_000
	// maxZoneName is how long a name with its vendor's prefix may be.
	maxZoneName = 256
)

// knownZones holds name -> *Zone, nil for names that are none. Loading a zone
// reads a file each time; those that exist are few hundred.
var (
	knownZones   sync.Map
	unknownZones atomic.Int32
)

// location is the zone of a name: the IANA's, one of Windows, or an IANA name
// behind a vendor's path, as in /freeassociation.sourceforge.net/Europe/Berlin
// (RFC 5545 section 3.2.19). nil: nobody knows it.
func location(name string) *Zone {
	if len(name) > maxZoneName {
		return nil
	}
	if z, ok := knownZones.Load(name); ok {
		return z.(*Zone)
	}
	zone := iana(name)
	if zone == nil {
		zone = iana(windowsZones[strings.ToLower(name)])
	}
	if zone == nil && strings.Contains(name, "/") {
		parts := strings.Split(strings.Trim(name, "/"), "/")
		for n := min(3, len(parts)); n > 0 && zone == nil; n-- {
			if n > 1 || strings.HasPrefix(name, "/") {
				zone = iana(strings.Join(parts[len(parts)-n:], "/"))
			}
		}
	}
	if zone != nil || unknownZones.Add(1) <= maxUnknownZones {
		knownZones.Store(strings.Clone(name), zone)
	}
	return zone
}

// iana loads a zone by the very name.
func iana(name string) *Zone {
	if !ianaName.MatchString(name) || name == "Local" {
		return nil
	}
	if name == "UTC" || name == "Etc/UTC" {
		return UTC
	}
	place, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	return &Zone{place: place}
}
