package gateway

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// dial opens a connection of its own, on which the test writes octets as they are.
func (r *rig) dial() net.Conn {
	r.t.Helper()
	c, err := net.Dial("tcp", r.server.Listener.Addr().String())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		r.t.Fatal(err)
	}
	return c
}

func (r *rig) basic() string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(r.user+":"+r.password)) + "\r\n"
}

// conversation sends octets and reads all answers until the gateway closes. last is
// whether it had said so.
func (r *rig) conversation(octets string) (statuses []int, last bool) {
	r.t.Helper()
	c := r.dial()
	if _, err := io.WriteString(c, octets); err != nil {
		r.t.Fatal(err)
	}
	br := bufio.NewReader(c)
	for {
		res, err := http.ReadResponse(br, nil)
		if err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				r.t.Fatalf("the connection stays open after %v", statuses)
			}
			return statuses, last
		}
		statuses = append(statuses, res.StatusCode)
		io.Copy(io.Discard, res.Body)
		last = res.Close
	}
}

func chunked(s string) string {
	return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(s), s)
}

// One request in, one out: nothing of a body is ever read as a request, however its
// length is told. What a proxy before us makes of such a request may be different,
// so the connection ends with its answer.
func TestOneRequestInOneOut(t *testing.T) {
	r := newRig(t)
	inner := "DELETE /CalDAV/Calendar/a.ics HTTP/1.1\r\nHost: x\r\n" + r.basic() + "\r\n"
	good := event("a", "A")
	r.want(201, "PUT", "/CalDAV/Calendar/a.ics", good)
	put := "PUT /CalDAV/Calendar/b.ics HTTP/1.1\r\nHost: x\r\n" + r.basic()
	for _, c := range []struct {
		name, octets string
		status       int
	}{
		{"chunked", put + "Transfer-Encoding: chunked\r\n\r\n" + chunked(event("b", "B")) + inner, 201},
		{"chunked beside a length", put + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(event("b", "B2")) + inner, 204},
		{"chunked beside a long length", put + fmt.Sprintf("Content-Length: %d\r\n", len(inner)+5) + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner, 403},
		{"chunked and refused", put + "Transfer-Encoding: chunked\r\nIf-Match: nothing\r\n\r\n" + chunked(inner) + inner, 412},
		{"chunked without login", "PUT /CalDAV/Calendar/b.ics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(inner) + inner, 401},
		{"chunked GET", "GET /CalDAV/Calendar/a.ics HTTP/1.1\r\nHost: x\r\n" + r.basic() + "Transfer-Encoding: chunked\r\n\r\n" + chunked(inner) + inner, 200},
		{"chunked page", "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(inner) + inner, 200},
		{"chunked redirect", "PUT /.well-known/caldav HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(inner) + inner, 307},
		{"chunked OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: x\r\n" + r.basic() + "Transfer-Encoding: chunked\r\n\r\n" + chunked(inner) + inner, 200},
		{"OPTIONS * without login", "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + inner, 401},
		{"too large and chunked", put + "Transfer-Encoding: chunked\r\n\r\n" + chunked(strings.Repeat("x", maxObject+1)) + inner, 413},
		{"other coding", put + "Transfer-Encoding: gzip, chunked\r\n\r\n" + inner, 501},
		{"identity", put + "Transfer-Encoding: identity\r\n\r\n" + inner, 501},
		{"two codings", put + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + inner, 501},
		{"two lengths", put + "Content-Length: 4\r\nContent-Length: 5\r\n\r\n" + inner, 400},
		{"odd length", put + "Content-Length: +4\r\n\r\n" + inner, 400},
		{"space before the colon", put + "Content-Length : 4\r\n\r\n" + inner, 400},
		{"HTTP/1.0 with chunked", strings.Replace(put, "1.1", "1.0", 1) + "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + inner, 403},
		{"HTTP/1.0", strings.Replace(put, "1.1", "1.0", 1) + fmt.Sprintf("Connection: keep-alive\r\nContent-Length: %d\r\n\r\n", len(good)) + event("b", "A") + inner, 204},
		{"no host", "GET / HTTP/1.1\r\n\r\n" + inner, 400},
	} {
		statuses, last := r.conversation(c.octets)
		if len(statuses) != 1 || statuses[0] != c.status || !last {
			t.Errorf("%s: answers %v, the last said close: %v, want %d", c.name, statuses, last, c.status)
		}
	}
	if a := r.want(200, "GET", "/CalDAV/Calendar/a.ics", ""); a.body != good {
		t.Error("what stood in a body was done")
	}
}

// A body that its method does not read is not a request either, and the connection lives on.
func TestUnreadBody(t *testing.T) {
	r := newRig(t)
	r.want(201, "PUT", "/CalDAV/Calendar/a.ics", event("a", "A"))
	inner := "DELETE /CalDAV/Calendar/a.ics HTTP/1.1\r\nHost: x\r\n" + r.basic() + "\r\n"
	get := "GET /CalDAV/Calendar/a.ics HTTP/1.1\r\nHost: x\r\n" + r.basic()
	length := fmt.Sprintf("Content-Length: %d\r\n\r\n", len(inner))
	statuses, _ := r.conversation(get + length + inner + get + "\r\n" + get + "Connection: close\r\n" + length + inner)
	if fmt.Sprint(statuses) != "[200 200 200]" {
		t.Errorf("answers %v", statuses)
	}
}

func TestExpectContinue(t *testing.T) {
	r := newRig(t)
	body := event("a", "A")
	head := func(status string) string {
		return fmt.Sprintf("PUT /CalDAV/Calendar/a.ics HTTP/1.1\r\nHost: x\r\n%sExpect: 100-continue\r\nConnection: close\r\n%sContent-Length: ", r.basic(), status)
	}
	c := r.dial()
	fmt.Fprintf(c, "%s%d\r\n\r\n", head(""), len(body))
	br := bufio.NewReader(c)
	if line, err := br.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("%q %v", line, err)
	}
	br.ReadString('\n')
	io.WriteString(c, body)
	if res, err := http.ReadResponse(br, nil); err != nil || res.StatusCode != 201 {
		t.Fatalf("%v %v", res, err)
	}
	// What is refused by its head is refused before the body is sent.
	for header, status := range map[string]int{"Content-Length: 99999999": 413, "Content-Type: application/json": 403, "Content-Encoding: br": 415} {
		s := "PUT /CalDAV/Calendar/a.ics HTTP/1.1\r\nHost: x\r\n" + r.basic() + "Expect: 100-continue\r\n" + header + "\r\n"
		if !strings.HasPrefix(header, "Content-Length") {
			s += "Content-Length: 100\r\n"
		}
		c := r.dial()
		io.WriteString(c, s+"\r\n")
		if res, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || res.StatusCode != status || !res.Close {
			t.Errorf("%s: %v %v", header, res, err)
		}
		c.Close()
	}
}
