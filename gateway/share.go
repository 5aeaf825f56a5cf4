package gateway

import (
	"slices"
	"strings"

	"calgate/gateway/calendar"
)

// Share is what the one segment "~owner:path" means, under which a home shows a
// calendar of another user. Programs name calendars by the last segment of their URL,
// so it must be unique in a home: "~bob:Work", and "~bob:Team:Work" for one that is
// nested. A name of a user has no ":" (RFC 7617 section 2); in a level of the path it
// stands as "=3A".
type Share struct {
	Owner string
	Path  []string // below the owner's home
}

// What stands for ":" in a level, and for "=" where the level would be read otherwise.
var (
	joinShare  = strings.NewReplacer("=3A", "=3D3A", "=3D", "=3D3D", ":", "=3A")
	splitShare = strings.NewReplacer("=3D", "=", "=3A", ":")
)

// segment is the share as one decoded segment.
func (s Share) segment() string {
	levels := make([]string, len(s.Path))
	for i, l := range s.Path {
		levels[i] = joinShare.Replace(l)
	}
	return "~" + s.Owner + ":" + strings.Join(levels, ":")
}

// parseShare reads a decoded segment; nil where it is none of a share.
func parseShare(segment string) *Share {
	owner, path, ok := strings.Cut(segment, ":")
	if !ok || len(owner) < 2 || owner[0] != '~' {
		return nil
	}
	s := &Share{Owner: owner[1:], Path: strings.Split(path, ":")}
	for i, l := range s.Path {
		if s.Path[i] = splitShare.Replace(l); l == "" || l == "." || l == ".." {
			return nil
		}
	}
	return s
}

// resolveShare says where a target below a share leads: the calendar, with or without
// the suffix ".ics", or an object in it. What is not there, or may not be seen, is the
// same: nothing.
func (q *request) resolveShare(t Target, method string) (place, error) {
	nothing := place{kind: placeNothing, self: t.self(t.Slash)}
	if t.HasOwner && !q.login.self(t.Owner) || q.login.self(t.Share.Owner) {
		return nothing, nil
	}
	f := ownerFinder{ctx: q.r.Context(), account: q.account, owner: t.Share.Owner}
	c, found, err := f.find(t.Share.Path)
	if stripped, ok := stripSuffix(t.Share.Path); ok && !found && err == nil && stripped[len(stripped)-1] != "" {
		c, found, err = f.find(stripped)
	}
	if err != nil || !found {
		return nothing, err
	}
	collection := t.Slash || method == "MKCALENDAR" || method == "MKCOL"
	var p place
	switch {
	case t.Realm != RealmCalDAV && len(t.Path) == 0:
		p = place{kind: placeFeed, calendar: c, self: t.self(t.Slash), base: t.base()}
	case t.Realm == RealmCalDAV && len(t.Path) == 0:
		p = t.calendar(c)
	case t.Realm == RealmCalDAV && len(t.Path) == 1 && !collection:
		p = t.object(c, t.parent())
	default:
		return nothing, nil
	}
	p.owner, p.share = t.Share.Owner, true
	return p, nil
}

// hrefShare is a calendar of another user below one's own home.
func (q *request) hrefShare(base string, c calendar.Calendar) string {
	return base + escapeSegment(Share{q.shownOwner(c), c.Path}.segment()) + "/"
}

// shownOwner is the owner of a calendar as people know him: without the domain, where
// that is one's own and nobody else is meant.
func (q *request) shownOwner(c calendar.Calendar) string {
	owner := c.Owner()
	_, mine, _ := strings.Cut(q.login.account, "@")
	local, domain, ok := strings.Cut(owner, "@")
	if !ok || local == "" || !strings.EqualFold(domain, mine) || q.login.self(local) {
		return owner
	}
	if q.homeView != nil && slices.ContainsFunc(q.homeView.Shares, func(s calendar.Calendar) bool { return strings.EqualFold(s.Owner(), local) }) {
		return owner
	}
	return local
}

// hrefPrincipalOf is the principal of another user.
func (q *request) hrefPrincipalOf(owner string) string {
	return "/UserDAV/" + escapeSegment(q.accountOf(owner)) + "/"
}

// hrefHomeOf is the canonical home of a calendar's owner.
func (q *request) hrefHomeOf(c calendar.Calendar) string {
	if !c.Others() {
		return q.hrefHome()
	}
	return "/CalDAV/~" + escapeSegment(q.accountOf(c.Owner())) + "/"
}

// hrefInFull is a calendar by the URL that is the same for all who may see it, and in
// any realm.
func (q *request) hrefInFull(c calendar.Calendar) string {
	return q.hrefHomeOf(c) + escapePath(c.FullPath()) + "/"
}

// accountOf is the account of another user as hrefs have it. An owner without a domain is
// of one's own.
func (q *request) accountOf(owner string) string {
	if _, domain, ok := strings.Cut(q.login.account, "@"); ok && !strings.Contains(owner, "@") {
		owner += "@" + domain
	}
	return strings.ToLower(owner)
}
