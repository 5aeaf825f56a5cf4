package calendar

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"calgate/imapstore"
	"calgate/translate"
)

// maxTries bounds how often a write that need not see what it replaces starts
// again after it lost.
const maxTries = 5

// errLost says that another write was first.
var errLost = errors.New("another write was first")

// errLostAgain says that it always was.
var errLostAgain = fmt.Errorf("%w, %d times", errLost, maxTries)

// errVanished says that nobody knows what became of a write: its message is gone
// and nothing was built on it.
var errVanished = errors.New("the message of the write has vanished")

// errMoved says that the folder is not the one that was looked at.
var errMoved = errors.New("the folder was replaced meanwhile (new UIDVALIDITY)")

// Put stores an object under a name. The condition is checked against the head
// that the write is appended on; an unconditional write that loses is repeated.
//
// Errors: what the condition returned, and Kind Forbidden, UIDConflict,
// PreconditionFailed (lost), OverQuota, Unavailable (outcome unknown).
func (v *View) Put(ctx context.Context, name string, o *translate.Object, c Condition) (Result, error) {
	return v.put(ctx, name, o, c, "")
}

// put is Put; movedFrom is where the object comes from, "" of a PUT or COPY.
func (v *View) put(ctx context.Context, name string, o *translate.Object, c Condition, movedFrom string) (Result, error) {
	w := translate.Write{Op: translate.OpPut, Name: name, ICalUID: translate.StoredUID(o.UID), Span: o.Span, MovedFrom: movedFrom}
	w.Hash, w.Length = translate.Hash(o.Raw), int64(len(o.Raw))
	for try := range maxTries {
		if try > 0 {
			if err := v.look(ctx); err != nil {
				return Result{}, err
			}
		}
		head := v.ix.listing.Live(name)
		if err := v.mayPut(head, w, c); err != nil {
			if head != nil && v.ix.repeats(head, w, c) {
				return Result{Entry: v.entry(head), Created: c.IfNoneMatchAny, life: head.Head.Life}, nil
			}
			return Result{}, err
		}
		rec, err := v.append(ctx, "Put", w, head, o.Summary, o.Raw)
		if err == nil {
			return Result{Entry: v.written(rec), Created: head == nil, life: rec.Life}, nil
		}
		if !errors.Is(err, errLost) {
			return Result{}, err
		}
		if err := v.lost("Put", w, c); err != nil {
			return Result{}, err
		}
	}
	return Result{}, &Error{Op: "Put", Mailbox: v.calendar.Mailbox, Kind: Unavailable, Err: errLostAgain}
}

// mayPut checks rights, the condition and the iCalendar UID (RFC 4791 section
// 5.3.2.1, CALDAV:no-uid-conflict).
func (v *View) mayPut(head *translate.Life, w translate.Write, c Condition) error {
	p, e := Bind, Entry{}
	if head != nil {
		p, e = WriteContent, v.entry(head)
		if head.Head.ReadOnly {
			return v.unavailable("Put", ErrNewer)
		}
	}
	if err := v.require("Put", p); err != nil {
		return err
	}
	if err := c.check(e, head != nil); err != nil {
		return err
	}
	return v.uidConflict(head, w)
}

func (v *View) uidConflict(head *translate.Life, w translate.Write) error {
	holder := v.ix.listing.Holder(w.ICalUID)
	if head != nil && head.Head.ICalUID != w.ICalUID {
		holder = head
	}
	if holder == nil || head != nil && holder.Name == head.Name && head.Head.ICalUID == w.ICalUID {
		return nil
	}
	return &Error{Op: "Put", Mailbox: v.calendar.Mailbox, Kind: UIDConflict, Name: holder.Name}
}

// repeats tells whether the head is, octet for octet, what this very request would
// have made of the state that it names: then it did, and its answer got lost.
func (ix *index) repeats(head *translate.Life, w translate.Write, c Condition) bool {
	h := head.Head
	if h.Hash != w.Hash || h.Length != w.Length || h.ICalUID != w.ICalUID {
		return false
	}
	if c.IfNoneMatchAny {
		return h.Gen == 1 && h.Base == 0
	}
	return ix.replaced(h, c)
}

