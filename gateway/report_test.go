package gateway

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
)

func multigetOf(hrefs ...string) string {
	var b strings.Builder
	for _, h := range hrefs {
		b.WriteString("<D:href>" + strings.ReplaceAll(h, "&", "&amp;") + "</D:href>")
	}
	return element("C:calendar-multiget", "<D:prop><D:getetag/><C:calendar-data/></D:prop>"+b.String())
}

func TestMultiget(t *testing.T) {
	r := newRig(t)
	odd := strings.Replace(event("a", "A & <b> ]]> \U0001F600"), "SUMMARY:A", "SUMMARY:A\r\n ", 1)
	tag := r.want(201, "PUT", "/CalDAV/Calendar/a%40b.ics", odd).Header.Get("ETag")
	r.want(201, "PUT", "/CalDAV/Calendar/c.ics", event("c", "C"))
	asked := []string{"/CalDAV/Calendar/a%40b.ics", "/CalDAV/Calendar/a@b.ics", "/CalDAV/Calendar/%61%40b.ics", "/CalDAV/Calendar/none.ics",
		"/CalDAV/Tasks/c.ics", "relative.ics", "http://elsewhere/", "/CalDAV/Calendar/%zz", "/CalDAV/Calendar/", "", "/elsewhere", "/CalDAV/Calendar/none.ics",
		"http://" + "example.org/CalDAV/%7Eme/Calendar/c.ics"}
	for _, depth := range []string{"Depth: 0", "Depth: 1", "Depth:"} {
		l := r.ask("REPORT", "/CalDAV/Calendar/", multigetOf(asked...), depth)
		a := l.of("/CalDAV/Calendar/a%40b.ics")
		if a.text(caldav("calendar-data")) != odd || a.text(dav("getetag")) != tag {
			t.Errorf("got %q", a.text(caldav("calendar-data")))
		}
		if got := l.of(asked[12]).text(caldav("calendar-data")); got != event("c", "C") {
			t.Errorf("by URL: %q", got)
		}
		for _, href := range append(slices.Clone(asked[3:7]), asked[7:11]...) {
			if got := l.of(href).status; got != 404 {
				t.Errorf("%q: %d", href, got)
			}
		}
		if len(l.resources) != 10 {
			t.Errorf("got %q", l.hrefs())
		}
	}
	// Without calendar-data nothing is read, and one object is a place, too.
	l := r.ask("REPORT", "/CalDAV/Calendar/c.ics", element("C:calendar-multiget", "<D:prop><D:displayname/></D:prop><D:href>/CalDAV/Calendar/c.ics</D:href>"))
	if l.resources[0].text(dav("displayname")) != "c.ics" {
		t.Errorf("got %+v", l.resources)
	}
	r.refused(403, "number-of-matches-within-limits", "REPORT", "/CalDAV/Calendar/", multigetOf(make([]string, davxml.MaxHrefs+1)...))
}

