package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"calgate/test/backends"
)

// The password is asked for on the terminal, which does not show it, and shows again what is typed after that.
func TestPasswordOnTerminal(t *testing.T) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		backends.Missing(t, fmt.Sprintf("the password on a terminal: %v", err))
	}
	defer master.Close()
	var lock, n int32
	terminalControl(t, master, syscall.TIOCSPTLCK, unsafe.Pointer(&lock))
	terminalControl(t, master, syscall.TIOCGPTN, unsafe.Pointer(&n))
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()

	b := backends.Memory(t)
	var out, prompt strings.Builder
	done := make(chan error, 1)
	go func() {
		done <- run(t.Context(), []string{"check", "-imap", b.URL(), "-user", "alice"}, terminal, &out, &prompt)
	}()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for limit := time.After(20 * time.Second); echoes(t, master); {
		select {
		case <-tick.C:
		case err := <-done:
			t.Fatalf("check did not ask: %v", err)
		case <-limit:
			t.Fatal("the terminal goes on to show what is typed")
		}
	}
	if _, err := io.WriteString(master, backends.Password("alice")+"\n"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil || !strings.Contains(out.String(), "login         ok, as alice\n") || prompt.String() != "password of alice: \n" {
		t.Errorf("%v, asked %q and said\n%s", err, prompt.String(), out.String())
	}
	if !echoes(t, master) {
		t.Error("the terminal is left as one that shows nothing")
	}
	terminal.Close() // ends what is to be read, with an error
	if shown, _ := io.ReadAll(master); len(shown) != 0 {
		t.Errorf("the terminal shows %q", shown)
	}
}

// echoes tells whether a terminal shows what is typed.
func echoes(t *testing.T, f *os.File) bool {
	t.Helper()
	var settings syscall.Termios
	terminalControl(t, f, syscall.TCGETS, unsafe.Pointer(&settings))
	return settings.Lflag&syscall.ECHO != 0
}

func terminalControl(t *testing.T, f *os.File, request uintptr, argument unsafe.Pointer) {
	t.Helper()
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(argument)); errno != 0 {
		t.Fatal(errno)
	}
}
