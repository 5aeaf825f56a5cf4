//go:build unix

package backends

import "syscall"

// runAs makes a process one of another user.
func runAs(a *syscall.SysProcAttr, uid, gid int) {
	a.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// send sends a signal to a process or, by a negative number, to a process group; signal 0 only asks whether there is one.
func send(pid int, signal syscall.Signal) error { return syscall.Kill(pid, signal) }
