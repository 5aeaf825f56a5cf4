package gateway

import (
	"mime"
	"net/http"
	"slices"
	"strings"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
)

// A calendar is shared by its ACL, whoever changes that: Apple's share dialog
// (CS:share, CS:invite) and draft-pot-webdav-resource-sharing say the same in other
// words. There are no invitations: what is shared works at once, and counts as
// accepted.

// sharingTokens are in the DAV header where all of it works: the mail server has ACLs,
// and shows users the mailboxes of others.
const sharingTokens = ", calendarserver-sharing, resource-sharing"

// postTypes are the kinds of requests that a calendar takes by POST.
var postTypes = map[string]func(*request) error{
	"application/xml":            (*request).share, // Apple's programs
	"text/xml":                   (*request).share,
	"application/davsharing+xml": (*request).share,
	"text/calendar":              (*request).addMember,
}

// post answers POST by what it carries.
func (q *request) post() error {
	kind, _, err := mime.ParseMediaType(q.r.Header.Get("Content-Type"))
	answer := postTypes[strings.ToLower(kind)]
	if err != nil || answer == nil {
		return &HTTPError{Code: http.StatusUnsupportedMediaType, Public: "a POST of this type means nothing here"}
	}
	return answer(q)
}

// shared is what a sharee gets. Names and colours stay the sharee's own:
// write-properties would change them for all.
var shared = map[davxml.Access][]calendar.Privilege{
	davxml.ReadAccess:      {calendar.Read},
	davxml.ReadWriteAccess: {calendar.Read, calendar.WriteContent, calendar.Bind, calendar.Unbind},
}

// accessOf is how sharing calls what a grant gives.
func accessOf(g calendar.Grant) davxml.Access {
	has := map[calendar.Privilege]bool{}
	for _, p := range g.Privileges {
		has[p] = true
	}
	switch {
	case !has[calendar.Read]:
		return davxml.NoAccess
	case has[calendar.WriteContent]:
		return davxml.ReadWriteAccess
	}
	return davxml.ReadAccess
}

// share gives and takes the rights of single users.
func (q *request) share() error {
	body, err := q.xmlBody()
	if err != nil {
		return err
	}
	sharees, err := davxml.ReadShare(body)
	if err != nil {
		return err
	}
	view, err := q.administered()
	if err != nil {
		return err
	}
	if !q.account.CanShare() {
		return &HTTPError{Code: http.StatusForbidden, Public: "the mail server shows nobody the mailboxes of others"}
	}
	if len(sharees) > calendar.MaxGrants {
		return forbidden(dav("limited-number-of-aces"), "a calendar is shared with at most 500 users")
	}
	if view, err = q.autocreated(view); err != nil {
		return err
	}
	now, err := view.ACL(q.r.Context())
	if err != nil {
		return err
	}
	grants, err := q.shareGrants(sharees)
	if err != nil {
		return err
	}
	if err := view.Share(q.r.Context(), q.lackingAccess(grants, now)); err != nil {
		return err
	}
	return q.done()
}

// shareGrants are what sharees are to have. What is said last of a principal counts.
func (q *request) shareGrants(sharees []davxml.Sharee) ([]calendar.Grant, error) {
	var grants []calendar.Grant
	at := map[calendar.Principal]int{} // in grants
	for _, s := range sharees {
		p, err := q.principalOf(s.Href)
		if err != nil {
			return nil, err
		}
		i, again := at[q.account.Folded(p)]
		if !again {
			i = len(grants)
			at[q.account.Folded(p)] = i
			grants = append(grants, calendar.Grant{Principal: p})
		}
		grants[i].Privileges = shared[s.Access]
	}
	return grants, nil
}

// lackingAccess leaves out who has the access that is granted: who has more besides
// keeps it.
func (q *request) lackingAccess(grants, acl []calendar.Grant) []calendar.Grant {
	has := map[calendar.Principal]davxml.Access{}
	for _, g := range acl {
		if !g.Protected {
			has[q.account.Folded(g.Principal)] = accessOf(g)
		}
	}
	return slices.DeleteFunc(grants, func(g calendar.Grant) bool {
		access, there := has[q.account.Folded(g.Principal)]
		return there && access == accessOf(g)
	})
}

// sharees are whom a calendar is shared with, by an ACL that the user may read. A
// sharee who may not sees the owner and himself.
func (s *subject) sharees() []calendar.Grant {
	if !s.view.May(calendar.ReadACL) {
		self := calendar.Grant{Principal: calendar.Principal{Kind: calendar.UserPrincipal, Name: s.q.login.account}}
		for _, p := range calendar.Grantable {
			if s.view.May(p) {
				self.Privileges = append(self.Privileges, p)
			}
		}
		self.Privileges = append(self.Privileges, calendar.Read)
		return []calendar.Grant{self}
	}
	return calendar.Sharees(s.acl)
}

