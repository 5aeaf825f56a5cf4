package imapstore

import (
	"context"
	"fmt"
	"strings"
)

// Flag adds and removes flags. OK from the server proves nothing: some say it and do nothing where a right is missing.
func (s *Session) Flag(ctx context.Context, mailbox string, uids []uint32, add, remove []string) error {
	for _, f := range append(append([]string{}, add...), remove...) {
		if !isAtom(strings.TrimPrefix(f, `\`)) {
			return &Error{Op: "Flag", Mailbox: mailbox, Kind: Bad, Err: fmt.Errorf("%q is no flag", f)}
		}
	}
	return s.change(ctx, "Flag", mailbox, uids, func(c *conn, set string) []string {
		var lines []string
		if len(add) > 0 {
			lines = append(lines, storeLine(set, '+', add))
		}
		if len(remove) > 0 {
			lines = append(lines, storeLine(set, '-', remove))
		}
		return lines
	})
}

func storeLine(set string, sign byte, flags []string) string {
	return fmt.Sprintf("UID STORE %s %cFLAGS.SILENT (%s)", set, sign, strings.Join(flags, " "))
}

// Expunge removes these messages and no others: UID STORE \Deleted and UID EXPUNGE (RFC 4315). Kind Unsupported without
// UIDPLUS: a plain EXPUNGE would take what other programs have flagged. OK from the server proves nothing: look again.
func (s *Session) Expunge(ctx context.Context, mailbox string, uids []uint32) error {
	if !s.c.caps.UIDPlus {
		return &Error{Op: "Expunge", Mailbox: mailbox, Kind: Unsupported}
	}
	return s.change(ctx, "Expunge", mailbox, uids, func(c *conn, set string) []string {
		return []string{storeLine(set, '+', []string{`\Deleted`}), "UID EXPUNGE " + set}
	})
}

// change sends the lines for each part of the UIDs, one write a part.
func (s *Session) change(ctx context.Context, op, mailbox string, uids []uint32, lines func(c *conn, set string) []string) error {
	want := ascending(uids)
	if len(want) == 0 {
		return nil
	}
	return s.do(ctx, op, mailbox, write, func(c *conn) error {
		if err := s.view(c, mailbox); err != nil {
			return err
		}
		for _, set := range sets(want) {
			ls := lines(c, set)
			if len(ls) == 0 {
				return nil
			}
			replies, err := c.command(nil, ls...)
			if err != nil {
				return err
			}
			for _, p := range replies {
				if err := p.err(); err != nil && p.code != "EXPUNGEISSUED" {
					return c.deselected(err)
				}
			}
		}
		return nil
	})
}
