package test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"calgate/test/backends"
	"calgate/test/faulty"
)

func reportRequest(path, body string) request {
	return request{"REPORT", path, map[string]string{"Depth": "0"}, body}
}

// davReport writes a REPORT of the namespace DAV:.
func davReport(path, name, body string) request {
	return reportRequest(path, "<D:"+name+` xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/">`+body+"</D:"+name+">")
}

var responseHref = regexp.MustCompile(`<D:response><D:href>([^<]*)</D:href>`)

// found are the hrefs of the responses of an answer.
func found(t *testing.T, c *crashClient, r request) []string {
	t.Helper()
	a := c.ask(r)
	if a.status != 207 {
		t.Errorf("%s %s %s: %d %s", r.method, r.path, r.body, a.status, a.body)
	}
	var hrefs []string
	for _, m := range responseHref.FindAllStringSubmatch(a.body, -1) {
		hrefs = append(hrefs, m[1])
	}
	slices.Sort(hrefs)
	return hrefs
}

func searchFor(property, match string) request {
	return davReport("/UserDAV/", "principal-property-search",
		"<D:property-search><D:prop><"+property+"/></D:prop><D:match>"+match+"</D:match></D:property-search><D:prop><D:displayname/></D:prop>")
}

// TestPrincipals finds users and groups through what IMAP shows, and nobody else.
func TestPrincipals(t *testing.T) {
	for _, s := range sharingServers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			r := newShareRig(t, s.start)
			owner, guest := principalOf(r.owner), principalOf(r.guest)
			third := newCrashClient(t, r.b, r.owner.gateway)
			nobody := "/UserDAV/nobody-" + r.owner.user + "/"
			ask := func(c *crashClient, path string) crashAnswer {
				return c.ask(propfind(path, "D:displayname", "D:principal-URL", "C:calendar-home-set", "C:calendar-user-address-set", "D:resourcetype", "D:current-user-principal", "D:acl"))
			}
			// who has nothing to do with one another is not there
			for _, c := range []*crashClient{r.owner, r.guest} {
				hidden, missing := ask(c, principalOf(third)), ask(c, nobody)
				if hidden.status != 404 || missing.status != 404 || hidden.body != missing.body {
					t.Errorf("a stranger is answered %d %s, nobody %d %s", hidden.status, hidden.body, missing.status, missing.body)
				}
			}
			if a := ask(r.owner, guest); a.status != 404 {
				t.Errorf("the guest before the share: %d", a.status)
			}
			setACL(t, r.b, r.owner, "Calendar", r.guest.user, "lr")
			for _, tt := range []struct {
				who  *crashClient
				of   *crashClient
				path string
			}{{r.owner, r.guest, guest}, {r.guest, r.owner, owner}, {r.owner, r.owner, owner}, {r.guest, r.owner, "/UserDAV/~" + r.owner.user}} {
				a := ask(tt.who, tt.path)
				for _, w := range []string{
					"<D:displayname>" + tt.of.user + "</D:displayname>", "<D:principal-URL><D:href>" + principalOf(tt.of) + "</D:href></D:principal-URL>",
					"<C:calendar-home-set><D:href>/CalDAV/~" + strings.ToLower(tt.of.user) + "/</D:href></C:calendar-home-set>",
					"<C:calendar-user-address-set><D:href>" + principalOf(tt.of) + "</D:href></C:calendar-user-address-set>",
					"<D:resourcetype><D:collection/><D:principal/></D:resourcetype>",
					"<D:current-user-principal><D:href>" + principalOf(tt.who) + "</D:href></D:current-user-principal>",
				} {
					if a.status != 207 || !strings.Contains(a.body, w) {
						t.Errorf("%s asks for %s: %d, without %s: %s", tt.who.user, tt.path, a.status, w, a.body)
					}
				}
			}
			all := []string{owner, guest}
			slices.Sort(all)
			for _, tt := range []struct {
				who     *crashClient
				request request
				want    []string
			}{
				{r.owner, searchFor("D:displayname", strings.ToUpper(r.guest.user)), []string{guest}},
				{r.owner, searchFor("D:displayname", r.guest.user[:1]), all},
				{r.owner, searchFor("D:displayname", third.user), nil},
				{r.guest, searchFor("D:displayname", third.user), nil},
				{third, searchFor("D:displayname", r.owner.user), nil},
				{third, searchFor("D:displayname", r.owner.user[:1]), []string{principalOf(third)}},
				{r.guest, searchFor("C:calendar-user-address-set", owner), []string{owner}},
				{r.guest, searchFor("D:displayname", r.owner.user), []string{owner}},
				{r.guest, searchFor("CS:email-address-set", r.owner.user), nil}, // they have none
				{r.guest, searchFor("D:owner", r.owner.user), nil},
				{r.owner, davReport("/UserDAV/", `principal-property-search test="anyof"`, "<D:property-search><D:prop><D:displayname/></D:prop><D:match>"+r.guest.user+
					"</D:match></D:property-search><D:property-search><D:prop><D:displayname/></D:prop><D:match>"+r.owner.user+"</D:match></D:property-search><D:prop/>"), all},
				{r.owner, davReport("/UserDAV/", "principal-property-search", "<D:property-search><D:prop><D:displayname/></D:prop><D:match>"+r.guest.user+
					"</D:match></D:property-search><D:property-search><D:prop><D:displayname/></D:prop><D:match>"+r.owner.user+"</D:match></D:property-search><D:prop/>"), nil},
				{r.owner, davReport("/UserDAV/", "principal-match", "<D:self/><D:prop><D:displayname/></D:prop>"), []string{owner}},
				{r.owner, davReport("/CalDAV/~me/", "principal-match", "<D:principal-property><D:owner/></D:principal-property><D:prop><D:displayname/></D:prop>"), []string{"/CalDAV/~me/Calendar/"}},
				{r.owner, davReport("/CalDAV/~me/", "principal-match", "<D:self/>"), nil},
				{r.owner, davReport(r.own, "acl-principal-prop-set", "<D:prop><D:displayname/></D:prop>"), append(map[bool][]string{true: {"/UserDAV/group:administrators/"}}[s.name == "courier"], all...)},
			} {
				tt.request.body = strings.ReplaceAll(tt.request.body, `</D:principal-property-search test="anyof">`, "</D:principal-property-search>")
				slices.Sort(tt.want)
				if got := found(t, tt.who, tt.request); !slices.Equal(got, tt.want) {
					t.Errorf("%s %s finds %v, want %v", tt.request.path, tt.request.body, got, tt.want)
				}
			}
			if a := r.owner.ask(davReport("/UserDAV/", "principal-search-property-set", "")); a.status != 200 || !strings.Contains(a.body, "<D:principal-search-property><D:prop><C:calendar-user-address-set/></D:prop><D:description") {
				t.Errorf("principal-search-property-set: %d %s", a.status, a.body)
			}
			// all searches of a request ask once who is shown
			p := faulty.New(t, r.b.Addr)
			asked := func(searches int) (n int) {
				c := &crashClient{r.owner.user, r.owner.password, startGatewayAt(t, p.URL(), nil, false)}
				p.Forget()
				body := strings.Repeat("<D:property-search><D:prop><D:displayname/></D:prop><D:match>"+r.guest.user+"</D:match></D:property-search>", searches)
				if got := found(t, c, davReport("/UserDAV/", "principal-property-search", body+"<D:prop/>")); !slices.Equal(got, []string{guest}) {
					t.Errorf("%d searches find %v", searches, got)
				}
				return len(p.Commands())
			}
			if one, many := asked(1), asked(10); many != one {
				t.Errorf("a search takes %d commands, ten of them %d", one, many)
			}
			wantCondition(t, r.guest, davReport(r.theirs, "acl-principal-prop-set", "<D:prop><D:displayname/></D:prop>"), 403, "need-privileges")
			wantCondition(t, r.owner, davReport("/UserDAV/", "principal-property-search", "<D:prop/>"), 400, "")
			deep := davReport("/UserDAV/", "principal-match", "<D:self/>")
			deep.header["Depth"] = "1"
			wantCondition(t, r.owner, deep, 400, "")
			if s.name != "courier" {
				wantCondition(t, r.owner, aclRequest(r.own, ace("/UserDAV/group:staff/", "read")), 200, "")
				a := ask(r.owner, "/UserDAV/group:staff/")
				if a.status != 207 || !strings.Contains(a.body, "<D:displayname>staff</D:displayname>") || strings.Contains(a.body, "<C:calendar-home-set><D:href>") {
					t.Errorf("the group: %d %s", a.status, a.body)
				}
				if got := found(t, r.owner, searchFor("D:displayname", "STAFF")); !slices.Equal(got, []string{"/UserDAV/group:staff/"}) {
					t.Errorf("the group is found as %v", got)
				}
				wantCondition(t, r.guest, propfind("/UserDAV/group:staff/", "D:displayname"), 404, "")
			}
		})
	}
}

