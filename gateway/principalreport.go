package gateway

import (
	"net/http"
	"slices"
	"strings"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
)

// principalReport answers the REPORTs of RFC 3744 section 9. Each of them is about one
// resource (section 9.1).
func (q *request) principalReport(report *davxml.Report) error {
	if d, err := q.depth(depth0); err != nil {
		return err
	} else if d != depth0 {
		return badRequest("Depth must be 0")
	}
	switch report.Name.Local {
	case "principal-match":
		return q.principalMatch(report)
	case "principal-property-search":
		return q.principalSearch(report)
	case "acl-principal-prop-set":
		return q.aclPrincipals(report)
	}
	return q.searchProperties()
}

// principals writes responses for principals, each once; nil is the user's own.
func (q *request) principals(names *davxml.Names, all []*calendar.Principal) error {
	m := q.multistatus(names, false)
	for _, p := range all {
		s := &subject{q: q, kind: placePrincipal, principal: p}
		if err := m.respond(davxml.EscapeHref(s.principalURL()), "", s, 0); err != nil {
			return err
		}
	}
	return m.Close()
}

// principalMatch finds what is the user himself, or the user's by a property (RFC 3744
// section 9.3). Which groups one is in, IMAP does not tell.
func (q *request) principalMatch(report *davxml.Report) error {
	self := report.Self || report.Property == dav("principal-URL")
	switch {
	case self && q.place.kind != placeHome && q.place.principal == nil:
		return q.principals(&report.Names, []*calendar.Principal{nil})
	case report.Property == dav("owner") && q.place.kind == placeHome && q.place.owner == "":
		return q.ownCalendars(&report.Names)
	case !report.Self && report.Property.Local == "":
		return badRequest("DAV:principal-match needs DAV:self or DAV:principal-property")
	}
	return q.principals(&report.Names, nil)
}

// ownCalendars lists what the user owns below the home.
func (q *request) ownCalendars(names *davxml.Names) error {
	home, err := q.openHome()
	if err != nil {
		return err
	}
	own := *home
	own.Shares = nil
	m := q.multistatus(names, false)
	if err := m.calendars(&own); err != nil {
		return err
	}
	return m.Close()
}

// aclPrincipals tells about everybody whom an ACL names (RFC 3744 section 9.2).
func (q *request) aclPrincipals(report *davxml.Report) error {
	view, err := q.open(q.place.calendar)
	if err != nil {
		return err
	}
	acl, err := view.ACL(q.r.Context())
	if err != nil {
		return err
	}
	var all []*calendar.Principal
	var seen []string
	for _, g := range acl {
		p := &g.Principal
		switch {
		case p.Kind == calendar.OwnerPrincipal && q.place.calendar.Others():
			p = &calendar.Principal{Kind: calendar.UserPrincipal, Name: q.place.calendar.Owner()}
		case p.Kind == calendar.OwnerPrincipal, q.account.IsSelf(*p):
			p = nil
		case p.Kind != calendar.UserPrincipal && p.Kind != calendar.GroupPrincipal:
			continue // no resource
		}
		if href := (&subject{q: q, principal: p}).principalURL(); !slices.Contains(seen, href) {
			seen, all = append(seen, href), append(all, p)
		}
	}
	return q.principals(&report.Names, all)
}

// searchable are the properties by which principals are found.
var searchable = []struct {
	name        davxml.Name
	description string
	values      func(*subject) []string
}{
	{dav("displayname"), "Name", func(s *subject) []string { return []string{s.principalName()} }},
	{caldav("calendar-user-address-set"), "Address", (*subject).addresses},
	{davxml.Name{Space: davxml.CalendarServer, Local: "email-address-set"}, "Mail address", func(s *subject) []string {
		address, isAddress := strings.CutPrefix(s.addresses()[0], "mailto:")
		if !isAddress {
			return nil
		}
		return []string{address}
	}},
}

// searchProperties says by which properties principals are found (RFC 3744 section
// 9.5).
func (q *request) searchProperties() error {
	b := davxml.Begin(dav("principal-search-property-set"))
	for _, p := range searchable {
		b = append(b, "<D:principal-search-property><D:prop>"...)
		b = append(davxml.AppendEmpty(b, p.name), `</D:prop><D:description xml:lang="en">`...)
		b = append(davxml.AppendText(b, p.description), "</D:description></D:principal-search-property>"...)
	}
	b = davxml.End(b, dav("principal-search-property-set"))
	q.w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	q.w.WriteHeader(http.StatusOK)
	_, err := q.w.Write(b)
	return err
}

// principalSearch finds principals by what stands in their properties, without case
// (RFC 3744 section 9.4). There is no list of users in IMAP: found are those that the
// mail server shows, and, by their exact names, those that it shows when asked.
func (q *request) principalSearch(report *davxml.Report) error {
	if len(report.Searches) == 0 {
		return badRequest("DAV:principal-property-search needs a DAV:property-search")
	}
	found, err := q.account.Principals(q.r.Context())
	if err != nil {
		return err
	}
	for _, search := range report.Searches {
		name, _ := cutPrefixFold(strings.TrimSpace(search.Match), "mailto:")
		if name == "" || strings.ContainsAny(name, "/\x00\r\n") || q.login.self(name) {
			continue
		}
		p, ok, err := q.account.FindPrincipal(q.r.Context(), principalNamed(name))
		if err != nil {
			return err
		}
		if ok && !slices.ContainsFunc(found, func(f calendar.Principal) bool { return q.account.Same(f, p) }) {
			found = append(found, p)
		}
	}
	for i := range report.Searches {
		report.Searches[i].Match = strings.ToLower(report.Searches[i].Match)
	}
	all := []*calendar.Principal{nil}
	for i := range found {
		all = append(all, &found[i])
	}
	all = slices.DeleteFunc(all, func(p *calendar.Principal) bool {
		return !matches(report, &subject{q: q, kind: placePrincipal, principal: p})
	})
	return q.principals(&report.Names, all)
}

func matches(report *davxml.Report, s *subject) bool {
	for _, search := range report.Searches {
		if matchesSearch(search, s) == report.AnyOf {
			return report.AnyOf
		}
	}
	return !report.AnyOf
}

// matchesSearch tells whether the text, in lower case, is in every property that a
// search names.
func matchesSearch(search davxml.Search, s *subject) bool {
	for _, name := range search.Props {
		in := false
		for _, p := range searchable {
			in = in || p.name == name && slices.ContainsFunc(p.values(s), func(v string) bool {
				return strings.Contains(strings.ToLower(v), search.Match)
			})
		}
		if !in {
			return false
		}
	}
	return true
}