func TestReportsRefused(t *testing.T) {
	r := newRig(t)
	r.want(201, "PUT", "/CalDAV/Calendar/a.ics", event("a", "A"))
	r.want(201, "MKCALENDAR", "/CalDAV/Work/", "")
	for _, c := range []struct {
		status               int
		condition, url, body string
	}{
		{403, "supported-report", "/CalDAV/Calendar/", element("D:version-tree", "")},
		{403, "supported-report", "/", element("D:acl-principal-prop-set", "")},
		{403, "valid-sync-token", "/CalDAV/~me/", element("D:sync-collection", "<D:sync-token>urn:calgate:1-1-0</D:sync-token><D:sync-level>1</D:sync-level><D:prop/>")},
		{507, "number-of-matches-within-limits", "/CalDAV/~me/", element("D:sync-collection", "<D:sync-token/><D:sync-level>1</D:sync-level><D:prop/><D:limit><D:nresults>1</D:nresults></D:limit>")},
		{403, "supported-report", "/CalDAV/Calendar/a.ics", element("D:sync-collection", "<D:sync-token/><D:sync-level>1</D:sync-level><D:prop/>")},
		{403, "supported-report", "/CalDAV/Calendar/", "<calendar-query xmlns='urn:x'/>"},
		{400, "", "/CalDAV/Calendar/", ""},
		{400, "", "/CalDAV/Calendar/", "<x"},
		{403, "supported-calendar-data", "/CalDAV/Calendar/", element("C:calendar-multiget", `<D:prop><C:calendar-data content-type="application/calendar+xml"/></D:prop>`)},
		{403, "supported-calendar-data", "/CalDAV/Calendar/", element("C:calendar-query", `<D:prop><C:calendar-data version="1.0"/></D:prop>`)},
		{403, "valid-filter", "/CalDAV/Calendar/", element("C:calendar-query", `<D:prop/>`)},
		{403, "valid-filter", "/CalDAV/Calendar/", queryOf(`<C:comp-filter name="VEVENT"/>`)},
		{403, "valid-filter", "/CalDAV/Calendar/", queryOf(inEvent(`<C:time-range start="20260101"/>`))},
		{403, "valid-filter", "/CalDAV/Calendar/", queryOf(inEvent(`<C:time-range/>`))},
		{403, "supported-collation", "/CalDAV/Calendar/", queryOf(inEvent(`<C:prop-filter name="UID"><C:text-match collation="i;none">x</C:text-match></C:prop-filter>`))},
		{403, "valid-calendar-data", "/CalDAV/Calendar/", element("C:calendar-query", `<C:filter>`+inEvent("")+`</C:filter><C:timezone>none</C:timezone>`)},
		{404, "", "/CalDAV/Calendar/none.ics", queryOf(inEvent(""))},
	} {
		r.refused(c.status, c.condition, "REPORT", c.url, c.body)
	}
}

// The answer of a DAV:expand-property is bounded in octets: a name that is not there is told
// of each resource.
func TestExpandBounded(t *testing.T) {
	r := newRig(t)
	body := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `<D:property name="p%d%s"/>`, i, strings.Repeat("x", 60_000))
		}
		return element("D:expand-property", `<D:property name="current-user-principal">`+b.String()+`</D:property>`)
	}
	r.want(207, "REPORT", "/", body(maxExpandedOctets/60_000/2))
	r.refused(403, "number-of-matches-within-limits", "REPORT", "/", body(maxExpandedOctets/60_000+1))
	x := &expansion{q: &request{}, octets: maxExpandedOctets}
	if _, err := x.response("/", nil); err == nil {
		t.Error("one resource more than may be told about")
	}
}

func queryOf(filter string) string {
	return element("C:calendar-query", "<D:prop><D:getetag/></D:prop><C:filter>"+filter+"</C:filter>")
}

func inEvent(content string) string {
	return `<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">` + content + `</C:comp-filter></C:comp-filter>`
}

