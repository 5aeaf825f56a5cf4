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
		return err
	}
	_, err = v.append(ctx, "Delete", w, now, w.Name, nil)
	switch {
	case errors.Is(err, errLost):
		return v.lostOverQuota(w, c)
	case !IsKind(err, OverQuota):
		return err
	}
	rest, stays := v.ix.couldReturn(now.Head)
	if stays {
		return full
	}
	if now, err = v.without(ctx, rest, w, now, c); now == nil {
		return err
	}
	if rest, _ = v.ix.couldReturn(now.Head); len(rest) > 0 {
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
	now := v.ix.listing.Live(w.Name)
	if now != nil && now.Head.UID != head.Head.UID {
		return nil, v.lostOverQuota(w, c)
	}
	return now, nil
}

// lostOverQuota is a write that another one was quicker than, in the middle of
// making room.
func (v *View) lostOverQuota(w translate.Write, c Condition) error {
	if err := v.lost("Delete", w, c); err != nil {
		return err
	}
	return v.unavailable("Delete", errLost)
}

// couldReturn are the messages, but the head itself, that could show again if the
// head went: of its Life, with its iCalendar UID, or a loser that wanted its name.
// stays tells that one of them, or the head, is a mail that is never removed.
func (ix *index) couldReturn(head *translate.Record) (uids []uint32, stays bool) {
	stays = head.Mixed
	for i := range ix.records {
		r := &ix.records[i]
		if r.UID == head.UID || !r.Ours && !r.Foreign || r.Op == translate.OpProps {
			continue
		}
		sameLife := head.Life != "" && r.Life == head.Life
		sameUID := head.ICalUID != "" && r.ICalUID == head.ICalUID
		sameName := r.Op == translate.OpPut && r.Folder == ix.triple.UIDValidity && r.Name == head.Name
		if !sameLife && !sameUID && !(sameName && r.Ours) {
			continue
		}
		uids = append(uids, r.UID)
		stays = stays || r.Mixed
	}
	return uids, stays
}
