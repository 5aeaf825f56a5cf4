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

// Who is over quota is told so, loses nothing, and can delete: whatever lies below the deleted object, it does not come back.

// crowded is a user whose account takes so many messages and no more.
type crowded struct {
	*crashClient
	t *testing.T
	b *backends.Server
	m *mailStore
}

// quotaMessages is the quota of the test users, in messages.
const quotaMessages = 7

func newCrowded(t *testing.T, b *backends.Server) *crowded {
	c := newCrashClient(t, b, startGateway(t, b, nil, false))
	return &crowded{c, t, b, openMailStore(t, b, c.user, c.password)}
}

// deliver appends a message behind the gateway's back.
func (c *crowded) deliver(message string) {
	c.t.Helper()
	c.m.deliver("Calendar", message)
}

// fill stores objects until there is no room for a single message more, not even for a tombstone.
func (c *crowded) fill() {
	c.t.Helper()
	for i := range quotaMessages + 1 {
		name := string(rune('f' + i))
		a := c.ask(request{"PUT", "/CalDAV/Calendar/" + name + ".ics", map[string]string{"If-None-Match": "*"}, displaced(name)})
		if a.status == 507 {
			if !strings.Contains(a.body, "quota-not-exceeded") {
				c.t.Errorf("507 without DAV:quota-not-exceeded: %s", a.body)
			}
			return
		}
		if a.status != 201 {
			c.t.Fatalf("filling: %d %s", a.status, a.body)
		}
	}
	c.t.Fatal("the quota is never reached")
}

// uids are what is in the folder.
func (c *crowded) uids() (uids []imap.UID) {
	c.t.Helper()
	c.m.do(func(cl *imapclient.Client) error {
		if _, err := cl.Select(c.m.name("Calendar"), &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
			return err
		}
		found, err := cl.UIDSearch(&imap.SearchCriteria{}, nil).Wait()
		if err == nil {
			uids = found.AllUIDs()
		}
		return err
	})
	return uids
}

