// Package faulty is a wire that fails on demand: a proxy between a program under test and an IMAP server that reads the
// commands that pass, and cuts or stalls the connection at a chosen octet of a chosen command.
//
//	p := faulty.New(t, server.Addr)            // the program talks to p.Addr
//	p.Set(faulty.Fault{At: faulty.InLiteral, Command: "^APPEND", N: 2})
//	… the second APPEND from now on breaks in the middle of its message …
//	p.Await(t)
//
// It speaks cleartext IMAP with synchronising and other literals, and knows no more of the protocol than it needs to find
// commands.
package faulty

import (
	"bufio"
	"errors"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Point is where in a command the fault is.
type Point int

// The points, in the order in which a command passes them.
const (
	Before    Point = iota // no octet of the command reaches the server
	InLiteral              // Offset octets of one of its literals do
	AllButOne              // all of one of its literals but the last octet does
	AfterSent              // all of the command does; the connection is cut at once
	Answered               // the server has done it and answered; the answer is lost
	Late                   // the program's connection is cut, and the server is sent the command only when Deliver is called
)

// Fault says what goes wrong, once.
type Fault struct {
	At      Point
	Command string // regular expression over a command without its tag, up to its first literal: "^APPEND", "^UID STORE .*Deleted"
	N       int    // the n-th that matches, counted over all connections since Set; 0 means 1
	Offset  int    // for InLiteral; 0 means half of the literal, negative counts from its end
	Literal int    // for InLiteral and AllButOne: which one of the command; 0 means the first
	Stall   bool   // stop passing anything, both ways, and keep the connections open until the program closes its own
	Refuse  string // at Before: the server never sees the command, and the program is told this: "NO System I/O error"
	Pause   bool   // at InLiteral and AllButOne: nothing is cut, the rest passes when Do has returned
	Do      func() // run at the point, before the cut: kill the program, restart the server

	deliver chan struct{} // Late: closed when the server is to be sent the command

	fired chan struct{} // closed when it has happened; another one may be armed by then
}

// Proxy is such a wire.
type Proxy struct {
	Addr string // host:port

	target string
	ln     net.Listener
	wg     sync.WaitGroup

	mu       sync.Mutex // guards what follows
	fault    *Fault
	match    *regexp.Regexp
	left     int
	fired    chan struct{}
	late     []chan struct{} // of the faults that were set since Deliver
	commands []string
	conns    map[net.Conn]bool
	closed   bool
}

// New starts a proxy to target, host:port. It ends with the test.
func New(t testing.TB, target string) *Proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: ln.Addr().String(), target: target, ln: ln, fired: make(chan struct{}), conns: map[net.Conn]bool{}}
	p.wg.Add(1)
	go p.accept()
	t.Cleanup(p.Close)
	return p
}

// URL is the address in the form that calgate serve -imap takes.
func (p *Proxy) URL() string { return "imap://" + p.Addr }

// Set arms a fault in the place of any other. Connections that are open already are subject to it.
func (p *Proxy) Set(f Fault) {
	m := regexp.MustCompile(f.Command)
	p.mu.Lock()
	defer p.mu.Unlock()
	f.fired, f.deliver = make(chan struct{}), make(chan struct{})
	p.fault, p.match, p.left, p.fired, p.late = &f, m, max(f.N, 1), f.fired, append(p.late, f.deliver)
}

// Deliver sends the server what Late faults held back.
func (p *Proxy) Deliver() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.late {
		close(c)
	}
	p.late = nil
}

// Clear disarms.
func (p *Proxy) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = nil
}

// Fired is closed when the fault of the last Set has happened.
func (p *Proxy) Fired() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fired
}

// Await waits until the fault of the last Set has happened; the test ends where it does not.
func (p *Proxy) Await(t testing.TB) {
	t.Helper()
	select {
	case <-p.Fired():
	case <-time.After(patience):
		t.Fatalf("the wire was to break, and did not in %v; what passed: %q", patience, p.Commands())
	}
}

const patience = time.Minute // more than any gateway tries for

// Commands are the commands that began to pass since the proxy started or Forget was called, without their tags. Of a login
// only the name of the command is kept.
func (p *Proxy) Commands() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.commands)
}

// Forget empties the list of commands.
func (p *Proxy) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commands = nil
}

// CutAll cuts every connection now, as a restart of the server or of a firewall would.
func (p *Proxy) CutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

// Close ends the proxy and all its connections, and waits for them.
func (p *Proxy) Close() {
	p.ln.Close()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.CutAll()
	p.Deliver() // to nobody: the connections are cut
	p.wg.Wait()
}

func (p *Proxy) accept() {
	defer p.wg.Done()
	for {
		c, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.wg.Add(1)
		go func() {
			defer p.wg.Done()
			p.serve(c)
		}()
	}
}

// keep registers a connection; false when the proxy has been closed.
func (p *Proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[c] = true
	return !p.closed
}

func (p *Proxy) drop(c net.Conn) {
	c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

func (p *Proxy) serve(client net.Conn) {
	defer p.drop(client)
	server, err := net.DialTimeout("tcp", p.target, 5*time.Second)
	if err != nil || !p.keep(client) || !p.keep(server) {
		return
	}
	defer p.drop(server)
	w := &passage{p: p, client: client, server: server}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.answers()
		client.Close()
	}()
	err = w.commands()
	switch {
	case w.held(): // the stall lasts as long as the program bears it
		io.Copy(io.Discard, client)
	case errors.Is(err, errCut): // the server reads to the end, and closes: a reset could overtake what was passed
		<-done
	}
	server.Close()
	<-done
}

// hit says whether the armed fault is to happen at this command, and disarms it if so.
func (p *Proxy) hit(command string) *Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	name, _, _ := strings.Cut(command, " ")
	switch strings.ToUpper(name) {
	case "LOGIN", "AUTHENTICATE":
		p.commands = append(p.commands, strings.ToUpper(name))
	default:
		p.commands = append(p.commands, command)
	}
	if p.fault == nil || !p.match.MatchString(command) {
		return nil
	}
	if p.left--; p.left > 0 {
		return nil
	}
	f := p.fault
	p.fault = nil
	return f
}

// fire reports the fault.
func (p *Proxy) fire(f *Fault) {
	if f.Do != nil {
		f.Do()
	}
	close(f.fired)
}

// literal reads the {n} or {n+} at the end of a line.
func literal(line string) (n int64, wait, ok bool) {
	line = strings.TrimRight(line, "\r\n")
	if !strings.HasSuffix(line, "}") {
		return 0, false, false
	}
	open := strings.LastIndexByte(line, '{')
	if open < 0 {
		return 0, false, false
	}
	digits, plus := strings.CutSuffix(line[open+1:len(line)-1], "+")
	n, err := strconv.ParseInt(digits, 10, 63)
	return n, !plus, err == nil && n >= 0
}

func reader(c net.Conn) *bufio.Reader { return bufio.NewReaderSize(c, 64<<10) }
