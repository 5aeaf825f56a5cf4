package gateway

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"calgate/gateway/calendar"

	"golang.org/x/sync/errgroup"
)

// A body that stops moving ends the request, and with it the connection.
func TestBodyWithoutProgress(t *testing.T) {
	r := newRig(t, func(o *Options, _ *calendar.Options) { o.Progress = 100 * time.Millisecond })
	r.want(200, "OPTIONS", "/CalDAV/Calendar/", "") // the login is made
	put := "PUT /CalDAV/Calendar/a.ics HTTP/1.1\r\nHost: x\r\n" + r.basic()
	for _, framing := range []string{"Content-Length: 100\r\n\r\nBEGIN:", "Transfer-Encoding: chunked\r\n\r\n6\r\nBEGIN:\r\n"} {
		if statuses, closed := r.conversation(put + framing); fmt.Sprint(statuses) != "[408]" || !closed {
			t.Errorf("%q: %v %v", framing, statuses, closed)
		}
	}
	// A body that nobody reads is not waited for longer either, and the answer gets out.
	if statuses, closed := r.conversation("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nBEGIN:"); fmt.Sprint(statuses) != "[401]" || !closed {
		t.Errorf("unread: %v %v", statuses, closed)
	}
}

// By HTTP/2 it ends its stream alone.
func TestBodyThatStallsInHTTP2(t *testing.T) {
	read := make(chan error, 1)
	address, config := serveTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, r := watch(w, r, 100*time.Millisecond)
		defer a.limit()
		_, err := io.ReadAll(r.Body)
		read <- err
		a.WriteHeader(http.StatusRequestTimeout)
	}), slog.New(slog.DiscardHandler))
	transport := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: config}
	transport.Protocols.SetHTTP2(true)
	defer transport.CloseIdleConnections()
	rest, never := io.Pipe()
	defer never.Close()
	res, err := (&http.Client{Transport: transport, Timeout: 20 * time.Second}).Post("https://"+address, "text/plain", io.MultiReader(strings.NewReader("BEGIN:"), rest))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) || res.StatusCode != http.StatusRequestTimeout {
		t.Errorf("%v, %s", err, res.Status)
	}
}

// What nobody reads is not waited for longer, whenever net/http begins to wait for it.
func TestBodyThatNobodyReads(t *testing.T) {
	for name, handle := range map[string]func(a *answer, r *http.Request){
		"at the end":         func(a *answer, r *http.Request) {},
		"at a flush":         func(a *answer, r *http.Request) { a.Flush() },
		"at a flush, a part": func(a *answer, r *http.Request) { r.Body.Read(make([]byte, 2)); a.Flush() },
		"at a write, a part": func(a *answer, r *http.Request) {
			a.WriteHeader(http.StatusOK)
			r.Body.Read(make([]byte, 2))
			a.Write(make([]byte, 10_000))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dial, end := pipeTLS(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					a, r := watch(w, r, progress)
					defer a.limit()
					handle(a, r)
				}), "http/1.1", progress)
				defer end()
				c, err := dial()
				if err != nil {
					t.Fatal(err)
				}
				defer c.NetConn().Close()
				c.SetReadDeadline(time.Now().Add(time.Hour))
				if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\nbody"); err != nil {
					t.Fatal(err)
				}
				res, err := http.ReadResponse(bufio.NewReader(c), nil)
				if err != nil {
					t.Fatal(err)
				}
				res.Body.Close()
			})
		})
	}
}

// A deadline ends when what it is for is done: a slow look at the mail server between two pieces of a body, after it, and
// between two pieces of an answer is no lack of progress.
func TestDeadlinesEnd(t *testing.T) {
	for _, protocol := range []string{"http/1.1", "h2"} {
		t.Run(protocol, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { testDeadlinesEnd(t, protocol) }) })
	}
}

func testDeadlinesEnd(t *testing.T, protocol string) {
	dial, end := pipeTLS(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, r := watch(w, r, time.Minute)
		defer a.limit()
		wait := func(when string) {
			select {
			case <-r.Context().Done():
				t.Errorf("ended %s: %v", when, r.Context().Err())
			case <-time.After(time.Hour):
			}
		}
		for _, n := range []int{1, 3} {
			if _, err := io.ReadFull(r.Body, make([]byte, n)); err != nil {
				t.Errorf("%d octets of the body: %v", n, err)
			}
			wait("in the body")
		}
		if n, err := r.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("the end of the body: %v", err)
		}
		wait("after the body")
		a.WriteHeader(http.StatusAccepted)
		wait("after the header")
		io.WriteString(a, "lat")
		a.Flush()
		wait("in the answer")
		io.WriteString(a, "er")
		wait("after the answer")
	}), protocol, time.Minute)
	defer end()
	transport := &http.Transport{ForceAttemptHTTP2: true, DialTLSContext: func(context.Context, string, string) (net.Conn, error) { return dial() }}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Post("https://example.com", "text/plain", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); string(b) != "later" || err != nil {
		t.Errorf("%q %v", b, err)
	}
}

