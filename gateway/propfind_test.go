package gateway

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
	"calgate/imapstore"
)

func TestDiscovery(t *testing.T) {
	r := newRig(t)
	home, principal := "/CalDAV/~"+r.user+"/", "/UserDAV/"+r.user+"/"
	body := propfindOf("D:current-user-principal", "C:calendar-home-set", "D:resourcetype", "D:displayname")
	for url, types := range map[string][]string{
		"/": {"collection"}, "/UserDAV/": {"collection", "principal"}, principal: {"collection", "principal"},
		"/CalDAV/": {"collection"}, "/CalDAV": {"collection"}, home: {"collection"}, "/CalDAV/~me": {"collection"},
		"/CalDAV/Calendar": {"collection", "calendar"}, home + "Tasks/": {"collection", "calendar"},
		"/CalDAV/Calendar.ics": {"collection", "calendar"},
	} {
		l := r.ask("PROPFIND", url, body, "Depth: 0")
		if len(l.resources) != 1 {
			t.Errorf("%s: %v", url, l.hrefs())
			continue
		}
		p := l.resources[0].props
		if got := p[dav("current-user-principal")].at(dav("href")).Text; got != principal {
			t.Errorf("%s: current-user-principal %q", url, got)
		}
		if got := p[caldav("calendar-home-set")].all(dav("href")); len(got) != 1 || got[0].Text != home {
			t.Errorf("%s: calendar-home-set %v", url, got)
		}
		if diff := cmp.Diff(types, p[dav("resourcetype")].names()); diff != "" {
			t.Errorf("%s: resourcetype %s", url, diff)
		}
		if l.resources[0].text(dav("displayname")) == "" {
			t.Errorf("%s: displayname is empty", url)
		}
		if got := l.resources[0].href; strings.TrimSuffix(got, "/") != strings.TrimSuffix(url, "/") || !strings.HasSuffix(got, "/") {
			t.Errorf("%s answers as %s", url, got)
		}
	}
}

func TestPropfindDepth(t *testing.T) {
	r := newRig(t)
	for _, url := range []string{"/", "/UserDAV/", "/CalDAV/", "/CalDAV/Calendar/"} {
		r.refused(403, "propfind-finite-depth", "PROPFIND", url, "", "Depth: infinity")
	}
	// A missing header: tsdav looks for the home so.
	r.ask("PROPFIND", "/", "")
	r.ask("PROPFIND", "/UserDAV/", "")
	r.refused(403, "propfind-finite-depth", "PROPFIND", "/CalDAV/Calendar/", "")
	r.want(400, "PROPFIND", "/", "", "Depth: 2")
}

func TestPropfindBodies(t *testing.T) {
	r := newRig(t)
	for _, body := range []string{"<", "<D:propfind xmlns:D='DAV:'/>", "BEGIN:VCALENDAR",
		`<!DOCTYPE p [<!ENTITY a "b">]><propfind xmlns="DAV:"><prop><displayname>&a;</displayname></prop></propfind>`} {
		r.want(400, "PROPFIND", "/CalDAV/", body, "Depth: 0")
	}
	r.want(413, "PROPFIND", "/CalDAV/", strings.Repeat(" ", davxml.MaxBody+1), "Depth: 0")
}

// TestFirstHome: the first listing of a home without calendars makes both.
func TestFirstHome(t *testing.T) {
	r := newRig(t)
	if got := r.ask("PROPFIND", "/CalDAV/~me/", "", "Depth: 0").hrefs(); !slices.Equal(got, []string{"/CalDAV/~me/"}) {
		t.Errorf("depth 0: %v", got)
	}
	want := []string{"/CalDAV/~me/", "/CalDAV/~me/Calendar/", "/CalDAV/~me/Tasks/"}
	body := propfindOf("C:supported-calendar-component-set", "D:resourcetype")
	l := r.ask("PROPFIND", "/CalDAV/~me/", body, "Depth: 1")
	if diff := cmp.Diff(want, l.hrefs()); diff != "" {
		t.Error(diff)
	}
	var kinds []string
	for _, c := range l.of("/CalDAV/~me/Tasks/").props[caldav("supported-calendar-component-set")].all(caldav("comp")) {
		kinds = append(kinds, c.Attrs[0].Value)
	}
	if diff := cmp.Diff([]string{"VTODO"}, kinds); diff != "" {
		t.Error(diff)
	}
	if status := l.of("/CalDAV/~me/").props[caldav("supported-calendar-component-set")].status; status != 404 {
		t.Errorf("the home has a component set: %d", status)
	}

	without := newRig(t, func(_ *Options, o *calendar.Options) { o.Autocreate = false })
	if got := without.ask("PROPFIND", "/CalDAV/", "", "Depth: 1").hrefs(); !slices.Equal(got, []string{"/CalDAV/"}) {
		t.Errorf("without autocreation: %v", got)
	}
}

