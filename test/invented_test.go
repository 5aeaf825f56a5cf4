package test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"calgate/test/backends"
)

// Names that calendar programs invent for a calendar: UUIDs, emoji, what has a meaning in IMAP or in a path. Each is a calendar on
// every server, listed under that very name; or it is refused with an explanation, where no server could hold it.
func TestInventedNames(t *testing.T) {
	names := []string{
		"5F2E7C1A-4B0D-4E1B-9A57-0C6E3D1B2A90", "b0a1c2d3e4f5.calendar", "🎉 Party 👩‍👩‍👧", "Ä.ö,ü;ß", "100%", "a%2Fb", "a*b?c", "~", "#1", "q=1&r=2", "back\\slash",
		`"quoted"`, "INBOX", "Sent", ".hidden", "trailing.", "a..b", "=41", "名前", "a:b|c<d>e", "wow!", "space ", "^caret^", "&amp;", "é", strings.Repeat("long ", 20),
	}
	refused := []string{"~bob", strings.Repeat("é", 200), strings.Repeat("x", 2000)}
	servers := slices.Concat(renamingServers, []struct {
		name  string
		start func(testing.TB) *backends.Server
	}{
		{"memory", backends.Memory},
		{"cyrus dotted", func(t testing.TB) *backends.Server { return backends.Cyrus(t, backends.Options{Dotted: true}) }},
	})
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := s.start(t)
			c := newCrashClient(t, b, startGateway(t, b, nil, false))
			for _, name := range names {
				href := "/CalDAV/~me/" + strings.ReplaceAll(url.PathEscape(name), "&", "%26") + "/"
				a := c.ask(request{"MKCALENDAR", href, nil, ""})
				if strings.HasPrefix(name, "~") {
					if a.status != 403 {
						t.Errorf("MKCALENDAR %q: %d", name, a.status)
					}
					continue
				}
				if a.status != 201 {
					t.Errorf("MKCALENDAR %q: %d %s", name, a.status, a.body)
					continue
				}
				c.must(t, request{"PUT", href + "a.ics", nil, crashEvent("in")})
				if a := c.ask(request{"GET", href + "a.ics", nil, ""}); a.status != 200 {
					t.Errorf("GET in %q: %d", name, a.status)
				}
				shown := c.props(href)
				if want := "displayname=" + strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(name); shown != want {
					t.Errorf("%q is shown as %q", name, shown)
				}
			}
			home := c.ask(request{"PROPFIND", "/CalDAV/~me/", map[string]string{"Depth": "1"}, `<D:propfind xmlns:D="DAV:"><D:prop><D:displayname/></D:prop></D:propfind>`})
			if n := strings.Count(home.body, "<D:displayname>"); n < len(names)-1+1 { // without "~", with the home
				t.Errorf("the home lists %d", n)
			}
			for _, name := range refused {
				a := c.ask(request{"MKCALENDAR", "/CalDAV/~me/" + url.PathEscape(name) + "/", nil, ""})
				if a.status == 201 && (strings.HasPrefix(name, "é") || s.name == "memory") {
					continue // not every server counts octets
				}
				if a.status != 403 {
					t.Errorf("MKCALENDAR of %d octets: %d %s", len(name), a.status, a.body)
				}
			}
			if a := c.ask(request{"MKCALENDAR", "/CalDAV/~me/a%2Fb/", nil, ""}); a.status != 404 {
				t.Errorf("MKCALENDAR with a slash in a segment: %d", a.status)
			}
		})
	}
}

// PROPPATCHes through two gateways at once: the last one wins property by property, and none is lost wholesale.
// A guest's are his own, and where the server has METADATA they are there.
func TestProppatchOnTwoGateways(t *testing.T) {
	starts := map[string]func(testing.TB) *backends.Server{"dovecot": sharingServers[0].start}
	for _, s := range metadataServers {
		starts[s.name] = s.start
	}
	for name, start := range starts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t)
			owner := newCrashClient(t, b, startGateway(t, b, nil, false))
			guest := newCrashClient(t, b, owner.gateway)
			second := startGateway(t, b, nil, false)
			owner.must(t, request{"MKCALENDAR", "/CalDAV/~me/Work/", nil, ""})
			setACL(t, b, owner, "Calendar/Work", guest.user, "lr")
			patchBoth(t, owner, second, "/CalDAV/~me/Work/")
			patchBoth(t, guest, second, "/CalDAV/~"+owner.user+"/Work/")
		})
	}
}

// patchBoth changes properties through a user's gateway and another one.
func patchBoth(t *testing.T, first *crashClient, second, calendar string) {
	t.Helper()
	const rounds = 5
	writers := []*crashClient{first, {first.user, first.password, second}}
	var wg sync.WaitGroup
	accepted := make([][]int, len(writers))
	for w, c := range writers {
		wg.Go(func() {
			for i := range rounds {
				a := c.ask(request{"PROPPATCH", calendar, nil, setProps(fmt.Sprintf(`<own%dn%d xmlns="urn:example">%d</own%dn%d><D:displayname>by %d, %d</D:displayname>`, w, i, i, w, i, w, i))})
				switch a.status {
				case 207:
					accepted[w] = append(accepted[w], i)
				case 503:
				default:
					t.Errorf("PROPPATCH: %d %s", a.status, a.body)
				}
			}
		})
	}
	wg.Wait()
	for _, c := range writers {
		all := c.ask(request{"PROPFIND", calendar, map[string]string{"Depth": "0"}, `<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>`}).body
		for w := range accepted {
			for _, i := range accepted[w] {
				if !strings.Contains(all, fmt.Sprintf("own%dn%d ", w, i)) {
					t.Errorf("what gateway %d was told of in round %d is lost", w, i)
				}
			}
		}
		last := c.props(calendar)
		ok := false
		for w := range accepted {
			if n := len(accepted[w]); n > 0 {
				ok = ok || last == fmt.Sprintf("displayname=by %d, %d", w, accepted[w][n-1])
			}
		}
		if !ok {
			t.Errorf("the name is that of no last PROPPATCH: %q", last)
		}
	}
	if len(accepted[0])+len(accepted[1]) < rounds {
		t.Errorf("accepted: %v", accepted)
	}
}
