package backends_test

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"calgate/test/backends"
)

// What a run left out is told on the standard error of the go command, which throws away what a package says whose tests
// pass; where nothing may be left out the run fails. The go command is played by this test in a process of its own.
func TestLeftOut(t *testing.T) {
	const part = "TEST_LEFT_OUT"
	run := func(as, require string, output io.Writer) (stderr string, err error) {
		command := exec.Command(os.Args[0], "-test.run", "^TestLeftOut$")
		command.Env = append(os.Environ(), part+"="+as, backends.RequireServers+"="+require)
		var said strings.Builder
		command.Stdout = output
		if command.Stderr = output; as == "go" {
			command.Stderr = &said
		}
		err = command.Run()
		return said.String(), err
	}
	switch os.Getenv(part) {
	case "package":
		backends.Missing(t, "the server of TestLeftOut")
	case "go":
		if _, err := run("package", "", io.Discard); err != nil {
			t.Error(err)
		}
	default:
		said, err := run("go", "", nil)
		if want := "LEFT OUT of this test run (./test/run has everything):\n  the server of TestLeftOut\n"; err != nil || said != want {
			t.Errorf("%v, said %q, want %q", err, said, want)
		}
		var all strings.Builder
		if _, err := run("package", "1", &all); err == nil || !strings.Contains(all.String(), "of TestLeftOut, and "+backends.RequireServers+"=1") {
			t.Errorf("with %s=1: %v, said %q", backends.RequireServers, err, all.String())
		}
	}
}
