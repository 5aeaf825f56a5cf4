package calendar

import (
	"context"
	"slices"
	"strings"

	"calgate/imapstore"
)

// Shares says which calendars of other users one's own home shows.
type Shares int

// The values of Options.Shares.
const (
	AllShares        Shares = iota // all that LIST shows
	SubscribedShares               // those that are subscribed in IMAP
	NoShares
)

// HomeView is a home at the moment of a listing: the calendars that it shows, and
// what the mail server says of each.
type HomeView struct {
	*Home
	Shares []Calendar // of other users, by owner and path; of one's own home only

	states states
}

// states are what the last listing of a request said of mailboxes.
type states map[string]imapstore.Listed

// All are the calendars that the home shows: its own, then those of others.
func (h *HomeView) All() []Calendar { return slices.Concat(h.Calendars, h.Shares) }

// CTag is CS:getctag of a calendar at the moment of the listing, "" where the mail
// server did not tell.
func (h *HomeView) CTag(c Calendar) string {
	s := h.states[c.Mailbox]
	if !s.HasStatus {
		return ""
	}
	return ctag(s.Mailbox)
}

// Privileges are what the user may do in a calendar, as far as the listing tells.
func (h *HomeView) Privileges(c Calendar) []Privilege { return h.states.rights(c).privileges() }

// SettingsTag changes with what the user has set for himself alone, as far as it is in his
// settings mailbox. Only a listing of his own home tells it.
func (h *HomeView) SettingsTag() string { return h.CTag(Calendar{Mailbox: settingsMailbox}) }

// OpenHome lists all that the account's home shows: the user's own calendars, and
// those of others that the user may read, as far as Options.Shares goes. What LIST
// shows counts: a share appears without any step, in a session at most a minute old.
// One that was taken away may be listed as long, but see OpenAll.
func (a *Account) OpenHome(ctx context.Context) (*HomeView, error) {
	shares := a.server.o.Shares
	listed, err := a.overview(ctx, imapstore.Scope{Own: true, Others: shares != NoShares, Subscribed: shares == SubscribedShares})
	if err != nil {
		return nil, err
	}
	own, owners, of := byOwner(listed)
	a.setHome(own)
	h := &HomeView{Home: a.home, states: a.states}
	for _, owner := range owners {
		theirs := a.server.kinds.homeOf(owner, of[owner])
		a.setHomeOf(owner, theirs)
		for _, c := range theirs.Calendars {
			if shares == AllShares || a.states[c.Mailbox].Subscribed {
				h.Shares = append(h.Shares, c)
			}
		}
	}
	h.Shares = a.readable(h.Shares)
	return h, nil
}

// OpenHomeOf lists the calendars of another user that this one may read.
func (a *Account) OpenHomeOf(ctx context.Context, owner string) (*HomeView, error) {
	h, err := a.listOwner(ctx, owner, func(scope imapstore.Scope) ([]imapstore.Listed, error) { return a.overview(ctx, scope) })
	if err != nil {
		return nil, err
	}
	a.setHomeOf(owner, h)
	shown := *h
	shown.Calendars = a.readable(shown.Calendars)
	return &HomeView{Home: &shown, states: a.states}, nil
}

// overview lists mailboxes with all that a home tells of a calendar.
func (a *Account) overview(ctx context.Context, scope imapstore.Scope) ([]imapstore.Listed, error) {
	scope.Types, scope.Status, scope.Rights = true, true, true
	scope.Of = func(l imapstore.Listed) bool {
		if _, name, other := cutOwner(l.Name); other {
			l.Name = name
		}
		kind, _ := a.server.kinds.of(l, l.FolderType)
		return kind != NoCalendar || l.Name == settingsMailbox
	}
	listed, err := a.session.Overview(ctx, scope)
	if err != nil {
		return nil, wrap("List", "", err)
	}
	a.states, a.scope = states{}, scope
	for _, l := range listed {
		a.states[l.Name] = l
	}
	if scope.Own {
		a.noteSettings(listed)
	}
	return listed, nil
}

// readable leaves out what the user may not read: the home shows nothing that cannot
// be opened. Where the mail server has no ACL only opening tells.
func (a *Account) readable(calendars []Calendar) []Calendar {
	if !a.session.Caps().ACL {
		return calendars
	}
	return slices.DeleteFunc(slices.Clone(calendars), func(c Calendar) bool { return !a.states.rights(c).has(needs[Read]...) })
}

// rights are those on a calendar, none where the mail server did not tell.
func (s states) rights(c Calendar) rights {
	l := s[c.Mailbox]
	if !l.HasRights {
		return ""
	}
	return rightsOf(imapstore.Looked{Rights: l.Rights, HasRights: true})
}

// byOwner sorts a list into one's own mailboxes and those of others.
func byOwner(listed []imapstore.Listed) (own []imapstore.Listed, owners []string, of map[string][]imapstore.Listed) {
	of = map[string][]imapstore.Listed{}
	for _, l := range listed {
		owner, _, other := cutOwner(l.Name)
		if !other {
			own = append(own, l)
			continue
		}
		if of[owner] == nil {
			owners = append(owners, owner)
		}
		of[owner] = append(of[owner], l)
	}
	slices.Sort(owners)
	return own, owners, of
}

// cutOwner takes the name of a mailbox of another user apart.
func cutOwner(mailbox string) (owner, name string, ok bool) {
	if !strings.HasPrefix(mailbox, "~") {
		return "", mailbox, false
	}
	return strings.Cut(mailbox[1:], "/")
}

// Owner is the user whose calendar it is, as the mail server knows him; "" is the
// account itself.
func (c Calendar) Owner() string {
	owner, _, _ := cutOwner(c.Mailbox)
	return owner
}

// FullPath is the path below its owner's home under which the calendar is found in any case: that of its mailbox. Path, which
// leaves the root out, may depend on what else a user sees there.
func (c Calendar) FullPath() []string {
	_, mailbox, _ := cutOwner(c.Mailbox)
	return levels(mailbox)
}

// listAnew lists again, in a new session, where the listing of this request lets others'
// calendars be shown from the cache and its session remembers rights: one may have been
// taken away since.
func (a *Account) listAnew(ctx context.Context, calendars []Calendar) error {
	if !a.session.Lags() || !slices.ContainsFunc(calendars, func(c Calendar) bool { return c.Others() && a.warm(c) != nil }) {
		return nil
	}
	if err := a.session.Anew(ctx); err != nil {
		return wrap("List", "", err)
	}
	_, err := a.overview(ctx, a.scope)
	return err
}

// warm is the view of a calendar whose cached index is the present one, as the last
// listing of this request says; nil where the calendar must be looked at.
func (a *Account) warm(c Calendar) *View {
	l := a.states[c.Mailbox]
	ix := a.server.cache.index(folderKey{a.session.LoginKey(), c.Mailbox})
	if !l.HasStatus || ix == nil || ix.newer || !sameSet(ix.triple, l.Mailbox) {
		return nil
	}
	r := a.states.rights(c)
	if !a.session.Caps().ACL && !c.Others() {
		r = allRights
	}
	if !r.has(needs[Read]...) {
		return nil
	}
	return &View{account: a, calendar: c, rights: r, ix: ix, looked: a.server.o.Now()}
}
