package test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"calgate/imapstore"
	"calgate/test/backends"
	"calgate/test/faulty"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// One home shows everything that a user may read: what others share is listed there under a name of its own, and is the same
// calendar as under the owner's name.

const homeProps = `<D:propfind xmlns:D="DAV:" xmlns:CS="http://calendarserver.org/ns/"><D:prop><D:displayname/><D:owner/><D:sync-token/><CS:getctag/><D:current-user-privilege-set/></D:prop></D:propfind>`

// allObjects is a query for everything.
const allObjects = `<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>`

// listed is one response of a multistatus.
type listed struct{ href, body string }

var (
	oneResponse = regexp.MustCompile(`(?s)<D:response>.*?</D:response>`)
	oneHref     = regexp.MustCompile(`<D:response><D:href>([^<]*)</D:href>`)
	oneName     = regexp.MustCompile(`displayname[^>]*>([^<]*)</`)
	oneOwner    = regexp.MustCompile(`<D:owner><D:href>([^<]*)</D:href>`)
	oneETag     = regexp.MustCompile(`<D:getetag>([^<]*)<`)
	oneToken    = regexp.MustCompile(`<D:sync-token>([^<]*)<`)
	oneTag      = regexp.MustCompile(`getctag[^>]*>([^<]*)<`)
)

func responses(body string) (all []listed) {
	for _, r := range oneResponse.FindAllString(body, -1) {
		all = append(all, listed{find(oneHref, r), r})
	}
	return all
}

func find(re *regexp.Regexp, text string) string {
	if m := re.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

func (c *crashClient) propfind(t *testing.T, path, depth string) []listed {
	t.Helper()
	a := c.ask(request{"PROPFIND", path, map[string]string{"Depth": depth}, homeProps})
	if a.status != 207 {
		t.Errorf("PROPFIND %s: %d %s", path, a.status, a.body)
	}
	return responses(a.body)
}

// home is what the client's home shows: hrefs below it and display names.
func (c *crashClient) home(t *testing.T, home string) (shown map[string]string) {
	t.Helper()
	shown = map[string]string{}
	for _, r := range c.propfind(t, home, "1")[1:] {
		shown[strings.TrimPrefix(r.href, home)] = find(oneName, r.body)
	}
	return shown
}

func (c *crashClient) homeToken(t *testing.T) string {
	t.Helper()
	return find(oneToken, c.propfind(t, "/CalDAV/~me/", "0")[0].body)
}

func syncReport(token string) string {
	return `<D:sync-collection xmlns:D="DAV:"><D:sync-token>` + token + `</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:displayname/></D:prop></D:sync-collection>`
}

func takeACL(t *testing.T, b *backends.Server, owner *crashClient, mailbox, user string) {
	t.Helper()
	m := openMailStore(t, b, owner.user, owner.password)
	m.do(func(c *imapclient.Client) error {
		return c.SetACL(m.name(mailbox), imap.RightsIdentifier(user), imap.RightModificationReplace, nil).Wait()
	})
}

func TestShares(t *testing.T) {
	for _, s := range sharingServers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := s.start(t)
			variant := strings.Contains(s.name, " ") // differs in names alone
			for _, noCache := range []bool{false, true} {
				if noCache == variant && s.name != "courier" && os.Getenv("TEST_LONG") != "1" {
					backends.LeaveOut(fmt.Sprintf("one home on %s with no cache %v: needs TEST_LONG=1; the other kind of it runs so", s.name, noCache))
					continue
				}
				t.Run(fmt.Sprint("no cache ", noCache), func(t *testing.T) {
					owner := newCrashClient(t, b, startGateway(t, b, nil, false))
					guest := newCrashClient(t, b, startGateway(t, b, nil, noCache))
					again := func() { guest.gateway = startGateway(t, b, nil, noCache) }
					if !strings.HasPrefix(b.Name, "dovecot") {
						again = func() {}
					}
					sharedInOneHome(t, b, owner, guest, again)
				})
			}
			t.Run("subscribed", func(t *testing.T) { subscribedShares(t, b) })
			if s.name == "dovecot" { // what is remembered is the same on all
				t.Run("replaced", func(t *testing.T) { replacedShare(t, b) })
			}
		})
	}
}

