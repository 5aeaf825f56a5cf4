package test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"calgate/test/backends"
	"calgate/translate"

	"github.com/google/go-cmp/cmp"
)

// drawSeries makes an object of the domain in which dateutil is right. Left out is, each decided by RFC 5545 section
// 3.3.10: BYWEEKNO without BYDAY (dateutil takes all days of the week, the RFC that of DTSTART), numbers in BYDAY next to
// BYMONTHDAY, days with and without a number in one BYDAY (it wants both), BYSETPOS in weeks (it counts from DTSTART in
// the first one), hours and minutes in zones that change (it works on local time, so that hours vanish or double), and
// what begins twice or never (it has a zone's rules only as far as its own files go, and its fold rule is another one).
func drawSeries(r *rand.Rand, start time.Time) string {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	zone := pick("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "date")
	moment := func(name string, at time.Time) string {
		switch zone {
		case "date":
			return name + ";VALUE=DATE:" + at.Format("20060102")
		case "UTC":
			return name + ":" + at.Format("20060102T150405Z")
		}
		return name + ";TZID=" + zone + ":" + at.Format("20060102T150405")
	}
	numbers := func(least, most int, negative bool) string {
		var list []string
		for range 1 + r.IntN(3) {
			n := least + r.IntN(most-least+1)
			if negative && r.IntN(2) == 0 {
				n = -n
			}
			if s := fmt.Sprint(n); !slices.Contains(list, s) {
				list = append(list, s)
			}
		}
		return strings.Join(list, ",")
	}
	freq := pick("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
	if zone == "UTC" {
		freq = pick(freq, freq, freq, "HOURLY")
	}
	rule := "RRULE:FREQ=" + freq + ";INTERVAL=" + fmt.Sprint(1+r.IntN(6)) + ";WKST=" + pick("MO", "SU", "WE")
	dates := false
	if r.IntN(3) == 0 {
		rule += ";BYMONTH=" + numbers(1, 12, false)
	}
	if r.IntN(3) == 0 && freq != "WEEKLY" {
		rule, dates = rule+";BYMONTHDAY="+numbers(1, 31, true), true
	}
	if r.IntN(4) == 0 && freq == "YEARLY" {
		rule, dates = rule+";BYYEARDAY="+numbers(1, 366, true), true
	}
	if weeks := r.IntN(4) == 0 && freq == "YEARLY"; weeks || r.IntN(2) == 0 {
		n := ""
		if weeks {
			rule += ";BYWEEKNO=" + numbers(1, 53, true)
		} else if (freq == "MONTHLY" || freq == "YEARLY") && !dates {
			n = pick("", "1", "2", "-1", "-2", "5")
		}
		rule += ";BYDAY=" + n + pick("MO", "TU") + "," + n + pick("FR", "SA", "SU")
	}
	if zone != "date" {
		if r.IntN(3) == 0 {
			rule += ";BYHOUR=" + numbers(4, 10, false)
		}
		if r.IntN(3) == 0 {
			rule += ";BYMINUTE=" + numbers(0, 59, false)
		}
	}
	if r.IntN(4) == 0 && freq != "WEEKLY" && freq != "HOURLY" && freq != "MINUTELY" {
		rule += ";BYSETPOS=" + numbers(1, 4, true)
	}
	// Most have an end: dateutil goes on for long, hour by hour.
	until := start.AddDate(r.IntN(4), r.IntN(12), r.IntN(30))
	if freq == "HOURLY" {
		until = start.AddDate(0, 0, r.IntN(40))
	}
	if r.IntN(3) == 0 && !strings.Contains(rule, "BY") {
		rule += fmt.Sprintf(";COUNT=%d", 1+r.IntN(40))
	} else {
		rule += ";UNTIL=" + until.Format("20060102")
		if zone != "date" {
			rule += "T000000Z"
		}
	}
	lines := []string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "BEGIN:VEVENT", "UID:u", "DTSTAMP:20260101T000000Z", moment("DTSTART", start), rule}
	if r.IntN(6) == 0 {
		lines = append(lines, "RRULE:FREQ=WEEKLY;COUNT=5;BYDAY=WE,TH")
	}
	days := func() time.Time { return start.AddDate(0, 0, r.IntN(100)) }
	for range r.IntN(3) {
		lines = append(lines, moment(pick("RDATE", "EXDATE"), days()))
	}
	lines = append(lines, "END:VEVENT")
	if id := days(); r.IntN(3) == 0 {
		lines = append(lines, "BEGIN:VEVENT", "UID:u", "DTSTAMP:20260101T000000Z", moment("RECURRENCE-ID", id), moment("DTSTART", id.AddDate(0, 0, 1).Add(time.Hour)), "END:VEVENT")
	}
	return strings.Join(append(lines, "END:VCALENDAR"), "\r\n") + "\r\n"
}

// TestClientDateutil compares expansions with those of icalendar and dateutil.
func TestClientDateutil(t *testing.T) {
	python := "/usr/bin/python3"
	if err := backends.Command(t, python, "-c", "import icalendar, dateutil").Run(); err != nil {
		backends.Missing(t, "icalendar and dateutil are not there (apt-get install python3-icalendar python3-dateutil)")
	}
	ask := converse(t, exec.Command(python, "clients/python_expand.py"))
	seed, r := drawn()
	compared, instances := 0, 0
	objects := 150
	if os.Getenv("TEST_LONG") != "" {
		objects = 2000
	}
	for i := range objects {
		// From four to eleven o'clock no zone changes.
		start := time.Date(2000+r.IntN(20), time.Month(1+r.IntN(12)), 1+r.IntN(31), 4+r.IntN(7), r.IntN(60), 0, 0, time.UTC)
		object := drawSeries(r, start)
		from := start.AddDate(0, r.IntN(20)-1, 0).Truncate(24 * time.Hour)
		to := from.AddDate(0, 6, 0)
		const form = "20060102T150405Z"
		asked, err := json.Marshal(map[string]string{"object": object, "from": from.Format(form), "to": to.Format(form)})
		if err != nil {
			t.Fatal(err)
		}
		line, err := ask(string(asked))
		if err != nil {
			t.Fatalf("seed %d, object %d: %v\n%s", seed, i, err, object)
		}
		var want []string
		if err := json.Unmarshal([]byte(line), &want); err != nil {
			t.Fatal(err)
		}
		if want == nil {
			continue
		}
		d := &translate.Data{Expand: &translate.TimeRange{Start: from.Unix(), End: to.Unix()}}
		text, err := d.Apply([]byte(object), nil)
		if err != nil && len(want) > translate.MaxInstances {
			continue
		}
		if err != nil {
			t.Fatalf("seed %d, object %d: %v\n%s", seed, i, err, object)
		}
		got := []string{}
		for line := range strings.Lines(string(text)) {
			if name, value, _ := strings.Cut(strings.TrimSpace(line), ":"); name == "DTSTART" || name == "DTSTART;VALUE=DATE" {
				got = append(got, value)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d, object %d in %v: (-dateutil +calgate)\n%s\n%s", seed, i, from, object, diff)
		}
		compared, instances = compared+1, instances+len(got)
	}
	if compared < objects/3 {
		t.Errorf("only %d objects were compared", compared)
	}
	t.Logf("seed %d: %d objects, %d instances", seed, compared, instances)
}
