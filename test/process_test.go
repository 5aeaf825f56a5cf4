package test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"calgate/test/backends"
)

// binary builds calgate once a test run; racing too, with the race detector if the tests have it.
var (
	binary = sync.OnceValues(func() (string, error) { return build("calgate") })
	racing = sync.OnceValues(func() (string, error) {
		if !raceDetector {
			return binary()
		}
		return build("calgate-race", "-race")
	})
)

func build(name string, flags ...string) (string, error) {
	dir, err := makeBinaryDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	out, err := exec.Command("go", append(append([]string{"build"}, flags...), "-o", path, "calgate/cmd/calgate")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
}

var makeBinaryDir = sync.OnceValues(func() (dir string, err error) {
	binaryDir, err = os.MkdirTemp("", "calgate-binary-")
	return binaryDir, err
})

// binaryDir is what TestMain removes.
var binaryDir string

// process is a calgate that runs as system administrators run it.
type process struct {
	t       testing.TB
	command *exec.Cmd
	log     *watchedLog
	url     string // http://host:port
	tls     string // https://host:port, "" without a certificate
	ended   bool
}

// startProcess runs calgate with these arguments and waits for its start-up line.
func startProcess(t testing.TB, args ...string) *process {
	t.Helper()
	return startBuilt(t, binary, args...)
}

// startBuilt does it with one of the ways to build it.
func startBuilt(t testing.TB, built func() (string, error), args ...string) *process {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, command: exec.Command(path, args...), log: newWatchedLog()}
	p.command.Stdout, p.command.Stderr = p.log, p.log
	p.command.Env = append(os.Environ(), "GODEBUG=gctrace=1") // for peakHeap
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !p.ended {
			p.end(syscall.SIGTERM)
		}
		if t.Failed() {
			t.Logf("calgate said:\n%s", regexp.MustCompile(`(?m)^gc .*\n`).ReplaceAllString(p.log.String(), ""))
		}
	})
	p.url = "http://" + p.await(`http=(127\.0\.0\.1:\d+)`)
	if strings.Contains(strings.Join(args, " "), "-tls-cert") {
		p.tls = "https://" + p.await(`https=(\S+)`)
	}
	return p
}

// serve runs calgate serve before a mail store.
func serve(t testing.TB, b *backends.Server, args ...string) *process {
	t.Helper()
	return startProcess(t, append([]string{"serve", "-imap", b.URL(), "-listen", "127.0.0.1:0"}, args...)...)
}

// await returns the first group of the expression as soon as the log holds it.
func (p *process) await(expression string) string {
	p.t.Helper()
	found, ok := p.log.await(regexp.MustCompile(expression), 30*time.Second)
	if !ok {
		p.end(syscall.SIGKILL)
		p.t.Fatalf("calgate did not say %s:\n%s", expression, p.log.String())
	}
	return found
}

// collected is a collection: the heap at its begin, at its end, and what of that is live, in MB.
var collected = regexp.MustCompile(`(?m)^gc \d+ .* \d+->(\d+)->(\d+) MB`)

// peakHeap is the largest heap, in MB, at the end of a collection: garbage and all, as it grows up to there, and what of it was
// live. since is how many collections are left out.
func (p *process) peakHeap(since int) (peak, live int) {
	for _, m := range p.collections()[since:] {
		n, _ := strconv.Atoi(m[1])
		peak = max(peak, n)
		n, _ = strconv.Atoi(m[2])
		live = max(live, n)
	}
	return peak, live
}

func (p *process) collections() [][]string {
	return collected.FindAllStringSubmatch(p.log.String(), -1)
}

// end sends a signal and returns the exit status. A process that does not end says why, in its log: where its goroutines are.
func (p *process) end(signal syscall.Signal) int {
	p.t.Helper()
	p.ended = true
	if err := p.command.Process.Signal(signal); err != nil {
		p.t.Errorf("signal: %v", err)
	}
	late := time.AfterFunc(backends.Patience, func() { _ = p.command.Process.Signal(syscall.SIGQUIT) })
	_ = p.command.Wait() // its exit status says it
	if !late.Stop() {
		p.t.Errorf("calgate did not end by %v", signal)
	}
	return p.command.ProcessState.ExitCode()
}

// watchedLog keeps what a process writes and wakes who waits for a line.
type watchedLog struct {
	mu      sync.Mutex // guards what follows
	text    bytes.Buffer
	changed chan struct{} // closed and renewed at each write
}

func newWatchedLog() *watchedLog { return &watchedLog{changed: make(chan struct{})} }

func (l *watchedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
	return l.text.Write(p)
}

func (l *watchedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *watchedLog) await(expression *regexp.Regexp, limit time.Duration) (string, bool) {
	expired := time.After(limit)
	for {
		l.mu.Lock()
		found := expression.FindStringSubmatch(l.text.String())
		changed := l.changed
		l.mu.Unlock()
		if found != nil {
			return found[1], true
		}
		select {
		case <-changed:
		case <-expired:
			return "", false
		}
	}
}

// converse starts a program that answers each line with one, and ends it with the test.
func converse(t *testing.T, command *exec.Cmd) (ask func(line string) (answer string, err error)) {
	t.Helper()
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = command.Wait() // what it got wrong, an answer has shown
	})
	answers := bufio.NewReader(out)
	return func(line string) (string, error) {
		late := time.AfterFunc(backends.Patience, func() { _ = command.Process.Kill() })
		defer late.Stop()
		if _, err := io.WriteString(in, line+"\n"); err != nil {
			return "", err
		}
		return answers.ReadString('\n')
	}
}