// sharedInOneHome shares calendars and takes them away. A Dovecot session may show either late, so that again begins new ones.
func sharedInOneHome(t *testing.T, b *backends.Server, owner, guest *crashClient, again func()) {
	owner.must(t, request{"PUT", "/CalDAV/Calendar/a.ics", nil, crashEvent("shared")})
	owner.must(t, request{"MKCALENDAR", "/CalDAV/~me/Team/", nil, ""})
	owner.must(t, request{"MKCALENDAR", "/CalDAV/~me/Team/One%3A%20two/", nil, ""})
	owner.must(t, request{"MKCALENDAR", "/CalDAV/~me/Secret/", nil, ""})
	owner.must(t, request{"PROPPATCH", "/CalDAV/~me/Team/", nil, displayName("The team")})
	guest.must(t, request{"MKCALENDAR", "/CalDAV/~me/Team/", nil, ""})
	before := guest.home(t, "/CalDAV/~me/")
	token := guest.homeToken(t)

	// given by a mail program, they are there at the next request
	setACL(t, b, owner, "Calendar", guest.user, "lrs")
	setACL(t, b, owner, "Calendar/Team", guest.user, "lrswite")
	setACL(t, b, owner, "Calendar/Team/One: two", guest.user, "lrs")
	setACL(t, b, owner, "Calendar/Secret", guest.user, "l")
	again()
	share := "~" + owner.user + ":"
	want := map[string]string{
		share + "Calendar/": "Calendar (" + owner.user + ")", share + "Team/": "The team",
		share + "Team:One=3A%20two/": "One: two (" + owner.user + ")",
	}
	for href, name := range before {
		want[href] = name
	}
	for _, home := range []string{"/CalDAV/~me/", "/CalDAV/"} {
		if got := guest.home(t, home); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s shows\n%v, want\n%v", home, got, want)
		}
	}
	if a := guest.ask(request{"REPORT", "/CalDAV/~me/", nil, syncReport(token)}); a.status != 403 || !strings.Contains(a.body, "valid-sync-token") {
		t.Errorf("the old token is answered %d %s", a.status, a.body)
	}
	sameCalendar(t, owner, guest)
	walkedHome(t, owner, guest)
	writtenShare(t, owner, guest)
	watchedHome(t, owner, guest, func() {
		setACL(t, b, owner, "Calendar", guest.user, "lrswite")
		again()
	})

	// taken away, they are not
	homes := []string{"/CalDAV/~me/", "/CalDAV/~" + owner.user + "/"}
	objects := func() (count int) {
		for _, home := range homes {
			a := guest.ask(request{"REPORT", home, map[string]string{"Depth": "1"}, allObjects})
			count += strings.Count(a.body, ":Calendar/a.ics<") + strings.Count(a.body, "/Calendar/a.ics<")
		}
		return count
	}
	if objects(); objects() != 2 {
		t.Errorf("the homes show the object %d times", objects())
	}
	guest.home(t, homes[0])
	takeACL(t, b, owner, "Calendar", guest.user)
	if objects() != 0 { // whatever a session remembers
		t.Error("after the right was taken away a query of the home shows the object")
	}
	again()
	if got := guest.home(t, "/CalDAV/~me/"); got[share+"Calendar/"] != "" || got[share+"Team/"] == "" {
		t.Errorf("after the right was taken away the home shows %v", got)
	}
	for _, url := range []string{"/CalDAV/~me/" + share + "Calendar/", "/CalDAV/~me/" + share + "Calendar/a.ics", "/CalDAV/" + share + "Nothing/", "/CalDAV/~me/" + share + "Secret/x/y"} {
		if a := guest.ask(request{"PROPFIND", url, map[string]string{"Depth": "0"}, ""}); a.status != 404 {
			t.Errorf("%s: %d", url, a.status)
		}
	}
}

