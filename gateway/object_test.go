package gateway

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"testing"

	"calgate/gateway/calendar"
)

func gzipped(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestObject(t *testing.T) {
	r := newRig(t)
	first, second := event("a", "First"), event("a", "Second")
	r.want(404, "GET", "/CalDAV/Calendar/a.ics", "")

	a := r.want(201, "PUT", "/CalDAV/~me/Calendar/a.ics", first, "Content-Type: text/calendar", "If-None-Match: *")
	tag := a.Header.Get("ETag")
	if len(tag) < 3 || tag[0] != '"' || strings.Contains(tag, " ") {
		t.Errorf("ETag on PUT: %q", tag)
	}
	for _, url := range []string{"/CalDAV/Calendar/a.ics", "/CalDAV/a.ics", "/CalDAV/~me/a%2eics", "/CalDAV/%7E" + r.user + "/Calendar/a.ics", "//CalDAV/Calendar.ics//a.ics"} {
		a := r.want(200, "GET", url, "", "Accept: text/xml")
		h := a.Header
		if a.body != first || h.Get("ETag") != tag || h.Get("Content-Type") != "text/calendar; charset=utf-8; component=VEVENT" ||
			h.Get("Last-Modified") == "" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("GET %s: %v %q", url, h, a.body)
		}
	}
	head := r.want(200, "HEAD", "/CalDAV/a.ics", "")
	if head.ContentLength != int64(len(first)) || head.Header.Get("ETag") != tag || head.body != "" {
		t.Errorf("HEAD: %v", head.Header)
	}
	for _, h := range []string{"If-None-Match: " + tag, "If-None-Match: W/" + tag, "If-None-Match: \"x\", " + tag, "If-None-Match: *",
		"If-Modified-Since: " + head.Header.Get("Last-Modified")} {
		if a := r.want(304, "GET", "/CalDAV/a.ics", "", h); a.body != "" || a.Header.Get("ETag") != tag {
			t.Errorf("304 of %s: %v %q", h, a.Header, a.body)
		}
	}
	r.want(412, "GET", "/CalDAV/a.ics", "", "If-Match: \"x\"")

	for _, h := range []string{"If-None-Match: *", "If-Match: \"x\"", "If-Match: nothing", "If-Match: W/" + tag, `If: (["x"])`, "If: </CalDAV/Calendar/b.ics> ([" + tag + "])"} {
		if a := r.want(412, "PUT", "/CalDAV/Calendar/a.ics", second, h); a.Header.Get("ETag") != "" {
			t.Errorf("%s: a 412 with an ETag", h)
		}
	}
	a = r.want(204, "PUT", "/CalDAV/Calendar/a.ics", second, "If-Match: \"x\","+tag)
	next := a.Header.Get("ETag")
	if next == tag || next == "" {
		t.Errorf("ETag %q after %q", next, tag)
	}
	a = r.want(204, "PUT", "/CalDAV/Calendar/a.ics", first, `If: <http://elsewhere:1/CalDAV/~me/a.ics> ([`+next+`])`)
	last := a.Header.Get("ETag")
	r.want(412, "DELETE", "/CalDAV/Calendar/a.ics", "", "If-Match: "+next)
	r.want(204, "DELETE", "/CalDAV/Calendar/a.ics", "", "If-Match: "+last)
	r.want(204, "DELETE", "/CalDAV/Calendar/a.ics", "", "If-Match: "+last) // its answer may have got lost
	r.want(404, "DELETE", "/CalDAV/Calendar/a.ics", "")
	r.want(404, "GET", "/CalDAV/Calendar/a.ics", "")
	r.want(412, "PUT", "/CalDAV/Calendar/a.ics", first, "If-Match: *")
}

// What was PUT comes back octet for octet, however odd.
func TestOctets(t *testing.T) {
	r := newRig(t)
	for name, body := range map[string]string{
		"lf.ics":    strings.ReplaceAll(event("lf", "bare line feeds"), "\r\n", "\n"),
		"end.ics":   strings.TrimSuffix(event("end", "no final line end"), "\r\n"),
		"emoji.ics": event("emoji", "🎉 Käse"),
		"fold.ics":  event("fold", "a\r\n\t b\r\n  c"),
		"x.ics":     event("x", "y\r\nX-EMPTY:\r\nLOCATION:\r\nX-P;A=\"b;c\":1"),
		"long.ics":  event("long", strings.Repeat("x", 5000)),
		"tilde~%":   event("tilde", "odd name"),
	} {
		url := "/CalDAV/Calendar/" + escapeSegment(name)
		tag := r.want(201, "PUT", url, body).Header.Get("ETag")
		if a := r.want(200, "GET", url, ""); a.body != body || a.Header.Get("ETag") != tag {
			t.Errorf("%s: got %q with %s, want %q with %s", name, a.body, a.Header.Get("ETag"), body, tag)
		}
	}
}