// drawn is what input is drawn from that other programs judge too: the same at each run, but with -long, as there may be
// faults of theirs that nobody has found yet.
func drawn() (seed uint64, r *rand.Rand) {
	seed = 1
	if os.Getenv("TEST_LONG") != "" {
		seed = uint64(time.Now().UnixNano())
	}
	return seed, rand.New(rand.NewPCG(seed, 0))
}

// TestServeProcess: the start-up line, the access line, no secret in the log, and SIGTERM, as a system administrator sees
// them.
func TestServeProcess(t *testing.T) {
	t.Parallel()
	b := backends.Memory(t)
	p := serve(t, b)
	request, err := http.NewRequest("OPTIONS", p.url+"/CalDAV/", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth("alice", backends.Password("alice"))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	if answer.StatusCode/100 != 2 || !strings.HasPrefix(answer.Header.Get("DAV"), "1") {
		t.Errorf("OPTIONS: %s, DAV: %q", answer.Status, answer.Header.Get("DAV"))
	}
	p.await(`(method=OPTIONS .*user=alice)`)
	http.DefaultClient.CloseIdleConnections()
	if err := p.command.Process.Signal(syscall.SIGHUP); err != nil { // without a certificate there is nothing to renew
		t.Fatal(err)
	}
	if code := p.end(syscall.SIGTERM); code != 0 {
		t.Errorf("exit status %d after SIGTERM", code)
	}
	for _, want := range []string{b.Addr, "imap_security=cleartext", "version="} {
		if !strings.Contains(p.log.String(), want) {
			t.Errorf("the start-up line does not hold %s", want)
		}
	}
	if strings.Contains(p.log.String(), backends.Password("alice")) {
		t.Error("the log holds a password")
	}
}

// TestServeOptions: who and what the configuration leaves out is out.
func TestServeOptions(t *testing.T) {
	t.Parallel()
	b := backends.Memory(t)
	p := serve(t, b, "-allow", "u*", "-allow", "carol", "-deny", "c*", "-realms", "publish,publish-delete", "-delete-scope", "uploaded-kinds")
	user, password := b.User()
	allowed := &crashClient{user, password, strings.TrimPrefix(p.url, "http://")}
	for name, status := range map[string]int{"alice": 403, "carol": 403, user: 404} {
		c := &crashClient{name, backends.Password(name), allowed.gateway}
		if a := c.ask(request{"OPTIONS", "/CalDAV/", nil, ""}); a.status != status {
			t.Errorf("%s: %d, want %d", name, a.status, status)
		}
	}
	task := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VTODO\r\nUID:t\r\nDTSTAMP:20261125T090000Z\r\nEND:VTODO\r\nEND:VCALENDAR\r\n"
	for _, body := range []string{task, feedOf(feedBefore), feedOf(feedAfter)} {
		allowed.must(t, request{"PUT", "/CalendarDataDel/Calendar.ics", nil, body})
	}
	if a := allowed.ask(request{"GET", "/CalendarData/Calendar.ics", nil, ""}); !strings.Contains(a.body, "BEGIN:VTODO") {
		t.Errorf("with -delete-scope uploaded-kinds events took a task away: %d %s", a.status, a.body)
	}
	if a := allowed.ask(request{"DELETE", "/CalendarData/Calendar.ics", nil, ""}); a.status != 403 {
		t.Errorf("DELETE of a feed without unpublish: %d", a.status)
	}
}

// TestMailServerAway: a mail server that is away, at the start or later, makes requests answer 503, with Retry-After, and
// ends nothing.
func TestMailServerAway(t *testing.T) {
	t.Parallel()
	b := backends.Memory(t)
	if err := b.Stop(); err != nil {
		t.Fatal(err)
	}
	p := serve(t, b)
	ask := func(want int) {
		t.Helper()
		request, err := http.NewRequest("PROPFIND", p.url+"/CalDAV/", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Depth", "1")
		request.SetBasicAuth("alice", backends.Password("alice"))
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("PROPFIND: %s, want %d", answer.Status, want)
		}
		if want == 503 && answer.Header.Get("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
	}
	ask(503)
	if err := b.Restart(); err != nil {
		t.Fatal(err)
	}
	ask(207)
	if err := b.Restart(); err != nil { // the pooled session is gone; nobody notices
		t.Fatal(err)
	}
	ask(207)
	if err := b.Stop(); err != nil {
		t.Fatal(err)
	}
	ask(503)
}

// TestDemoProcess: the demo prints its addresses and serves its samples.
func TestDemoProcess(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, command: exec.Command(path, "demo", "-listen", "127.0.0.1:0"), log: newWatchedLog()}
	p.command.Stdout, p.command.Stderr = p.log, p.log
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	p.url = p.await(`location\s+(http://\S+)/`)
	for name, want := range map[string]string{"Calendar/standup": "RRULE:FREQ=WEEKLY", "Calendar/planning": "DTSTART;TZID=Europe/Berlin:", "Calendar/fair": "VALUE=DATE", "Tasks/milk": "VTODO"} {
		request, err := http.NewRequest("GET", p.url+"/CalDAV/"+name+".ics", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.SetBasicAuth("demo", "demo")
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != 200 || !strings.Contains(string(body), want) {
			t.Errorf("%s: %s %v %s", name, answer.Status, err, body)
		}
	}
	for _, want := range []string{"Nothing is kept", "Apple Calendar", "DAVx5", "curl"} {
		if !strings.Contains(p.log.String(), want) {
			t.Errorf("the demo does not say %q", want)
		}
	}
	if code := p.end(syscall.SIGTERM); code != 0 {
		t.Errorf("exit status %d after SIGTERM", code)
	}
}
