package test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"calgate/test/backends"
	"calgate/test/faulty"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// noNamespace is a Dovecot that has mailboxes of other users and says nothing of them: NAMESPACE is missing.
const noNamespace = "imap_capability = IMAP4rev1 LITERAL+ UIDPLUS MULTIAPPEND UNSELECT CONDSTORE ACL RIGHTS=texk"

// ownerServers are the ways in which servers name the mailboxes of others. An owner comes with spellings that mean the same.
var ownerServers = []struct {
	name   string
	start  func(testing.TB) *backends.Server
	guest  string
	owners map[string][]string
	others string // -others
}{
	{"dovecot", func(t testing.TB) *backends.Server { return backends.Dovecot(t, backends.Options{ACL: true}) }, "bob", everyOwner, ""},
	{"dovecot tilde", func(t testing.TB) *backends.Server {
		return backends.Dovecot(t, backends.Options{ACL: true, Tilde: true})
	}, "bob", everyOwner, ""},
	{"dovecot dotted", func(t testing.TB) *backends.Server {
		return backends.Dovecot(t, backends.Options{ACL: true, Dotted: true})
	}, "bob", plainOwner, ""},
	{"dovecot template", func(t testing.TB) *backends.Server {
		return backends.Dovecot(t, backends.Options{ACL: true, Extra: noNamespace})
	}, "bob", everyOwner, "shared/%u/"},
	{"dovecot tilde template", func(t testing.TB) *backends.Server {
		return backends.Dovecot(t, backends.Options{ACL: true, Tilde: true, Extra: noNamespace})
	}, "bob", everyOwner, "~%u/"},
	{"cyrus", func(t testing.TB) *backends.Server { return backends.Cyrus(t, backends.Options{}) }, "bob", dottedOwner, ""},
	{"cyrus dotted", func(t testing.TB) *backends.Server {
		return backends.Cyrus(t, backends.Options{Dotted: true})
	}, "bob", dottedOwner, ""},
	{"cyrus domain", func(t testing.TB) *backends.Server {
		return backends.Cyrus(t, backends.Options{Dotted: true})
	}, "erin@example.com", map[string][]string{"e.f@example.com": {"e.f@example.com", "E.F@Example.com", "e.f"}}, ""},
	{"cyrus template", func(t testing.TB) *backends.Server {
		return backends.Cyrus(t, backends.Options{Dotted: true})
	}, "erin@example.com", map[string][]string{"e.f@example.com": {"e.f@example.com", "E.F@Example.com", "e.f"}}, "user.%n."},
	{"courier", func(t testing.TB) *backends.Server { return backends.Courier(t, backends.Options{}) }, "bob", everyOwner, ""},
}

var (
	plainOwner  = map[string][]string{"alice": {"alice", "ALICE"}}
	dottedOwner = map[string][]string{"alice": {"alice", "ALICE"}, "dave.smith": {"dave.smith", "Dave.Smith"}}
	everyOwner  = map[string][]string{"alice": {"alice", "ALICE"}, "dave.smith": {"dave.smith", "Dave.Smith"}, "erin@example.com": {"erin@example.com", "Erin@Example.COM"}}
)

// Owners with dots and domains are found under every spelling of the URL, in every realm, on every server.
func TestOtherOwners(t *testing.T) {
	for _, s := range ownerServers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := s.start(t)
			options := map[string][]string{"others": {s.others}}
			guest := &crashClient{s.guest, backends.Password(s.guest), startGateway(t, b, options, false)}
			for owner, spellings := range s.owners {
				u := "~" + owner
				share(t, b, owner, s.guest, map[string]string{"Calendar": "lrswite", "Calendar/Read": "lrswite", "Calendar/Add": "lrswite"})
				for _, path := range []string{"/Read", "/Add"} {
					guest.must(t, request{"PUT", "/CalDAV/" + u + path + "/a.ics", nil, crashEvent("kept")})
				}
				share(t, b, owner, s.guest, map[string]string{"Calendar/Read": "lr", "Calendar/Add": "lri"})
				for _, spelled := range spellings {
					t.Run(spelled, func(t *testing.T) { otherOwner(t, guest, "~"+spelled) })
					if escaped := url.QueryEscape(spelled); escaped != spelled {
						t.Run(escaped, func(t *testing.T) { otherOwner(t, guest, "~"+escaped) })
					}
				}
				// Dovecot lets a session that is there keep its rights for half a minute.
				otherRights(t, &crashClient{s.guest, backends.Password(s.guest), startGateway(t, b, options, false)}, u)
			}
		})
	}
}

