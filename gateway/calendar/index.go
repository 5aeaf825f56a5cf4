package calendar

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"calgate/imapstore"
	"calgate/translate"
)

// index is what a folder holds at one moment: the parsed header fields of its
// messages and the listing that the rule makes of them. It never changes; a later
// look makes a new one, from what is new.
type index struct {
	triple  imapstore.Mailbox   // UIDVALIDITY, UIDNEXT and MESSAGES name the message set of the mailbox
	records []*translate.Record // by UID; those of messages that stay are the same in the next index
	listing *translate.Listing
	flagged map[uint32]bool // flagged \Deleted by this gateway since they were read
	newer   bool            // holds a version that only a newer calgate understands
}

// maxLooks bounds how often a look starts again because the folder changed
// under it.
const maxLooks = 20

// errMoving says that a folder never stood still long enough for a look.
var errMoving = errors.New("the folder keeps changing while it is read")

// ErrNewer is why a folder is Unavailable that holds a message of a later protocol
// version; it says what to do about it.
var ErrNewer = errors.New("the folder holds versions written by a newer calgate: upgrade all gateways")

// look makes the index of a mailbox the present one. The answer's rights belong
// to the same look.
func (a *Account) look(ctx context.Context, mailbox string) (*index, imapstore.Looked, error) {
	key := folderKey{a.session.LoginKey(), mailbox}
	empty := map[uint32]bool{}
	renewed := false
	for range maxLooks {
		ix, looked, err := a.lookOnce(ctx, key, empty)
		if err != nil && !renewed && !a.session.Usable() && ctx.Err() == nil {
			// Servers end a session whose folder was renumbered, or in any other
			// trouble of theirs. A look can be repeated.
			renewed = true
			if err = a.renew(ctx); err == nil {
				continue
			}
		}
		if err != nil {
			a.server.cache.forget(key)
			return nil, looked, wrap("Look", mailbox, err)
		}
		if ix == nil {
			continue
		}
		if ix.newer {
			a.server.o.Logger.ErrorContext(ctx, "folder is locked", "mailbox", mailbox, "user", a.name, "err", ErrNewer)
		}
		return ix, looked, ix.err(mailbox)
	}
	return nil, imapstore.Looked{}, &Error{Op: "Look", Mailbox: mailbox, Kind: Unavailable, Err: errMoving}
}

// lookOnce is one try; it gives no index if the folder changed meanwhile.
func (a *Account) lookOnce(ctx context.Context, key folderKey, empty map[uint32]bool) (*index, imapstore.Looked, error) {
	looked, err := a.session.Look(ctx, key.mailbox)
	if err != nil {
		return nil, looked, err
	}
	old := a.server.cache.index(key)
	if old != nil && old.triple.ID != looked.ID {
		old = nil
	}
	if old != nil && sameSet(old.triple, looked.Mailbox) {
		return old, looked, nil
	}
	ix, err := a.read(ctx, looked.Mailbox, old, empty)
	if ix != nil {
		a.server.cache.setIndex(key, ix)
	}
	return ix, looked, err
}

func (ix *index) err(mailbox string) error {
	if ix.newer {
		return &Error{Op: "Look", Mailbox: mailbox, Kind: Unavailable, Err: ErrNewer}
	}
	return nil
}

// sameSet tells whether two looks saw the same messages: at one UIDNEXT the set
// can only shrink. A mailbox that was renamed can have the triple of the one that
// had its name before: Cyrus' UIDVALIDITY is the second in which it was made.
func sameSet(a, b imapstore.Mailbox) bool {
	return a.ID == b.ID && a.UIDValidity == b.UIDValidity && a.UIDNext == b.UIDNext && a.Messages == b.Messages
}

