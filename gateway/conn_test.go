package gateway

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"
)

// lentTLS is a certificate and what a client must know of it.
func lentTLS() ([]tls.Certificate, *tls.Config) {
	lent := httptest.NewTLSServer(nil)
	defer lent.Close()
	client := lent.Client().Transport.(*http.Transport).TLSClientConfig
	return lent.TLS.Certificates, &tls.Config{RootCAs: client.RootCAs, ServerName: "example.com"}
}

// serveTLS serves a handler as the command does, and returns its address and what a client must know.
func serveTLS(t *testing.T, h http.Handler, logger *slog.Logger) (string, *tls.Config) {
	t.Helper()
	certificates, config := lentTLS()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(h, ServerOptions{TLS: &tls.Config{Certificates: certificates}, Logger: logger})
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		<-ended
	})
	return l.Addr().String(), config
}

// handed is a listener to which connections are handed.
type handed chan net.Conn

func (l handed) Accept() (net.Conn, error) {
	if c, ok := <-l; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (l handed) Addr() net.Addr { return &net.TCPAddr{} }

func (l handed) Close() error {
	close(l)
	return nil
}

// pipeTLS serves a handler without a network, for a clock of synctest.
func pipeTLS(h http.Handler, protocol string, progress time.Duration) (dial func() (*tls.Conn, error), end func()) {
	certificates, config := lentTLS()
	config.NextProtos = []string{protocol}
	s, l, ended := NewServer(h, ServerOptions{TLS: &tls.Config{Certificates: certificates}, Progress: progress, Logger: slog.New(slog.DiscardHandler)}), make(handed, 1), make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	dial = func() (*tls.Conn, error) {
		near, far := net.Pipe()
		l <- far
		c := tls.Client(near, config)
		return c, c.Handshake()
	}
	return dial, func() {
		s.Close()
		<-ended
	}
}

// A connection may be idle for two minutes, and a header section may take ten seconds.
func TestTimesOfAConnection(t *testing.T) {
	for name, c := range map[string]struct {
		protocol, sends string
		want            time.Duration
	}{
		"idle":                  {"http/1.1", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 2 * time.Minute},
		"idle, HTTP/2":          {"h2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + string(head2(0, 4, 0, 0)) + string(get2(1)), 2 * time.Minute},
		"nothing":               {"http/1.1", "", 10 * time.Second},
		"half a header section": {"http/1.1", "GET / HTTP/1.1\r\nHost:", 10 * time.Second},
		"half, after another":   {"http/1.1", "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost:", 10 * time.Second},
		"half a preface":        {"h2", "PRI * HTTP/2.0", 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dial, end := pipeTLS(http.NotFoundHandler(), c.protocol, time.Minute)
				defer end()
				peer, err := dial()
				if err != nil {
					t.Fatal(err)
				}
				defer peer.NetConn().Close()
				start, sent := time.Now(), make(chan error, 1)
				go func() {
					_, err := io.WriteString(peer, c.sends)
					sent <- err
				}()
				if _, err := io.Copy(io.Discard, peer); err != nil {
					t.Error(err)
				}
				if err := <-sent; err != nil {
					t.Error(err)
				}
				if took := time.Since(start); took < c.want || took > c.want+time.Second {
					t.Errorf("it ended after %v, want %v", took, c.want)
				}
			})
		})
	}
}

