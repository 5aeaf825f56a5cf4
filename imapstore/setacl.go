package imapstore

import (
	"context"
	"errors"
)

// Entry is one entry of an ACL: rights in the letters of RFC 4314, d and c of older servers spelled out.
type Entry struct {
	Identifier
	Rights string
}

// ACL asks who has which rights on a mailbox (GETACL, RFC 4314 section 3.3). The order is the server's. Errors: NotFound,
// NoPermission without the right a, Unsupported.
func (s *Session) ACL(ctx context.Context, mailbox string) ([]Entry, error) {
	if err := s.Anew(ctx); err != nil { // the user's mail program may have changed it
		return nil, err
	}
	all, err := s.acls(ctx, []string{mailbox})
	if err != nil {
		return nil, err
	}
	return all[mailbox], nil
}

// ACLs is ACL for many mailboxes, pipelined, and as this session knows them: Anew comes before it where they must not be older
// than the request. Those that cannot be had are left out, and the error is that of one of them, none for NotFound and
// NoPermission.
func (s *Session) ACLs(ctx context.Context, mailboxes []string) (map[string][]Entry, error) {
	if !s.c.caps.ACL || len(mailboxes) == 0 {
		return nil, nil
	}
	all, err := s.acls(ctx, mailboxes)
	if IsKind(err, NotFound) || IsKind(err, NoPermission) {
		err = nil
	}
	return all, err
}

// acls gives the ACLs that can be had, and the error of the first that cannot.
func (s *Session) acls(ctx context.Context, mailboxes []string) (map[string][]Entry, error) {
	if !s.c.caps.ACL {
		return nil, &Error{Op: "ACL", Mailbox: mailboxes[0], Kind: Unsupported}
	}
	all := map[string][]Entry{}
	err := s.do(ctx, "ACL", mailboxes[0], again, func(c *conn) error {
		lines := make([]string, len(mailboxes))
		names := map[string]string{}
		for i, m := range mailboxes {
			real, err := c.server(m)
			if err != nil {
				return &Error{Kind: NotFound, Err: err}
			}
			if len(mailboxes) == 1 {
				if err := c.present(real); err != nil {
					return err
				}
			}
			lines[i], names[encodeUTF7(real)] = "GETACL "+arg(real), m
		}
		replies, err := c.command(func(r *response) error {
			if r.kind == "ACL" {
				if name, entries, ok := c.parseACL(r.scan()); ok && names[name] != "" {
					all[names[name]] = entries
				}
			}
			return nil
		}, lines...)
		for i, p := range replies {
			if err == nil && p.status != "OK" {
				real, _ := c.server(mailboxes[i])
				err = c.refusedACL(real, p)
			}
		}
		return err
	})
	return all, err
}

// parseACL reads mailbox and pairs of identifier and rights.
func (c *conn) parseACL(s *scanner) (name string, entries []Entry, ok bool) {
	s.spaces()
	name = string(s.astring())
	for s.spaces(); !s.bad && len(s.rest()) > 0; s.spaces() {
		raw := string(s.astring())
		s.spaces()
		rights := string(s.astring())
		if !s.bad {
			entries = append(entries, Entry{c.caps.identifier(raw), c.spelledOut(rights)})
		}
	}
	return name, entries, !s.bad
}

// refusedACL tells what a refusal without a code means: there is no such mailbox, the right a is missing, or the server does
// not take what it was told.
func (c *conn) refusedACL(real string, p reply) error {
	err := p.err()
	if k := codeKind(p.code); k != Bad && k != Denied {
		return err
	}
	if p.status == "NO" {
		there, lerr := c.listed(real)
		switch {
		case lerr != nil:
			return lerr
		case !there:
			return &Error{Kind: NotFound, Err: err}
		}
		administers, lerr := c.granted(real, 'a')
		switch {
		case lerr != nil:
			return lerr
		case !administers:
			return &Error{Kind: NoPermission, Err: err}
		}
	}
	return &Error{Kind: Denied, Err: err}
}

