package gateway

import (
	"encoding/xml"
	"net/http"
	"slices"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
)

// acl answers ACL (RFC 3744 section 8): the rights of the mailbox become what the
// request says, all or nothing.
func (q *request) acl() error {
	body, err := q.xmlBody()
	if err != nil {
		return err
	}
	aces, err := davxml.ReadACL(body)
	if err != nil {
		return err
	}
	view, err := q.administered()
	if err != nil {
		return err
	}
	if q.place.kind == placeObject {
		return forbidden(dav("no-inherited-ace-conflict"), "objects have the rights of their calendar")
	}
	grants, err := q.readACEs(aces)
	if err != nil {
		return err
	}
	if view, err = q.autocreated(view); err != nil {
		return err
	}
	if err := view.SetACL(q.r.Context(), grants); err != nil {
		return err
	}
	return q.done()
}

// administered opens the calendar of the place for a change of its rights. That these
// are missing comes before what is wrong with the request.
func (q *request) administered() (*calendar.View, error) {
	view, err := q.open(q.place.calendar)
	if err != nil {
		return nil, err
	}
	if !view.May(calendar.WriteACL) {
		return nil, &calendar.Error{Op: "SetACL", Mailbox: q.place.calendar.Mailbox, Kind: calendar.Forbidden, Privilege: calendar.WriteACL}
	}
	return view, nil
}

// done is a 200 without a body.
func (q *request) done() error {
	q.w.Header().Set("Content-Length", "0")
	q.w.WriteHeader(http.StatusOK)
	return nil
}

// readACEs checks the entries of an ACL in the order of the preconditions of RFC 3744
// section 8.1.1 that one of them alone can break.
func (q *request) readACEs(aces []davxml.ACE) ([]calendar.Grant, error) {
	if len(aces) > calendar.MaxGrants {
		return nil, forbidden(dav("limited-number-of-aces"), "an ACL holds at most 500 entries")
	}
	grants := make([]calendar.Grant, len(aces))
	for i, ace := range aces {
		var err error
		if grants[i], err = q.readACE(ace); err != nil {
			return nil, err
		}
	}
	return grants, nil
}

func (q *request) readACE(ace davxml.ACE) (calendar.Grant, error) {
	g := calendar.Grant{}
	switch {
	case ace.Inherited:
		return g, forbidden(dav("no-inherited-ace-conflict"), "nothing is inherited here")
	case ace.Deny:
		return g, forbidden(dav("grant-only"), "rights can be granted only")
	case ace.Invert:
		return g, forbidden(dav("no-invert"), "who has rights must be named")
	}
	for _, name := range ace.Privileges {
		p := supportedPrivileges.find(name)
		switch {
		case p == nil, !p.grantable(q.account.HasACL()):
			return g, forbidden(dav("not-supported-privilege"), "no such privilege")
		case p.abstract:
			return g, forbidden(dav("no-abstract"), "this privilege comes with others only")
		}
		g.Privileges = append(g.Privileges, p.leaves()...)
	}
	var err error
	g.Principal, err = q.acePrincipal(ace.Principal)
	return g, err
}

// acePrincipal finds whom an entry is about. The mail server takes any name for a
// user, and does not tell whether there is one.
func (q *request) acePrincipal(p davxml.ACEPrincipal) (calendar.Principal, error) {
	switch p.Form {
	case dav("href"):
		return q.principalOf(p.Href)
	case dav("authenticated"):
		return calendar.Principal{Kind: calendar.Authenticated}, nil
	case dav("property"):
		if p.Property == dav("owner") {
			return calendar.Principal{Kind: calendar.OwnerPrincipal}, nil
		}
	}
	// Nothing is served without a login, so DAV:all would be a false promise.
	return calendar.Principal{}, forbidden(dav("allowed-principal"), "rights go to users, groups, and everybody who can log in")
}

var aclName = dav("acl")

// needsACL tells whether the ACL of a calendar must be read for what is asked of it, or
// of the objects in it.
func (m *multistatus) needsACL(kind placeKind) bool {
	return !m.asked.PropName && slices.ContainsFunc(m.plan(kind), func(w question) bool { return w.live != nil && w.live.acl && (w.named || w.live.allprop) })
}

