package test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"calgate/test/backends"
	"calgate/test/faulty"
)

// TestACLFaults: a mail server that says OK and does nothing is never believed; one that refuses, or goes, in the middle leaves
// what was, or a client that must ask again.
func TestACLFaults(t *testing.T) {
	for _, s := range sharingServers {
		if strings.Contains(s.name, " ") {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			r := newShareRig(t, s.start)
			p := faulty.New(t, r.b.Addr)
			r.owner.gateway = startGatewayAt(t, p.URL(), nil, false)
			const changes = "^(SETACL|DELETEACL) "
			setACL(t, r.b, r.owner, "Calendar", r.guest.user, "lrsite")
			acl := func() string { return fmt.Sprint(rawACL(t, r.b, r.owner, "Calendar")) }
			before := acl()
			change := aclRequest(r.own, ace(principalOf(r.guest), "read"), ace("/UserDAV/carol/", "read", "bind"))
			share := appleShare(r.own, "<CS:set><D:href>/UserDAV/carol/</D:href><CS:read/></CS:set>")
			unshareCarol := appleShare(r.own, "<CS:remove><D:href>/UserDAV/carol/</D:href></CS:remove>")
			unshare := appleShare(r.own, "<CS:remove><D:href>"+principalOf(r.guest)+"</D:href></CS:remove>")
			for _, tt := range []struct {
				name      string
				request   request
				nth       int
				answer    string
				status    int
				condition string
			}{
				{"the first is not done", change, 1, "OK done", 403, "no-ace-conflict"},
				{"the second is not done", change, 2, "OK done", 403, "no-ace-conflict"},
				{"nothing is shared", share, 1, "OK done", 403, "no-ace-conflict"},
				{"nothing is taken away", unshare, 1, "OK done", 403, "no-ace-conflict"},
				{"the second is refused", change, 2, "NO no", 403, "allowed-principal"},
				{"the second is not understood", change, 2, "BAD what", 403, "allowed-principal"},
				{"the first is not now", change, 1, "NO [UNAVAILABLE] later", 503, ""},
				{"the second is not now", change, 2, "NO [UNAVAILABLE] later", 503, ""},
			} {
				p.Set(faulty.Fault{At: faulty.Before, Command: changes, N: tt.nth, Refuse: tt.answer})
				wantCondition(t, r.owner, tt.request, tt.status, tt.condition)
				if after := acl(); after != before {
					t.Errorf("%s: the ACL was %s and is %s", tt.name, before, after)
				}
			}
			for _, at := range []faulty.Point{faulty.Before, faulty.Answered, faulty.AfterSent} {
				p.Set(faulty.Fault{At: at, Command: changes, N: 2})
				wantCondition(t, r.owner, change, 503, "")
				if at == faulty.AfterSent { // the server may do it after it was taken back
					break
				}
				if after := acl(); after != before {
					t.Errorf("the connection breaks at point %d: the ACL was %s and is %s", at, before, after)
				}
			}
			wantCondition(t, r.owner, change, 200, "")
			setACL(t, r.b, r.owner, "Calendar", r.guest.user, "lrsite")
			wantCondition(t, r.owner, unshareCarol, 200, "")

			// who asked for it is gone; that all is undone shows by the last answer to an undo, which is lost
			ctx, leave := context.WithCancel(t.Context())
			p.Set(faulty.Fault{At: faulty.Before, Command: changes, N: 2, Stall: true, Do: func() {
				p.Set(faulty.Fault{At: faulty.Answered, Command: changes, N: 2})
				leave()
			}})
			r.owner.leaves(ctx, t, change)
			if ctx.Err() == nil {
				t.Fatalf("the wire did not stall; what passed: %q", p.Commands())
			}
			select {
			case <-p.Fired():
			case <-time.After(stepLimit):
				t.Error("nothing is undone for a client that is gone")
			}
			if after := acl(); after != before {
				t.Errorf("the client leaves: the ACL was %s and is %s", before, after)
			}

			// who has not touched his own rights is not told that it worked where nobody saw it
			p.Set(faulty.Fault{At: faulty.Before, Command: "^GETACL", N: 2, Refuse: "NO [NOPERM] no"})
			wantCondition(t, r.owner, change, 403, "need-privileges")
			if got := rawACL(t, r.b, r.owner, "Calendar"); got[r.guest.user] != asGiven(r.b, "lrs") || got["carol"] != asGiven(r.b, "lrsi") {
				t.Errorf("after the repeated request the ACL is %v", got)
			}
			p.Forget()
			wantCondition(t, r.owner, change, 200, "") // what is there already is not written
			for _, c := range p.Commands() {
				if strings.HasPrefix(c, "SETACL") || strings.HasPrefix(c, "DELETEACL") {
					t.Errorf("a needless %s", c)
				}
			}

			// nor does the owner's listing go on saying that it is shared
			shown := func() bool {
				return strings.Contains(r.owner.ask(propfind(r.own, "D:resourcetype")).body, "<CS:shared-owner/>")
			}
			if !shown() {
				t.Error("what is shared has no such type")
			}
			p.Set(faulty.Fault{At: faulty.Before, Command: "^GETACL", N: 2, Refuse: "NO [NOPERM] no"})
			wantCondition(t, r.owner, aclRequest(r.own), 403, "need-privileges")
			if shown() {
				t.Error("what is not shared any more has the type of what is")
			}
		})
	}
}

