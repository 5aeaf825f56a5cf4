package imapstore_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"calgate/imapstore"
)

// heldConn counts the octets that are written before anything is read.
type heldConn struct {
	net.Conn
	mu         sync.Mutex // guards what follows
	held, most int
}

func (c *heldConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.held += len(b)
	c.most = max(c.most, c.held)
	c.mu.Unlock()
	return c.Conn.Write(b)
}

func (c *heldConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	c.held = 0
	c.mu.Unlock()
	return n, err
}

// What is asked of many mailboxes or identifiers goes out in parts that the buffers on the way hold: both sides would wait for
// ever if each of them wrote and none read.
func TestLongPipeline(t *testing.T) {
	const most = 32 << 10
	quick := func(x *fakeConn, tag, _ string) bool { // not octet by octet
		_, err := io.WriteString(x, tag+" OK\r\n")
		return err == nil
	}
	f := &fake{caps: "NAMESPACE ACL RIGHTS=texkn QUOTA", answers: fakeAnswers{
		"NAMESPACE": say(overviewSpaces), "STATUS": quick, "GETACL": quick, "LISTRIGHTS": quick, "GETQUOTAROOT": quick,
	}}
	ln, err := net.Listen("tcp", "127.0.0.1:0") // net.Pipe has no buffer at all
	if err != nil {
		t.Fatal(err)
	}
	var conn *heldConn
	var served sync.WaitGroup
	t.Cleanup(served.Wait) // the store is closed by then
	store := f.store(t, func(o *imapstore.Options) {
		o.Dial = func(ctx context.Context) (net.Conn, error) {
			served.Go(func() {
				if theirs, err := ln.Accept(); err == nil {
					f.serve(theirs, 0)
				}
			})
			ours, err := new(net.Dialer).DialContext(ctx, "tcp", ln.Addr().String())
			conn = &heldConn{Conn: ours}
			return conn, err
		}
	})
	defer ln.Close()
	s := fakeLogin(t, store)
	own, others, users := make([]string, 400), make([]string, 400), make([]imapstore.Identifier, 400)
	for i := range own {
		own[i] = fmt.Sprintf("%d%s", i, strings.Repeat("x", 200))
		others[i], users[i] = "~bob/"+own[i], imapstore.Identifier{Name: own[i]}
	}
	for _, ask := range []struct {
		command string
		do      func() error
	}{
		{"STATUS ", func() error { there, err := s.Present(t.Context(), others); return short(len(there), err) }},
		{"GETACL ", func() error { _, err := s.ACLs(t.Context(), own); return err }},
		{"LISTRIGHTS ", func() error { got, err := s.ListRights(t.Context(), "Box", users); return short(len(got), err) }},
		{"GETQUOTAROOT ", func() error { _, err := s.Quotas(t.Context(), own); return err }},
	} {
		before := len(f.commands())
		conn.most = 0
		if err := ask.do(); err != nil {
			t.Errorf("%s: %v", ask.command, err)
		}
		n := 0
		for _, command := range f.commands()[before:] {
			if strings.HasPrefix(command, ask.command) {
				n++
			}
		}
		if n != len(own) {
			t.Errorf("%s: %d commands, want %d", ask.command, n, len(own))
		}
		if conn.most > most {
			t.Errorf("%s: %d octets before an answer was read, want at most %d", ask.command, conn.most, most)
		}
	}
	long := "Box" + strings.Repeat("x", most) // goes out all the same
	if _, err := s.ACLs(t.Context(), []string{"Box", long, "Box"}); err != nil {
		t.Error(err)
	}
}

// short is an error where there are not all of 400 answers.
func short(n int, err error) error {
	if err == nil && n != 400 {
		err = fmt.Errorf("%d answers", n)
	}
	return err
}
