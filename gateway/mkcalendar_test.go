package gateway

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func componentsListed(r *rig, url string) (names []string) {
	set := r.ask("PROPFIND", url, propfindOf("C:supported-calendar-component-set"), "Depth: 0").resources[0].props[componentSetName]
	for _, c := range set.all(caldav("comp")) {
		names = append(names, c.Attrs[0].Value)
	}
	return names
}

func TestMkcalendar(t *testing.T) {
	r := newRig(t)
	if a := r.want(201, "MKCALENDAR", "/CalDAV/~me/Bare/", "", "Content-Type: text/xml; charset=utf-8"); a.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("got %v", a.Header)
	}
	r.want(201, "MKCALENDAR", "/CalDAV/Work", element("C:mkcalendar", `<D:set><D:prop><D:displayname>My work</D:displayname>
		<A:calendar-color symbolic-color="custom">#112233</A:calendar-color><C:calendar-description xml:lang="en">d</C:calendar-description>
		<C:supported-calendar-component-set><C:comp name="vevent"/><C:comp name="VPOLL"/></C:supported-calendar-component-set>
		<x xmlns="urn:x"><y/></x></D:prop></D:set>`))
	p := r.ask("PROPFIND", "/CalDAV/Work/", propfindOf("D:displayname", "A:calendar-color", "C:calendar-description"), "Depth: 0").resources[0]
	if p.text(dav("displayname")) != "My work" || p.text(apple("calendar-color")) != "#112233" || p.text(caldav("calendar-description")) != "d" {
		t.Errorf("got %+v", p.props)
	}
	if diff := cmp.Diff([]string{"VEVENT"}, componentsListed(r, "/CalDAV/Work/")); diff != "" {
		t.Error(diff)
	}
	r.refused(403, "supported-calendar-component", "PUT", "/CalDAV/Work/t.ics", "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VTODO\r\nUID:t\r\nDTSTAMP:20260101T000000Z\r\nEND:VTODO\r\nEND:VCALENDAR\r\n")
	for _, url := range []string{"/CalDAV/Work/", "/CalDAV/Work", "/CalDAV/Calendar/Work", "/CalDAV/Calendar", "/CalDAV/Tasks", "/CalDAV/", "/CalDAV/~me/"} {
		r.refused(405, "resource-must-be-null", "MKCALENDAR", url, "")
		r.refused(405, "resource-must-be-null", "MKCOL", url, mkcol(""))
	}
}

func mkcol(more string) string {
	return element("D:mkcol", `<D:set><D:prop><D:resourcetype><D:collection/><C:calendar/></D:resourcetype>`+more+`</D:prop></D:set>`)
}

// TestTasksAreMadeBelowTasks: the kind shows in the name, on every server.
func TestTasksAreMadeBelowTasks(t *testing.T) {
	r := newRig(t)
	r.want(201, "MKCOL", "/CalDAV/~me/List", mkcol(`<C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set>`))
	if diff := cmp.Diff([]string{"VTODO"}, componentsListed(r, "/CalDAV/Tasks/List/")); diff != "" {
		t.Error(diff)
	}
	r.want(404, "PROPFIND", "/CalDAV/Calendar/List/", "", "Depth: 0")
}

func TestMakeRefused(t *testing.T) {
	r := newRig(t)
	r.want(201, "PUT", "/CalDAV/Calendar/a.ics", event("a", "A"))
	for _, c := range []struct {
		status                 int
		condition, method, url string
		body                   string
	}{
		{403, "calendar-collection-location-ok", "MKCALENDAR", "/elsewhere/", ""},
		{403, "calendar-collection-location-ok", "MKCALENDAR", "/CalDAV/~somebody/x/", ""},
		{403, "calendar-collection-location-ok", "MKCALENDAR", "/CalDAV/~me/%7Ex", ""},
		{409, "", "MKCALENDAR", "/CalDAV/none/x", ""},
		{409, "", "MKCALENDAR", "/CalDAV/Calendar/a.ics/x", ""},
		{405, "resource-must-be-null", "MKCALENDAR", "/CalDAV/Calendar/a.ics", ""},
		{400, "", "MKCALENDAR", "/CalDAV/x", "<"},
		{400, "", "MKCALENDAR", "/CalDAV/x", mkcol("")},
		{400, "", "MKCOL", "/CalDAV/x", element("C:mkcalendar", "")},
	} {
		r.refused(c.status, c.condition, c.method, c.url, c.body)
	}
	for name, c := range map[string]struct{ method, root, body, property, condition string }{
		"plain MKCOL":  {"MKCOL", "mkcol-response", "", "resourcetype", "valid-resourcetype"},
		"plain folder": {"MKCOL", "mkcol-response", element("D:mkcol", `<D:set><D:prop><D:resourcetype><D:collection/></D:resourcetype></D:prop></D:set>`), "resourcetype", "valid-resourcetype"},
		"protected": {"MKCOL", "mkcol-response", mkcol(`<D:displayname>x</D:displayname><D:getetag>1</D:getetag>`),
			"getetag", "cannot-modify-protected-property"},
		"time zone": {"MKCALENDAR", "mkcalendar-response", element("C:mkcalendar", `<D:set><D:prop><C:calendar-timezone>x</C:calendar-timezone></D:prop></D:set>`),
			"calendar-timezone", "valid-calendar-data"},
		"component": {"MKCALENDAR", "mkcalendar-response", element("C:mkcalendar", `<D:set><D:prop><C:supported-calendar-component-set><C:comp name="VCARD"/></C:supported-calendar-component-set></D:prop></D:set>`),
			"supported-calendar-component-set", "supported-calendar-component"},
	} {
		root := parseXML(t, r.want(403, c.method, "/CalDAV/x", c.body).body)
		if root.XMLName.Local != c.root {
			t.Errorf("%s: root is %v", name, root.XMLName)
		}
		for _, stat := range root.all(dav("propstat")) {
			failed := stat.at(dav("prop")).names()[0] == c.property
			condition := ""
			if got := stat.at(dav("error")).names(); len(got) > 0 {
				condition = got[0]
			}
			if failed && (statusOf(stat) != 403 || condition != c.condition) || !failed && statusOf(stat) != 424 {
				t.Errorf("%s: %v is %d %s", name, stat.at(dav("prop")).names(), statusOf(stat), condition)
			}
		}
		r.want(404, "PROPFIND", "/CalDAV/x/", "", "Depth: 0")
	}
}