// read brings an index forward to the message set that the last look named. It
// returns nil if that set is no longer there. empty are the messages that came
// without any field at an earlier try.
func (a *Account) read(ctx context.Context, now imapstore.Mailbox, old *index, empty map[uint32]bool) (*index, error) {
	uids, err := a.session.UIDs(ctx, now.Name)
	if err != nil {
		return nil, err
	}
	// What came after the look is for the next one. Below its UIDNEXT messages can only
	// go, so that as many as it saw are those that it saw.
	later, _ := slices.BinarySearch(uids, now.UIDNext)
	uids = uids[:later]
	if uint32(len(uids)) != now.Messages {
		return nil, nil
	}
	ix := &index{triple: now, records: make([]*translate.Record, 0, len(uids))}
	var known []*translate.Record
	if old != nil && old.triple.UIDValidity == now.UIDValidity {
		known, ix.newer = old.records, old.newer
		ix.flagged = old.flagged
	}
	var fresh []uint32
	for _, uid := range uids {
		for len(known) > 0 && known[0].UID < uid {
			known = known[1:]
		}
		if len(known) > 0 && known[0].UID == uid {
			ix.records = append(ix.records, known[0])
		} else {
			fresh = append(fresh, uid)
		}
	}
	if complete, err := a.fetchFields(ctx, ix, fresh, empty); err != nil || !complete {
		return nil, err
	}
	// Where the server finds out by scanning a directory, what it showed may have
	// lacked a lower UID: only a second scan that finds nothing new is a look.
	if again, err := a.stillThere(ctx, now); err != nil || !again {
		return nil, err
	}
	if err := a.openForeign(ctx, ix); err != nil {
		return nil, err
	}
	if err := a.openCopies(ctx, ix); err != nil {
		return nil, err
	}
	return ix, nil
}

func (a *Account) stillThere(ctx context.Context, now imapstore.Mailbox) (bool, error) {
	if a.session.Caps().Condstore {
		return true, nil
	}
	looked, err := a.session.Look(ctx, now.Name)
	return err == nil && sameSet(looked.Mailbox, now), err
}

// fetchFields adds the records of uids. It is not complete if a message vanished
// meanwhile: its row is missing, or comes without any field, which no mail lacks.
// A message that has none at a second try either is mail after all.
func (a *Account) fetchFields(ctx context.Context, ix *index, uids []uint32, empty map[uint32]bool) (complete bool, err error) {
	if len(uids) == 0 {
		return true, nil
	}
	got := 0
	for row, err := range a.session.Fields(ctx, ix.triple.Name, uids, translate.IndexFields) {
		if err != nil {
			return false, err
		}
		if _, wanted := slices.BinarySearch(uids, row.UID); !wanted {
			continue
		}
		if len(bytes.TrimSpace(row.Header)) == 0 && !(empty[row.UID] && row.Size > 0) {
			empty[row.UID] = true
			continue
		}
		rec, err := translate.ParseFields(row.UID, row.Header)
		if errors.Is(err, translate.ErrNewerVersion) {
			ix.newer = ix.newer || rec.Folder == ix.triple.UIDValidity
			rec.ReadOnly = true
		}
		rec.Size, rec.InternalDate, rec.Deleted = row.Size, row.InternalDate, row.Deleted
		if rec.Unreadable && rec.Size > translate.MaxForeign { // and so never opened
			a.unreadable(ctx, ix, row.UID, errOversize)
		}
		ix.records = append(ix.records, &rec)
		got++
	}
	byUID := func(x, y *translate.Record) int { return cmp.Compare(x.UID, y.UID) }
	if !slices.IsSortedFunc(ix.records, byUID) {
		slices.SortFunc(ix.records, byUID)
	}
	ix.records = slices.CompactFunc(ix.records, func(x, y *translate.Record) bool { return x.UID == y.UID })
	return got >= len(uids), nil
}