// sameCalendar asks for the same by both names.
func sameCalendar(t *testing.T, owner, guest *crashClient) {
	t.Helper()
	short, long := "/CalDAV/~me/~"+owner.user+":Calendar/", "/CalDAV/~"+owner.user+"/Calendar/"
	var said []string
	for _, url := range []string{short, long, "/CalDAV/~" + owner.user + ":Calendar/", "/CalDAV/%7e" + guest.user + "/%7E" + owner.user + "%3aCalendar"} {
		list := guest.ask(request{"PROPFIND", url, map[string]string{"Depth": "1"}, `<D:propfind xmlns:D="DAV:" xmlns:CS="http://calendarserver.org/ns/"><D:prop><D:displayname/><D:owner/><D:getetag/><D:sync-token/><CS:getctag/><D:current-user-privilege-set/></D:prop></D:propfind>`})
		url = strings.TrimSuffix(url, "/") + "/"
		if list.status != 207 || !strings.Contains(list.body, "<D:href>"+url+"</D:href>") || !strings.Contains(list.body, "<D:href>"+url+"a.ics</D:href>") {
			t.Errorf("PROPFIND %s: %d %s", url, list.status, list.body)
		}
		said = append(said, strings.ReplaceAll(list.body, url, "/"))
		if owner := "/UserDAV/" + owner.user + "/"; find(oneOwner, list.body) != owner {
			t.Errorf("%s: the owner is %s, want %s", url, find(oneOwner, list.body), owner)
		}
		delta := guest.ask(request{"REPORT", url, nil, syncReport(find(oneToken, list.body))})
		if delta.status != 207 || len(responses(delta.body)) != 0 || find(oneToken, delta.body) != find(oneToken, list.body) {
			t.Errorf("sync of %s: %d %s", url, delta.status, delta.body)
		}
		if a := guest.ask(request{"GET", url + "a.ics", nil, ""}); a.status != 200 || a.etag != strings.ReplaceAll(find(oneETag, list.body), "&#34;", `"`) {
			t.Errorf("GET %s: %d %s, listed with %s", url, a.status, a.etag, find(oneETag, list.body))
		}
		// the token of one spelling is that of all
		if d := guest.ask(request{"REPORT", long, nil, syncReport(find(oneToken, list.body))}); d.status != 207 || len(responses(d.body)) != 0 {
			t.Errorf("the token of %s at %s: %d %s", url, long, d.status, d.body)
		}
	}
	for _, s := range said[1:] {
		if s != said[0] {
			t.Errorf("one spelling says\n%s\nanother\n%s", said[0], s)
		}
	}
	feed := guest.ask(request{"GET", "/CalendarData/~me/~" + owner.user + ":Calendar.ics", nil, ""})
	if other := guest.ask(request{"GET", "/CalendarData/~" + owner.user + "/Calendar.ics", nil, ""}); feed.status != 200 || feed.etag != other.etag || feed.body != other.body {
		t.Errorf("the feed: %d %s", feed.status, feed.body)
	}
}

