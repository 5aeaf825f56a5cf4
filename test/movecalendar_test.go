package test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"calgate/test/backends"
)

var renamingServers = []struct {
	name  string
	start func(testing.TB) *backends.Server
}{
	{"maildir", func(t testing.TB) *backends.Server { return backends.Dovecot(t, backends.Options{ACL: true}) }},
	{"sdbox dotted", func(t testing.TB) *backends.Server {
		return backends.Dovecot(t, backends.Options{ACL: true, Format: "sdbox", Dotted: true})
	}},
	{"cyrus", func(t testing.TB) *backends.Server { return backends.Cyrus(t, backends.Options{}) }},
	{"courier", func(t testing.TB) *backends.Server { return backends.Courier(t, backends.Options{}) }},
}

// A calendar that is moved by one gateway is gone under its old name on another one, whose session has it selected and whose
// caches hold it: Cyrus does not tell such a session, and Courier shows it the mailbox as it was and gives a note for each
// message. An empty one is gone as well. Who shares it finds it under its new name in his home.
func TestMovedUnderAnotherGateway(t *testing.T) {
	for _, s := range renamingServers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := s.start(t)
			mover := newCrashClient(t, b, startGateway(t, b, nil, false))
			others := []*crashClient{
				{mover.user, mover.password, startGateway(t, b, nil, false)},
				{mover.user, mover.password, startGateway(t, b, nil, true)},
			}
			mail := openMailStore(t, b, mover.user, mover.password)
			guest := newCrashClient(t, b, "")
			acl := func(name string) string {
				return strings.Join(mail.raw(fmt.Sprintf("GETACL %q", mail.name("Calendar/"+name))), "\n")
			}
			list := func(path string) request {
				return request{"PROPFIND", path, map[string]string{"Depth": "1"}, `<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/><D:displayname/></D:prop></D:propfind>`}
			}
			since := func(path, token string) crashAnswer {
				return mover.ask(request{"REPORT", path, nil, `<D:sync-collection xmlns:D="DAV:"><D:sync-token>` + token +
					`</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>`})
			}
			object := func(path string) request { return request{"GET", path + "a.ics", nil, ""} }
			for _, empty := range []bool{false, true} {
				from, to := fmt.Sprintf("/CalDAV/~me/Work %v/", empty), fmt.Sprintf("/CalDAV/~me/Job %v/", empty)
				from, to = strings.ReplaceAll(from, " ", "%20"), strings.ReplaceAll(to, " ", "%20")
				mover.must(t, request{"MKCALENDAR", from, nil, ""})
				if !empty {
					mover.must(t, request{"PUT", from + "a.ics", nil, crashEvent("moved")})
				}
				mail.raw(`SUBSCRIBE "` + mail.name(fmt.Sprintf("Calendar/Work %v", empty)) + `"`)
				setACL(t, b, mover, fmt.Sprintf("Calendar/Work %v", empty), guest.user, "lrs")
				granted := acl(fmt.Sprintf("Work %v", empty))
				var before []crashAnswer
				for _, o := range others {
					o.must(t, list(from))
					before = append(before, o.ask(object(from)))
				}
				token := since(from, "").body
				mover.must(t, request{"MOVE", from, map[string]string{"Destination": to}, ""})
				// Courier gives the folder another UIDVALIDITY
				if a := since(to, find(syncToken, token)); s.name == "courier" && (a.status != 403 || !strings.Contains(a.body, "valid-sync-token")) ||
					s.name != "courier" && (a.status != 207 || strings.Contains(a.body, "href>")) {
					t.Errorf("sync since before the MOVE: %d %s", a.status, a.body)
				}
				if got := acl(fmt.Sprintf("Job %v", empty)); !strings.Contains(got, guest.user) || got != strings.ReplaceAll(granted, "Work", "Job") {
					t.Errorf("the ACL was %s, is %s", granted, got)
				}
				guest.gateway = startGateway(t, b, nil, false)
				shown := guest.home(t, "/CalDAV/~me/")
				for path, want := range map[string]bool{from: false, to: true} {
					if _, ok := shown["~"+mover.user+":"+strings.TrimPrefix(path, "/CalDAV/~me/")]; ok != want {
						t.Errorf("who shares %s is shown it: %v; %v", path, ok, shown)
					}
				}
				for i, o := range others {
					if a := o.ask(object(from)); a.status != 404 {
						t.Errorf("gateway %d, the object under the old name: %d %s", i, a.status, a.body)
					}
					if a := o.ask(list(from)); a.status != 404 {
						t.Errorf("gateway %d, the old name: %d %s", i, a.status, a.body)
					}
					if a := o.ask(list(to)); a.status != 207 || strings.Contains(a.body, "a.ics") == empty {
						t.Errorf("gateway %d, the new name: %d %s", i, a.status, a.body)
					}
					if a := o.ask(object(to)); a != before[i] {
						t.Errorf("gateway %d, the object: %+v, was %+v", i, a, before[i])
					}
				}
				// Another calendar may take the old name at once.
				mover.must(t, request{"MKCALENDAR", from, nil, ""})
				mover.must(t, request{"PUT", from + "b.ics", nil, displaced("b")})
				for i, o := range others {
					if a := o.ask(list(from)); a.status != 207 || !strings.Contains(a.body, "b.ics") || strings.Contains(a.body, "a.ics") {
						t.Errorf("gateway %d, another one of the old name: %d %s", i, a.status, a.body)
					}
				}
			}
			if names := strings.Join(mail.subscribed(), " "); strings.Contains(names, "Work") || strings.Count(names, "Job") != 2 {
				t.Errorf("subscribed: %s", names)
			}
			if s.name == "cyrus" {
				inPlaceOfAnother(t, mail, append(others, mover))
			}
		})
	}
}

