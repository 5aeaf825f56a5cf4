package test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"calgate/test/backends"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// A share is the same share whoever makes it: a mail program by SETACL, a calendar program by ACL, by Apple's share dialog, or
// by DAV:share-resource.

// ace is one entry of an ACL request.
func ace(principal string, privileges ...string) string {
	var b strings.Builder
	for _, p := range privileges {
		b.WriteString("<D:privilege><D:" + p + "/></D:privilege>")
	}
	if !strings.HasPrefix(principal, "<") {
		principal = "<D:href>" + principal + "</D:href>"
	}
	return "<D:ace><D:principal>" + principal + "</D:principal><D:grant>" + b.String() + "</D:grant></D:ace>"
}

func aclRequest(path string, aces ...string) request {
	return request{"ACL", path, nil, `<D:acl xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">` + strings.Join(aces, "") + "</D:acl>"}
}

func propfind(path string, props ...string) request {
	var b strings.Builder
	for _, p := range props {
		b.WriteString("<" + p + "/>")
	}
	return request{"PROPFIND", path, map[string]string{"Depth": "0"},
		`<D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/"><D:prop>` + b.String() + `</D:prop></D:propfind>`}
}

func principalOf(c *crashClient) string { return "/UserDAV/" + strings.ToLower(c.user) + "/" }

// rawACL is what the mail server says of a mailbox to a mail program: identifiers and rights, d and c left out.
func rawACL(t *testing.T, b *backends.Server, c *crashClient, mailbox string) map[string]string {
	t.Helper()
	m := openMailStore(t, b, c.user, c.password)
	all := map[string]string{}
	m.do(func(cl *imapclient.Client) error {
		data, err := cl.GetACL(m.name(mailbox)).Wait()
		if err != nil {
			return err
		}
		for id, rights := range data.Rights {
			all[string(id)] = sortedRights(b, string(rights))
		}
		return nil
	})
	return all
}

// sortedRights are rights in one order, in the letters that this server has for them.
func sortedRights(b *backends.Server, rights string) string {
	letters := strings.Split(rights, "")
	letters = slices.DeleteFunc(letters, func(l string) bool {
		return l == "c" || (l == "d") != (b.Name == "courier") && strings.Contains("dte", l)
	})
	slices.Sort(letters)
	return strings.Join(slices.Compact(letters), "")
}

// asGiven are rights of RFC 4314 as sortedRights shows them when they were given.
func asGiven(b *backends.Server, rights string) string {
	if b.Name == "courier" {
		rights = strings.ReplaceAll(rights, "te", "d")
	}
	return sortedRights(b, rights)
}

// shareRig is a server with an owner and a guest, and the owner's calendar with an event in it.
type shareRig struct {
	b            *backends.Server
	owner, guest *crashClient
	own, theirs  string // the calendar's URL for each of them
}

func newShareRig(t *testing.T, start func(testing.TB) *backends.Server) *shareRig {
	b := start(t)
	r := &shareRig{b: b, own: "/CalDAV/~me/Calendar/"}
	r.owner = newCrashClient(t, b, startGateway(t, b, nil, false))
	r.guest = newCrashClient(t, b, startGateway(t, b, nil, false))
	r.theirs = "/CalDAV/~" + r.owner.user + "/Calendar/"
	r.owner.must(t, request{"PUT", r.own + "a.ics", nil, crashEvent("old")})
	return r
}

func (r *shareRig) rights(t *testing.T) string {
	t.Helper()
	return rawACL(t, r.b, r.owner, "Calendar")[r.guest.user]
}

// wantCondition asks and compares status and precondition.
func wantCondition(t *testing.T, c *crashClient, r request, status int, condition string) {
	t.Helper()
	a := c.ask(r)
	if a.status != status || condition != "" && !strings.Contains(a.body, "<D:"+condition) {
		t.Errorf("%s %s %s is answered %d %s, want %d %s", r.method, r.path, r.body, a.status, a.body, status, condition)
	}
}