// walkedHome asks the home as a whole.
func walkedHome(t *testing.T, owner, guest *crashClient) {
	t.Helper()
	guest.must(t, request{"PUT", "/CalDAV/~me/Team/own.ics", nil, displaced("own")})
	share := "/CalDAV/~me/~" + owner.user + ":Calendar/a.ics"
	query := `<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"/></C:comp-filter></C:filter></C:calendar-query>`
	for _, depth := range []string{"1", "infinity"} {
		got := responses(guest.ask(request{"REPORT", "/CalDAV/~me/", map[string]string{"Depth": depth}, query}).body)
		if len(got) != 2 || got[0].href != "/CalDAV/~me/Team/own.ics" || got[1].href != share {
			t.Errorf("a query of the home at depth %s: %v", depth, got)
		}
	}
	multiget := `<C:calendar-multiget xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><C:calendar-data/></D:prop>`
	for _, href := range []string{share, "/CalDAV/~me/Team/own.ics", share, "/CalDAV/~me/Team/none.ics", "/CalDAV/~me/~" + owner.user + ":Secret/x.ics", "/CalDAV/~nobody/Calendar/x.ics"} {
		multiget += "<D:href>" + href + "</D:href>"
	}
	var got []string
	for _, r := range responses(guest.ask(request{"REPORT", "/CalDAV/~me/", nil, multiget + "</C:calendar-multiget>"}).body) {
		what := "data"
		if strings.Contains(r.body, "404") {
			what = "404"
		}
		got = append(got, r.href+" "+what)
	}
	want := []string{share + " data", "/CalDAV/~me/Team/own.ics data", "/CalDAV/~me/Team/none.ics 404", "/CalDAV/~me/~" + owner.user + ":Secret/x.ics 404", "/CalDAV/~nobody/Calendar/x.ics 404"}
	if len(got) != len(want) {
		t.Errorf("a multiget of the home: %q, want %q", got, want)
	}
	for _, w := range want {
		if !strings.Contains(strings.Join(got, "\n")+"\n", w+"\n") {
			t.Errorf("a multiget of the home lacks %q: %q", w, got)
		}
	}
	// whose time a home tells is its owner's: here own.ics only, there a.ics only
	busy := `<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav"><C:time-range start="20261101T000000Z" end="20261201T000000Z"/></C:free-busy-query>`
	guest.must(t, request{"DELETE", "/CalDAV/~me/Team/own.ics", nil, ""})
	if a := guest.ask(request{"REPORT", "/CalDAV/~me/", map[string]string{"Depth": "1"}, busy}); a.status != 200 || strings.Contains(a.body, "20261125T090000Z") {
		t.Errorf("one's own time: %d %s", a.status, a.body)
	}
	if a := guest.ask(request{"REPORT", "/CalDAV/~" + owner.user + "/", map[string]string{"Depth": "1"}, busy}); a.status != 200 || !strings.Contains(a.body, "20261125T090000Z") {
		t.Errorf("the owner's time: %d %s", a.status, a.body)
	}
}

// writtenShare writes by the name of the share, as far as the rights go.
func writtenShare(t *testing.T, owner, guest *crashClient) {
	t.Helper()
	readable, writable := "/CalDAV/~me/~"+owner.user+":Calendar/", "/CalDAV/~me/~"+owner.user+":Team/"
	for _, r := range []struct {
		status int
		q      request
	}{
		{403, request{"PUT", readable + "new.ics", nil, displaced("new")}},
		{403, request{"PUT", readable + "a.ics", nil, crashEvent("changed")}},
		{403, request{"DELETE", readable + "a.ics", nil, ""}},
		{403, request{"DELETE", readable, nil, ""}},
		{403, request{"DELETE", writable, nil, ""}},
		{405, request{"MKCALENDAR", writable, nil, ""}},
		{403, request{"MKCALENDAR", "/CalDAV/~me/~" + owner.user + ":New/", nil, ""}},
		{403, request{"MKCALENDAR", "/CalDAV/~me/~nobody:New/", nil, ""}},
		{403, request{"MKCALENDAR", "/CalDAV/~nobody:New/", nil, ""}},
		{404, request{"PUT", "/CalDAV/~me/~nobody:New/a.ics", nil, displaced("new")}},
		{404, request{"PUT", "/CalendarData/~nobody:New.ics", nil, displaced("new")}},
		{201, request{"PUT", writable + "b.ics", map[string]string{"If-None-Match": "*"}, displaced("b")}},
		{412, request{"PUT", "/CalDAV/~" + owner.user + "/Team/b.ics", map[string]string{"If-None-Match": "*"}, displaced("b") + "\r\n"}},
		{204, request{"PUT", "/CalDAV/~" + owner.user + "/Team/b.ics", nil, displaced("b") + "\r\n"}},
		{201, request{"COPY", writable + "b.ics", map[string]string{"Destination": "/CalDAV/~me/Team/c.ics"}, ""}},
		{201, request{"MOVE", "/CalDAV/~me/Team/c.ics", map[string]string{"Destination": "/CalDAV/~me/~" + owner.user + ":Team:One=3A%20two/c.ics"}, ""}},
		{204, request{"DELETE", writable + "b.ics", nil, ""}},
		{207, request{"PROPPATCH", writable, nil, displayName("Our team")}},
	} {
		if r.q.method == "MOVE" {
			r.status = 403
		}
		if a := guest.ask(r.q); a.status != r.status {
			t.Errorf("%s %s: %d %s, want %d", r.q.method, r.q.path, a.status, a.body, r.status)
		}
	}
	guest.must(t, request{"DELETE", "/CalDAV/~me/Team/c.ics", nil, ""})
	if a := owner.ask(request{"GET", "/CalDAV/~me/Calendar/a.ics", nil, ""}); a.status != 200 || !strings.Contains(a.body, "shared") {
		t.Errorf("the owner's object is %d %s", a.status, a.body)
	}
	if got := guest.home(t, "/CalDAV/~me/")["~"+owner.user+":Team/"]; got != "Our team" {
		t.Errorf("the name that was set is %q", got)
	}
}