// replaced tells whether a version was appended on one that the condition names.
func (ix *index) replaced(h *translate.Record, c Condition) bool {
	return len(h.Prev) > 0 && slices.ContainsFunc(c.IfMatch, func(tag string) bool { return names(tag, h.Prev[0], ix.triple.UIDValidity) })
}

// lost says what a write that was not first means to its client; nil: try again.
func (v *View) lost(op string, w translate.Write, c Condition) error {
	if !c.Conditional {
		return nil
	}
	if head := v.ix.listing.Live(w.Name); op == "Put" && head == nil {
		if err := v.uidConflict(nil, w); err != nil {
			return err
		}
	}
	return &Error{Op: op, Mailbox: v.calendar.Mailbox, Kind: PreconditionFailed, Err: errLost}
}

// Delete ends the life of an object with a tombstone.
//
// Errors: what the condition returned, and Kind NotFound, Forbidden,
// PreconditionFailed, OverQuota, Unavailable.
func (v *View) Delete(ctx context.Context, name string, c Condition) error {
	for try := range maxTries {
		if try > 0 {
			if err := v.look(ctx); err != nil {
				return err
			}
		}
		head := v.ix.listing.Live(name)
		if head == nil {
			return v.deleteNothing(name, c)
		}
		if err := v.require("Delete", Unbind); err != nil {
			return err
		}
		if head.Head.ReadOnly {
			return v.unavailable("Delete", ErrNewer)
		}
		if err := c.check(v.entry(head), true); err != nil {
			return err
		}
		w := translate.Write{Op: translate.OpDelete, Name: name, ICalUID: head.Head.ICalUID}
		_, err := v.append(ctx, "Delete", w, head, name, nil)
		switch {
		case err == nil:
			return nil
		case IsKind(err, OverQuota):
			return v.deleteOverQuota(ctx, w, head, c)
		case !errors.Is(err, errLost):
			return err
		}
		if err := v.lost("Delete", w, c); err != nil {
			return err
		}
	}
	return &Error{Op: "Delete", Mailbox: v.calendar.Mailbox, Kind: Unavailable, Err: errLostAgain}
}

// deleteNothing is the DELETE of a name that shows nothing: done already, if the
// tombstone replaced what the condition names.
func (v *View) deleteNothing(name string, c Condition) error {
	for l := range v.ix.listing.Dead() {
		if l.Head.Name == name && v.ix.replaced(l.Head, c) {
			return nil
		}
	}
	if err := c.check(Entry{}, false); err != nil {
		return err
	}
	return &Error{Op: "Delete", Mailbox: v.calendar.Mailbox, Kind: NotFound, Name: name}
}

// append is one attempt: APPEND the next version on head (nil: a create), look
// again, and tell whether it won. A loser's message is taken back and errLost
// returned, with the view at what the second look showed.
//
// What the server did not store, because it came too late for its look or because the
// server had trouble of its own, is tried once more after a new look, in a new
// session if need be. Servers in trouble often name no reason: Cyrus says "System I/O
// error", Dovecot "Mailbox was deleted under us".
func (v *View) append(ctx context.Context, op string, w translate.Write, head *translate.Life, summary string, body []byte) (*translate.Record, error) {
	envelope := translate.Envelope{From: v.account.name, Date: v.account.server.o.Now(), Summary: summary, Component: w.Span.Component}
	random := w.Token == ""
	for {
		before := v.ix.triple
		if w.Asof = before.UIDNext - 1; random {
			w.Token = translate.NewToken()
		}
		rec := v.ix.listing.Next(w, head)
		out := imapstore.Outgoing{Octets: translate.Message(rec, envelope, body), Flags: []string{`\Seen`}}
		appended, err := v.account.session.Append(ctx, v.calendar.Mailbox, out, v.looked.Add(maxLook))
		switch {
		case !v.again && !unknown(err) && (storeKind(err, imapstore.TooLate) || storeKind(err, imapstore.Unavailable) || storeKind(err, imapstore.Bad)):
			v.again = true
			head, err = v.lookAgain(ctx, w, head, !storeKind(err, imapstore.TooLate))
			if errors.Is(err, errLost) && !random && v.ix.listing.Won(w.Token) { // another one has done it meanwhile
				return v.ix.own(w.Token), nil
			}
			if err != nil {
				return nil, err
			}
			continue
		case unknown(err):
			if err := v.account.renew(ctx); err != nil {
				return nil, err
			}
		case err != nil:
			return nil, wrap(op, v.calendar.Mailbox, err)
		case appended.UIDValidity != 0 && appended.UIDValidity != before.UIDValidity:
			return nil, v.unavailable(op, errMoved)
		}
		return v.settle(ctx, op, rec, err)
	}
}

