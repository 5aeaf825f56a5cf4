package test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"calgate/gateway/calendar"
	"calgate/test/backends"
)

const shareNamespaces = ` xmlns:D="DAV:" xmlns:CS="http://calendarserver.org/ns/"`

// appleShare is what Apple's share dialog sends.
func appleShare(path, body string) request {
	return request{"POST", path, map[string]string{"Content-Type": "application/xml; charset=utf-8"}, "<CS:share" + shareNamespaces + ">" + body + "</CS:share>"}
}

// draftShare is the same in the words of draft-pot-webdav-resource-sharing.
func draftShare(path, body string) request {
	return request{"POST", path, map[string]string{"Content-Type": `application/davsharing+xml; charset="utf-8"`}, "<D:share-resource" + shareNamespaces + ">" + body + "</D:share-resource>"}
}

// ways are the ways to share a calendar. They end with access "", which takes the share back.
var ways = []struct {
	name  string
	share func(r *shareRig, access string) request // nil: a mail program
}{
	{"ACL", func(r *shareRig, access string) request {
		switch access {
		case "read":
			return aclRequest(r.own, ace(principalOf(r.guest), "read"))
		case "read-write":
			return aclRequest(r.own, ace(principalOf(r.guest), "read", "write-content", "bind", "unbind"))
		}
		return aclRequest(r.own)
	}},
	{"CS share", func(r *shareRig, access string) request {
		href := "<D:href>" + principalOf(r.guest) + "</D:href>"
		if access == "" {
			return appleShare(r.own, "<CS:remove>"+href+"</CS:remove>")
		}
		return appleShare(r.own, "<CS:set>"+href+"<CS:common-name>Guest</CS:common-name><CS:summary>Calendar</CS:summary><CS:"+access+"/></CS:set>")
	}},
	{"share-resource", func(r *shareRig, access string) request {
		if access == "" {
			access = "no-access"
		}
		return draftShare(r.own, "<D:sharee><D:href>mailto:"+r.guest.user+"</D:href><D:prop><D:displayname>Guest</D:displayname></D:prop><D:comment>here</D:comment><D:share-access><D:"+access+"/></D:share-access></D:sharee>")
	}},
	{"mail program", nil},
}

// TestSharing shares in every way and looks at it in every other: it is the same share.
func TestSharing(t *testing.T) {
	for _, s := range sharingServers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			r := newShareRig(t, s.start)
			clock, gateway := startCounted(t, r.b)
			r.owner.gateway = gateway
			r.compareShare(t, "before", "")
			for _, way := range ways {
				for _, access := range []string{"read", "read-write", "read", ""} {
					if way.share != nil {
						wantCondition(t, r.owner, way.share(r, access), 200, "")
					} else if rights := map[string]string{"read": "lrs", "read-write": "lrsite"}[access]; rights != "" {
						setACL(t, r.b, r.owner, "Calendar", r.guest.user, rights)
					} else {
						r.unset(t)
					}
					if way.share == nil {
						clock.wait(calendar.SharingLag)
					}
					r.compareShare(t, way.name+" "+access, access)
				}
			}
			// as an administrator does it
			for _, access := range []string{"read", "read-write", ""} {
				if !r.doveadm(t, access) && !r.cyradm(t, access) {
					break
				}
				clock.wait(calendar.SharingLag)
				r.compareShare(t, "administrator "+access, access)
			}
		})
	}
}

// doveadm shares as the administrator of a Dovecot does; false on another server.
func (r *shareRig) doveadm(t *testing.T, access string) bool {
	t.Helper()
	who := []string{"-u", r.owner.user, "Calendar", "user=" + r.guest.user}
	return r.b.Doveadm(t, map[string][]string{
		"read":       slices.Concat([]string{"acl", "set"}, who, []string{"lookup", "read", "write-seen"}),
		"read-write": slices.Concat([]string{"acl", "set"}, who, []string{"lookup", "read", "write-seen", "insert", "write-deleted", "expunge"}),
		"":           slices.Concat([]string{"acl", "delete"}, who),
	}[access]...)
}

