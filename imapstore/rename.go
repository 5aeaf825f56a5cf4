package imapstore

import (
	"context"
	"errors"
	"strings"
)

// Rename gives a mailbox another name, and those below it with it. The session leaves it before, and idle sessions of the same
// login that have one of them selected are ended. Errors: NotFound, Exists, NoPermission, Denied (no such name on this server).
func (s *Session) Rename(ctx context.Context, mailbox, to string) error {
	from, err := s.c.server(mailbox)
	if err != nil {
		return &Error{Op: "Rename", Mailbox: mailbox, Kind: NotFound, Err: err}
	}
	real, err := s.c.server(to)
	if err != nil {
		return &Error{Op: "Rename", Mailbox: mailbox, Kind: Denied, Err: err}
	}
	below := func(name string) bool { return name == from || strings.HasPrefix(name, from+s.c.delimiter()) }
	err = s.do(ctx, "Rename", mailbox, again, func(c *conn) error {
		if c.sel == nil || !below(c.sel.name) && c.sel.name != real { // what is selected under that name is what was deleted
			return nil
		}
		return c.leave(c.sel.name)
	})
	if err != nil {
		return err
	}
	return s.do(ctx, "Rename", mailbox, write, func(c *conn) error {
		s.store.pool.drop(func(x *conn) bool { return x.key == s.key && x.sel != nil && below(x.sel.name) })
		if _, err := c.one(nil, "RENAME "+arg(from)+" "+arg(real)); err != nil {
			return c.notRenamed(from, real, err)
		}
		return nil
	})
}

// notRenamed finds out what a NO without a code means.
func (c *conn) notRenamed(from, to string, err error) error {
	var r *refusal
	if !errors.As(err, &r) || r.reply.status != "NO" || codeKind(r.reply.code) != Bad {
		return err
	}
	there, lerr := c.listed(from)
	if lerr == nil && !there {
		return &Error{Kind: NotFound, Err: err}
	}
	if there, lerr = c.listed(to); lerr != nil {
		return lerr
	}
	if there {
		return &Error{Kind: Exists, Err: err}
	}
	return &Error{Kind: Denied, Err: err}
}

// delimiter is that of the personal namespace, as a name of the server has it.
func (c *conn) delimiter() string {
	if d := c.ns.Personal[0].Delimiter; d != 0 {
		return string(rune(d))
	}
	return "\x00" // nothing is below anything
}
