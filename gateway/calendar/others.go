package calendar

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"calgate/imapstore"
)

// HomeOf lists the calendars of another user that this one may look up (RFC 4314
// right l). It is empty where there are none, the user does not exist, or the mail
// server shows nobody the mailboxes of others: nothing tells these apart.
func (a *Account) HomeOf(ctx context.Context, owner string) (*Home, error) {
	if h := a.homes[owner]; h != nil {
		return h, nil
	}
	if err := a.mayAsk(owner); err != nil {
		return nil, err
	}
	h, err := a.listOwner(ctx, owner, func(scope imapstore.Scope) ([]imapstore.Listed, error) {
		scope.Types = true
		listed, err := a.session.Overview(ctx, scope)
		return listed, wrap("List", "~"+owner, err)
	})
	if err == nil {
		a.setHomeOf(owner, h)
	}
	return h, err
}

// maxAsked is how often one request may ask for what other users have. Each time costs an exchange with the mail server, on
// Dovecot a login, and a request may name any number of them.
const maxAsked = 100

func (a *Account) mayAsk(owner string) error {
	if a.asked == maxAsked {
		return &Error{Op: "List", Mailbox: "~" + owner, Kind: TooManyOthers}
	}
	a.asked++
	return nil
}

// listOwner lists what another user has, by the spelling under which there are
// calendars. Dovecot may list a user only who was named before, and takes the spelling in
// which that was done for his: this is the last resort, in lower case first.
func (a *Account) listOwner(ctx context.Context, owner string, list func(imapstore.Scope) ([]imapstore.Listed, error)) (h *Home, err error) {
	names := a.ownerNames(owner)
	for _, named := range []bool{false, true} {
		if named && !a.session.Caps().RightsLag() {
			break
		}
		for _, name := range names {
			listed, err := list(imapstore.Scope{Owner: name, Named: named})
			if err != nil {
				return nil, err
			}
			if h = a.server.kinds.homeOf(name, listed); len(h.Calendars) > 0 {
				return h, nil
			}
		}
		slices.SortStableFunc(names, func(x, y string) int { return cmp.Compare(capitals(x), capitals(y)) })
	}
	return h, nil
}

// capitals is 0 for what is all in lower case, else 1.
func capitals(s string) int {
	if s == strings.ToLower(s) {
		return 0
	}
	return 1
}

func (a *Account) setHomeOf(owner string, h *Home) {
	a.noteHomeOf(owner, h)
	a.server.cache.setHome(a.ownerKey(owner), h)
}

func (a *Account) noteHomeOf(owner string, h *Home) {
	if a.homes == nil {
		a.homes = map[string]*Home{}
	}
	a.homes[owner] = h
}

// ownerNames are the spellings in which the mail server may know an owner: as it
// stands in the URL, in lower case, and with or without the domain of this login.
func (a *Account) ownerNames(owner string) []string {
	names := []string{owner, strings.ToLower(owner)}
	if local, domain, ok := strings.Cut(a.name, "@"); ok && local != "" {
		if !strings.Contains(owner, "@") {
			names = append(names, owner+"@"+domain, strings.ToLower(owner+"@"+domain))
		} else if of, d, _ := strings.Cut(owner, "@"); strings.EqualFold(d, domain) {
			names = append(names, of, strings.ToLower(of))
		}
	}
	slices.Sort(names[1:])
	return slices.Compact(names)
}

func (a *Account) ownerKey(owner string) string { return a.session.LoginKey() + " ~" + owner }

// homeOf sorts what LIST shows of another user, and METADATA says of it, into a Home.
func (k kinds) homeOf(owner string, listed []imapstore.Listed) *Home {
	begin := "~" + owner + "/"
	own := make([]imapstore.Listed, 0, len(listed))
	for _, l := range listed {
		var ok bool
		if l.Name, ok = strings.CutPrefix(l.Name, begin); ok {
			own = append(own, l)
		}
	}
	h := k.home(own, folderTypes(own))
	h.Owner = owner
	for i := range h.Calendars {
		h.Calendars[i].Mailbox = begin + h.Calendars[i].Mailbox
	}
	for i := range h.defaults {
		h.defaults[i].Mailbox = begin + h.defaults[i].Mailbox
	}
	for path, c := range h.paths {
		c.Mailbox = begin + c.Mailbox
		h.paths[path] = c
	}
	return h
}

// KnownOf is Known for the calendars of another user.
func (a *Account) KnownOf(owner string, path []string) (Calendar, bool) {
	if n := a.named[namedKey(owner, path)]; n.ok {
		return n.Calendar, true
	}
	h := a.homes[owner]
	if h == nil {
		if h = a.server.cache.home(a.ownerKey(owner)); h == nil {
			return Calendar{}, false
		}
		a.noteHomeOf(owner, nil) // if it turns out to be an old one, forgetHome finds it
	}
	c, ok := h.Find(path)
	return c, ok && c.Exists
}

// maxProbed bounds the name of a mailbox that is asked for in all its places and under
// all spellings of its owner, in octets: a URL may be far longer.
const maxProbed = 1 << 10