func TestACL(t *testing.T) {
	for _, s := range sharingServers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			r := newShareRig(t, s.start)
			guest := principalOf(r.guest)
			wantCondition(t, r.guest, request{"GET", r.theirs + "a.ics", nil, ""}, 404, "")
			for _, tt := range []struct {
				privileges []string
				rights     string
				refused    bool
			}{
				{[]string{"read"}, "lrs", false},
				{[]string{"read", "bind"}, "lrsi", false},
				{[]string{"read", "write-content", "bind", "unbind"}, "lrsite", false},
				{[]string{"read", "write"}, "lrswite", false},
				{[]string{"all"}, "lrswitea", false},
				{[]string{"read", "read-acl", "write-acl"}, "lrsa", false},
				{[]string{"read", "write-content"}, "", true}, // IMAP gives bind and unbind with it
				{[]string{"read", "write-properties"}, "", true},
				{[]string{"read", "write-acl"}, "", true},
				{[]string{"bind"}, "", true}, // nothing works without l and r
			} {
				before := rawACL(t, r.b, r.owner, "Calendar")
				if tt.refused {
					wantCondition(t, r.owner, aclRequest(r.own, ace(guest, tt.privileges...)), 403, "no-ace-conflict")
					if after := rawACL(t, r.b, r.owner, "Calendar"); fmt.Sprint(after) != fmt.Sprint(before) {
						t.Errorf("%v was refused and changed %v to %v", tt.privileges, before, after)
					}
					continue
				}
				wantCondition(t, r.owner, aclRequest(r.own, ace(guest, tt.privileges...)), 200, "")
				if got := r.rights(t); got != asGiven(r.b, tt.rights) {
					t.Errorf("%v gives %q, want %q", tt.privileges, got, tt.rights)
				}
				wantCondition(t, r.guest, request{"GET", r.theirs + "a.ics", nil, ""}, 200, "")
				put := map[bool]int{true: 201, false: 403}[strings.Contains(tt.rights, "i")]
				wantCondition(t, r.guest, request{"PUT", r.theirs + "x" + tt.rights + ".ics", nil, displaced("x" + tt.rights)}, put, "")
				// what is shown is what was set
				shown := r.owner.ask(propfind(r.own, "D:acl"))
				if shown.status != 207 || !strings.Contains(shown.body, ">"+guest+"</D:href></D:principal><D:grant>"+granted(tt.privileges)+"</D:grant></D:ace>") ||
					!strings.Contains(shown.body, "<D:href>"+principalOf(r.owner)+"</D:href></D:principal><D:grant><D:privilege><D:all/></D:privilege></D:grant><D:protected/></D:ace>") {
					t.Errorf("after %v the acl is %s", tt.privileges, shown.body)
				}
				// the same again, with what is protected, changes nothing
				wantCondition(t, r.owner, aclRequest(r.own, ace(principalOf(r.owner), "all"), ace(guest, tt.privileges...)), 200, "")
				if got := r.rights(t); got != asGiven(r.b, tt.rights) {
					t.Errorf("%v again gives %q, want %q", tt.privileges, got, tt.rights)
				}
			}
			// who has the right a may give rights, and take his own
			wantCondition(t, r.owner, aclRequest(r.own, ace(guest, "all")), 200, "")
			if a := r.guest.ask(propfind(r.theirs, "D:acl")); !strings.Contains(a.body, "<D:href>"+principalOf(r.owner)+"</D:href></D:principal><D:grant><D:privilege><D:all/></D:privilege></D:grant><D:protected/>") {
				t.Errorf("the owner in the acl that the guest sees: %s", a.body)
			}
			wantCondition(t, r.guest, aclRequest(r.theirs, ace(principalOf(r.owner), "all"), ace(guest, "all"), ace("/UserDAV/carol/", "read")), 200, "")
			wantCondition(t, r.guest, aclRequest(r.theirs, ace(principalOf(r.owner), "read"), ace(guest, "all")), 403, "no-protected-ace-conflict")
			wantCondition(t, r.guest, aclRequest(r.theirs, ace("/UserDAV/carol/", "read", "bind")), 200, "")
			if got := rawACL(t, r.b, r.owner, "Calendar"); got["carol"] != asGiven(r.b, "lrsi") || got[r.guest.user] != "" {
				t.Errorf("after the guest took his own rights the ACL is %v", got)
			}
			wantCondition(t, r.guest, request{"GET", r.theirs + "a.ics", nil, ""}, 404, "")
			wantCondition(t, r.owner, aclRequest(r.own, ace(guest, "read")), 200, "")
			// an ACL without the guest takes everything away, at the next request
			wantCondition(t, r.owner, aclRequest(r.own), 200, "")
			if got, there := rawACL(t, r.b, r.owner, "Calendar")[r.guest.user]; there {
				t.Errorf("the guest still has %q", got)
			}
			wantCondition(t, r.guest, request{"GET", r.theirs + "a.ics", nil, ""}, 404, "")
			wantCondition(t, r.guest, request{"PUT", r.theirs + "y.ics", nil, displaced("y")}, 404, "")
			// a default calendar that is not there yet is made
			late := newCrashClient(t, r.b, r.owner.gateway)
			if a := late.ask(propfind(r.own, "D:acl")); a.status != 207 || !strings.Contains(a.body, "<D:all/></D:privilege></D:grant><D:protected/>") {
				t.Errorf("the acl of nothing: %d %s", a.status, a.body)
			}
			wantCondition(t, late, aclRequest(r.own, ace(guest, "read")), 200, "")
			if got := rawACL(t, r.b, late, "Calendar")[r.guest.user]; got != asGiven(r.b, "lrs") {
				t.Errorf("rights on a new calendar: %q", got)
			}
		})
	}
}

