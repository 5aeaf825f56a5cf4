package imapstore

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"time"
)

// RawMessage is a message as the server has it.
type RawMessage struct {
	UID    uint32
	Octets []byte // the caller may keep them
}

// Messages streams whole messages (BODY.PEEK[]), in the order of the server; one message is in memory at a time. A message
// that is gone, that the server gives as NIL, or that is larger than 32 MB has no row: compare with what was asked.
// A loop that ends early lets the rest of the answer be read over.
func (s *Session) Messages(ctx context.Context, mailbox string, uids []uint32) iter.Seq2[RawMessage, error] {
	return func(yield func(RawMessage, error) bool) {
		more := true
		err := s.fetch(ctx, "Messages", mailbox, uids, "(UID BODY.PEEK[])", func(c *conn, r *row) bool {
			more = yield(RawMessage{UID: r.uid, Octets: r.body}, nil)
			c.w.buf = nil // it is the caller's now
			return more
		})
		if err != nil && more {
			yield(RawMessage{}, err)
		}
	}
}

// fetch asks items of the messages and gives each complete row once to on, until on says false; on a new connection it goes on
// with what has not come.
func (s *Session) fetch(ctx context.Context, op, mailbox string, uids []uint32, items string, on func(*conn, *row) bool) error {
	want := ascending(uids)
	if len(want) == 0 {
		return nil
	}
	f := fetching{want: want, seen: make([]bool, len(want)), sized: items != "(UID BODY.PEEK[])"}
	more := true
	return s.do(ctx, op, mailbox, again, func(c *conn) error {
		if !more {
			return nil
		}
		if err := s.view(c, mailbox); err != nil {
			return err
		}
		for _, set := range sets(f.missing()) {
			_, err := c.one(func(r *response) error {
				if !more || r.kind != "FETCH" {
					return nil
				}
				w, err := f.read(r.scan())
				if err != nil || w == nil {
					return err
				}
				began := time.Now()
				more = on(c, w)
				s.time -= time.Since(began) // what the caller does with it is not the server's time
				return nil
			}, "UID FETCH "+set+" "+items)
			if err = expunged(err); err != nil {
				return c.deselected(err)
			}
			if !more {
				return nil
			}
		}
		return nil
	})
}

// expunged takes a NO that means "some of them are gone" for an answer with rows missing (RFC 5530 EXPUNGEISSUED, RFC 2180
// section 4.1.2, which has no code).
func expunged(err error) error {
	var r *refusal
	if errors.As(err, &r) && r.reply.status == "NO" && (r.reply.code == "EXPUNGEISSUED" || r.reply.code == "") {
		return nil
	}
	return err
}

// fetching sorts out the FETCH answers of one command: rows that were not asked, that are told of flags only, or that came
// already are no rows.
type fetching struct {
	want  []uint32
	seen  []bool
	at    int // where the next row is expected
	sized bool
	row   row
}

// row is one FETCH answer.
type row struct {
	uid           uint32
	size          int64
	date          time.Time
	deleted, seen bool
	body          []byte
	hasBody       bool
	hasSize       bool
	hasFlags      bool
}

// missing are those of which no row has come.
func (f *fetching) missing() []uint32 {
	if !slices.Contains(f.seen, true) {
		return f.want
	}
	var uids []uint32
	for i, uid := range f.want {
		if !f.seen[i] {
			uids = append(uids, uid)
		}
	}
	return uids
}

// read gives nil for an answer that is no complete row.
func (f *fetching) read(s *scanner) (*row, error) {
	f.row = row{}
	if !f.row.parse(s) {
		return nil, errSyntax
	}
	w := &f.row
	if w.uid == 0 || !w.hasBody || (f.sized && (!w.hasSize || !w.hasFlags || w.date.IsZero())) {
		return nil, nil
	}
	i := f.at
	if i >= len(f.want) || f.want[i] != w.uid {
		var found bool
		if i, found = slices.BinarySearch(f.want, w.uid); !found {
			return nil, nil
		}
	}
	if f.seen[i] {
		return nil, nil
	}
	f.seen[i], f.at = true, i+1
	return w, nil
}

// parse reads the items in any order; those it does not know are skipped.
func (w *row) parse(s *scanner) bool {
	s.spaces()
	s.need('(')
	for !s.bad {
		s.spaces()
		if s.take(')') {
			break
		}
		item := s.atom()
		s.spaces()
		switch {
		case bytes.EqualFold(item, []byte("UID")):
			w.uid = s.number32()
		case bytes.EqualFold(item, []byte("RFC822.SIZE")):
			n := s.number()
			w.size, w.hasSize = int64(n&(1<<62-1)), true
		case bytes.EqualFold(item, []byte("INTERNALDATE")):
			if v, ok := s.nstring(); ok {
				w.date = internalDate(v)
			}
		case bytes.EqualFold(item, []byte("FLAGS")):
			w.flags(s)
		case len(item) > 5 && bytes.EqualFold(item[:5], []byte("BODY[")):
			if v, ok := s.nstring(); ok {
				w.body, w.hasBody = v, true
			}
		default:
			s.skip()
		}
	}
	return !s.bad
}

// internalDate reads " 2-Jan-2006 15:04:05 -0700" (RFC 9051 section 9, date-time), zero when it is none. time.Parse would make a
// time zone for each row.
func internalDate(b []byte) time.Time {
	const months = "JanFebMarAprMayJunJulAugSepOctNovDec"
	if len(b) == 25 { // a day of one digit without its blank
		b = append([]byte{' '}, b...)
	}
	if len(b) != 26 || b[2] != '-' || b[6] != '-' || b[11] != ' ' || b[14] != ':' || b[17] != ':' || b[20] != ' ' {
		return time.Time{}
	}
	month := -1
	for i := 0; i < len(months); i += 3 {
		if bytes.EqualFold(b[3:6], []byte(months[i:i+3])) {
			month = i/3 + 1
		}
	}
	ok := month > 0 && (b[21] == '+' || b[21] == '-')
	two := func(i int) int {
		tens, ones := b[i], b[i+1]
		if tens == ' ' && i == 0 {
			tens = '0'
		}
		if tens < '0' || tens > '9' || ones < '0' || ones > '9' {
			ok = false
		}
		return int(tens-'0')*10 + int(ones-'0')
	}
	day, year := two(0), two(7)*100+two(9)
	t := time.Date(year, time.Month(max(month, 1)), day, two(12), two(15), two(18), 0, time.UTC)
	offset := time.Duration(two(22))*time.Hour + time.Duration(two(24))*time.Minute
	if !ok {
		return time.Time{}
	}
	if b[21] == '+' {
		offset = -offset
	}
	return t.Add(offset)
}

func (w *row) flags(s *scanner) {
	s.need('(')
	w.hasFlags = true
	for !s.bad {
		s.spaces()
		if s.take(')') {
			return
		}
		f := s.atom()
		switch {
		case bytes.EqualFold(f, []byte(`\Deleted`)):
			w.deleted = true
		case bytes.EqualFold(f, []byte(`\Seen`)):
			w.seen = true
		}
	}
}
