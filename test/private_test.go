package test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2/imapclient"

	"calgate/test/backends"
)

// What a reader sets on somebody's calendar is the reader's own: kept, seen on every gateway, and by nobody else.

const ownProps = `<D:prop xmlns:D="DAV:" xmlns:A="http://apple.com/ns/ical/"><D:displayname/><A:calendar-color/><A:calendar-order/><hidden xmlns="urn:example"/></D:prop>`

func setProps(content string) string {
	return `<D:propertyupdate xmlns:D="DAV:" xmlns:A="http://apple.com/ns/ical/" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>` + content + `</D:prop></D:set></D:propertyupdate>`
}

func removeProps(content string) string {
	return strings.NewReplacer("D:set>", "D:remove>").Replace(setProps(content))
}

var shownProps = regexp.MustCompile(`<(?:[A-Za-z]+:)?(displayname|calendar-color|calendar-order|hidden)(?:\s[^>]*[^/>])?>([^<]*)</`)

// props are the values that a client reads, "name=value" each, in the order of ownProps.
func (c *crashClient) props(path string) string {
	a := c.ask(request{"PROPFIND", path, map[string]string{"Depth": "0"}, `<D:propfind xmlns:D="DAV:">` + ownProps + `</D:propfind>`})
	var all []string
	for _, m := range shownProps.FindAllStringSubmatch(a.body, -1) {
		all = append(all, m[1]+"="+m[2])
	}
	return strings.Join(all, " ")
}

