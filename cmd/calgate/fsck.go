package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"calgate/gateway/calendar"
	"calgate/translate"
)

// errWrong is what fsck ends with when a person should look.
var errWrong = errors.New("something is wrong that is not repaired")

// fsck tells what the logs of calendar folders hold, and with -repair mends what the protocol allows.
func fsck(ctx context.Context, c *config) error {
	return withAccount(ctx, c, func(account *calendar.Account, calendars []calendar.Calendar) error {
		wrong := false
		for _, cal := range calendars {
			report, err := account.Examine(ctx, cal, progress(c.stderr, printable(cal.Mailbox)))
			if err != nil {
				return &failure{err, couldNotTell}
			}
			if err := finish(ctx, c, account, report); err != nil {
				return err
			}
			wrong = wrong || report.Wrong()
		}
		if c.mailbox == "" {
			reports, err := account.ExamineShares(ctx)
			if err != nil {
				return &failure{err, couldNotTell}
			}
			for _, report := range reports {
				if err := finish(ctx, c, account, report); err != nil {
					return err
				}
				wrong = wrong || report.Wrong()
			}
		}
		if wrong {
			return &failure{errWrong, notUsable}
		}
		return nil
	})
}

// finish repairs, if that is asked for, and prints.
func finish(ctx context.Context, c *config, account *calendar.Account, report *calendar.Report) error {
	var failed error
	if c.repair {
		failed = account.Repair(ctx, report)
	}
	printReport(c.stdout, report, c.repair)
	if failed != nil {
		fmt.Fprintf(c.stdout, "  the repair ended early: %s\n", errorText(failed))
		return &failure{failed, exitStatus(failed)}
	}
	return nil
}

// standings are in the order in which they are printed, with what they mean.
var standings = []struct {
	standing translate.Standing
	about    string
}{
	{translate.StandingLive, "objects as they are now"},
	{translate.StandingForeign, "objects that another program wrote"},
	{translate.StandingProperties, "properties of the calendar"},
	{translate.StandingTombstone, "deletions"},
	{translate.StandingKept, "last versions of deleted objects: calgate undelete"},
	{translate.StandingSuperseded, "older versions: garbage"},
	{translate.StandingLoser, "versions that lost a race: garbage"},
	{translate.StandingHidden, "of other programs or folders, not shown"},
	{translate.StandingMail, "mail, never touched"},
}

func printReport(out io.Writer, r *calendar.Report, repaired bool) {
	if r.MovesOnly {
		fmt.Fprintf(out, "%s: looked at for what was moved there\n", printable(r.Calendar.Mailbox))
	} else {
		fmt.Fprintf(out, "%s: %d messages\n", printable(r.Calendar.Mailbox), r.Messages)
	}
	for _, s := range standings {
		if n := r.Count[s.standing]; n > 0 {
			fmt.Fprintf(out, "  %7d %-11s %s\n", n, s.standing, s.about)
		}
	}
	if r.Mixed > 0 {
		fmt.Fprintf(out, "  %7d of the hidden hold more than an event and are never removed\n", r.Mixed)
	}
	for _, f := range r.Findings {
		what := []string{f.Fault.String(), fmt.Sprintf("UID %d", f.UID), f.Standing.String()}
		if f.Name != "" {
			what = append(what, quoted(f.Name))
		}
		if f.Source != "" {
			what = append(what, "from "+quoted(f.Source))
		}
		state := errorText(f.Err)
		if f.Repaired {
			state = "repaired"
		}
		fmt.Fprintf(out, "  %s: %s\n", strings.Join(what, ", "), state)
	}
	switch {
	case repaired && r.Expunged > 0:
		fmt.Fprintf(out, "  %d messages of garbage are gone\n", r.Expunged)
	case !repaired && r.Garbage > 0:
		fmt.Fprintf(out, "  %d messages are garbage: the next writer, or -repair, expunges them\n", r.Garbage)
	}
	if !r.Wrong() {
		fmt.Fprintln(out, "  nothing is wrong")
	}
}
