package test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"calgate/test/backends"
	"calgate/test/faulty"
)

// bulkServers are the mail servers on which a whole calendar is published, and how many items it has: with TEST_LONG, and in
// every run. Without MULTIAPPEND each item costs a command.
type bulkServer struct {
	name        string
	start       func(testing.TB) *backends.Server
	long, short int
}

var (
	bulkServers = []bulkServer{
		{"dovecot", func(t testing.TB) *backends.Server { return backends.Dovecot(t, backends.Options{Format: "sdbox"}) }, 10_000, 1_000},
		{"cyrus", func(t testing.TB) *backends.Server { return backends.Cyrus(t, backends.Options{}) }, 10_000, 200},
		{"courier", func(t testing.TB) *backends.Server { return backends.Courier(t, backends.Options{}) }, 500, 100},
		{"memory", backends.Memory, 500, 500},
	}
	bulkMaildir = bulkServer{"maildir", func(t testing.TB) *backends.Server { return backends.Dovecot(t, backends.Options{}) }, 10_000, 200}
)

// bulkHeap is what a gateway's heap may have, garbage included, in MB beside the octets of an upload.
const bulkHeap = 48

// bulkFeed is a calendar of n items of about a kilobyte.
func bulkFeed(prefix string, n int) string {
	items := make(map[string]string, n)
	for i := range n {
		items[fmt.Sprintf("%s%05d@bulk.example", prefix, i)] = prefix + "\r\nDESCRIPTION:" + strings.Repeat("0123456789 ", 5) +
			strings.Repeat("\r\n  abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqr", 11)
	}
	return feedOf(items)
}

// A large calendar is published, published again, and replaced; the same file twice stores nothing, and the gateway holds the
// upload once.
func TestFeedVolume(t *testing.T) {
	t.Parallel()
	for _, s := range bulkServers {
		t.Run(s.name, func(t *testing.T) {
			n := s.short
			if os.Getenv("TEST_LONG") == "1" {
				n = s.long
			}
			b := s.start(t)
			p := serve(t, b)
			c := newCrashClient(t, b, strings.TrimPrefix(p.url, "http://"))
			first, second := bulkFeed("a", n), bulkFeed("b", n)
			for _, step := range []struct {
				name, body      string
				messages, items int
			}{{"first", first, n, n}, {"the same again", first, n, n}, {"another", second, 3 * n, n}, {"nothing", feedOf(nil), 4 * n, 0}} {
				before := len(p.collections())
				start := time.Now()
				if a := c.askLong(request{"PUT", feedPath, nil, step.body}); a.status/100 != 2 {
					t.Fatalf("%s: %d %s", step.name, a.status, a.body)
				}
				put := time.Since(start)
				peak, live := p.peakHeap(before)
				if got := c.messages(t, b, "Calendar"); got != step.messages { // with tombstones and what they keep
					t.Errorf("%s: %d messages, want %d", step.name, got, step.messages)
				}
				start = time.Now()
				a := c.askLong(request{"GET", feedPath, nil, ""})
				if got := strings.Count(a.body, "BEGIN:VEVENT"); a.status != 200 || got != step.items {
					t.Errorf("%s: GET is answered %d with %d items", step.name, a.status, got)
				}
				t.Logf("%s, %d KB: PUT %v, heap at most %d MB, %d MB live; GET %v",
					step.name, len(step.body)>>10, put.Round(time.Millisecond), peak, live, time.Since(start).Round(time.Millisecond))
			}
			peak, live := p.peakHeap(0)
			allowed := len(first)>>20 + bulkHeap
			t.Logf("%d items: heap at most %d MB, %d MB live; %d MB are allowed", n, peak, live, allowed)
			if peak == 0 || peak > allowed {
				t.Errorf("the heap grew to %d MB, %d are allowed", peak, allowed)
			}
		})
	}
}

// askLong is ask with more patience.
func (c *crashClient) askLong(r request) crashAnswer {
	patient := *crashHTTP
	patient.Timeout = 10 * time.Minute
	return c.askOver(&patient, r)
}

// A client that goes away while it sends, or while the mail server is sent to, changes nothing: where the publication is one
// command its last octet has not left, elsewhere that of its first item. (The embedded store keeps what it has of a literal, so
// that there only the first is true.)
func TestFeedClientLeaves(t *testing.T) {
	for _, s := range bulkServers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := s.start(t)
			sound := newCrashClient(t, b, startGateway(t, b, nil, false))
			sound.must(t, request{"PUT", feedPath, nil, feedOf(feedBefore)})
			messages := sound.messages(t, b, "Calendar")
			p := faulty.New(t, b.Addr)
			after := feedOf(feedAfter)
			for _, leave := range []struct {
				name string
				sent int // octets of the body
			}{{"in the body", len(after) - 1}, {"in the APPEND", len(after)}} {
				if s.name == "memory" && leave.sent == len(after) {
					continue
				}
				t.Run(leave.name, func(t *testing.T) {
					victim := &crashClient{sound.user, sound.password, startGatewayAt(t, p.URL(), nil, false)}
					p.Forget()
					p.Set(faulty.Fault{At: faulty.AllButOne, Command: "^APPEND", Stall: true})
					conn := victim.sendPart(t, after, leave.sent)
					if leave.sent == len(after) {
						p.Await(t)
					}
					conn.Close()
					p.Clear()
					fresh := &crashClient{sound.user, sound.password, startGateway(t, b, nil, false)}
					if seen := fresh.feed(t); !maps.Equal(seen, feedBefore) {
						t.Errorf("it now is %v", seen)
					}
					if got := fresh.messages(t, b, "Calendar"); got != messages {
						t.Errorf("%d messages, want %d", got, messages)
					}
					if said := strings.Join(p.Commands(), "\n"); strings.Contains(said, "APPEND") != (leave.sent == len(after)) {
						t.Errorf("the gateway said %s", said)
					}
				})
			}
		})
	}
}

// While the mail server stores a large publication it says nothing; the log goes on telling, every five seconds.
func TestFeedProgress(t *testing.T) {
	t.Parallel()
	b := backends.Dovecot(t, backends.Options{})
	p := faulty.New(t, b.Addr)
	p.Set(faulty.Fault{At: faulty.AllButOne, Command: "^APPEND", Stall: true}) // of the first message: all others are in the wire
	gateway := startProcess(t, "serve", "-imap", p.URL(), "-listen", "127.0.0.1:0")
	c := newCrashClient(t, b, strings.TrimPrefix(gateway.url, "http://"))
	conn := c.sendPart(t, feedOf(feedAfter), len(feedOf(feedAfter)))
	defer conn.Close()
	gateway.await(`(msg=publishing mailbox=Calendar user=\S+ done=4 of=4)`)
	conn.Close()
	gateway.await(`(msg=request method=PUT kind=feed status=499)`)
}

// sendPart sends a publication up to an octet of its body.
func (c *crashClient) sendPart(t *testing.T, body string, octets int) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", c.gateway)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(conn)
	fmt.Fprintf(w, "PUT %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic %s\r\nContent-Type: text/calendar\r\nContent-Length: %d\r\n\r\n",
		feedPath, c.gateway, base64.StdEncoding.EncodeToString([]byte(c.user+":"+c.password)), len(body))
	io.WriteString(w, body[:octets])
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return conn
}