func TestPrivateProperties(t *testing.T) {
	for _, s := range slices.Concat(sharingServers, metadataServers) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := s.start(t)
			gateways := []string{startGateway(t, b, nil, false), startGateway(t, b, nil, true), startGateway(t, b, nil, false)}
			owner := newCrashClient(t, b, gateways[0])
			guest, third := newCrashClient(t, b, gateways[0]), newCrashClient(t, b, gateways[1])
			own := "/CalDAV/~me/Shared/"
			owner.must(t, request{"MKCALENDAR", own, nil, ""})
			owner.must(t, request{"PROPPATCH", own, nil, setProps(`<D:displayname>Ours</D:displayname><A:calendar-color>#111111</A:calendar-color>`)})
			setACL(t, b, owner, "Calendar/Shared", guest.user, "lrs")
			setACL(t, b, owner, "Calendar/Shared", third.user, "lrs")
			theirs := "/CalDAV/~" + owner.user + "/Shared/"
			ctag := request{"PROPFIND", own, map[string]string{"Depth": "0"}, `<D:propfind xmlns:D="DAV:"><D:prop><C:getctag xmlns:C="http://calendarserver.org/ns/"/></D:prop></D:propfind>`}
			before := owner.ask(ctag).body

			seen := func(what string, c *crashClient, path, want string) {
				t.Helper()
				for i := range gateways {
					on := &crashClient{c.user, c.password, gateways[i]}
					if got := on.props(path); got != want {
						t.Errorf("%s, on gateway %d: %q, want %q", what, i, got, want)
					}
				}
			}
			const shared = "displayname=Ours calendar-color=#111111"
			// A guest reads beside the owner's name for it whose it is.
			of := strings.NewReplacer("=Ours", "=Ours ("+owner.user+")", "=Theirs", "=Theirs ("+owner.user+")").Replace
			seen("before", guest, theirs, of(shared))
			guest.must(t, request{"PROPPATCH", theirs, nil, setProps(`<D:displayname>Mine</D:displayname><A:calendar-order>7</A:calendar-order><hidden xmlns="urn:example">1</hidden>`)})
			const mixed = "displayname=Mine calendar-color=#111111 calendar-order=7 hidden=1"
			seen("the guest", guest, theirs, mixed)
			seen("the owner", owner, own, shared)
			seen("another guest", third, theirs, of(shared))
			if after := owner.ask(ctag).body; after != before {
				t.Error("what a guest sets for himself moves the ctag of the owner's calendar")
			}
			third.must(t, request{"PROPPATCH", theirs, nil, setProps(`<A:calendar-color>#333333</A:calendar-color>`)})
			seen("the guest, after another one", guest, theirs, mixed)
			seen("another guest", third, theirs, of("displayname=Ours calendar-color=#333333"))

			// The owner's change shows through where the guest has nothing of his own.
			owner.must(t, request{"PROPPATCH", own, nil, setProps(`<D:displayname>Theirs</D:displayname><A:calendar-color>#222222</A:calendar-color>`)})
			seen("the guest, after the owner", guest, theirs, "displayname=Mine calendar-color=#222222 calendar-order=7 hidden=1")
			guest.must(t, request{"PROPPATCH", theirs, nil, removeProps(`<D:displayname/><hidden xmlns="urn:example"/>`)})
			seen("the guest, with less of his own", guest, theirs, of("displayname=Theirs calendar-color=#222222 calendar-order=7"))

			// What is protected, is so for everybody, and nothing of such a request is done.
			refused := guest.ask(request{"PROPPATCH", theirs, nil, setProps(`<A:calendar-order>8</A:calendar-order><C:supported-calendar-component-set/>`)})
			if refused.status != 207 || !strings.Contains(refused.body, "403") || !strings.Contains(refused.body, "424") {
				t.Errorf("a protected property: %d %s", refused.status, refused.body)
			}
			seen("the guest, after a refusal", guest, theirs, of("displayname=Theirs calendar-color=#222222 calendar-order=7"))

			// Where the guest keeps it is no calendar, not for him and not for others, and no mail program lists it.
			home := guest.ask(request{"PROPFIND", "/CalDAV/~me/", map[string]string{"Depth": "1"}, ""})
			if home.status != 207 || strings.Contains(home.body, "calgate/") {
				t.Errorf("the guest's home: %d %s", home.status, home.body)
			}
			for _, c := range []*crashClient{guest, owner} {
				if a := c.ask(request{"PROPFIND", "/CalDAV/~" + guest.user + "/calgate/", map[string]string{"Depth": "0"}, ""}); a.status != 404 {
					t.Errorf("the settings mailbox is answered %d", a.status)
				}
			}
			mail := openMailStore(t, b, guest.user, guest.password)
			if names := mail.subscribed(); len(names) > 0 {
				t.Errorf("subscribed: %q", names)
			}
			inMetadata := strings.HasSuffix(s.name, " metadata")
			if made := strings.Contains(strings.Join(mail.raw(`LIST "" "*"`), " "), "calgate"); made == inMetadata {
				t.Errorf("the settings mailbox was made: %v", made)
			}

			// Who may change what all see, does; and sees it.
			setACL(t, b, owner, "Calendar/Shared", guest.user, "lrswite")
			fresh := &crashClient{guest.user, guest.password, startGateway(t, b, nil, false)} // an older session may know the old rights
			fresh.must(t, request{"PROPPATCH", theirs, nil, setProps(`<A:calendar-order>9</A:calendar-order>`)})
			seen("the owner, after the guest", owner, own, "displayname=Theirs calendar-color=#222222 calendar-order=9")
			if got, want := fresh.props(theirs), "displayname=Theirs calendar-color=#222222 calendar-order=9"; got != want {
				t.Errorf("the guest, who has changed it for all: %q, want %q", got, want)
			}
			if variant := strings.Contains(s.name, " "); inMetadata || !variant { // variants differ in names alone
				privateAfterMove(t, b, gateways[:2], [2]*crashClient{owner, guest}, s.name != "dovecot")
			}
		})
	}
}