func TestCalendarProperties(t *testing.T) {
	r := newRig(t)
	r.want(201, "PUT", "/CalDAV/Calendar/a.ics", event("a", "A"))
	l := r.ask("PROPFIND", "/CalDAV/~me/Calendar/", propfindOf("D:owner", "D:current-user-privilege-set", "D:supported-report-set",
		"S:getctag", "D:sync-token", "C:max-resource-size", "C:supported-calendar-data", "C:supported-collation-set", "D:getetag",
		"D:getcontenttype", "D:principal-collection-set", "D:supported-privilege-set", "C:calendar-user-address-set", "D:nothing", "A:calendar-color"), "Depth: 0")
	p := l.resources[0].props
	var privileges []string
	for _, n := range p[dav("current-user-privilege-set")].all(dav("privilege")) {
		privileges = append(privileges, n.names()...)
	}
	for _, want := range []string{"all", "read", "write", "write-content", "write-properties", "bind", "unbind", "read-free-busy", "read-current-user-privilege-set"} {
		if !slices.Contains(privileges, want) {
			t.Errorf("privilege %s is not in %v", want, privileges)
		}
	}
	var reports []string
	for _, n := range p[dav("supported-report-set")].all(dav("supported-report")) {
		reports = append(reports, n.at(dav("report")).names()...)
	}
	if diff := cmp.Diff([]string{"calendar-query", "calendar-multiget", "free-busy-query", "sync-collection", "expand-property", "acl-principal-prop-set"}, reports); diff != "" {
		t.Error(diff)
	}
	if got := p[dav("owner")].at(dav("href")).Text; got != "/UserDAV/"+r.user+"/" {
		t.Errorf("owner %q", got)
	}
	if got := p[caldav("max-resource-size")].Text; got != strconv.Itoa(10<<20) {
		t.Errorf("max-resource-size %q", got)
	}
	// A getetag would make Thunderbird fetch the calendar as an object.
	for _, name := range []xml.Name{dav("getetag"), dav("getcontenttype"), dav("nothing"), apple("calendar-color")} {
		if p[name].status != 404 {
			t.Errorf("%v: %d", name, p[name].status)
		}
	}
	for _, name := range []xml.Name{getctagName, dav("sync-token"), dav("supported-privilege-set"), caldav("supported-calendar-data"),
		caldav("supported-collation-set"), dav("principal-collection-set"), caldav("calendar-user-address-set")} {
		if p[name].status != 200 || p[name].Text == "" && len(p[name].Nodes) == 0 {
			t.Errorf("%v: %d %q", name, p[name].status, p[name].Text)
		}
	}
}

func TestObjectProperties(t *testing.T) {
	r := newRig(t)
	a := r.want(201, "PUT", "/CalDAV/Calendar/a%20&'%40b.ics", event("a", "A"))
	r.want(201, "PUT", "/CalDAV/Calendar/b.ics", event("b", "B"))
	body := propfindOf("D:getetag", "D:getcontenttype", "D:getcontentlength", "D:getlastmodified", "D:creationdate", "D:resourcetype", "D:displayname", "C:calendar-data")
	l := r.ask("PROPFIND", "/CalDAV/Calendar", body, "Depth: 1")
	if diff := cmp.Diff([]string{"/CalDAV/Calendar/", "/CalDAV/Calendar/a%20%26%27@b.ics", "/CalDAV/Calendar/b.ics"}, l.hrefs()); diff != "" {
		t.Error(diff)
	}
	o := l.of("/CalDAV/Calendar/a%20%26%27@b.ics")
	if o.text(dav("getetag")) != a.Header.Get("ETag") || o.text(dav("getcontenttype")) != "text/calendar; charset=utf-8; component=VEVENT" ||
		o.text(dav("getcontentlength")) != strconv.Itoa(len(event("a", "A"))) || o.text(dav("displayname")) != "a &'@b.ics" {
		t.Errorf("got %+v", o.props)
	}
	if _, err := http.ParseTime(o.text(dav("getlastmodified"))); err != nil {
		t.Error(err)
	}
	// calendar-data is in reports only (RFC 4791 section 9.6).
	if p := o.props[caldav("calendar-data")]; p.status != 404 || p.Text != "" {
		t.Errorf("calendar-data: %+v", p)
	}
	one := r.ask("PROPFIND", "/CalDAV/Calendar/a%20&'%40b.ics", body, "Depth: 0")
	if got := one.resources[0]; got.href != "/CalDAV/Calendar/a%20&'%40b.ics" || got.text(dav("getetag")) != a.Header.Get("ETag") {
		t.Errorf("got %+v", got)
	}
	r.want(404, "PROPFIND", "/CalDAV/Calendar/none.ics", body, "Depth: 0")
}