// names are what a gateway without any memory lists.
func (c *crowded) names() (all []string) {
	fresh := &crashClient{c.user, c.password, startGateway(c.t, c.b, nil, true)}
	for _, e := range fresh.etags(c.t) {
		name, _, _ := strings.Cut(e, " ")
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func foreignMessage(uid string, sequence int) string {
	return fmt.Sprintf("From: x@example.com\nContent-Type: text/calendar; method=REQUEST; name=\"mail.ics\"\n\n%s", foreignEvent(uid, sequence))
}

func foreignEvent(uid string, sequence int) string {
	return fmt.Sprintf("BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:%s@example.com\nSEQUENCE:%d\nDTSTAMP:20261101T000000Z\n"+
		"DTSTART:20261125T090000Z\nSUMMARY:x\nEND:VEVENT\nEND:VCALENDAR\n", uid, sequence)
}

// mixedMessage is an invitation that tells more than the event.
func mixedMessage(uid string) string {
	return "From: x@example.com\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nLook at this.\n" +
		"--b\nContent-Type: text/calendar; name=\"mail.ics\"\n\n" + foreignEvent(uid, 0) + "--b--\n"
}

// overQuota are users who are over quota and delete, and what becomes of it.
var overQuota = map[string]struct {
	prepare func(c *crowded)
	name    string // of what is deleted
	status  int
}{
	"one version": {func(c *crowded) { c.must(c.t, request{"PUT", "/CalDAV/Calendar/a.ics", nil, displaced("a")}) }, "a.ics", 204},
	"kept versions make room": {func(c *crowded) {
		for _, name := range []string{"a", "b"} {
			c.must(c.t, request{"PUT", "/CalDAV/Calendar/" + name + ".ics", nil, displaced(name)})
		}
		c.must(c.t, request{"DELETE", "/CalDAV/Calendar/b.ics", nil, ""})
	}, "a.ics", 204},
	"an earlier life": {func(c *crowded) {
		c.must(c.t, request{"PUT", "/CalDAV/Calendar/a.ics", nil, displaced("a")})
		c.must(c.t, request{"DELETE", "/CalDAV/Calendar/a.ics", nil, ""})
		c.must(c.t, request{"PUT", "/CalDAV/Calendar/a.ics", nil, displaced("a")})
	}, "a.ics", 204},
	"foreign": {func(c *crowded) {
		for _, sequence := range []int{1, 3, 2} {
			c.deliver(foreignMessage("mail", sequence))
		}
	}, "mail.ics", 204},
	"foreign, called after the oldest": {func(c *crowded) { // whose name the others do not have
		c.deliver(foreignMessage("mail", 1))
		c.deliver(strings.ReplaceAll(foreignMessage("mail", 3), "mail.ics", "other.ics"))
	}, "mail.ics", 204},
	"over foreign ones": {func(c *crowded) {
		for _, sequence := range []int{1, 3, 2} {
			c.deliver(foreignMessage("mail", sequence))
		}
		c.must(c.t, request{"PUT", "/CalDAV/Calendar/mail.ics", nil, displaced("mail")})
	}, "mail.ics", 204},
	"a foreign one after": {func(c *crowded) {
		c.must(c.t, request{"PUT", "/CalDAV/Calendar/mail.ics", nil, displaced("mail")})
		c.deliver(foreignMessage("mail", 3)) // hidden, and not seen by who wrote the version
	}, "mail.ics", 204},
	"a mail with more in it": {func(c *crowded) { c.deliver(mixedMessage("mail")) }, "mail.ics", 507},
	"over a mail with more in it": {func(c *crowded) {
		c.deliver(mixedMessage("mail"))
		c.must(c.t, request{"PUT", "/CalDAV/Calendar/mail.ics", nil, displaced("mail")})
	}, "mail.ics", 507},
}

func TestOverQuota(t *testing.T) {
	t.Parallel()
	quota := fmt.Sprintf("*:messages=%d", quotaMessages)
	onAll := func(t *testing.T, b *backends.Server) {
		for name, tc := range overQuota {
			t.Run(name, func(t *testing.T) {
				c := newCrowded(t, b)
				c.must(t, request{"PUT", "/CalDAV/Calendar/first.ics", nil, displaced("first")})
				tc.prepare(c)
				c.fill()
				before, was := c.uids(), c.names()
				path := "/CalDAV/Calendar/" + tc.name
				etag := c.ask(request{"GET", path, nil, ""}).etag
				changed := request{"PUT", path, map[string]string{"If-Match": etag}, strings.ReplaceAll(displaced(strings.TrimSuffix(tc.name, ".ics")), "SUMMARY:", "SUMMARY:now ")}
				if a := c.ask(changed); a.status != 507 || !strings.Contains(a.body, "quota-not-exceeded") {
					t.Errorf("PUT over it: %d %s", a.status, a.body)
				}
				if now := c.uids(); !slices.Equal(before, now) || !slices.Equal(was, c.names()) {
					t.Errorf("a PUT that did not fit left %v of %v", now, before)
				}
				a := c.ask(request{"DELETE", path, map[string]string{"If-Match": etag}, ""})
				if a.status != tc.status {
					t.Fatalf("DELETE: %d %s", a.status, a.body)
				}
				want := was
				if tc.status == 204 {
					want = slices.DeleteFunc(slices.Clone(was), func(n string) bool { return n == tc.name })
				} else if !strings.Contains(a.body, "quota-not-exceeded") || c.ask(request{"GET", path, nil, ""}).etag != etag {
					t.Errorf("the object that cannot be deleted has changed, or %s", a.body)
				}
				if now := c.names(); !slices.Equal(now, want) {
					t.Errorf("after the DELETE %q are shown, want %q", now, want)
				}
				if tc.status == 204 { // there is room again
					c.must(t, request{"DELETE", "/CalDAV/Calendar/first.ics", nil, ""})
				}
			})
		}
	}
	backends.OnEach(t, backends.Options{Quota: quota}, func(t *testing.T, b *backends.Server) {
		onAll(t, b)
		moveOverQuota(t, b)
	})
	t.Run("sdbox", func(t *testing.T) {
		t.Parallel()
		onAll(t, backends.Dovecot(t, backends.Options{Format: "sdbox", Quota: quota}))
	})
}

// moveOverQuota moves an object where there is room for its copy, and none for its tombstone.
func moveOverQuota(t *testing.T, b *backends.Server) {
	for name, status := range map[string]int{"a.ics": 201, "mail.ics": 507} {
		t.Run("MOVE of "+name, func(t *testing.T) {
			c := newCrowded(t, b)
			c.must(t, request{"MKCALENDAR", "/CalDAV/Work/", nil, ""})
			c.must(t, request{"PUT", "/CalDAV/Calendar/a.ics", nil, displaced("a")})
			c.must(t, request{"PUT", "/CalDAV/Calendar/b.ics", nil, displaced("b")})
			c.deliver(mixedMessage("mail")) // which is never expunged
			c.fill()
			c.must(t, request{"DELETE", "/CalDAV/Calendar/b.ics", nil, ""}) // without a tombstone
			was := c.names()
			a := c.ask(request{"MOVE", "/CalDAV/Calendar/" + name, map[string]string{"Destination": "/CalDAV/Work/" + name}, ""})
			if a.status != status || status == 507 && !strings.Contains(a.body, "quota-not-exceeded") {
				t.Fatalf("%d %s", a.status, a.body)
			}
			moved := c.ask(request{"GET", "/CalDAV/Work/" + name, nil, ""}).status == 200
			if stays := slices.Contains(c.names(), name); stays != (status == 507) || moved != (status == 201) {
				t.Errorf("in Calendar: %v, in Work: %v", stays, moved)
			}
			if status == 507 && !slices.Equal(c.names(), was) {
				t.Errorf("%q became %q", was, c.names())
			}
		})
	}
}

// A publication for which there is no room stores all or nothing, or names the object that it stopped at by a URL of CalDAV.
func TestPublicationOverQuota(t *testing.T) {
	t.Parallel()
	quota := fmt.Sprintf("*:messages=%d", quotaMessages)
	backends.OnEach(t, backends.Options{Quota: quota}, func(t *testing.T, b *backends.Server) {
		c := newCrowded(t, b)
		var events strings.Builder
		for i := range quotaMessages + 3 {
			_, event, _ := strings.Cut(displaced(string(rune('a'+i))), "BEGIN:VEVENT")
			event, _, _ = strings.Cut(event, "END:VCALENDAR")
			events.WriteString("BEGIN:VEVENT" + event)
		}
		a := c.ask(request{"PUT", "/CalendarData/Work.ics", nil, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n" + events.String() + "END:VCALENDAR\r\n"})
		if a.status != 507 || !strings.Contains(a.body, "quota-not-exceeded") {
			t.Fatalf("%d %s", a.status, a.body)
		}
		stored := strings.Count(c.ask(request{"GET", "/CalendarData/Work.ics", nil, ""}).body, "BEGIN:VEVENT")
		if named := strings.Contains(a.body, "<D:href>/CalDAV/~"+c.user+"/Calendar/Work/"); named != (stored > 0) {
			t.Errorf("%d are stored, and the answer is %s", stored, a.body)
		}
	})
}