// privateAfterMove lets the owner move a calendar of which the guest has a name and a colour of his own, and make another one
// under the old name. They follow, and where mailboxes are told apart for sure, apart says, the new one has none of them.
func privateAfterMove(t *testing.T, b *backends.Server, gateways []string, users [2]*crashClient, apart bool) {
	t.Helper()
	owner, guest := users[0], users[1]
	home := "/CalDAV/~" + owner.user + "/"
	seen := func(what, name, want string) {
		t.Helper()
		for i := range gateways {
			on := &crashClient{guest.user, guest.password, gateways[i]}
			if got := on.props(home + name + "/"); got != want {
				t.Errorf("%s, on gateway %d: %q, want %q", what, i, got, want)
			}
		}
	}
	set := func(name, properties string) {
		t.Helper()
		guest.must(t, request{"PROPPATCH", home + name + "/", nil, setProps(properties)})
	}
	share := func() {
		t.Helper()
		owner.must(t, request{"MKCALENDAR", "/CalDAV/~me/Here/", nil, ""})
		setACL(t, b, owner, "Calendar/Here", guest.user, "lrs")
	}
	share()
	set("Here", `<D:displayname>Mine</D:displayname><A:calendar-color>#777777</A:calendar-color>`)
	owner.must(t, request{"MOVE", "/CalDAV/~me/Here/", map[string]string{"Destination": "/CalDAV/~me/There/"}, ""})
	seen("moved", "There", "displayname=Mine calendar-color=#777777")
	if shown := guest.home(t, "/CalDAV/~me/"); shown["~"+owner.user+":There/"] != "Mine" {
		t.Errorf("moved, in the guest's home: %v", shown)
	}
	// So do those of a calendar that a mail program made, of which the folder says nothing before.
	m := openMailStore(t, b, owner.user, owner.password)
	m.do(func(c *imapclient.Client) error { return c.Create(m.name("Calendar/Raw"), nil).Wait() })
	setACL(t, b, owner, "Calendar/Raw", guest.user, "lrs")
	set("Raw", `<A:calendar-color>#666666</A:calendar-color>`)
	color := "#666666"
	for _, to := range []string{"Cooked", "Raw"} { // and back
		from := map[string]string{"Cooked": "Raw", "Raw": "Cooked"}[to]
		owner.must(t, request{"MOVE", "/CalDAV/~me/" + from + "/", map[string]string{"Destination": "/CalDAV/~me/" + to + "/"}, ""})
		seen("a mail program's, as "+to, to, "displayname="+to+" ("+owner.user+") calendar-color="+color)
		color = "#555555"
		set(to, "<A:calendar-color>"+color+"</A:calendar-color>")
		owner.must(t, request{"PROPPATCH", "/CalDAV/~me/" + to + "/", nil, setProps(`<A:calendar-order>1</A:calendar-order>`)})
		owner.must(t, request{"PROPPATCH", "/CalDAV/~me/" + to + "/", nil, removeProps(`<A:calendar-order/>`)})
	}
	share()
	inherited := ""
	if apart {
		seen("another of the old name", "Here", "displayname=Here ("+owner.user+")")
	} else {
		inherited = " calendar-color=#777777"
	}
	set("Here", `<D:displayname>Another</D:displayname>`)
	seen("another of the old name", "Here", "displayname=Another"+inherited)
	seen("moved, after the other one", "There", "displayname=Mine calendar-color=#777777")
	guest.gateway = gateways[1]
	set("There", `<A:calendar-order>8</A:calendar-order>`)
	seen("moved and changed", "There", "displayname=Mine calendar-color=#777777 calendar-order=8")
	set("Here", `<A:calendar-order>9</A:calendar-order>`)
	seen("the other one, changed", "Here", "displayname=Another"+inherited+" calendar-order=9")
	seen("moved, after all", "There", "displayname=Mine calendar-color=#777777 calendar-order=8")
}

// A name that no header field could hold is one for private properties too.
func TestPrivatePropertiesOfLongName(t *testing.T) {
	t.Parallel()
	b := sharingServers[0].start(t)
	owner, guest := newCrashClient(t, b, startGateway(t, b, nil, false)), newCrashClient(t, b, startGateway(t, b, nil, false))
	names := [2]string{strings.Repeat("x", 120), strings.Repeat("y", 120)}
	long := names[0] + "/" + names[1]
	owner.must(t, request{"MKCALENDAR", "/CalDAV/~me/" + names[0] + "/", nil, ""})
	owner.must(t, request{"MKCALENDAR", "/CalDAV/~me/" + long + "/", nil, ""})
	setACL(t, b, owner, "Calendar/"+long, guest.user, "lr")
	theirs := "/CalDAV/~" + owner.user + "/" + long + "/"
	guest.must(t, request{"PROPPATCH", theirs, nil, setProps(`<A:calendar-order>7</A:calendar-order>`)})
	if got := guest.props(theirs); !strings.HasSuffix(got, " calendar-order=7") {
		t.Errorf("%q", got)
	}
}
