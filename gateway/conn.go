package gateway

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// conn is a connection under net/http that puts XML in the place of what net/http
// refuses by itself. It knows by the time, not by the look, of a write: on HTTP/1
// net/http writes the answer of a handler after it has called the handler, and has
// flushed all of it before it calls its hook for StateIdle, reads the next request, and
// can refuse that. (Without StateIdle there is no next request.) So what is written
// outside of that time is a refusal, and what is written within never is one, whatever
// octets an object has. HTTP/2 says in frames what it refuses itself; see frames.
type conn struct {
	net.Conn
	server *Server

	handshake func() error // of TLS, once; nil: cleartext

	begun  sync.Once // before the first write
	frames *frames   // nil: HTTP/1

	handling atomic.Bool // from the call of the handler until its answer is out
	refused  bool
}

type connKey struct{}

func newConn(c net.Conn, s *Server) *conn {
	if s.tls == nil {
		return &conn{Conn: c, server: s}
	}
	t := tls.Server(c, s.tls)
	w := &conn{Conn: t, server: s}
	w.handshake = sync.OnceValue(func() error { return w.shakeHands(t) })
	return w
}

// beginAnswer marks the connection before the handler can write.
func beginAnswer(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(*conn); ok {
			c.handling.Store(true)
		}
		h.ServeHTTP(w, r)
	})
}

// endAnswer is the hook of net/http that ends what beginAnswer began.
func endAnswer(c net.Conn, state http.ConnState) {
	if c, ok := c.(*conn); ok && state == http.StateIdle {
		c.handling.Store(false)
	}
}

// Read shakes hands first, as a *tls.Conn does: the listener does not wait for it.
func (c *conn) Read(p []byte) (int, error) {
	if c.handshake != nil {
		if err := c.handshake(); err != nil {
			return 0, err
		}
	}
	return c.Conn.Read(p)
}

// shakeHands does what net/http does with a *tls.Conn. Its error is io.EOF, to which
// net/http says nothing.
func (c *conn) shakeHands(t *tls.Conn) error {
	t.SetDeadline(time.Now().Add(headerTimeout))
	err := t.Handshake()
	if err == nil {
		t.SetWriteDeadline(time.Time{})
		t.SetReadDeadline(time.Now().Add(headerTimeout)) // of the first request
		return nil
	}
	// A TLS record begins with a small number, a request line with a letter.
	if r, ok := errors.AsType[tls.RecordHeaderError](err); ok && r.Conn != nil && r.RecordHeader[0] >= 'A' && r.RecordHeader[0] <= 'Z' {
		c.refuse(r.Conn, badRequest("this port speaks HTTPS, not HTTP"))
	}
	c.server.http.ErrorLog.Printf("http: TLS handshake error from %s: %v", c.RemoteAddr(), err)
	return io.EOF
}

func (c *conn) Write(p []byte) (int, error) {
	c.begun.Do(func() {
		if len(p) > 0 && p[0] == 0 { // HTTP/2 begins with the length of a SETTINGS frame
			c.frames = newFrames(c.server.logger)
		}
	})
	switch {
	case c.frames != nil:
		return c.frames.write(c.Conn, p)
	case c.handling.Load():
		return c.Conn.Write(p)
	case c.refused: // the rest of what is answered already
		return len(p), nil
	case !isStatusLine(p): // nothing that net/http refuses with today
		return c.Conn.Write(p)
	}
	if err := c.refuse(c.Conn, readRefusal(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// CloseWrite is what net/http looks for where an answer must get out before the
// connection is closed under a request that still comes.
func (c *conn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}

const statusLine = "HTTP/1.1 "

func isStatusLine(p []byte) bool {
	return bytes.HasPrefix(p, []byte("HTTP/1.")) && len(p) >= len(statusLine)+3
}

// readRefusal takes an answer of net/http as an error. Its body, if it has one, is a
// sentence, mostly behind the code and its name.
func readRefusal(answer []byte) *HTTPError {
	code, _ := strconv.Atoi(string(answer[len(statusLine):][:3]))
	_, text, _ := strings.Cut(string(answer), "\r\n\r\n")
	name := http.StatusText(code)
	text = strings.TrimPrefix(text, strconv.Itoa(code)+" "+name)
	return &HTTPError{Code: code, Public: cmp.Or(strings.TrimPrefix(text, ": "), name)}
}

// refuse writes the only answer that the connection still has. Of this one no handler
// watches the progress.
func (c *conn) refuse(w io.Writer, e *HTTPError) error {
	c.refused = true
	c.SetWriteDeadline(time.Now().Add(headerTimeout))
	body := e.body()
	answer := http.Response{
		StatusCode: e.Code, ProtoMajor: 1, ProtoMinor: 1, Close: true, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
		Header: http.Header{
			"Content-Type": {"application/xml; charset=utf-8"}, "X-Content-Type-Options": {"nosniff"},
			"Date": {time.Now().UTC().Format(http.TimeFormat)},
		},
	}
	var b bytes.Buffer
	answer.Write(&b)
	logRefusal(c.server.logger, e, len(body))
	_, err := w.Write(b.Bytes())
	return err
}
