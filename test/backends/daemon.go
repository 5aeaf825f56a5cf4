package backends

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// ServersDir names the environment variable with the directory where ./test/run unpacks the servers that Debian does not
// install beside Dovecot: its packages of IMAP servers exclude each other, the files in them do not.
const ServersDir = "TEST_SERVERS_DIR"

// unpacked finds a program of a server that ./test/run unpacked, or that is installed in the usual way.
func unpacked(t testing.TB, server, path string) string {
	t.Helper()
	dir := os.Getenv(ServersDir)
	if dir == "" {
		dir = "/var/cache/calgate-test"
	}
	for _, file := range []string{filepath.Join(dir, server, path), path} {
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	Missing(t, fmt.Sprintf("the server %s is neither in %s nor installed", server, dir))
	return ""
}

// privateDir makes the directory of a server, removed when the test ends. Not t.TempDir: a long test name makes the paths
// of sockets longer than the kernel takes.
func privateDir(t testing.TB, server string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "calgate-"+server+"-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // servers run as users of their own
		t.Fatal(err)
	}
	return dir
}

// stopPatience is how long a server may take to end.
const stopPatience = 20 * time.Second

// daemon is a server process in the foreground.
type daemon struct {
	mu      sync.Mutex
	command *exec.Cmd // nil while stopped; guarded by mu
}

// launch starts the process with its output appended to a log file. It leads a process group of its own: some servers send
// signals to their whole group.
func (d *daemon) launch(command *exec.Cmd, log string) error {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	command.Stdout, command.Stderr = out, out
	if command.SysProcAttr == nil {
		command.SysProcAttr = withParent()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := command.Start(); err != nil {
		return err
	}
	d.command = command
	return nil
}

// stop ends the process, and where it is killed its children too. One that does not end in its own way is killed: a server
// that hangs at its end is no fault of who uses it.
func (d *daemon) stop(kill bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.command == nil {
		return nil
	}
	process := d.command.Process.Pid
	pid, signal := process, syscall.SIGTERM
	if kill {
		pid, signal = -pid, syscall.SIGKILL
	}
	if err := send(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	late := time.AfterFunc(stopPatience, func() { _ = send(-process, syscall.SIGKILL) })
	err := d.command.Wait()
	late.Stop()
	d.command = nil
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(Patience); kill && send(pid, 0) == nil; <-tick.C { // a child that is not gone yet still has the port
		if time.Now().After(end) {
			return fmt.Errorf("the children of process %d do not end", process)
		}
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil // ended by our signal
	}
	return err
}

// onFreePorts runs start with n ports that nobody has, and with others if somebody was quicker to take them.
func onFreePorts(n int, start func(ports []int) error, log func() string) error {
	var err error
	for range 5 {
		ports := make([]int, n)
		for i := range ports {
			if ports[i], err = freePort(); err != nil {
				return err
			}
		}
		if err = start(ports); err == nil || !strings.Contains(strings.ToLower(log()), "address already in use") {
			return err
		}
	}
	return err
}

func freePort() (int, error) {
	ln, err := listenSomewhere()
	if err != nil {
		return 0, err
	}
	return ln.Addr().(*net.TCPAddr).Port, ln.Close()
}
