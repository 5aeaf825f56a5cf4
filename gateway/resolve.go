package gateway

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"calgate/gateway/calendar"
)

// placeKind is what a target leads to. The kinds are bits, so that a table can name several.
type placeKind int

const (
	placeRoot placeKind = 1 << iota
	placePrincipal
	placeHome
	placeCalendar
	placeObject  // there or not: opening the calendar tells
	placeFeed    // a calendar as one resource; it may be missing at a PUT
	placeNothing // nothing is there; a calendar may be made under its path
)

func (k placeKind) String() string {
	switch k {
	case placeRoot:
		return "root"
	case placePrincipal:
		return "principal"
	case placeHome:
		return "home"
	case placeCalendar:
		return "calendar"
	case placeObject:
		return "object"
	case placeFeed:
		return "feed"
	case placeNothing:
		return "nothing"
	}
	return "-"
}

// place is where a target leads, after resolution.
type place struct {
	kind     placeKind
	calendar calendar.Calendar // of a calendar, of an object and of a feed
	name     string            // of an object: its octets, decoded
	owner    string            // of what is another user's: the owner as the URL names him
	share    bool              // of what is another user's: the URL names it in one's own home

	principal *calendar.Principal // of one that is not the user's own

	path []string // of nothing, and of a feed that is missing: decoded segments below the home; empty outside of it

	// Hrefs as the request spelled them, escaped: clients drop members that are not
	// below the URL they asked.
	self       string // this place; a collection ends in a slash
	base       string // of what lies below a home: the home, "/CalDAV/~me/" or "/CalDAV/"
	collection string // of a calendar and of an object: the calendar
}

// finder is what resolution needs of an account. find knows which path leads to which
// calendar mailbox; the names of the defaults are always found.
type finder interface {
	known(path []string) (calendar.Calendar, bool) // without asking the mail server
	find(path []string) (calendar.Calendar, bool, error)
	defaultCalendar() (calendar.Calendar, error)
}

// accountFinder finds the calendars of the user who is logged in. What was there at
// an earlier request costs no LIST, everything else at most one.
type accountFinder struct {
	ctx     context.Context
	account *calendar.Account
}

func (f accountFinder) known(path []string) (calendar.Calendar, bool) { return f.account.Known(path) }

func (f accountFinder) find(path []string) (calendar.Calendar, bool, error) {
	return f.account.Find(f.ctx, path)
}

func (f accountFinder) defaultCalendar() (calendar.Calendar, error) {
	home, err := f.account.Home(f.ctx)
	if err != nil {
		return calendar.Calendar{}, err
	}
	return home.DefaultCalendar(), nil
}

// ownerFinder finds the calendars of another user, as far as this one may look
// them up. What is not there, or may not be seen, is the same: nothing.
type ownerFinder struct {
	ctx     context.Context
	account *calendar.Account
	owner   string
	listed  int // paths of this length are not asked for by name; 0: all are
}

func (f ownerFinder) known(path []string) (calendar.Calendar, bool) {
	return f.account.KnownOf(f.owner, path)
}

func (f ownerFinder) find(path []string) (calendar.Calendar, bool, error) {
	if len(path) == f.listed {
		return f.account.FindListedOf(f.ctx, f.owner, path)
	}
	return f.account.FindOf(f.ctx, f.owner, path)
}

func (f ownerFinder) defaultCalendar() (calendar.Calendar, error) {
	c, ok, err := f.account.DefaultOf(f.ctx, f.owner)
	if err == nil && !ok {
		err = notFound("no such resource")
	}
	return c, err
}

// resolve finds the place of the request's target.
func (q *request) resolve() error {
	var err error
	q.place, err = q.resolveTarget(q.target, q.r.Method)
	return err
}

func (q *request) resolveTarget(t Target, method string) (place, error) {
	if t.Share != nil {
		return q.resolveShare(t, method)
	}
	if t.HasOwner && !q.login.self(t.Owner) {
		return q.resolveOther(t, method, 0)
	}
	return resolve(t, accountFinder{q.r.Context(), q.account}, method)
}

// resolveOther says where a target below another user's home leads. Nothing is made
// there, and a home of which nothing may be seen is not there. listed is that of ownerFinder.
func (q *request) resolveOther(t Target, method string, listed int) (place, error) {
	if t.Realm == RealmUser {
		return q.resolvePrincipal(t)
	}
	f := ownerFinder{q.r.Context(), q.account, t.Owner, listed}
	p, err := resolve(t, f, method)
	if err != nil {
		return p, err
	}
	p.owner = t.Owner
	if p.kind == placeHome {
		home, err := q.account.HomeOf(q.r.Context(), t.Owner)
		if err != nil {
			return p, err
		}
		if len(home.Calendars) == 0 {
			p.kind = placeNothing
		}
	}
	if p.kind == placeFeed && len(p.path) > 0 {
		p.kind = placeNothing
	}
	if p.kind == placeNothing {
		p.path = nil
	}
	return p, nil
}

// resolve says where a target leads, by what a finder finds.
func resolve(t Target, f finder, method string) (place, error) {
	switch t.Realm {
	case RealmRoot:
		return place{kind: placeRoot, self: "/"}, nil
	case RealmUser:
		return place{kind: placePrincipal, self: t.self(true)}, nil
	case RealmCalDAV:
		if len(t.Path) > 0 {
			return resolvePath(t, f, t.Slash || method == "MKCALENDAR" || method == "MKCOL")
		}
		if !t.HasOwner && (method == http.MethodGet || method == http.MethodHead || method == "REPORT") {
			return defaultPlace(t, f)
		}
		return place{kind: placeHome, self: t.self(true), base: t.base()}, nil
	case RealmFeed, RealmFeedDel:
		return resolveFeed(t, f, method)
	}
	return place{kind: placeNothing, self: t.self(t.Slash)}, nil
}