// Grantable says which rights an identifier can have on a mailbox (RFC 4314 section 3.7): those that it has always, and
// those that can be given and taken, in groups that go together.
type Grantable struct {
	Always   string
	Optional []string
}

// Can tells whether these rights can be given, and no others would come with them.
func (g Grantable) Can(rights string) bool {
	for i := range g.Always {
		if !hasLetter(rights, g.Always[i]) {
			return false
		}
	}
	for i := range rights {
		if !hasLetter(g.Always, rights[i]) && !g.optional(rights, rights[i]) {
			return false
		}
	}
	return true
}

func (g Grantable) optional(rights string, letter byte) bool {
	for _, together := range g.Optional {
		if !hasLetter(together, letter) {
			continue
		}
		for i := range together {
			if _, old := split[together[i]]; !old && !hasLetter(rights, together[i]) {
				return false
			}
		}
		return true
	}
	return false
}

func hasLetter(rights string, letter byte) bool {
	for i := range rights {
		if rights[i] == letter {
			return true
		}
	}
	return false
}

// ListRights asks for each identifier which rights it can have (LISTRIGHTS), pipelined. Of one that the server cannot be
// told, or refuses, the answer is nil.
func (s *Session) ListRights(ctx context.Context, mailbox string, identifiers []Identifier) ([]*Grantable, error) {
	out := make([]*Grantable, len(identifiers))
	err := s.do(ctx, "ListRights", mailbox, again, func(c *conn) error {
		real, err := c.server(mailbox)
		if err != nil {
			return &Error{Kind: NotFound, Err: err}
		}
		var lines []string
		asked := map[string]int{}
		for i, id := range identifiers {
			if raw, ok := c.caps.spell(id); ok {
				asked[raw] = i
				lines = append(lines, "LISTRIGHTS "+arg(real)+" "+quote(raw))
			}
		}
		if lines == nil {
			return nil
		}
		_, err = c.command(func(r *response) error {
			if r.kind == "LISTRIGHTS" {
				if raw, g := c.parseListRights(r.scan()); g != nil {
					if i, ok := asked[raw]; ok {
						out[i] = g
					}
				}
			}
			return nil
		}, lines...)
		return err
	})
	return out, err
}

func (c *conn) parseListRights(s *scanner) (raw string, g *Grantable) {
	g = &Grantable{}
	s.spaces()
	s.astring()
	s.spaces()
	raw = string(s.astring())
	s.spaces()
	g.Always = c.spelledOut(string(s.astring()))
	for s.spaces(); !s.bad && len(s.rest()) > 0; s.spaces() {
		g.Optional = append(g.Optional, c.spelledOut(string(s.astring())))
	}
	if s.bad {
		return "", nil
	}
	return raw, g
}

// SetACL gives an identifier exactly these rights (RFC 4314 section 3.1), none: it has no entry afterwards. That the server
// says OK does not mean that it did so. Errors: Denied where it does not take the identifier or the rights, NotFound,
// NoPermission.
func (s *Session) SetACL(ctx context.Context, mailbox string, id Identifier, rights string) error {
	return s.do(ctx, "SetACL", mailbox, write, func(c *conn) error {
		real, err := c.server(mailbox)
		if err != nil {
			return &Error{Kind: NotFound, Err: err}
		}
		raw, ok := c.caps.spell(id)
		if !ok {
			return &Error{Kind: Denied, Err: errNoIdentifier}
		}
		line := "DELETEACL " + arg(real) + " " + quote(raw)
		if rights != "" {
			line = "SETACL " + arg(real) + " " + quote(raw) + " " + quote(c.asKnown(rights))
		}
		replies, err := c.command(nil, line)
		if err != nil || replies[0].status == "OK" {
			return err
		}
		return c.refusedACL(real, replies[0])
	})
}

var errNoIdentifier = errors.New("the server cannot be told of such an identifier")