// dialTLS is a connection over TLS with one protocol.
func dialTLS(t *testing.T, address string, config *tls.Config, protocol string) net.Conn {
	t.Helper()
	config = config.Clone()
	config.NextProtos = []string{protocol}
	c, err := tls.Dial("tcp", address, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if got := c.ConnectionState().NegotiatedProtocol; got != protocol {
		t.Fatalf("%q was agreed on, want %q", got, protocol)
	}
	c.SetDeadline(time.Now().Add(30 * time.Second))
	return c
}

// What is no request to net/http it refuses itself, without asking a handler: the body is XML all the same, and there is
// an access line. In clear and over TLS.
func TestRefusals(t *testing.T) {
	r := newRig(t)
	r.want(201, "PUT", "/CalDAV/Calendar/a.ics", event("a", "A"))
	address, config := serveTLS(t, r.server.Config.Handler, slog.New(slog.NewTextHandler(&r.log, nil)))
	remove := "DELETE /CalDAV/Calendar/a.ics HTTP/1.1\r\nHost: x\r\n" + r.basic()
	refused := 0
	for _, c := range []struct {
		name, octets string
		status       int
		text         string // in the body; "": the name of the status
	}{
		{"no request line", "DELETE\r\nHost: x\r\n" + r.basic() + "\r\n", 400, ""},
		{"broken escape", strings.Replace(remove, "a.ics", "%zz", 1) + "\r\n", 400, ""},
		{"no host", strings.Replace(remove, "Host: x\r\n", "", 1) + "\r\n", 400, "missing required Host header"},
		{"two hosts", remove + "Host: y\r\n\r\n", 400, ""},
		{"broken host", strings.Replace(remove, "Host: x", "Host: x\xff y", 1) + "\r\n", 400, "malformed Host header"},
		{"broken field name", remove + "a b: c\r\n\r\n", 400, "invalid header name"},
		{"broken field value", remove + "A: b\x01c\r\n\r\n", 400, ""},
		{"broken field", remove + "a\r\n\r\n", 400, ""},
		{"broken length", remove + "Content-Length: x\r\n\r\n", 400, ""},
		{"two lengths", remove + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, ""},
		{"large header", remove + "X-Large: " + strings.Repeat("x", 80<<10) + "\r\n\r\n", 431, ""},
		{"unknown coding", remove + "Transfer-Encoding: gzip\r\n\r\n", 501, "Unsupported transfer encoding"},
		{"unknown expectation", remove + "Expect: foo\r\n\r\n", 417, ""},
		{"unknown expectation, HTTP/1.0", strings.Replace(remove, "HTTP/1.1", "HTTP/1.0", 1) + "Expect: foo\r\n\r\n", 417, ""},
		{"unknown version", strings.Replace(remove, "HTTP/1.1", "HTTP/3.0", 1) + "\r\n", 505, "unsupported protocol version"},
		{"TLS in the wrong place", "\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03" + strings.Repeat("x", 100) + "\r\n\r\n", 400, ""},
		{"another answer before", "OPTIONS /CalDAV/Calendar/ HTTP/1.1\r\nHost: x\r\n" + r.basic() + "\r\nDELETE\r\n\r\n", 400, ""},
	} {
		for scheme, conn := range map[string]net.Conn{"http": r.dial(), "https": dialTLS(t, address, config, "http/1.1")} {
			name := scheme + ", " + c.name
			io.WriteString(conn, c.octets)
			answers := bufio.NewReader(conn)
			res, err := http.ReadResponse(answers, nil)
			if err == nil && res.StatusCode == 200 {
				res, err = http.ReadResponse(answers, nil)
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			body, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != c.status || !res.Close || res.Header.Get("Content-Length") != strconv.Itoa(len(body)) {
				t.Errorf("%s: %s %v close: %v, %d octets %v, want %d", name, res.Status, res.Header, res.Close, len(body), err, c.status)
			}
			answered{res, string(body)}.mustExplain(t, name)
			if text := ">" + cmp.Or(c.text, http.StatusText(c.status)) + "<"; !strings.Contains(string(body), text) {
				t.Errorf("%s: no %q in %s", name, text, body)
			}
			if _, err := answers.ReadByte(); err == nil {
				t.Errorf("%s: something behind the answer", name)
			}
			refused++
		}
	}
	if statuses, closed := r.conversation("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"); fmt.Sprint(statuses) != "[401]" || !closed {
		t.Errorf("HTTP/2 in clear: %v %v", statuses, closed)
	}
	r.want(200, "GET", "/CalDAV/Calendar/a.ics", "")
	if n := strings.Count(r.log.String(), "msg=request method=- kind=- status="); n != refused {
		t.Errorf("%d access lines for %d refusals: %s", n, refused, r.log.String())
	}
}

// Whoever forgets the "s" of "https" is told so, whatever the method, and others are served meanwhile.
func TestHTTPOnTheTLSPort(t *testing.T) {
	var log logBuffer
	address, config := serveTLS(t, http.NotFoundHandler(), slog.New(slog.NewTextHandler(&log, nil)))
	silent, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, method := range []string{"GET", "PROPFIND"} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(headerTimeout / 2)) // sooner than the silent one is given up
		io.WriteString(conn, method+" / HTTP/1.1\r\nHost: x\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != 400 || !res.Close || !strings.Contains(string(body), "HTTPS") {
			t.Errorf("%s: %s, %s %v", method, res.Status, body, err)
		}
		answered{res, string(body)}.mustExplain(t, method)
	}
	conn := dialTLS(t, address, config, "http/1.1")
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || res.StatusCode != 404 {
		t.Errorf("%v %v", res, err)
	}
	if n := strings.Count(log.String(), "http: TLS handshake error from 127.0.0.1:"); n != 2 {
		t.Errorf("%d lines about handshakes: %s", n, log.String())
	}
}

