package imapstore

import (
	"context"
	"strings"
)

// parseRights reads mailbox and rights of a MYRIGHTS answer.
func (c *conn) parseRights(s *scanner) string {
	s.spaces()
	s.astring()
	s.spaces()
	rights := string(s.astring())
	if s.bad {
		return ""
	}
	return c.spelledOut(rights)
}

// split are the rights of RFC 2086 that RFC 4314 section 2.1.1 splits.
var split = map[byte]string{'d': "te", 'c': "kx"}

// spelledOut adds to the rights of a server of RFC 2086 the letters that RFC 4314 has for them.
func (c *conn) spelledOut(rights string) string {
	if c.caps.TEKX {
		return rights
	}
	for old, now := range split {
		if strings.IndexByte(rights, old) < 0 {
			continue
		}
		for i := range now {
			if strings.IndexByte(rights, now[i]) < 0 {
				rights += now[i : i+1]
			}
		}
	}
	return sortLetters(rights)
}

// asKnown is the inverse of spelledOut: such a server takes t and e for nothing, and says OK.
func (c *conn) asKnown(rights string) string {
	if c.caps.TEKX {
		return rights
	}
	known := ""
	for i := range rights {
		letter := rights[i]
		for old, now := range split {
			if strings.IndexByte(now, letter) >= 0 {
				letter = old
			}
		}
		if strings.IndexByte(known, letter) < 0 {
			known += string(rune(letter))
		}
	}
	return known
}

func sortLetters(s string) string {
	b := []byte(s)
	for i := 1; i < len(b); i++ {
		for k := i; k > 0 && b[k] < b[k-1]; k-- {
			b[k], b[k-1] = b[k-1], b[k]
		}
	}
	return string(b)
}

// Rights is what MYRIGHTS says of the mailbox, as in Looked; false where the server has no ACL.
func (s *Session) Rights(ctx context.Context, mailbox string) (string, bool, error) {
	if !s.c.caps.ACL {
		return "", false, nil
	}
	rights := ""
	err := s.do(ctx, "Rights", mailbox, again, func(c *conn) error {
		real, err := c.server(mailbox)
		if err != nil {
			return &Error{Kind: NotFound, Err: err}
		}
		if err := c.present(real); err != nil {
			return err
		}
		replies, err := c.command(func(r *response) error {
			if r.kind == "MYRIGHTS" {
				rights = c.parseRights(r.scan())
			}
			return nil
		}, "MYRIGHTS "+arg(real))
		if err != nil || replies[0].status == "OK" {
			return err
		}
		return c.notSelected(real, replies[0])
	})
	return rights, err == nil, err
}

// present is NotFound for a mailbox of another user that is not there: of a user that Dovecot 2.3 does not know MYRIGHTS ends
// its process. LIST would not do: a session that is older than the owner's first share shows nothing.
func (c *conn) present(real string) error {
	if !c.isOther(real) {
		return nil
	}
	replies, err := c.command(nil, "STATUS "+arg(real)+statusItems)
	if err != nil || replies[0].status == "OK" {
		return err
	}
	if err = c.notSelected(real, replies[0]); IsKind(err, NoPermission) || kindOf(err) == NoPermission {
		return nil // rights without r
	}
	return err
}

// Present are those of the mailboxes of other users that are there, in their order, whether LIST shows them or not: a Dovecot
// session that is older than an owner's first share does not list it until it is named. A refusal without a code is none of
// Dovecot's; the servers that refuse so list everything.
func (s *Session) Present(ctx context.Context, mailboxes []string) ([]string, error) {
	if err := s.Anew(ctx); err != nil { // a mailbox that was hidden stays so, too
		return nil, err
	}
	var there []string
	err := s.do(ctx, "Present", "", again, func(c *conn) error {
		var asked, lines []string
		for _, name := range mailboxes {
			if real, err := c.server(name); err == nil && c.isOther(real) {
				asked, lines = append(asked, name), append(lines, "STATUS "+arg(real)+statusItems)
			}
		}
		there = there[:0]
		if len(lines) == 0 {
			return nil
		}
		replies, err := c.command(nil, lines...)
		if err != nil {
			return err
		}
		for i, p := range replies {
			switch err := p.err(); {
			case err == nil, kindOf(err) == NoPermission:
				there = append(there, asked[i])
			case kindOf(err) == Unavailable && p.code != "SERVERBUG": // which Dovecot says of a user that it does not know
				return err
			}
		}
		return nil
	})
	return there, err
}
