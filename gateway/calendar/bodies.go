package calendar

import (
	"context"
	"iter"

	"calgate/imapstore"
	"calgate/translate"
)

// messages streams the whole messages of records, in the order of the server. One that
// is gone has no row, and neither has one that is not the message which the index
// knows: of a message that another session has expunged Courier gives a notice in its
// place, under the same UID. Its size tells. A server whose sizes are wrong gives the
// same octets again after a look.
func (a *Account) messages(ctx context.Context, mailbox string, records []*translate.Record) iter.Seq2[imapstore.RawMessage, error] {
	return func(yield func(imapstore.RawMessage, error) bool) {
		sizes := make(map[uint32]int64, len(records))
		uids := make([]uint32, len(records))
		for i, r := range records {
			uids[i], sizes[r.UID] = r.UID, r.Size
		}
		var doubtful []uint32
		for m, err := range a.session.Messages(ctx, mailbox, uids) {
			if size := int64(len(m.Octets)); err == nil && sizes[m.UID] != 0 && sizes[m.UID] != size {
				doubtful, sizes[m.UID] = append(doubtful, m.UID), size
				continue
			}
			if !yield(m, err) {
				return
			}
		}
		if len(doubtful) == 0 {
			return
		}
		if _, err := a.session.Look(ctx, mailbox); err != nil { // the session learns what is gone
			yield(imapstore.RawMessage{}, err)
			return
		}
		for m, err := range a.session.Messages(ctx, mailbox, doubtful) {
			if err == nil && sizes[m.UID] != int64(len(m.Octets)) {
				continue
			}
			if !yield(m, err) {
				return
			}
		}
	}
}

// bodies reads whole messages in parts of bounded size; the octets are f's for the
// time of the call.
func (a *Account) bodies(ctx context.Context, mailbox string, records []*translate.Record, f func(*translate.Record, []byte)) error {
	for len(records) > 0 {
		n, octets := 0, int64(0)
		part := map[uint32]*translate.Record{}
		for n < len(records) && n < batchMessages && (n == 0 || octets+records[n].Size <= batchOctets) {
			octets += min(records[n].Size, batchOctets)
			part[records[n].UID] = records[n]
			n++
		}
		for m, err := range a.messages(ctx, mailbox, records[:n]) {
			if err != nil {
				return wrap("Read", mailbox, err)
			}
			if r := part[m.UID]; r != nil && len(m.Octets) > 0 {
				f(r, m.Octets)
			}
		}
		records = records[n:]
	}
	return nil
}