// inPlaceOfAnother moves a calendar to the name of another one that was made in the same second, which is Cyrus' UIDVALIDITY,
// and holds as many messages. Nothing but its MAILBOXID tells a gateway that knows the other one, by a listing or at all. The
// messages are those of a mail program, without a token.
func inPlaceOfAnother(t *testing.T, mail *mailStore, gateways []*crashClient) {
	t.Helper()
	one, two := mail.name("Calendar/One"), mail.name("Calendar/Two")
	for made := ""; ; mail.raw("DELETE "+one, "DELETE "+two) {
		put := func(box string) string {
			m := "Content-Type: text/calendar; charset=utf-8\r\n\r\n" + crashEvent("in "+box)
			return fmt.Sprintf("APPEND %s {%d+}\r\n%s", box, len(m), m)
		}
		made = strings.Join(mail.raw("CREATE "+one, "CREATE "+two, put(one), put(two), "STATUS "+one+" (UIDVALIDITY)", "STATUS "+two+" (UIDVALIDITY)"), "")
		if n := regexp.MustCompile(`UIDVALIDITY \d+`).FindAllString(made, -1); len(n) == 2 && n[0] == n[1] {
			break
		}
	}
	// home is what a gateway's home says of Two: its tag, and the summary of its object.
	home := func(c *crashClient) (tag, summary string) {
		for _, r := range c.propfind(t, "/CalDAV/~me/", "1") {
			if strings.HasSuffix(r.href, "/Two/") {
				tag = find(oneTag, r.body)
			}
		}
		for _, r := range responses(c.ask(request{"REPORT", "/CalDAV/~me/", map[string]string{"Depth": "1"}, allObjects}).body) {
			if strings.Contains(r.href, "/Two/") {
				summary = find(regexp.MustCompile(`SUMMARY:(.*)`), r.body)
			}
		}
		return tag, summary
	}
	was, summary := home(gateways[0])
	for _, c := range gateways {
		if tag, s := home(c); tag != was || s != summary || !strings.Contains(s, two) {
			t.Errorf("%s of %q, want %s", tag, s, was)
		}
	}
	mover := gateways[len(gateways)-1]
	mover.must(t, request{"DELETE", "/CalDAV/~me/Two/", nil, ""})
	mover.must(t, request{"MOVE", "/CalDAV/~me/One/", map[string]string{"Destination": "/CalDAV/~me/Two/"}, ""})
	want, _ := home(mover)
	for i, c := range gateways {
		if tag, s := home(c); tag != want || tag == was || !strings.Contains(s, one) {
			t.Errorf("gateway %d has %s of %q in the place of another, want %s and not %s", i, tag, s, want, was)
		}
	}
}

// patientHTTP waits longer than a gateway waits for the mail server: a session of Courier can wait for a lock that went with
// the folder.
var patientHTTP = &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}

// What is stored while the calendar moves to and fro is stored: a PUT that was answered with 2xx is found in the end.
func TestMoveAmongWrites(t *testing.T) {
	for _, s := range renamingServers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := s.start(t)
			mover := newCrashClient(t, b, startGateway(t, b, nil, false))
			names := [2]string{"/CalDAV/~me/Here/", "/CalDAV/~me/There/"}
			mover.must(t, request{"MKCALENDAR", names[0], nil, ""})
			var writers sync.WaitGroup
			stored := make([][]string, 2)
			progress, stop := make(chan struct{}, 1), make(chan struct{})
			for w := range stored {
				c := &crashClient{mover.user, mover.password, startGateway(t, b, nil, w == 0)}
				writers.Go(func() {
					for i := 0; ; i++ {
						select {
						case <-stop:
							return
						default:
						}
						name := fmt.Sprintf("w%dn%d", w, i)
						a := c.askOver(patientHTTP, request{"PUT", names[i%2] + name + ".ics", map[string]string{"If-None-Match": "*"}, displaced(name)})
						switch a.status {
						case 201:
							stored[w] = append(stored[w], name)
							select {
							case progress <- struct{}{}:
							default:
							}
						case 404, 409, 503:
						default:
							t.Errorf("PUT: %d %s", a.status, a.body)
						}
					}
				})
			}
			at := 0
		moves:
			for i := range 5 {
				select {
				case <-progress:
				case <-time.After(backends.Patience):
					t.Error("nobody can write any more")
					break moves
				}
				a := mover.askOver(patientHTTP, request{"MOVE", names[at], map[string]string{"Destination": names[1-at]}, ""})
				switch {
				case a.status == 201:
					at = 1 - at
				case a.status != 503:
					t.Errorf("MOVE %d: %d %s", i, a.status, a.body)
				case mover.ask(request{"PROPFIND", names[1-at], depth0, ""}).status == 207: // its outcome was unknown
					at = 1 - at
				}
			}
			close(stop)
			writers.Wait()
			list := mover.ask(request{"PROPFIND", names[at], map[string]string{"Depth": "1"}, ""})
			for w := range stored {
				for _, name := range stored[w] {
					if !strings.Contains(list.body, "/"+name+".ics") {
						t.Errorf("%s was stored and is not there", name)
					}
				}
			}
			t.Logf("%d and %d objects", len(stored[0]), len(stored[1]))
		})
	}
}
