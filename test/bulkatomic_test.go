package test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"calgate/test/backends"
	"calgate/test/faulty"
)

// A whole calendar is replaced by another one. Where the mail server has MULTIAPPEND, who reads through another gateway sees the
// one or the other, and so does everybody after the gateway, or the mail server, was killed in the middle.

// bulkSet says which of the calendars a feed is: the prefix of all its items, or what is wrong.
func bulkSet(a crashAnswer, n int) string {
	if a.status != 200 {
		return fmt.Sprintf("status %d", a.status)
	}
	seen := map[string]int{}
	for line := range strings.Lines(a.body) {
		if summary, ok := strings.CutPrefix(line, "SUMMARY:"); ok {
			seen[strings.TrimSpace(summary)]++
		}
	}
	for set, items := range seen {
		if len(seen) == 1 && items == n {
			return set
		}
	}
	return fmt.Sprintf("a mixture: %v", seen)
}

// bulkAtomic is a user whose calendar is replaced.
type bulkAtomic struct {
	t      *testing.T
	b      *backends.Server
	client *crashClient // without a gateway
	n      int
	now    string // the set that is there
}

func TestFeedBulk(t *testing.T) {
	t.Parallel()
	for _, s := range append(bulkServers[:2:2], bulkMaildir) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			n := 200
			if os.Getenv("TEST_LONG") == "1" {
				n = s.long
			} else {
				backends.LeaveOut("a calendar of 10,000 replaced before readers, and under kills, on " + s.name + ": needs TEST_LONG=1")
			}
			b := s.start(t)
			f := &bulkAtomic{t: t, b: b, client: newCrashClient(t, b, ""), n: n, now: "a"}
			p := serve(t, b)
			if a := f.at(p).askLong(request{"PUT", feedPath, nil, bulkFeed("a", n)}); a.status/100 != 2 {
				t.Fatalf("PUT: %d %s", a.status, a.body)
			}
			f.kill("gateway in the middle", faulty.Fault{At: faulty.InLiteral, Literal: n}, false)
			f.kill("gateway before the last octet", faulty.Fault{At: faulty.AllButOne, Literal: 2 * n}, false)
			f.kill("mail server in the middle", faulty.Fault{At: faulty.InLiteral, Literal: n}, true)
			f.kill("mail server before the last octet", faulty.Fault{At: faulty.AllButOne, Literal: 2 * n}, true)
			if f.now != "a" {
				t.Errorf("a publication of which the last octet was not sent took effect")
			}
			f.readWhile()
			f.kill("gateway after the last octet", faulty.Fault{At: faulty.AfterSent}, false)
		})
	}
}

func (f *bulkAtomic) at(p *process) *crashClient {
	return &crashClient{f.client.user, f.client.password, strings.TrimPrefix(p.url, "http://")}
}

func (f *bulkAtomic) other() string {
	if f.now == "a" {
		return "b"
	}
	return "a"
}

// kill replaces the calendar through a gateway and kills this, or the mail server, at a point of the APPEND.
func (f *bulkAtomic) kill(name string, fault faulty.Fault, server bool) {
	f.t.Helper()
	wire := faulty.New(f.t, f.b.Addr)
	p := startProcess(f.t, "serve", "-imap", wire.URL(), "-listen", "127.0.0.1:0")
	fault.Command = "^APPEND"
	fault.Do = func() { _ = p.command.Process.Kill() }
	if server {
		fault.Do = func() {
			if err := f.b.Kill(); err != nil {
				f.t.Error(err)
			}
		}
	}
	wire.Set(fault)
	start := time.Now()
	a := f.at(p).askLong(request{"PUT", feedPath, nil, bulkFeed(f.other(), f.n)})
	wire.Await(f.t)
	if server {
		if a.status != 503 {
			f.t.Errorf("%s: answered %d %s", name, a.status, a.body)
		}
		if err := f.b.Restart(); err != nil {
			f.t.Fatal(err)
		}
		p.end(syscall.SIGTERM)
	} else {
		_ = p.command.Wait() // it was killed
		p.ended = true
	}
	fresh := f.at(serve(f.t, f.b))
	var set string
	eventually(f.t, crashPatience, name+": no answer", func() bool { // what a dead session had locked is free after a moment
		set = bulkSet(fresh.askLong(request{"GET", feedPath, nil, ""}), f.n)
		return set != "status 503"
	})
	if set != "a" && set != "b" {
		f.t.Fatalf("%s: there is %s", name, set)
	}
	f.t.Logf("%s, after %v: the calendar was %s, is %s", name, time.Since(start).Round(time.Millisecond), f.now, set)
	f.now = set
}

// readWhile replaces the calendar through one gateway while another one is read, which is done at least once before and once
// while the mail server has half of what is new.
func (f *bulkAtomic) readWhile() {
	f.t.Helper()
	wire := faulty.New(f.t, f.b.Addr)
	writer := f.at(startProcess(f.t, "serve", "-imap", wire.URL(), "-listen", "127.0.0.1:0"))
	reader := f.at(serve(f.t, f.b))
	read := func() string { return bulkSet(reader.askLong(request{"GET", feedPath, nil, ""}), f.n) }
	if set := read(); set != f.now {
		f.t.Errorf("before, a reader is shown %s", set)
	}
	half, whole, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	wire.Set(faulty.Fault{At: faulty.InLiteral, Literal: f.n, Command: "^APPEND", Pause: true, Do: func() {
		close(half)
		select {
		case <-whole:
		case <-time.After(crashPatience):
			f.t.Error("nobody could read in the middle of the APPEND")
		}
	}})
	counts := map[string]int{}
	var wg sync.WaitGroup
	wg.Go(func() {
		for inMiddle, last := false, false; !last; {
			middle := false
			select {
			case <-half:
				middle = !inMiddle
			default:
			}
			select {
			case <-done:
				last = true
			default:
			}
			set := read()
			if counts[set]++; set != "a" && set != "b" && set != "status 503" {
				f.t.Errorf("a reader is shown %s", set)
			}
			if middle && set != "status 503" {
				if inMiddle = true; set != f.now {
					f.t.Errorf("in the middle of the APPEND a reader is shown %s", set)
				}
				close(whole)
			}
		}
	})
	start := time.Now()
	a := writer.askLong(request{"PUT", feedPath, nil, bulkFeed(f.other(), f.n)})
	took := time.Since(start)
	close(done)
	wg.Wait()
	if a.status/100 != 2 {
		f.t.Errorf("PUT: %d %s", a.status, a.body)
	}
	f.t.Logf("%d items were replaced by as many in %v; meanwhile %v was read", f.n, took.Round(time.Millisecond), counts)
	f.now = f.other()
	if set := read(); set != f.now {
		f.t.Errorf("after that a reader is shown %s", set)
	}
}
