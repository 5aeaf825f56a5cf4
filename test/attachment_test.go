package test

import (
	"strings"
	"testing"

	"calgate/test/backends"
)

// Half a megabyte of attachment in an event (a case from linagora/esn-sabre#289, apple/ccs-calendarserver#55 and
// nextcloud/server#46426): it comes back octet for octet, and a listing without calendar-data stays small.
func TestInlineAttachment(t *testing.T) {
	t.Parallel()
	for _, b := range []*backends.Server{backends.Memory(t), backends.Dovecot(t, backends.Options{})} {
		c := newCrashClient(t, b, startGateway(t, b, nil, false))
		var lines strings.Builder
		for data := strings.Repeat("QUJD", 125_000); data != ""; data = data[min(73, len(data)):] {
			lines.WriteString("\r\n " + data[:min(73, len(data))])
		}
		body := strings.Replace(crashEvent("attached"), "SUMMARY:", "ATTACH;ENCODING=BASE64;VALUE=BINARY:"+lines.String()+"\r\nSUMMARY:", 1)
		c.must(t, request{"PUT", crashObject, nil, body})
		if got := c.ask(request{"GET", crashObject, nil, ""}); got.status != 200 || got.body != body {
			t.Errorf("GET: %d with %d octets, %d were PUT", got.status, len(got.body), len(body))
		}
		list := c.ask(request{"REPORT", crashCalendar, map[string]string{"Depth": "1"}, `<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop><C:filter>` +
			`<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="20261125T000000Z" end="20261126T000000Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`})
		if list.status != 207 || strings.Count(list.body, "/a.ics</") != 1 || len(list.body) > 2000 {
			t.Errorf("the listing: %d, %d octets", list.status, len(list.body))
		}
	}
}
