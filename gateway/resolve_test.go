package gateway

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"calgate/gateway/calendar"
)

// fakeHome finds paths that it was told of.
type fakeHome map[string]calendar.Calendar

var errFind = errors.New("the mail server is away")

func (h fakeHome) known(path []string) (calendar.Calendar, bool) {
	c, ok, _ := h.find(path)
	return c, ok && c.Exists
}

func (h fakeHome) find(path []string) (calendar.Calendar, bool, error) {
	if h == nil {
		return calendar.Calendar{}, false, errFind
	}
	c, ok := h[strings.Join(path, "/")]
	return c, ok, nil
}

func (h fakeHome) defaultCalendar() (calendar.Calendar, error) {
	if h == nil {
		return calendar.Calendar{}, errFind
	}
	return h["Calendar"], nil
}

// home has the default calendar, Calendar/Work under both its names, a calendar whose
// name ends in the suffix, and the same without it.
func home() fakeHome {
	cal := func(mailbox string, path ...string) calendar.Calendar {
		return calendar.Calendar{Mailbox: mailbox, Path: path, Kind: calendar.Events, Exists: true, Default: mailbox == "Calendar"}
	}
	work := cal("Calendar/Work", "Work")
	return fakeHome{
		"Calendar": cal("Calendar", "Calendar"), "Work": work, "Calendar/Work": work,
		"Tasks": {Mailbox: "Tasks", Path: []string{"Tasks"}, Kind: calendar.Tasks, Default: true},
		"A":     cal("A", "A"), "A.ics": cal("A.ics", "A.ics"),
		"Work/Deep": cal("Calendar/Work/Deep", "Work", "Deep"),
		"Ä b":       cal("Calendar/Ä b", "Ä b"),
	}
}

