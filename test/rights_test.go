package test

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"

	"calgate/test/backends"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// What one user may do with another's calendar is what the mail server says: asked before, verified after, the same on every
// method, and nothing is revealed without the right l (RFC 4314).

var sharingServers = []struct {
	name  string
	start func(testing.TB) *backends.Server
}{
	{"dovecot", func(t testing.TB) *backends.Server { return backends.Dovecot(t, backends.Options{ACL: true}) }},
	{"dovecot tilde", func(t testing.TB) *backends.Server {
		return backends.Dovecot(t, backends.Options{ACL: true, Tilde: true})
	}},
	{"cyrus", func(t testing.TB) *backends.Server { return backends.Cyrus(t, backends.Options{}) }},
	{"cyrus dotted", func(t testing.TB) *backends.Server { return backends.Cyrus(t, backends.Options{Dotted: true}) }},
	{"courier", func(t testing.TB) *backends.Server { return backends.Courier(t, backends.Options{}) }},
}

// metadataServers are those on which properties have a place beside the folder.
var metadataServers = []struct {
	name  string
	start func(testing.TB) *backends.Server
}{
	{"dovecot metadata", func(t testing.TB) *backends.Server {
		return backends.Dovecot(t, backends.Options{ACL: true, Metadata: true})
	}},
	{"cyrus metadata", func(t testing.TB) *backends.Server { return backends.Cyrus(t, backends.Options{Metadata: true}) }},
}

// rightsCases are rights in the letters of RFC 4314, and what then works. Statuses: PROPFIND, GET, PUT of something new, PUT
// over, DELETE, PROPPATCH (which without the privilege is about the guest's own properties).
var rightsCases = []struct {
	rights   string
	statuses [6]int
	shown    string // privileges among bind, unbind, write-content, write-properties, all
}{
	{"", [6]int{404, 404, 404, 404, 404, 404}, ""},
	{"l", [6]int{403, 403, 403, 403, 403, 403}, ""},
	{"lr", [6]int{207, 200, 403, 403, 403, 207}, ""},
	{"lrs", [6]int{207, 200, 403, 403, 403, 207}, ""},
	{"lrsi", [6]int{207, 200, 201, 403, 403, 207}, "bind"},
	{"lrsite", [6]int{207, 200, 201, 204, 204, 207}, "bind unbind write-content"},
	{"lrswite", [6]int{207, 200, 201, 204, 204, 207}, "bind unbind write-content write-properties"},
}

// programHeaders are what programs send with a PUT over an object that they have read, but for its ETag.
var programHeaders = map[string]map[string]string{
	"Thunderbird": {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Thunderbird/153.7", "Accept": "text/xml",
		"Content-Type": "text/calendar; charset=utf-8", "Origin": "null", "Sec-Fetch-Site": "same-origin"},
	"DAVx5": {"User-Agent": "DAVx5/4.5-ose (2026/08/01; dav4jvm; okhttp/4.12.0) Android/15", "Content-Type": "text/calendar; charset=utf-8"},
	"KDAV": {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) konqueror/5.103 Safari/537.36",
		"Content-Type": "text/calendar"},
	"Outlook": {"User-Agent": "CalDavSynchronizer/4.5", "Content-Type": "text/calendar; charset=utf-8", "Expect": "100-continue"},
}

func TestRights(t *testing.T) {
	for _, s := range sharingServers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := s.start(t)
			owner := newCrashClient(t, b, startGateway(t, b, nil, false))
			guest := newCrashClient(t, b, startGateway(t, b, nil, false))
			for _, tt := range rightsCases {
				t.Run("rights "+tt.rights, func(t *testing.T) { rightsCase(t, b, owner, guest, tt.rights, tt.statuses, tt.shown) })
			}
		})
	}
}

var privileges = regexp.MustCompile(`<D:privilege><D:([a-z-]+)/>`)

