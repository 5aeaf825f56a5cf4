package test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"calgate/test/backends"
)

// The matrix: every combination of rights, every method, every realm. What is refused says which privilege is missing where,
// and changes nothing; what may not be seen is, to the octet, what is not there; what is shown is what works.

// matrixRights are rights in the letters of RFC 4314. Courier has d for t and e, so that lrit is nothing there.
var matrixRights = []string{"", "l", "lr", "lrs", "lri", "lrit", "lrite", "lrwite", "lrwikxtea"}

// matrixNeeds are the IMAP rights behind privileges. remove is DELETE of a calendar, which is unbind on the home.
var matrixNeeds = map[string]string{"read": "lr", "read-free-busy": "lr", "bind": "lri", "write-content": "lrite", "unbind": "lrite", "write-properties": "lrwite",
	"read-acl": "lra", "write-acl": "lra", "remove": "lrx"}

// operation is one cell. What "nobody" may is said of nothing that is there; what "owner" may, of the calendar. {C} in it is the calendar, {F} and {D} its feeds, {O} the home of its owner, {n} a new name.
type operation struct {
	name      string
	privilege string // "": none is missing, whoever may read
	at        string // where it is missing; "" = the URL asked
	status    int    // when it works
	request   request
}

var depth0, depth1 = map[string]string{"Depth": "0"}, map[string]string{"Depth": "1"}

func eventOf(uid, summary string) string {
	return strings.ReplaceAll(displaced(uid), "SUMMARY:"+uid, "SUMMARY:"+summary)
}

// madeCalendar is what an extended MKCOL asks for (RFC 5689).
const madeCalendar = `<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><D:resourcetype><D:collection/><C:calendar/></D:resourcetype></D:prop></D:set></D:mkcol>`

var calendarType = map[string]string{"Content-Type": "text/calendar; charset=utf-8"}

const caldavReport = ` xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">`