// needsShared tells whether the type of a calendar is asked for, which says that one's
// own is shared.
func (m *multistatus) needsShared() bool {
	return !m.asked.PropName && slices.ContainsFunc(m.plan(placeCalendar), func(w question) bool { return w.name == resourceTypeName })
}

// readShared finds out whether a calendar is shared, where it is needed. What readACL has
// read for this answer it knows from there.
func (m *multistatus) readShared(s *subject) error {
	if !m.needsShared() || s.view != nil && !s.mayReadACL() {
		return nil
	}
	shared, err := m.q.account.Shared(m.q.r.Context(), s.calendar)
	s.shared = shared[s.calendar.Mailbox]
	return err
}

// sharable tells whether the subject is a calendar that can be shared at all, and the
// user may know whether it is: there are owners who may not.
func (s *subject) sharable() bool {
	return s.view != nil && s.q.account.CanShare() && (s.calendar.Others() || s.view.May(calendar.ReadACL))
}

// shareeHref is an address where there is one: programs compare it with what their
// user has typed.
func (s *subject) shareeHref(p calendar.Principal) string {
	of := subject{q: s.q, kind: placePrincipal, principal: &p}
	return of.addresses()[0]
}

// invite is CS:invite, as Apple's programs read it.
func invite(b []byte, s *subject) ([]byte, bool) {
	if !s.sharable() {
		return b, false
	}
	sharees := s.sharees()
	if len(sharees) == 0 {
		return b, false
	}
	b, _ = ownerHref(append(b, "<CS:organizer>"...), s)
	b = append(davxml.AppendText(append(b, "<CS:common-name>"...), s.ownerName()), "</CS:common-name></CS:organizer>"...)
	for _, g := range sharees {
		b = appendHref(append(b, "<CS:user>"...), s.shareeHref(g.Principal))
		b = append(davxml.AppendText(append(b, "<CS:common-name>"...), g.Principal.Name), "</CS:common-name><CS:invite-accepted/><CS:access>"...)
		if accessOf(g) == davxml.ReadWriteAccess {
			b = append(b, "<CS:read-write/>"...)
		} else {
			b = append(b, "<CS:read/>"...)
		}
		b = append(b, "</CS:access></CS:user>"...)
	}
	return b, true
}

// davInvite is DAV:invite.
func davInvite(b []byte, s *subject) ([]byte, bool) {
	if !s.sharable() {
		return b, false
	}
	for _, g := range s.sharees() {
		b = appendHref(append(b, "<D:sharee>"...), s.shareeHref(g.Principal))
		b = append(davxml.AppendText(append(b, "<D:prop><D:displayname>"...), g.Principal.Name), "</D:displayname></D:prop>"...)
		b = append(appendAccess(append(b, "<D:share-access>"...), accessOf(g)), "</D:share-access><D:invite-accepted/></D:sharee>"...)
	}
	return b, true
}

func appendAccess(b []byte, access davxml.Access) []byte {
	if access == davxml.ReadWriteAccess {
		return append(b, "<D:read-write/>"...)
	}
	return append(b, "<D:read/>"...)
}

// shareAccess is DAV:share-access.
func shareAccess(b []byte, s *subject) ([]byte, bool) {
	switch {
	case !s.sharable():
		return b, false
	case s.calendar.Others():
		if s.view.May(calendar.WriteContent) {
			return appendAccess(b, davxml.ReadWriteAccess), true
		}
		return appendAccess(b, davxml.ReadAccess), true
	case len(s.sharees()) > 0:
		return append(b, "<D:shared-owner/>"...), true
	}
	return append(b, "<D:not-shared/>"...), true
}

// shareResourceURI is DAV:share-resource-uri: the same to the owner and to all sharees.
func shareResourceURI(b []byte, s *subject) ([]byte, bool) {
	return appendHref(b, s.q.hrefInFull(s.calendar)), s.q.account.CanShare()
}

// sharedURL is CS:shared-url: to a sharee the calendar in the home of its owner.
func sharedURL(b []byte, s *subject) ([]byte, bool) {
	return appendHref(b, s.q.hrefHomeOf(s.calendar)+escapePath(s.calendar.Path)+"/"), s.calendar.Others()
}

// sharingModes is CS:allowed-sharing-modes.
func sharingModes(b []byte, s *subject) ([]byte, bool) {
	if !s.sharable() || !s.view.May(calendar.WriteACL) {
		return b, false
	}
	return append(b, "<CS:can-be-shared/>"...), true
}

// ownerName is what people call the owner.
func (s *subject) ownerName() string {
	if s.calendar.Others() {
		return s.calendar.Owner()
	}
	return s.q.login.account
}
