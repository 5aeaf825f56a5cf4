package calendar

import (
	"context"
	"slices"
	"time"
)

// CleanUp removes what the folder no longer needs, after the answer to a write
// went out. What is garbage can never become a head again, so it is safe at any
// time and in any order; a crash in the middle leaves the rest to the next writer.
//
// Without UIDPLUS or the rights t and e nothing is removed. OK from the server
// proves nothing: what must be gone before something else goes is looked for.
func (v *View) CleanUp(ctx context.Context) error {
	if v.besides != nil {
		if err := v.besides.CleanUp(ctx); err != nil {
			return err
		}
	}
	if !v.calendar.Exists || !v.rights.has('t', 'e') || !v.account.session.Caps().UIDPlus || !v.account.session.Usable() {
		return nil
	}
	at := v.clock()
	if err := v.expunge(ctx, v.ix.listing.Garbage()); err != nil {
		return err
	}
	if err := v.flagDeleted(ctx, slices.Concat(v.ix.listing.Covered(), v.ix.listing.Kept())); err != nil {
		return err
	}
	return v.expire(ctx, at)
}

// clock is the time by which things expire: the earlier one of the own clock and
// the newest message's INTERNALDATE. A gateway whose clock runs ahead must not end
// what a person could still want back.
func (v *View) clock() time.Time {
	now, newest := v.account.server.o.Now(), v.ix.newest()
	if newest.Before(now) {
		return newest
	}
	return now
}

func (v *View) expunge(ctx context.Context, uids []uint32) error {
	if len(uids) == 0 {
		return nil
	}
	slices.Sort(uids)
	v.forgetBodies(uids)
	return wrap("CleanUp", v.calendar.Mailbox, v.account.session.Expunge(ctx, v.calendar.Mailbox, slices.Compact(uids)))
}

// forgetBodies frees the octets of what no listing shows any more.
func (v *View) forgetBodies(uids []uint32) {
	for _, uid := range uids {
		v.account.server.cache.forgetBody(v.bodyKey(uid))
	}
}

// flagDeleted flags what is deleted but stays for a while, so that other programs
// take it for deleted too.
//
// Where the server finds out by scanning a directory nothing is flagged: a flag is a
// part of the file's name there, and Courier 5.0, when another session scans in that
// moment, gives the message a new UID. One that comes to lie above its tombstone so
// looks like one that somebody put there again, and is shown.
func (v *View) flagDeleted(ctx context.Context, stay []uint32) error {
	if !v.account.session.Caps().Condstore {
		return nil
	}
	var uids []uint32
	for _, uid := range stay {
		if r := v.ix.record(uid); r != nil && !r.Deleted && !v.ix.flagged[uid] {
			uids = append(uids, uid)
		}
	}
	if len(uids) == 0 {
		return nil
	}
	if err := v.account.session.Flag(ctx, v.calendar.Mailbox, uids, []string{`\Deleted`}, nil); err != nil {
		return wrap("CleanUp", v.calendar.Mailbox, err)
	}
	v.forgetBodies(uids)
	v.ix = v.ix.withFlagged(uids)
	v.account.server.cache.setIndex(folderKey{v.account.session.LoginKey(), v.calendar.Mailbox}, v.ix)
	return nil
}

// expire ends deleted lives for good: first what lies below their tombstones, and
// in a later command, after a look that finds it gone, the tombstones.
func (v *View) expire(ctx context.Context, at time.Time) error {
	keep := v.account.server.o.KeepDeleted
	below, _ := v.ix.listing.Expired(at, keep)
	if len(below) > 0 {
		if err := v.expunge(ctx, below); err != nil {
			return err
		}
		if err := v.look(ctx); err != nil {
			return err
		}
	}
	_, tombstones := v.ix.listing.Expired(at, keep)
	var uids []uint32
	for _, t := range tombstones {
		if v.ix.listing.Droppable(t) {
			uids = append(uids, t.Head.UID)
		}
	}
	return v.expunge(ctx, uids)
}