// cyradm shares as the administrator of a Cyrus does, to whom it shows first what CalDAV has shared; false on another server.
func (r *shareRig) cyradm(t *testing.T, access string) bool {
	t.Helper()
	separator, ok := map[string]string{"cyrus": "/", "cyrus-dotted": "."}[r.b.Name]
	if !ok {
		return false
	}
	mailbox := strings.Join([]string{"user", r.owner.user, "Calendar"}, separator)
	opposite := map[string]string{"read": "read-write", "read-write": "", "": "read"}[access]
	r.owner.must(t, ways[1].share(r, opposite))
	said := r.b.Cyradm(t, "listacl "+mailbox, map[string]string{
		"read":       "setacl " + mailbox + " " + r.guest.user + " lrs",
		"read-write": "setacl " + mailbox + " " + r.guest.user + " lrsite",
		"":           "deleteacl " + mailbox + " " + r.guest.user,
	}[access])
	shown := ""
	for line := range strings.Lines(said) {
		if id, rights, _ := strings.Cut(strings.TrimSpace(line), " "); id == r.guest.user {
			shown = sortedRights(r.b, rights)
		}
	}
	if want := map[string]string{"read-write": "lrsite", "": "", "read": "lrs"}[opposite]; shown != asGiven(r.b, want) {
		t.Errorf("cyradm shows the guest with %q, want %q: %s", shown, want, said)
	}
	return true
}

// unset takes the share back as a mail program would.
func (r *shareRig) unset(t *testing.T) {
	t.Helper()
	m := openMailStore(t, r.b, r.owner.user, r.owner.password)
	m.raw(fmt.Sprintf("DELETEACL %q %q", m.name("Calendar"), r.guest.user))
}

// compareShare looks at a share as the mail server has it, as the owner and as the guest see it, and at what works.
func (r *shareRig) compareShare(t *testing.T, name, access string) {
	t.Helper()
	rights := map[string]string{"read": "lrs", "read-write": "lrsite"}[access]
	if got := r.rights(t); got != asGiven(r.b, rights) {
		t.Errorf("%s: the mail server says %q, want %q", name, got, rights)
	}
	kind := r.compareType(t, name, access != "")
	owner := r.owner.ask(propfind(r.own, "CS:invite", "D:invite", "D:share-access", "CS:allowed-sharing-modes", "D:resourcetype", "D:share-resource-uri", "CS:shared-url")).body
	uri := "<D:share-resource-uri><D:href>" + r.theirs + "</D:href></D:share-resource-uri>"
	always := []string{uri, "<CS:shared-url/></D:prop><D:status>HTTP/1.1 404", kind}
	want := []string{"<D:share-access><D:not-shared/></D:share-access>", "<D:invite/>", "<CS:can-be-shared/>", "<D:prop><CS:invite/><CS:shared-url/></D:prop><D:status>HTTP/1.1 404"}
	if access != "" {
		want = []string{
			"<CS:invite><CS:organizer><D:href>" + principalOf(r.owner) + "</D:href><CS:common-name>" + r.owner.user + "</CS:common-name></CS:organizer>" +
				"<CS:user><D:href>" + principalOf(r.guest) + "</D:href><CS:common-name>" + r.guest.user + "</CS:common-name><CS:invite-accepted/><CS:access><CS:" + access + "/></CS:access></CS:user></CS:invite>",
			"<D:invite><D:sharee><D:href>" + principalOf(r.guest) + "</D:href><D:prop><D:displayname>" + r.guest.user + "</D:displayname></D:prop><D:share-access><D:" + access + "/></D:share-access><D:invite-accepted/></D:sharee></D:invite>",
			"<D:share-access><D:shared-owner/></D:share-access>",
		}
	}
	for _, w := range append(want, always...) {
		if !strings.Contains(owner, w) {
			t.Errorf("%s: the owner does not see %s: %s", name, w, owner)
		}
	}
	guest := r.guest.ask(propfind(r.theirs, "CS:invite", "D:share-access", "CS:allowed-sharing-modes", "D:resourcetype", "D:share-resource-uri", "CS:shared-url"))
	put, remove := 404, 404
	if access == "" {
		if guest.status != 404 {
			t.Errorf("%s: the guest sees %d %s", name, guest.status, guest.body)
		}
	} else {
		put, remove = map[string]int{"read": 403, "read-write": 201}[access], map[string]int{"read": 403, "read-write": 204}[access]
		for _, w := range []string{"<D:share-access><D:" + access + "/></D:share-access>", "<C:calendar/><CS:shared/>", uri,
			"<CS:shared-url><D:href>" + r.theirs + "</D:href></CS:shared-url>",
			"<CS:user><D:href>" + principalOf(r.guest) + "</D:href><CS:common-name>" + r.guest.user + "</CS:common-name><CS:invite-accepted/><CS:access><CS:" + access + "/></CS:access></CS:user></CS:invite>",
			"<D:prop><CS:allowed-sharing-modes/></D:prop><D:status>HTTP/1.1 404"} {
			if !strings.Contains(guest.body, w) {
				t.Errorf("%s: the guest does not see %s: %s", name, w, guest.body)
			}
		}
	}
	wantCondition(t, r.guest, request{"PUT", r.theirs + "new.ics", map[string]string{"If-None-Match": "*"}, displaced("new")}, put, "")
	if access != "read" || r.owner.ask(request{"GET", r.own + "new.ics", nil, ""}).status == 200 {
		wantCondition(t, r.guest, request{"DELETE", r.theirs + "new.ics", nil, ""}, remove, "")
	}
}