func TestPutTypes(t *testing.T) {
	r := newRig(t)
	good := event("types", "T")
	for _, header := range []string{"Content-Type:", "Content-Type: text/calendar", `Content-Type: Text/Calendar;component=VEVENT;charset="UTF-8"`, "Content-Type: text/calendar; charset=utf-8; component=vevent",
		"Content-Type: text/plain", "Content-Type: text/calendar; charset", "Content-Encoding: identity"} {
		if a := r.do("PUT", "/CalDAV/t.ics", good, header); a.StatusCode/100 != 2 {
			t.Errorf("%s: %d %s", header, a.StatusCode, a.body)
		}
	}
	for _, encoding := range []string{"gzip", "x-gzip", " GZIP "} {
		r.want(204, "PUT", "/CalDAV/t.ics", gzipped(t, good), "Content-Encoding: "+encoding)
		if a := r.want(200, "GET", "/CalDAV/t.ics", ""); a.body != good {
			t.Errorf("%s: stored %q", encoding, a.body)
		}
	}
	tag := r.want(200, "HEAD", "/CalDAV/t.ics", "").Header.Get("ETag")
	large := event("types", strings.Repeat("x", maxObject))
	for _, c := range []struct {
		status       int
		body, header string
		precondition string
	}{
		{403, good, "Content-Type: application/json", "supported-calendar-data"},
		{403, good, "Content-Type: application/calendar+xml", "supported-calendar-data"},
		{403, good, "Content-Type: text/calendar; charset=iso-8859-1", "supported-calendar-data"},
		{415, good, "Content-Encoding: br", ""},
		{415, good, "Content-Encoding: gzip, gzip", ""},
		{400, good, "Content-Encoding: gzip", ""},
		{400, gzipped(t, good)[:40], "Content-Encoding: gzip", ""},
		{400, good, "Content-Range: bytes 0-9/100", ""},
		{413, large, "X: y", "max-resource-size"},
		{413, gzipped(t, large), "Content-Encoding: gzip", "max-resource-size"},
		{403, "", "X: y", "valid-calendar-data"},
		{403, "nonsense", "X: y", "valid-calendar-data"},
		{403, good[:60], "X: y", "valid-calendar-data"},
		{403, strings.Replace(good, "BEGIN:VEVENT", "METHOD:REQUEST\r\nBEGIN:VEVENT", 1), "X: y", "valid-calendar-object-resource"},
		{400, good, "If: nonsense", ""},
	} {
		a := r.want(c.status, "PUT", "/CalDAV/t.ics", c.body, c.header)
		if c.precondition != "" && !strings.Contains(a.body, ":"+c.precondition+"/>") {
			t.Errorf("%s: body %s, want %s", c.header, a.body, c.precondition)
		}
		// What the client asked about comes first, whatever it sent with it.
		if !strings.HasPrefix(c.header, "If:") {
			r.want(412, "PUT", "/CalDAV/t.ics", c.body, c.header, "If-Match: nothing")
		}
	}
	if got := r.want(200, "HEAD", "/CalDAV/t.ics", "").Header.Get("ETag"); got != tag {
		t.Error("a refused PUT changed something")
	}
	r.want(403, "PUT", "/CalDAV/Calendar/"+strings.Repeat("n", 256), good)
	r.want(201, "PUT", "/CalDAV/Calendar/"+strings.Repeat("%C3%A4", 127)+"n", event("name", "as long as can be"))
}

func TestUIDConflict(t *testing.T) {
	r := newRig(t)
	r.want(201, "PUT", "/CalDAV/Calendar/one%20a.ics", event("same", "1"))
	a := r.want(403, "PUT", "/CalDAV/%43alendar/two.ics", event("same", "2"))
	if !strings.Contains(a.body, ":no-uid-conflict><D:href>/CalDAV/%43alendar/one%20a.ics</D:href>") {
		t.Errorf("body %s", a.body)
	}
}

