//go:build !linux

package backends

import "syscall"

// withParent: only Linux can tie a process to its parent.
func withParent() *syscall.SysProcAttr { return nil }
