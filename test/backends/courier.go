package backends

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Courier starts Courier's IMAP server behind a login of our own: the real one has its user database and its sockets at
// fixed places, so only one could run. Separator ".", prefix "INBOX.", other users below "#shared.". Any user may log in with
// Password(user). Of the options it has Quota only.
func Courier(t testing.TB, o Options) *Server {
	t.Helper()
	imapd := unpacked(t, "courier", "/usr/bin/imapd")
	c := &courier{imapd: imapd, dir: privateDir(t, "courier"), options: o}
	s := &Server{Name: "courier", backend: c}
	if err := c.prepare(); err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	err := onFreePorts(1, func(ports []int) error {
		c.addr = "127.0.0.1:" + strconv.Itoa(ports[0])
		return c.start()
	}, c.log)
	if err != nil {
		t.Fatalf("%s: %v\n%s", s.Name, err, c.log())
	}
	s.Addr = c.addr
	s.watch(t)
	return s
}

type courier struct {
	imapd, dir, addr string
	options          Options
	uid, gid         int // owner of the mail

	mu       sync.Mutex // guards what follows
	known    map[string]bool
	listener net.Listener // nil while stopped
	done     chan struct{}
	conns    map[net.Conn]bool      // before a login
	running  map[*exec.Cmd]struct{} // one process a session
}

func (c *courier) prepare() error {
	c.uid, c.gid = os.Getuid(), os.Getgid()
	if c.uid == 0 {
		c.uid, c.gid = 8, 8
	}
	c.known = map[string]bool{}
	if err := os.Mkdir(filepath.Join(c.dir, "mail"), 0o755); err != nil {
		return err
	}
	for _, user := range Users {
		c.addUser(user)
	}
	return c.makeHome(Users[0]) // now, so that what is wrong shows at the start
}

func (c *courier) home(user string) string { return filepath.Join(c.dir, "mail", user) }

