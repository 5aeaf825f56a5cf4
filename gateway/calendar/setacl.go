package calendar

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"calgate/imapstore"
)

// MaxGrants is how many entries of an ACL callers may give at once.
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
// back. Errors: Kind Forbidden, Protected, Unsayable, PrincipalRefused.
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
	entries, err := v.account.session.ACL(ctx, v.calendar.Mailbox)
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
	a := v.account
	wanted := func(p Principal) (privileges []Privilege, named bool) {
		for _, g := range grants {
			if a.Same(g.Principal, p) {
				privileges, named = union(privileges, g.Privileges), true
			}
		}
		return privileges, named
	}
	var changes []edit
	var have []Principal
	for _, g := range a.grants(v.calendar.Mailbox, entries) {
		if g.Protected {
			continue
		}
		have = append(have, g.Principal)
		want, named := wanted(g.Principal)
		if samePrivileges(want, g.Privileges) || !named && !all {
			continue
		}
		changes = append(changes, v.editsOf(entries, g.Principal, want)...)
	}
	for _, g := range grants {
		if slices.ContainsFunc(have, func(p Principal) bool { return a.Same(p, g.Principal) }) {
			continue
		}
		have = append(have, g.Principal)
		want, _ := wanted(g.Principal)
		if is, protected := a.protected(v.calendar.Mailbox, entries, g.Principal); protected {
			if !samePrivileges(want, is) {
				return nil, &Error{Op: "SetACL", Mailbox: v.calendar.Mailbox, Kind: Protected, Name: g.Principal.Name}
			}
			continue // the client gives back what it read
		}
		changes = append(changes, v.editsOf(entries, g.Principal, want)...)
	}
	for _, c := range changes {
		want, _ := wanted(a.principal(v.calendar.Mailbox, c.id))
		if c.now != "" && !samePrivileges(want, c.now.privileges()) {
			return nil, v.refused(Unsayable, c, fmt.Errorf("no rights give %v and nothing else", want))
		}
	}
	slices.SortStableFunc(changes, v.order)
	return changes, nil
}

// protected is what a principal has by entries that cannot be changed. Those of the owner never can: by accident an owner
// would lock himself out.
func (a *Account) protected(mailbox string, entries []imapstore.Entry, p Principal) ([]Privilege, bool) {
	for _, g := range a.grants(mailbox, entries) {
		if g.Protected && !g.Deny && a.Same(g.Principal, p) {
			return g.Privileges, true
		}
	}
	return nil, p.Kind == OwnerPrincipal
}

// editsOf gives a principal privileges by its first entry, or a new one; further entries of it go.
func (v *View) editsOf(entries []imapstore.Entry, p Principal, want []Privilege) []edit {
	var changes []edit
	for _, e := range entries {
		if e.Fixed || !v.account.Same(v.account.principal(v.calendar.Mailbox, e.Identifier), p) {
			continue
		}
		c := edit{id: e.Identifier, was: rights(e.Rights)}
		if len(changes) == 0 {
			c.now = rightsFor(want, c.was)
		}
		changes = append(changes, c)
	}
	if len(changes) == 0 && len(want) > 0 {
		changes = append(changes, edit{id: v.account.identifier(p), now: rightsFor(want, "")})
	}
	return changes
}

// order begins with what mail servers refuse most easily, so that as little as can be must be taken back, and ends with what
// this user has himself: he may lose the right to go on.
func (v *View) order(x, y edit) int {
	rank := func(c edit) int {
		p := v.account.principal(v.calendar.Mailbox, c.id)
		switch {
		case v.account.IsSelf(p):
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
		err = v.wrapACL("SetACL", WriteACL, err)
		if storeKind(err, imapstore.Denied) {
			err = v.refused(PrincipalRefused, c, err)
		}
		return v.undo(ctx, changes[:i], err)
	}
	entries, err := v.account.session.ACL(ctx, v.calendar.Mailbox)
	if storeKind(err, imapstore.NoPermission) || storeKind(err, imapstore.NotFound) {
		return nil // the last change was to this user's own rights
	}
	if err != nil {
		return v.wrapACL("SetACL", WriteACL, err)
	}
	for _, c := range changes {
		if got := v.given(entries, c.id); !samePrivileges(got.privileges(), c.now.privileges()) {
			return v.undo(ctx, changes, v.refused(Unsayable, c, fmt.Errorf("the mail server said OK to %q and made it %q", c.now, got)))
		}
	}
	v.account.server.o.Logger.InfoContext(ctx, "ACL changed", "mailbox", v.calendar.Mailbox, "user", v.account.name, "entries", len(changes))
	return nil
}

// given are the rights that an ACL gives an identifier.
func (v *View) given(entries []imapstore.Entry, id imapstore.Identifier) rights {
	for _, e := range entries {
		if e.Negative == id.Negative && e.Kind == id.Kind && strings.EqualFold(v.account.inFull(e.Name), v.account.inFull(id.Name)) {
			return rights(e.Rights)
		}
	}
	return ""
}

// undo takes changes back because of err. What cannot be undone is logged: the client reads the ACL again in any case.
func (v *View) undo(ctx context.Context, done []edit, err error) error {
	for _, c := range slices.Backward(done) {
		if back := v.account.session.SetACL(ctx, v.calendar.Mailbox, c.id, string(c.was)); back != nil {
			v.account.server.o.Logger.ErrorContext(ctx, "a change of an ACL could not be taken back",
				"mailbox", v.calendar.Mailbox, "user", v.account.name, "identifier", c.id.Name, "err", back)
		}
	}
	return err
}