// watchedHome polls everything in one request. Grant gives the guest more rights.
func watchedHome(t *testing.T, owner, guest *crashClient, grant func()) {
	t.Helper()
	first := guest.ask(request{"REPORT", "/CalDAV/~me/", nil, syncReport("")})
	token := find(oneToken, first.body)
	if first.status != 207 || len(responses(first.body)) != len(guest.home(t, "/CalDAV/~me/")) || !strings.HasPrefix(token, "urn:calgate:home-") || len(token) != len("urn:calgate:home-")+16 {
		t.Errorf("the first sync: %d %s", first.status, first.body)
	}
	tag := find(oneTag, guest.propfind(t, "/CalDAV/", "0")[0].body)
	if guest.homeToken(t) != token || "urn:calgate:home-"+tag != token {
		t.Errorf("the home has the token %s and the tag %s, the report says %s", guest.homeToken(t), tag, token)
	}
	if a := guest.ask(request{"REPORT", "/CalDAV/~me/", nil, syncReport(token)}); a.status != 207 || len(responses(a.body)) != 0 || find(oneToken, a.body) != token {
		t.Errorf("a poll: %d %s", a.status, a.body)
	}
	colour := request{"PROPPATCH", "/CalDAV/~me/~" + owner.user + ":Calendar/", nil, `<D:propertyupdate xmlns:D="DAV:" xmlns:A="http://apple.com/ns/ical/"><D:set><D:prop>` +
		`<A:calendar-color>#112233FF</A:calendar-color></D:prop></D:set></D:propertyupdate>`}
	for _, change := range []struct {
		what string
		do   func()
	}{
		{"an event of another", func() { owner.must(t, request{"PUT", "/CalDAV/~me/Calendar/z.ics", nil, displaced("z")}) }},
		{"a name of another", func() { owner.must(t, request{"PROPPATCH", "/CalDAV/~me/Calendar/", nil, displayName("Mine")}) }},
		{"a calendar of another", func() { owner.must(t, request{"DELETE", "/CalDAV/~me/Team/One%3A%20two/", nil, ""}) }},
		{"the colour for oneself alone", func() { guest.must(t, colour) }},
		{"the rights", func() {
			if got := guest.home(t, "/CalDAV/~me/")["~"+owner.user+":Calendar/"]; got != "Mine ("+owner.user+")" {
				t.Errorf("the owner's name for a calendar is shown as %q", got)
			}
			grant()
		}},
	} {
		change.do()
		now := guest.homeToken(t)
		if now == token {
			t.Errorf("%s changed, and the token did not", change.what)
		}
		token = now
	}
	if a := guest.ask(request{"PROPFIND", "/CalDAV/~me/", map[string]string{"Depth": "0"}, `<D:propfind xmlns:D="DAV:"><D:prop><D:supported-report-set/></D:prop></D:propfind>`}); !strings.Contains(a.body, "<D:sync-collection/>") || !strings.Contains(a.body, "<C:calendar-multiget/>") {
		t.Errorf("the reports of the home: %s", a.body)
	}
}