// lookAgain finds the head that a write was to be appended on; errLost where that is
// another one now.
func (v *View) lookAgain(ctx context.Context, w translate.Write, head *translate.Life, fresh bool) (*translate.Life, error) {
	if fresh || !v.account.session.Usable() {
		if err := v.account.renew(ctx); err != nil {
			return nil, err
		}
	}
	if err := v.look(ctx); err != nil {
		return nil, err
	}
	now := v.ix.listing.Live(w.Name)
	if w.Op == translate.OpProps {
		now = v.ix.listing.Props(w.Name)
	}
	switch {
	case (now == nil) != (head == nil), now != nil && now.Head.Token != head.Head.Token,
		now != nil && now.Head.Token == "" && now.Head.UID != head.Head.UID,
		now == nil && v.ix.listing.Holder(w.ICalUID) != nil:
		return nil, errLost
	}
	return now, nil
}

// settle is the check: what became of an APPEND. sent is the error of an APPEND
// whose answer did not come, if any.
func (v *View) settle(ctx context.Context, op string, rec translate.Record, sent error) (*translate.Record, error) {
	for range 2 {
		before := v.ix.triple.UIDValidity
		if err := v.look(ctx); err != nil {
			return nil, err
		}
		if v.ix.triple.UIDValidity != before {
			return nil, v.unavailable(op, errMoved)
		}
		own := v.ix.own(rec.Token)
		if v.ix.listing.Won(rec.Token) {
			if own == nil {
				own = &rec
			}
			return own, nil
		}
		if own != nil {
			// Nothing depends on its going: it can never become a head.
			if err := v.account.session.Expunge(ctx, v.calendar.Mailbox, []uint32{own.UID}); err != nil && !v.account.session.Usable() {
				return nil, v.unavailable(op, err)
			}
			return nil, errLost
		}
		if sent != nil { // it may still be on its way, and come when what beats it now is gone
			break
		}
		if v.ix.listing.Beaten(&rec) {
			return nil, errLost
		}
	}
	if sent == nil {
		sent = errVanished
	}
	return nil, v.unavailable(op, sent)
}

func (v *View) unavailable(op string, err error) error {
	return &Error{Op: op, Mailbox: v.calendar.Mailbox, Kind: Unavailable, Err: err}
}

// own finds the message of a write: the highest UID with its token that was
// written for the folder of now (a copy of it may be there too).
func (ix *index) own(t translate.Token) *translate.Record {
	for i := len(ix.records) - 1; i >= 0; i-- {
		if r := ix.records[i]; r.Token == t && r.Folder == ix.triple.UIDValidity {
			return r
		}
	}
	return nil
}

// written is the entry of a version that a write made, which another one may have
// replaced since.
func (v *View) written(r *translate.Record) Entry {
	if l := v.ix.listing.Live(r.Name); l != nil && l.Head.Token == r.Token {
		return v.entry(l)
	}
	return Entry{Name: r.Name, ETag: etag(r, v.ix.triple.UIDValidity), ICalUID: r.ICalUID, Component: r.Span.Component, Span: r.Span, Length: r.Length, UID: r.UID}
}
