package imapstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Mailbox is a mailbox and the triple that names its message set: at a constant UIDNEXT the set can only shrink, so UIDNEXT and
// MESSAGES together tell any two sets of one UIDVALIDITY apart.
type Mailbox struct {
	Name                           string
	UIDValidity, UIDNext, Messages uint32
	ID                             string // MAILBOXID (RFC 8474): two mailboxes can have one triple; "" where the server has none
}

// Looked is what a Look saw.
type Looked struct {
	Mailbox
	Rights    string // MYRIGHTS in the letters of RFC 4314: d and c of older servers are spelled out
	HasRights bool   // false where the server has no ACL
	ReadOnly  bool
}

// selected is the mailbox that a connection has selected, and what is known of its view.
type selected struct {
	name     string // the server's
	triple   Mailbox
	other    bool // another mailbox has the name now, or none
	known    bool // triple names the view, but for what wire.view says
	readOnly bool
	own      []uint32 // UIDs that this connection appended since triple was known
}

// maxRounds bounds how often a mailbox that goes on changing is looked at again.
const maxRounds = 10

var (
	errRestless = errors.New("mailbox changes faster than it can be looked at")
	errNoUIDs   = errors.New("server gives no UIDVALIDITY")
	errDoubt    = errors.New("server cannot tell what is new in the mailbox")
	errRenewed  = errors.New("mailbox is another one than at the look")
)

// Look makes the session's view of the mailbox the present one, SELECT where needed, else NOOP, and asks MYRIGHTS in the same
// write where ACL is offered. What the answer says of the mailbox is true of one moment, and of the view that UIDs and
// Fields then read. NotFound: there is no such mailbox.
func (s *Session) Look(ctx context.Context, mailbox string) (Looked, error) {
	var l Looked
	err := s.do(ctx, "Look", mailbox, again, func(c *conn) error {
		real, err := c.server(mailbox)
		if err != nil {
			return &Error{Kind: NotFound, Err: err}
		}
		l, err = c.look(real)
		return err
	})
	if err != nil {
		return Looked{}, err
	}
	l.Name = mailbox
	s.looked[mailbox] = l.Mailbox
	return l, nil
}

func (c *conn) look(name string) (Looked, error) {
	var l Looked
	// Of a user that Dovecot 2.3 does not know MYRIGHTS ends its process: it must be seen first that the mailbox is there.
	if c.isOther(name) && !c.caps.Annotations && (c.sel == nil || c.sel.name != name) {
		if _, err := c.selectName(name, nil, make([]string, 1)); err != nil {
			return Looked{}, err
		}
	}
	lines := make([]string, 1, 3)
	if c.caps.ACL {
		lines = append(lines, "MYRIGHTS "+arg(name))
	}
	on := func(r *response) error {
		if r.kind == "MYRIGHTS" {
			l.Rights = c.parseRights(r.scan())
		}
		return nil
	}
	var replies []reply
	var err error
	if c.sel != nil && c.sel.name == name && !c.unsure() {
		replies, err = c.lookAgain(name, on, lines)
	}
	if err == nil && (c.sel == nil || c.sel.name != name || c.unsure()) {
		l.Rights = ""
		replies, err = c.selectName(name, on, lines)
	}
	if err == nil {
		err = c.settle(name)
	}
	if err != nil {
		return Looked{}, err
	}
	l.HasRights = c.caps.ACL
	if l.HasRights && replies[1].status != "OK" {
		l.Rights = ""
	}
	l.Mailbox, l.ReadOnly = c.sel.triple, c.sel.readOnly
	return l, nil
}

// lookAgain lets the view of the selected mailbox catch up. Nothing is selected after it where that is another mailbox now, or
// none: Dovecot ends the session when the mailbox was renamed or deleted elsewhere, but Cyrus only shows that its messages are
// gone, if there were any (unsure), and Courier goes on as if nothing had happened.
func (c *conn) lookAgain(name string, on func(*response) error, lines []string) ([]reply, error) {
	lines[0] = "NOOP"
	ask := 0
	if !c.caps.Condstore { // before the NOOP, which so has the last word on the view
		ask, lines = 1, append([]string{c.identity(name)}, lines...)
	}
	c.w.doubt = ""
	x := c.sel
	replies, err := c.command(func(r *response) error {
		x.compare(r)
		return on(r)
	}, lines...)
	switch {
	case err != nil:
		return nil, err
	case c.w.doubt != "":
		// Dovecot, when the index of the selected mailbox was removed and made anew: the NOOP is OK, and the view
		// stays as it was for ever. Only another session sees the mailbox.
		c.abort()
		return nil, &Error{Kind: Unavailable, Err: fmt.Errorf("%w: %s", errDoubt, c.w.doubt)}
	}
	for _, p := range replies {
		x.other = x.other || p.status != "OK" // whatever it means, SELECT will tell
	}
	if x.other {
		c.sel = nil
	}
	return replies[ask:], nil
}

