package faulty

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
)

var errCut = errors.New("cut on demand")

// passage is one connection through the proxy.
type passage struct {
	p              *Proxy
	client, server net.Conn

	mu      sync.Mutex // guards what follows
	tag     string     // of the command that passes, or of the one whose answer is awaited
	waiting chan bool  // true: the server asks for the literal; false: it has refused the command
	lose    *Fault     // Answered: the answer to tag is where it happens
	stalled bool
}

func (w *passage) held() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stalled
}

// commands passes what the client says.
func (w *passage) commands() error {
	br := reader(w.client)
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			return err
		}
		tag, command, tagged := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		if !tagged { // an answer in an AUTHENTICATE, DONE of an IDLE
			if _, err := io.WriteString(w.server, line); err != nil {
				return err
			}
			continue
		}
		f := w.p.hit(command)
		if f != nil && f.At == Before && f.Refuse != "" {
			if err := w.refuseCommand(br, tag, line, f); err != nil {
				return err
			}
			continue
		}
		if f != nil && f.At == Before {
			return w.cut(f)
		}
		if f != nil && f.At == Late {
			return w.hold(br, line, f)
		}
		if err := w.command(br, tag, line, f); err != nil {
			return err
		}
	}
}

// refuseCommand answers a command in the server's place.
func (w *passage) refuseCommand(br *bufio.Reader, tag, line string, f *Fault) error {
	for {
		n, wait, ok := literal(line)
		if !ok || wait {
			break
		}
		if _, err := io.CopyN(io.Discard, br, n); err != nil {
			return err
		}
		var err error
		if line, err = br.ReadString('\n'); err != nil {
			return err
		}
	}
	w.p.fire(f)
	_, err := io.WriteString(w.client, tag+" "+f.Refuse+"\r\n")
	return err
}

// hold takes a command in, cuts the program's connection, and gives it to the server later: what was on its way in buffers of
// a network or of the server when the program gave up.
func (w *passage) hold(br *bufio.Reader, line string, f *Fault) error {
	held := []byte(line)
	for {
		n, wait, ok := literal(line)
		if !ok {
			break
		}
		if wait { // the server asks for it when the command comes
			if _, err := io.WriteString(w.client, "+ go on\r\n"); err != nil {
				return err
			}
		}
		at := len(held)
		held = append(held, make([]byte, n)...)
		if _, err := io.ReadFull(br, held[at:]); err != nil {
			return err
		}
		var err error
		if line, err = br.ReadString('\n'); err != nil {
			return err
		}
		held = append(held, line...)
	}
	w.p.fire(f)
	w.client.Close()
	<-f.deliver
	if _, err := w.server.Write(held); err != nil {
		return err
	}
	if t, ok := w.server.(*net.TCPConn); ok {
		t.CloseWrite()
	}
	return errCut
}

// command passes one command whose first line has been read.
func (w *passage) command(br *bufio.Reader, tag, line string, f *Fault) error {
	w.mu.Lock()
	w.tag = tag
	w.mu.Unlock()
	for count := 1; ; count++ {
		n, wait, ok := literal(line)
		if !ok {
			if f != nil && f.At == Answered {
				w.mu.Lock()
				w.lose = f
				w.mu.Unlock()
			}
			if _, err := io.WriteString(w.server, line); err != nil {
				return err
			}
			if f != nil && f.At != Answered { // AfterSent, or a point in a literal that there was not
				return w.cut(f)
			}
			return nil
		}
		asked := w.expect(wait)
		if _, err := io.WriteString(w.server, line); err != nil {
			return err
		}
		if wait && !<-asked {
			return nil
		}
		pass, breaks := n, f != nil && (f.At == InLiteral || f.At == AllButOne) && count == max(f.Literal, 1)
		if breaks {
			pass = f.within(n)
		}
		if _, err := io.CopyN(w.server, br, pass); err != nil {
			return err
		}
		if breaks && !f.Pause {
			return w.cut(f)
		}
		if breaks {
			w.p.fire(f)
			f = nil
			if _, err := io.CopyN(w.server, br, n-pass); err != nil {
				return err
			}
		}
		var err error
		if line, err = br.ReadString('\n'); err != nil {
			return err
		}
	}
}

// within is how many octets of a literal of n pass.
func (f *Fault) within(n int64) int64 {
	k := int64(f.Offset)
	switch {
	case f.At == AllButOne:
		k = n - 1
	case k == 0:
		k = n / 2
	case k < 0:
		k += n
	}
	return max(0, min(k, n))
}

// expect prepares for the answer to a synchronising literal.
func (w *passage) expect(wait bool) chan bool {
	if !wait {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = make(chan bool, 1)
	return w.waiting
}

// cut ends the connection, or lets it stall. What was passed reaches the server: its side is closed by FIN, not by a reset.
func (w *passage) cut(f *Fault) error {
	w.mu.Lock()
	w.stalled = f.Stall
	w.mu.Unlock()
	if !f.Stall {
		w.client.Close()
		if t, ok := w.server.(*net.TCPConn); ok {
			t.CloseWrite()
		}
	}
	w.p.fire(f)
	return errCut
}

// answers passes what the server says. A whole response is read before any of it is passed.
func (w *passage) answers() {
	br := reader(w.server)
	defer w.refuse()
	for {
		var response []byte
		for {
			line, err := br.ReadBytes('\n')
			if err != nil {
				return
			}
			response = append(response, line...)
			n, _, ok := literal(string(line))
			if !ok || !strings.HasPrefix(string(response), "* ") || n > 64<<20 {
				break
			}
			at := len(response)
			response = append(response, make([]byte, n)...)
			if _, err := io.ReadFull(br, response[at:]); err != nil {
				return
			}
		}
		if !w.answer(string(response[:min(len(response), 100)])) {
			continue
		}
		if _, err := w.client.Write(response); err != nil {
			continue // the server goes on until it sees the end of its input
		}
	}
}

// answer notes what a response means for the command that passes, and says whether it is passed on.
func (w *passage) answer(head string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stalled {
		return false
	}
	tag, _, _ := strings.Cut(head, " ")
	if w.waiting != nil && (strings.HasPrefix(head, "+") || tag == w.tag) {
		w.waiting <- strings.HasPrefix(head, "+")
		w.waiting = nil
	}
	if w.lose == nil || tag == "+" { // the server has not done it yet
		return true
	}
	if tag != w.tag {
		return false
	}
	f := w.lose
	w.lose = nil
	w.stalled = true // nothing more passes
	if !f.Stall {
		w.client.Close()
	}
	w.p.fire(f)
	return false
}

// refuse frees a command that waits for a server which is gone.
func (w *passage) refuse() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting != nil {
		w.waiting <- false
		w.waiting = nil
	}
}