// FindOf leads a path below another user's home to a calendar that is there.
func (a *Account) FindOf(ctx context.Context, owner string, path []string) (Calendar, bool, error) {
	c, ok, err := a.FindListedOf(ctx, owner, path)
	name := strings.Join(path, "/")
	if ok || err != nil || len(name) > maxProbed {
		return c, ok, err
	}
	return a.byName(owner, path, func() (Calendar, bool, error) {
		c, ok, err := a.probe(ctx, owner, a.server.kinds.places(name))
		c.Path = path
		return c, ok, err
	})
}

// FindListedOf is FindOf for what LIST shows.
func (a *Account) FindListedOf(ctx context.Context, owner string, path []string) (Calendar, bool, error) {
	if c, ok := a.KnownOf(owner, path); ok {
		return c, true, nil
	}
	h, err := a.HomeOf(ctx, owner)
	if err != nil {
		return Calendar{}, false, err
	}
	c, ok := h.Find(path)
	return c, ok && c.Exists, nil
}

// namedCalendar is what was asked for by name, and whether it is there.
type namedCalendar struct {
	Calendar
	ok bool
}

// namedKey is the key of Account.named; without a path it is the default calendar.
func namedKey(owner string, path []string) string { return owner + "/" + strings.Join(path, "/") }

// byName asks for a calendar once a request.
func (a *Account) byName(owner string, path []string, ask func() (Calendar, bool, error)) (Calendar, bool, error) {
	key := namedKey(owner, path)
	if n, asked := a.named[key]; asked {
		return n.Calendar, n.ok, nil
	}
	if err := a.mayAsk(owner); err != nil {
		return Calendar{}, false, err
	}
	c, ok, err := ask()
	if err == nil {
		if a.named == nil {
			a.named = map[string]namedCalendar{}
		}
		a.named[key] = namedCalendar{c, ok}
	}
	return c, ok, err
}

// DefaultOf is what the empty mailbox name means below another user's home. It exists,
// or there is none.
func (a *Account) DefaultOf(ctx context.Context, owner string) (Calendar, bool, error) {
	h, err := a.HomeOf(ctx, owner)
	if err != nil {
		return Calendar{}, false, err
	}
	if c := h.DefaultCalendar(); c.Exists {
		return c, true, nil
	}
	names := calendarNames
	if name := a.server.kinds.o.DefaultCalendar; name != "" {
		names = []string{name}
	}
	return a.byName(owner, nil, func() (Calendar, bool, error) {
		c, ok, err := a.probe(ctx, owner, names)
		c.Default = ok
		return c, ok, err
	})
}

// places are the mailboxes that a name below a home may lead to, in the order of
// Home.Find: the one so named, those below a calendar root, those below a tasks root.
func (k kinds) places(name string) []string {
	places := []string{name}
	roots := [][]string{{k.o.CalendarRoot, k.o.DefaultCalendar, spareCalendarRoot}, calendarNames, {k.o.TasksRoot, k.o.DefaultTasks, spareTasksRoot}, tasksNames}
	for _, root := range slices.Concat(roots...) {
		if place := root + "/" + name; root != "" && !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	return places
}

// probe asks by name for mailboxes that LIST does not show, and gives the first
// calendar among those that may be looked up: a Dovecot session that is older than a
// share does not list it until it is named, nor another user's mailboxes at all where
// its namespace is not to be listed.
func (a *Account) probe(ctx context.Context, owner string, places []string) (Calendar, bool, error) {
	var names []string
	path := map[string]string{}
	for _, place := range places {
		for _, spelled := range a.ownerNames(owner) {
			name := "~" + spelled + "/" + place
			names, path[name] = append(names, name), place
		}
	}
	there, err := a.session.Present(ctx, names)
	if err != nil {
		return Calendar{}, false, wrap("List", "~"+owner, err)
	}
	for _, name := range there {
		kind, why, err := a.kindOf(ctx, name, path[name])
		if err != nil {
			return Calendar{}, false, err
		}
		if kind == NoCalendar {
			continue
		}
		granted, known, err := a.session.Rights(ctx, name)
		switch {
		case storeKind(err, imapstore.NotFound), storeKind(err, imapstore.NoPermission), err == nil && !known:
		case err != nil:
			return Calendar{}, false, wrap("List", name, err)
		case rights(granted).has('l'):
			byDefault := inTable(calendarNames, path[name]) || inTable(tasksNames, path[name])
			return Calendar{Mailbox: name, Path: levels(path[name]), Kind: kind, Default: byDefault, Exists: true, Why: why}, true, nil
		}
	}
	return Calendar{}, false, nil
}

// kindOf tells what a mailbox of another user is for that no LIST has shown.
func (a *Account) kindOf(ctx context.Context, mailbox, name string) (Kind, string, error) {
	l := imapstore.Listed{Mailbox: imapstore.Mailbox{Name: name}}
	if kind, why := a.server.kinds.of(l, ""); kind != NoCalendar {
		return kind, why, nil
	}
	typed, err := a.session.FolderType(ctx, mailbox)
	if err != nil {
		return NoCalendar, "", wrap("List", mailbox, err)
	}
	kind, why := a.server.kinds.of(l, typed)
	return kind, why, nil
}

// Others tells whether the calendar belongs to another user.
func (c Calendar) Others() bool { return strings.HasPrefix(c.Mailbox, "~") }
