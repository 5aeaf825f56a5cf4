package backends

import "syscall"

// withParent makes the kernel end a server whose test process was killed, by a time-out of go test for one, and gives the
// server a process group of its own.
func withParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
}