// No deadline outlives an HTTP/2 stream: it would reset what has ended long ago.
func TestNothingFollowsAnAnswer(t *testing.T) {
	for name, handle := range map[string]func(a *answer){
		"nothing written": func(a *answer) {},
		"no body":         func(a *answer) { a.WriteHeader(http.StatusNoContent) },
		"flushed":         func(a *answer) { a.WriteHeader(http.StatusNoContent); a.Flush() },
		"small":           func(a *answer) { io.WriteString(a, "small") },
		"large":           func(a *answer) { a.Write(make([]byte, 10_000)) },
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { testNothingFollows(t, handle) }) })
	}
}

func testNothingFollows(t *testing.T, handle func(a *answer)) {
	dial, end := pipeTLS(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, _ := watch(w, r, progress)
		defer a.limit()
		handle(a)
	}), "h2", progress)
	defer end()
	peer, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	var asked errgroup.Group
	defer func() {
		peer.NetConn().Close()
		asked.Wait()
	}()
	peer.SetReadDeadline(time.Now().Add(time.Hour))
	const answers = 50
	asked.Go(func() error {
		requests := "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + string(head2(6, 4, 0, 0)) + "\x00\x04\x40\x00\x00\x00" + string(head2(4, 8, 0, 0)) + "\x40\x00\x00\x00"
		for i := range uint32(answers) {
			requests += string(get2(2*i + 1))
		}
		_, err := io.WriteString(peer, requests)
		return err
	})
	ended, reset := 0, 0
	for head := make([]byte, frameHead); ; {
		if _, err := io.ReadFull(peer, head); err != nil { // the server ends what is idle
			break
		}
		if _, err := io.CopyN(io.Discard, peer, int64(binary.BigEndian.Uint32(head)>>8)); err != nil {
			t.Fatal(err)
		}
		switch {
		case head[3] == frameReset:
			reset++
		case head[3] <= frameHeaders && head[4]&endStream != 0:
			ended++
		}
	}
	if ended != answers || reset != 0 {
		t.Errorf("%d answers, want %d; %d streams are reset", ended, answers, reset)
	}
}

// An answer that nobody takes off the wire ends, too.
func TestAnswerWithoutProgress(t *testing.T) {
	failed := make(chan error, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		a, _ := watch(w, req, 50*time.Millisecond)
		_, err := a.Write(make([]byte, 64<<20))
		failed <- err
	})}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	select {
	case err := <-failed:
		if err == nil {
			t.Error("64 MB went to a client that reads nothing")
		}
	case <-time.After(20 * time.Second):
		t.Error("the answer waits for ever")
	}
	s.Close()
	<-served
}

// Over HTTP/2 there are two ways to take nothing, and neither keeps the handler of an answer for ever.
func TestAnswerThatNobodyTakes(t *testing.T) {
	for name, c := range map[string]struct {
		window string // more than the first 64 KB
		reads  bool
	}{
		"every window open, nothing read": {window: "\x40\x00\x00\x00"},
		"all read, no window opened":      {window: "\x00\x00\x00\x01", reads: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const limit = 5 * time.Minute // not the default
				asked, gaveUp := make(chan time.Time, 1), make(chan error, 1)
				dial, end := pipeTLS(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					a, _ := watch(w, r, limit)
					defer a.limit()
					asked <- time.Now()
					_, err := a.Write(make([]byte, 1<<20))
					gaveUp <- err
				}), "h2", limit)
				defer end()
				peer, err := dial()
				if err != nil {
					t.Fatal(err)
				}
				sent, read := make(chan error, 1), make(chan error, 1)
				defer func() {
					peer.NetConn().Close()
					<-read
				}()
				go func() {
					_, err := io.WriteString(peer, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+string(head2(6, 4, 0, 0))+"\x00\x04"+c.window+
						string(head2(4, 8, 0, 0))+c.window+string(get2(1)))
					sent <- err
				}()
				go func() {
					_, err := io.ReadFull(peer, make([]byte, frameHead)) // the request comes with it
					if c.reads {
						_, err = io.Copy(io.Discard, peer)
					}
					read <- err
				}()
				if err := <-sent; err != nil {
					t.Fatal(err)
				}
				start := <-asked
				select {
				case err := <-gaveUp:
					if took := time.Since(start); err == nil || took < limit || took > 2*limit {
						t.Errorf("%v after %v", err, took)
					}
				case <-time.After(time.Hour):
					t.Error("the handler still writes")
				}
			})
		})
	}
}
