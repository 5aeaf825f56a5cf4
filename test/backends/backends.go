// Package backends starts and stops the mail servers that tests talk to: real ones in a private directory, and the
// embedded store. It imports none of calgate's rooms, so that each of them may use it in its tests.
package backends

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// RequireServers names the environment variable with which ./test/run says that a missing server is a failure. It does
// not begin with CALGATE_, because calgate refuses variables of that kind that it does not know.
const RequireServers = "TEST_REQUIRE_SERVERS"

// Users are the accounts that every back end knows at start. The password of any user is Password(user).
var Users = []string{"alice", "bob", "carol", "dave.smith", "erin@example.com", "frank@example.com"}

// Password is the password of a test user.
func Password(user string) string { return "pw-" + user }

// Server is a running mail server. Its methods may be called until the test ends.
type Server struct {
	Name     string // "dovecot-maildir", "memory", …
	Addr     string // host:port, cleartext IMAP
	TLSAddr  string // host:port, implicit TLS; "" without Options.TLS
	CertFile string // PEM file of the certificate; "" without Options.TLS

	backend
	fresh    atomic.Int32
	mean     *mean  // nil: the server is what it is
	meanAddr string // where it is mean
}

// backend is what differs between servers.
type backend interface {
	start() error
	stop(kill bool) error
	addUser(name string) // for servers that must be told
	home(user string) string
	log() string
}

// URL is the address in the form that calgate serve -imap takes.
func (s *Server) URL() string {
	if s.mean != nil {
		return "imap://" + s.meanAddr
	}
	return "imap://" + s.Addr
}

// OnEach runs f on each of the real servers, with options that all of them have.
func OnEach(t *testing.T, o Options, f func(t *testing.T, s *Server)) {
	for name, start := range map[string]func(testing.TB, Options) *Server{"dovecot": Dovecot, "cyrus": Cyrus, "courier": Courier} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, start(t, o))
		})
	}
}

// User makes an account that no other test uses and returns its name and password.
func (s *Server) User() (user, password string) {
	user = fmt.Sprintf("u%03d", s.fresh.Add(1))
	s.addUser(user)
	return user, Password(user)
}

// Home is the directory with the mail of a user, "" where there is none on disk.
func (s *Server) Home(user string) string { return s.home(user) }

// Kick ends all sessions of a user on a Dovecot and waits for their end.
func (s *Server) Kick(user string) error {
	d, ok := s.backend.(*dovecot)
	if !ok {
		return fmt.Errorf("%s cannot end the sessions of one user", s.Name)
	}
	return d.kick(user)
}

// Doveadm runs an administrator's command; ok is false on a server that is no Dovecot.
func (s *Server) Doveadm(t testing.TB, args ...string) (ok bool) {
	t.Helper()
	d, ok := s.backend.(*dovecot)
	if !ok {
		return false
	}
	if out, err := d.doveadm(args...); err != nil {
		t.Fatalf("doveadm %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return true
}

// Cyradm runs commands in the shell of Cyrus' administrators and gives what it says.
func (s *Server) Cyradm(t testing.TB, commands ...string) string {
	t.Helper()
	c, ok := s.backend.(*cyrus)
	if !ok {
		t.Fatalf("%s is no Cyrus", s.Name)
	}
	if _, err := exec.LookPath("cyradm"); err != nil {
		Missing(t, "cyradm is not installed (apt-get install cyrus-admin)")
	}
	said, err := c.cyradm(commands)
	if err != nil {
		t.Fatalf("cyradm %s: %v: %s", strings.Join(commands, "; "), err, said)
	}
	return said
}

// Stop ends the server in an orderly way; its mail stays.
func (s *Server) Stop() error { return s.stop(false) }

// Kill ends the server as a crash would.
func (s *Server) Kill() error { return s.stop(true) }

// Restart stops the server, if it runs, and starts it again on the same address with the same mail.
func (s *Server) Restart() error {
	return errors.Join(s.stop(false), s.start())
}

// LogTail is the last part of the server's log.
func (s *Server) LogTail() string {
	lines := strings.Split(strings.TrimSpace(s.log()), "\n")
	return strings.Join(lines[max(0, len(lines)-60):], "\n")
}

// watch shows the log of a server whose test failed, and stops it when the test ends.
func (s *Server) watch(t testing.TB) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s log:\n%s", s.Name, s.LogTail())
		}
		if err := s.Stop(); err != nil {
			t.Errorf("stopping %s: %v", s.Name, err)
		}
	})
}