func TestAllpropAndPropname(t *testing.T) {
	r := newRig(t)
	r.ask("PROPPATCH", "/CalDAV/Calendar/", element("D:propertyupdate", `<D:set><D:prop><C:calendar-description>d</C:calendar-description>
		<x xmlns="urn:x">1</x></D:prop></D:set>`))
	p := r.ask("PROPFIND", "/CalDAV/Calendar/", "", "Depth: 0").resources[0].props
	for _, name := range []xml.Name{dav("resourcetype"), dav("displayname"), {Space: "urn:x", Local: "x"}} {
		if p[name].status != 200 {
			t.Errorf("allprop without %v", name)
		}
	}
	for _, name := range []xml.Name{caldav("calendar-description"), caldav("supported-calendar-data"), getctagName} {
		if _, there := p[name]; there {
			t.Errorf("allprop with %v (RFC 4791 section 5.2)", name)
		}
	}
	included := r.ask("PROPFIND", "/CalDAV/Calendar/", element("D:propfind", "<D:allprop/><D:include><C:calendar-description/><D:none/></D:include>"), "Depth: 0").resources[0]
	if included.text(caldav("calendar-description")) != "d" || included.props[dav("none")].status != 404 {
		t.Errorf("include: %+v", included.props)
	}
	for name, p := range r.ask("PROPFIND", "/CalDAV/Calendar/", element("D:propfind", "<D:propname/>"), "Depth: 0").resources[0].props {
		if p.status != 200 || p.Text != "" || len(p.Nodes) > 0 {
			t.Errorf("propname: %v is %+v", name, p)
		}
	}
}

// TestLivePropertySet: what a calendar or an object can have, it itself among it, and no more.
func TestLivePropertySet(t *testing.T) {
	r := newRig(t)
	r.want(201, "PUT", "/CalDAV/Calendar/a.ics", event("a", "A"))
	for url, want := range map[string]map[xml.Name]bool{
		"/CalDAV/Calendar/":      {dav("add-member"): true, dav("supported-live-property-set"): true, apple("calendar-color"): true, dav("getcontentlength"): false},
		"/CalDAV/Calendar/a.ics": {dav("add-member"): false, dav("getcontentlength"): true, caldav("calendar-data"): false},
	} {
		set := r.ask("PROPFIND", url, propfindOf("D:supported-live-property-set"), "Depth: 0").resources[0].props[dav("supported-live-property-set")]
		for name, listed := range want {
			n := 0
			for _, p := range set.all(dav("supported-live-property")) {
				n += len(p.at(dav("prop")).all(name))
			}
			if n == 1 != listed || n > 1 {
				t.Errorf("%s lists %v %d times", url, name, n)
			}
		}
	}
}

func TestMinimalLeavesOut(t *testing.T) {
	r := newRig(t)
	for _, header := range []string{"Prefer: return=minimal", "Brief: t", "Prefer: return-minimal"} {
		p := r.ask("PROPFIND", "/CalDAV/Calendar/", propfindOf("D:displayname", "D:nothing"), "Depth: 0", header).resources[0].props
		if _, there := p[dav("nothing")]; there || p[dav("displayname")].status != 200 {
			t.Errorf("%s: %+v", header, p)
		}
		if l := r.ask("PROPFIND", "/CalDAV/Calendar/", propfindOf("D:nothing"), "Depth: 0", header); len(l.resources) != 1 {
			t.Errorf("%s: nothing at all is %v", header, l.hrefs())
		}
	}
}

// TestSettableNames: nothing that is live can be set, but for what is stored.
func TestSettableNames(t *testing.T) {
	var stored []string
	for _, p := range properties {
		if settable(p.name) {
			stored = append(stored, p.name.Local)
		}
	}
	want := []string{"displayname", "calendar-description", "calendar-timezone", "calendar-timezone-id", "schedule-calendar-transp",
		"default-alarm-vevent-datetime", "default-alarm-vevent-date", "default-alarm-vtodo-datetime", "default-alarm-vtodo-date", "calendar-color", "calendar-order"}
	if diff := cmp.Diff(want, stored); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[xml.Name]bool{dav("lockdiscovery"): false, caldav("calendar-data"): false, caldav("schedule-calendar-transp"): true,
		{Local: "bare"}: true, {Space: "urn:x", Local: "y"}: true} {
		if settable(name) != want {
			t.Errorf("settable(%v) is %v", name, !want)
		}
	}
}

// TestHrefsAgree: a listing names members as the other rooms' href builders do.
func TestHrefsAgree(t *testing.T) {
	var all []byte
	for c := range 256 {
		all = append(all, byte(c))
	}
	if got, want := string(davxml.AppendSegment(nil, string(all))), escapeSegment(string(all)); got != want {
		t.Errorf("%s\n%s", got, want)
	}
}

