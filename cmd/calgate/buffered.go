package main

import (
	"net"
	"sync"
	"time"
)

// maxBuffered bounds what waits in a buffered connection, in octets. It is more than the demo's largest answer.
const maxBuffered = 64 << 20

// buffered is one end of a net.Pipe whose writes do not wait for the other end to read. A socket has such a buffer in the
// kernel; without one, two ends that both write first (a client that pipelines commands, a server that answers the first)
// would wait for each other for ever.
type buffered struct {
	net.Conn
	done chan struct{} // closed when pump has ended

	mu      sync.Mutex // guards what follows
	changed *sync.Cond
	queue   []byte
	closed  bool
	err     error // of the pipe: the other end is gone
}

func newBuffered(conn net.Conn) *buffered {
	b := &buffered{Conn: conn, done: make(chan struct{})}
	b.changed = sync.NewCond(&b.mu)
	go b.pump()
	return b
}

// pump moves the queue into the pipe until the connection is closed.
func (b *buffered) pump() {
	defer close(b.done)
	for {
		b.mu.Lock()
		for len(b.queue) == 0 && !b.closed {
			b.changed.Wait()
		}
		out := b.queue
		b.queue = nil
		b.changed.Broadcast()
		b.mu.Unlock()
		if len(out) == 0 {
			return
		}
		if _, err := b.Conn.Write(out); err != nil {
			b.mu.Lock()
			b.err = err
			b.changed.Broadcast()
			b.mu.Unlock()
			return
		}
	}
}

func (b *buffered) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.queue)+len(p) > maxBuffered && len(b.queue) > 0 && b.err == nil && !b.closed {
		b.changed.Wait()
	}
	if b.closed {
		return 0, net.ErrClosed
	}
	if b.err != nil {
		return 0, b.err
	}
	b.queue = append(b.queue, p...)
	b.changed.Broadcast()
	return len(p), nil
}

// SetDeadline bounds reads only: writes do not wait.
func (b *buffered) SetDeadline(t time.Time) error { return b.Conn.SetReadDeadline(t) }

// SetWriteDeadline does nothing, for the same reason.
func (b *buffered) SetWriteDeadline(time.Time) error { return nil }

// Close drops what was not read within a moment: who closes has said BYE, and the other end may have stopped reading.
func (b *buffered) Close() error {
	b.mu.Lock()
	b.closed = true
	b.changed.Broadcast()
	b.mu.Unlock()
	if err := b.Conn.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	<-b.done
	return b.Conn.Close()
}