// TestShareKeepsMore leaves alone who has what is asked for, and more besides.
func TestShareKeepsMore(t *testing.T) {
	t.Parallel()
	r := newShareRig(t, sharingServers[0].start)
	for _, tt := range []struct{ rights, access, want string }{
		{"lrswiteap", "read-write", "lrswiteap"}, {"lrp", "read", "lrp"}, {"lrswiteax", "read", "lrs"}, {"lri", "read-write", "lrsite"},
	} {
		setACL(t, r.b, r.owner, "Calendar", r.guest.user, tt.rights)
		wantCondition(t, r.owner, ways[1].share(r, tt.access), 200, "")
		if got := r.rights(t); got != asGiven(r.b, tt.want) {
			t.Errorf("%s shared for %s became %s, want %s", tt.rights, tt.access, got, tt.want)
		}
	}
	// what is said last counts
	guest := "<D:href>" + principalOf(r.guest) + "</D:href>"
	set, remove := "<CS:set>"+guest+"<CS:read/></CS:set>", "<CS:remove><D:href>MAILTO:"+strings.ToUpper(r.guest.user)+"</D:href></CS:remove>"
	for body, want := range map[string]string{set + remove: "", remove + set: "lrs"} {
		setACL(t, r.b, r.owner, "Calendar", r.guest.user, "lrsite")
		wantCondition(t, r.owner, appleShare(r.own, body), 200, "")
		if got := r.rights(t); got != asGiven(r.b, want) {
			t.Errorf("after %s the guest has %q, want %q", body, got, want)
		}
	}
	// the older name of the type
	text := appleShare(r.own, remove)
	text.header = map[string]string{"Content-Type": "text/xml"}
	setACL(t, r.b, r.owner, "Calendar", r.guest.user, "lr")
	wantCondition(t, r.owner, text, 200, "")
	if got := r.rights(t); got != "" {
		t.Errorf("after a removal as text/xml the guest has %q", got)
	}
	// many at once, and one of them away
	wantCondition(t, r.owner, appleShare(r.own, "<CS:set><D:href>mailto:carol@example.com</D:href><CS:read/></CS:set><CS:set><D:href>/UserDAV/group:staff/</D:href><CS:read-write/></CS:set><CS:remove><D:href>"+
		principalOf(r.guest)+"</D:href></CS:remove><CS:remove><D:href>mailto:nobody@example.com</D:href></CS:remove>"), 200, "")
	got := rawACL(t, r.b, r.owner, "Calendar")
	if got["carol@example.com"] != asGiven(r.b, "lrs") || got["$staff"] != asGiven(r.b, "lrsite") || got[r.guest.user] != "" || len(got) != 3 {
		t.Errorf("the ACL is %v", got)
	}
	a := r.owner.ask(propfind(r.own, "CS:invite"))
	if !strings.Contains(a.body, "<D:href>mailto:carol@example.com</D:href>") || !strings.Contains(a.body, "<D:href>/UserDAV/group:staff/</D:href>") {
		t.Errorf("the invite is %s", a.body)
	}
	// an owner who may not know, as only an administrator can make one
	r.b.Doveadm(t, "acl", "set", "-u", r.owner.user, "Calendar", "owner", "lookup", "read")
	r.owner.gateway = startGateway(t, r.b, nil, false)
	a = r.owner.ask(propfind(r.own, "D:resourcetype", "D:share-access", "D:invite", "CS:invite"))
	if want := "<C:calendar/></D:resourcetype></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat><D:propstat><D:prop><D:share-access/><D:invite/><CS:invite/></D:prop><D:status>HTTP/1.1 404"; !strings.Contains(a.body, want) {
		t.Errorf("without the right a the owner sees %s", a.body)
	}
}