func TestComponents(t *testing.T) {
	r := newRig(t)
	task := strings.ReplaceAll(strings.ReplaceAll(event("task", "T"), "VEVENT", "VTODO"), "DTEND", "DUE")
	r.want(201, "PUT", "/CalDAV/Tasks/t.ics", task)
	r.want(201, "PUT", "/CalDAV/Calendar/t.ics", task)
	a := r.want(403, "PUT", "/CalDAV/Tasks/e.ics", event("e", "E"))
	if !strings.Contains(a.body, "supported-calendar-component") {
		t.Errorf("body %s", a.body)
	}
}

func TestComponentSet(t *testing.T) {
	for element, want := range map[string]string{
		`<C:supported-calendar-component-set xmlns:C="urn:ietf:params:xml:ns:caldav"><C:comp name="VEVENT"/><C:comp name="vtodo"></C:comp></C:supported-calendar-component-set>`: "VEVENT VTODO",
		`<supported-calendar-component-set xmlns="urn:ietf:params:xml:ns:caldav"><comp name='VJOURNAL'/></supported-calendar-component-set>`:                                     "VJOURNAL",
		`<x xmlns="DAV:"><comp name="VEVENT"/></x>`: "",
		``:  "",
		`<`: "",
	} {
		if got := strings.Join(componentSet(element), " "); got != want {
			t.Errorf("%s: %q, want %q", element, got, want)
		}
	}
}

// Without autocreation the default calendar reads as empty, and writes are 409.
func TestDefaultCalendar(t *testing.T) {
	r := newRig(t, func(_ *Options, o *calendar.Options) { o.Autocreate = false })
	r.want(404, "GET", "/CalDAV/a.ics", "")
	r.want(409, "PUT", "/CalDAV/a.ics", event("a", "A"))
	r.want(404, "DELETE", "/CalDAV/Calendar/a.ics", "")
	r.want(403, "DELETE", "/CalDAV/Calendar/", "")

	r = newRig(t)
	r.want(412, "PUT", "/CalDAV/Tasks/a.ics", event("a", "A"), "If-Match: nothing")
	r.want(403, "PUT", "/CalDAV/Tasks/a.ics", "nonsense")
	if strings.Contains(r.log.String(), "mailbox created") {
		t.Error("a refused PUT made the mailbox")
	}
	r.want(201, "PUT", "/CalDAV/a.ics", event("a", "A"))
	if !strings.Contains(r.log.String(), "mailbox created") {
		t.Error("no log line about the new mailbox")
	}
	r.want(200, "GET", "/CalDAV/Calendar/a.ics", "")
	r.want(403, "DELETE", "/CalDAV/Calendar/", "")
}

// A PUT that has no place changes nothing; conditions are answered before (Thunderbird
// sends "If-Match: nothing" to whatever URL its user typed).
func TestPutNowhere(t *testing.T) {
	r := newRig(t)
	for url, status := range map[string]int{
		"/": 405, "/UserDAV/~me/": 405, "/CalDAV/": 405, "/CalDAV/~me/": 405, "/CalDAV/Calendar/": 405, "/CalDAV/Calendar.ics": 405, "/CalDAV/none/": 405,
		"/CalDAV/none": 409, "/CalDAV/none/x.ics": 409, "/CalDAV/INBOX/x.ics": 409, "/CalDAV/Calendar/none/x.ics": 409,
		"/nothing": 404, "/CalendarData/~somebody/x.ics": 404, "/CalDAV/~somebody/Calendar/x.ics": 404,
	} {
		a := r.want(status, "PUT", url, event("a", "A"))
		if (status == 405) != (a.Header.Get("Allow") != "") {
			t.Errorf("%s: Allow %q", url, a.Header.Get("Allow"))
		}
		r.want(412, "PUT", url, "", "Content-Type: text/plain", "If-Match: nothing")
	}
	r.want(404, "PUT", "/CalDAV/a%2Fb.ics", event("a", "A"))
}

func TestHTTPMethodsOfNothing(t *testing.T) {
	r := newRig(t)
	for _, method := range []string{"GET", "HEAD", "DELETE", "PROPFIND", "PROPPATCH", "REPORT", "OPTIONS"} {
		r.want(http.StatusNotFound, method, "/CalDAV/none/x.ics", "")
	}
}
