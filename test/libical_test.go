package test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"calgate/test/backends"
	"calgate/translate"
)

// drawRule makes a rule of any parts, most of them on their own sensible.
func drawRule(r *rand.Rand) string {
	freq := []string{"SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"}[min(6, r.IntN(11))]
	rule := "FREQ=" + freq
	if n := 1 + r.IntN(6); n > 1 {
		rule += fmt.Sprintf(";INTERVAL=%d", n)
	}
	list := func(most int, value func() string) string {
		var values []string
		for range 1 + r.IntN(most) {
			if v := value(); !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
		slices.SortFunc(values, byNumber) // libical gives them in the order of the rule
		return strings.Join(values, ",")
	}
	number := func(name string, one, of, least, most int, negative bool) {
		if r.IntN(of) >= one {
			return
		}
		rule += ";" + name + "=" + list(3, func() string {
			if n := least + r.IntN(most-least+1); negative && r.IntN(2) == 0 {
				return fmt.Sprint(-n)
			} else {
				return fmt.Sprint(n)
			}
		})
	}
	number("BYMONTH", 1, 4, 1, 12, false)
	if freq == "YEARLY" {
		number("BYWEEKNO", 1, 6, 1, 53, true)
		number("BYYEARDAY", 1, 6, 1, 366, true)
	}
	if freq != "WEEKLY" {
		number("BYMONTHDAY", 1, 4, 1, 31, true)
	}
	if r.IntN(2) == 0 {
		rule += ";BYDAY=" + list(3, func() string {
			day := []string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}[r.IntN(7)]
			if (freq == "MONTHLY" || freq == "YEARLY") && r.IntN(2) == 0 {
				return []string{"1", "2", "-1", "-2", "5", "-5"}[r.IntN(6)] + day
			}
			return day
		})
	}
	number("BYHOUR", 1, 4, 0, 23, false)
	number("BYMINUTE", 1, 4, 0, 59, false)
	number("BYSECOND", 1, 6, 0, 59, false)
	if strings.Contains(rule, "BY") {
		number("BYSETPOS", 1, 4, 1, 4, true)
	}
	return rule + ";WKST=" + []string{"MO", "SU", "WE"}[r.IntN(3)]
}

func byNumber(a, b string) int {
	m, errA := strconv.Atoi(a)
	n, errB := strconv.Atoi(b)
	if errA != nil || errB != nil {
		return strings.Compare(a, b)
	}
	return m - n
}

// libicalErrs are the rules of which libical 3.0.16 makes something else than RFC 5545 section 3.3.10, each decided by its
// text.
var libicalErrs = []struct{ rule, why string }{
	{`^FREQ=(SECONDLY|MINUTELY|HOURLY|DAILY|WEEKLY).*BYSETPOS`, "libical ignores BYSETPOS below MONTHLY; the RFC knows no such limit"},
	{`BY(HOUR|MINUTE|SECOND)=.*BYSETPOS`, "libical lets BYSETPOS choose days; the RFC counts in the set of instances, after BYHOUR, BYMINUTE and BYSECOND"},
	{`^FREQ=YEARLY(;INTERVAL=.)?(;BY(WEEKNO|YEARDAY)=[^;]*)*;BYMONTHDAY`, "libical takes BYMONTHDAY for the month of DTSTART; in the table of the RFC it expands a year"},
	{`^FREQ=YEARLY(;INTERVAL=.)?(;BYMONTH=[^;]*)?;BYWEEKNO=`, "libical takes other weeks than those of ISO 8601"},
	{`^FREQ=WEEKLY;INTERVAL=.*(WKST=(WE|SU)|BYDAY=[^;]*SU)`, "libical begins the first week elsewhere than WKST says"},
	{`BYMONTHDAY=([0-9][^;]*,-|-[^;]*,[0-9]).*BYSETPOS`, "libical counts a day twice that BYMONTHDAY names from both ends; the RFC counts in a set"},
	{`^FREQ=HOURLY.*BYHOUR=`, "libical lets BYHOUR begin the count anew, and gives DTSTART twice; the RFC lets it limit what INTERVAL gives"},
	{`^FREQ=MINUTELY.*BY(HOUR|MINUTE)=`, "the same of BYMINUTE, the first of which it misses"},
	{`^FREQ=SECONDLY.*BY(HOUR|MINUTE|SECOND)=`, "the same of BYSECOND"},
	{`^FREQ=(SECONDLY|MINUTELY|HOURLY|DAILY).*BYMONTHDAY=-`, "libical finds no days from the end of the month where BYMONTHDAY limits"},
}

// TestClientLibical compares the instances of rules with those of libical: of any parts, in local time.
func TestClientLibical(t *testing.T) {
	program := filepath.Join(t.TempDir(), "rule")
	if out, err := backends.Command(t, "gcc", "-O1", "-o", program, "clients/libical_rule.c", "-lical").CombinedOutput(); err != nil {
		backends.Missing(t, "libical is not there (apt-get install gcc libical-dev): "+string(out))
	}
	ask := converse(t, exec.Command(program))
	const form = "20060102T150405"
	seed, r := drawn()
	compared, instances, known := 0, 0, map[string]int{}
	rules := 300
	if os.Getenv("TEST_LONG") != "" {
		rules = 3000
	}
	for range rules {
		rule := drawRule(r)
		start := time.Date(1996+r.IntN(30), time.Month(1+r.IntN(12)), 1+r.IntN(31), r.IntN(24), r.IntN(60), r.IntN(60), 0, time.UTC)
		const count = 40
		line, err := ask(fmt.Sprintf("%s %s %d", rule, start.Format(form), count))
		if err != nil {
			t.Fatalf("seed %d: %v after %s", seed, err, rule)
		}
		if answer := strings.TrimSpace(line); answer == "-" || answer == "?" {
			known["libical says "+answer]++
			continue
		}
		want := strings.Fields(line)
		if len(want) == 0 || want[0] != start.Format(form) {
			want = append([]string{start.Format(form)}, want...) // DTSTART is the first instance (RFC 5545 section 3.8.5.3)
		}
		end := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
		if len(want) >= count {
			last, err := time.Parse(form, want[len(want)-1])
			if err != nil {
				t.Fatal(err)
			}
			end = last.Add(time.Second)
		}
		object := "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:u\r\nDTSTART:" + start.Format(form) + "Z\r\nRRULE:" + rule + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
		d := &translate.Data{Expand: &translate.TimeRange{Start: start.Unix(), End: end.Unix()}}
		text, err := d.Apply([]byte(object), nil)
		if err != nil {
			known["not expanded"]++
			continue
		}
		var got []string
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(strings.TrimSpace(line), "DTSTART:"); ok {
				got = append(got, strings.TrimSuffix(value, "Z"))
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if slices.Equal(got, want) {
			compared, instances = compared+1, instances+len(got)
			continue
		}
		if at := slices.IndexFunc(libicalErrs, func(e struct{ rule, why string }) bool { return regexp.MustCompile(e.rule).MatchString(rule) }); at >= 0 {
			known[libicalErrs[at].why]++
			continue
		}
		n := 0
		for n < min(len(got), len(want)) && got[n] == want[n] {
			n++
		}
		t.Errorf("seed %d: %s from %s: at %d libical has %v, calgate %v", seed, rule, start.Format(form), n, want[n:min(n+4, len(want))], got[n:min(n+4, len(got))])
	}
	if compared < rules/3 {
		t.Errorf("only %d of %d rules were compared", compared, rules)
	}
	t.Logf("seed %d: %d rules and %d instances are the same; not compared: %v", seed, compared, instances, known)
}