func TestShareRefused(t *testing.T) {
	t.Parallel()
	r := newShareRig(t, sharingServers[0].start)
	guest := "<D:href>" + principalOf(r.guest) + "</D:href>"
	setACL(t, r.b, r.owner, "Calendar", r.guest.user, "lr")
	before := fmt.Sprint(rawACL(t, r.b, r.owner, "Calendar"))
	other := "<CS:set><D:href>mailto:carol@example.com</D:href><CS:read/></CS:set>"
	for _, tt := range []struct {
		request   request
		status    int
		condition string
	}{
		{appleShare(r.own, other+"<CS:set><D:href>urn:uuid:1</D:href><CS:read/></CS:set>"), 403, "recognized-principal"},
		{appleShare(r.own, other+"<CS:set><D:href>mailto:Gr%C3%BCn</D:href><CS:read/></CS:set>"), 403, "allowed-principal"},
		{appleShare(r.own, other+"<CS:set><D:href>"+principalOf(r.owner)+"</D:href><CS:read/></CS:set>"), 403, "no-protected-ace-conflict"},
		{appleShare(r.own, other+"<CS:set>"+guest+"</CS:set>"), 400, ""},
		{appleShare(r.own, other+"<CS:set><CS:read/></CS:set>"), 400, ""},
		{appleShare(r.own, ""), 400, ""},
		{draftShare(r.own, "<D:sharee>"+guest+"<D:share-access><D:shared-owner/></D:share-access></D:sharee>"), 400, ""},
		{request{"POST", r.own, map[string]string{"Content-Type": "application/xml"}, "<D:acl xmlns:D='DAV:'/>"}, 400, ""},
		{request{"POST", r.own, map[string]string{"Content-Type": "application/json"}, "{}"}, 415, ""},
		{appleShare("/CalDAV/~me/Nowhere/", other), 404, ""},
	} {
		wantCondition(t, r.owner, tt.request, tt.status, tt.condition)
	}
	wantCondition(t, r.guest, appleShare(r.theirs, other), 403, "need-privileges><D:resource><D:href>"+r.theirs+"</D:href><D:privilege><D:write-acl/>")
	wantCondition(t, r.guest, appleShare("/CalDAV/~"+r.owner.user+"/Nowhere/", other), 404, "")
	if after := fmt.Sprint(rawACL(t, r.b, r.owner, "Calendar")); after != before {
		t.Errorf("the ACL was %s and is %s", before, after)
	}
}

var descriptions = regexp.MustCompile(`<D:description[^>]*>[^<]*</D:description>`)

