package calendar

import (
	"context"
	"slices"
	"strings"

	"calgate/imapstore"
)

// Principal is whom an ACL is about (RFC 3744 section 2).
type Principal struct {
	Kind PrincipalKind
	Name string // of a user or group, in the words of an href
}

// PrincipalKind says what a Principal is.
type PrincipalKind int

// The kinds of principals.
const (
	UserPrincipal PrincipalKind = iota
	GroupPrincipal
	OwnerPrincipal  // of the calendar
	Authenticated   // everybody who can log in
	Unauthenticated // nobody: nothing is served without a login
)

// identified gives every kind of identifier its principal.
var identified = map[imapstore.IdentifierKind]PrincipalKind{
	imapstore.IdentifierUser:      UserPrincipal,
	imapstore.IdentifierGroup:     GroupPrincipal,
	imapstore.IdentifierOwner:     OwnerPrincipal,
	imapstore.IdentifierAnyone:    Authenticated,
	imapstore.IdentifierAnonymous: Unauthenticated,
}

// principal is whom an identifier of the ACL of a mailbox means.
func (a *Account) principal(mailbox string, id imapstore.Identifier) Principal {
	p := Principal{Kind: identified[id.Kind], Name: id.Name}
	switch p.Kind {
	case UserPrincipal:
		if a.sameUser(a.ownerOf(mailbox), p.Name) {
			return Principal{Kind: OwnerPrincipal}
		}
		p.Name = a.inFull(p.Name)
	case GroupPrincipal:
	default:
		p.Name = ""
	}
	return p
}

// identifier is what a new entry of an ACL calls a principal.
func (a *Account) identifier(p Principal) imapstore.Identifier {
	if p.Kind == UserPrincipal {
		p.Name = a.inFull(p.Name)
	}
	for id, kind := range identified {
		if kind == p.Kind {
			return imapstore.Identifier{Kind: id, Name: p.Name}
		}
	}
	return imapstore.Identifier{}
}

// ownerOf is the user whose mailbox it is.
func (a *Account) ownerOf(mailbox string) string {
	if owner, _, ok := strings.Cut(strings.TrimPrefix(mailbox, "~"), "/"); ok && strings.HasPrefix(mailbox, "~") {
		return owner
	}
	return a.name
}

// inFull completes a user by the domain of this login: who logs in as alice@example.com calls bob bob@example.com.
func (a *Account) inFull(user string) string {
	if _, domain, ok := strings.Cut(a.name, "@"); ok && !strings.Contains(user, "@") {
		return user + "@" + domain
	}
	return user
}

// sameUser compares users by what the mail server may call them.
func (a *Account) sameUser(x, y string) bool { return strings.EqualFold(a.inFull(x), a.inFull(y)) }

// Same compares principals.
func (a *Account) Same(p, q Principal) bool { return a.Folded(p) == a.Folded(q) }

// Folded is a principal as all its spellings give it, for keys of maps: what is Same is equal.
func (a *Account) Folded(p Principal) Principal {
	if p.Kind == UserPrincipal {
		p.Name = strings.ToLower(a.inFull(p.Name))
	}
	return p
}

// IsSelf tells whether a principal is the account itself.
func (a *Account) IsSelf(p Principal) bool {
	return p.Kind == UserPrincipal && a.sameUser(p.Name, a.name)
}

// Principals are the other users and the groups that the mail server shows this one: who shares something with him, and who
// is named in the ACLs of his own calendars. They are sorted, each once.
func (a *Account) Principals(ctx context.Context) ([]Principal, error) {
	var all []Principal
	add := func(p Principal) {
		if p.Kind != UserPrincipal && p.Kind != GroupPrincipal || a.IsSelf(p) {
			return
		}
		if !slices.ContainsFunc(all, func(q Principal) bool { return a.Same(p, q) }) {
			all = append(all, p)
		}
	}
	if err := a.session.Anew(ctx); err != nil {
		return nil, wrap("List", "", err)
	}
	listed, err := a.session.ListOthers(ctx, false)
	if err != nil {
		return nil, wrap("List", "", err)
	}
	for _, l := range listed {
		owner, _, _ := strings.Cut(strings.TrimPrefix(l.Name, "~"), "/")
		add(Principal{UserPrincipal, a.inFull(owner)})
	}
	home, err := a.Home(ctx)
	if err != nil {
		return nil, err
	}
	acls, err := a.ACLs(ctx, home.Calendars)
	if err != nil {
		return nil, err
	}
	for _, c := range home.Calendars {
		for _, g := range acls[c.Mailbox] {
			add(g.Principal)
		}
	}
	slices.SortFunc(all, func(p, q Principal) int {
		if p.Kind != q.Kind {
			return int(p.Kind - q.Kind)
		}
		return strings.Compare(p.Name, q.Name)
	})
	return all, nil
}

// FindPrincipal looks for one of Principals. A user is also found who shares something that LIST shows only when it is asked
// for by name.
func (a *Account) FindPrincipal(ctx context.Context, p Principal) (Principal, bool, error) {
	all, err := a.Principals(ctx)
	if err != nil {
		return p, false, err
	}
	for _, q := range all {
		if a.Same(p, q) {
			return q, true, nil
		}
	}
	if p.Kind != UserPrincipal {
		return p, false, nil
	}
	home, err := a.HomeOf(ctx, p.Name)
	if err != nil || len(home.Calendars) == 0 {
		return p, false, err
	}
	return Principal{UserPrincipal, a.inFull(home.Owner)}, true, nil
}