// subscribedShares has two calendars of another, one of them subscribed.
func subscribedShares(t *testing.T, b *backends.Server) {
	owner := newCrashClient(t, b, startGateway(t, b, nil, false))
	guest := newCrashClient(t, b, startGateway(t, b, map[string][]string{"shares": {"subscribed"}}, false))
	for _, name := range []string{"One", "Two"} {
		owner.must(t, request{"MKCALENDAR", "/CalDAV/~me/" + name + "/", nil, ""})
		setACL(t, b, owner, "Calendar/"+name, guest.user, "lr")
	}
	one, two := "~"+owner.user+":One/", "~"+owner.user+":Two/"
	if got := guest.home(t, "/CalDAV/~me/"); got[one] != "" || got[two] != "" {
		t.Errorf("without a subscription: %v", got)
	}
	o, err := imapstore.ParseURL(b.URL())
	if err != nil {
		t.Fatal(err)
	}
	store := imapstore.New(o)
	defer store.Close()
	session, err := store.Login(t.Context(), guest.user, guest.password)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Release()
	if err := session.Subscribe(t.Context(), "~"+owner.user+"/Calendar/Two", true); err != nil {
		t.Fatal(err)
	}
	if got := guest.home(t, "/CalDAV/~me/"); got[one] != "" || got[two] == "" {
		t.Errorf("with a subscription of Two: %v", got)
	}
	guest.gateway = startGateway(t, b, map[string][]string{"shares": {"none"}}, false)
	if got := guest.home(t, "/CalDAV/~me/"); got[one] != "" || got[two] != "" {
		t.Errorf("with none: %v", got)
	}
	for _, url := range []string{"/CalDAV/~me/" + one, "/CalDAV/~" + owner.user + "/Two/"} {
		guest.propfind(t, url, "0")
	}
}

// replacedShare has a calendar in the place of another one, in another mailbox: who remembers the old one learns it.
func replacedShare(t *testing.T, b *backends.Server) {
	p := faulty.New(t, b.Addr)
	owner := newCrashClient(t, b, startGateway(t, b, nil, false))
	guest := newCrashClient(t, b, startGatewayAt(t, p.URL(), nil, false))
	work := "/CalDAV/~" + owner.user + "/Work/"
	for _, c := range []struct{ mailbox, component string }{{"Calendar/Work", "VEVENT"}, {"Tasks/Work", "VTODO"}} {
		owner.must(t, request{"MKCALENDAR", "/CalDAV/~me/Work/", nil, `<C:mkcalendar xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:set><D:prop>` +
			`<C:supported-calendar-component-set><C:comp name="` + c.component + `"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>`})
		setACL(t, b, owner, c.mailbox, guest.user, "lrs")
		a := guest.ask(request{"PROPFIND", work, map[string]string{"Depth": "0"}, componentSet})
		if c.component == "VTODO" && a.status == 404 { // it was the old one that is not there
			a = guest.ask(request{"PROPFIND", work, map[string]string{"Depth": "0"}, componentSet})
		}
		if a.status != 207 || !strings.Contains(a.body, `name="`+c.component+`"`) {
			t.Errorf("%s: %d %s", c.mailbox, a.status, a.body)
		}
		owner.must(t, request{"DELETE", "/CalDAV/~me/Work/", nil, ""})
	}

	// A path longer than any mailbox is not asked for in all its places, and an owner longer than any user not at all.
	p.Forget()
	if a := guest.ask(request{"PROPFIND", work + strings.Repeat("x/", 1000), map[string]string{"Depth": "0"}, ""}); a.status != 404 || len(p.Commands()) > 20 {
		t.Errorf("a long path: %d, %d commands", a.status, len(p.Commands()))
	}
	p.Forget()
	if a := guest.ask(request{"PROPFIND", "/CalDAV/~" + strings.Repeat("x", 256) + "/Work/", map[string]string{"Depth": "0"}, ""}); a.status != 404 || len(p.Commands()) > 0 {
		t.Errorf("a long owner: %d, %q", a.status, p.Commands())
	}
}