// granted writes privileges as DAV:acl shows them.
func granted(privileges []string) string {
	var b strings.Builder
	for _, p := range privileges {
		b.WriteString("<D:privilege><D:" + p + "/></D:privilege>")
	}
	return b.String()
}

// TestACLRefused sends every kind of entry that IMAP cannot say. Nothing changes, by the first precondition that is broken.
func TestACLRefused(t *testing.T) {
	for _, s := range sharingServers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			r := newShareRig(t, s.start)
			guest := principalOf(r.guest)
			good := ace("/UserDAV/somebody/", "read")
			wantCondition(t, r.owner, aclRequest(r.own, ace(guest, "read")), 200, "")
			before := fmt.Sprint(rawACL(t, r.b, r.owner, "Calendar"))
			cases := []struct{ condition, ace string }{
				{"no-protected-ace-conflict", ace(principalOf(r.owner), "read")},
				{"no-protected-ace-conflict", ace("<D:property><D:owner/></D:property>", "read", "write")},
				{"no-inherited-ace-conflict", strings.ReplaceAll(ace(guest, "read"), "</D:grant>", "</D:grant><D:inherited><D:href>/</D:href></D:inherited>")},
				{"grant-only", strings.ReplaceAll(ace(guest, "write"), "D:grant>", "D:deny>")},
				{"no-invert", "<D:ace><D:invert><D:principal><D:href>" + guest + "</D:href></D:principal></D:invert><D:grant>" + granted([]string{"read"}) + "</D:grant></D:ace>"},
				{"no-abstract", ace(guest, "read", "read-current-user-privilege-set")},
				{"not-supported-privilege", ace(guest, "unlock")},
				{"not-supported-privilege", ace(guest, "fly")},
				{"recognized-principal", ace("/CalDAV/~me/Calendar/", "read")},
				{"recognized-principal", ace("urn:uuid:1", "read")},
				{"recognized-principal", ace("/UserDAV/a%0D%0Ab/", "read")},
				{"recognized-principal", ace("mailto:"+strings.Repeat("a", 256), "read")},
				{"allowed-principal", ace("<D:all/>", "read")},
				{"allowed-principal", ace("<D:unauthenticated/>", "read")},
				{"allowed-principal", ace("<D:self/>", "read")},
				{"allowed-principal", ace("/UserDAV/Gr%C3%BCn/", "read")},
				{"allowed-principal", ace("/UserDAV/anyone/", "read")},
				{"allowed-principal", ace("/UserDAV/-"+r.guest.user+"/", "read")},
				{"no-ace-conflict", ace(guest, "write-acl")},
				{"limited-number-of-aces", strings.Repeat(good, 501)},
			}
			if s.name == "courier" {
				cases = append(cases, struct{ condition, ace string }{"recognized-principal", ace("/UserDAV/group:staff/", "read")})
			}
			if strings.HasPrefix(s.name, "dovecot") { // by default
				cases = append(cases, struct{ condition, ace string }{"allowed-principal", ace("<D:authenticated/>", "read")})
			}
			for _, c := range cases {
				wantCondition(t, r.owner, aclRequest(r.own, good, c.ace), 403, c.condition)
				if after := fmt.Sprint(rawACL(t, r.b, r.owner, "Calendar")); after != before {
					t.Fatalf("%s was refused and changed the ACL from %s to %s", c.ace, before, after)
				}
			}
			wantCondition(t, r.owner, aclRequest(r.own+"a.ics", good), 403, "no-inherited-ace-conflict")
			for _, body := range []string{"", "<x", `<D:acl xmlns:D="DAV:"><D:ace/></D:acl>`, `<D:propfind xmlns:D="DAV:"/>`} {
				wantCondition(t, r.owner, request{"ACL", r.own, nil, body}, 400, "")
			}
			// who has no right a reads the ACL as little as he writes it
			wantCondition(t, r.guest, aclRequest(r.theirs, good), 403, "need-privileges><D:resource><D:href>"+r.theirs+"</D:href><D:privilege><D:write-acl/>")
			a := r.guest.ask(propfind(r.theirs, "D:acl", "D:owner"))
			if a.status != 207 || !strings.Contains(a.body, "<D:prop><D:acl/></D:prop><D:status>HTTP/1.1 403 Forbidden</D:status><D:error><D:need-privileges><D:resource><D:href>"+
				r.theirs+"</D:href><D:privilege><D:read-acl/>") || !strings.Contains(a.body, "<D:owner><D:href>") {
				t.Errorf("the acl for who may not read it: %d %s", a.status, a.body)
			}
			wantCondition(t, r.guest, aclRequest("/CalDAV/~"+r.owner.user+"/Nowhere/", good), 404, "")
			if after := fmt.Sprint(rawACL(t, r.b, r.owner, "Calendar")); after != before {
				t.Errorf("the ACL was %s and is %s", before, after)
			}
		})
	}
}

