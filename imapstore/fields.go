package imapstore

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"
)

// RawFields is what the index of a mailbox is made of.
type RawFields struct {
	UID           uint32
	Header        []byte // the header lines that were asked, and an empty line; valid until the next iteration
	Size          int64  // RFC822.SIZE
	InternalDate  time.Time
	Deleted, Seen bool
}

// Fields streams header fields, size, date and flags, in the order of the server. A message that is gone or that the server
// gives as NIL has no row: compare with what was asked. A loop that ends early lets the rest of the answer be read over.
func (s *Session) Fields(ctx context.Context, mailbox string, uids []uint32, names []string) iter.Seq2[RawFields, error] {
	return func(yield func(RawFields, error) bool) {
		for _, n := range names {
			if !isAtom(n) || strings.ContainsAny(n, ":[") {
				yield(RawFields{}, &Error{Op: "Fields", Mailbox: mailbox, Kind: Bad, Err: errors.New("no header field name: " + n)})
				return
			}
		}
		more := true
		items := "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (" + strings.Join(names, " ") + ")])"
		err := s.fetch(ctx, "Fields", mailbox, uids, items, func(_ *conn, r *row) bool {
			more = yield(RawFields{r.uid, r.body, r.size, r.date, r.deleted, r.seen}, nil)
			return more
		})
		if err != nil && more {
			yield(RawFields{}, err)
		}
	}
}