// Who shares within a domain is called without it, and across domains with it; both ways are the same calendar.
func TestSharesAcrossDomains(t *testing.T) {
	for _, s := range []struct {
		name  string
		start func(testing.TB) *backends.Server
	}{sharingServers[0], sharingServers[4]} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := s.start(t)
			client := func(user string) *crashClient {
				return &crashClient{user, backends.Password(user), startGateway(t, b, nil, false)}
			}
			erin, frank, alice := client("erin@example.com"), client("frank@example.com"), client("alice")
			erin.must(t, request{"PUT", "/CalDAV/Calendar/a.ics", nil, crashEvent("shared")})
			setACL(t, b, erin, "Calendar", frank.user, "lr")
			setACL(t, b, erin, "Calendar", alice.user, "lr")
			for _, c := range []struct {
				guest             *crashClient
				segment, name     string
				equal             []string
				home, ownHomeHref string
			}{
				{frank, "~erin:Calendar/", "Calendar (erin)", []string{"~erin@example.com:Calendar/", "~Erin@Example.com:Calendar/"}, "/CalDAV/~me/", "/CalDAV/~frank/"},
				{alice, "~erin@example.com:Calendar/", "Calendar (erin@example.com)", []string{"~ERIN@example.com:Calendar/"}, "/CalDAV/~me/", "/CalDAV/~alice/"},
			} {
				shown := c.guest.home(t, c.home)
				if shown[c.segment] != c.name || len(shown) != 3 {
					t.Errorf("the home of %s shows %v, want %s with the name %s", c.guest.user, shown, c.segment, c.name)
				}
				one := c.guest.propfind(t, c.home+c.segment, "0")[0]
				if owner := find(oneOwner, one.body); owner != "/UserDAV/erin@example.com/" {
					t.Errorf("to %s the owner is %s", c.guest.user, owner)
				}
				others := []string{"/CalDAV/~erin@example.com/Calendar/", c.ownHomeHref + c.segment, "/CalDAV/" + c.segment}
				for _, e := range c.equal {
					others = append(others, c.home+e)
				}
				for _, url := range others {
					two := c.guest.propfind(t, url, "0")[0]
					if two.href != url || strings.ReplaceAll(two.body, url, "") != strings.ReplaceAll(one.body, one.href, "") {
						t.Errorf("to %s %s is\n%s, and %s is\n%s", c.guest.user, one.href, one.body, url, two.body)
					}
				}
				if a := c.guest.ask(request{"GET", c.home + c.segment + "a.ics", nil, ""}); a.status != 200 || !strings.Contains(a.body, "shared") {
					t.Errorf("%s: %d %s", c.guest.user, a.status, a.body)
				}
			}
			// a home has one token under all names of its owner
			token := func(home string) string { return find(oneToken, frank.propfind(t, home, "0")[0].body) }
			for _, home := range []string{"/CalDAV/~erin@example.com/", "/CalDAV/~ERIN/"} {
				if got, want := token(home), token("/CalDAV/~erin/"); got != want {
					t.Errorf("%s has the token %s, want %s", home, got, want)
				}
			}
			// another domain's erin is nobody's
			for _, url := range []string{"/CalDAV/~me/~erin@example.org:Calendar/", "/CalDAV/~me/~erin:Calendar/"} {
				if a := alice.ask(request{"PROPFIND", url, map[string]string{"Depth": "0"}, ""}); a.status != 404 {
					t.Errorf("to alice %s is %d %s", url, a.status, a.body)
				}
			}
		})
	}
}
