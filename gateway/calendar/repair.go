package calendar

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"calgate/translate"
)

// Why something is not repaired.
var (
	errNotShown  = errors.New("it is not shown, so no version can replace it; it goes when its time is over")
	errNotOurs   = errors.New("only who wrote it can repair it")
	errChanged   = errors.New("it has changed since it was examined")
	errCannotRid = errors.New("garbage stays: the server has no UIDPLUS, or the rights t and e are missing")
)

// Repair does to a folder what the protocol allows to anybody at any time: a damaged
// body that is still a calendar object becomes a new version, moves are finished,
// garbage is expunged. Nothing else goes, not even what has expired: how long
// deleted objects are kept is the gateways' to know.
//
// The report then says what was done. The error is for what ended the repair.
func (a *Account) Repair(ctx context.Context, r *Report) error {
	v, err := a.Open(ctx, r.Calendar)
	if err != nil {
		return err
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		var err error
		switch {
		case f.Fault == Damaged && f.Standing == translate.StandingLive:
			err = v.repairBody(ctx, f)
		case f.Fault == Damaged && f.Standing == translate.StandingProperties:
			err = v.Patch(ctx, nil, nil)
		case f.Fault == Damaged:
			err = errNotShown
		case f.Fault == TornMove:
			err = v.finishMove(ctx, f)
		default:
			err = errNotOurs
		}
		if ended := ctx.Err(); ended != nil {
			return ended
		}
		if f.Repaired = err == nil; !f.Repaired {
			f.Err = fmt.Errorf("%w; not repaired: %w", f.Err, err)
		}
		if IsKind(err, Unavailable) {
			return err
		}
	}
	if r.MovesOnly {
		return nil
	}
	return v.removeGarbage(ctx, r)
}

// found looks for the version with which something is wrong.
func (v *View) found(ctx context.Context, f *Finding) (*translate.Life, error) {
	if err := v.look(ctx); err != nil {
		return nil, err
	}
	l := v.ix.listing.Live(f.Name)
	if l == nil || l.Head.UID != f.UID {
		return nil, errChanged
	}
	return l, nil
}

// repairBody appends the octets that are there as a new version, with fields that
// are true of them.
func (v *View) repairBody(ctx context.Context, f *Finding) error {
	l, err := v.found(ctx, f)
	if err != nil {
		return err
	}
	e := v.entry(l)
	for it, err := range v.Read(ctx, []Entry{e}) {
		if err == nil {
			err = it.Err
		}
		if err != nil {
			return err
		}
		if it.UID != e.UID {
			return errChanged
		}
		o, err := translate.ParseObject(it.Body)
		if err != nil {
			return err
		}
		same := func(now Entry, exists bool) error {
			if !exists || now.UID != e.UID {
				return errChanged
			}
			return nil
		}
		_, err = v.Put(ctx, l.Name, o, Condition{Conditional: true, Check: same})
		return err
	}
	return errVanished
}

// finishMove appends the tombstone that a MOVE did not come to. The copy must be
// whole: after this there is no other.
func (v *View) finishMove(ctx context.Context, f *Finding) error {
	l, err := v.found(ctx, f)
	if err != nil {
		return err
	}
	whole := errVanished
	err = v.account.bodies(ctx, v.calendar.Mailbox, []*translate.Record{l.Head}, func(m *translate.Record, message []byte) {
		_, whole = m.Body(message)
	})
	if err = errors.Join(err, whole); err != nil {
		return err
	}
	source, head, err := v.movedFrom(ctx, l.Head, map[string]*View{})
	if err != nil {
		return err
	}
	if head == nil {
		return errChanged
	}
	if err := source.require("Repair", Unbind); err != nil {
		return err
	}
	w := translate.Write{Op: translate.OpDelete, Name: head.Name, ICalUID: head.Head.ICalUID, Token: translate.MoveToken(l.Head.MovedFrom, l.Head.Life)}
	if _, err := source.append(ctx, "Repair", w, head, head.Name, nil); errors.Is(err, errLost) {
		return errChanged
	} else if err != nil {
		return err
	}
	if !source.mayRemove() {
		return nil
	}
	if err := source.expunge(ctx, source.ix.listing.Garbage()); err != nil {
		return err
	}
	return source.flagDeleted(ctx, source.ix.listing.Kept())
}

// mayRemove tells whether messages can be removed at all.
func (v *View) mayRemove() bool { return v.rights.has('t', 'e') && v.account.session.Caps().UIDPlus }

// removeGarbage expunges what can never be shown again, and counts what a new look
// finds gone.
func (v *View) removeGarbage(ctx context.Context, r *Report) error {
	if err := v.look(ctx); err != nil {
		return err
	}
	garbage := v.ix.listing.Garbage()
	if len(garbage) == 0 {
		return nil
	}
	if !v.mayRemove() {
		return &Error{Op: "Repair", Mailbox: v.calendar.Mailbox, Kind: Forbidden, Err: errCannotRid}
	}
	if err := v.expunge(ctx, slices.Clone(garbage)); err != nil {
		return err
	}
	if err := v.look(ctx); err != nil {
		return err
	}
	for _, uid := range garbage {
		if v.ix.record(uid) == nil {
			r.Expunged++
		}
	}
	return v.flagDeleted(ctx, slices.Concat(v.ix.listing.Covered(), v.ix.listing.Kept()))
}