// awaitGreeting returns when an IMAP server greets at addr. It waits in the dial and in the read, never in a sleep of its
// own: a refused connection is asked again after the pause that gives way to other processes.
func awaitGreeting(addr string, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := greeting(ctx, addr)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no greeting at %s within %v: %w", addr, limit, err)
		case <-tick.C:
		}
	}
}

func greeting(ctx context.Context, addr string) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(line, "* OK") {
		return fmt.Errorf("greeting %q", line)
	}
	return nil
}

// listenSomewhere listens on a port below those that the kernel gives to anybody who asks for any: a server that is stopped
// for a while must find its port free again.
func listenSomewhere() (ln net.Listener, err error) {
	for range 100 {
		port := 10000 + rand.IntN(20000)
		if err = reserve(port); err != nil {
			continue
		}
		ln, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return ln, nil
		}
	}
	return nil, err
}

// reserved are the names that stand for ports of this process: it ends with them. Guarded by mu.
var reserved struct {
	mu    sync.Mutex
	ports []net.Listener
}

// reserve keeps a port for the rest of this process, so that no other test takes it while a mail server has not begun to
// listen, or is stopped: who waits for the one would be greeted by the other. Where no name goes without a file it does
// nothing.
func reserve(port int) error {
	if runtime.GOOS != "linux" {
		return nil
	}
	ln, err := net.Listen("unix", fmt.Sprintf("@calgate-test-port-%d", port))
	if err == nil {
		reserved.mu.Lock()
		defer reserved.mu.Unlock()
		reserved.ports = append(reserved.ports, ln)
	}
	return err
}

// left collects what a test run left out. Guarded by mu.
var left struct {
	mu    sync.Mutex
	notes []string
}

// LeaveOut notes something that this run does not test, and why; Main prints it at the end.
func LeaveOut(what string) {
	left.mu.Lock()
	defer left.mu.Unlock()
	if !slices.Contains(left.notes, what) {
		left.notes = append(left.notes, what)
	}
}

// Missing fails the test where a run must have everything (RequireServers), and else skips it and notes what is left out.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv(RequireServers) == "1" {
		t.Fatalf("%s, and %s=1 says that it must be there", what, RequireServers)
	}
	LeaveOut(what)
	t.Skip(what)
}

// Main runs the tests of a package and then says loudly what they left out. A TestMain is os.Exit(backends.Main(m)).
func Main(m *testing.M) int {
	code := m.Run()
	left.mu.Lock()
	defer left.mu.Unlock()
	if len(left.notes) == 0 {
		return code
	}
	slices.Sort(left.notes)
	text := "LEFT OUT of this test run (./test/run has everything):\n  " + strings.Join(left.notes, "\n  ") + "\n"
	fmt.Fprint(os.Stderr, text)
	if out, err := goCommandStderr(); err == nil {
		defer out.Close()
		fmt.Fprint(out, text)
	}
	return code
}

// goCommandStderr opens what the go command itself writes errors to: it throws away the output of a package whose tests
// pass, and a run that left half of the servers out must not look like a whole one.
func goCommandStderr() (io.WriteCloser, error) {
	if testing.Verbose() {
		return nil, errors.New("the go command shows our own output")
	}
	path := fmt.Sprintf("/proc/%d/fd/2", os.Getppid())
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return os.OpenFile("/dev/tty", os.O_WRONLY, 0)
	}
	return out, nil
}