// TestPrincipalByName: where the mail server lists nobody, who shares something is found by the exact name, and by that alone.
func TestPrincipalByName(t *testing.T) {
	t.Parallel()
	r := newShareRig(t, func(t testing.TB) *backends.Server {
		return backends.Dovecot(t, backends.Options{ACL: true, Extra: "plugin {\n  acl_shared_dict =\n}\n"})
	})
	third := newCrashClient(t, r.b, r.owner.gateway)
	third.must(t, request{"PUT", "/CalDAV/Calendar/a.ics", nil, crashEvent("nobody's business")})
	setACL(t, r.b, r.owner, "Calendar", r.guest.user, "lr")
	for match, want := range map[string][]string{
		r.owner.user: {principalOf(r.owner)}, "mailto:" + r.owner.user: nil, r.owner.user[:len(r.owner.user)-1]: {principalOf(r.guest)}, third.user: nil, "nobody": nil,
	} {
		if got := found(t, r.guest, searchFor("D:displayname", match)); !slices.Equal(got, want) {
			t.Errorf("%q finds %v, want %v", match, got, want)
		}
	}
}

// TestExpandProperty follows hrefs as Apple's programs do at their set-up.
func TestExpandProperty(t *testing.T) {
	t.Parallel()
	r := newShareRig(t, sharingServers[0].start)
	owner, guest := principalOf(r.owner), principalOf(r.guest)
	setACL(t, r.b, r.owner, "Calendar", r.guest.user, "lr")
	property := func(name, inner string) string { return `<D:property name="` + name + `">` + inner + `</D:property>` }
	caldav := func(name, inner string) string {
		return `<D:property name="` + name + `" namespace="urn:ietf:params:xml:ns:caldav">` + inner + `</D:property>`
	}
	for _, tt := range []struct {
		who        *crashClient
		path, body string
		want       []string
	}{
		{r.owner, "/", property("current-user-principal", property("displayname", "")+caldav("calendar-home-set", property("current-user-privilege-set", "")+property("getetag", ""))),
			[]string{"<D:current-user-principal><D:response><D:href>" + owner + "</D:href><D:propstat><D:prop><D:displayname>" + r.owner.user + "</D:displayname><C:calendar-home-set><D:response><D:href>/CalDAV/~" + r.owner.user + "/</D:href><D:propstat><D:prop><D:current-user-privilege-set>",
				"<D:prop><D:getetag/></D:prop><D:status>HTTP/1.1 404"}},
		{r.guest, r.theirs, property("owner", property("displayname", "")) + property("displayname", "") + property("nothing", ""),
			[]string{"<D:owner><D:response><D:href>" + owner + "</D:href><D:propstat><D:prop><D:displayname>" + r.owner.user + "</D:displayname></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:owner><D:displayname>Calendar",
				"<D:prop><D:nothing/></D:prop><D:status>HTTP/1.1 404"}},
		{r.owner, r.own, property("acl", property("displayname", "")), []string{"<D:principal><D:response><D:href>" + guest + "</D:href><D:propstat><D:prop><D:displayname>" + r.guest.user}},
		{r.owner, owner, property("group-membership", property("displayname", "")) + `<D:property name="calendar-proxy-read-for" namespace="http://calendarserver.org/ns/">` + property("displayname", "") + "</D:property>",
			[]string{"<D:group-membership/>", "<CS:calendar-proxy-read-for/></D:prop><D:status>HTTP/1.1 404"}},
		{r.owner, r.own + "a.ics", property("getetag", "") + property("owner", ""), []string{"<D:getetag>", "<D:owner><D:href>" + owner}},
	} {
		a := tt.who.ask(davReport(tt.path, "expand-property", tt.body))
		for _, w := range tt.want {
			if a.status != 207 || !strings.Contains(a.body, w) {
				t.Errorf("%s %s: %d, without %s: %s", tt.path, tt.body, a.status, w, a.body)
			}
		}
	}
	for _, bad := range []string{`<D:property/>`, `<D:property name="a&lt;b"/>`, `<D:property name="a b"/>`} {
		wantCondition(t, r.owner, davReport(r.own, "expand-property", bad), 400, "")
	}
	// a loop that doubles at each level is cut, not followed
	loop := property("displayname", "")
	for range 11 {
		loop = property("current-user-principal", loop) + property("principal-URL", loop)
	}
	wantCondition(t, r.owner, davReport("/CalDAV/~me/", "expand-property", loop), 403, "number-of-matches-within-limits")
}
