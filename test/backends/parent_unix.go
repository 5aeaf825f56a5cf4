//go:build unix && !linux

package backends

import "syscall"

// withParent gives a server a process group of its own. Only Linux can tie a process to its parent.
func withParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
