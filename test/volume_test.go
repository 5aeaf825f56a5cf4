package test

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"

	"calgate/test/backends"
	"calgate/test/faulty"
)

// volume is how many objects a large calendar has: 2,000, or 10,000 with TEST_LONG=1 (./test/run -long).
func volume() int {
	if os.Getenv("TEST_LONG") == "1" {
		return 10_000
	}
	return 2_000
}

// heapAllowed is the heap that may be in use at any time, garbage and the test's own client and its answers included, while a
// calendar of n objects is served: above the foundation the index and its parsing, and the bodies that are cached.
func heapAllowed(n int) uint64 { return 16<<20 + uint64(n)*6<<10 }

// A large calendar is put object by object. Then a listing, a sync and a ctag each cost one look: SELECT, the UIDs and one
// FETCH of header fields by a gateway that never saw the folder, one NOOP by a gateway that did.
func TestVolume(t *testing.T) {
	b := backends.Dovecot(t, backends.Options{Format: "sdbox"})
	n := volume()
	c := newCrashClient(t, b, startGateway(t, b, nil, false))
	heap := watchHeap(t)
	start := time.Now()
	c.fill(t, n)
	t.Logf("%d objects by PUT in %v, over 4 connections", n, time.Since(start).Round(time.Millisecond))

	p := faulty.New(t, b.Addr)
	fresh := &crashClient{c.user, c.password, startGatewayAt(t, p.URL(), nil, false)}
	for _, round := range []struct {
		name      string
		mostLooks int // commands for the folder
	}{{"cold", 3}, {"warm", 1}} {
		for _, ask := range []struct {
			name, method, body string
			members            int
		}{
			{"listing", "PROPFIND", `<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/><D:getcontenttype/><D:resourcetype/></D:prop></D:propfind>`, n},
			{"sync", "REPORT", `<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>`, n},
			{"ctag", "PROPFIND", `<D:propfind xmlns:D="DAV:" xmlns:CS="http://calendarserver.org/ns/"><D:prop><CS:getctag/></D:prop></D:propfind>`, 0},
		} {
			if round.name == "cold" {
				fresh.gateway = startGatewayAt(t, p.URL(), nil, false)
			}
			p.Forget()
			depth := "0"
			if ask.method == "PROPFIND" && ask.members > 0 {
				depth = "1"
			}
			start := time.Now()
			a := fresh.ask(request{ask.method, crashCalendar, map[string]string{"Depth": depth}, ask.body})
			if got := strings.Count(a.body, ".ics</"); a.status != 207 || got != ask.members {
				t.Fatalf("%s %s: %d with %d members, want %d", round.name, ask.name, a.status, got, ask.members)
			}
			var looks []string
			for _, command := range p.Commands() {
				for _, of := range []string{"SELECT", "NOOP", "STATUS", "UID"} {
					if strings.HasPrefix(command, of) {
						looks = append(looks, command)
					}
				}
			}
			t.Logf("%s %s: %v, %d octets, %q", round.name, ask.name, time.Since(start).Round(time.Millisecond), len(a.body), commandNames(looks))
			if len(looks) > round.mostLooks {
				t.Errorf("%s %s: more than one look: %q", round.name, ask.name, commandNames(looks))
			}
		}
	}
	peak := heap()
	t.Logf("peak heap %d MiB, allowed %d MiB", peak>>20, heapAllowed(n)>>20)
	if peak > heapAllowed(n) {
		t.Errorf("the heap grew to %d octets, %d are allowed", peak, heapAllowed(n))
	}
}

// commandNames are the first words of commands, and of a UID command two.
func commandNames(commands []string) (names []string) {
	for _, command := range commands {
		words := strings.Fields(command)
		if words[0] == "UID" {
			words[0] += " " + words[1]
		}
		names = append(names, words[0])
	}
	return names
}

// fill puts n objects over a few connections.
func (c *crashClient) fill(t *testing.T, n int) {
	t.Helper()
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
	defer client.CloseIdleConnections()
	next := make(chan int)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i := range next {
				body := strings.ReplaceAll(crashEvent(fmt.Sprint("event ", i)), "crash@", fmt.Sprintf("%d@", i))
				q, err := http.NewRequest("PUT", fmt.Sprintf("http://%s/CalDAV/Calendar/%d.ics", c.gateway, i), strings.NewReader(body))
				if err != nil {
					panic(err)
				}
				q.SetBasicAuth(c.user, c.password)
				q.Header.Set("If-None-Match", "*")
				answer, err := client.Do(q)
				if err != nil {
					t.Error(err)
					continue
				}
				answer.Body.Close()
				if answer.StatusCode != 201 {
					t.Errorf("PUT %d: %s", i, answer.Status)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	group.Wait()
}

// watchHeap samples the heap in use, garbage included, until the function that it returns is called, which gives the largest sample.
func watchHeap(t *testing.T) func() uint64 {
	runtime.GC()
	stop, done := make(chan struct{}), make(chan uint64)
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		var peak uint64
		for {
			metrics.Read(sample)
			peak = max(peak, sample[0].Value.Uint64())
			select {
			case <-tick.C:
			case <-stop:
				done <- peak
				return
			}
		}
	}()
	var once sync.Once
	var peak uint64
	end := func() uint64 {
		once.Do(func() { close(stop); peak = <-done })
		return peak
	}
	t.Cleanup(func() { end() })
	return end
}