// operations are in an order in which none takes away what a later one needs. Apart from remove, which is the last one.
var operations = []operation{
	{"OPTIONS", "read", "", 200, request{"OPTIONS", "{C}", nil, ""}},
	{"OPTIONS feed", "read", "", 200, request{"OPTIONS", "{F}", nil, ""}},
	{"HEAD", "read", "", 200, request{"HEAD", "{C}a.ics", nil, ""}},
	{"PROPFIND", "read", "", 207, request{"PROPFIND", "{C}", depth0, ""}},
	{"PROPFIND 1", "read", "", 207, request{"PROPFIND", "{C}", depth1, ""}},
	{"PROPFIND object", "read", "", 207, request{"PROPFIND", "{C}a.ics", depth0, ""}},
	{"PROPFIND feed", "read", "", 207, request{"PROPFIND", "{F}", depth0, ""}},
	{"GET", "read", "", 200, request{"GET", "{C}a.ics", nil, ""}},
	{"GET calendar", "read", "", 200, request{"GET", "{C}", nil, ""}},
	{"GET feed", "read", "", 200, request{"GET", "{F}", nil, ""}},
	{"GET other feed", "read", "", 200, request{"GET", "{D}", nil, ""}},
	{"calendar-query", "read", "", 207, request{"REPORT", "{C}", depth1, "<C:calendar-query" + caldavReport + `<D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>`}},
	{"calendar-multiget", "read", "", 207, request{"REPORT", "{C}", depth0, "<C:calendar-multiget" + caldavReport + "<D:prop><C:calendar-data/></D:prop><D:href>{C}a.ics</D:href></C:calendar-multiget>"}},
	{"free-busy-query", "read-free-busy", "", 200, request{"REPORT", "{C}", depth1, "<C:free-busy-query" + caldavReport + `<C:time-range start="20261101T000000Z" end="20261201T000000Z"/></C:free-busy-query>`}},
	{"sync-collection", "read", "", 207, request{"REPORT", "{C}", depth0, "<D:sync-collection" + caldavReport + "<D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>"}},
	{"expand-property", "read", "", 207, request{"REPORT", "{C}", depth0, "<D:expand-property" + caldavReport + `<D:property name="displayname"/></D:expand-property>`}},
	{"acl-principal-prop-set", "read-acl", "", 207, request{"REPORT", "{C}", depth0, "<D:acl-principal-prop-set" + caldavReport + "<D:prop><D:displayname/></D:prop></D:acl-principal-prop-set>"}},
	{"PROPPATCH", "read", "", 207, request{"PROPPATCH", "{C}", nil, displayName("theirs")}}, // without write-properties one's own
	{"PUT calendar, not there", "read", "", 412, request{"PUT", "{C}", map[string]string{"If-None-Match": "*"}, ""}},
	{"MKCALENDAR over", "read", "", 405, request{"MKCALENDAR", "{C}", nil, ""}},
	{"PROPPATCH object", "read", "", 207, request{"PROPPATCH", "{C}a.ics", nil, displayName("x")}},
	{"COPY out", "read", "", 201, request{"COPY", "{C}a.ics", map[string]string{"Destination": "/CalDAV/Calendar/out-{n}.ics"}, ""}},
	{"PUT new", "bind", "{C}", 201, request{"PUT", "{C}new.ics", map[string]string{"If-None-Match": "*"}, eventOf("new{n}", "new")}},
	{"POST", "bind", "{C}", 201, request{"POST", "{C}", calendarType, eventOf("posted{n}", "posted")}},
	{"PUT over", "write-content", "", 204, request{"PUT", "{C}b.ics", nil, eventOf("b{n}", "changed")}},
	{"PUT feed, new", "bind", "", 204, request{"PUT", "{F}", nil, eventOf("fed{n}", "fed")}},
	{"PUT feed, over", "write-content", "", 204, request{"PUT", "{F}", nil, eventOf("c{n}", "changed")}},
	{"COPY in", "bind", "{C}", 201, request{"COPY", "/CalDAV/Calendar/own.ics", map[string]string{"Destination": "{C}in.ics"}, ""}},
	{"COPY over", "write-content", "{C}b.ics", 204, request{"COPY", "/CalDAV/Calendar/over-{n}.ics", map[string]string{"Destination": "{C}b.ics"}, ""}},
	{"MOVE over", "write-content", "{C}b.ics", 204, request{"MOVE", "/CalDAV/Calendar/over-{n}.ics", map[string]string{"Destination": "{C}b.ics"}, ""}},
	{"DELETE", "unbind", "{C}", 204, request{"DELETE", "{C}b.ics", nil, ""}},
	{"MOVE out", "unbind", "{C}", 201, request{"MOVE", "{C}c.ics", map[string]string{"Destination": "/CalDAV/Calendar/moved-{n}.ics"}, ""}},
	{"ACL", "write-acl", "", 200, request{"ACL", "{C}", nil, `<D:acl xmlns:D="DAV:">{aces}</D:acl>`}},
	{"POST share", "write-acl", "", 200, appleShare("{C}", "<CS:set><D:href>mailto:carol@example.com</D:href><CS:read/></CS:set>")},
	{"PUT over a feed", "unbind", "", 204, request{"PUT", "{D}", nil, eventOf("a{n}", "old")}},
	{"PUT over a feed, DeleteAll", "unbind", "", 204, request{"PUT", "{F}?DeleteAll=1", nil, eventOf("a{n}", "old")}},
	{"DELETE feed", "unbind", "", 204, request{"DELETE", "{F}", nil, ""}},
	{"MKCOL below", "nobody", "", 0, request{"MKCOL", "{C}below/", nil, madeCalendar}},
	{"MKCOL beside", "nobody", "", 0, request{"MKCOL", "{O}beside-{n}/", nil, madeCalendar}},
	{"MKCALENDAR below", "nobody", "", 0, request{"MKCALENDAR", "{C}below/", nil, ""}},
	{"MKCALENDAR beside", "nobody", "", 0, request{"MKCALENDAR", "{O}beside-{n}/", nil, ""}},
	{"MOVE beside", "owner", "", 0, request{"MOVE", "{C}", map[string]string{"Destination": "{O}moved-{n}/"}, ""}},
	{"MOVE home", "owner", "", 0, request{"MOVE", "{C}", map[string]string{"Destination": "/CalDAV/~me/moved-{n}/"}, ""}},
	{"COPY calendar", "owner", "", 0, request{"COPY", "{C}", map[string]string{"Destination": "/CalDAV/~me/copied-{n}/"}, ""}},
}