// resolvePath says what a path below the home is, in this order: a calendar; an object
// in one; a calendar named with the suffix ".ics"; an object in a calendar named so,
// as answers to such a request name its members; an object of the default calendar.
// If it can only be a collection, the steps about objects are left out.
func resolvePath(t Target, f finder, collection bool) (place, error) {
	last := len(t.Path) - 1
	stripped, isICS := stripSuffix(t.Path)
	if !collection && last > 0 && isICS {
		// The hot path: an object of a calendar that was there a moment ago. That
		// somebody made a calendar of the object's very name since then would cost a
		// LIST a request to find out.
		_, taken := f.known(t.Path)
		if c, ok := f.known(t.Path[:last]); ok && !taken {
			return t.object(c, t.parent()), nil
		}
	}
	if c, ok, err := f.find(t.Path); ok || err != nil {
		return t.calendar(c), err
	}
	if !collection && last > 0 {
		if c, ok, err := f.find(t.Path[:last]); ok || err != nil {
			return t.object(c, t.parent()), err
		}
	}
	if isICS && len(stripped) == 0 {
		return defaultPlace(t, f)
	}
	if isICS {
		if c, ok, err := f.find(stripped); ok || err != nil {
			return t.calendar(c), err
		}
	}
	if parent, ok := stripSuffix(t.Path[:last]); !collection && ok && len(parent) > 0 {
		if c, ok, err := f.find(parent); ok || err != nil {
			return t.object(c, t.parent()), err
		}
	}
	if !collection && last == 0 && isICS {
		c, err := f.defaultCalendar()
		return t.object(c, t.base()+escapePath(c.Path)+"/"), err
	}
	return place{kind: placeNothing, path: t.Path, self: t.self(collection), base: t.base()}, nil
}

// resolveFeed says which calendar is meant as one resource: the one so named, else the
// one that is named without the suffix ".ics". A PUT makes what is missing.
func resolveFeed(t Target, f finder, method string) (place, error) {
	p := place{kind: placeFeed, self: t.self(t.Slash), base: t.base()}
	path := t.Path
	if len(path) > 0 {
		c, ok, err := f.find(path)
		if ok || err != nil {
			p.calendar = c
			return p, err
		}
		if stripped, ok := stripSuffix(path); ok {
			path = stripped
		}
	}
	if len(path) == 0 {
		var err error
		p.calendar, err = f.defaultCalendar()
		return p, err
	}
	c, ok, err := f.find(path)
	switch {
	case ok || err != nil:
		p.calendar = c
	case method == http.MethodPut:
		p.path = path
	default:
		p.kind = placeNothing
	}
	return p, err
}

// defaultPlace is what the empty mailbox name means. Answers name the calendar.
func defaultPlace(t Target, f finder) (place, error) {
	c, err := f.defaultCalendar()
	base := "/" + strings.Join(t.raw[:len(t.raw)-len(t.Path)], "/") + "/"
	href := base + escapePath(c.Path) + "/"
	return place{kind: placeCalendar, calendar: c, self: href, base: base, collection: href}, err
}

func (t Target) calendar(c calendar.Calendar) place {
	return place{kind: placeCalendar, calendar: c, self: t.self(true), base: t.base(), collection: t.self(true)}
}

func (t Target) object(c calendar.Calendar, collection string) place {
	return place{kind: placeObject, calendar: c, name: t.Path[len(t.Path)-1], self: t.self(false), base: t.base(), collection: collection}
}

// stripSuffix takes one ".ics" in any case from the last segment. A segment that is
// nothing but the suffix goes as a whole.
func stripSuffix(path []string) ([]string, bool) {
	if len(path) == 0 {
		return nil, false
	}
	last := len(path) - 1
	n := len(path[last]) - len(".ics")
	if n < 0 || !strings.EqualFold(path[last][n:], ".ics") {
		return nil, false
	}
	if n == 0 {
		return path[:last], true
	}
	return append(append([]string(nil), path[:last]...), path[last][:n]), true
}

// locate resolves an href of a request body or an If header, an absolute path or URL.
func (q *request) locate(href string) (place, error) { return q.locateAs(href, false) }

// locateAs is locate. If only objects count, no calendar of another user is looked for by the name of each: a body may name
// thousands in one that is not there.
func (q *request) locateAs(href string, object bool) (place, error) {
	raw, ok := pathOf(href)
	if !ok {
		return place{kind: placeNothing}, nil
	}
	t, err := ParseTarget(raw)
	if err != nil {
		return place{kind: placeNothing}, nil
	}
	var p place
	if object && t.HasOwner && !q.login.self(t.Owner) && t.Share == nil {
		p, err = q.resolveOther(t, "PROPFIND", len(t.Path))
	} else {
		p, err = q.resolveTarget(t, "PROPFIND")
	}
	var missing *HTTPError
	if errors.As(err, &missing) && missing.Code == http.StatusNotFound { // not the resource that the request is about
		return place{kind: placeNothing}, nil
	}
	return p, err
}

// member resolves the href of an object in the place's own calendar, or in any
// calendar of a home. Another one is no member (RFC 4791 section 7.9).
func (q *request) member(href string) (p place, ok bool, err error) {
	if p, err = q.locateAs(href, true); err != nil || p.kind != placeObject {
		return p, false, err
	}
	switch {
	case q.place.kind != placeHome:
		return p, p.calendar.Mailbox == q.place.calendar.Mailbox, nil
	case q.place.owner == "":
		return p, true, nil
	}
	home, err := q.account.HomeOf(q.r.Context(), q.place.owner)
	return p, err == nil && p.calendar.Owner() == home.Owner, err
}