// unsure says that only SELECT can tell whether the selected mailbox is still the one of its name.
func (c *conn) unsure() bool { return c.caps.Annotations && c.w.view.exists == 0 }

// identity asks what tells a mailbox from another one of its name. Nothing else may be asked with it: Cyrus 3.6 then writes a
// MAILBOXID out of freed memory.
func (c *conn) identity(name string) string {
	items := "UIDVALIDITY"
	if c.caps.ObjectID {
		items += " MAILBOXID"
	}
	return "STATUS " + arg(name) + " (" + items + ")"
}

// compare notes when the answer is about another mailbox than the selected one.
func (x *selected) compare(r *response) {
	if r.kind != "STATUS" {
		return
	}
	if _, m, ok := parseStatus(r.scan()); ok && m.UIDValidity != 0 {
		x.other = x.other || m.UIDValidity != x.triple.UIDValidity || m.ID != "" && x.triple.ID != "" && m.ID != x.triple.ID
	}
}

// selectName selects a mailbox; lines[0] is filled in, the others go in the same write.
func (c *conn) selectName(name string, on func(*response) error, lines []string) ([]reply, error) {
	lines[0] = "SELECT " + arg(name)
	c.sel, c.w.view = nil, view{}
	x := &selected{name: name}
	sizes := 0
	replies, err := c.command(func(r *response) error {
		switch r.kind {
		case "EXISTS":
			sizes++
		case "OK":
			s := &scanner{b: []byte(r.reply.args)}
			switch r.reply.code {
			case "UIDVALIDITY":
				x.triple.UIDValidity = s.number32()
			case "UIDNEXT":
				x.triple.UIDNext = s.number32()
			case "MAILBOXID":
				x.triple.ID = strings.Trim(r.reply.args, "()")
			}
		}
		if on != nil {
			return on(r)
		}
		return nil
	}, lines...)
	if err != nil {
		return nil, err
	}
	if replies[0].status != "OK" {
		return nil, c.notSelected(name, replies[0])
	}
	if x.triple.UIDValidity == 0 {
		return nil, errNoUIDs
	}
	x.readOnly = replies[0].code == "READ-ONLY"
	x.triple.Messages = c.w.view.exists
	// Without CONDSTORE the server may be one that scans a directory: a later NOOP must confirm what the first scan saw. A second
	// EXISTS is of what came after the UIDNEXT: Cyrus answers the other lines with it.
	x.known = x.triple.UIDNext != 0 && c.caps.Condstore && !c.w.view.removed && sizes == 1
	c.w.view.changed, c.w.view.removed = false, false
	c.sel = x
	return replies, nil
}

// notSelected tells "there is none" from "not now": a NO without a code is believed only if the mailbox is not listed,
// because an existing calendar that is taken for an absent one looks empty to its user.
func (c *conn) notSelected(name string, p reply) error {
	err := p.err()
	if p.status == "NO" && p.code == "CANNOT" { // Dovecot of a name that it does not allow
		return &Error{Kind: NotFound, Err: err}
	}
	// Dovecot says SERVERBUG of a user that it does not know.
	if p.status != "NO" || (p.code != "" && (p.code != "SERVERBUG" || !c.isOther(name))) {
		return err
	}
	there, lerr := c.listed(name)
	switch {
	case lerr != nil:
		return lerr
	case !there:
		return &Error{Kind: NotFound, Err: err}
	}
	readable, lerr := c.readable(name)
	switch {
	case lerr != nil:
		return lerr
	case !readable:
		return &Error{Kind: NoPermission, Err: err}
	}
	return &Error{Kind: Unavailable, Err: err}
}

// readable is false where MYRIGHTS lacks the right r (RFC 4314 section 4): Cyrus and Courier refuse without a code.
func (c *conn) readable(name string) (bool, error) {
	if !c.caps.ACL {
		return true, nil
	}
	return c.granted(name, 'r')
}

// granted asks whether a right is there; true where MYRIGHTS is refused.
func (c *conn) granted(name string, letter rune) (bool, error) {
	rights := ""
	p, err := c.one(func(r *response) error {
		if r.kind == "MYRIGHTS" {
			rights = c.parseRights(r.scan())
		}
		return nil
	}, "MYRIGHTS "+arg(name))
	if p.status == "NO" {
		return true, nil
	}
	return strings.ContainsRune(rights, letter), err
}