// addUser enters a user in the index of those who may share. Courier reads it at every login.
func (c *courier) addUser(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[name] = true
	var index strings.Builder
	for user := range c.known {
		fmt.Fprintf(&index, "%s\t%d\t%d\t%s\n", user, c.uid, c.gid, c.home(user))
	}
	file := filepath.Join(c.dir, "shared-index")
	if err := os.WriteFile(file+".new", []byte(index.String()), 0o644); err != nil {
		panic(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		panic(err)
	}
}

// makeHome makes the Maildir of a user who has none.
func (c *courier) makeHome(user string) error {
	for _, name := range []string{"", "Maildir", "Maildir/cur", "Maildir/new", "Maildir/tmp"} {
		path := filepath.Join(c.home(user), name)
		if err := os.Mkdir(path, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
		if os.Getuid() == 0 {
			if err := os.Chown(path, c.uid, c.gid); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *courier) start() error {
	ln, err := net.Listen("tcp", c.addr)
	if err != nil {
		c.note(err)
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listener, c.done = ln, make(chan struct{})
	c.conns, c.running = map[net.Conn]bool{}, map[*exec.Cmd]struct{}{}
	go c.serve(ln, c.done)
	return nil
}

func (c *courier) serve(ln net.Listener, done chan struct{}) {
	defer close(done)
	var open sync.WaitGroup
	defer open.Wait()
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		open.Go(func() { c.session(conn.(*net.TCPConn)) })
	}
}

// stop ends all sessions; the mail stays.
func (c *courier) stop(kill bool) error {
	c.mu.Lock()
	if c.listener == nil {
		c.mu.Unlock()
		return nil
	}
	signal := syscall.SIGTERM
	if kill {
		signal = syscall.SIGKILL
	}
	err := c.listener.Close()
	for conn := range c.conns {
		conn.Close()
	}
	for command := range c.running {
		command.Process.Signal(signal)
	}
	c.listener = nil
	done := c.done
	c.mu.Unlock()
	late := time.AfterFunc(stopPatience, func() { // as daemon.stop
		c.mu.Lock()
		defer c.mu.Unlock()
		for command := range c.running {
			command.Process.Kill()
		}
	})
	<-done
	late.Stop()
	return err
}

func (c *courier) log() string {
	text, err := os.ReadFile(filepath.Join(c.dir, "log"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err.Error()
	}
	return string(text)
}

func (c *courier) note(what any) {
	out, err := os.OpenFile(filepath.Join(c.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err == nil {
		fmt.Fprintln(out, what)
		out.Close()
	}
}

const courierCapability = "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE AUTH=PLAIN"

// session greets, takes the login, and gives the connection to a process of the real server.
func (c *courier) session(conn *net.TCPConn) {
	c.mu.Lock()
	stopped := c.listener == nil || c.options.PerAddress > 0 && len(c.conns)+len(c.running) >= c.options.PerAddress
	c.conns[conn] = true
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.conns, conn)
		c.mu.Unlock()
		conn.Close()
	}()
	if stopped {
		return
	}
	conn.SetDeadline(time.Now().Add(time.Minute))
	l := &courierLogin{conn: conn}
	user, err := l.run()
	if err != nil {
		return // gone, or logged out
	}
	conn.SetDeadline(time.Time{})
	if err := c.hand(conn, user, l.tag); err != nil {
		c.note(err)
	}
}

// hand runs the server for one user on the connection, until it ends.
func (c *courier) hand(conn *net.TCPConn, user, tag string) error {
	command, log, err := c.command(user, tag)
	if err != nil {
		return err
	}
	defer log.Close()
	socket, err := conn.File()
	if err != nil {
		return err
	}
	command.Stdin, command.Stdout = socket, socket
	c.mu.Lock()
	if c.listener == nil {
		c.mu.Unlock()
		socket.Close()
		return nil
	}
	if err = command.Start(); err == nil {
		c.running[command] = struct{}{}
		delete(c.conns, conn)
	}
	c.mu.Unlock()
	socket.Close()
	conn.Close() // the process has it now
	if err != nil {
		return err
	}
	err = command.Wait()
	c.mu.Lock()
	delete(c.running, command)
	c.mu.Unlock()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil // ended by its peer, or by us
	}
	return err
}

func (c *courier) command(user, tag string) (*exec.Cmd, *os.File, error) {
	if err := c.makeHome(user); err != nil {
		return nil, nil, err
	}
	octets, messages, err := quotaOf(c.options.Quota)
	if err != nil {
		return nil, nil, err
	}
	log, err := os.OpenFile(filepath.Join(c.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, nil, err
	}
	command := exec.Command(c.imapd, "Maildir")
	command.Dir, command.Stderr, command.SysProcAttr = c.home(user), log, withParent()
	if os.Getuid() == 0 {
		runAs(command.SysProcAttr, c.uid, c.gid)
	}
	command.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + c.home(user), "AUTHENTICATED=" + user, "AUTHADDR=" + user,
		"IMAPLOGINTAG=" + tag, "TCPREMOTEIP=127.0.0.1", "TCPREMOTEPORT=1", "PROTOCOL=IMAP", "MAILDIRPATH=Maildir",
		// The rest is as Debian ships /etc/courier/imapd, but for the bin that empties itself.
		"IMAP_CAPABILITY=" + courierCapability, "IMAP_KEYWORDS=1", "IMAP_ACL=1", "IMAP_IDLE_TIMEOUT=60",
		"IMAP_MAILBOX_SANITY_CHECK=1", "IMAP_UMASK=022", "IMAP_ULIMITD=131072", "IMAP_USELOCKS=1", "IMAP_ENHANCEDIDLE=0",
		"IMAP_TRASHFOLDERNAME=Trash", "IMAP_EMPTYTRASH=", "IMAP_SHAREDINDEXFILE=" + filepath.Join(c.dir, "shared-index"),
	}
	switch {
	case octets > 0:
		command.Env = append(command.Env, fmt.Sprintf("MAILDIRQUOTA=%dS", octets))
	case messages > 0:
		command.Env = append(command.Env, fmt.Sprintf("MAILDIRQUOTA=%dC", messages))
	}
	return command, log, nil
}

// courierLogin speaks IMAP up to the login. It reads no octet beyond: what follows is the server's.
type courierLogin struct {
	conn net.Conn
	tag  string
}

func (l *courierLogin) run() (user string, err error) {
	l.say("* OK [CAPABILITY %s] Courier-IMAP ready.", courierCapability)
	for {
		words, err := l.words()
		if err != nil {
			return "", err
		}
		if len(words) < 2 {
			l.say("* NO Error in IMAP command received by server.")
			continue
		}
		l.tag = words[0]
		password, ok := "", false
		switch verb := strings.ToUpper(words[1]); {
		case verb == "CAPABILITY":
			l.say("* CAPABILITY %s", courierCapability)
			l.say("%s OK CAPABILITY completed", l.tag)
			continue
		case verb == "NOOP":
			l.say("%s OK NOOP completed", l.tag)
			continue
		case verb == "LOGOUT":
			l.say("* BYE Courier-IMAP server shutting down")
			l.say("%s OK LOGOUT completed", l.tag)
			return "", io.EOF
		case verb == "LOGIN" && len(words) == 4:
			user, password, ok = words[2], words[3], true
		case verb == "AUTHENTICATE" && len(words) == 3 && strings.EqualFold(words[2], "PLAIN"):
			user, password, ok, err = l.plain()
			if err != nil {
				return "", err
			}
		}
		switch {
		case !ok:
			l.say("%s NO Error in IMAP command received by server.", l.tag)
		case password != Password(user) || strings.ContainsAny(user, "/\x00"):
			l.say("%s NO Login failed.", l.tag)
		default:
			return user, nil // the server itself answers the tag
		}
	}
}

// plain is AUTHENTICATE PLAIN (RFC 4616) without an initial response, which Courier does not know.
func (l *courierLogin) plain() (user, password string, ok bool, err error) {
	l.say("+ ")
	line, err := l.line()
	if err != nil {
		return "", "", false, err
	}
	text, err := base64.StdEncoding.DecodeString(string(line))
	parts := bytes.Split(text, []byte{0})
	if err != nil || len(parts) != 3 {
		return "", "", false, nil
	}
	return string(parts[1]), string(parts[2]), true, nil
}

func (l *courierLogin) say(format string, args ...any) {
	fmt.Fprintf(l.conn, format+"\r\n", args...)
}

// line reads one line, octet by octet.
func (l *courierLogin) line() ([]byte, error) {
	var line []byte
	for len(line) < 8<<10 {
		var b [1]byte
		if _, err := io.ReadFull(l.conn, b[:]); err != nil {
			return nil, err
		}
		if b[0] == '\n' {
			return bytes.TrimSuffix(line, []byte("\r")), nil
		}
		line = append(line, b[0])
	}
	return nil, bufio.ErrTooLong
}

// words reads a command: atoms, quoted strings and literals.
func (l *courierLogin) words() ([]string, error) {
	var words []string
	line, err := l.line()
	for err == nil {
		line = bytes.TrimLeft(line, " ")
		if len(line) == 0 {
			return words, nil
		}
		switch {
		case line[0] == '"':
			var word []byte
			i := 1
			for ; i < len(line) && line[i] != '"'; i++ {
				if line[i] == '\\' && i+1 < len(line) {
					i++
				}
				word = append(word, line[i])
			}
			words, line = append(words, string(word)), line[min(i+1, len(line)):]
		case line[0] == '{' && line[len(line)-1] == '}':
			n, bad := strconv.ParseUint(string(line[1:len(line)-1]), 10, 12)
			if bad != nil {
				return nil, bad
			}
			l.say("+ OK")
			word := make([]byte, n)
			if _, err := io.ReadFull(l.conn, word); err != nil {
				return nil, err
			}
			words = append(words, string(word))
			line, err = l.line()
		default:
			word, rest, _ := bytes.Cut(line, []byte(" "))
			words, line = append(words, string(word)), rest
		}
	}
	return nil, err
}