// share gives rights on mailboxes, which it makes. The owner uses IMAP alone: to a user with a dot in the name Cyrus with the
// separator "." lists nothing, though others see what such a user shares.
func share(t *testing.T, b *backends.Server, owner, guest string, rights map[string]string) {
	t.Helper()
	m := openMailStore(t, b, owner, backends.Password(owner))
	for _, mailbox := range slices.Sorted(maps.Keys(rights)) {
		m.do(func(c *imapclient.Client) error {
			_ = c.Create(m.name(mailbox), nil).Wait() // it may be there
			return nil
		})
		setACL(t, b, &crashClient{owner, backends.Password(owner), ""}, mailbox, guest, rights[mailbox])
	}
}

// otherOwner uses one calendar of an owner in every realm.
func otherOwner(t *testing.T, guest *crashClient, u string) {
	feed := func() map[string]string {
		t.Helper()
		a := guest.ask(request{"GET", "/CalDAV/" + u + "/Calendar/", nil, ""})
		if a.status != 200 {
			t.Fatalf("GET: %d %s", a.status, a.body)
		}
		return feedItems(t, a.body)
	}
	guest.must(t, request{"PUT", "/CalendarDataDel/" + u + "/Calendar.ics", nil, feedOf(feedBefore)})
	if got := feed(); !maps.Equal(got, feedBefore) {
		t.Errorf("published is %v", got)
	}
	list := guest.ask(request{"PROPFIND", "/CalDAV/" + u + "/", map[string]string{"Depth": "1"}, ""})
	if list.status != 207 || !strings.Contains(list.body, "/Calendar/</D:href>") {
		t.Errorf("PROPFIND of the home: %d %s", list.status, list.body)
	}
	for _, path := range []string{"/Calendar.ics", "/Calendar", "/", ""} {
		for _, realm := range []string{"/CalendarData/", "/CalendarDataDel/"} {
			a := guest.ask(request{"GET", realm + u + path, nil, ""})
			if a.status != 200 || !maps.Equal(feedItems(t, a.body), feedBefore) {
				t.Errorf("GET %s%s%s: %d %s", realm, u, path, a.status, a.body)
			}
		}
	}
	more := map[string]string{"z": "z1"}
	guest.must(t, request{"PUT", "/CalendarData/" + u + "/Calendar.ics", nil, feedOf(more)})
	merged := maps.Clone(feedBefore)
	merged["z"] = "z1"
	if got := feed(); !maps.Equal(got, merged) {
		t.Errorf("after a PUT that merges there is %v", got)
	}
	guest.must(t, request{"PUT", "/CalendarDataDel/" + u + "/Calendar.ics", nil, feedOf(feedAfter)})
	if got := feed(); !maps.Equal(got, feedAfter) {
		t.Errorf("after a PUT that replaces there is %v", got)
	}
	guest.must(t, request{"DELETE", "/CalendarData/" + u + "/Calendar.ics", nil, ""})
	if got := feed(); len(got) != 0 {
		t.Errorf("after DELETE there is %v", got)
	}
	if a := guest.ask(request{"PUT", "/CalendarDataDel/" + u + "/None.ics", nil, feedOf(more)}); a.status != 404 {
		t.Errorf("a calendar that is not there: %d", a.status)
	}
}

// otherRights publishes where that is not allowed: nothing changes.
func otherRights(t *testing.T, guest *crashClient, u string) {
	for _, tt := range []struct {
		path, body string
	}{
		{"/CalendarData/" + u + "/Read.ics", feedOf(feedAfter)},
		{"/CalendarDataDel/" + u + "/Read.ics", feedOf(feedAfter)},
		{"/CalendarDataDel/" + u + "/Read.ics", feedOf(nil)},
		{"/CalendarDataDel/" + u + "/Add.ics", feedOf(feedAfter)}, // to add is allowed, to remove is not
		{"/CalendarData/" + u + "/Add.ics", feedOf(map[string]string{"crash@example.com": "changed"})},
	} {
		if a := guest.ask(request{"PUT", tt.path, nil, tt.body}); a.status != 403 || !strings.Contains(a.body, "need-privileges") {
			t.Errorf("PUT %s: %d %s", tt.path, a.status, a.body)
		}
	}
	if a := guest.ask(request{"DELETE", "/CalendarData/" + u + "/Read.ics", nil, ""}); a.status != 403 {
		t.Errorf("DELETE: %d", a.status)
	}
	for _, path := range []string{"Read", "Add"} {
		if a := guest.ask(request{"GET", "/CalendarData/" + u + "/" + path, nil, ""}); strings.Count(a.body, "BEGIN:VEVENT") != 1 || !strings.Contains(a.body, "kept") {
			t.Errorf("%s now is %s", path, a.body)
		}
	}
	guest.must(t, request{"PUT", "/CalendarData/" + u + "/Add.ics", nil, feedOf(map[string]string{"z": "z1"})})
}

