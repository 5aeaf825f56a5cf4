package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"

	"calgate/gateway/calendar"
	"calgate/imapstore"

	"golang.org/x/term"
)

// What check says by its exit status.
const (
	notUsable    exitCode = 1
	couldNotTell exitCode = 2
)

// check logs in as calgate would for a request and prints what it finds. It changes nothing, but for the mailbox that -probe
// makes and deletes.
func check(ctx context.Context, c *config) error {
	if err := c.askPassword(); err != nil {
		return &failure{err, couldNotTell}
	}
	if c.probe {
		c.imapOptions.SessionsPerLogin = probeSessions + 1 // and that of check itself
	}
	store := imapstore.New(c.imapOptions)
	defer store.Close()
	calendars := calendar.New(store, calendar.Options{
		DefaultCalendar: c.defaultCalendar, DefaultTasks: c.defaultTasks,
		CalendarRoot: c.calendarRoot, TasksRoot: c.tasksRoot, Calendars: c.calendars, Tasks: c.tasks,
	})
	account, err := calendars.Login(ctx, c.user, c.password)
	if err != nil {
		return loginFailed(c, err)
	}
	defer account.Close()
	caps := account.Session().Caps()
	out := c.stdout
	fmt.Fprintf(out, "mail server   %s:%s, %s\nlogin         ok, as %s\n", c.imapOptions.Host, c.imapOptions.Port, security(c.imapOptions.Security), c.user)
	fmt.Fprintf(out, "capabilities  %s\n", strings.Join(slices.Sorted(slices.Values(caps.All)), " "))
	home, err := account.OpenHome(ctx)
	if err != nil {
		return &failure{err, couldNotTell}
	}
	printHome(out, home)
	for _, cal := range home.Calendars {
		view, err := account.Open(ctx, cal)
		if err != nil {
			return unread(out, cal, err)
		}
		fmt.Fprintf(out, "  %s: %d objects\n", printable(cal.Mailbox), view.Len())
	}
	printMissing(out, caps)
	if c.probe {
		if err := probe(ctx, c, calendars); err != nil {
			return err
		}
	}
	fmt.Fprintln(out, "usable        yes")
	return nil
}

// How a probe goes: enough for an order to break that can, and few enough for any server.
const (
	probeSessions = 6
	probeRounds   = 12
)

// probe tests the order of concurrent APPENDs, on which more than one gateway depends.
func probe(ctx context.Context, c *config, calendars *calendar.Server) error {
	p, err := calendars.Probe(ctx, c.user, c.password, probeSessions, probeRounds)
	if err != nil {
		fmt.Fprintf(c.stdout, "probe         could not be made: %s\n", errorText(err))
		return &failure{fmt.Errorf("the probe could not be made: %w", err), couldNotTell}
	}
	return printProbed(c.stdout, p)
}

// printProbed says what a probe found; it is an error where that is not all well.
func printProbed(out io.Writer, p calendar.Probed) error {
	if len(p.Broken) == 0 {
		fmt.Fprintf(out, "probe         ok: %d messages by %d sessions at once, in one order that all see\n", p.Messages, p.Sessions)
		return nil
	}
	fmt.Fprintf(out, "probe         BROKEN, with %d sessions at once: this server must not be used with more than one gateway, "+
		"nor with more than one IMAP session per login (-imap-sessions-per-login 1): writes would be lost\n", p.Sessions)
	for _, b := range p.Broken {
		fmt.Fprintf(out, "  %s\n", b)
	}
	fmt.Fprintln(out, "usable        with one gateway and one IMAP session per login only")
	return &failure{errors.New("the server's APPENDs have no order that all sessions see"), notUsable}
}

// unread says what it means that a calendar cannot be read.
func unread(out io.Writer, cal calendar.Calendar, err error) error {
	verdict, code := "no", notUsable
	var known *calendar.Error
	if errors.As(err, &known) && known.Kind == calendar.Unavailable && !errors.Is(err, calendar.ErrNewer) {
		verdict, code = "could not tell", couldNotTell
	}
	fmt.Fprintf(out, "  %s cannot be read: %v\nusable        %s\n", printable(cal.Mailbox), err, verdict)
	return &failure{fmt.Errorf("%s cannot be read: %w", cal.Mailbox, err), code}
}