var removal = operation{"DELETE calendar", "remove", "{O}", 204, request{"DELETE", "{C}", nil, ""}}

func TestRightsMatrix(t *testing.T) {
	for _, s := range sharingServers {
		if strings.Contains(s.name, " ") && os.Getenv("TEST_LONG") != "1" {
			backends.LeaveOut("the matrix of rights on " + s.name + ": needs TEST_LONG=1")
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			m := &matrix{b: s.start(t), missing: map[string]string{}}
			m.owner = newCrashClient(t, m.b, startGateway(t, m.b, nil, false))
			m.guest = newCrashClient(t, m.b, startGateway(t, m.b, nil, false))
			m.guest.must(t, request{"PUT", "/CalDAV/Calendar/own.ics", nil, eventOf("own", "own")})
			m.store = openMailStore(t, m.b, m.owner.user, m.owner.password)
			for _, rights := range matrixRights {
				if s.name == "courier" && rights == "lrit" {
					continue
				}
				t.Run("rights "+rights, func(t *testing.T) { m.row(t, rights) })
			}
		})
	}
}

type matrix struct {
	b            *backends.Server
	owner, guest *crashClient
	store        *mailStore        // of the owner
	missing      map[string]string // by operation: how what never was is answered
}

// neverMade is a calendar that never was. Its name is as long as those of the rows, so that answers can be as long as theirs.
const neverMade = "neverwasone"

// rowName is the calendar of a row.
func rowName(rights string) string {
	if rights == "" {
		rights = "none"
	}
	return "m" + rights + strings.Repeat("-", len(neverMade)-1-len(rights))
}

// unseen compares the answers to an operation on what is there and on what never was. The latter is asked for once.
func (m *matrix) unseen(t *testing.T, o operation, name, when string) (answer string) {
	t.Helper()
	missing, asked := m.missing[o.name]
	if !asked {
		missing = m.exact(t, m.request(o, neverMade))
		m.missing[o.name] = missing
	}
	got := m.exact(t, m.request(o, name))
	if missing = strings.ReplaceAll(missing, neverMade, name); got != missing {
		t.Errorf("%s of what may not be seen%s can be told from what is not there:\n%s\n%s", o.name, when, got, missing)
	}
	return got
}

// setACL is what the owner's mail program does; no rights, no entry.
func (m *matrix) setACL(t *testing.T, name, rights string) {
	t.Helper()
	mailbox := m.store.name("Calendar/" + name)
	if m.b.Name == "courier" { // it has the rights of RFC 2086
		rights = strings.NewReplacer("te", "d", "kx", "c").Replace(rights)
	}
	if rights == "" {
		m.store.raw(fmt.Sprintf("DELETEACL %q %q", mailbox, m.guest.user))
		return
	}
	m.store.raw(fmt.Sprintf("SETACL %q %q %q", mailbox, m.guest.user, rights))
}

// fill writes an operation for a calendar.
func (m *matrix) fill(s, name string) string {
	home := "/CalDAV/~" + m.owner.user + "/"
	return strings.NewReplacer("{C}", home+name+"/", "{F}", "/CalendarData/~"+m.owner.user+"/"+name+".ics", "{D}", "/CalendarDataDel/~"+m.owner.user+"/"+name,
		"{O}", home, "{n}", "-"+name, "{aces}", ace(principalOf(m.guest), "all")).Replace(s)
}

func (m *matrix) request(o operation, name string) request {
	r := request{o.request.method, m.fill(o.request.path, name), map[string]string{}, m.fill(o.request.body, name)}
	for k, v := range o.request.header {
		r.header[k] = m.fill(v, name)
	}
	return r
}

func may(rights, privilege string) bool {
	need, ok := matrixNeeds[privilege]
	return ok && !strings.ContainsFunc(need, func(r rune) bool { return !strings.ContainsRune(rights, r) })
}

