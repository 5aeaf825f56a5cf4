package calendar

import (
	"context"
	"errors"
	"slices"
	"strings"

	"calgate/imapstore"
)

// Grant is what an ACL gives a principal on a calendar (RFC 3744 section 5.5).
type Grant struct {
	Principal  Principal
	Privileges []Privilege // in the order of Grantable; with Deny those that are taken away
	Protected  bool        // the mail server does not let users change it, or it is the owner's
	Deny       bool
}

// Grantable are the privileges that IMAP rights can give, in the order in which they are shown.
var Grantable = []Privilege{Read, WriteContent, WriteProperties, Bind, Unbind, ReadACL, WriteACL}

// letters are the rights that a privilege is given by: those that it needs, and s, without which mail programs show
// everything as unread for ever.
var letters = map[Privilege]string{Read: "lrs", Bind: "i", WriteContent: "ite", Unbind: "ite", WriteProperties: "wite", ReadACL: "a", WriteACL: "a"}

// HasACL tells whether the mail server has ACLs (RFC 4314).
func (a *Account) HasACL() bool { return a.session.Caps().ACL }

// CanShare tells whether what is shared by an ACL can be reached by others here.
func (a *Account) CanShare() bool { return a.HasACL() && a.session.HasOthers() }

// HasGroups tells whether ACLs can name groups.
func (a *Account) HasGroups() bool { return a.session.Caps().Groups() }

// privileges are what rights give. Without l and r nothing is: the calendar cannot be opened.
func (r rights) privileges() []Privilege {
	if !r.has(needs[Read]...) {
		return nil
	}
	var all []Privilege
	for _, p := range Grantable {
		if r.has(needs[p]...) {
			all = append(all, p)
		}
	}
	return all
}

// rightsFor are rights that give privileges. Rights that no privilege shows (k, x, p) stay where nothing is taken away.
func rightsFor(privileges []Privilege, now rights) rights {
	var b strings.Builder
	keep := func(letters string) {
		for _, c := range letters {
			if !strings.ContainsRune(b.String(), c) {
				b.WriteRune(c)
			}
		}
	}
	for _, p := range privileges {
		keep(letters[p])
	}
	shrinks := slices.ContainsFunc(now.privileges(), func(p Privilege) bool { return !slices.Contains(privileges, p) })
	if len(privileges) > 0 && !shrinks {
		keep(strings.NewReplacer("c", "", "d", "").Replace(string(now))) // these two stand for others (RFC 4314 section 2.1.1)
	}
	return rights(b.String())
}

func samePrivileges(x, y []Privilege) bool {
	return len(x) == len(y) && !slices.ContainsFunc(x, func(p Privilege) bool { return !slices.Contains(y, p) })
}

// ACL says who may do what with the calendar. It needs the privilege read-acl where there are ACLs; else the owner has
// everything, as of a default calendar that is not there yet.
func (v *View) ACL(ctx context.Context) ([]Grant, error) {
	if !v.account.HasACL() || !v.calendar.Exists {
		return []Grant{{Principal: Principal{Kind: OwnerPrincipal}, Privileges: Grantable, Protected: true}}, nil
	}
	if err := v.require("ACL", ReadACL); err != nil {
		return nil, err
	}
	entries, err := v.account.acl(ctx, v.calendar.Mailbox)
	if err != nil {
		return nil, v.wrapACL("ACL", ReadACL, err)
	}
	return v.account.grants(v.calendar.Mailbox, entries), nil
}

// wrapACL is wrap; a right that went since the look is named.
func (v *View) wrapACL(op string, p Privilege, err error) error {
	err = wrap(op, v.calendar.Mailbox, err)
	var e *Error
	if errors.As(err, &e) && e.Kind == Forbidden {
		e.Privilege = p
	}
	return err
}

// ACLs are the ACLs of many calendars, asked for together, by mailbox; those that may not be read are left out.
func (a *Account) ACLs(ctx context.Context, calendars []Calendar) (map[string][]Grant, error) {
	var mailboxes []string
	for _, c := range calendars {
		if c.Exists {
			mailboxes = append(mailboxes, c.Mailbox)
		}
	}
	if err := a.session.Anew(ctx); err != nil { // the user's mail program may have changed them
		return nil, wrap("ACL", "", err)
	}
	asked := a.server.o.Now()
	all, err := a.session.ACLs(ctx, mailboxes)
	if err != nil {
		return nil, wrap("ACL", "", err)
	}
	out := map[string][]Grant{}
	for mailbox, entries := range all {
		a.noteACL(mailbox, entries, asked)
		out[mailbox] = a.grants(mailbox, entries)
	}
	return out, nil
}

// grants reads an ACL: the owner first, each principal once for what can be changed. Entries that show no privilege (l alone)
// are left out.
func (a *Account) grants(mailbox string, entries []imapstore.Entry) []Grant {
	owner := Grant{Principal: Principal{Kind: OwnerPrincipal}, Protected: true}
	named := false // Dovecot tells others nothing of an owner who has everything
	type key struct {
		Principal
		protected, deny bool
	}
	at := map[key]int{} // in out
	var out []Grant
	for _, e := range entries {
		g := Grant{Principal: a.principal(mailbox, e.Identifier), Privileges: rights(e.Rights).privileges(), Protected: e.Fixed, Deny: e.Negative}
		if g.Deny {
			g.Privileges = rights(e.Rights).denied()
		}
		if g.Principal.Kind == OwnerPrincipal {
			g.Protected = true
			if !g.Deny {
				named = true
				owner.Privileges = union(owner.Privileges, g.Privileges)
				continue
			}
		}
		k := key{a.Folded(g.Principal), g.Protected, g.Deny}
		i, again := at[k]
		switch {
		case len(g.Privileges) == 0:
		case again:
			out[i].Privileges = union(out[i].Privileges, g.Privileges)
		default:
			at[k] = len(out)
			out = append(out, g)
		}
	}
	if !named {
		owner.Privileges = Grantable
	}
	if len(owner.Privileges) > 0 {
		out = append([]Grant{owner}, out...)
	}
	return out
}

// denied are the privileges that lack a right which is taken away.
func (r rights) denied() []Privilege {
	var all []Privilege
	for _, p := range Grantable {
		if slices.ContainsFunc(needs[p], func(c byte) bool { return r.has(c) }) {
			all = append(all, p)
		}
	}
	return all
}

func union(x, y []Privilege) []Privilege {
	var all []Privilege
	for _, p := range Grantable {
		if slices.Contains(x, p) || slices.Contains(y, p) {
			all = append(all, p)
		}
	}
	return all
}
