package test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"calgate/test/backends"
	"calgate/test/faulty"
)

// A publication that replaces a calendar is one APPEND where the server has MULTIAPPEND: whoever reads sees the calendar as
// it was before or as it is after, at any moment and after any crash.

const feedPath = "/CalendarDataDel/Calendar.ics"

// feedOf is a published calendar: iCalendar UID to summary.
func feedOf(items map[string]string) string {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//feed//EN\r\n")
	for _, uid := range slices.Sorted(maps.Keys(items)) {
		fmt.Fprintf(&b, "BEGIN:VEVENT\r\nUID:%s\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:20261125T090000Z\r\nSUMMARY:%s\r\nEND:VEVENT\r\n", uid, items[uid])
	}
	b.WriteString("END:VCALENDAR\r\n")
	return b.String()
}

// feedItems reads one; an item that is there twice is an error.
func feedItems(t *testing.T, body string) map[string]string {
	t.Helper()
	items := map[string]string{}
	uid := ""
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		if v, ok := strings.CutPrefix(line, "UID:"); ok {
			uid = v
		}
		if v, ok := strings.CutPrefix(line, "SUMMARY:"); ok {
			if _, twice := items[uid]; twice {
				t.Fatalf("%s is in the feed twice", uid)
			}
			items[uid] = v
		}
	}
	return items
}

func (c *crashClient) feed(t *testing.T) map[string]string {
	t.Helper()
	a := c.ask(request{"GET", feedPath, nil, ""})
	if a.status != 200 {
		t.Fatalf("GET: %d %s", a.status, a.body)
	}
	return feedItems(t, a.body)
}

var (
	feedBefore = map[string]string{"a": "a1", "b": "b1", "c": "c1"}
	feedAfter  = map[string]string{"b": "b1", "c": "c2", "d": "d1", "e": "e1"}
)

func TestFeedCrash(t *testing.T) {
	for _, server := range []struct {
		name    string
		start   func(testing.TB) *backends.Server
		appends int // 1: MULTIAPPEND
		short   stepChoice
	}{
		{"maildir", func(t testing.TB) *backends.Server { return backends.Dovecot(t, backends.Options{}) }, 1, fromFirstChange},
		{"sdbox", func(t testing.TB) *backends.Server { return backends.Dovecot(t, backends.Options{Format: "sdbox"}) }, 1, fromFirstChange},
		{"cyrus", func(t testing.TB) *backends.Server { return backends.Cyrus(t, backends.Options{}) }, 1, atAppend},
		{"courier", func(t testing.TB) *backends.Server { return backends.Courier(t, backends.Options{}) }, 4, atAppend},
	} {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			b := server.start(t)
			p := faulty.New(t, b.Addr)
			c := newCrashClient(t, b, startGatewayAt(t, p.URL(), nil, false))
			c.must(t, request{"PUT", feedPath, nil, feedOf(feedBefore)})
			c = &crashClient{c.user, c.password, startGatewayAt(t, p.URL(), nil, false)}
			p.Forget()
			c.must(t, request{"PUT", feedPath, nil, feedOf(feedAfter)})
			commands := p.Commands()
			appends := 0
			for i, command := range commands {
				name := strings.Fields(command)[0]
				if name == "APPEND" {
					appends++
				}
				if os.Getenv("TEST_LONG") != "1" && !server.short(1, commands, i) {
					continue
				}
				for _, point := range points {
					if literal := point.at == faulty.InLiteral || point.at == faulty.AllButOne; literal && name != "APPEND" {
						continue
					}
					t.Run(fmt.Sprintf("%d %s/%s/cut", i+1, name, point.name), func(t *testing.T) {
						feedCrash(t, b, server.appends == 1, faulty.Fault{At: point.at, Command: ".", N: i + 1}, func(p *faulty.Proxy) string {
							return startGatewayAt(t, p.URL(), nil, false)
						})
					})
					if name != "APPEND" || server.name == "maildir" {
						continue
					}
					t.Run(fmt.Sprintf("%d %s/%s/killed", i+1, name, point.name), func(t *testing.T) {
						var victim *process
						fault := faulty.Fault{At: point.at, Command: ".", N: i + 1, Do: func() { _ = victim.command.Process.Kill() }}
						feedCrash(t, b, server.appends == 1, fault, func(p *faulty.Proxy) string {
							victim = startProcess(t, "serve", "-imap", p.URL(), "-listen", "127.0.0.1:0")
							return strings.TrimPrefix(victim.url, "http://")
						})
					})
				}
			}
			if appends != server.appends {
				t.Errorf("%d APPENDs in %q", appends, commands)
			}
		})
	}
}

// feedBetween tells whether a calendar is on its way from one to the other where the server has no MULTIAPPEND: every item as
// it was or as it is to be, and none gone before all that is new is there.
func feedBetween(seen map[string]string) bool {
	arrived := true
	for uid, is := range feedAfter {
		was, before := feedBefore[uid]
		now, there := seen[uid]
		if there && now != is && now != was || !there && before {
			return false
		}
		arrived = arrived && now == is
	}
	for uid, was := range feedBefore {
		now, there := seen[uid]
		if _, stays := feedAfter[uid]; !stays && (there && now != was || !there && !arrived) {
			return false
		}
	}
	return true
}

