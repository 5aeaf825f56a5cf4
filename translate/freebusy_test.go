package translate

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFreeBusy(t *testing.T) {
	f := NewFreeBusy(span("20060104T140000Z", "20060105T220000Z"))
	for _, raw := range []string{
		recurring,
		event("DTSTART:20060104T150000Z", "DTEND:20060104T160000Z", "STATUS:TENTATIVE"),
		event("DTSTART:20060104T153000Z", "DTEND:20060104T154000Z"),
		event("DTSTART:20060104T100000Z", "DTEND:20060104T143000Z"),
		event("DTSTART:20060105T100000Z", "DTEND:20060105T113000Z", "TRANSP:TRANSPARENT"),
		event("DTSTART:20060105T100000Z", "DTEND:20060105T113000Z", "STATUS:CANCELLED"),
		event("DTSTART:20060105T100000Z"),
		calendar("BEGIN:VTODO", "UID:u", "DTSTART:20060105T100000Z", "DUE:20060105T110000Z", "END:VTODO"),
		calendar("BEGIN:VFREEBUSY", "UID:u", "FREEBUSY;FBTYPE=FREE:20060105T120000Z/PT1H", "FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20060105T200000Z/P1D", "END:VFREEBUSY"),
	} {
		f.Add([]byte(raw), nil)
	}
	got := string(f.Calendar(time.Unix(at("20060201T000000Z", 0), 0)))
	want := text("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:"+productID, "BEGIN:VFREEBUSY",
		"UID:20060104T140000Z-20060105T220000Z@freebusy.invalid", "DTSTAMP:20060201T000000Z", "DTSTART:20060104T140000Z", "DTEND:20060105T220000Z",
		"FREEBUSY;FBTYPE=BUSY:20060104T140000Z/20060104T143000Z",
		"FREEBUSY;FBTYPE=BUSY-TENTATIVE:20060104T150000Z/20060104T153000Z",
		"FREEBUSY;FBTYPE=BUSY:20060104T153000Z/20060104T154000Z",
		"FREEBUSY;FBTYPE=BUSY-TENTATIVE:20060104T154000Z/20060104T160000Z",
		"FREEBUSY;FBTYPE=BUSY:20060104T190000Z/20060104T200000Z",
		"FREEBUSY;FBTYPE=BUSY:20060105T170000Z/20060105T180000Z",
		"FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20060105T200000Z/20060105T220000Z",
		"END:VFREEBUSY", "END:VCALENDAR")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := string(NewFreeBusy(TimeRange{openStart, at("20260712T000000Z", 0)}).Calendar(time.Unix(0, 0))); !strings.Contains(got, "\r\nDTSTART:"+MinDateTime+"\r\n") {
		t.Errorf("without a start: %s", got)
	}
	day := NewFreeBusy(span("20260709T000000Z", "20260712T000000Z"))
	day.Add([]byte(event("DTSTART;VALUE=DATE:20260710")), location("Europe/Berlin"))
	if got := string(day.Calendar(time.Unix(0, 0))); !strings.Contains(got, "BUSY:20260709T220000Z/20260710T220000Z") {
		t.Errorf("a day in Berlin: %s", got)
	}
}

// TestFreeBusyOfWhatCannotBeListed: what may be busy is told as that, where it may be, and
// the others are told as ever.
func TestFreeBusyOfWhatCannotBeListed(t *testing.T) {
	const start = "DTSTART:20260710T100000Z "
	for lines, tentative := range map[string]string{
		start + "DURATION:PT1H RRULE:RSCALE=CHINESE;FREQ=YEARLY":                      "20260710T110000Z/20260713T000000Z",
		start + "DURATION:PT1H RRULE:FREQ=SECONDLY;BYSETPOS=2":                        "20260710T110000Z/20260713T000000Z",
		start + "DURATION:PT1H RRULE:FREQ=SECONDLY;BYSETPOS=2;UNTIL=20260711T000000Z": "20260710T110000Z/20260711T010000Z",
		start + "DURATION:PT1H RRULE:RSCALE=HEBREW;FREQ=DAILY TRANSP:TRANSPARENT":     "",
		start + "DURATION:PT1H RRULE:FREQ=MINUTELY;INTERVAL=1 STATUS:CANCELLED":       "",
		start + "DURATION:PT1H RRULE:FREQ=FORTNIGHTLY EXDATE:20260710T100000Z":        "20260710T100000Z/20260713T000000Z",
		start + "DTEND:noon":                                           "20260710T100000Z/20260713T000000Z",
		start + "DURATION:1 RRULE:FREQ=DAILY;COUNT=2":                  "20260710T100000Z/20260713T000000Z",
		"DTSTART:20260601T100000Z DTEND:noon RRULE:FREQ=DAILY;COUNT=2": "20260709T110000Z/20260713T000000Z",
		start + "DTEND:noon TRANSP:TRANSPARENT":                        "",
		start + "RECURRENCE-ID:20260710T090000Z DTEND:noon":            "20260710T100000Z/20260713T000000Z",
		"DTSTART:20260710T25 DURATION:PT1H":                            "20260709T110000Z/20260713T000000Z",
		"SUMMARY:x":                                                    "",
		start + "DTEND:20260710T110000Z":                               "",
	} {
		f := NewFreeBusy(span("20260709T000000Z", "20260713T000000Z"))
		raw := one("VEVENT", lines)
		f.Add([]byte(raw), nil)
		f.Add([]byte(event("DTSTART:20260709T100000Z", "DURATION:PT1H")), nil)
		got := string(f.Calendar(time.Unix(0, 0)))
		if !strings.Contains(got, "FBTYPE=BUSY:20260709T100000Z/20260709T110000Z\r\n") {
			t.Errorf("%s hides another event: %s", lines, got)
		}
		if tentative == "" && strings.Contains(got, "TENTATIVE") || tentative != "" && !strings.Contains(got, "FBTYPE=BUSY-TENTATIVE:"+tentative+"\r\n") {
			t.Errorf("%s: %s", lines, got)
		}
		within := within("VEVENT", span("20260712T000000Z", "20260712T000001Z"))
		if tentative != "" && strings.HasSuffix(tentative, "20260713T000000Z") && !within.Match(parse(t, raw)) {
			t.Errorf("%s: tentative, and does not match", lines)
		}
	}
}
