package test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"calgate/test/backends"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// crashClient is a user at a gateway.
type crashClient struct{ user, password, gateway string }

func newCrashClient(t *testing.T, b *backends.Server, gateway string) *crashClient {
	user, password := b.User()
	return &crashClient{user, password, gateway}
}

type crashAnswer struct {
	status     int
	body, etag string
}

var crashHTTP = &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}

// ask gives status 0 where no whole answer came.
func (c *crashClient) ask(r request) crashAnswer { return c.askOver(crashHTTP, r) }

func (c *crashClient) askOver(client *http.Client, r request) crashAnswer {
	q, err := http.NewRequest(r.method, "http://"+c.gateway+r.path, strings.NewReader(r.body))
	if err != nil {
		panic(err)
	}
	q.SetBasicAuth(c.user, c.password)
	for name, value := range r.header {
		q.Header.Set(name, value)
	}
	answer, err := client.Do(q)
	if err != nil {
		return crashAnswer{}
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return crashAnswer{}
	}
	return crashAnswer{answer.StatusCode, string(body), answer.Header.Get("ETag")}
}

func (c *crashClient) must(t *testing.T, r request) {
	t.Helper()
	if a := c.ask(r); a.status/100 != 2 {
		t.Fatalf("%s %s: %d %s", r.method, r.path, a.status, a.body)
	}
}

func (c *crashClient) filled(t *testing.T, r request) request {
	header := map[string]string{}
	for name, value := range r.header {
		if strings.Contains(value, "{etag}") {
			value = strings.ReplaceAll(value, "{etag}", c.ask(request{"GET", crashObject, nil, ""}).etag)
		}
		header[name] = value
	}
	r.header = header
	return r
}

// shown is what this gateway shows; both, or an object twice, would fail here.
func (c *crashClient) shown(t *testing.T) shown {
	t.Helper()
	var s shown
	list := c.ask(request{"PROPFIND", crashCalendar, map[string]string{"Depth": "1"}, `<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>`})
	get := c.ask(request{"GET", crashObject, nil, ""})
	if list.status != 207 || strings.Count(list.body, "/a.ics<") != map[int]int{200: 1}[get.status] {
		t.Fatalf("GET is answered %d, the listing %d is %s", get.status, list.status, list.body)
	}
	if get.status == 200 {
		s.summary = summary(get.body)
	}
	name := c.ask(request{"PROPFIND", crashCalendar, map[string]string{"Depth": "0"}, `<D:propfind xmlns:D="DAV:"><D:prop><D:displayname/></D:prop></D:propfind>`})
	if m := listNames.FindStringSubmatch(name.body); m != nil {
		s.displayName = m[1]
	}
	if target := c.ask(request{"GET", crashTarget, nil, ""}); target.status == 200 {
		s.other = summary(target.body)
	}
	made := c.ask(request{"PROPFIND", crashMade, map[string]string{"Depth": "0"}, `<D:propfind xmlns:D="DAV:"><D:prop><D:displayname/></D:prop></D:propfind>`})
	if m := listNames.FindStringSubmatch(made.body); m != nil && made.status == 207 {
		s.made = m[1]
	}
	return s
}

// crashUsers are who has part in a write: who asks, and whose the calendars are.
type crashUsers struct{ writer, source, target *crashClient }

func newCrashUsers(t *testing.T, b *backends.Server, shared, gateway string) crashUsers {
	c := newCrashClient(t, b, gateway)
	u := crashUsers{c, c, c}
	switch shared {
	case "source":
		u.source = newCrashClient(t, b, gateway)
	case "target":
		u.target = newCrashClient(t, b, gateway)
	}
	return u
}

// through are the same users at another gateway.
func (u crashUsers) through(gateway string) crashUsers {
	at := func(c *crashClient) *crashClient { return &crashClient{c.user, c.password, gateway} }
	return crashUsers{at(u.writer), at(u.source), at(u.target)}
}

// owner is whose calendar a request is about.
func (u crashUsers) owner(r request) *crashClient {
	if strings.HasPrefix(r.path, "/CalDAV/Target/") {
		return u.target
	}
	return u.source
}

// shown is what the owners of the calendars are shown.
func (u crashUsers) shown(t *testing.T) shown {
	t.Helper()
	s := u.source.shown(t)
	if u.target.user != u.source.user {
		s.other = u.target.shown(t).other
	}
	return s
}

func summary(object string) string {
	_, rest, _ := strings.Cut(object, "SUMMARY:")
	line, _, _ := strings.Cut(rest, "\r\n")
	return line
}

// messages counts what is in a folder.
func (c *crashClient) messages(t *testing.T, b *backends.Server, mailbox string) (n int) {
	m := openMailStore(t, b, c.user, c.password)
	m.do(func(cl *imapclient.Client) error {
		status, err := cl.Status(m.name(mailbox), &imap.StatusOptions{NumMessages: true}).Wait()
		if err == nil {
			n = int(*status.NumMessages)
		}
		return err
	})
	return n
}