func feedCrash(t *testing.T, b *backends.Server, atomic bool, fault faulty.Fault, start func(*faulty.Proxy) string) {
	sound := newCrashClient(t, b, startGateway(t, b, nil, false))
	sound.must(t, request{"PUT", feedPath, nil, feedOf(feedBefore)})
	tag := sound.ask(request{"GET", feedPath, nil, ""}).etag
	r := request{"PUT", feedPath, map[string]string{"If": "([" + tag + "])"}, feedOf(feedAfter)}
	p := faulty.New(t, b.Addr)
	failing := &crashClient{sound.user, sound.password, start(p)}
	p.Set(fault)
	status := failing.ask(r).status // 0: no answer
	select {
	case <-p.Fired():
	case <-time.After(crashPatience):
		t.Errorf("the step was not reached; the gateway said %q", p.Commands())
	}
	p.Clear()

	fresh := &crashClient{sound.user, sound.password, startGateway(t, b, nil, false)}
	seen := fresh.feed(t)
	half := !atomic && !maps.Equal(seen, feedBefore) && !maps.Equal(seen, feedAfter)
	switch {
	case half && !feedBetween(seen), !half && !maps.Equal(seen, feedBefore) && !maps.Equal(seen, feedAfter):
		t.Fatalf("answered %d, and a fresh gateway shows %v", status, seen)
	case status/100 == 2 && !maps.Equal(seen, feedAfter):
		t.Fatalf("answered %d, but the publication is not there: %v", status, seen)
	case status/100 == 4:
		t.Fatalf("answered %d to a publication that nobody raced", status)
	}
	if half { // the state that the client named is no more
		if again := fresh.ask(r); again.status != 412 {
			t.Errorf("the same again, of a calendar that is neither: %d %s", again.status, again.body)
		}
		delete(r.header, "If")
	}
	if again := fresh.ask(r); again.status/100 != 2 {
		t.Errorf("answered %d, then shown %v; the repeated request is answered %d: %s", status, seen, again.status, again.body)
	}
	if seen := fresh.feed(t); !maps.Equal(seen, feedAfter) {
		t.Errorf("after the repeated request %v is shown", seen)
	}
	fresh.must(t, anyOther) // the next writer cleans up
	want := len(feedAfter) + 3
	for end := time.Now().Add(crashPatience); ; {
		n := fresh.messages(t, b, "Calendar")
		if n == want { // the items, the other, a tombstone and what is kept below it
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the next writer left %d messages, want %d", n, want)
		}
	}
}

// Readers poll while a calendar of more than one batch is replaced again and again.
func TestFeedReaders(t *testing.T) {
	t.Parallel()
	const n, rounds = 250, 6
	b := backends.Dovecot(t, backends.Options{Format: "sdbox"})
	writer := newCrashClient(t, b, startGateway(t, b, nil, false))
	sets := make([]map[string]string, rounds)
	for i := range sets {
		sets[i] = map[string]string{}
		for k := range n {
			sets[i][fmt.Sprintf("u%d", k+i*100)] = fmt.Sprintf("v%d", i) // some stay, some go, some come
		}
	}
	writer.must(t, request{"PUT", feedPath, nil, feedOf(sets[0])})
	done := make(chan struct{})
	var puts, during atomic.Int64 // puts is odd while one is under way; during counts what was asked and answered in one
	var readers sync.WaitGroup
	for i := range 3 {
		c := &crashClient{writer.user, writer.password, startGateway(t, b, nil, i == 0)}
		readers.Go(func() {
			good := 0
			for last := false; !last; {
				select {
				case <-done:
					last = true
				default:
				}
				put := puts.Load()
				a := c.ask(request{"GET", feedPath, nil, ""})
				if a.status == 503 {
					continue
				}
				if put%2 == 1 && put == puts.Load() {
					during.Add(1)
				}
				items := feedItems(t, a.body)
				if !slices.ContainsFunc(sets, func(s map[string]string) bool { return maps.Equal(s, items) }) {
					t.Errorf("answered %d with a mixture of %d items", a.status, len(items))
				}
				good++
			}
			if t.Logf("%d whole answers", good); good == 0 {
				t.Error("a reader was never answered")
			}
		})
	}
	for _, s := range sets[1:] {
		puts.Add(1)
		a := writer.ask(request{"PUT", feedPath, nil, feedOf(s)})
		puts.Add(1)
		if a.status != 204 || a.etag == "" {
			t.Errorf("PUT: %d %s", a.status, a.body)
		}
	}
	close(done)
	readers.Wait()
	if t.Logf("%d of them while a publication was under way", during.Load()); during.Load() == 0 {
		t.Error("nobody was answered while a publication was under way")
	}
}
