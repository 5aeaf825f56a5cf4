package test

import (
	"os"
	"strings"
	"testing"

	"calgate/test/backends"
)

// moveCases move or copy an object between a guest's calendar and another user's, of which the guest has some rights. What is
// refused has changed nothing on either side.
var moveCases = []struct {
	rights, method string
	out            bool // from the other user's calendar to one's own; else into it
	over           bool // an object of that name and iCalendar UID is there
	status         int
}{
	{"", "COPY", true, false, 404},
	{"", "MOVE", true, false, 404},
	{"", "COPY", false, false, 409},
	{"", "MOVE", false, false, 409},
	{"lr", "COPY", true, false, 201},
	{"lr", "MOVE", true, false, 403},
	{"lr", "COPY", false, false, 403},
	{"lr", "MOVE", false, false, 403},
	{"lrsi", "COPY", false, false, 201},
	{"lrsi", "MOVE", false, false, 201},
	{"lrsi", "COPY", false, true, 403},
	{"lrsi", "MOVE", false, true, 403},
	{"lrsi", "MOVE", true, false, 403},
	{"lrsite", "MOVE", true, false, 201},
	{"lrsite", "MOVE", true, true, 204},
	{"lrsite", "MOVE", false, true, 204},
	{"lrsite", "COPY", false, true, 204},
}

func TestMoveRights(t *testing.T) {
	for _, s := range sharingServers {
		if strings.Contains(s.name, " ") && os.Getenv("TEST_LONG") != "1" {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := s.start(t)
			for _, tc := range moveCases {
				name := tc.method + map[bool]string{true: " out, ", false: " in, "}[tc.out] + map[bool]string{true: "over, ", false: ""}[tc.over] + "rights " + tc.rights
				t.Run(name, func(t *testing.T) {
					owner := newCrashClient(t, b, startGateway(t, b, nil, false))
					guest := newCrashClient(t, b, startGateway(t, b, nil, false))
					from, to := guest, owner
					source, target := crashCalendar+"a.ics", "/CalDAV/~"+owner.user+"/Calendar/b.ics"
					if tc.out {
						from, to = owner, guest
						source, target = "/CalDAV/~"+owner.user+"/Calendar/a.ics", crashCalendar+"b.ics"
					}
					from.must(t, putOld)
					to.must(t, anyOther)
					if tc.over {
						to.must(t, request{"PUT", crashCalendar + "b.ics", nil, crashEvent("over")})
					}
					setACL(t, b, owner, "Calendar", guest.user, tc.rights)
					a := guest.ask(request{tc.method, source, map[string]string{"Destination": target}, ""})
					if a.status != tc.status {
						t.Errorf("answered %d, want %d: %s", a.status, tc.status, a.body)
					}
					if a.status == 403 && !strings.Contains(a.body, "need-privileges") {
						t.Errorf("403 does not name the privilege: %s", a.body)
					}
					done := tc.status/100 == 2
					left := from.ask(request{"GET", crashObject, nil, ""})
					if gone := done && tc.method == "MOVE"; (left.status == 404) != gone {
						t.Errorf("the source is answered %d", left.status)
					}
					want := ""
					if tc.over {
						want = "over"
					}
					if done {
						want = "old"
					}
					there := to.ask(request{"GET", crashCalendar + "b.ics", nil, ""})
					if got := summary(there.body); there.status == 200 && got != want || there.status != 200 && want != "" {
						t.Errorf("the target is answered %d %q, want %q", there.status, got, want)
					}
				})
			}
			t.Run("UID conflict", func(t *testing.T) { moveUIDConflict(t, b) })
		})
	}
}

// moveUIDConflict: the object that has the iCalendar UID in the target is named (RFC 4791 section 5.3.2.1).
func moveUIDConflict(t *testing.T, b *backends.Server) {
	owner := newCrashClient(t, b, startGateway(t, b, nil, false))
	guest := newCrashClient(t, b, startGateway(t, b, nil, false))
	owner.must(t, request{"PUT", crashCalendar + "holder.ics", nil, crashEvent("holder")})
	guest.must(t, putOld)
	setACL(t, b, owner, "Calendar", guest.user, "lrsite")
	target := "/CalDAV/~" + owner.user + "/Calendar/"
	for _, method := range []string{"COPY", "MOVE"} {
		a := guest.ask(request{method, crashObject, map[string]string{"Destination": target + "b.ics"}, ""})
		if a.status != 403 || !strings.Contains(a.body, "no-uid-conflict") || !strings.Contains(a.body, target+"holder.ics<") {
			t.Errorf("%s: %d %s", method, a.status, a.body)
		}
	}
	if s := guest.shown(t); s.summary != "old" {
		t.Errorf("the source shows %+v", s)
	}
}