func TestResolve(t *testing.T) {
	for _, c := range []struct {
		rule, method, url string
		kind              placeKind
		mailbox, name     string
		self, collection  string
	}{
		{"root", "PROPFIND", "/", placeRoot, "", "", "/", ""},
		{"principal", "PROPFIND", "/UserDAV", placePrincipal, "", "", "/UserDAV/", ""},
		{"principal", "PROPFIND", "/UserDAV/bob", placePrincipal, "", "", "/UserDAV/bob/", ""},
		{"not ours", "PROPFIND", "/principals/", placeNothing, "", "", "/principals/", ""},
		{"a feed", "GET", "/CalendarData/Work.ics", placeFeed, "Calendar/Work", "", "/CalendarData/Work.ics", ""},
		{"a feed by its plain name", "PUT", "/CalendarDataDel/~me/Work/", placeFeed, "Calendar/Work", "", "/CalendarDataDel/~me/Work/", ""},
		{"a nested feed", "DELETE", "/CalendarData/Work/Deep.ICS", placeFeed, "Calendar/Work/Deep", "", "/CalendarData/Work/Deep.ICS", ""},
		{"a feed, literal name wins", "GET", "/CalendarData/A.ics", placeFeed, "A.ics", "", "/CalendarData/A.ics", ""},
		{"the default feed", "GET", "/CalendarData", placeFeed, "Calendar", "", "/CalendarData", ""},
		{"the default feed", "PUT", "/CalendarDataDel/.ics", placeFeed, "Calendar", "", "/CalendarDataDel/.ics", ""},
		{"a feed of nothing", "GET", "/CalendarData/none.ics", placeNothing, "", "", "/CalendarData/none.ics", ""},
		{"a feed is made", "PUT", "/CalendarData/none.ics", placeFeed, "", "", "/CalendarData/none.ics", ""},
		{"0 default exists by name", "PROPFIND", "/CalDAV/Tasks/", placeCalendar, "Tasks", "", "/CalDAV/Tasks/", "/CalDAV/Tasks/"},
		{"3 empty rest is the home", "PROPFIND", "/CalDAV", placeHome, "", "", "/CalDAV/", ""},
		{"3 empty rest is the home", "OPTIONS", "/CalDAV/", placeHome, "", "", "/CalDAV/", ""},
		{"3 empty rest is the home", "DELETE", "/CalDAV/", placeHome, "", "", "/CalDAV/", ""},
		{"3 empty rest is the home", "MKCALENDAR", "/CalDAV/", placeHome, "", "", "/CalDAV/", ""},
		{"3 default calendar", "REPORT", "/CalDAV/", placeCalendar, "Calendar", "", "/CalDAV/Calendar/", "/CalDAV/Calendar/"},
		{"3 default calendar", "GET", "/CalDAV", placeCalendar, "Calendar", "", "/CalDAV/Calendar/", "/CalDAV/Calendar/"},
		{"3 owner's home", "REPORT", "/CalDAV/~me/", placeHome, "", "", "/CalDAV/~me/", ""},
		{"4b exact", "PROPFIND", "/CalDAV/Work", placeCalendar, "Calendar/Work", "", "/CalDAV/Work/", "/CalDAV/Work/"},
		{"4b exact", "PROPFIND", "/CalDAV/%7Eme/%57ork/", placeCalendar, "Calendar/Work", "", "/CalDAV/%7Eme/%57ork/", "/CalDAV/%7Eme/%57ork/"},
		{"4b full path is an alias", "PROPFIND", "/CalDAV/Calendar/Work", placeCalendar, "Calendar/Work", "", "/CalDAV/Calendar/Work/", "/CalDAV/Calendar/Work/"},
		{"4b escaped", "PROPFIND", "/CalDAV/%C3%84%20b/", placeCalendar, "Calendar/Ä b", "", "/CalDAV/%C3%84%20b/", "/CalDAV/%C3%84%20b/"},
		{"4b nested", "PROPFIND", "/CalDAV/Work/Deep", placeCalendar, "Calendar/Work/Deep", "", "/CalDAV/Work/Deep/", "/CalDAV/Work/Deep/"},
		{"4b literal name wins", "PROPFIND", "/CalDAV/A.ics", placeCalendar, "A.ics", "", "/CalDAV/A.ics/", "/CalDAV/A.ics/"},
		{"4a trailing slash", "PROPFIND", "/CalDAV/Work/x/", placeNothing, "", "", "/CalDAV/Work/x/", ""},
		{"4a MKCALENDAR", "MKCALENDAR", "/CalDAV/Work/x", placeNothing, "", "", "/CalDAV/Work/x/", ""},
		{"4a MKCOL", "MKCOL", "/CalDAV/new.ics", placeNothing, "", "", "/CalDAV/new.ics/", ""},
		{"4a MKCALENDAR over (d)", "MKCALENDAR", "/CalDAV/Work.ics", placeCalendar, "Calendar/Work", "", "/CalDAV/Work.ics/", "/CalDAV/Work.ics/"},
		{"4c object", "PUT", "/CalDAV/Work/x", placeObject, "Calendar/Work", "x", "/CalDAV/Work/x", "/CalDAV/Work/"},
		{"4c object", "GET", "/CalDAV/~me/Calendar/Work/a%2eics", placeObject, "Calendar/Work", "a.ics", "/CalDAV/~me/Calendar/Work/a%2eics", "/CalDAV/~me/Calendar/Work/"},
		{"4c in a literal .ics", "GET", "/CalDAV/A.ics/x.ics", placeObject, "A.ics", "x.ics", "/CalDAV/A.ics/x.ics", "/CalDAV/A.ics/"},
		{"4c before d", "GET", "/CalDAV/Work/Deep.ics", placeObject, "Calendar/Work", "Deep.ics", "/CalDAV/Work/Deep.ics", "/CalDAV/Work/"},
		{"4d suffix", "PROPFIND", "/CalDAV/Work.ICS", placeCalendar, "Calendar/Work", "", "/CalDAV/Work.ICS/", "/CalDAV/Work.ICS/"},
		{"4d suffix and slash", "PROPFIND", "/CalDAV/Work/Deep.ics/", placeCalendar, "Calendar/Work/Deep", "", "/CalDAV/Work/Deep.ics/", "/CalDAV/Work/Deep.ics/"},
		{"4d one suffix only", "PROPFIND", "/CalDAV/Work.ics.ics/", placeNothing, "", "", "/CalDAV/Work.ics.ics/", ""},
		{"4d nothing but the suffix", "PROPFIND", "/CalDAV/.ics", placeCalendar, "Calendar", "", "/CalDAV/Calendar/", "/CalDAV/Calendar/"},
		{"members of a suffixed name", "GET", "/CalDAV/Work.ics/x.ics", placeObject, "Calendar/Work", "x.ics", "/CalDAV/Work.ics/x.ics", "/CalDAV/Work.ics/"},
		{"4e default calendar's object", "PUT", "/CalDAV/x.ics", placeObject, "Calendar", "x.ics", "/CalDAV/x.ics", "/CalDAV/Calendar/"},
		{"4e default calendar's object", "GET", "/CalDAV/~me/x.IcS", placeObject, "Calendar", "x.IcS", "/CalDAV/~me/x.IcS", "/CalDAV/~me/Calendar/"},
		{"4e without the suffix", "PUT", "/CalDAV/x", placeNothing, "", "", "/CalDAV/x", ""},
		{"4 no parent", "PUT", "/CalDAV/none/x.ics", placeNothing, "", "", "/CalDAV/none/x.ics", ""},
		{"5 mail folders", "PROPFIND", "/CalDAV/INBOX/", placeNothing, "", "", "/CalDAV/INBOX/", ""},
		{"double slash", "PROPFIND", "//CalDAV//Work", placeCalendar, "Calendar/Work", "", "/CalDAV/Work/", "/CalDAV/Work/"},
	} {
		target, err := ParseTarget(c.url)
		if err != nil {
			t.Fatal(err)
		}
		p, err := resolve(target, home(), c.method)
		if err != nil {
			t.Fatal(err)
		}
		if p.kind != c.kind || p.calendar.Mailbox != c.mailbox || p.name != c.name || p.self != c.self || p.collection != c.collection {
			t.Errorf("rule %s: %s %s leads to %s %+v", c.rule, c.method, c.url, p.kind, p)
		}
		if p.kind == placeNothing && !slices.Equal(p.path, target.Path) && target.Realm == RealmCalDAV {
			t.Errorf("rule %s: %s %s has path %q", c.rule, c.method, c.url, p.path)
		}
	}
}

