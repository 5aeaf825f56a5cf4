package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"calgate/gateway/calendar"
	"calgate/imapstore"
)

// asUser are the commands that log in as a user, do one thing and end. A mistake in their configuration is one more reason
// why they could not tell.
func asUser(command string) bool {
	return command == "check" || command == "undelete" || command == "fsck"
}

// withAccount logs in and calls f with the account and the calendars that -mailbox names, or all.
func withAccount(ctx context.Context, c *config, f func(*calendar.Account, []calendar.Calendar) error) error {
	if err := c.askPassword(); err != nil {
		return &failure{err, couldNotTell}
	}
	store := imapstore.New(c.imapOptions)
	defer store.Close()
	account, err := calendar.New(store, c.calendarOptions(slog.New(slog.DiscardHandler))).Login(ctx, c.user, c.password)
	if err != nil {
		return &failure{fmt.Errorf("could not log in: %w", err), couldNotTell}
	}
	defer account.Close()
	if c.mailbox != "" {
		cal, found, err := named(ctx, account, c.mailbox)
		switch {
		case err != nil:
			return &failure{err, couldNotTell}
		case !found:
			return &failure{fmt.Errorf("%s has no calendar mailbox %q; calgate check lists them", c.user, c.mailbox), couldNotTell}
		}
		return f(account, []calendar.Calendar{cal})
	}
	home, err := account.Home(ctx)
	if err != nil {
		return &failure{err, couldNotTell}
	}
	return f(account, home.Calendars)
}

// named finds a calendar by the name of its mailbox: one's own, or as ~user/MAILBOX that of another user, as far as its rights
// let this one look it up.
func named(ctx context.Context, account *calendar.Account, mailbox string) (calendar.Calendar, bool, error) {
	of, others := strings.CutPrefix(mailbox, "~")
	owner, rest, _ := strings.Cut(of, "/")
	home, err := account.Home(ctx)
	if others && err == nil {
		home, err = account.HomeOf(ctx, owner)
	}
	if err != nil {
		return calendar.Calendar{}, false, err
	}
	for _, cal := range home.Calendars {
		name := cal.Mailbox
		if others { // the mail server may know the user under another spelling
			_, name, _ = strings.Cut(name, "/")
		}
		if name == mailbox || others && name == rest {
			return cal, true, nil
		}
	}
	if !others || rest == "" {
		return calendar.Calendar{}, false, nil
	}
	return account.FindOf(ctx, owner, strings.Split(rest, "/")) // what LIST does not show
}

// quoted is a name as it stands, quoted where a terminal or a person could misread it.
func quoted(s string) string {
	if q := strconv.Quote(s); s == "" || q != `"`+s+`"` {
		return q
	}
	return s
}

// errorText keeps what the mail server or a message says to one line.
func errorText(err error) string {
	q := strconv.Quote(err.Error())
	return q[1 : len(q)-1]
}

// progressPause is how often work that takes long says how far it is.
const progressPause = 2 * time.Second

// progress says on a stream how far it is, now and then.
func progress(out io.Writer, what string) calendar.Progress {
	last := time.Now()
	return func(done, of int) {
		if now := time.Now(); now.Sub(last) >= progressPause {
			last = now
			fmt.Fprintf(out, "%s: %d of %d messages read\n", what, done, of)
		}
	}
}

// exitStatus is the exit status of an error of one calendar: whether it could not be done, or could not be told.
func exitStatus(err error) exitCode {
	var known *calendar.Error
	if errors.As(err, &known) && known.Kind != calendar.Unavailable {
		return notUsable
	}
	return couldNotTell
}
