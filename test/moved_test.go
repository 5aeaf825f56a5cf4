package test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"calgate/test/backends"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// A folder is copied, message by message and in order, to another account, as migration tools do: no object, name or ETag
// changes, what was deleted stays so, and the next writes build on it. A token of the old folder is refused; one of the new
// leads on.
func TestCopiedFolder(t *testing.T) {
	t.Parallel()
	for _, o := range []backends.Options{{}, {Format: "sdbox", Dotted: true}} {
		b := backends.Dovecot(t, o)
		old := newCrashClient(t, b, startGateway(t, b, nil, false))
		for _, r := range []request{putOld, nameOld, anyOther,
			{"PUT", crashObject, nil, crashEvent("second")},
			{"DELETE", anyOther.path, nil, ""},
			{"PUT", "/CalDAV/Calendar/third.ics", nil, displaced("third")},
			{"PUT", "/CalDAV/Calendar/fourth.ics", nil, displaced("fourth")},
			{"DELETE", "/CalDAV/Calendar/fourth.ics", nil, ""},
			{"PUT", "/CalDAV/Calendar/fourth.ics", nil, displaced("fourth")},
		} {
			old.must(t, r)
		}
		young := newCrashClient(t, b, startGateway(t, b, nil, false))
		copyFolder(t, openMailStore(t, b, old.user, old.password), openMailStore(t, b, young.user, young.password), "Calendar")

		if was, is := old.etags(t), young.etags(t); len(was) != 3 || !slices.Equal(was, is) {
			t.Errorf("ETags were %q, are %q", was, is)
		}
		token := old.sync(t, "", 207)
		young.sync(t, token, 403)
		token = young.sync(t, "", 207, "/a.ics", "/third.ics", "/fourth.ics")
		if was, is := old.shown(t), young.shown(t); was != is || is.summary != "second" || is.displayName != "old" {
			t.Errorf("shown was %+v, is %+v", was, is)
		}
		etag := young.ask(request{"GET", crashObject, nil, ""}).etag
		young.must(t, request{"PUT", crashObject, map[string]string{"If-Match": etag}, crashEvent("after")})
		young.must(t, request{"DELETE", "/CalDAV/Calendar/third.ics", nil, ""})
		young.must(t, request{"PROPPATCH", crashCalendar, nil, displayName("after")})
		fresh := &crashClient{young.user, young.password, startGateway(t, b, nil, false)}
		if s := fresh.shown(t); s.summary != "after" || s.displayName != "after" || len(fresh.etags(t)) != 2 {
			t.Errorf("after the next writes %+v is shown, of %q", s, fresh.etags(t))
		}
		fresh.sync(t, token, 207, "/a.ics", "/third.ics")
	}
}

func displaced(name string) string {
	return regexp.MustCompile("UID:.*\r\n").ReplaceAllString(crashEvent(name), "UID:"+name+"@example.com\r\n")
}

var memberETag = regexp.MustCompile(`/([a-z]+\.ics)<.*?getetag[^>]*>([^<]+)<`)

// etags are the names and ETags of all objects.
func (c *crashClient) etags(t *testing.T) (all []string) {
	t.Helper()
	list := c.ask(request{"PROPFIND", crashCalendar, map[string]string{"Depth": "1"}, `<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>`})
	for _, m := range memberETag.FindAllStringSubmatch(list.body, -1) {
		all = append(all, m[1]+" "+m[2])
	}
	return all
}

var (
	syncToken = regexp.MustCompile(`<[a-zA-Z]*:?sync-token>([^<]+)<`)
	syncHref  = regexp.MustCompile(`(/[a-z]+\.ics)</`)
)

// sync asks what changed since a token, and gives the next. Where an answer tells of objects they are to be these.
func (c *crashClient) sync(t *testing.T, token string, status int, names ...string) (next string) {
	t.Helper()
	a := c.ask(request{"REPORT", crashCalendar, nil, `<D:sync-collection xmlns:D="DAV:"><D:sync-token>` + token +
		`</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>`})
	var got []string
	for _, m := range syncHref.FindAllStringSubmatch(a.body, -1) {
		got = append(got, m[1])
	}
	slices.Sort(got)
	slices.Sort(names)
	if a.status != status || status == 403 && !strings.Contains(a.body, "valid-sync-token") || names != nil && !slices.Equal(got, names) {
		t.Errorf("sync since %q: %d with %q, want %d with %q: %s", token, a.status, got, status, names, a.body)
	}
	if m := syncToken.FindStringSubmatch(a.body); m != nil {
		next = m[1]
	}
	return next
}

func copyFolder(t *testing.T, from, to *mailStore, mailbox string) {
	type message struct {
		octets []byte
		flags  []imap.Flag
	}
	var all []message
	from.do(func(c *imapclient.Client) error {
		if _, err := c.Select(from.name(mailbox), &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
			return err
		}
		section := &imap.FetchItemBodySection{Peek: true}
		rows, err := c.Fetch(imap.SeqSet{{Start: 1}}, &imap.FetchOptions{Flags: true, UID: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
		for _, row := range rows {
			all = append(all, message{row.FindBodySection(section), row.Flags})
		}
		return err
	})
	to.do(func(c *imapclient.Client) error {
		// Dovecot takes UIDVALIDITYs from the clock: folders that two users make in one second have the same, and what
		// is copied between those looks renumbered under it, which nothing can bear.
		for _, name := range []string{"a", "b", "c", mailbox} {
			if err := c.Create(to.name(name), nil).Wait(); err != nil {
				return err
			}
		}
		for _, m := range all {
			a := c.Append(to.name(mailbox), int64(len(m.octets)), &imap.AppendOptions{Flags: m.flags})
			if _, err := a.Write(m.octets); err != nil {
				return err
			}
			if err := a.Close(); err != nil {
				return err
			}
			if _, err := a.Wait(); err != nil {
				return err
			}
		}
		return nil
	})
}