// What METADATA and the patterns of the gateway say of another user's mailbox makes it a calendar as it would one's own.
func TestOtherKinds(t *testing.T) {
	for _, s := range []struct {
		name   string
		start  func(testing.TB) *backends.Server
		prefix string
		theirs string // of the owner's mailboxes, as the guest names them
	}{
		{"dovecot", func(t testing.TB) *backends.Server {
			return backends.Dovecot(t, backends.Options{ACL: true, Metadata: true})
		}, "", "shared/alice/"},
		{"dovecot tilde", func(t testing.TB) *backends.Server {
			return backends.Dovecot(t, backends.Options{ACL: true, Metadata: true, Tilde: true})
		}, "", "~alice/"},
		{"cyrus", func(t testing.TB) *backends.Server { return backends.Cyrus(t, backends.Options{Metadata: true}) }, "", "Other Users/alice/"},
		{"cyrus dotted", func(t testing.TB) *backends.Server {
			return backends.Cyrus(t, backends.Options{Metadata: true, Dotted: true})
		}, "INBOX.", "user.alice."},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := s.start(t)
			alice := openMailStore(t, b, "alice", backends.Password("alice"))
			bob := openMailStore(t, b, "bob", backends.Password("bob"))
			alice.do(func(c *imapclient.Client) error {
				for name, kind := range map[string]string{"Termine": "event.default", "Liste": "task", "Zettel": "", "Ablage": "", "Meins": "", "Team A": ""} {
					if err := c.Create(s.prefix+name, nil).Wait(); err != nil {
						return err
					}
					if err := c.SetACL(s.prefix+name, "bob", imap.RightModificationReplace, imap.RightSet("lrs")).Wait(); err != nil {
						return err
					}
					if kind != "" {
						if err := setFolderType(c, s.prefix+name, "/shared", kind); err != nil {
							return err
						}
					}
				}
				return nil
			})
			bob.do(func(c *imapclient.Client) error { return setFolderType(c, s.theirs+"Meins", "/private", "event") })
			guest := &crashClient{"bob", backends.Password("bob"), startGateway(t, b, map[string][]string{"calendar": {"Team*"}, "tasks": {"Zettel*"}}, false)}
			const home = "/CalDAV/~alice/"
			for name, want := range map[string]string{"Termine": "VEVENT", "Liste": "VTODO", "Zettel": "VTODO", "Meins": "VEVENT", "Team%20A": "VEVENT", "Ablage": ""} {
				a := guest.ask(request{"PROPFIND", home + name + "/", map[string]string{"Depth": "0"}, componentSet})
				if want == "" && a.status != 404 || want != "" && (a.status != 207 || !strings.Contains(a.body, `name="`+want+`"`)) {
					t.Errorf("%s: %d %s", name, a.status, a.body)
				}
				list := guest.ask(request{"PROPFIND", home, map[string]string{"Depth": "1"}, ""})
				if strings.Contains(list.body, home+name+"/<") != (want != "") {
					t.Errorf("the home has %s: %v", name, want == "")
				}
			}
			a := guest.ask(request{"GET", "/CalendarData/~alice/", nil, ""})
			if a.status != 200 || !strings.Contains(a.body, "X-WR-CALNAME:Termine") {
				t.Errorf("the default calendar: %d %s", a.status, a.body)
			}
		})
	}
}

const componentSet = `<D:propfind xmlns:D="DAV:"><D:prop><supported-calendar-component-set xmlns="urn:ietf:params:xml:ns:caldav"/></D:prop></D:propfind>`

func setFolderType(c *imapclient.Client, mailbox, scope, kind string) error {
	value := []byte(kind)
	return c.SetMetadata(mailbox, map[string]*[]byte{scope + "/vendor/kolab/folder-type": &value}).Wait()
}