func TestQuery(t *testing.T) {
	r := newRig(t)
	for i, name := range []string{"b", "a", "c"} {
		start := fmt.Sprintf("DTSTART:202603%02dT180000Z", 10+i)
		body := strings.NewReplacer("DTSTART:20260310T180000Z", start, "DTEND:20260310T190000Z", "DURATION:PT1H").Replace(event(name, "Meeting "+name))
		r.want(201, "PUT", "/CalDAV/Calendar/"+name+".ics", body)
	}
	r.want(201, "MKCALENDAR", "/CalDAV/Work", "")
	r.want(201, "PUT", "/CalDAV/Work/w.ics", event("w", "Meeting w"))
	all := []string{"/CalDAV/Calendar/a.ics", "/CalDAV/Calendar/b.ics", "/CalDAV/Calendar/c.ics"}
	for name, c := range map[string]struct {
		url, filter string
		header      string
		want        []string
	}{
		"whole calendar":  {"/CalDAV/Calendar/", `<C:comp-filter name="VCALENDAR"/>`, "Depth: 1", all},
		"depth 0":         {"/CalDAV/Calendar/", inEvent(""), "Depth: 0", all},
		"no depth":        {"/CalDAV/Calendar", inEvent(""), "Depth:", all},
		"default":         {"/CalDAV/", inEvent(""), "Depth: 1", all},
		"todos":           {"/CalDAV/Calendar/", strings.Replace(inEvent(""), "VEVENT", "VTODO", 1), "Depth: 1", nil},
		"start":           {"/CalDAV/Calendar/", inEvent(`<C:time-range start="20260311T000000Z"/>`), "Depth: 1", []string{all[0], all[2]}},
		"end":             {"/CalDAV/Calendar/", inEvent(`<C:time-range end="20260311T000000Z"/>`), "Depth: 1", []string{all[1]}},
		"both":            {"/CalDAV/Calendar/", inEvent(`<C:time-range start="20260311T000000Z" end="20260312T000000Z"/>`), "Depth: 1", []string{all[0]}},
		"end of year one": {"/CalDAV/Calendar/", inEvent(`<C:time-range start="20260312T000000Z" end="00010101T000000Z"/>`), "Depth: 1", []string{all[2]}},
		"text":            {"/CalDAV/Calendar/", inEvent(`<C:prop-filter name="SUMMARY"><C:text-match>MEETING B</C:text-match></C:prop-filter>`), "Depth: 1", []string{all[1]}},
		"text negated":    {"/CalDAV/Calendar/", inEvent(`<C:prop-filter name="SUMMARY"><C:text-match negate-condition="yes">g b</C:text-match></C:prop-filter>`), "Depth: 1", []string{all[0], all[2]}},
		"not defined":     {"/CalDAV/Calendar/", inEvent(`<C:prop-filter name="LOCATION"><C:is-not-defined/></C:prop-filter>`), "Depth: 1", all},
		"one object":      {"/CalDAV/Calendar/b.ics", inEvent(""), "Depth: 0", []string{all[1]}},
		"not that object": {"/CalDAV/Calendar/b.ics", inEvent(`<C:prop-filter name="LOCATION"/>`), "Depth: 0", nil},
		"home, depth 0":   {"/CalDAV/~me/", inEvent(""), "Depth: 0", nil},
		"home": {"/CalDAV/~me/", inEvent(`<C:time-range end="20260311T000000Z"/>`), "Depth: 1",
			[]string{"/CalDAV/~me/Calendar/b.ics", "/CalDAV/~me/Work/w.ics"}},
	} {
		l := r.ask("REPORT", c.url, queryOf(c.filter), c.header)
		if diff := cmp.Diff(c.want, l.hrefs()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	withData := r.ask("REPORT", "/CalDAV/Calendar/", strings.Replace(queryOf(inEvent("")), "<D:getetag/>", "<C:calendar-data/>", 1), "Depth: 1")
	if got := withData.of(all[1]).text(caldav("calendar-data")); !strings.Contains(got, "\r\nSUMMARY:Meeting b\r\n") {
		t.Errorf("calendar-data %q", got)
	}
	limited := r.ask("REPORT", "/CalDAV/Calendar/", strings.Replace(queryOf(inEvent("")), "</C:filter>", "</C:filter><C:limit><C:nresults>2</C:nresults></C:limit>", 1), "Depth: 1")
	if c := limited.of("/CalDAV/Calendar/"); c.status != 507 || c.condition != "number-of-matches-within-limits" || len(limited.resources) != 3 {
		t.Errorf("limited: %+v", limited.resources)
	}
}

// TestQueryZone: an all-day event begins where the query, else the calendar, says.
func TestQueryZone(t *testing.T) {
	r := newRig(t)
	day := strings.NewReplacer("DTSTART:20260310T180000Z", "DTSTART;VALUE=DATE:20260310", "DTEND:20260310T190000Z\r\n", "").Replace(event("d", "Day"))
	r.want(201, "PUT", "/CalDAV/Calendar/d.ics", day)
	// In Berlin the day begins at 23:00 UTC of the day before.
	early := inEvent(`<C:time-range start="20260309T220000Z" end="20260309T233000Z"/>`)
	count := func(body string) int { return len(r.ask("REPORT", "/CalDAV/Calendar/", body, "Depth: 1").resources) }
	if n := count(queryOf(early)); n != 0 {
		t.Errorf("in UTC: %d", n)
	}
	inQuery := strings.Replace(queryOf(early), "</C:filter>", "</C:filter><C:timezone>"+escaped(zone)+"</C:timezone>", 1)
	if n := count(inQuery); n != 1 {
		t.Errorf("zone of the query: %d", n)
	}
	r.ask("PROPPATCH", "/CalDAV/Calendar/", set("<C:calendar-timezone>"+escaped(zone)+"</C:calendar-timezone>"))
	if n := count(queryOf(early)); n != 1 {
		t.Errorf("zone of the calendar: %d", n)
	}
}

func syncOf(token, more string) string {
	return element("D:sync-collection", "<D:sync-token>"+token+"</D:sync-token><D:sync-level>1</D:sync-level>"+more+"<D:prop><D:getetag/></D:prop>")
}

func TestSync(t *testing.T) {
	r := newRig(t)
	r.want(201, "PUT", "/CalDAV/Calendar/a.ics", event("a", "A"))
	r.want(201, "PUT", "/CalDAV/Calendar/b.ics", event("b", "B"))
	first := r.ask("REPORT", "/CalDAV/Calendar/", syncOf("", ""), "Depth: 1")
	if diff := cmp.Diff([]string{"/CalDAV/Calendar/a.ics", "/CalDAV/Calendar/b.ics"}, first.hrefs()); diff != "" {
		t.Error(diff)
	}
	if got := r.ask("PROPFIND", "/CalDAV/Calendar/", propfindOf("D:sync-token"), "Depth: 0").resources[0].text(dav("sync-token")); got != first.token || got == "" {
		t.Errorf("property %q, report %q", got, first.token)
	}
	same := r.ask("REPORT", "/CalDAV/Calendar/", syncOf(first.token, ""))
	if len(same.resources) != 0 || same.token != first.token {
		t.Errorf("unchanged: %v, %q", same.hrefs(), same.token)
	}
	r.want(204, "DELETE", "/CalDAV/Calendar/a.ics", "")
	tag := r.want(201, "PUT", "/CalDAV/Calendar/c.ics", event("c", "C")).Header.Get("ETag")
	body := strings.Replace(syncOf(first.token, ""), "<D:getetag/>", "<D:getetag/><C:calendar-data/>", 1)
	next := r.ask("REPORT", "/CalDAV/Calendar", body, "Depth: 0")
	c := next.of("/CalDAV/Calendar/c.ics")
	if next.of("/CalDAV/Calendar/a.ics").status != 404 || c.text(dav("getetag")) != tag || c.text(caldav("calendar-data")) != event("c", "C") || len(next.resources) != 2 {
		t.Errorf("got %+v", next.resources)
	}
	for _, token := range []string{"http://elsewhere.example/ns/sync/3", "data:,12345", "urn:calgate:1-2-3", first.token + "0"} {
		r.refused(403, "valid-sync-token", "REPORT", "/CalDAV/Calendar/", syncOf(token, ""), "Depth: 0")
	}
	r.want(400, "REPORT", "/CalDAV/Calendar/", syncOf("", ""), "Depth: infinity")
	r.want(400, "REPORT", "/CalDAV/Calendar/", strings.Replace(syncOf("", ""), ">1<", ">infinite<", 1))
	r.want(400, "REPORT", "/CalDAV/Calendar/", syncOf("", "<D:limit><D:nresults>none</D:nresults></D:limit>"))
}

// TestSyncPages: a limit gives pages that together are the whole, each with a 507
// on the collection but the last.
func TestSyncPages(t *testing.T) {
	r := newRig(t)
	want := map[string]bool{}
	for i := range 5 {
		href := fmt.Sprintf("/CalDAV/Calendar/%d.ics", i)
		r.want(201, "PUT", href, event(fmt.Sprint(i), "x"))
		want[href] = true
	}
	token := ""
	for page := 0; ; page++ {
		l := r.ask("REPORT", "/CalDAV/Calendar/", syncOf(token, "<D:limit><D:nresults>2</D:nresults></D:limit>"))
		more := false
		for _, res := range l.resources {
			if res.href == "/CalDAV/Calendar/" {
				more = res.status == 507 && res.condition == "number-of-matches-within-limits"
				continue
			}
			if !want[res.href] {
				t.Errorf("%s was not expected", res.href)
			}
			delete(want, res.href)
		}
		if token = l.token; !more {
			break
		}
		if page > 5 {
			t.Fatal("no end")
		}
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

// TestUnreadableObject: one object that cannot be read keeps what the index knows
// of it, and spoils nothing.
func TestUnreadableObject(t *testing.T) {
	var w bytes.Buffer
	m := memoryMultistatus(&w, dav("getetag"), caldav("calendar-data"), dav("none"))
	entry := calendar.Entry{Name: "a.ics", ETag: `"1"`}
	if err := m.member(&calendar.View{}, calendar.Item{Entry: entry, Err: &calendar.Error{Op: "Read", Kind: calendar.Unavailable}}, "/c/a.ics"); err != nil {
		t.Fatal(err)
	}
	ok := calendar.Item{Entry: calendar.Entry{Name: "b.ics", ETag: `"2"`}, Body: []byte("SUMMARY:\x01\xff\uFFFE\uFFFF \xed\xa0\x80\r\n")}
	if err := m.member(&calendar.View{}, ok, "/c/b.ics"); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	responses := parseXML(t, w.String()).all(dav("response"))
	got := map[string]int{}
	for _, stat := range responses[0].all(dav("propstat")) {
		for _, name := range stat.at(dav("prop")).names() {
			got[name] = statusOf(stat)
		}
	}
	if diff := cmp.Diff(map[string]int{"getetag": 200, "none": 404, "calendar-data": 503}, got); diff != "" {
		t.Error(diff)
	}
	data := responses[1].all(dav("propstat"))[0].at(dav("prop"), caldav("calendar-data")).Text
	if data != "SUMMARY:\uFFFD\uFFFD\uFFFD\uFFFD \uFFFD\uFFFD\uFFFD\r\n" {
		t.Errorf("calendar-data %q", data)
	}
}

// What is not opened is not shared.
func TestInviteUnopened(t *testing.T) {
	if b, ok := invite(nil, &subject{kind: placeCalendar}); ok {
		t.Errorf("%s", b)
	}
}

// BenchmarkListing is a PROPFIND of depth 1 on 10,000 objects, without the look.
func BenchmarkListing(b *testing.B) {
	entries := make([]calendar.Entry, 10_000)
	for i := range entries {
		entries[i] = calendar.Entry{Name: fmt.Sprintf("event-%d.ics", i), ETag: `"9f2c51d07a3be418-1a2b3c4d"`, Component: "VEVENT"}
	}
	b.ReportAllocs()
	for b.Loop() {
		m := memoryMultistatus(io.Discard, dav("getetag"), dav("getcontenttype"), dav("resourcetype"))
		o := subject{q: m.q, kind: placeObject}
		for _, e := range entries {
			o.entry = e
			if err := m.respond("/CalDAV/~user@example.org/Calendar/", e.Name, &o, 0); err != nil {
				b.Fatal(err)
			}
		}
		m.Close()
	}
}

// memoryMultistatus is an answer to a REPORT that goes to w.
func memoryMultistatus(w io.Writer, names ...xml.Name) *multistatus {
	asked := &davxml.Names{}
	for _, name := range names {
		asked.Props = append(asked.Props, davxml.Prop{Name: name})
	}
	q := &request{h: &handler{}, r: httptest.NewRequest("REPORT", "/", nil)}
	return &multistatus{Multistatus: davxml.NewMultistatus(w), q: q, asked: asked, report: true, plans: map[placeKind][]question{}}
}
