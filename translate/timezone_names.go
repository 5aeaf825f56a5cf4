package translate

import (
	"regexp"
	"strings"
	"sync"
	"time"

	_ "time/tzdata" // a host without zone files must not answer differently
)

// ianaName is the form of the names of the IANA time zone database. It keeps
// out paths, "Local", and the "posix" and "right" copies of some hosts.
var ianaName = regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$`)

const (
	// maxSpellings bounds how many names of zones, and names that are none, are remembered.
	maxSpellings = 1_000
	// maxZoneName is how long a name with its vendor's prefix may be.
	maxZoneName = 256
)

// ianaZones holds name -> *Zone of the IANA's, which are few hundred: loading one reads a
// file each time.
var ianaZones sync.Map

// spellings holds what other names stand for, nil for those that are none. Anybody can make
// more of them: it is emptied when it is full.
var spellings = struct {
	sync.RWMutex
	zones map[string]*Zone
}{zones: map[string]*Zone{}}

// location is the zone of a name: the IANA's, one of Windows, or an IANA name
// behind a vendor's path, as in /freeassociation.sourceforge.net/Europe/Berlin
// (RFC 5545 section 3.2.19). nil: nobody knows it.
func location(name string) *Zone {
	if len(name) > maxZoneName {
		return nil
	}
	if z, ok := ianaZones.Load(name); ok {
		return z.(*Zone)
	}
	spellings.RLock()
	zone, ok := spellings.zones[name]
	spellings.RUnlock()
	if ok {
		return zone
	}
	if zone = iana(name); zone != nil {
		return zone
	}
	if zone = iana(windowsZones[strings.ToLower(name)]); zone == nil && strings.Contains(name, "/") {
		parts := strings.Split(strings.Trim(name, "/"), "/")
		for n := min(3, len(parts)); n > 0 && zone == nil; n-- {
			if n > 1 || strings.HasPrefix(name, "/") {
				zone = iana(strings.Join(parts[len(parts)-n:], "/"))
			}
		}
	}
	spellings.Lock()
	defer spellings.Unlock()
	if len(spellings.zones) >= maxSpellings {
		clear(spellings.zones)
	}
	spellings.zones[strings.Clone(name)] = zone
	return zone
}

// iana loads a zone by the very name.
func iana(name string) *Zone {
	if !ianaName.MatchString(name) || name == "Local" {
		return nil
	}
	if z, ok := ianaZones.Load(name); ok {
		return z.(*Zone)
	}
	zone := UTC
	if name != "UTC" && name != "Etc/UTC" {
		place, err := time.LoadLocation(name)
		if err != nil {
			return nil
		}
		zone = &Zone{place: place}
	}
	z, _ := ianaZones.LoadOrStore(strings.Clone(name), zone)
	return z.(*Zone)
}
