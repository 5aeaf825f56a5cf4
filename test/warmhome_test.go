package test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"calgate/gateway/calendar"
	"calgate/imapstore"
	"calgate/test/backends"

	"github.com/emersion/go-imap/v2/imapclient"
)

// exchanges counts how often a gateway wrote to the mail server and then waited for what it says: the round trips.
type exchanges struct {
	mu    sync.Mutex // guards what follows
	n     int
	clock time.Time // the gateway's
}

// wait lets time pass for the gateway.
func (e *exchanges) wait(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clock = e.clock.Add(d)
}

func (e *exchanges) take() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := e.n
	e.n = 0
	return n
}

// exchangeConn is one connection; writes without a read between them are one exchange.
type exchangeConn struct {
	net.Conn
	*exchanges
	writing bool // guarded by mu
}

func (c *exchangeConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	if !c.writing {
		c.n++
	}
	c.writing = true
	c.mu.Unlock()
	return c.Conn.Write(b)
}

func (c *exchangeConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	c.writing = c.writing && n == 0
	c.mu.Unlock()
	return n, err
}

// startCounted starts a gateway whose exchanges are counted. Its clock stands still, so that no session gets too old by itself;
// nor does one by wait, as what ends those that lie idle is no clock of the gateway's.
func startCounted(t *testing.T, b *backends.Server) (*exchanges, string) {
	t.Helper()
	o, err := imapstore.ParseURL(b.URL())
	if err != nil {
		t.Fatal(err)
	}
	count := &exchanges{clock: time.Now()}
	o.IdleAge, o.LoginAge = 24*time.Hour, 24*time.Hour
	o.Now = func() time.Time { count.mu.Lock(); defer count.mu.Unlock(); return count.clock }
	o.Dial = func(ctx context.Context) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", b.Addr)
		return &exchangeConn{Conn: c, exchanges: count}, err
	}
	return count, startGatewayOn(t, o, nil, false)
}

// warmServers are the servers of which a home is asked, with the calendars in it, one's own and another's, and how many
// exchanges a warm answer may take: in a session that is younger than a minute, and in an older one. That one Dovecot would not
// tell of what is shared since it began, so that the gateway logs in again.
var warmServers = []struct {
	name        string
	start       func(testing.TB) *backends.Server
	own, shared int
	most, older int
}{
	{"dovecot", func(t testing.TB) *backends.Server {
		return backends.Dovecot(t, backends.Options{ACL: true, Metadata: true, Format: "sdbox", Quota: "*:storage=1G"})
	}, 460, 40, 3, 6},
	{"dovecot without METADATA", func(t testing.TB) *backends.Server { return backends.Dovecot(t, backends.Options{ACL: true}) }, 20, 20, 3, 6},
	{"cyrus", func(t testing.TB) *backends.Server { return backends.Cyrus(t, backends.Options{Metadata: true}) }, 20, 20, 3, 3},
	{"courier", func(t testing.TB) *backends.Server { return backends.Courier(t, backends.Options{}) }, 20, 20, 3, 3},
}

func manyCalendars(t *testing.T, b *backends.Server, c *crashClient, n int) {
	t.Helper()
	m := openMailStore(t, b, c.user, c.password)
	m.do(func(c *imapclient.Client) error {
		for i := range n {
			if err := c.Create(m.name(fmt.Sprintf("Calendar/No %d", i)), nil).Wait(); err != nil {
				return err
			}
		}
		return nil
	})
}

// polledProps is what programs ask of a home again and again: the type of each calendar too, which says that it is shared.
var polledProps = strings.Replace(homeProps, "<D:prop>", "<D:prop><D:resourcetype/>", 1)

// poll is propfind for polledProps.
func (c *crashClient) poll(t *testing.T) []listed {
	t.Helper()
	a := c.ask(request{"PROPFIND", "/CalDAV/~me/", map[string]string{"Depth": "1"}, polledProps})
	if a.status != 207 {
		t.Errorf("a poll of the home: %d %s", a.status, a.body)
	}
	return responses(a.body)
}

