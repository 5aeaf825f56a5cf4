package calendar

import (
	"context"
	"fmt"
	"slices"
	"time"

	"calgate/imapstore"
)

// MaxGrants is how many entries callers may give at once, and to how many an ACL may grow by them.
const MaxGrants = 500

// edit is an entry of an ACL that is to be other than it is.
type edit struct {
	id       imapstore.Identifier
	was, now rights // none: no entry
}

// SetACL makes the grants that can be changed those that are given (RFC 3744 section 8.1): a principal that is not among them
// has none afterwards. An entry that shows no privilege (l alone) stays, as does every letter of one that shows what is wanted.
//
// All is checked before the first change; what the mail server refuses all the same, or says OK to and does not do, is taken
// back. Errors: Kind Forbidden, Protected, Unsayable, PrincipalRefused, TooManyGrants.
func (v *View) SetACL(ctx context.Context, grants []Grant) error {
	return v.changeACL(ctx, grants, true)
}

// Share gives single principals the privileges that are named, none: takes them all away; others keep what they have.
func (v *View) Share(ctx context.Context, grants []Grant) error {
	return v.changeACL(ctx, grants, false)
}

func (v *View) changeACL(ctx context.Context, grants []Grant, all bool) error {
	if err := v.require("SetACL", WriteACL); err != nil {
		return err
	}
	grants = v.ownersAside(grants)
	entries, err := v.account.acl(ctx, v.calendar.Mailbox)
	if err != nil {
		return v.wrapACL("SetACL", WriteACL, err)
	}
	changes, err := v.edits(entries, grants, all)
	if err != nil || len(changes) == 0 {
		return err
	}
	if err := v.grantable(ctx, changes); err != nil {
		return err
	}
	return v.apply(ctx, changes)
}

// ownersAside calls the user whose calendar it is its owner.
func (v *View) ownersAside(grants []Grant) []Grant {
	grants = slices.Clone(grants)
	for i, g := range grants {
		if g.Principal.Kind == UserPrincipal && v.account.sameUser(g.Principal.Name, v.account.ownerOf(v.calendar.Mailbox)) {
			grants[i].Principal = Principal{Kind: OwnerPrincipal}
		}
	}
	return grants
}

// edits compares an ACL with what is wanted.
func (v *View) edits(entries []imapstore.Entry, grants []Grant, all bool) ([]edit, error) {
	a, mailbox := v.account, v.calendar.Mailbox
	wanted := map[Principal][]Privilege{} // this and what follows: by Folded
	for _, g := range grants {
		p := a.Folded(g.Principal)
		wanted[p] = union(wanted[p], g.Privileges)
	}
	open := map[Principal][]imapstore.Entry{}
	var changes []edit
	for _, e := range entries {
		switch {
		case e.Fixed:
		case e.Kind == touch.Kind && e.Name == touch.Name && len(rights(e.Rights).privileges()) == 0: // left by a MOVE that came to no end
			changes = append(changes, edit{id: e.Identifier, was: rights(e.Rights)})
		default:
			p := a.Folded(a.principal(mailbox, e.Identifier))
			open[p] = append(open[p], e)
		}
	}
	done, protected := map[Principal]bool{}, map[Principal][]Privilege{}
	for _, g := range a.grants(mailbox, entries) {
		p := a.Folded(g.Principal)
		switch want, named := wanted[p]; {
		case g.Deny:
		case g.Protected:
			protected[p] = g.Privileges
		default:
			done[p] = true
			if (named || all) && !samePrivileges(want, g.Privileges) {
				changes = append(changes, v.editsOf(open[p], g.Principal, want)...)
			}
		}
	}
	for _, g := range grants {
		p := a.Folded(g.Principal)
		if done[p] {
			continue
		}
		done[p] = true
		// The entries of the owner never can be changed: by accident he would lock himself out.
		switch is, fixed := protected[p]; {
		case !fixed && p.Kind != OwnerPrincipal:
			changes = append(changes, v.editsOf(open[p], g.Principal, wanted[p])...)
		case !samePrivileges(wanted[p], is): // else the client gives back what it read
			return nil, &Error{Op: "SetACL", Mailbox: mailbox, Kind: Protected, Name: g.Principal.Name}
		}
	}
	for _, c := range changes {
		want := wanted[v.foldedOf(c)]
		if c.now != "" && !samePrivileges(want, c.now.privileges()) {
			return nil, v.refused(Unsayable, c, fmt.Errorf("no rights give %v and nothing else", want))
		}
	}
	if had, now := len(entries), after(entries, changes); now > had && now > MaxGrants {
		return nil, &Error{Op: "SetACL", Mailbox: mailbox, Kind: TooManyGrants}
	}
	slices.SortStableFunc(changes, v.order)
	return changes, nil
}

// after counts the entries of an ACL that was changed.
func after(entries []imapstore.Entry, changes []edit) int {
	n := len(entries)
	for _, c := range changes {
		switch {
		case c.now == "":
			n--
		case c.was == "":
			n++
		}
	}
	return n
}

// foldedOf is whom a change is about.
func (v *View) foldedOf(c edit) Principal {
	return v.account.Folded(v.account.principal(v.calendar.Mailbox, c.id))
}

// editsOf gives a principal privileges by one of its entries, if there are any, and takes the others away. It is the one that
// is spelt as a new one would be, else the first: an entry for frank may mean nobody where users log in as frank@example.com.
func (v *View) editsOf(entries []imapstore.Entry, p Principal, want []Privilege) []edit {
	id := v.account.identifier(p)
	if len(entries) == 0 && len(want) > 0 {
		return []edit{{id: id, now: rightsFor(want, "")}}
	}
	kept := max(0, slices.IndexFunc(entries, func(e imapstore.Entry) bool { return e.Name == id.Name }))
	var changes []edit
	for i, e := range entries {
		c := edit{id: e.Identifier, was: rights(e.Rights)}
		if i == kept {
			c.now = rightsFor(want, c.was)
		}
		changes = append(changes, c)
	}
	return changes
}

