package test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// metadataOf is the value of an entry, as a mail program reads it.
func metadataOf(m *mailStore, box, entry string) string {
	m.t.Helper()
	all := strings.Join(m.raw("GETMETADATA "+box+` ("`+entry+`")`), "")
	_, value, ok := strings.Cut(all, strings.ToLower(entry))
	if !ok {
		return ""
	}
	value = strings.Trim(strings.TrimLeft(value, `" `), `") `)
	if _, literal, ok := strings.Cut(value, "}"); ok {
		value = literal
	}
	return strings.ReplaceAll(value, "NIL", "")
}

// Properties that other programs keep in METADATA: Kolab's in folders that one of them has marked, those of Cyrus' own CalDAV
// service. They fill what the folder does not say, and follow what CalDAV changes.
func TestMetadataInStep(t *testing.T) {
	for _, s := range metadataServers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := s.start(t)
			c := newCrashClient(t, b, startGateway(t, b, nil, false))
			other := &crashClient{c.user, c.password, startGateway(t, b, nil, true)}
			calendar := "/CalDAV/~me/Work/"
			c.must(t, request{"PUT", "/CalDAV/Calendar/a.ics", nil, crashEvent("made by the way")})
			c.must(t, request{"MKCALENDAR", calendar, nil, ""})
			m := openMailStore(t, b, c.user, c.password)
			box := `"` + m.name("Calendar/Work") + `"`
			metadata := func(entry string) string { t.Helper(); return metadataOf(m, box, entry) }
			set := func(entries string) { t.Helper(); m.raw("SETMETADATA " + box + " (" + entries + ")") }
			seen := func(what, want string) {
				t.Helper()
				for _, g := range []*crashClient{c, other} {
					if got := g.props(calendar); got != want {
						t.Errorf("%s: %q, want %q", what, got, want)
					}
				}
			}
			const kolab, cyrus = "/shared/vendor/kolab/", "/shared/vendor/cmu/cyrus-httpd/"

			seen("before", "displayname=Work")
			made := func(name string) string {
				t.Helper()
				return metadataOf(m, `"`+m.name(name)+`"`, kolab+"folder-type")
			}
			if got := made("Calendar/Work"); got != "event" {
				t.Errorf("a new calendar is of the type %q", got)
			}
			if got := made("Calendar"); got != "event" {
				t.Errorf("the default calendar is of the type %q", got)
			}
			c.must(t, request{"MKCALENDAR", "/CalDAV/~me/Chores/", nil, `<C:mkcalendar xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:set><D:prop><D:displayname>What is to do</D:displayname>` +
				`<C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>`})
			if got := made("Tasks/Chores"); got != "task" {
				t.Errorf("a new task list is of the type %q", got)
			}
			if got := metadataOf(m, `"`+m.name("Tasks/Chores")+`"`, kolab+"displayname"); got != "What is to do" {
				t.Errorf("Kolab calls it %q", got)
			}
			set(`/shared/vendor/kolab/folder-type "event" /shared/vendor/kolab/color "ff8000" /shared/vendor/kolab/displayname "By Kolab"`)
			seen("what a Kolab program set", "displayname=By Kolab calendar-color=#FF8000")
			set(`/private/vendor/kolab/color "0080ff"`)
			seen("what it set for this user", "displayname=By Kolab calendar-color=#0080FF")
			set(`/shared/vendor/kolab/color "red; DROP"`)
			set(`/private/vendor/kolab/color NIL`)
			seen("no colour", "displayname=By Kolab")
			set(`/shared/vendor/kolab/color "ff8000" /private/vendor/kolab/color "0080ff"`)
			home := c.ask(request{"PROPFIND", "/CalDAV/~me/", map[string]string{"Depth": "1"}, `<D:propfind xmlns:D="DAV:">` + ownProps + `</D:propfind>`})
			if !strings.Contains(home.body, "#0080FF") || !strings.Contains(home.body, "By Kolab") {
				t.Errorf("the home: %s", home.body)
			}

			c.must(t, request{"PROPPATCH", calendar, nil, setProps(`<A:calendar-color>#00FF7F80</A:calendar-color>`)})
			seen("after a PROPPATCH", "displayname=By Kolab calendar-color=#00FF7F80")
			if got := metadata(kolab + "color"); got != "00ff7f" {
				t.Errorf("Kolab's colour is %q", got)
			}
			if got := metadata("/private/vendor/kolab/color"); got != "" {
				t.Errorf("the private colour, which would hide the new one, is %q", got)
			}
			set(`/shared/vendor/kolab/color "123456"`)
			seen("what the folder says counts", "displayname=By Kolab calendar-color=#00FF7F80")

			c.must(t, request{"PROPPATCH", calendar, nil, removeProps(`<A:calendar-color/><D:displayname/>`)})
			seen("after they were removed", "displayname=Work")
			if got := metadata(kolab+"color") + metadata(kolab+"displayname"); got != "" {
				t.Errorf("Kolab's entries are still %q", got)
			}
			c.must(t, request{"PROPPATCH", calendar, nil, setProps(`<D:displayname>B&#252;ro "\</D:displayname>`)})
			seen("after a name that needs a literal", `displayname=Büro "\`)

			// a guest's own colour is the private one of his Kolab program too
			guest := newCrashClient(t, b, c.gateway)
			setACL(t, b, c, "Calendar/Work", guest.user, "lr")
			guest.must(t, request{"PROPPATCH", "/CalDAV/~" + c.user + "/Work/", nil, setProps(`<A:calendar-color>#654321</A:calendar-color>`)})
			theirs := openMailStore(t, b, guest.user, guest.password)
			if got := metadataOf(theirs, `"`+theirs.ofOther(c.user, "Calendar/Work")+`"`, "/private/vendor/kolab/color"); got != "654321" {
				t.Errorf("the guest's colour for Kolab is %q", got)
			}
			if got := metadata("/private/vendor/kolab/color") + metadata(kolab+"color"); got != "" {
				t.Errorf("the guest's colour is the owner's too: %q", got)
			}

			if s.name != "cyrus metadata" {
				return
			}
			if got := metadata(cyrus + "<DAV:>displayname"); got != `Büro "\` {
				t.Errorf("Cyrus' name is %q", got)
			}
			set(`"` + cyrus + `<http://apple.com/ns/ical/>calendar-order" "12"`)
			seen("what Cyrus' own service set", `displayname=Büro "\ calendar-order=12`)
			c.must(t, request{"PROPPATCH", calendar, nil, setProps(`<A:calendar-order>13</A:calendar-order>`)})
			if got := metadata(cyrus + "<http://apple.com/ns/ical/>calendar-order"); got != "13" {
				t.Errorf("Cyrus' order is %q", got)
			}

			// what is no text in CalDAV is a word there, or a number
			const caldav = cyrus + "<urn:ietf:params:xml:ns:caldav>"
			value := func(name string) string {
				t.Helper()
				return find(regexp.MustCompile(`:`+name+`[^>]*>(.*)</\w+:`+name+`>`), c.ask(propfind(calendar, "C:"+name)).body)
			}
			for _, p := range []struct{ name, theirs, shown, set, kept string }{
				{"schedule-calendar-transp", "transparent", "<C:transparent/>", "<C:opaque/>", "opaque"},
				{"calendar-timezone-id", "Europe/Berlin", "Europe/Berlin", "Europe/Paris", "Europe/Paris"},
				{"supported-calendar-component-set", "38", `<C:comp name="VTODO"/><C:comp name="VJOURNAL"/>`, "", ""}, // 32 is VPOLL
			} {
				set(`"` + caldav + p.name + `" "` + p.theirs + `"`)
				if got := value(p.name); got != p.shown {
					t.Errorf("Cyrus' %s %s is shown as %q", p.name, p.theirs, got)
				}
				if p.set == "" {
					continue // is set once, below
				}
				c.must(t, request{"PROPPATCH", calendar, nil, setProps("<C:" + p.name + ">" + p.set + "</C:" + p.name + ">")})
				if got := metadata(caldav + p.name); got != p.kept {
					t.Errorf("Cyrus' %s is %q after it was set to %s", p.name, got, p.set)
				}
			}
			for name, text := range map[string]string{"default-alarm-vevent-datetime": "BEGIN:VALARM\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n", "default-alarm-vevent-date": "%(CONTENT x)"} {
				set(fmt.Sprintf("\"%s\" {%d+}\r\n%s", caldav+name, len(text), text))
				shown := find(regexp.MustCompile(`(?s)<(?:\w+:)?`+name+`[^>]*>(.*)</(?:\w+:)?`+name+`>`), c.ask(propfind(calendar, "C:"+name)).body)
				if strings.Contains(shown, "TRIGGER:-PT5M") != strings.HasPrefix(text, "BEGIN:") || strings.Contains(shown, "CONTENT") {
					t.Errorf("Cyrus' %s %q is shown as %q", name, text, shown)
				}
				c.must(t, request{"PROPPATCH", calendar, nil, setProps("<C:" + name + ">BEGIN:VALARM&#13;\nTRIGGER:-PT9M&#13;\nEND:VALARM&#13;\n</C:" + name + ">")})
				if got := strings.Join(m.raw("GETMETADATA "+box+` "`+caldav+name+`"`), " "); !strings.Contains(got, "TRIGGER:-PT9M") {
					t.Errorf("Cyrus' %s is %q", name, got)
				}
			}
			c.must(t, request{"MKCALENDAR", "/CalDAV/~me/Made/", nil, `<C:mkcalendar xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:set><D:prop>` +
				`<C:supported-calendar-component-set><C:comp name="VEVENT"/><C:comp name="VJOURNAL"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>`})
			box = `"` + m.name("Calendar/Made") + `"`
			if got := metadata(caldav + "supported-calendar-component-set"); got != "5" {
				t.Errorf("Cyrus' component set is %q", got)
			}
		})
	}
}