// settle brings the triple up to what the answers said of the view. Where that is not plain, STATUS and NOOP go together until
// the NOOP behind a STATUS has nothing new: then the view was the same before and after the STATUS, which so describes it.
// (STATUS alone may be ahead of the view, and SELECT of some servers has no UIDNEXT.)
func (c *conn) settle(name string) error {
	for range maxRounds {
		if c.sel.explained(&c.w.view, c.caps.Condstore) {
			return nil
		}
		x := c.sel
		if err := c.statusRound(name); err != nil {
			return err
		}
		if c.caps.Condstore && c.sel == x && !x.known && !c.w.view.changed { // the two differ, and will
			break
		}
	}
	if _, err := c.selectName(name, nil, make([]string, 1)); err != nil {
		return err
	}
	if !c.sel.known {
		return &Error{Kind: Unavailable, Err: errRestless}
	}
	return nil
}

// explained takes what was seen into account, and says whether the triple names the view: nothing changed, or nothing but own
// APPENDs whose UIDs follow on UIDNEXT. A message of somebody else that came and went between two looks leaves no trace here:
// the set is the same, and UIDNEXT moves with the next change, or when a STATUS tells (distrust).
func (x *selected) explained(v *view, condstore bool) bool {
	changed, removed := v.changed, v.removed
	v.changed, v.removed = false, false
	if x.known && !changed && len(x.own) == 0 {
		return true
	}
	known := x.known
	x.known = false
	if !known || !condstore || removed || uint64(v.exists) != uint64(x.triple.Messages)+uint64(len(x.own)) {
		return false
	}
	next := x.triple.UIDNext
	for _, uid := range x.own {
		if uid != next {
			return false
		}
		next++
	}
	x.triple.UIDNext, x.triple.Messages, x.own, x.known = next, v.exists, nil, true
	return true
}

// distrust compares what a STATUS says of the selected mailbox with its triple. STATUS and SEARCH of Cyrus let the view catch up,
// and if a flag changes before they are answered no EXISTS ever tells of a new message, there or later. Whoever asks for a STATUS
// without statusItems therefore asks for one with them behind it.
func (c *conn) distrust(s *scanner) {
	x := c.sel
	if x == nil {
		return
	}
	name, m, ok := parseStatus(s)
	if ok && m.UIDNext != 0 && name == encodeUTF7(x.name) && (m.UIDNext != x.triple.UIDNext || m.Messages != x.triple.Messages) {
		x.known = false
	}
}

const statusItems = " (MESSAGES UIDNEXT UIDVALIDITY)"

func (c *conn) statusRound(name string) error {
	x := c.sel
	var m Mailbox
	got := false
	replies, err := c.command(func(r *response) error {
		if r.kind == "STATUS" {
			if box, st, ok := parseStatus(r.scan()); ok && box == encodeUTF7(name) {
				m, got = st, true
			}
		}
		return nil
	}, "STATUS "+arg(name)+statusItems, "NOOP")
	if err != nil {
		return err
	}
	if replies[0].status == "NO" { // the mailbox, or the right to read it, went while it was selected: SELECT will tell
		_, err := c.selectName(name, nil, make([]string, 1))
		return err
	}
	for _, p := range replies {
		if err := p.err(); err != nil {
			return err
		}
	}
	if !got || m.UIDNext == 0 {
		return fmt.Errorf("%w in STATUS", errSyntax)
	}
	if m.UIDValidity != x.triple.UIDValidity { // deleted and made again under this session
		_, err := c.selectName(name, nil, make([]string, 1))
		return err
	}
	if !c.w.view.changed && m.Messages == c.w.view.exists {
		x.triple.UIDNext, x.triple.Messages, x.known, x.own = m.UIDNext, m.Messages, true, nil
	}
	return nil
}

// view selects the mailbox where another one is selected, for the commands after a Look. The view may so become newer than the
// Look; its UIDVALIDITY and MAILBOXID must be the same.
func (s *Session) view(c *conn, mailbox string) error {
	real, err := c.server(mailbox)
	if err != nil {
		return &Error{Kind: NotFound, Err: err}
	}
	if c.sel == nil || c.sel.name != real {
		if _, err := c.selectName(real, nil, make([]string, 1)); err != nil {
			return err
		}
	}
	if l, ok := s.looked[mailbox]; ok && (l.UIDValidity != c.sel.triple.UIDValidity || l.ID != c.sel.triple.ID) {
		return &Error{Kind: Unavailable, Err: errRenewed}
	}
	return nil
}
