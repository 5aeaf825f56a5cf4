package translate

import (
	"slices"
	"strings"
	"sync"
	"time"

	_ "time/tzdata" // a host without zone files must not answer differently
)

const (
	// maxSpellings bounds how many other names of zones are remembered.
	maxSpellings = 1_000
	// maxZoneName is how long a name with its vendor's prefix may be.
	maxZoneName = 256
)

// ianaZones holds name -> *Zone of the IANA's, which are few hundred: loading one reads a
// file each time.
var ianaZones sync.Map

// spellings holds what other names stand for. Anybody can make more of them: it is emptied
// when it is full.
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
	if zone = iana(windowsZone(name)); zone == nil && strings.Contains(name, "/") {
		zone = lastParts(name)
	}
	if zone == nil {
		return nil
	}
	spellings.Lock()
	defer spellings.Unlock()
	if len(spellings.zones) >= maxSpellings {
		clear(spellings.zones)
	}
	spellings.zones[strings.Clone(name)] = zone
	return zone
}

// windowsZone is windowsZones of a name in any case.
func windowsZone(name string) string {
	var lower [64]byte
	if len(name) > len(lower) {
		return ""
	}
	for i := range lower[:copy(lower[:], name)] {
		if c := lower[i]; 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	return windowsZones[string(lower[:len(name)])]
}

// lastParts is the zone that the last three parts of a path are the name of, or two of them;
// or the last one, of a path that begins with "/".
func lastParts(name string) *Zone {
	path := strings.Trim(name, "/")
	var from [3]int // where the last part begins, the last two, the last three
	n := 0
	for end := len(path); n < len(from); n++ {
		end = strings.LastIndexByte(path[:end], '/')
		if from[n] = end + 1; end < 0 {
			n++
			break
		}
	}
	for ; n > 0; n-- {
		if n > 1 || strings.HasPrefix(name, "/") {
			if zone := iana(path[from[n-1]:]); zone != nil {
				return zone
			}
		}
	}
	return nil
}

// iana loads a zone by the very name. A name that is none is not looked for: that may
// take eighty kilobytes, and a host would have what another one lacks.
func iana(name string) *Zone {
	if _, ok := slices.BinarySearch(ianaNames, name); !ok {
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