func (m *matrix) row(t *testing.T, rights string) {
	name := rowName(rights)
	own := "/CalDAV/~me/" + name + "/"
	m.owner.must(t, request{"MKCALENDAR", own, nil, ""})
	for _, uid := range []string{"a", "b", "c"} {
		m.owner.must(t, request{"PUT", own + uid + ".ics", nil, m.fill(eventOf(uid+"{n}", "old"), name)})
	}
	m.guest.must(t, request{"PUT", m.fill("/CalDAV/Calendar/over-{n}.ics", name), nil, m.fill(eventOf("b{n}", "over"), name)})
	if rights != "" {
		m.setACL(t, name, rights)
	}
	before := m.folder(name)
	all := append(slices.Clone(operations), removal)
	for _, o := range all {
		if !may(rights, o.privilege) {
			m.refused(t, o, name, rights)
		}
	}
	if after := m.folder(name); after != before {
		t.Errorf("what was refused changed the mailbox from\n%s\nto\n%s", before, after)
	}
	m.shown(t, rights)
	for _, o := range operations {
		if may(rights, o.privilege) {
			if got := m.guest.ask(m.request(o, name)); got.status != o.status {
				t.Errorf("%s is answered %d, want %d: %s", o.name, got.status, o.status, got.body)
			}
		}
	}
	m.properties(t, rights)
	m.revoked(t, rights)
	if may(rights, "remove") {
		m.setACL(t, name, rights)
		if got := m.guest.ask(m.request(removal, name)); got.status != 204 {
			t.Errorf("DELETE of the calendar is answered %d: %s", got.status, got.body)
		}
		if got := m.owner.ask(request{"PROPFIND", own, depth0, ""}); got.status != 404 {
			t.Errorf("the calendar is there after its DELETE: %d", got.status)
		}
	}
}

// folder is all that a mail program sees of the owner's mailboxes, and of one in it.
func (m *matrix) folder(name string) string {
	mailbox := m.store.name("Calendar/" + name)
	lines := m.store.raw(`LIST "" "*"`, fmt.Sprintf("EXAMINE %q", mailbox), "FETCH 1:* (UID FLAGS RFC822.SIZE)", fmt.Sprintf("GETACL %q", mailbox))
	lines = slices.DeleteFunc(lines, func(l string) bool {
		return strings.Contains(l, "MODSEQ") && strings.Contains(l, "* OK") || strings.Contains(l, "RECENT")
	})
	return strings.NewReplacer(`\Recent`, "", ` \UnMarked`, "", ` \Marked`, "").Replace(strings.Join(lines, "\n"))
}

// refused asks for what is not allowed.
func (m *matrix) refused(t *testing.T, o operation, name, rights string) {
	t.Helper()
	if !strings.Contains(rights, "l") || o.privilege == "nobody" && !may(rights, "read") {
		got := m.unseen(t, o, name, "")
		if !strings.HasPrefix(got, "404 ") && !strings.HasPrefix(got, "409 ") && !strings.HasPrefix(o.request.method, "MK") {
			t.Errorf("%s of what may not be seen: %s", o.name, got)
		}
		return
	}
	got := m.exact(t, m.request(o, name))
	switch {
	case o.name == "COPY calendar", o.privilege == "owner" && !may(rights, "read"):
		if !strings.HasPrefix(got, "403 ") {
			t.Errorf("%s: %s", o.name, got)
		}
	case o.privilege == "nobody", o.privilege == "owner":
		if !strings.HasPrefix(got, "403 ") || !strings.Contains(got, "calendar-collection-location-ok") {
			t.Errorf("%s: %s", o.name, got)
		}
	default:
		privilege, at := o.privilege, o.at
		if !may(rights, "read") {
			if at = ""; privilege != "read-free-busy" {
				privilege = "read"
			}
			if d := o.request.header["Destination"]; strings.HasPrefix(o.request.path, "/CalDAV/Calendar/") {
				at = d
			}
		}
		if privilege == "remove" {
			privilege = "unbind"
		}
		if at == "" {
			at, _, _ = strings.Cut(o.request.path, "?")
		}
		want := "<D:need-privileges><D:resource><D:href>" + m.fill(at, name) + "</D:href>" + privilegeElement(privilege) + "</D:resource></D:need-privileges>"
		if o.request.method == "HEAD" { // has no body
			want = ""
		}
		if !strings.HasPrefix(got, "403 ") || !strings.Contains(got, want) {
			t.Errorf("%s with %s: want %s, got %s", o.name, rights, want, got)
		}
	}
}

