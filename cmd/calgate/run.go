package main

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// exitCode is an error that says only how the process ends; it is joined to the error that says why.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit %d", int(c)) }

// failure is an error with the exit code of the command.
type failure struct {
	err  error
	code exitCode
}

func (f *failure) Error() string   { return f.err.Error() }
func (f *failure) Unwrap() []error { return []error{f.err, f.code} }

// command is one of calgate's commands, in the order of the usage text.
type command struct {
	name  string
	about string
	flags func(*config) []option
	run   func(ctx context.Context, c *config) error
}

func commands() []command {
	return []command{
		{"serve", "serve CalDAV on an existing IMAP server", serveOptions, serve},
		{"demo", "serve CalDAV on a mail store in memory, to try it out", demoOptions, demo},
		{"check", "log in to an IMAP server and tell what calgate finds there", checkOptions, check},
		{"undelete", "list what was deleted and can come back, and bring it back", undeleteOptions, undelete},
		{"fsck", "tell what the logs of calendar folders hold, and repair them", fsckOptions, fsck},
		{"version", "print the version", noOptions, version},
	}
}

// run is the whole program but for signals and the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		usage(stderr)
		return fmt.Errorf("which command?")
	}
	switch args[0] {
	case "-h", "-help", "--help", "help":
		usage(stdout)
		return nil
	}
	for _, cmd := range commands() {
		if cmd.name != args[0] {
			continue
		}
		c := &config{stdin: stdin, stdout: stdout, stderr: stderr}
		help, err := c.parse(cmd, args[1:])
		if help {
			usageOf(stdout, cmd)
			return nil
		}
		if err != nil && asUser(cmd.name) {
			return &failure{err, couldNotTell}
		}
		if err != nil {
			return err
		}
		return cmd.run(ctx, c)
	}
	return fmt.Errorf("no command %q: there are %s", args[0], strings.Join(commandNames(), ", "))
}

func commandNames() []string {
	var names []string
	for _, cmd := range commands() {
		names = append(names, cmd.name)
	}
	return names
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "calgate puts CalDAV in front of an existing IMAP server.\n\nCommands (calgate COMMAND -h tells more):")
	for _, cmd := range commands() {
		fmt.Fprintf(w, "  %-8s %s\n", cmd.name, cmd.about)
	}
	fmt.Fprintf(w, "\nTry: calgate demo\n     calgate serve -imap imaps://mail.example.com\n")
}

func usageOf(w io.Writer, cmd command) {
	fmt.Fprintf(w, "calgate %s: %s\n", cmd.name, cmd.about)
	options := cmd.flags(&config{})
	if len(options) == 0 {
		return
	}
	fmt.Fprintln(w, "\nEvery flag may also be given in the environment, named as shown.")
	for _, o := range options {
		fmt.Fprintf(w, "\n  -%s", o.name)
		if o.argument != "" {
			fmt.Fprint(w, " ", o.argument)
		}
		if d := o.value.String(); d != "" {
			fmt.Fprintf(w, "  (default %s)", d)
		}
		fmt.Fprintf(w, "  %s\n        %s\n", o.environment(), o.about)
	}
}