// Who says nothing to a TLS port is not waited for.
func TestHandshakeWithoutAPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer near.Close()
		c, start := newConn(far, NewServer(http.NotFoundHandler(), ServerOptions{TLS: &tls.Config{}, Logger: slog.New(slog.DiscardHandler)})), time.Now()
		for range 2 {
			if _, err := c.Read(make([]byte, 1)); err != io.EOF || time.Since(start) != headerTimeout {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Who sends what is none and reads nothing is not waited for, either.
func TestRefusalThatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer near.Close()
		c, start := newConn(far, NewServer(http.NotFoundHandler(), ServerOptions{Logger: slog.New(slog.DiscardHandler)})), time.Now()
		if _, err := io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n"); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != headerTimeout {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		c.Close()
	})
}

// An answer may look like a refusal in every octet, at the start of a write to the connection, and again after another one.
func TestAnswerThatLooksLikeARefusal(t *testing.T) {
	block := refusals[0].status + refusals[0].contentType
	text := "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request" +
		string(head2(len(block), frameHeaders, endHeaders, 1)) + block
	pieces := []string{text, strings.Repeat(text, 400), text}
	whole := strings.Join(pieces, "")
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(whole))) // net/http puts no chunk heads between
		for _, p := range pieces {
			w.(http.Flusher).Flush()
			io.WriteString(w, p)
		}
	})
	for version, protocols := range []func(p *http.Protocols){
		0: func(p *http.Protocols) { p.SetHTTP1(true) },
		1: func(p *http.Protocols) { p.SetHTTP1(true) },
		2: func(p *http.Protocols) { p.SetHTTP2(true) },
	} {
		transport := &http.Transport{Protocols: new(http.Protocols)}
		protocols(transport.Protocols)
		defer transport.CloseIdleConnections()
		client, url := &http.Client{Transport: transport}, ""
		if version == 0 { // in clear
			s, clear := NewServer(handler, ServerOptions{Logger: slog.New(slog.DiscardHandler)}), httptest.NewUnstartedServer(nil)
			clear.Config, clear.Listener = s.http, listener{clear.Listener, s}
			clear.Start()
			defer clear.Close()
			url = clear.URL
		} else {
			address, config := serveTLS(t, handler, slog.New(slog.DiscardHandler))
			transport.TLSClientConfig, url = config, "https://"+address
		}
		for range 2 {
			res, err := client.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil || string(body) != whole || res.ProtoMajor != max(version, 1) {
				t.Errorf("%d: %s: %d octets, want %d, %v", version, res.Proto, len(body), len(whole), err)
			}
		}
	}
}

// Answers over HTTP/2 share a buffer, and what is left of one in it, which may begin with anything, is written when the
// last of them has ended.
func TestAnswersAtOnce(t *testing.T) {
	text := strings.Repeat("HTTP/1.", 500)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, text) })
	address, config := serveTLS(t, handler, slog.New(slog.DiscardHandler))
	transport := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: config}
	transport.Protocols.SetHTTP2(true)
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	for range 100 {
		var asked errgroup.Group
		for range 8 {
			asked.Go(func() error {
				res, err := client.Get("https://" + address)
				if err != nil {
					return err
				}
				defer res.Body.Close()
				if body, err := io.ReadAll(res.Body); err != nil || string(body) != text {
					return fmt.Errorf("%d octets, want %d, %v", len(body), len(text), err)
				}
				return nil
			})
		}
		if err := asked.Wait(); err != nil {
			t.Fatal(err)
		}
	}
}

// Who has switched net/http's HTTP/2 off is served by HTTP/1.1.
func TestWithoutHTTP2(t *testing.T) {
	t.Setenv("GODEBUG", "http2server=0")
	address, config := serveTLS(t, http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Get("https://" + address)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 404 || res.ProtoMajor != 1 {
		t.Errorf("%s %s", res.Proto, res.Status)
	}
}
