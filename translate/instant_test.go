package translate

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseInstant(t *testing.T) {
	for in, want := range map[string]string{
		"20261125":          "2026-11-25T00:00:00 date",
		"20261125T090001Z":  "2026-11-25T09:00:01 UTC",
		"20261125t090001z":  "2026-11-25T09:00:01 UTC",
		" 20261125T090001 ": "2026-11-25T09:00:01 floating",
		"20240229T235960Z":  "2024-02-29T23:59:59 UTC",
		"00000101T000000":   "0000-01-01T00:00:00 floating",
		"99991231T235959Z":  "9999-12-31T23:59:59 UTC",
		"20230229":          "", "20261301": "", "20260001": "", "20260132": "",
		"20261125T240000": "", "20261125T096000Z": "", "20261125T0900": "", "20261125T": "",
		"2026112": "", "2026-11-25": "", "20261125 090000": "", "20261125Z": "", "": "", "+2026112": "",
		"20261125T090000ZZ": "", "２０２６": "",
	} {
		got := ""
		if i := parseInstant([]byte(in)); i.state == known {
			kind := " floating"
			switch {
			case i.date:
				kind = " date"
			case i.zone == UTC:
				kind = " UTC"
			}
			got = time.Unix(i.wall, 0).UTC().Format("2006-01-02T15:04:05") + kind
		}
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for in, want := range map[string]duration{
		"PT15M":        {0, 900, true},
		"-PT15M":       {0, -900, true},
		"+P1DT1H1M1S":  {1, 3661, true},
		"P2W":          {14, 0, true},
		"-P1W2DT3S":    {-9, -3, true},
		"pt0s":         {0, 0, true},
		" P1D ":        {1, 0, true},
		"PT9999999S":   {0, 9999999, true},
		"PT12345678S":  {},
		"P":            {},
		"PT":           {},
		"-P5S":         {},
		"-PT1D":        {},
		"-P1H":         {},
		"P1DT":         {},
		"P1D1D":        {},
		"P1":           {},
		"PT1S1M":       {},
		"1D":           {},
		"PTT1S":        {},
		"P1DT1HT1S":    {},
		"":             {},
		"20260310":     {},
		"P-1D":         {},
		"P 1D":         {},
		"PT1H\x00":     {},
		"P1DT1H30M20S": {1, 5420, true},
	} {
		if got := parseDuration([]byte(in)); got != want && (got.ok || want.ok) {
			t.Errorf("%q: %+v, want %+v", in, got, want)
		}
	}
}

// TestLocalTime: RFC 5545 section 3.3.5, the hour that comes twice and the one
// that is left out.
func TestLocalTime(t *testing.T) {
	for _, c := range []struct{ wall, zone, want string }{
		{"20260310T100000Z", "Europe/Berlin", "20260310T090000Z"},
		{"20260710T100000Z", "Europe/Berlin", "20260710T080000Z"},
		{"20071104T013000Z", "America/New_York", "20071104T053000Z"}, // the first
		{"20071104T020000Z", "America/New_York", "20071104T070000Z"},
		{"20260329T023000Z", "Europe/Berlin", "20260329T013000Z"}, // offset before the gap
		{"20260329T020000Z", "Europe/Berlin", "20260329T010000Z"},
		{"20260329T030000Z", "Europe/Berlin", "20260329T010000Z"},
		{"20260329T015959Z", "Europe/Berlin", "20260329T005959Z"},
		{"20261025T023000Z", "Europe/Berlin", "20261025T003000Z"}, // the first
		{"20261025T030000Z", "Europe/Berlin", "20261025T020000Z"},
		{"20260405T013000Z", "Australia/Lord_Howe", "20260404T143000Z"}, // half an hour, twice
		{"20111229T120000Z", "Pacific/Apia", "20111229T220000Z"},
		{"20111231T120000Z", "Pacific/Apia", "20111230T220000Z"}, // the 30th was left out
	} {
		if got := formatUTC(location(c.zone).unix(at(c.wall, 0))); got != c.want {
			t.Errorf("%s in %s: %s, want %s", c.wall, c.zone, got, c.want)
		}
	}
}

// TestLocalTimeShowsTheClock: wherever the clock shows the local time, Zone.unix
// names the first second at which it does.
func TestLocalTimeShowsTheClock(t *testing.T) {
	names := []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia",
		"Africa/Casablanca", "America/St_Johns", "Asia/Kathmandu", "Pacific/Kiritimati", "Europe/Dublin"}
	rapid.Check(t, func(t *rapid.T) {
		zone := location(rapid.SampledFrom(names).Draw(t, "zone"))
		unix := rapid.Int64Range(at("19700101T000000Z", 0), at("20370101T000000Z", 0)).Draw(t, "unix")
		got := zone.unix(zone.wall(unix))
		if got > unix || zone.wall(got) != zone.wall(unix) {
			t.Fatalf("%s in %v became %s", formatUTC(unix), zone, formatUTC(got))
		}
	})
}

func TestLocation(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "UTC", "Etc/GMT+5", "America/Argentina/Buenos_Aires", "EST5EDT", "Asia/Ho_Chi_Minh",
		"W. Europe Standard Time", "/freeassociation.sourceforge.net/Europe/Berlin", "/citadel.org/20250101_1/America/Argentina/Ushuaia", "/UTC"} {
		if z := location(name); z == nil || z != location(name) {
			t.Errorf("%s is not found, or not kept", name)
		}
	}
	for _, name := range []string{"", "Local", "local", "../UTC", "Europe/Berlin ", "Foo/Bar", "Foo/UTC", "A/B/C/D", "Europe//Berlin", "\x00"} {
		if location(name) != nil {
			t.Errorf("%q is a zone", name)
		}
	}
}

func TestReadZone(t *testing.T) {
	zone := func(tzid string) string {
		return calendar("X-WR-TIMEZONE:Asia/Tokyo", "BEGIN:VTIMEZONE", "TZID:"+tzid, "BEGIN:STANDARD", "DTSTART:19700101T000000", "END:STANDARD", "END:VTIMEZONE")
	}
	if got := ReadZone([]byte(zone("Europe/Berlin"))); got != location("Europe/Berlin") {
		t.Errorf("got %v", got)
	}
	for _, raw := range []string{"", zone("Harbour"), calendar("TZID:Europe/Berlin"), "Europe/Berlin"} {
		if got := ReadZone([]byte(raw)); got != nil {
			t.Errorf("%q: %v", raw, got)
		}
	}
}