// TestForgedProperties: the folder is open to other programs, and what they write
// into it must not spoil an answer.
func TestForgedProperties(t *testing.T) {
	r := newRig(t)
	r.want(201, "PUT", "/CalDAV/Calendar/a.ics", event("a", "A"))
	account := besides(r)
	home, err := account.Home(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	view, err := account.Open(t.Context(), home.DefaultCalendar())
	if err != nil {
		t.Fatal(err)
	}
	forged := []calendar.Property{
		{Name: calendar.PropertyName(dav("displayname")), XML: "</D:prop><D:displayname>x"},
		{Name: calendar.PropertyName(apple("calendar-color")), XML: `<D:displayname xmlns:D="DAV:">red</D:displayname>`},
		{Name: calendar.PropertyName(componentSetName), XML: `<C:supported-calendar-component-set xmlns:C="urn:ietf:params:xml:ns:caldav"><C:comp name="VNONE"/></C:supported-calendar-component-set>`},
		{Name: calendar.PropertyName(apple("calendar-order")), XML: `<A:calendar-order xmlns:A="http://apple.com/ns/ical/">3</A:calendar-order>`},
		{Name: calendar.PropertyName(dav("getetag")), XML: `<D:getetag xmlns:D="DAV:">forged</D:getetag>`},
	}
	if err := view.Patch(t.Context(), forged, nil); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"", element("D:propfind", "<D:propname/>"),
		propfindOf("D:displayname", "A:calendar-color", "A:calendar-order", "C:supported-calendar-component-set", "D:getetag")} {
		r.ask("PROPFIND", "/CalDAV/Calendar/", body, "Depth: 1")
	}
	got := r.ask("PROPFIND", "/CalDAV/Calendar/", propfindOf("D:displayname", "D:getetag", "A:calendar-color", "A:calendar-order"), "Depth: 0").resources[0]
	if got.props[dav("getetag")].status != 404 || got.text(dav("displayname")) != "Calendar" || got.props[apple("calendar-color")].status != 404 || got.text(apple("calendar-order")) != "3" {
		t.Errorf("got %+v", got.props)
	}
	if diff := cmp.Diff(components, componentsListed(r, "/CalDAV/Calendar/")); diff != "" {
		t.Error(diff)
	}
}

// besides is the user of the rig on a gateway of its own.
func besides(r *rig) *calendar.Account {
	r.t.Helper()
	o, err := imapstore.ParseURL(r.mail.URL())
	if err != nil {
		r.t.Fatal(err)
	}
	store := imapstore.New(o)
	account, err := calendar.New(store, calendar.Options{}).Login(r.t.Context(), r.user, r.password)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		account.Close()
		store.Close()
	})
	return account
}

// TestCalendarOfANewerVersion: one folder that this gateway must not read does not
// hide the others, and is not missing: programs would delete what they have of it.
func TestCalendarOfANewerVersion(t *testing.T) {
	r := newRig(t)
	r.want(201, "PUT", "/CalDAV/Calendar/a.ics", event("a", "A"))
	r.want(201, "MKCALENDAR", "/CalDAV/Work", "")
	account := besides(r)
	session := account.Session()
	mailbox, err := session.Status(t.Context(), "Calendar/Work")
	if err != nil {
		t.Fatal(err)
	}
	newer := fmt.Sprintf("From: a@b.invalid\r\nDate: Tue, 10 Mar 2026 18:00:00 +0000\r\nSubject: x\r\nX-Calgate-Op: put; v=2\r\nX-Calgate-Folder: %d\r\n\r\nx\r\n", mailbox.UIDValidity)
	if _, err := session.Append(t.Context(), "Calendar/Work", imapstore.Outgoing{Octets: []byte(newer)}, time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	r.want(503, "PROPFIND", "/CalDAV/Work/", "", "Depth: 0")
	l := r.ask("PROPFIND", "/CalDAV/~me/", propfindOf("D:resourcetype", "D:displayname", "S:getctag", "D:owner"), "Depth: 1")
	if diff := cmp.Diff([]string{"/CalDAV/~me/", "/CalDAV/~me/Calendar/", "/CalDAV/~me/Work/"}, l.hrefs()); diff != "" {
		t.Error(diff)
	}
	work := l.of("/CalDAV/~me/Work/")
	for name, want := range map[xml.Name]int{dav("resourcetype"): 200, dav("owner"): 200, dav("displayname"): 503, getctagName: 503} {
		if got := work.props[name].status; got != want {
			t.Errorf("%v: %d, want %d", name, got, want)
		}
	}
	if got := l.of("/CalDAV/~me/Calendar/").props[getctagName].status; got != 200 {
		t.Errorf("the other calendar: %d", got)
	}
	// A query over all calendars cannot say that a match may be missing.
	r.want(503, "REPORT", "/CalDAV/~me/", queryOf(inEvent("")), "Depth: 1")
}
