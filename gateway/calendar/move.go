package calendar

import (
	"context"
	"errors"
	"fmt"

	"calgate/translate"
)

// Copy creates an object in another calendar (or replaces one there) with the
// octets of this one's. The condition is checked against the source, to.target
// against the destination.
func (v *View) Copy(ctx context.Context, name string, c Condition, target *View, targetName string, d Condition) (Result, error) {
	_, o, err := v.source(ctx, name, Read, c)
	if err != nil {
		return Result{}, err
	}
	return target.put(ctx, targetName, o, d, "")
}

// Move creates the object in another calendar, then ends its life in this one. It
// is visible somewhere at any time. Where another writer changed the source
// meanwhile (Kind PreconditionFailed), or where it cannot be deleted over quota (Kind
// OverQuota), the copy is taken back as long as nobody built on it: what it replaced is
// there again. A crash in between leaves both; the copy says where it came from.
//
// Within one calendar two objects cannot share an iCalendar UID, and no order of
// the two steps is safe there: first the tombstone, and a crash or another writer
// who takes the new name loses the object. That is refused, Kind UIDConflict.
func (v *View) Move(ctx context.Context, name string, c Condition, target *View, targetName string, d Condition) (Result, error) {
	head, o, err := v.source(ctx, name, Unbind, c)
	if err != nil {
		return Result{}, err
	}
	if target.calendar.Mailbox == v.calendar.Mailbox {
		return Result{}, &Error{Op: "Move", Mailbox: v.calendar.Mailbox, Kind: UIDConflict, Name: name}
	}
	validity := v.ix.triple.UIDValidity
	from := translate.FormatMovedFrom(v.calendar.Mailbox, validity, translate.SourceToken(validity, head.Head))
	result, err := target.put(ctx, targetName, o, d, from)
	if err != nil {
		return Result{}, err
	}
	w := translate.Write{Op: translate.OpDelete, Name: name, ICalUID: head.Head.ICalUID, Token: translate.MoveToken(from, result.life)}
	_, err = v.append(ctx, "Move", w, head, name, nil)
	if IsKind(err, OverQuota) {
		err = v.deleteOverQuota(ctx, w, head, v.unchanged(v.entry(head)))
	}
	switch {
	case errors.Is(err, errLost):
		return Result{}, target.takeBack(ctx, result, v.sourceLost())
	case IsKind(err, OverQuota):
		return Result{}, target.takeBack(ctx, result, err)
	}
	return result, err
}

func (v *View) sourceLost() error {
	return &Error{Op: "Move", Mailbox: v.calendar.Mailbox, Kind: PreconditionFailed, Err: errLost}
}

// unchanged is the condition that an object is what a MOVE has seen. That somebody else
// has ended it is none of its own answers that got lost.
func (v *View) unchanged(was Entry) Condition {
	return Condition{Conditional: true, Check: func(e Entry, exists bool) error {
		if !exists || e.ETag != was.ETag {
			return v.sourceLost()
		}
		return nil
	}}
}

// takeBack ends the copy that a MOVE made which came to nothing, unless somebody has
// built on it. It returns why.
func (v *View) takeBack(ctx context.Context, made Result, why error) error {
	if err := v.look(ctx); err != nil {
		return errors.Join(why, err)
	}
	head := v.ix.listing.Live(made.Name)
	if head == nil || v.entry(head).ETag != made.ETag {
		return why
	}
	w := translate.Write{Op: translate.OpDelete, Name: made.Name, ICalUID: head.Head.ICalUID}
	summary, octets := made.Name, []byte(nil)
	if head.Head.Base != 0 {
		was, err := v.replacedBy(ctx, head)
		if was == nil || err != nil { // the copy stays: nothing would be there without it
			return errors.Join(why, err)
		}
		w.Op, w.Span, w.Hash, w.Length = translate.OpPut, was.Span, translate.Hash(was.Raw), int64(len(was.Raw))
		summary, octets = was.Summary, was.Raw
	}
	_, err := v.append(ctx, "Move", w, head, summary, octets)
	if IsKind(err, OverQuota) && w.Op == translate.OpDelete {
		err = v.deleteOverQuota(ctx, w, head, v.unchanged(v.entry(head)))
	}
	if err != nil && !errors.Is(err, errLost) {
		return errors.Join(why, err)
	}
	return why
}

// replacedBy reads the version that a head replaced; nil where it is gone, or cannot
// be read.
func (v *View) replacedBy(ctx context.Context, head *translate.Life) (was *translate.Object, err error) {
	r := v.ix.record(head.Head.Base)
	if r == nil {
		return nil, nil
	}
	err = v.account.bodies(ctx, v.calendar.Mailbox, []*translate.Record{r}, func(r *translate.Record, message []byte) {
		was, _ = translate.ParseObject(v.body(ctx, r, message))
	})
	return was, err
}

// source checks and reads what a COPY or MOVE starts from.
func (v *View) source(ctx context.Context, name string, p Privilege, c Condition) (*translate.Life, *translate.Object, error) {
	head := v.ix.listing.Live(name)
	if head == nil {
		return nil, nil, &Error{Op: "Move", Mailbox: v.calendar.Mailbox, Kind: NotFound, Name: name}
	}
	if err := v.require("Move", p); err != nil {
		return nil, nil, err
	}
	if p == Unbind && head.Head.ReadOnly {
		return nil, nil, v.unavailable("Move", ErrNewer)
	}
	if err := c.check(v.entry(head), true); err != nil {
		return nil, nil, err
	}
	for it, err := range v.Read(ctx, []Entry{v.entry(head)}) {
		if err == nil {
			err = it.Err
		}
		if err != nil {
			return nil, nil, err
		}
		if it.UID != head.Head.UID { // replaced meanwhile: the condition is for that one
			return nil, nil, &Error{Op: "Move", Mailbox: v.calendar.Mailbox, Kind: PreconditionFailed, Err: errLost}
		}
		o, err := translate.ParseObject(it.Body)
		if err != nil {
			return nil, nil, fmt.Errorf("calendar: Move %q: %w", v.calendar.Mailbox, err)
		}
		return head, o, nil
	}
	return nil, nil, v.unavailable("Move", errVanished)
}
