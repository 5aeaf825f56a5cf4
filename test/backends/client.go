package backends

import (
	"context"
	"net"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"
)

// Patience is how long a test waits for what must come: longer than anything takes on a busy machine, and short enough that
// the test which waits in vain is the one that fails.
const Patience = 3 * time.Minute

// Command is a program that comes to its end by itself: after Patience it is killed, and what it has left running is not
// waited for.
func Command(t testing.TB, name string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	t.Cleanup(cancel)
	command := exec.CommandContext(ctx, name, args...)
	command.WaitDelay = 10 * time.Second
	return command
}

// Dial connects as a mail program does, in cleartext. The library waits for ever for a server that says nothing: a connection
// on which neither side has said a word for Patience ends.
func Dial(addr string) (*imapclient.Client, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return imapclient.New(newMortal(conn, Patience), nil), nil
}

// mortal is a connection that ends by silence.
type mortal struct {
	net.Conn
	limit time.Duration

	mu    sync.Mutex  // guards what follows
	timer *time.Timer // nil: closed
}

func newMortal(conn net.Conn, limit time.Duration) *mortal {
	return &mortal{Conn: conn, limit: limit, timer: time.AfterFunc(limit, func() { conn.Close() })}
}

func (c *mortal) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.lives()
	return n, err
}

func (c *mortal) Write(b []byte) (int, error) {
	c.lives()
	return c.Conn.Write(b)
}

func (c *mortal) lives() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Reset(c.limit)
	}
}

func (c *mortal) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	return c.Conn.Close()
}
