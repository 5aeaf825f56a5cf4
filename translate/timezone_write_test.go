package translate

import (
	"strings"
	"testing"
	"time"
)

// TestZoneDefinition: what is written of a zone is that zone, at any hour of the years that it speaks of.
func TestZoneDefinition(t *testing.T) {
	for _, id := range []string{"UTC", "Europe/Berlin", "Europe/London", "Europe/Dublin", "America/New_York", "America/Sao_Paulo", "America/Caracas",
		"America/Nuuk", "America/Santiago", "Asia/Kolkata", "Asia/Jerusalem", "Asia/Tehran", "Asia/Gaza", "Asia/Pyongyang", "Australia/Sydney",
		"Australia/Lord_Howe", "Africa/Casablanca", "Africa/Cairo", "Africa/Monrovia", "Pacific/Apia", "Pacific/Chatham", "Pacific/Kiritimati", "Antarctica/Troll",
		"Etc/GMT+5", "Europe/Moscow", "America/Argentina/Buenos_Aires", "America/Indiana/Indianapolis", "Asia/Beirut", "America/Havana"} {
		text, ok := ZoneDefinition(id)
		if !ok || len(text) > maxKeptDefinition {
			t.Errorf("%s: %d octets, %v", id, len(text), ok)
			continue
		}
		if got := ZoneID(text); got != id {
			t.Errorf("%s is read as %q", id, got)
		}
		zone := ReadZone([]byte(strings.Replace(string(text), "TZID:"+id, "TZID:own", 1))) // by the definition, not by the name
		place, err := time.LoadLocation(id)
		if zone == nil || err != nil {
			t.Errorf("%s cannot be read: %v\n%s", id, err, text)
			continue
		}
		wrong := 0
		for at := time.Date(1970, 1, 2, 0, 30, 0, 0, time.UTC); at.Year() < 2038 && wrong < 3; at = at.Add(time.Duration(longer(31, 7)) * time.Hour) {
			if _, want := at.In(place).Zone(); zone.offset(at.Unix()) != int64(want) {
				t.Errorf("%s at %v: offset %d, want %d\n%s", id, at, zone.offset(at.Unix()), want, text)
				wrong = 3
			}
		}
		for _, line := range strings.Split(strings.TrimSuffix(string(text), "\r\n"), "\r\n") {
			if len(line) > 75 {
				t.Errorf("%s: a line of %d octets", id, len(line))
			}
		}
	}
	for _, id := range []string{"", "Local", "Europe/Atlantis", "../etc/passwd", "W. Europe Standard Time"} {
		if _, ok := ZoneDefinition(id); ok {
			t.Errorf("%q is defined", id)
		}
	}
	for text, want := range map[string]string{
		"BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nTZID:W. Europe Standard Time\r\nEND:VTIMEZONE\r\nEND:VCALENDAR\r\n": "Europe/Berlin",
		"BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nTZID:/example.org/Asia/Tokyo\r\nEND:VTIMEZONE\r\nEND:VCALENDAR\r\n": "Asia/Tokyo",
		"BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nTZID:My zone\r\nEND:VTIMEZONE\r\nEND:VCALENDAR\r\n":                 "",
		"none": "",
	} {
		if got := ZoneID([]byte(text)); got != want {
			t.Errorf("%q is %q", text, got)
		}
	}
}
