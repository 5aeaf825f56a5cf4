package gateway

import (
	"slices"
	"testing"

	"calgate/gateway/calendar"
)

func TestShareSegment(t *testing.T) {
	for _, c := range []struct {
		segment, owner string
		path           []string
	}{
		{"~bob:Calendar", "bob", []string{"Calendar"}},
		{"~bob@b.org:Work", "bob@b.org", []string{"Work"}},
		{"~dave.smith:Team:Work", "dave.smith", []string{"Team", "Work"}},
		{"~bob:A=3A b:c", "bob", []string{"A: b", "c"}},
		{"~bob:A=3D3A", "bob", []string{"A=3A"}},
		{"~bob:A=3D3D=B==", "bob", []string{"A=3D=B=="}},
		{"~bob:=3A=3A", "bob", []string{"::"}},
		{"~bob:=3D3D3A", "bob", []string{"=3D3A"}},
		{"~bob:Käse", "bob", []string{"Käse"}},
	} {
		s := parseShare(c.segment)
		if s == nil || s.Owner != c.owner || !slices.Equal(s.Path, c.path) {
			t.Errorf("%q: got %+v", c.segment, s)
		}
		if got := (Share{c.owner, c.path}).segment(); got != c.segment {
			t.Errorf("%q of %s is written %q, want %q", c.path, c.owner, got, c.segment)
		}
	}
	for _, segment := range []string{"", "~", "~bob", "bob:Calendar", "~:Calendar", "~bob:", "~bob::Calendar", "~bob:Calendar:", "~bob:..", "~bob:.:x"} {
		if s := parseShare(segment); s != nil {
			t.Errorf("%q: got %+v", segment, s)
		}
	}
}

// Whatever a mailbox is called, its segment leads to it and to no other.
func FuzzShareSegment(f *testing.F) {
	f.Add("A: b", "c")
	f.Add("=3A", "=3D")
	f.Add("==3D:3A", ":")
	f.Fuzz(func(t *testing.T, a, b string) {
		s := Share{"bob", []string{a, b}}
		got := parseShare(s.segment())
		skipped := func(l string) bool { return l == "" || l == "." || l == ".." }
		if skipped(a) || skipped(b) {
			return
		}
		if got == nil || got.Owner != "bob" || !slices.Equal(got.Path, s.Path) {
			t.Fatalf("%q is written %q and read as %+v", s.Path, s.segment(), got)
		}
	})
}

func TestTargetOfShare(t *testing.T) {
	for _, c := range []struct {
		path, owner, sharer string
		of, below           []string
		base, parent        string
	}{
		{"/CalDAV/~me/~bob:Work/", "me", "bob", []string{"Work"}, nil, "/CalDAV/~me/", "/CalDAV/~me/"},
		{"/CalDAV/~me/%7ebob%3AWork/a.ics", "me", "bob", []string{"Work"}, []string{"a.ics"}, "/CalDAV/~me/", "/CalDAV/~me/%7ebob%3AWork/"},
		{"/CalDAV/~bob@b.org:Work", "", "bob@b.org", []string{"Work"}, nil, "/CalDAV/", "/CalDAV/"},
		{"/CalendarData/~bob:Team:Work.ics", "", "bob", []string{"Team", "Work.ics"}, nil, "/CalendarData/", "/CalendarData/"},
		{"/CalDAV/~me/Work/~bob:Work", "me", "", nil, []string{"Work", "~bob:Work"}, "/CalDAV/~me/", "/CalDAV/~me/Work/"},
		{"/CalDAV/~bob:/x", "bob:", "", nil, []string{"x"}, "/CalDAV/~bob:/", "/CalDAV/~bob:/"},
	} {
		got, err := ParseTarget(c.path)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		share := Share{}
		if got.Share != nil {
			share = *got.Share
		}
		if got.Owner != c.owner || share.Owner != c.sharer || !slices.Equal(share.Path, c.of) || !slices.Equal(got.Path, c.below) || got.base() != c.base || got.parent() != c.parent {
			t.Errorf("%s: got %+v of %+v, base %s, parent %s", c.path, got, share, got.base(), got.parent())
		}
	}
}

// An owner of one's own domain is called without it, unless that would be another one.
func TestHrefOfShare(t *testing.T) {
	of := func(mailbox string, path ...string) calendar.Calendar {
		return calendar.Calendar{Mailbox: mailbox, Path: path, Exists: true}
	}
	bob, bobWithout := of("~bob@a.org/Calendar/Work", "Work"), of("~bob/Calendar", "Calendar")
	for _, c := range []struct {
		account         string
		calendar        calendar.Calendar
		others          []calendar.Calendar
		href, principal string
	}{
		{"me@a.org", bob, nil, "/CalDAV/~me@a.org/~bob:Work/", "/UserDAV/bob@a.org/"},
		{"me@A.ORG", bob, nil, "/CalDAV/~me@a.org/~bob:Work/", "/UserDAV/bob@a.org/"},
		{"me@b.org", bob, nil, "/CalDAV/~me@b.org/~bob@a.org:Work/", "/UserDAV/bob@a.org/"},
		{"me", bob, nil, "/CalDAV/~me/~bob@a.org:Work/", "/UserDAV/bob@a.org/"},
		{"me@a.org", bob, []calendar.Calendar{bobWithout}, "/CalDAV/~me@a.org/~bob@a.org:Work/", "/UserDAV/bob@a.org/"},
		{"me@a.org", bobWithout, nil, "/CalDAV/~me@a.org/~bob:Calendar/", "/UserDAV/bob@a.org/"},
		{"bob@b.org", bob, nil, "/CalDAV/~bob@b.org/~bob@a.org:Work/", "/UserDAV/bob@a.org/"},
		{"me", bobWithout, nil, "/CalDAV/~me/~bob:Calendar/", "/UserDAV/bob/"},
		{"me@a.org", of("~Jürgen@b.org/Calendar/Team: A/B", "Team: A", "B"), nil, "/CalDAV/~me@a.org/~J%C3%BCrgen@b.org:Team=3A%20A:B/", "/UserDAV/j%C3%BCrgen@b.org/"},
	} {
		q := &request{login: login{account: c.account}, homeView: &calendar.HomeView{Home: &calendar.Home{}, Shares: append(c.others, c.calendar)}}
		if got := q.hrefCalendar(c.calendar); got != c.href {
			t.Errorf("%s of %s is %s, want %s", c.calendar.Mailbox, c.account, got, c.href)
		}
		if got := q.hrefPrincipalOf(c.calendar.Owner()); got != c.principal {
			t.Errorf("the owner of %s is %s to %s, want %s", c.calendar.Mailbox, got, c.account, c.principal)
		}
	}
}

// A home of another user names his calendars by their paths alone, and one's own by one's own home.
func TestHrefInOthersHome(t *testing.T) {
	q := &request{login: login{account: "me"}, place: place{kind: placeHome, owner: "bob", base: "/CalDAV/~bob/"}}
	if got := q.hrefCalendar(calendar.Calendar{Mailbox: "~bob/Calendar/Work", Path: []string{"Work"}}); got != "/CalDAV/~bob/Work/" {
		t.Error(got)
	}
	if got := q.hrefCalendar(calendar.Calendar{Mailbox: "Calendar/Work", Path: []string{"Work"}}); got != "/CalDAV/~me/Work/" {
		t.Error(got)
	}
}
