package imapstore

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

// maxUIDs bounds the UIDs of one mailbox: a set of a few octets can name four thousand million.
const maxUIDs = 4 << 20

// UIDs lists the UIDs of the view of the last Look, ascending. Fewer than its MESSAGES means that something was expunged
// since: look again.
func (s *Session) UIDs(ctx context.Context, mailbox string) ([]uint32, error) {
	var uids []uint32
	err := s.do(ctx, "UIDs", mailbox, again, func(c *conn) error {
		uids = nil
		if err := s.view(c, mailbox); err != nil {
			return err
		}
		line := "UID SEARCH ALL"
		if c.caps.ESearch {
			line = "UID SEARCH RETURN (ALL) ALL"
		}
		if _, err := c.one(func(r *response) error { return searched(r, &uids) }, line); err != nil {
			return c.deselected(err)
		}
		slices.Sort(uids)
		uids = slices.Compact(uids)
		if l, ok := s.looked[mailbox]; ok { // Cyrus answers with what came after the NOOP, too
			n, _ := slices.BinarySearch(uids, l.UIDNext)
			if n < len(uids) { // and may not say EXISTS, see distrust
				c.sel.known = false
			}
			uids = uids[:n]
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return uids, nil
}

// deselected forgets the selected mailbox when the server says BAD: it may have lost it.
func (c *conn) deselected(err error) error {
	if r, ok := err.(*refusal); ok && r.reply.status == "BAD" {
		c.sel = nil
		return &Error{Kind: Unavailable, Err: err}
	}
	return err
}

// searched reads SEARCH (RFC 3501 section 7.2.5) or ESEARCH (RFC 4731 section 3.1).
func searched(r *response, uids *[]uint32) error {
	s := r.scan()
	switch r.kind {
	case "SEARCH":
		for {
			s.spaces()
			if c := s.peek(); c < '0' || c > '9' {
				return nil
			}
			if *uids = append(*uids, s.number32()); s.bad || len(*uids) > maxUIDs {
				return errSyntax
			}
		}
	case "ESEARCH":
		s.spaces()
		if s.peek() == '(' { // (TAG "W5")
			s.skip()
		}
		for {
			s.spaces()
			if s.end() || s.peek() == '\r' || s.peek() == '\n' {
				return nil
			}
			switch item := s.word(); item {
			case "UID":
			case "ALL":
				s.spaces()
				set := string(s.atom())
				var err error
				if *uids, err = parseSet(*uids, set); err != nil {
					return err
				}
			default:
				s.spaces()
				s.skip()
			}
			if s.bad {
				return errSyntax
			}
		}
	}
	return nil
}

// parseSet appends the members of 1:5,7.
func parseSet(uids []uint32, set string) ([]uint32, error) {
	for part := range strings.SplitSeq(set, ",") {
		lo, hi, ranged := strings.Cut(part, ":")
		if !ranged {
			hi = lo
		}
		a, err1 := strconv.ParseUint(lo, 10, 32)
		b, err2 := strconv.ParseUint(hi, 10, 32)
		if err1 != nil || err2 != nil {
			return uids, errSyntax
		}
		if a > b {
			a, b = b, a
		}
		if b-a >= uint64(maxUIDs-len(uids)) {
			return uids, errTooLong
		}
		for u := a; u <= b; u++ {
			uids = append(uids, uint32(u))
		}
	}
	return uids, nil
}

// maxSet keeps a command line below what every server reads (Courier: 16 KB).
const maxSet = 6000

// sets writes ascending UIDs as sequence sets of at most maxSet octets each.
func sets(uids []uint32) []string {
	var out []string
	var b []byte
	for i := 0; i < len(uids); {
		k := i
		for k+1 < len(uids) && uids[k+1] == uids[k]+1 {
			k++
		}
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(uids[i]), 10)
		if k > i {
			b = append(b, ':')
			b = strconv.AppendUint(b, uint64(uids[k]), 10)
		}
		if i = k + 1; len(b) > maxSet {
			out = append(out, string(b))
			b = b[:0]
		}
	}
	if len(b) > 0 {
		out = append(out, string(b))
	}
	return out
}

// ascending is a sorted copy without doubles and without 0, which is no UID.
func ascending(uids []uint32) []uint32 {
	out := slices.Clone(uids)
	slices.Sort(out)
	out = slices.Compact(out)
	if len(out) > 0 && out[0] == 0 {
		out = out[1:]
	}
	return out
}
