package calendar

import (
	"context"
	"errors"
	"slices"

	"calgate/translate"
)

// deleteOverQuota is the last resort of whoever is over quota and must be able to
// delete: where not even a tombstone fits, room is made of garbage and kept
// versions; then what is left of the life and its iCalendar UID goes, the head
// last, when a look finds nothing that could come back. A mail with more in it than
// an event is never removed: where it would show again, the quota stands.
func (v *View) deleteOverQuota(ctx context.Context, w translate.Write, head *translate.Life, c Condition) error {
	full := &Error{Op: "Delete", Mailbox: v.calendar.Mailbox, Kind: OverQuota}
	if !v.account.session.Caps().UIDPlus {
		return full
	}
	now, err := v.without(ctx, slices.Concat(v.ix.listing.Garbage(), v.ix.listing.Covered(), v.ix.listing.Kept()), w, head, c)
	if now == nil {
		return v.endedOverQuota(w, err, c)
	}
	w.Name = now.Name
	_, err = v.append(ctx, "Delete", w, now, w.Name, nil)
	switch {
	case errors.Is(err, errLost):
		return v.lostOverQuota(w, c)
	case !IsKind(err, OverQuota):
		return err
	}
	rest, stays := v.ix.listing.Returning(now.Head)
	if stays {
		return full
	}
	if now, err = v.without(ctx, rest, w, now, c); now == nil {
		return v.endedOverQuota(w, err, c)
	}
	if rest, _ = v.ix.listing.Returning(now.Head); len(rest) > 0 {
		return full
	}
	if now, err = v.without(ctx, []uint32{now.Head.UID}, w, now, c); now != nil {
		return full // the server said OK and did nothing
	}
	return err
}

// without expunges messages and tells what the object is then: nil without an error
// if it is gone, nil with one if another writer changed it meanwhile.
func (v *View) without(ctx context.Context, uids []uint32, w translate.Write, head *translate.Life, c Condition) (*translate.Life, error) {
	if err := v.expunge(ctx, uids); err != nil {
		return nil, err
	}
	if err := v.look(ctx); err != nil {
		return nil, err
	}
	now, other := v.ix.listing.Live(w.Name), v.ix.listing.Holder(head.Head.ICalUID)
	switch {
	case other != nil && other.Head.UID == head.Head.UID:
		return other, nil // a foreign one is called after its lowest copy, and that may be gone
	case now != nil && now.Head.UID == head.Head.UID:
		return now, nil
	case now != nil:
		return nil, v.lostOverQuota(w, c)
	}
	return nil, nil
}

// endedOverQuota is the answer where another writer ended the object before its head
// was touched.
func (v *View) endedOverQuota(w translate.Write, err error, c Condition) error {
	if err != nil {
		return err
	}
	return v.deleteNothing(w.Name, c)
}

// lostOverQuota is a write that another one was quicker than, in the middle of
// making room.
func (v *View) lostOverQuota(w translate.Write, c Condition) error {
	if err := v.lost("Delete", w, c); err != nil {
		return err
	}
	return v.unavailable("Delete", errLost)
}
