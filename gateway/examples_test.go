package gateway

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The calendar of RFC 4791 appendix B, by the last digit of the names abcd1.ics to abcd8.ics.
func appendixB(n int) string {
	const eastern = "BEGIN:VTIMEZONE\nLAST-MODIFIED:20040110T032845Z\nTZID:US/Eastern\n" +
		"BEGIN:DAYLIGHT\nDTSTART:20000404T020000\nRRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=4\nTZNAME:EDT\nTZOFFSETFROM:-0500\nTZOFFSETTO:-0400\nEND:DAYLIGHT\n" +
		"BEGIN:STANDARD\nDTSTART:20001026T020000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nTZNAME:EST\nTZOFFSETFROM:-0400\nTZOFFSETTO:-0500\nEND:STANDARD\nEND:VTIMEZONE\n"
	const alarm = "BEGIN:VALARM\nACTION:AUDIO\nTRIGGER;RELATED=START:-PT10M\nEND:VALARM\n"
	instance := func(lines string) string {
		return "BEGIN:VEVENT\nDTSTAMP:20060206T001121Z\n" + lines + "UID:00959BC664CA650E933C892C@example.com\nEND:VEVENT\n"
	}
	body := []string{
		eastern + "BEGIN:VEVENT\nDTSTAMP:20060206T001102Z\nDTSTART;TZID=US/Eastern:20060102T100000\nDURATION:PT1H\nSUMMARY:Event #1\nDescription:Go Steelers!\nUID:74855313FA803DA593CD579A@example.com\nEND:VEVENT\n",
		eastern + instance("DTSTART;TZID=US/Eastern:20060102T120000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=5\nSUMMARY:Event #2\n") +
			instance("DTSTART;TZID=US/Eastern:20060104T140000\nDURATION:PT1H\nRECURRENCE-ID;TZID=US/Eastern:20060104T120000\nSUMMARY:Event #2 bis\n") +
			instance("DTSTART;TZID=US/Eastern:20060106T140000\nDURATION:PT1H\nRECURRENCE-ID;TZID=US/Eastern:20060106T120000\nSUMMARY:Event #2 bis bis\n"),
		eastern + "BEGIN:VEVENT\nATTENDEE;PARTSTAT=ACCEPTED;ROLE=CHAIR:mailto:cyrus@example.com\nATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:lisa@example.com\nDTSTAMP:20060206T001220Z\nDTSTART;TZID=US/Eastern:20060104T100000\nDURATION:PT1H\n" +
			"LAST-MODIFIED:20060206T001330Z\nORGANIZER:mailto:cyrus@example.com\nSEQUENCE:1\nSTATUS:TENTATIVE\nSUMMARY:Event #3\nUID:DC6C50A017428C5216A2F1CD@example.com\nX-ABC-GUID:E1CX5Dr-0007ym-Hz@example.com\nEND:VEVENT\n",
		"BEGIN:VTODO\nDTSTAMP:20060205T235335Z\nDUE;VALUE=DATE:20060104\nSTATUS:NEEDS-ACTION\nSUMMARY:Task #1\nUID:DDDEEB7915FA61233B861457@example.com\n" + alarm + "END:VTODO\n",
		"BEGIN:VTODO\nDTSTAMP:20060205T235300Z\nDUE;VALUE=DATE:20060106\nLAST-MODIFIED:20060205T235308Z\nSEQUENCE:1\nSTATUS:NEEDS-ACTION\nSUMMARY:Task #2\nUID:E10BA47467C5C69BB74E8720@example.com\n" + alarm + "END:VTODO\n",
		"BEGIN:VTODO\nCOMPLETED:20051223T122322Z\nDTSTAMP:20060205T235400Z\nDUE;VALUE=DATE:20051225\nLAST-MODIFIED:20060205T235308Z\nSEQUENCE:1\nSTATUS:COMPLETED\nSUMMARY:Task #3\nUID:E10BA47467C5C69BB74E8722@example.com\n" + alarm + "END:VTODO\n",
		"BEGIN:VTODO\nDTSTAMP:20060205T235600Z\nDUE;VALUE=DATE:20060101\nLAST-MODIFIED:20060205T235308Z\nSEQUENCE:1\nSTATUS:CANCELLED\nSUMMARY:Task #4\nUID:E10BA47467C5C69BB74E8725@example.com\n" + alarm + "END:VTODO\n",
		"BEGIN:VFREEBUSY\nORGANIZER;CN=\"Bernard Desruisseaux\":mailto:bernard@example.com\nUID:76ef34-54a3d2@example.com\nDTSTAMP:20050530T123421Z\nDTSTART:20060101T000000Z\nDTEND:20060108T000000Z\nFREEBUSY:20050531T230000Z/20050601T010000Z\n" +
			"FREEBUSY;FBTYPE=BUSY-TENTATIVE:20060102T100000Z/20060102T120000Z\nFREEBUSY:20060103T100000Z/20060103T120000Z\nFREEBUSY:20060104T100000Z/20060104T120000Z\n" +
			"FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20060105T100000Z/20060105T120000Z\nFREEBUSY:20060106T100000Z/20060106T120000Z\nEND:VFREEBUSY\n",
	}[n-1]
	return strings.ReplaceAll("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Example Corp.//CalDAV Client//EN\n"+body+"END:VCALENDAR\n", "\n", "\r\n")
}