// TestSharingAdvertised: the tokens, the methods and the privileges are there only where the mail server has ACLs and shows the
// mailboxes of others.
func TestSharingAdvertised(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		start         func(testing.TB) *backends.Server
		acl, canShare bool
	}{
		"dovecot that shows no others": {func(t testing.TB) *backends.Server {
			return backends.Dovecot(t, backends.Options{ACL: true, Extra: noNamespace})
		}, true, false},
		"dovecot":          {sharingServers[0].start, true, true},
		"courier":          {func(t testing.TB) *backends.Server { return backends.Courier(t, backends.Options{}) }, true, true},
		"dovecot as it is": {func(t testing.TB) *backends.Server { return backends.Dovecot(t, backends.Options{}) }, false, false},
		"memory":           {func(t testing.TB) *backends.Server { return backends.Memory(t) }, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := tt.start(t)
			user, password := b.User()
			c := &crashClient{user, password, startGateway(t, b, nil, false)}
			c.must(t, request{"PUT", "/CalDAV/Calendar/a.ics", nil, crashEvent("old")})
			q, err := http.NewRequest("OPTIONS", "http://"+c.gateway+"/CalDAV/Calendar/", nil)
			if err != nil {
				t.Fatal(err)
			}
			q.SetBasicAuth(user, password)
			a, err := crashHTTP.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			a.Body.Close()
			dav, allow := a.Header.Get("DAV"), a.Header.Get("Allow")
			for _, token := range []string{"calendarserver-sharing", "resource-sharing"} {
				if strings.Contains(dav, token) != tt.canShare {
					t.Errorf("DAV: %s", dav)
				}
			}
			if strings.Contains(allow, "ACL") != tt.acl || !strings.Contains(allow, "POST") {
				t.Errorf("Allow: %s", allow)
			}
			body := c.ask(propfind("/CalDAV/Calendar/", "D:acl", "D:acl-restrictions", "D:supported-privilege-set", "D:current-user-privilege-set", "D:share-access", "CS:allowed-sharing-modes", "D:principal-collection-set")).body
			for text, want := range map[string]bool{
				"<D:privilege><D:write-acl/></D:privilege><D:description": tt.acl, "<D:privilege><D:all/></D:privilege></D:current-user-privilege-set>": true,
				"<D:acl-restrictions><D:grant-only/><D:no-invert/></D:acl-restrictions>":                     true,
				"</D:principal><D:grant><D:privilege><D:all/></D:privilege></D:grant><D:protected/></D:ace>": true,
				"<D:share-access><D:not-shared/></D:share-access>":                                           tt.canShare, "<CS:can-be-shared/>": tt.canShare,
				"<D:principal-collection-set><D:href>/UserDAV/</D:href></D:principal-collection-set>": true,
			} {
				if strings.Contains(body, text) != want {
					t.Errorf("%s is there: %v; %s", text, !want, body)
				}
			}
			tree := ""
			if _, rest, ok := strings.Cut(descriptions.ReplaceAllString(body, ""), "<D:supported-privilege-set>"); ok {
				tree, _, _ = strings.Cut(rest, "</D:supported-privilege-set>")
				tree = strings.NewReplacer("<D:supported-privilege><D:privilege><", "(", "/></D:privilege>", "", "<D:abstract/>", "*", "</D:supported-privilege>", ")").Replace(tree)
			}
			want := "(D:all(D:read(D:read-current-user-privilege-set*)(C:read-free-busy*))(D:write(D:write-content)(D:write-properties)(D:bind)(D:unbind))"
			if tt.acl {
				want += "(D:read-acl)(D:write-acl)"
			}
			if want += ")"; tree != want {
				t.Errorf("the supported privileges are %s, want %s", tree, want)
			}
			if !tt.acl {
				wantCondition(t, c, aclRequest("/CalDAV/Calendar/", ace("/UserDAV/bob/", "read")), 405, "")
				wantCondition(t, c, appleShare("/CalDAV/Calendar/", "<CS:set><D:href>mailto:bob@example.com</D:href><CS:read/></CS:set>"), 403, "need-privileges")
			}
		})
	}
}
