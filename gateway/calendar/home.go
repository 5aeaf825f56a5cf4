package calendar

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"calgate/imapstore"
)

// Calendar is one calendar mailbox and its place below the home.
type Calendar struct {
	Mailbox string   // as imapstore names it
	Path    []string // decoded segments below the home, in canonical hrefs: {"Work"} for the mailbox Calendar/Work
	Kind    Kind
	Default bool   // the default calendar or the default tasks mailbox
	Exists  bool   // false: a default that is not there yet
	Why     string // what made it a calendar, for people
}

// Home is what LIST says about a user's own calendars.
type Home struct {
	Owner     string     // another user, as the mail server knows him; "" is the account itself
	Calendars []Calendar // existing ones, in the order of their paths

	paths                  map[string]Calendar // every path that leads to a calendar, levels joined with "/"
	defaults               [2]Calendar         // calendar, tasks
	calendarRoot, taskRoot string
}

// size estimates the octets that a Home holds.
func (h *Home) size() int64 {
	n := 512 + int64(len(h.Owner)+len(h.calendarRoot)+len(h.taskRoot))
	add := func(c Calendar) {
		n += 128 + int64(len(c.Mailbox)+len(c.Why))
		for _, l := range c.Path {
			n += 16 + int64(len(l))
		}
	}
	for _, c := range h.Calendars {
		add(c)
	}
	for _, c := range h.defaults {
		add(c)
	}
	for path, c := range h.paths {
		n += 64 + int64(len(path))
		add(c)
	}
	return n
}

// Home lists the account's calendars: one LIST a request.
func (a *Account) Home(ctx context.Context) (*Home, error) {
	if a.home != nil {
		return a.home, nil
	}
	listed, err := a.session.Overview(ctx, imapstore.Scope{Own: true, Types: true})
	if err != nil {
		return nil, wrap("List", "", err)
	}
	a.setHome(listed)
	return a.home, nil
}

func (a *Account) setHome(listed []imapstore.Listed) {
	a.home = a.server.kinds.home(listed, folderTypes(listed))
	a.server.cache.setHome(a.session.LoginKey(), a.home)
}

// folderTypes are what METADATA says of mailboxes.
func folderTypes(listed []imapstore.Listed) map[string]string {
	types := map[string]string{}
	for _, l := range listed {
		if l.FolderType != "" {
			types[l.Name] = l.FolderType
		}
	}
	return types
}

// Find leads a path below the home to a calendar, as Home.Find does. A calendar
// that was there at an earlier request is not looked for anew: opening it tells
// whether it still is.
func (a *Account) Find(ctx context.Context, path []string) (Calendar, bool, error) {
	if c, ok := a.Known(path); ok {
		return c, true, nil
	}
	h, err := a.Home(ctx)
	if err != nil {
		return Calendar{}, false, err
	}
	c, ok := h.Find(path)
	return c, ok, nil
}

// Known leads a path to a calendar that exists as far as this process knows; it
// never asks the mail server. Opening the calendar tells whether it still is there.
func (a *Account) Known(path []string) (Calendar, bool) {
	h := a.home
	if h == nil {
		h = a.server.cache.home(a.session.LoginKey())
	}
	if h == nil {
		return Calendar{}, false
	}
	c, ok := h.Find(path)
	return c, ok && c.Exists
}

// forgetHome makes the next Home ask the mail server again.
func (a *Account) forgetHome() {
	for owner := range a.homes {
		a.server.cache.setHome(a.ownerKey(owner), nil)
	}
	a.home, a.homes, a.states, a.principals, a.named = nil, nil, nil, nil, nil
	a.server.cache.setHome(a.session.LoginKey(), nil)
}

// DefaultCalendar is where the empty mailbox name leads; it may not exist yet.
func (h *Home) DefaultCalendar() Calendar { return h.defaults[0] }

// DefaultTasks is the default Tasks mailbox; it may not exist yet.
func (h *Home) DefaultTasks() Calendar { return h.defaults[1] }

// Find leads a path, decoded segments, to a calendar: a mailbox exactly so named,
// else one below the calendar root, else one below the tasks root. The names of
// the defaults are always found; Exists tells whether the mailbox is there.
func (h *Home) Find(path []string) (Calendar, bool) {
	c, ok := h.paths[pathKey(path)]
	return c, ok
}

func pathKey(path []string) string { return norm.NFC.String(strings.Join(path, "/")) }

// levels are the segments of a mailbox name as hrefs show them.
func levels(mailbox string) []string {
	l := strings.Split(mailbox, "/")
	for i := range l {
		if d := imapstore.DecodeLevel(l[i]); !strings.ContainsAny(d, "/\x00") {
			l[i] = d
		}
	}
	return l
}