// order begins with what mail servers refuse most easily, so that as little as can be must be taken back. It ends with what
// takes the right to go on from this user: an entry of a group, or of anyone, may be the one that gives it, and one of his own
// may stand above those.
func (v *View) order(x, y edit) int {
	rank := func(c edit) int {
		p := v.account.principal(v.calendar.Mailbox, c.id)
		switch {
		case v.account.IsSelf(p):
			return 4
		case c.was.has('a') && !c.now.has('a'):
			return 3
		case c.now == "":
			return 2
		case p.Kind == UserPrincipal:
			return 1
		}
		return 0
	}
	return rank(x) - rank(y)
}

func (v *View) refused(kind ErrorKind, c edit, err error) error {
	return &Error{Op: "SetACL", Mailbox: v.calendar.Mailbox, Kind: kind, Name: c.id.Name, Err: err}
}

// grantable asks whether the mail server can do all of it (LISTRIGHTS, RFC 4314 section 3.7).
func (v *View) grantable(ctx context.Context, changes []edit) error {
	identifiers := make([]imapstore.Identifier, len(changes))
	for i, c := range changes {
		identifiers[i] = c.id
	}
	can, err := v.account.session.ListRights(ctx, v.calendar.Mailbox, identifiers)
	if err != nil {
		return v.wrapACL("SetACL", WriteACL, err)
	}
	for i, c := range changes {
		switch {
		case can[i] == nil:
			return v.refused(PrincipalRefused, c, nil)
		case !can[i].Can(string(c.now)):
			return v.refused(Unsayable, c, fmt.Errorf("rights %q cannot be given: %+v", c.now, *can[i]))
		}
	}
	return nil
}

// apply makes the changes and looks whether they were made.
func (v *View) apply(ctx context.Context, changes []edit) error {
	for i, c := range changes {
		err := v.account.session.SetACL(ctx, v.calendar.Mailbox, c.id, string(c.now))
		if err == nil {
			continue
		}
		done := changes[:i]
		if unknown(err) {
			done = changes[:i+1]
		}
		err = v.wrapACL("SetACL", WriteACL, err)
		if storeKind(err, imapstore.Denied) {
			err = v.refused(PrincipalRefused, c, err)
		}
		return v.undo(ctx, done, err)
	}
	v.account.doubtSharing(v.calendar.Mailbox) // should it not be seen now
	entries, err := v.account.acl(ctx, v.calendar.Mailbox)
	switch {
	case (storeKind(err, imapstore.NoPermission) || storeKind(err, imapstore.NotFound)) && slices.ContainsFunc(changes, v.mayBeOwn):
		// This user has taken the right to look from himself.
	case err != nil:
		return v.wrapACL("SetACL", ReadACL, err)
	default:
		if err := v.verify(entries, changes); err != nil {
			return v.undo(ctx, changes, err)
		}
	}
	v.account.server.o.Logger.InfoContext(ctx, "ACL changed", "mailbox", v.calendar.Mailbox, "user", v.account.name, "entries", len(changes),
		"seen", err == nil)
	return nil
}

// mayBeOwn tells whether a change may be one of this user's own rights. Who is in a group, the mail server does not tell.
func (v *View) mayBeOwn(c edit) bool {
	p := v.account.principal(v.calendar.Mailbox, c.id)
	return p.Kind == GroupPrincipal || p.Kind == Authenticated || v.account.IsSelf(p)
}

// verify compares what an ACL gives the principals of changes, by all their entries, with what these were to give them.
func (v *View) verify(entries []imapstore.Entry, changes []edit) error {
	given, wanted := map[Principal][]Privilege{}, map[Principal][]Privilege{}
	for _, g := range v.account.grants(v.calendar.Mailbox, entries) {
		if !g.Protected {
			given[v.account.Folded(g.Principal)] = g.Privileges
		}
	}
	for _, c := range changes {
		p := v.foldedOf(c)
		wanted[p] = union(wanted[p], c.now.privileges())
	}
	for _, c := range changes {
		p := v.foldedOf(c)
		if got := given[p]; !samePrivileges(got, wanted[p]) {
			return v.refused(Unsayable, c, fmt.Errorf("the mail server said OK to %q, and it is %v", c.now, got))
		}
	}
	return nil
}

// undoTime is how long it may take to take changes back, also where the client that asked for them is gone.
const undoTime = 30 * time.Second

// undo takes changes back because of err, in a new session where they cost the old one. What cannot be undone is logged: the
// client reads the ACL again in any case.
func (v *View) undo(ctx context.Context, done []edit, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	for _, c := range slices.Backward(done) {
		if back := v.undoOne(ctx, c); back != nil {
			v.account.server.o.Logger.ErrorContext(ctx, "a change of an ACL could not be taken back",
				"mailbox", v.calendar.Mailbox, "user", v.account.name, "identifier", c.id.Name, "err", back)
		}
	}
	v.account.doubtSharing(v.calendar.Mailbox)
	return err
}

func (v *View) undoOne(ctx context.Context, c edit) error {
	if !v.account.session.Usable() {
		if err := v.account.renew(ctx); err != nil {
			return err
		}
	}
	return v.account.session.SetACL(ctx, v.calendar.Mailbox, c.id, string(c.was))
}