func loginFailed(c *config, err error) error {
	var known *calendar.Error
	if errors.As(err, &known) && (known.Kind == calendar.BadCredentials || known.Kind == calendar.Denied) {
		fmt.Fprintf(c.stdout, "login         refused: %v\nusable        no\n", err)
		return &failure{fmt.Errorf("login refused: %w", err), notUsable}
	}
	fmt.Fprintf(c.stdout, "login         no answer to rely on: %v\nusable        could not tell\n", err)
	return &failure{fmt.Errorf("could not log in: %w", err), couldNotTell}
}

func printHome(out io.Writer, home *calendar.HomeView) {
	fmt.Fprintln(out, "calendars")
	for _, cal := range home.Calendars {
		fmt.Fprintf(out, "  %-10s %s (%s), as /CalDAV/~me/%s/\n", cal.Kind, printable(cal.Mailbox), cal.Why, printable(strings.Join(cal.Path, "/")))
	}
	for _, cal := range home.Shares {
		fmt.Fprintf(out, "  %-10s %s (%s), shared by %s\n", cal.Kind, printable(cal.Mailbox), cal.Why, printable(cal.Owner()))
	}
	for _, cal := range []calendar.Calendar{home.DefaultCalendar(), home.DefaultTasks()} {
		if !cal.Exists {
			fmt.Fprintf(out, "  %-10s %s is not there yet; calgate serve makes it when it is first needed\n", cal.Kind, printable(cal.Mailbox))
		}
	}
}

// printable keeps what a user has named from talking to the administrator's terminal.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, name)
}

// printMissing says what the server does not offer and what that means. Nothing of it makes the server unusable.
func printMissing(out io.Writer, caps imapstore.Caps) {
	fmt.Fprintln(out, "missing")
	none := true
	for _, m := range []struct {
		name    string
		offered bool
		instead string
	}{
		{"UIDPLUS", caps.UIDPlus, "WARNING: nothing is ever cleaned up: each change leaves its old version in the folder"},
		{"NAMESPACE", caps.Namespace, "mailboxes are taken to have no prefix"},
		{"LIST-STATUS", caps.ListStatus, "each calendar is asked with a STATUS of its own"},
		{"CONDSTORE", caps.Condstore, "each look asks twice, whether something new came meanwhile"},
		{"ACL", caps.ACL, "calgate finds out by SELECT whether a calendar is read-only"},
		{"MULTIAPPEND", caps.MultiAppend, "a publication is stored object by object; after an error the next one does the rest"},
		{"LIST-EXTENDED", caps.ListExtended, "subscriptions are asked with LSUB, the state and rights of each calendar with commands of their own"},
		{"UNSELECT", caps.Unselect, "a mailbox is left by an EXAMINE of INBOX"},
		{"METADATA", caps.Metadata, "private properties are kept in a mailbox calgate; what Kolab and Cyrus say of a folder is not seen"},
		{"OBJECTID", caps.MailboxIDs() || caps.Metadata || !caps.ACL, "a calendar that moved is known by its properties: private ones follow it where calgate made or moved it"},
		{"LIST-MYRIGHTS", caps.ListMyRights || !caps.ACL, "each calendar is asked with a MYRIGHTS of its own"},
		{"LIST-METADATA", caps.ListMetadata || !caps.Metadata, "the folder types of Kolab are asked with a GETMETADATA of their own"},
		{"QUOTA", caps.Quota, "calendar programs are not told how much room is left"},
	} {
		if !m.offered {
			none = false
			fmt.Fprintf(out, "  %-14s %s\n", m.name, m.instead)
		}
	}
	if none {
		fmt.Fprintln(out, "  nothing that calgate uses")
	}
}

// askPassword takes the password from the environment, else from the terminal without echo, else from a line of input.
func (c *config) askPassword() error {
	if c.password != "" {
		return nil
	}
	if f, ok := c.stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprintf(c.stderr, "password of %s: ", c.user)
		secret, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(c.stderr)
		c.password = string(secret)
		return err
	}
	line, err := io.ReadAll(io.LimitReader(c.stdin, 1<<10))
	if err != nil {
		return err
	}
	c.password = strings.TrimRight(string(line), "\r\n")
	if c.password == "" {
		return errors.New("no password: neither CALGATE_PASSWORD nor a line of input")
	}
	return nil
}
