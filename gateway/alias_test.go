package gateway

import (
	"strings"
	"testing"
)

// One calendar has many URLs. Each leads to the same objects, and answers stay below
// the URL that was asked.
func TestAliases(t *testing.T) {
	r := newRig(t)
	r.want(201, "MKCALENDAR", "/CalDAV/~me/Work/", "")
	r.want(405, "MKCALENDAR", "/CalDAV/Calendar/Work", "")
	r.want(201, "MKCALENDAR", "/CalDAV/Work/Deep", "")
	tag := r.want(201, "PUT", "/CalDAV/Work/a.ics", event("a", "A")).Header.Get("ETag")
	r.want(201, "PUT", "/CalDAV/Work/Deep/b.ics", event("b", "B"))
	for _, calendar := range []string{"/CalDAV/Work/", "/CalDAV/Calendar/Work/", "/CalDAV/%57ork/", "/CalDAV/Work.ics/", "/CalDAV/Work.ICS/", "/CalDAV/~me/Work/", "/CalDAV/%7Eme/Calendar/Work/",
		"/CalDAV/~" + r.user + "/Work/", "/CalDAV/~" + strings.ToUpper(r.user) + "/Work.ics/"} {
		if a := r.want(200, "GET", calendar+"a.ics", ""); a.Header.Get("ETag") != tag {
			t.Errorf("%s: ETag %s, want %s", calendar, a.Header.Get("ETag"), tag)
		}
		for _, url := range []string{calendar, strings.TrimSuffix(calendar, "/")} {
			a := r.want(207, "PROPFIND", url, "", "Depth: 1")
			for _, href := range []string{calendar, calendar + "a.ics"} {
				if !strings.Contains(a.body, "<D:href>"+href+"</D:href>") {
					t.Errorf("PROPFIND %s does not name %s: %s", url, href, a.body)
				}
			}
			if strings.Contains(a.body, "Deep") {
				t.Errorf("PROPFIND %s names the calendar below: %s", url, a.body)
			}
		}
		a := r.want(207, "REPORT", calendar, multigetOf("http://elsewhere"+calendar+"%61.ics"))
		if !strings.Contains(a.body, tag) {
			t.Errorf("multiget on %s: %s", calendar, a.body)
		}
	}
	r.want(403, "DELETE", "/CalDAV/Calendar.ics", "")
	r.want(412, "DELETE", "/CalDAV/Work/", "", "If-Match: \"x\"")
	r.want(204, "DELETE", "/CalDAV/Calendar/Work", "", "If-Match: *")
	r.want(404, "GET", "/CalDAV/Work/a.ics", "")
	r.want(404, "DELETE", "/CalDAV/Work/", "")
	r.want(409, "PUT", "/CalDAV/Work/a.ics", event("a", "A"))
	r.want(200, "GET", "/CalDAV/Work/Deep/b.ics", "") // never its children
}

// The default calendar has the empty name, too.
func TestDefaultAlias(t *testing.T) {
	r := newRig(t)
	tag := r.want(201, "PUT", "/CalDAV/x.ics", event("x", "X")).Header.Get("ETag")
	for _, url := range []string{"/CalDAV", "/CalDAV/"} {
		a := r.want(207, "REPORT", url, multigetOf("/CalDAV/x.ics"))
		if !strings.Contains(a.body, tag) {
			t.Errorf("REPORT %s: %s", url, a.body)
		}
	}
	a := r.want(207, "PROPFIND", "/CalDAV/x.ics", "", "Depth: 0")
	if !strings.Contains(a.body, "<D:href>/CalDAV/x.ics</D:href>") {
		t.Errorf("PROPFIND of the alias: %s", a.body)
	}
	r.want(204, "DELETE", "/CalDAV/~me/x.ics", "")
	r.want(404, "GET", "/CalDAV/Calendar/x.ics", "")
}
