//go:build !unix

package backends

import (
	"errors"
	"syscall"
)

// No server but the embedded store, which is no process, runs here: this is for the compiler.

func withParent() *syscall.SysProcAttr          { return nil }
func runAs(*syscall.SysProcAttr, int, int)      {}
func send(pid int, signal syscall.Signal) error { return errors.ErrUnsupported }
