package test

import (
	"slices"
	"strings"
	"testing"
)

// compareType looks at what the type of a calendar says to its owner, and gives the type.
func (r *shareRig) compareType(t *testing.T, name string, shared bool) string {
	t.Helper()
	kind := "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>"
	if shared {
		kind = "<D:resourcetype><D:collection/><C:calendar/><CS:shared-owner/></D:resourcetype>"
	}
	for _, q := range []request{propfind("/CalDAV/~me/", "D:resourcetype"), propfind(r.own, "D:resourcetype"), propfind(r.own)} {
		asked := "its type"
		switch {
		case q.path != r.own:
			q.header["Depth"], asked = "1", "the types in its home"
		case !strings.Contains(q.body, "resourcetype"):
			q.body, asked = "", "all of it"
		}
		a := r.owner.ask(q).body
		if !slices.ContainsFunc(responses(a), func(l listed) bool { return l.href == r.own && strings.Contains(l.body, kind) }) {
			t.Errorf("%s: the owner who asks for %s does not see %s: %s", name, asked, kind, a)
		}
	}
	return kind
}

// TestShareForgotten: a calendar is not taken for shared since another one of its name was.
func TestShareForgotten(t *testing.T) {
	t.Parallel()
	r := newShareRig(t, sharingServers[0].start)
	work, moved := "/CalDAV/~me/Work/", "/CalDAV/~me/Moved/"
	shared := func(path string) bool {
		return strings.Contains(r.owner.ask(propfind(path, "D:resourcetype")).body, "<CS:shared-owner/>")
	}
	share := appleShare(work, "<CS:set><D:href>"+principalOf(r.guest)+"</D:href><CS:read/></CS:set>")
	for _, step := range []struct {
		request              request
		workShared, movedToo bool
	}{
		{request{"MKCALENDAR", moved, nil, ""}, false, false},
		{request{"DELETE", moved, nil, ""}, false, false},
		{request{"MKCALENDAR", work, nil, ""}, false, false},
		{share, true, false},
		{request{"MOVE", work, map[string]string{"Destination": moved}, ""}, false, true},
		{request{"MKCALENDAR", work, nil, ""}, false, true},
		{share, true, true},
		{request{"DELETE", work, nil, ""}, false, true},
		{request{"MKCALENDAR", work, nil, ""}, false, true},
	} {
		r.owner.must(t, step.request)
		if w, m := shared(work), shared(moved); w != step.workShared || m != step.movedToo {
			t.Errorf("after %s %s: Work is shared %v, Moved %v", step.request.method, step.request.path, w, m)
		}
	}
	// a gateway that remembers nothing is never late
	r.owner.gateway = startGateway(t, r.b, nil, true)
	for _, rights := range []string{"lr", "", "lr"} {
		if rights == "" {
			r.unset(t)
		} else {
			setACL(t, r.b, r.owner, "Calendar", r.guest.user, rights)
		}
		if got := shared(r.own); got != (rights != "") {
			t.Errorf("without a cache a calendar with the rights %q for the guest is shared: %v", rights, got)
		}
	}
}