// exact is an answer to its last octet, but for the date.
func (m *matrix) exact(t *testing.T, r request) string {
	t.Helper()
	q, err := http.NewRequest(r.method, "http://"+m.guest.gateway+r.path, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	q.SetBasicAuth(m.guest.user, m.guest.password)
	for name, value := range r.header {
		q.Header.Set(name, value)
	}
	a, err := crashHTTP.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	a.Header.Del("Date")
	return fmt.Sprint(a.StatusCode, " ", a.Header, "\n", string(body))
}

func privilegeElement(name string) string {
	if name == "read-free-busy" { // RFC 4791 section 6.1.1
		return "<D:privilege><C:" + name + "/></D:privilege>"
	}
	return "<D:privilege><D:" + name + "/></D:privilege>"
}

// shown compares the privileges that are shown with those that the rights give, and so with what works.
func (m *matrix) shown(t *testing.T, rights string) {
	t.Helper()
	if !may(rights, "read") {
		return
	}
	name := rowName(rights)
	a := m.guest.ask(propfind(m.fill("{C}", name), "D:current-user-privilege-set"))
	for privilege := range matrixNeeds {
		if shown := strings.Contains(a.body, privilegeElement(privilege)); privilege != "remove" && shown != may(rights, privilege) {
			t.Errorf("%s is shown: %v; %s", privilege, shown, a.body)
		}
	}
	for aggregate, all := range map[string]string{"write": "lrwite", "all": "lrwitea"} {
		if strings.Contains(a.body, "<D:"+aggregate+"/>") != !strings.ContainsFunc(all, func(r rune) bool { return !strings.ContainsRune(rights, r) }) {
			t.Errorf("%s: %s", aggregate, a.body)
		}
	}
}

// properties looks where the name is that PROPPATCH gave: with everybody, by write-properties, else with the guest alone.
func (m *matrix) properties(t *testing.T, rights string) {
	t.Helper()
	if !may(rights, "read") {
		return
	}
	name := rowName(rights)
	if a := m.guest.ask(propfind(m.fill("{C}", name), "D:displayname")); !strings.Contains(a.body, "theirs") {
		t.Errorf("the guest sees another name than the one he gave: %s", a.body)
	}
	a := m.owner.ask(propfind("/CalDAV/~me/"+name+"/", "D:displayname"))
	if changed := strings.Contains(a.body, "theirs"); changed != may(rights, "write-properties") {
		t.Errorf("the owner sees the guest's name: %v", changed)
	}
}

// askedFirst is, of each row, the operation that is asked first after all rights were taken away, while the gateway knows the
// calendar from the request before. What is refused is forgotten, so that those after it are like what a row without rights has.
var askedFirst = map[string]string{"lr": "OPTIONS", "lrs": "MOVE beside", "lri": "COPY calendar", "lrit": "MKCALENDAR below", "lrite": "MKCALENDAR over",
	"lrwite": "PUT calendar, not there", "lrwikxtea": "MOVE home"}

// revoked takes rights away as a mail program does. The gateway, whose sessions are warm, knows at the next request.
func (m *matrix) revoked(t *testing.T, rights string) {
	t.Helper()
	if !may(rights, "read") {
		return
	}
	name := rowName(rights)
	put := operation{"PUT new", "bind", "{C}", 201, request{"PUT", "{C}later.ics", nil, eventOf("later", "later")}}
	m.setACL(t, name, "lr")
	m.refused(t, put, name, "lr")
	m.setACL(t, name, "")
	all := slices.DeleteFunc(slices.Clone(operations), func(o operation) bool { return o.name != askedFirst[rights] })
	for _, o := range append(all, put) {
		m.unseen(t, o, name, ", after all rights were taken away,")
	}
}