// A home of many calendars costs no more round trips than one of few, once it was read: what lists them tells that nothing has
// changed.
func TestWarmHome(t *testing.T) {
	for _, s := range warmServers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := s.start(t)
			count, gateway := startCounted(t, b)
			owner, guest := newCrashClient(t, b, startGateway(t, b, nil, false)), newCrashClient(t, b, gateway)
			owner.must(t, request{"PUT", "/CalDAV/Calendar/a.ics", nil, crashEvent("shared")})
			setACL(t, b, owner, "Calendar", guest.user, "lr") // what is made below has the same
			manyCalendars(t, b, owner, s.shared-1)
			manyCalendars(t, b, guest, s.own-1)
			guest.must(t, request{"PUT", "/CalDAV/Calendar/a.ics", nil, crashEvent("own")})
			guest.must(t, request{"PROPPATCH", "/CalDAV/~me/No%201/", nil, displayName("First")})
			cold := guest.poll(t)
			if len(cold) != s.own+s.shared+1 {
				t.Fatalf("the home shows %d calendars, want %d and %d", len(cold)-1, s.own, s.shared)
			}
			count.take()
			warm := guest.poll(t)
			n := count.take()
			t.Logf("a warm home of %d calendars: %d exchanges", len(warm)-1, n)
			if fmt.Sprint(warm) != fmt.Sprint(cold) {
				t.Errorf("the warm home shows\n%v, the cold one\n%v", warm, cold)
			}
			if n > s.most {
				t.Errorf("a warm home took %d exchanges, want at most %d", n, s.most)
			}
			poll := guest.ask(request{"REPORT", "/CalDAV/~me/", nil, syncReport(find(oneToken, warm[0].body))})
			if n := count.take(); n > s.most || poll.status != 207 || len(responses(poll.body)) != 0 {
				t.Errorf("a poll of everything took %d exchanges, want at most %d: %d %s", n, s.most, poll.status, poll.body)
			}
			count.wait(2 * time.Minute)
			guest.poll(t)
			if n := count.take(); n > s.older {
				t.Errorf("two minutes later a warm home took %d exchanges, want at most %d", n, s.older)
			} else {
				t.Logf("two minutes later: %d exchanges", n)
			}
			// whether calendars are shared is asked again, of all at once
			count.wait(calendar.SharingLag)
			guest.poll(t)
			asking := count.take()
			guest.poll(t)
			if n := count.take(); asking > s.older+1 || n > s.most {
				t.Errorf("where it asks what is shared a home took %d exchanges, want at most %d, and then %d, want at most %d", asking, s.older+1, n, s.most)
			} else {
				t.Logf("with what is shared: %d exchanges, and then %d", asking, n)
			}

			// how full the account is costs one exchange more, told of each calendar of one's own
			if s.name == "dovecot" {
				full := guest.ask(request{"PROPFIND", "/CalDAV/~me/", map[string]string{"Depth": "1"}, `<D:propfind xmlns:D="DAV:"><D:prop><D:quota-used-bytes/></D:prop></D:propfind>`})
				if n, told := count.take(), len(oneUsed.FindAllString(full.body, -1)); n > s.most+1 || told != s.own+1 {
					t.Errorf("quotas took %d exchanges, want at most %d, and are told %d times, want %d", n, s.most+1, told, s.own+1)
				} else {
					t.Logf("quotas of %d calendars: %d exchanges", told, n)
				}
			}

			// what has changed is seen, and costs a look at it alone
			owner.must(t, request{"PUT", "/CalDAV/~me/No%203/b.ics", nil, displaced("b")})
			changed := guest.poll(t)
			if n := count.take(); n > s.most+10 {
				t.Errorf("with one change it took %d exchanges", n)
			}
			for i, r := range changed {
				moved := i == 0 || strings.HasSuffix(r.href, ":No%203/")
				if same := r.body == warm[i].body; same == moved {
					t.Errorf("after a change in No 3: %s changed %v", r.href, !same)
				}
			}

			// tags alone need no look at any folder, on a gateway that knows none
			fresh, gateway := startCounted(t, b)
			guest.gateway = gateway
			guest.must(t, request{"PROPFIND", "/CalDAV/~me/", map[string]string{"Depth": "0"}, ""})
			fresh.take()
			tags := guest.ask(request{"PROPFIND", "/CalDAV/~me/", map[string]string{"Depth": "1"}, `<D:propfind xmlns:D="DAV:" xmlns:CS="http://calendarserver.org/ns/"><D:prop><CS:getctag/></D:prop></D:propfind>`})
			if n := fresh.take(); n > s.most {
				t.Errorf("all tags took %d exchanges, want at most %d", n, s.most)
			}
			for i, r := range responses(tags.body) {
				if got, want := find(oneTag, r.body), find(oneTag, changed[i].body); got != want || want == "" {
					t.Errorf("%s has the tag %s, another gateway says %s", r.href, got, want)
				}
			}
		})
	}
}
