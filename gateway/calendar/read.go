package calendar

import (
	"context"
	"iter"
	"slices"

	"calgate/translate"
)

// Bounds of one FETCH of bodies: what is held in memory of an answer at once.
const (
	batchMessages = 100
	batchOctets   = 8 << 20
)

// Read gives objects with their octets, in the order of the entries. What another
// gateway replaced meanwhile comes as it is now; what is gone comes with an Err of
// Kind NotFound. The second value ends the iteration: the mail server failed.
func (v *View) Read(ctx context.Context, entries []Entry) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for batch := range batches(entries) {
			items, err := v.readBatch(ctx, batch)
			if err != nil {
				yield(Item{}, err)
				return
			}
			for _, it := range items {
				if !yield(it, nil) {
					return
				}
			}
		}
	}
}

// readBatch fetches what the cache lacks. Versions that are gone are looked for
// again under their names.
func (v *View) readBatch(ctx context.Context, entries []Entry) ([]Item, error) {
	items := itemsOf(entries)
	todo := indices(len(items))
	renewed := false
	for range maxLooks {
		missing, err := v.fetchBodies(ctx, items, todo)
		switch {
		case err != nil && !renewed && !v.account.session.Usable() && ctx.Err() == nil:
			renewed = true // a look logs in again
			// What the cache gave is whole: an entry must not move on without its octets.
			todo = slices.DeleteFunc(todo, func(i int) bool { return items[i].Body != nil })
		case err != nil || len(missing) == 0:
			return items, err
		default:
			todo = missing
		}
		if err := v.look(ctx); err != nil {
			return nil, err
		}
		todo = v.follow(items, todo)
	}
	for _, i := range todo {
		items[i].Err = &Error{Op: "Read", Mailbox: v.calendar.Mailbox, Kind: Unavailable, Name: items[i].Name, Err: errMoving}
	}
	return items, nil
}

// batches divides entries into what one FETCH of bodies asks for. The larger of two
// sizes counts: X-Calgate-Length can be forged, and a mail server can be wrong.
func batches(entries []Entry) iter.Seq[[]Entry] {
	return func(yield func([]Entry) bool) {
		for len(entries) > 0 {
			n, octets := 0, int64(0)
			for n < len(entries) && n < batchMessages {
				octets += min(max(entries[n].octets, entries[n].Length), batchOctets)
				if n > 0 && octets > batchOctets {
					break
				}
				n++
			}
			if !yield(entries[:n]) {
				return
			}
			entries = entries[n:]
		}
	}
}

func itemsOf(entries []Entry) []Item {
	items := make([]Item, len(entries))
	for i, e := range entries {
		items[i].Entry = e
	}
	return items
}

func indices(n int) []int {
	l := make([]int, n)
	for i := range l {
		l[i] = i
	}
	return l
}

// follow points items whose message vanished to the version of now; it returns
// those that have one.
func (v *View) follow(items []Item, todo []int) (still []int) {
	for _, i := range todo {
		e, ok := v.Entry(items[i].Name)
		if !ok {
			items[i].Err = &Error{Op: "Read", Mailbox: v.calendar.Mailbox, Kind: NotFound, Name: items[i].Name}
			continue
		}
		items[i].Entry = e
		still = append(still, i)
	}
	return still
}

// fetchBodies fills the bodies of items; it returns those whose message did not
// come.
func (v *View) fetchBodies(ctx context.Context, items []Item, todo []int) (missing []int, err error) {
	byUID := map[uint32]*translate.Record{}
	var records []*translate.Record
	for _, i := range todo {
		if b, ok := v.account.server.cache.body(v.bodyKey(items[i].UID)); ok {
			items[i].Body = b
			continue
		}
		uid := items[i].UID
		if r := v.ix.record(uid); r != nil && byUID[uid] == nil { // else the index moved on
			records, byUID[uid] = append(records, r), r
		}
	}
	bodies := map[uint32][]byte{}
	for m, err := range v.account.messages(ctx, v.calendar.Mailbox, records) {
		if err != nil {
			return nil, wrap("Read", v.calendar.Mailbox, err)
		}
		if r := byUID[m.UID]; r != nil && len(m.Octets) > 0 {
			bodies[m.UID] = v.body(ctx, r, m.Octets)
		}
	}
	for _, i := range todo {
		if items[i].Body != nil {
			continue
		}
		b, ok := bodies[items[i].UID]
		if !ok {
			missing = append(missing, i)
			continue
		}
		items[i].Body = b
		v.account.server.cache.setBody(v.bodyKey(items[i].UID), b)
	}
	return missing, nil
}

// body takes the octets out of a message. All gateways must agree on what a folder
// shows, so a body that was damaged is shown as it is, and logged.
func (v *View) body(ctx context.Context, r *translate.Record, message []byte) []byte {
	b, err := r.Shown(message)
	if err != nil {
		v.account.server.o.Logger.WarnContext(ctx, "a message does not hold what its header fields say",
			"mailbox", v.calendar.Mailbox, "uid", r.UID, "user", v.account.name, "err", err)
	}
	return append([]byte{}, b...) // a part of the message would keep all of it in the cache
}

func (v *View) bodyKey(uid uint32) bodyKey {
	m := v.ix.triple
	k := bodyKey{folderKey: folderKey{v.account.session.LoginKey(), v.calendar.Mailbox}, id: m.ID, uidValidity: m.UIDValidity, uid: uid}
	if r := v.ix.record(uid); r != nil {
		k.token = r.Token
	}
	return k
}
