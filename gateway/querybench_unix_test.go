//go:build unix

package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkQueryOfOneWeek is a calendar-query of one week over 10,000 objects, a tenth
// of which recur, whole but for HTTP's own reading and writing: login, look at the mail
// server, filter, bodies, answer. cpu-ns/op is the processor time of the process, the
// embedded mail server included.
func BenchmarkQueryOfOneWeek(b *testing.B) {
	const n = 10_000
	r := newRig(b)
	begin := time.Date(2020, 1, 1, 9, 0, 0, 0, time.UTC)
	var feed strings.Builder
	feed.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n")
	for i := range n {
		start := begin.Add(time.Duration(i) * 6 * time.Hour)
		rule := ""
		if i%10 == 0 {
			rule = "\r\nRRULE:FREQ=WEEKLY;COUNT=20"
		}
		fmt.Fprintf(&feed, "BEGIN:VEVENT\r\nUID:u%d\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;TZID=Europe/Berlin:%s\r\nDURATION:PT1H%s\r\nSUMMARY:Meeting %d\r\nEND:VEVENT\r\n",
			i, start.Format("20060102T150405"), rule, i)
	}
	feed.WriteString("END:VCALENDAR\r\n")
	r.want(201, "PUT", "/CalendarDataDel/Calendar.ics", feed.String())
	from := begin.AddDate(3, 0, 0).Format("20060102T150405Z")
	to := begin.AddDate(3, 0, 7).Format("20060102T150405Z")
	body := queryOf(inEvent(`<C:time-range start="` + from + `" end="` + to + `"/>`))
	matches := 0
	ask := func() {
		q := httptest.NewRequest("REPORT", "/CalDAV/Calendar/", strings.NewReader(body))
		q.SetBasicAuth(r.user, r.password)
		q.Header.Set("Depth", "1")
		w := httptest.NewRecorder()
		r.server.Config.Handler.ServeHTTP(w, q)
		if w.Code != http.StatusMultiStatus {
			b.Fatal(w.Code, w.Body)
		}
		matches = strings.Count(w.Body.String(), "<D:response>")
	}
	ask()
	ask()
	b.ReportAllocs()
	count, before := 0, spent(b)
	for b.Loop() {
		ask()
		count++
	}
	b.ReportMetric(float64(spent(b)-before)/float64(count), "cpu-ns/op")
	b.ReportMetric(float64(matches), "matches")
}

// spent is the processor time of the process so far, in nanoseconds.
func spent(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