// openForeign reads, once, the messages without our fields that may hold
// iCalendar. One that vanishes meanwhile stays unopened: the next look misses it.
func (a *Account) openForeign(ctx context.Context, ix *index) error {
	var closed []*translate.Record
	for _, r := range ix.records {
		if r.Unopened && r.Size <= translate.MaxForeign {
			closed = append(closed, r)
		}
	}
	if len(closed) == 0 {
		return nil
	}
	for m, err := range a.messages(ctx, ix.triple.Name, closed) {
		if err != nil {
			return err
		}
		if len(m.Octets) == 0 {
			continue
		}
		r := ix.changeable(m.UID)
		if r == nil {
			continue
		}
		if err := r.Open(m.Octets); err != nil {
			a.unreadable(ctx, ix, m.UID, err)
		}
	}
	return nil
}

func (a *Account) unreadable(ctx context.Context, ix *index, uid uint32, err error) {
	a.server.o.Logger.WarnContext(ctx, "a message holds a calendar object that cannot be read; it is not shown",
		"mailbox", ix.triple.Name, "uid", uid, "user", a.name, "err", err)
}

// openCopies makes the listing. A version that somebody put there a second time
// competes as a foreign message does, by SEQUENCE and DTSTAMP: its body is read
// once for them.
func (a *Account) openCopies(ctx context.Context, ix *index) error {
	ix.listing = translate.Heads(ix.records, ix.triple.UIDValidity)
	var closed []*translate.Record
	for _, uid := range ix.listing.Copies() {
		closed = append(closed, ix.record(uid))
	}
	if len(closed) == 0 {
		return nil
	}
	for m, err := range a.messages(ctx, ix.triple.Name, closed) {
		if err != nil {
			return err
		}
		r := ix.changeable(m.UID)
		if r == nil {
			continue
		}
		r.Opened = true
		if body, err := r.Body(m.Octets); err == nil {
			if o, err := translate.ParseObject(body); err == nil {
				r.Sequence, r.DTStamp = o.Sequence, o.DTStamp
			}
		}
	}
	ix.listing = translate.Heads(ix.records, ix.triple.UIDValidity)
	return nil
}

// record is the message with a UID, nil if there is none.
func (ix *index) record(uid uint32) *translate.Record {
	i, found := slices.BinarySearchFunc(ix.records, uid, compareUID)
	if !found {
		return nil
	}
	return ix.records[i]
}

// changeable is a record that may be changed while the index is made: other indexes know the
// old one.
func (ix *index) changeable(uid uint32) *translate.Record {
	i, found := slices.BinarySearchFunc(ix.records, uid, compareUID)
	if !found {
		return nil
	}
	r := *ix.records[i]
	ix.records[i] = &r
	return &r
}

func compareUID(r *translate.Record, uid uint32) int { return cmp.Compare(r.UID, uid) }

// withFlagged is the index after messages were flagged \Deleted.
func (ix *index) withFlagged(uids []uint32) *index {
	next := *ix
	next.flagged = maps.Clone(ix.flagged)
	if next.flagged == nil {
		next.flagged = map[uint32]bool{}
	}
	for _, uid := range uids {
		next.flagged[uid] = true
	}
	return &next
}

// size estimates the octets that an index holds.
func (ix *index) size() int64 {
	n := int64(512)
	for _, r := range ix.records {
		n += 512 + int64(len(r.Name)+len(r.ICalUID)+len(r.Hash)+len(r.MovedFrom)+len(r.MailboxID)+32*len(r.Prev))
	}
	return n
}

// ctag is CS:getctag: STATUS alone answers it.
func ctag(m imapstore.Mailbox) string {
	tag := fmt.Sprintf("%d-%d-%d", m.UIDValidity, m.UIDNext, m.Messages)
	if m.ID != "" {
		tag += "-" + m.ID // see sameSet
	}
	return tag
}

// newest is the INTERNALDATE of the newest message: the mail server's clock, as
// far as a folder shows it.
func (ix *index) newest() time.Time {
	var t time.Time
	for _, r := range ix.records {
		if d := r.InternalDate; d.After(t) {
			t = d
		}
	}
	return t
}
