package imapstore

import (
	"context"
	"errors"
	"strings"
)

// Listed is one mailbox of an Overview.
type Listed struct {
	Mailbox               // the triple is zero without HasStatus
	NoSelect, NoInferiors bool
	Subscribed            bool // told by servers with LIST-EXTENDED, by others where it is asked
	HasStatus, HasRights  bool
	Rights                string // MYRIGHTS, as in Looked
	SpecialUse            string // \Sent, \Trash, … (RFC 6154), "" for none
	FolderType            string // see folderType, "" for none
}

func hasAttr(attrs []string, name string) bool {
	for _, a := range attrs {
		if strings.EqualFold(a, name) {
			return true
		}
	}
	return false
}

// refresh lets the view of the selected mailbox catch up before a STATUS of it: Dovecot and Courier answer STATUS of that one
// from the view (Cyrus does not). All mailboxes are meant where real is "".
func (c *conn) refresh(real string) error {
	if c.sel == nil || c.caps.Annotations || (real != "" && real != c.sel.name) {
		return nil
	}
	_, err := c.one(nil, "NOOP")
	if errors.As(err, new(*refusal)) {
		c.sel = nil // SELECT will tell
		return nil
	}
	return err
}

// Status asks the triple of a mailbox. Of the selected mailbox it may be ahead of the view: use Look for what UIDs will see.
func (s *Session) Status(ctx context.Context, mailbox string) (Mailbox, error) {
	m := Mailbox{}
	err := s.do(ctx, "Status", mailbox, again, func(c *conn) error {
		real, err := c.server(mailbox)
		if err != nil {
			return &Error{Kind: NotFound, Err: err}
		}
		if err := c.refresh(real); err != nil {
			return err
		}
		var lines []string
		if c.caps.ObjectID {
			lines = append(lines, c.identity(real))
		}
		lines = append(lines, "STATUS "+arg(real)+statusItems)
		var id Mailbox
		replies, err := c.command(func(r *response) error {
			if r.kind == "STATUS" {
				switch name, status, ok := parseStatus(r.scan()); {
				case !ok || name != encodeUTF7(real):
				case status.ID != "":
					id = status
				default:
					m = status
				}
			}
			return nil
		}, lines...)
		if err != nil {
			return err
		}
		if id.UIDValidity == m.UIDValidity {
			m.ID = id.ID
		}
		switch status := replies[len(replies)-1]; {
		case status.status != "OK":
			return c.notSelected(real, status)
		case m.UIDNext == 0 || m.UIDValidity == 0:
			return errNoUIDs
		}
		return nil
	})
	if err == nil {
		m.Name = mailbox
	}
	return m, err
}

// Create makes a mailbox. Errors: Exists, NoPermission, OverQuota, Denied (no such name on this server).
func (s *Session) Create(ctx context.Context, mailbox string) error {
	real, err := s.c.server(mailbox)
	if err != nil {
		return &Error{Op: "Create", Mailbox: mailbox, Kind: Denied, Err: err}
	}
	// What is selected under that name is what was deleted.
	if err := s.do(ctx, "Create", mailbox, again, func(c *conn) error { return c.leave(real) }); err != nil {
		return err
	}
	return s.do(ctx, "Create", mailbox, write, func(c *conn) error {
		var r *refusal
		if err = refused(c.client.Create(real, nil).Wait()); err == nil {
			return nil
		}
		if !errors.As(err, &r) {
			return err
		}
		if codeKind(r.reply.code) != Bad {
			return err
		}
		there, lerr := c.listed(real)
		switch {
		case lerr != nil:
			return lerr
		case there:
			return &Error{Kind: Exists, Err: err}
		}
		return &Error{Kind: Denied, Err: err}
	})
}

// Delete deletes a mailbox. The session leaves it before, and idle sessions of the same login that have it selected are ended.
// Where the server answers with BYE the command is repeated on a new connection.
func (s *Session) Delete(ctx context.Context, mailbox string) error {
	var err error
	for try := range 3 {
		err = s.do(ctx, "Delete", mailbox, write, func(c *conn) error { return s.delete(c, mailbox) })
		if try > 0 && IsKind(err, NotFound) {
			return nil // the command that was cut had done it
		}
		if s.c.w.lost() == nil || ctx.Err() != nil || errors.Is(err, errReleased) {
			return err
		}
		s.unproven = true // the NOOP before the next try finds out and makes a new login
	}
	return err
}

func (s *Session) delete(c *conn, mailbox string) error {
	real, err := c.server(mailbox)
	if err != nil {
		return &Error{Kind: NotFound, Err: err}
	}
	if err := c.leave(real); err != nil {
		return err
	}
	s.store.pool.drop(func(x *conn) bool { return x.key == s.key && x.sel != nil && x.sel.name == real })
	var r *refusal
	if err = refused(c.client.Delete(real).Wait()); !errors.As(err, &r) || r.reply.status != "NO" || codeKind(r.reply.code) != Bad {
		return err
	}
	there, lerr := c.listed(real)
	if lerr != nil {
		return lerr
	}
	if !there {
		return &Error{Kind: NotFound, Err: err}
	}
	return &Error{Kind: NoPermission, Err: err}
}

// leave makes sure that the mailbox is not selected. Never CLOSE: it expunges.
func (c *conn) leave(real string) error {
	if c.sel == nil || c.sel.name != real {
		return nil
	}
	line := "UNSELECT" // RFC 3691
	if !c.caps.Unselect {
		line = `EXAMINE "INBOX"` // even when it fails nothing is selected after it
	}
	c.sel = nil
	_, err := c.one(nil, line)
	c.w.view = view{}
	if errors.As(err, new(*refusal)) {
		return nil
	}
	return err
}

// Subscribe subscribes to a mailbox, or ends the subscription.
func (s *Session) Subscribe(ctx context.Context, mailbox string, on bool) error {
	return s.do(ctx, "Subscribe", mailbox, write, func(c *conn) error {
		real, err := c.server(mailbox)
		if err != nil {
			return &Error{Kind: NotFound, Err: err}
		}
		if on {
			return refused(c.client.Subscribe(real).Wait())
		}
		return refused(c.client.Unsubscribe(real).Wait())
	})
}
