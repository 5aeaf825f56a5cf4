package gateway

import (
	"net/url"
	"strings"

	"calgate/gateway/calendar"
)

// groupPrefix stands before the name of a group in the URL of its principal. No mail
// server has a user of such a name.
const groupPrefix = "group:"

// principalNamed is what the last segment of a principal's URL names.
func principalNamed(segment string) calendar.Principal {
	if group, ok := strings.CutPrefix(segment, groupPrefix); ok {
		return calendar.Principal{Kind: calendar.GroupPrincipal, Name: group}
	}
	return calendar.Principal{Kind: calendar.UserPrincipal, Name: segment}
}

// hrefOf is the URL of a user's or a group's principal.
func (q *request) hrefOf(p calendar.Principal) string {
	switch {
	case p.Kind == calendar.GroupPrincipal:
		return "/UserDAV/" + escapeSegment(groupPrefix+p.Name) + "/"
	case q.account.IsSelf(p):
		return q.hrefPrincipal()
	}
	return q.hrefPrincipalOf(p.Name)
}

// resolvePrincipal says where the URL of a principal of others leads: those that the
// mail server shows are there, all else is not.
func (q *request) resolvePrincipal(t Target) (place, error) {
	nothing := place{kind: placeNothing, self: t.self(t.Slash)}
	p, ok, err := q.account.FindPrincipal(q.r.Context(), principalNamed(t.Owner))
	if err != nil || !ok {
		return nothing, err
	}
	return place{kind: placePrincipal, self: t.self(true), principal: &p}, nil
}

// principalOf is the user or group that an href of a request body names: the URL of a
// principal or an address. It need not be there: rights can be given to users whom the
// mail server does not show.
func (q *request) principalOf(href string) (calendar.Principal, error) {
	unknown := forbidden(dav("recognized-principal"), "this is no user or group")
	unknown.Href = []string{href}
	name := ""
	if address, ok := cutPrefixFold(strings.TrimSpace(href), "mailto:"); ok {
		decoded, err := url.PathUnescape(address)
		if err != nil {
			return calendar.Principal{}, unknown
		}
		name, _, _ = strings.Cut(decoded, "?")
	} else {
		raw, ok := pathOf(href)
		t, err := ParseTarget(raw)
		if !ok || err != nil || t.Realm != RealmUser {
			return calendar.Principal{}, unknown
		}
		if name = t.Owner; !t.HasOwner {
			name = "me"
		}
	}
	if q.login.self(name) {
		return calendar.Principal{Kind: calendar.UserPrincipal, Name: q.login.account}, nil
	}
	p := principalNamed(name)
	if p.Name == "" || len(name) > maxOwner || p.Kind == calendar.GroupPrincipal && !q.account.HasGroups() || strings.ContainsAny(p.Name, "/\x00\r\n") {
		return calendar.Principal{}, unknown
	}
	return p, nil
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// Of a principal that is not the user who asks.

// name is what people call a principal.
func (s *subject) principalName() string {
	if s.principal == nil {
		return s.q.login.account
	}
	return s.principal.Name
}

func (s *subject) principalURL() string {
	if s.principal == nil {
		return s.q.hrefPrincipal()
	}
	return s.q.hrefOf(*s.principal)
}

// addresses are the calendar user addresses of a principal; never a guessed one:
// programs would take the user for an attendee who is somebody else.
func (s *subject) addresses() []string {
	account := strings.ToLower(s.principalName())
	isUser := s.principal == nil || s.principal.Kind == calendar.UserPrincipal
	if isUser && strings.Contains(account, "@") {
		return []string{"mailto:" + account, s.principalURL()}
	}
	return []string{s.principalURL()}
}

func (s *subject) homeURL() (string, bool) {
	switch {
	case s.principal == nil:
		return s.q.hrefHome(), true
	case s.principal.Kind == calendar.UserPrincipal:
		return "/CalDAV/~" + escapeSegment(strings.ToLower(s.principal.Name)) + "/", true
	}
	return "", false
}