// TestACLOfMailPrograms reads what a mail program set, and keeps what DAV cannot say.
func TestACLOfMailPrograms(t *testing.T) {
	for _, s := range sharingServers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			r := newShareRig(t, s.start)
			for _, tt := range []struct{ rights, shown string }{
				{"l", ""}, {"lr", "read"}, {"lrsp", "read"}, {"lri", "read bind"}, {"lrw", "read"},
				{"lrsite", "read write-content bind unbind"}, {"lrswite", "read write"}, {"lrswitea", "all"}, {"lra", "read read-acl write-acl"},
			} {
				setACL(t, r.b, r.owner, "Calendar", r.guest.user, tt.rights)
				a := r.owner.ask(propfind(r.own, "D:acl"))
				entry := ">" + principalOf(r.guest) + "</D:href></D:principal><D:grant>" + granted(strings.Fields(tt.shown)) + "</D:grant></D:ace>"
				if strings.Contains(a.body, principalOf(r.guest)) != (tt.shown != "") || tt.shown != "" && !strings.Contains(a.body, entry) {
					t.Errorf("%s is shown as %s", tt.rights, a.body)
				}
				// giving back what was read changes no letter, nor does what is not shown go
				aces := []string{ace("/UserDAV/somebody/", "read")}
				if tt.shown != "" {
					aces = append(aces, ace(principalOf(r.guest), strings.Fields(tt.shown)...))
				}
				wantCondition(t, r.owner, aclRequest(r.own, aces...), 200, "")
				if got := r.rights(t); got != asGiven(r.b, tt.rights) {
					t.Errorf("%s became %s", tt.rights, got)
				}
			}
			// what grows keeps what DAV does not show; what shrinks does not
			setACL(t, r.b, r.owner, "Calendar", r.guest.user, "lrp")
			wantCondition(t, r.owner, aclRequest(r.own, ace(principalOf(r.guest), "read", "bind")), 200, "")
			if got := r.rights(t); got != asGiven(r.b, "lrspi") {
				t.Errorf("lrp became %s", got)
			}
			wantCondition(t, r.owner, aclRequest(r.own, ace(principalOf(r.guest), "read")), 200, "")
			if got := r.rights(t); got != asGiven(r.b, "lrs") {
				t.Errorf("lrspi became %s", got)
			}
		})
	}
}