// A share that is younger than the guest's session is found below any root, though LIST does not show it. (One that was asked
// for by name before it was shared is not there for Dovecot until the session is renewed, a minute later at most.)
func TestUnlistedShares(t *testing.T) {
	for _, tilde := range []bool{false, true} {
		name := map[bool]string{false: "listed", true: "tilde"}[tilde]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := backends.Dovecot(t, backends.Options{ACL: true, Tilde: tilde, Metadata: true})
			roots := map[string][]string{"calendar-root": {"Plan"}, "tasks-root": {"Listen"}}
			for _, tt := range []struct {
				owner, mailbox, path, kind string
				options                    map[string][]string
			}{
				{"alice", "Plan/Work", "CalDAV/~alice/Work/", "", roots},
				{"carol", "Listen/Home", "CalDAV/~carol/Home/", "", roots},
				{"dave.smith", "Aufgaben/Deep/Er", "CalDAV/~Dave.Smith/Deep/Er/", "", nil},
				{"erin@example.com", "Kalender", "CalendarData/~erin@example.com/", "", nil},
				{"u001", "Büro", "CalendarData/~u001/", "", map[string][]string{"default-calendar": {"Büro"}}},
				{"u002", "Typed", "CalDAV/~u002/Typed/", "event", nil},
				{"u003", "Mail", "CalDAV/~u003/Mail/", "-", nil},
			} {
				if strings.HasPrefix(tt.owner, "u0") {
					b.User()
				}
				owner := &crashClient{tt.owner, backends.Password(tt.owner), ""}
				guest := &crashClient{"bob", backends.Password("bob"), startGateway(t, b, tt.options, false)}
				guest.must(t, request{"PROPFIND", "/CalDAV/", map[string]string{"Depth": "1"}, ""})
				home := "/CalDAV/~" + tt.owner + "/"
				if a := guest.ask(request{"PROPFIND", home, map[string]string{"Depth": "1"}, ""}); a.status != 404 {
					t.Errorf("%s before anything is shared: %d", home, a.status)
				}
				openMailStore(t, b, tt.owner, owner.password).do(func(c *imapclient.Client) error {
					if err := c.Create(tt.mailbox, nil).Wait(); err != nil {
						return err
					}
					if tt.kind == "" || tt.kind == "-" {
						return nil
					}
					return setFolderType(c, tt.mailbox, "/shared", tt.kind)
				})
				setACL(t, b, owner, tt.mailbox, "bob", "lr")
				want := 200
				if tt.kind == "-" {
					want = 404
				}
				if a := guest.ask(request{"GET", "/" + tt.path, nil, ""}); a.status != want {
					t.Errorf("%s: %d, want %d", tt.path, a.status, want)
				}
			}
		})
	}
}

// TestManyUnknownMembers: a multiget of what is not there costs an exchange for each calendar that it names, not for each object,
// and no more than some; where it names too many it is refused, and nothing that is there is called missing.
func TestManyUnknownMembers(t *testing.T) {
	t.Parallel()
	r := newShareRig(t, sharingServers[0].start)
	setACL(t, r.b, r.owner, "Calendar", r.guest.user, "lr")
	p := faulty.New(t, r.b.Addr)
	guest := &crashClient{r.guest.user, r.guest.password, startGatewayAt(t, p.URL(), nil, true)}
	multiget := func(hrefs ...string) request {
		return request{"REPORT", "/CalDAV/~me/", nil, `<C:calendar-multiget xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><D:getetag/></D:prop><D:href>` +
			strings.Join(hrefs, "</D:href><D:href>") + "</D:href></C:calendar-multiget>"}
	}
	many := func(format string, n int) (hrefs []string) {
		for i := range n {
			hrefs = append(hrefs, fmt.Sprintf(format, i))
		}
		return hrefs
	}
	cost := func(hrefs []string) int {
		t.Helper()
		p.Forget()
		a := guest.ask(multiget(append(hrefs, r.theirs+"a.ics")...))
		if missing := strings.Count(a.body, "404 Not Found"); a.status != 207 || missing != len(hrefs) || !strings.Contains(a.body, r.theirs+"a.ics</D:href><D:propstat>") {
			t.Errorf("%d unknown members are answered %d with %d missing: %.400s", len(hrefs), a.status, missing, a.body)
		}
		return len(p.Commands())
	}
	for _, unknown := range []string{"/CalDAV/~" + r.owner.user + "/Nowhere/%d.ics", "/CalDAV/~nobody/%d.ics", "/CalDAV/~me/~" + r.owner.user + ":Nowhere/%d.ics", r.theirs + "%d.ics"} {
		if few, all := cost(many(unknown, 2)), cost(many(unknown, 300)); all > few+2 {
			t.Errorf("2 of %s cost %d commands, 300 of them %d", unknown, few, all)
		}
	}
	wantCondition(t, guest, multiget(many("/CalDAV/~nobody%d/Calendar/a.ics", 150)...), 403, "number-of-matches-within-limits")
}