// leaves sends a request and goes before it is answered, when the context ends.
func (c *crashClient) leaves(ctx context.Context, t *testing.T, r request) {
	t.Helper()
	q, err := http.NewRequestWithContext(ctx, r.method, "http://"+c.gateway+r.path, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	q.SetBasicAuth(c.user, c.password)
	if a, err := crashHTTP.Do(q); err == nil {
		a.Body.Close()
		t.Errorf("it is answered %s", a.Status)
	}
}

// TestShareWithDomain shares between users whose logins have a domain, by every spelling, and with everybody on a Dovecot that
// allows it.
func TestShareWithDomain(t *testing.T) {
	t.Parallel()
	b := backends.Dovecot(t, backends.Options{ACL: true, Extra: "plugin {\n  acl_anyone = allow\n}\n"})
	erin := &crashClient{"erin@example.com", backends.Password("erin@example.com"), startGateway(t, b, nil, false)}
	erin.must(t, request{"PUT", "/CalDAV/Calendar/a.ics", nil, crashEvent("old")})
	for _, href := range []string{"/UserDAV/frank/", "/UserDAV/frank@example.com/", "/UserDAV/~frank%40example.com", "mailto:frank@example.com", "MAILTO:frank%40example.com", "https://cal.example.com/UserDAV/frank@example.com/"} {
		wantCondition(t, erin, appleShare("/CalDAV/~me/Calendar/", "<CS:set><D:href>"+href+"</D:href><CS:read/></CS:set>"), 200, "")
		if got := rawACL(t, b, erin, "Calendar"); len(got) != 2 || got["frank@example.com"] != asGiven(b, "lrs") {
			t.Errorf("%s: the ACL is %v", href, got)
		}
		if a := erin.ask(propfind("/UserDAV/frank/", "D:principal-URL", "C:calendar-user-address-set")); a.status != 207 || !strings.Contains(a.body, "<C:calendar-user-address-set><D:href>mailto:frank@example.com</D:href><D:href>/UserDAV/frank@example.com/</D:href>") {
			t.Errorf("the principal: %d %s", a.status, a.body)
		}
		if got := found(t, erin, searchFor("CS:email-address-set", "frank@example")); len(got) != 1 || got[0] != "/UserDAV/frank@example.com/" {
			t.Errorf("found by address: %v", got)
		}
		wantCondition(t, erin, appleShare("/CalDAV/~me/Calendar/", "<CS:remove><D:href>"+href+"</D:href></CS:remove>"), 200, "")
		if got := rawACL(t, b, erin, "Calendar"); len(got) != 1 {
			t.Errorf("%s: the ACL is %v", href, got)
		}
	}
	// one entry by a mail program, which means nobody, beside another
	setACL(t, b, erin, "Calendar", "frank", "lrs")
	setACL(t, b, erin, "Calendar", "frank@example.com", "lrs")
	frank := &crashClient{"frank@example.com", backends.Password("frank@example.com"), erin.gateway}
	wantCondition(t, erin, appleShare("/CalDAV/~me/Calendar/", "<CS:set><D:href>mailto:frank@example.com</D:href><CS:read-write/></CS:set>"), 200, "")
	wantCondition(t, frank, request{"PUT", "/CalDAV/~erin@example.com/Calendar/b.ics", nil, displaced("b")}, 201, "")
	setACL(t, b, erin, "Calendar", "frank", "l")
	wantCondition(t, erin, aclRequest("/CalDAV/~me/Calendar/"), 200, "")
	if got := rawACL(t, b, erin, "Calendar"); len(got) != 1 {
		t.Errorf("after both entries were taken away the ACL is %v", got)
	}
	wantCondition(t, erin, aclRequest("/CalDAV/~me/Calendar/", ace("<D:authenticated/>", "read")), 200, "")
	if got := rawACL(t, b, erin, "Calendar"); got["anyone"] != asGiven(b, "lrs") {
		t.Errorf("the ACL is %v", got)
	}
	guest := newCrashClient(t, b, erin.gateway)
	wantCondition(t, guest, request{"GET", "/CalDAV/~erin@example.com/Calendar/a.ics", nil, ""}, 200, "")
	wantCondition(t, erin, aclRequest("/CalDAV/~me/Calendar/"), 200, "")
	wantCondition(t, guest, request{"GET", "/CalDAV/~erin@example.com/Calendar/a.ics", nil, ""}, 404, "")
}

// TestMoveLeavesNoEntry: what a MOVE writes into an ACL so that Dovecot lists the calendar anew, and cannot take away again,
// shows nowhere, and goes with the next change of the ACL.
func TestMoveLeavesNoEntry(t *testing.T) {
	t.Parallel()
	r := newShareRig(t, sharingServers[0].start)
	p := faulty.New(t, r.b.Addr)
	r.owner.gateway = startGatewayAt(t, p.URL(), nil, false)
	for i, fault := range []struct {
		faulty.Fault
		left bool
	}{
		{faulty.Fault{At: faulty.Before, Command: "^DELETEACL ", N: 1, Refuse: "NO [UNAVAILABLE] later"}, true},
		{faulty.Fault{At: faulty.Answered, Command: "^SETACL ", N: 1}, false}, // a new session takes it away
	} {
		from, to := fmt.Sprintf("Work%d", i), fmt.Sprintf("Job%d", i)
		r.owner.must(t, request{"MKCALENDAR", "/CalDAV/~me/" + from + "/", nil, ""})
		setACL(t, r.b, r.owner, "Calendar/"+from, r.guest.user, "lr")
		p.Set(fault.Fault)
		r.owner.must(t, request{"MOVE", "/CalDAV/~me/" + from + "/", map[string]string{"Destination": "/CalDAV/~me/" + to + "/"}, ""})
		if acl := rawACL(t, r.b, r.owner, "Calendar/"+to); (acl["$calgate-moved"] != "") != fault.left {
			t.Errorf("after %s %d the ACL is %v", fault.Command, fault.At, acl)
		}
		moved := "/CalDAV/~me/" + to + "/"
		if a := r.owner.ask(propfind(moved, "D:acl", "D:invite", "CS:invite")); a.status != 207 || strings.Contains(a.body, "calgate-moved") || !strings.Contains(a.body, principalOf(r.guest)) {
			t.Errorf("the rights are shown as %d %s", a.status, a.body)
		}
		if got := found(t, r.owner, searchFor("D:displayname", "calgate")); len(got) > 0 {
			t.Errorf("found as a principal: %v", got)
		}
		wantCondition(t, r.owner, aclRequest(moved, ace(principalOf(r.guest), "read")), 200, "")
		if acl := rawACL(t, r.b, r.owner, "Calendar/"+to); acl["$calgate-moved"] != "" || acl[r.guest.user] != asGiven(r.b, "lr") {
			t.Errorf("after the next change the ACL is %v", acl)
		}
	}
}