func TestResolveFails(t *testing.T) {
	for _, url := range []string{"/CalDAV/Work/", "/CalDAV/Work/x.ics", "/CalDAV/.ics"} {
		target, err := ParseTarget(url)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := resolve(target, fakeHome(nil), "GET"); err != errFind {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// Rule 6: answers name what they are about as the request did.
func TestHrefs(t *testing.T) {
	h := home()
	for _, c := range []struct {
		method, url          string
		calendar             string
		wantCalendar, object string
	}{
		{"PROPFIND", "/CalDAV/", "Work", "/CalDAV/Work/", "/CalDAV/Work/a%20b.ics"},
		{"PROPFIND", "/CalDAV/%7Eme", "Work", "/CalDAV/%7Eme/Work/", "/CalDAV/%7Eme/Work/a%20b.ics"},
		{"REPORT", "/CalDAV/Calendar/Work", "Work", "/CalDAV/Calendar/Work/", "/CalDAV/Calendar/Work/a%20b.ics"},
		{"REPORT", "/CalDAV/Work.ics", "Work", "/CalDAV/Work.ics/", "/CalDAV/Work.ics/a%20b.ics"},
		{"REPORT", "/CalDAV/", "Calendar", "/CalDAV/Calendar/", "/CalDAV/Calendar/a%20b.ics"},
		{"PROPFIND", "/CalDAV/Work/a+b.ics", "Work", "/CalDAV/Work/", "/CalDAV/Work/a%20b.ics"},
		{"PROPFIND", "/CalDAV/Work/%61%20b.ics", "Work", "/CalDAV/Work/", "/CalDAV/Work/%61%20b.ics"},
		{"PROPFIND", "/", "Work", "/CalDAV/~bob@b.org/Work/", "/CalDAV/~bob@b.org/Work/a%20b.ics"},
	} {
		target, err := ParseTarget(c.url)
		if err != nil {
			t.Fatal(err)
		}
		p, err := resolve(target, h, c.method)
		if err != nil {
			t.Fatal(err)
		}
		q := &request{login: login{account: "Bob@B.org"}, place: p, target: target}
		if got := q.hrefCalendar(h[c.calendar]); got != c.wantCalendar {
			t.Errorf("%s %s: calendar %q, want %q", c.method, c.url, got, c.wantCalendar)
		}
		if got := q.hrefObject(h[c.calendar], "a b.ics"); got != c.object {
			t.Errorf("%s %s: object %q, want %q", c.method, c.url, got, c.object)
		}
	}
	q := &request{login: login{account: "Bob@B.org"}}
	if q.hrefHome() != "/CalDAV/~bob@b.org/" || q.hrefPrincipal() != "/UserDAV/bob@b.org/" {
		t.Errorf("canonical: %q %q", q.hrefHome(), q.hrefPrincipal())
	}
}