func rightsCase(t *testing.T, b *backends.Server, owner, guest *crashClient, rights string, want [6]int, shown string) {
	name := "r" + rights
	if rights == "" {
		name = "none"
	}
	own := "/CalDAV/~me/" + name + "/"
	owner.must(t, request{"MKCALENDAR", own, nil, ""})
	owner.must(t, request{"PUT", own + "a.ics", nil, crashEvent("old")})
	owner.must(t, request{"PUT", own + "b.ics", nil, displaced("b")})
	setACL(t, b, owner, "Calendar/"+name, guest.user, rights)

	theirs := "/CalDAV/~" + owner.user + "/" + name + "/"
	list := guest.ask(request{"PROPFIND", theirs, map[string]string{"Depth": "0"}, `<D:propfind xmlns:D="DAV:"><D:prop><D:current-user-privilege-set/><D:owner/></D:prop></D:propfind>`})
	got := [6]int{
		list.status,
		guest.ask(request{"GET", theirs + "a.ics", nil, ""}).status,
		guest.ask(request{"PUT", theirs + "new.ics", map[string]string{"If-None-Match": "*"}, displaced("new")}).status,
		guest.ask(request{"PUT", theirs + "a.ics", nil, crashEvent("changed")}).status,
		guest.ask(request{"DELETE", theirs + "b.ics", nil, ""}).status,
		guest.ask(request{"PROPPATCH", theirs, nil, displayName("theirs")}).status,
	}
	if got != want {
		t.Errorf("PROPFIND, GET, create, update, DELETE, PROPPATCH are answered %v, want %v", got, want)
	}
	if rights == "lr" { // what DAVx5 and Evolution need to know that it is no failure
		etag := guest.ask(request{"GET", theirs + "a.ics", nil, ""}).etag
		for program, header := range programHeaders {
			header = maps.Clone(header)
			header["If-Match"] = etag
			a := guest.ask(request{"PUT", theirs + "a.ics", header, crashEvent("changed")})
			if a.status != 403 || !strings.Contains(a.body, "<D:need-privileges>") {
				t.Errorf("a PUT of %s is answered %d %s", program, a.status, a.body)
			}
		}
	}
	if list.status == 207 {
		var have []string
		for _, p := range []string{"all", "bind", "unbind", "write-content", "write-properties"} {
			for _, m := range privileges.FindAllStringSubmatch(list.body, -1) {
				if m[1] == p {
					have = append(have, p)
				}
			}
		}
		if strings.Join(have, " ") != shown {
			t.Errorf("privileges %q, want %q", have, shown)
		}
		if !strings.Contains(list.body, "<D:href>/UserDAV/"+strings.ToLower(owner.user)+"/</D:href>") {
			t.Errorf("the owner is not named: %s", list.body)
		}
	}
	// a refused request changed nothing, an accepted one did
	for i, path := range map[int]string{2: "new.ics", 3: "a.ics", 4: "b.ics"} {
		a := owner.ask(request{"GET", own + path, nil, ""})
		seen := map[int]string{2: "404", 3: "old", 4: "200"}[i]
		if want[i]/100 == 2 {
			seen = map[int]string{2: "200", 3: "changed", 4: "404"}[i]
		}
		if now := fmt.Sprint(a.status, a.body); !strings.Contains(now, seen) {
			t.Errorf("%s after %d is %s, want %s", path, got[i], now, seen)
		}
	}
	if changed := strings.Contains(owner.props(own), "displayname=theirs"); changed != strings.Contains(shown, "write-properties") {
		t.Errorf("the owner sees the name that a guest with these rights gave: %v", changed)
	}
	if missing := guest.ask(request{"PROPFIND", "/CalDAV/~" + owner.user + "/nowhere/", map[string]string{"Depth": "0"}, ""}); missing.status != 404 {
		t.Errorf("what is not there is answered %d", missing.status)
	} else if rights == "" && missing.body != list.body {
		t.Errorf("what may not be seen can be told from what is not there:\n%s\n%s", list.body, missing.body)
	}
}

// setACL gives rights as the owner's mail program would.
func setACL(t *testing.T, b *backends.Server, owner *crashClient, mailbox, user, rights string) {
	t.Helper()
	if rights == "" {
		return
	}
	if b.Name == "courier" { // it has the rights of RFC 2086
		rights = strings.NewReplacer("te", "d", "kx", "c").Replace(rights)
	}
	m := openMailStore(t, b, owner.user, owner.password)
	m.do(func(c *imapclient.Client) error {
		return c.SetACL(m.name(mailbox), imap.RightsIdentifier(user), imap.RightModificationReplace, imap.RightSet(rights)).Wait()
	})
}

// The home of another user lists what may be looked up; a user who shares nothing is like one who does not exist.
func TestOtherHome(t *testing.T) {
	for _, s := range sharingServers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := s.start(t)
			owner := newCrashClient(t, b, startGateway(t, b, nil, false))
			guest := newCrashClient(t, b, startGateway(t, b, nil, false))
			owner.must(t, request{"PUT", "/CalDAV/Calendar/a.ics", nil, crashEvent("shared")})
			owner.must(t, request{"MKCALENDAR", "/CalDAV/~me/Secret/", nil, ""})
			guest.must(t, request{"PROPFIND", "/CalDAV/", map[string]string{"Depth": "1"}, ""})
			home := "/CalDAV/~" + owner.user + "/"
			before, nobody := guest.ask(request{"PROPFIND", home, map[string]string{"Depth": "1"}, ""}), guest.ask(request{"PROPFIND", "/CalDAV/~nobody-" + owner.user + "/", map[string]string{"Depth": "1"}, ""})
			if before.status != 404 || nobody.status != 404 {
				t.Errorf("a home of which nothing is shared is answered %d, that of nobody %d", before.status, nobody.status)
			}
			setACL(t, b, owner, "Calendar", guest.user, "lr")
			if a := guest.ask(request{"GET", home + "Calendar/a.ics", nil, ""}); a.status != 200 || !strings.Contains(a.body, "shared") {
				t.Errorf("GET right after the first share: %d", a.status)
			}
			guest.must(t, request{"OPTIONS", home, nil, ""}) // Thunderbird asks it of the parent of each calendar
			list := guest.ask(request{"PROPFIND", home, map[string]string{"Depth": "1"}, ""})
			if list.status != 207 || !strings.Contains(list.body, home+"Calendar/<") || strings.Contains(list.body, "Secret") {
				t.Errorf("the home: %d %s", list.status, list.body)
			}
			feed := guest.ask(request{"GET", "/CalendarData/~" + owner.user + "/Calendar.ics", nil, ""})
			if feed.status != 200 || !strings.Contains(feed.body, "shared") {
				t.Errorf("the feed: %d %s", feed.status, feed.body)
			}
			// to a session in which nothing else was asked the home is the same
			first := *guest
			first.gateway = startGateway(t, b, nil, false)
			if a := first.ask(request{"PROPFIND", home, map[string]string{"Depth": "1"}, ""}); a.status != 207 || a.body != list.body {
				t.Errorf("the home at the first request: %d %s", a.status, a.body)
			}
			if a := guest.ask(request{"MKCALENDAR", home + "New/", nil, ""}); a.status != 403 {
				t.Errorf("MKCALENDAR in another's home: %d", a.status)
			}
			if a := guest.ask(request{"DELETE", home + "Calendar/", nil, ""}); a.status != 403 {
				t.Errorf("DELETE of another's calendar: %d", a.status)
			}
		})
	}
}
