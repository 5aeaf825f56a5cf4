package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"calgate/gateway/calendar"
)

// undelete lists what was deleted and can come back, or brings one object back.
func undelete(ctx context.Context, c *config) error {
	return withAccount(ctx, c, func(account *calendar.Account, calendars []calendar.Calendar) error {
		if c.name == "" {
			return listDeleted(ctx, c, account, calendars)
		}
		return bringBack(ctx, c, account, calendars)
	})
}

func deletedIn(ctx context.Context, account *calendar.Account, cal calendar.Calendar) (*calendar.View, []calendar.Deleted, error) {
	view, err := account.Open(ctx, cal)
	if err != nil {
		return nil, nil, &failure{err, exitStatus(err)}
	}
	all, err := view.Deleted(ctx)
	if err != nil {
		return nil, nil, &failure{err, couldNotTell}
	}
	return view, all, nil
}

func listDeleted(ctx context.Context, c *config, account *calendar.Account, calendars []calendar.Calendar) error {
	for _, cal := range calendars {
		_, all, err := deletedIn(ctx, account, cal)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.stdout, "%s: %d deleted objects\n", printable(cal.Mailbox), len(all))
		for _, d := range all {
			printDeleted(c.stdout, d)
		}
	}
	return nil
}

func printDeleted(out io.Writer, d calendar.Deleted) {
	fmt.Fprintf(out, "  deleted %s  %-9s  first %s  %s  %q\n", d.At.UTC().Format(time.RFC3339), d.Component, firstStart(d.Span), quoted(d.Name), d.Summary)
	switch {
	case d.Err != nil:
		fmt.Fprintf(out, "          cannot come back: %s\n", errorText(d.Err))
	case d.Holder != "":
		fmt.Fprintf(out, "          cannot come back now: %s has its UID\n", quoted(d.Holder))
	}
}

// firstStart is when an object begins, as far as the index knows.
func firstStart(s calendar.Span) string {
	if s.Start == math.MinInt64 || s.Start == math.MaxInt64 {
		return "at no time"
	}
	return time.Unix(s.Start, 0).UTC().Format(time.RFC3339)
}

// bringBack restores the object that was deleted last under -name. Where several calendars have one, -mailbox must say which.
func bringBack(ctx context.Context, c *config, account *calendar.Account, calendars []calendar.Calendar) error {
	var in []calendar.Calendar
	for _, cal := range calendars {
		_, all, err := deletedIn(ctx, account, cal)
		if err != nil {
			return err
		}
		if _, ok := lastDeleted(all, c.name); ok {
			in = append(in, cal)
		}
	}
	switch {
	case len(in) == 0:
		return &failure{fmt.Errorf("nothing deleted under the name %s can come back", quoted(c.name)), notUsable}
	case len(in) > 1:
		return &failure{fmt.Errorf("several calendars have deleted objects of the name %s: -mailbox must say which", quoted(c.name)), notUsable}
	}
	view, all, err := deletedIn(ctx, account, in[0])
	if err != nil {
		return err
	}
	d, _ := lastDeleted(all, c.name)
	r, err := view.Undelete(ctx, d)
	if err != nil {
		var known *calendar.Error
		if errors.As(err, &known) && known.Kind == calendar.UIDConflict {
			err = fmt.Errorf("%s has its UID: %w", quoted(known.Name), err)
		}
		return &failure{err, exitStatus(err)}
	}
	fmt.Fprintf(c.stdout, "%s: %s is back as %s: %q\n", printable(in[0].Mailbox), quoted(d.Name), quoted(r.Name), d.Summary)
	return nil
}

func lastDeleted(all []calendar.Deleted, name string) (calendar.Deleted, bool) {
	for _, d := range all { // the latest deletion first
		if d.Name == name && d.Err == nil {
			return d, true
		}
	}
	return calendar.Deleted{}, false
}