// TestACLEntriesOfServers are entries that only some servers know.
func TestACLEntriesOfServers(t *testing.T) {
	for _, s := range sharingServers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			r := newShareRig(t, s.start)
			acl := func() string { return r.owner.ask(propfind(r.own, "D:acl")).body }
			m := openMailStore(t, r.b, r.owner.user, r.owner.password)
			set := func(identifier, rights string) {
				m.do(func(c *imapclient.Client) error {
					return c.SetACL(m.name("Calendar"), imap.RightsIdentifier(identifier), imap.RightModificationReplace, imap.RightSet(rights)).Wait()
				})
			}
			if s.name == "courier" {
				if a := acl(); !strings.Contains(a, "<D:href>/UserDAV/group:administrators/</D:href></D:principal><D:grant><D:privilege><D:all/></D:privilege></D:grant><D:protected/></D:ace>") {
					t.Errorf("the administrators: %s", a)
				}
				wantCondition(t, r.owner, aclRequest(r.own, ace(principalOf(r.guest), "read")), 200, "")
			}
			if strings.HasPrefix(s.name, "cyrus") || s.name == "courier" {
				wantCondition(t, r.owner, aclRequest(r.own, ace("<D:authenticated/>", "read")), 200, "")
				if got := rawACL(t, r.b, r.owner, "Calendar")["anyone"]; got != asGiven(r.b, "lrs") {
					t.Errorf("anyone has %q", got)
				}
				if a := acl(); !strings.Contains(a, "<D:principal><D:authenticated/></D:principal><D:grant><D:privilege><D:read/>") {
					t.Errorf("everybody: %s", a)
				}
				wantCondition(t, r.guest, request{"GET", r.theirs + "a.ics", nil, ""}, 200, "")
				// who administers as everybody may, and ends that, can do all else first
				setACL(t, r.b, r.owner, "Calendar", "anyone", "lra")
				wantCondition(t, r.guest, aclRequest(r.theirs, ace("<D:authenticated/>", "read"), ace("/UserDAV/carol/", "read")), 200, "")
				if got := rawACL(t, r.b, r.owner, "Calendar"); got["anyone"] != asGiven(r.b, "lrs") || got["carol"] != asGiven(r.b, "lrs") {
					t.Errorf("after the change by a guest the ACL is %v", got)
				}
			}
			if s.name != "courier" {
				wantCondition(t, r.owner, aclRequest(r.own, ace("/UserDAV/group:staff/", "read", "bind")), 200, "")
				identifier := map[bool]string{true: "group:staff", false: "$staff"}[strings.HasPrefix(s.name, "cyrus")]
				if got := rawACL(t, r.b, r.owner, "Calendar")[identifier]; got != asGiven(r.b, "lrsi") {
					t.Errorf("the group has %q", got)
				}
				set("-"+r.guest.user, "w")
				if a := acl(); !strings.Contains(a, "<D:href>"+principalOf(r.guest)+"</D:href></D:principal><D:deny><D:privilege><D:write-properties/></D:privilege></D:deny><D:protected/></D:ace>") ||
					!strings.Contains(a, "<D:href>/UserDAV/group:staff/</D:href></D:principal><D:grant><D:privilege><D:read/></D:privilege><D:privilege><D:bind/>") {
					t.Errorf("group and negative rights: %s", a)
				}
				wantCondition(t, r.owner, aclRequest(r.own), 200, "") // what is protected stays
				if got := rawACL(t, r.b, r.owner, "Calendar"); got["-"+r.guest.user] != "w" || got[identifier] != "" {
					t.Errorf("the ACL is %v", got)
				}
			}
		})
	}
}