func abcd(n int) string { return fmt.Sprintf("/CalDAV/Calendar/abcd%d.ics", n) }

// TestExamples holds the examples of RFC 4791 sections 7.8.1 to 7.8.10, 7.9.1 and 7.10.1 on the calendar of its appendix B.
func TestExamples(t *testing.T) {
	r := newRig(t)
	for n := 1; n <= 8; n++ {
		r.want(201, "PUT", abcd(n), appendixB(n))
	}
	query := func(data, filter string) listed {
		return r.ask("REPORT", "/CalDAV/Calendar/", element("C:calendar-query", "<D:prop><D:getetag/>"+data+`</D:prop><C:filter><C:comp-filter name="VCALENDAR">`+filter+`</C:comp-filter></C:filter>`), "Depth: 1")
	}
	in := func(component, start, end, more string) string {
		return fmt.Sprintf(`<C:comp-filter name=%q><C:time-range start=%q end=%q/>%s</C:comp-filter>`, component, start, end, more)
	}
	prop := func(component, props string) string {
		return `<C:comp-filter name="` + component + `">` + props + `</C:comp-filter>`
	}
	data := caldav("calendar-data")
	lines := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	without := func(s string, names ...string) string {
		var kept []string
		for _, l := range strings.SplitAfter(s, "\r\n") {
			name, _, _ := strings.Cut(l, ":")
			name, _, _ = strings.Cut(name, ";")
			if !strings.Contains(" "+strings.Join(names, " ")+" ", " "+name+" ") {
				kept = append(kept, l)
			}
		}
		return strings.Join(kept, "")
	}
	bisBis := strings.LastIndex(appendixB(2), "BEGIN:VEVENT")
	for name, c := range map[string]struct {
		data, filter string
		want         map[int]string // "": not compared
	}{
		"7.8.1": {`<C:calendar-data><C:comp name="VCALENDAR"><C:prop name="VERSION"/><C:comp name="VEVENT"><C:prop name="SUMMARY"/><C:prop name="UID"/><C:prop name="DTSTART"/><C:prop name="DTEND"/>` +
			`<C:prop name="DURATION"/><C:prop name="RRULE"/><C:prop name="RDATE"/><C:prop name="EXRULE"/><C:prop name="EXDATE"/><C:prop name="RECURRENCE-ID"/></C:comp><C:comp name="VTIMEZONE"/></C:comp></C:calendar-data>`,
			in("VEVENT", "20060104T000000Z", "20060105T000000Z", ""), map[int]string{
				2: without(appendixB(2), "PRODID", "DTSTAMP"),
				3: without(strings.Replace(appendixB(3), "LAST-MODIFIED:20060206T001330Z\r\n", "", 1), "PRODID", "DTSTAMP", "ATTENDEE", "ORGANIZER", "SEQUENCE", "STATUS", "X-ABC-GUID")}},
		"7.8.2": {`<C:calendar-data><C:limit-recurrence-set start="20060103T000000Z" end="20060105T000000Z"/></C:calendar-data>`,
			in("VEVENT", "20060103T000000Z", "20060105T000000Z", ""), map[int]string{2: appendixB(2)[:bisBis] + "END:VCALENDAR\r\n", 3: appendixB(3)}},
		"7.8.3": {`<C:calendar-data><C:expand start="20060103T000000Z" end="20060105T000000Z"/></C:calendar-data>`,
			in("VEVENT", "20060103T000000Z", "20060105T000000Z", ""), map[int]string{
				2: lines("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Example Corp.//CalDAV Client//EN\n" +
					"BEGIN:VEVENT\nRECURRENCE-ID:20060103T170000Z\nDTSTAMP:20060206T001121Z\nDTSTART:20060103T170000Z\nDURATION:PT1H\nSUMMARY:Event #2\nUID:00959BC664CA650E933C892C@example.com\nEND:VEVENT\n" +
					"BEGIN:VEVENT\nRECURRENCE-ID:20060104T170000Z\nDTSTAMP:20060206T001121Z\nDTSTART:20060104T190000Z\nDURATION:PT1H\nSUMMARY:Event #2 bis\nUID:00959BC664CA650E933C892C@example.com\nEND:VEVENT\nEND:VCALENDAR\n"),
				3: strings.Replace(appendixB(3)[:strings.Index(appendixB(3), "BEGIN:VTIMEZONE")]+appendixB(3)[strings.Index(appendixB(3), "BEGIN:VEVENT"):], "DTSTART;TZID=US/Eastern:20060104T100000", "DTSTART:20060104T150000Z", 1)}},
		"7.8.4": {`<C:calendar-data><C:limit-freebusy-set start="20060102T000000Z" end="20060103T000000Z"/></C:calendar-data>`,
			in("VFREEBUSY", "20060102T000000Z", "20060103T000000Z", ""), map[int]string{8: without(appendixB(8), "FREEBUSY")[:strings.Index(appendixB(8), "FREEBUSY:")] +
				"FREEBUSY;FBTYPE=BUSY-TENTATIVE:20060102T100000Z/20060102T120000Z\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n"}},
		// Its alarms count from a start that the tasks do not have: DUE stands for it.
		"7.8.5": {"<C:calendar-data/>", `<C:comp-filter name="VTODO">` + in("VALARM", "20060106T100000Z", "20060107T100000Z", "") + `</C:comp-filter>`, map[int]string{5: appendixB(5)}},
		"7.8.6": {"<C:calendar-data/>", prop("VEVENT", `<C:prop-filter name="UID"><C:text-match collation="i;octet">DC6C50A017428C5216A2F1CD@example.com</C:text-match></C:prop-filter>`), map[int]string{3: appendixB(3)}},
		"7.8.7": {"<C:calendar-data/>", prop("VEVENT", `<C:prop-filter name="ATTENDEE"><C:text-match collation="i;ascii-casemap">mailto:lisa@example.com</C:text-match><C:param-filter name="PARTSTAT"><C:text-match collation="i;ascii-casemap">NEEDS-ACTION</C:text-match></C:param-filter></C:prop-filter>`), map[int]string{3: appendixB(3)}},
		"7.8.8": {"<C:calendar-data/>", prop("VEVENT", ""), map[int]string{1: appendixB(1), 2: appendixB(2), 3: appendixB(3)}},
		"7.8.9": {"<C:calendar-data/>", prop("VTODO", `<C:prop-filter name="COMPLETED"><C:is-not-defined/></C:prop-filter><C:prop-filter name="STATUS"><C:text-match negate-condition="yes">CANCELLED</C:text-match></C:prop-filter>`), map[int]string{4: appendixB(4), 5: appendixB(5)}},
		// The RFC shows a server that refuses X-ABC-GUID by supported-filter. Here every property can be asked for.
		"7.8.10": {"<C:calendar-data/>", prop("VEVENT", `<C:prop-filter name="X-ABC-GUID"><C:text-match>ABC</C:text-match></C:prop-filter>`), map[int]string{}},
	} {
		l := query(c.data, c.filter)
		got := map[int]string{}
		for n := 1; n <= 8; n++ {
			for _, res := range l.resources {
				if res.href == abcd(n) {
					got[n] = res.text(data)
				}
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" || len(got) != len(l.resources) {
			t.Errorf("RFC 4791 section %s: %s", name, diff)
		}
	}
	l := r.ask("REPORT", "/CalDAV/Calendar/", multigetOf(abcd(1), "/CalDAV/Calendar/mtg1.ics"))
	if l.of(abcd(1)).text(data) != appendixB(1) || l.of("/CalDAV/Calendar/mtg1.ics").status != 404 || len(l.resources) != 2 {
		t.Errorf("RFC 4791 section 7.9.1: %+v", l.resources)
	}

	// Its text asks about 4 January from 9 to 17 o'clock in the East.
	busy := r.want(200, "REPORT", "/CalDAV/Calendar/", element("C:free-busy-query", `<C:time-range start="20060104T140000Z" end="20060104T220000Z"/>`), "Depth: 1").body
	if want := "DTSTART:20060104T140000Z\r\nDTEND:20060104T220000Z\r\nFREEBUSY;FBTYPE=BUSY-TENTATIVE:20060104T150000Z/20060104T160000Z\r\nFREEBUSY;FBTYPE=BUSY:20060104T190000Z/20060104T200000Z\r\nEND:VFREEBUSY\r\n"; !strings.Contains(busy, want) {
		t.Errorf("RFC 4791 section 7.10.1: %s", busy)
	}
}