// home sorts a LIST answer into a Home; types are what METADATA says of mailboxes.
func (k kinds) home(listed []imapstore.Listed, types map[string]string) *Home {
	h := &Home{paths: map[string]Calendar{}}
	h.defaults[0] = k.defaultOf(listed, types, Events, k.o.DefaultCalendar, calendarNames)
	h.defaults[1] = k.defaultOf(listed, types, Tasks, k.o.DefaultTasks, tasksNames)
	h.calendarRoot = root(listed, k.o.CalendarRoot, h.defaults[0].Mailbox, spareCalendarRoot)
	h.taskRoot = root(listed, k.o.TasksRoot, h.defaults[1].Mailbox, spareTasksRoot)

	all := []Calendar{h.defaults[0], h.defaults[1]}
	for _, l := range listed {
		if kind, why := k.of(l, types[l.Name]); kind != NoCalendar && !l.NoSelect && l.Name != all[0].Mailbox && l.Name != all[1].Mailbox {
			all = append(all, Calendar{Mailbox: l.Name, Kind: kind, Exists: true, Why: why})
		}
	}
	h.place(all)
	return h
}

// place gives every calendar its path. Where two meet in one, the later one shows
// its full mailbox name, which leads to every calendar besides.
func (h *Home) place(all []Calendar) {
	roots := []string{"", h.calendarRoot + "/", spareCalendarRoot + "/", h.taskRoot + "/", spareTasksRoot + "/"}
	owner := map[string]int{} // path -> index in all
	claim := func(i int, path []string) {
		// A first segment with "~" says whose home or calendar is meant.
		if _, taken := owner[pathKey(path)]; !taken && !strings.HasPrefix(path[0], "~") {
			owner[pathKey(path)] = i
		}
	}
	for _, root := range roots {
		for i, c := range all { // what is literally so named is found first
			if rest, ok := strings.CutPrefix(c.Mailbox, root); ok && rest != "" {
				claim(i, strings.Split(rest, "/"))
			}
		}
		for i, c := range all {
			if rest, ok := strings.CutPrefix(c.Mailbox, root); ok && rest != "" {
				claim(i, levels(rest))
			}
		}
	}
	for i := range all {
		all[i].Path = h.canonical(all[i].Mailbox, func(path []string) bool {
			j, ok := owner[pathKey(path)]
			return ok && j == i
		})
	}
	for path, i := range owner {
		h.paths[path] = all[i]
	}
	for i, c := range all {
		if i < len(h.defaults) {
			h.defaults[i] = c
		}
		if c.Exists {
			h.Calendars = append(h.Calendars, c)
		}
	}
	slices.SortFunc(h.Calendars, func(x, y Calendar) int { return slices.Compare(x.Path, y.Path) })
}

// canonical is the shortest path that is the mailbox's own: below its root if
// there is one, decoded if that is unique.
func (h *Home) canonical(mailbox string, own func([]string) bool) []string {
	for _, root := range []string{h.calendarRoot, spareCalendarRoot, h.taskRoot, spareTasksRoot} {
		if rest, ok := strings.CutPrefix(mailbox, root+"/"); ok && own(levels(rest)) {
			return levels(rest)
		}
	}
	if l := levels(mailbox); own(l) {
		return l
	}
	return strings.Split(mailbox, "/")
}

// defaultOf finds a default mailbox: the configured one, else the one whose folder
// type says so, else the first of the table that exists, else the first of the table.
func (k kinds) defaultOf(listed []imapstore.Listed, types map[string]string, kind Kind, configured string, table []string) Calendar {
	c := Calendar{Mailbox: configured, Kind: kind, Default: true, Why: "the default " + kind.String() + " mailbox"}
	typed := map[Kind]string{Events: "event.default", Tasks: "task.default"}[kind]
	is := func(l imapstore.Listed) bool { got, _ := k.of(l, types[l.Name]); return got == kind } // costs more than to compare a name
	for _, l := range listed {
		if c.Mailbox == "" && types[l.Name] == typed && !l.NoSelect && is(l) {
			c.Mailbox = l.Name
		}
	}
	for _, name := range table {
		if c.Mailbox != "" {
			break
		}
		for _, l := range listed {
			if !strings.Contains(l.Name, "/") && strings.EqualFold(norm.NFC.String(l.Name), name) && is(l) {
				c.Mailbox = l.Name
				break
			}
		}
	}
	if c.Mailbox == "" {
		c.Mailbox = table[0]
	}
	c.Exists = slices.ContainsFunc(listed, func(l imapstore.Listed) bool { return l.Name == c.Mailbox && !l.NoSelect })
	return c
}

// root is where new calendars of a kind are made.
func root(listed []imapstore.Listed, configured, byDefault, spare string) string {
	if configured != "" {
		return configured
	}
	for _, l := range listed {
		if l.Name == byDefault && l.NoInferiors {
			return spare
		}
	}
	return byDefault
}