// readACL reads the ACL of a calendar, where it is needed and may be read.
func (m *multistatus) readACL(s *subject, kind placeKind) (err error) {
	if s.view == nil || !m.needsACL(kind) || !s.mayReadACL() {
		return nil
	}
	acl, ok := m.acls[s.calendar.Mailbox]
	if !ok {
		if acl, err = s.view.ACL(m.q.r.Context()); err != nil {
			return err
		}
		if m.acls == nil {
			m.acls = map[string][]calendar.Grant{}
		}
		m.acls[s.calendar.Mailbox] = acl
	}
	s.acl = acl
	return nil
}

// readACLs reads those of a whole home at once, or what of them is needed.
func (m *multistatus) readACLs(calendars []calendar.Calendar) (err error) {
	if m.needsACL(placeCalendar) && m.q.account.HasACL() {
		m.acls, err = m.q.account.ACLs(m.q.r.Context(), calendars)
	}
	if err == nil && m.needsShared() {
		_, err = m.q.account.Shared(m.q.r.Context(), calendars...)
	}
	return err
}

// mayReadACL is true where there are no ACLs: the user has everything.
func (s *subject) mayReadACL() bool {
	return !s.q.account.HasACL() || s.view.May(calendar.ReadACL)
}

// appendACL writes the content of DAV:acl. An object has what its calendar gives.
func appendACL(b []byte, s *subject) ([]byte, bool) {
	switch s.kind {
	case placeCalendar, placeObject:
	default:
		return s.ownACE(b), true
	}
	for _, g := range s.acl {
		b = append(b, "<D:ace>"...)
		b = s.appendPrincipal(b, g.Principal)
		tag := "grant>"
		if g.Deny {
			tag = "deny>"
		}
		b = append(b, "<D:"+tag...)
		b = appendPrivileges(b, s.q.shorten(g.Privileges))
		b = append(b, "</D:"+tag...)
		if g.Protected {
			b = append(b, "<D:protected/>"...)
		}
		if s.kind == placeObject {
			b = append(appendHref(append(b, "<D:inherited>"...), s.q.hrefCalendar(s.calendar)), "</D:inherited>"...)
		}
		b = append(b, "</D:ace>"...)
	}
	return b, true
}

// ownACE is all that there is to say of what is no mailbox: the user has what
// DAV:current-user-privilege-set shows.
func (s *subject) ownACE(b []byte) []byte {
	b = appendHref(append(b, "<D:ace><D:principal>"...), s.q.hrefPrincipal())
	b, _ = currentUserPrivilegeSet(append(b, "</D:principal><D:grant>"...), s)
	return append(b, "</D:grant><D:protected/></D:ace>"...)
}

func (s *subject) appendPrincipal(b []byte, p calendar.Principal) []byte {
	b = append(b, "<D:principal>"...)
	switch p.Kind {
	case calendar.OwnerPrincipal:
		b, _ = ownerHref(b, s)
	case calendar.Authenticated:
		b = append(b, "<D:authenticated/>"...)
	case calendar.Unauthenticated:
		b = append(b, "<D:unauthenticated/>"...)
	default:
		b = appendHref(b, s.q.hrefOf(p))
	}
	return append(b, "</D:principal>"...)
}

// shorten names privileges by the aggregates that hold them all.
func (q *request) shorten(privileges []calendar.Privilege) []xml.Name {
	whole := func(p *privilege) bool {
		return !slices.ContainsFunc(p.leaves(), func(l calendar.Privilege) bool { return !slices.Contains(privileges, l) })
	}
	if whole(&supportedPrivileges) {
		return []xml.Name{supportedPrivileges.name}
	}
	var names []xml.Name
	for i := range supportedPrivileges.contains {
		p := &supportedPrivileges.contains[i]
		if whole(p) {
			names = append(names, p.name)
			continue
		}
		for _, l := range p.leaves() {
			if slices.Contains(privileges, l) {
				names = append(names, dav(string(l)))
			}
		}
	}
	return names
}

// aclRestrictions is DAV:acl-restrictions (RFC 3744 section 5.6).
func aclRestrictions(b []byte, _ *subject) ([]byte, bool) {
	return append(b, "<D:grant-only/><D:no-invert/>"...), true
}
