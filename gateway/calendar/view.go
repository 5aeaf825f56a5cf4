package calendar

import (
	"context"
	"iter"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"calgate/imapstore"
	"calgate/translate"
)

// Span is the time that an object may take up, from the index alone.
type Span = translate.Span

// View is a calendar at the moment of a look. What it shows does not change; a
// write moves it forward to what the write's own look showed. It belongs to its
// Account and to one goroutine.
type View struct {
	account  *Account
	calendar Calendar
	rights   rights
	ix       *index
	looked   time.Time
	again    bool  // a write that was not stored has been tried again
	besides  *View // the settings mailbox, where a change of private properties wrote to it
}

// Open looks at a calendar. A default calendar that is not there yet shows as an
// empty one. Kind NotFound where the mailbox is gone.
func (a *Account) Open(ctx context.Context, c Calendar) (*View, error) {
	v := &View{account: a, calendar: c}
	if !c.Exists && c.Default {
		return v.ofNothing(), nil
	}
	err := v.look(ctx)
	switch {
	case err == nil && c.Others() && !v.rights.has('l'):
		err = &Error{Op: "Open", Mailbox: c.Mailbox, Kind: NotFound} // what may not be looked up is not there
	case err == nil && !v.rights.has('r'), IsKind(err, Forbidden):
		err = &Error{Op: "Open", Mailbox: c.Mailbox, Kind: Forbidden, Privilege: Read, Err: err}
	}
	if IsKind(err, NotFound) || IsKind(err, Forbidden) {
		a.forgetHome()
	}
	if IsKind(err, NotFound) && c.Default && !c.Others() { // removed since the last LIST; its name still counts
		h, lerr := a.Home(ctx)
		if lerr != nil {
			return nil, lerr
		}
		for _, d := range h.defaults {
			if d.Mailbox == c.Mailbox && !d.Exists {
				v.calendar = d
				return v.ofNothing(), nil
			}
		}
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// ofNothing is the view of a default calendar that is not there yet.
func (v *View) ofNothing() *View {
	v.rights = allRights
	v.ix = &index{listing: translate.Heads(nil, 0)}
	return v
}

// maxHomeSessions bounds how many sessions of a login look at calendars at once.
const maxHomeSessions = 3

// OpenAll opens calendars in their order. One that cannot be opened comes as an
// error of its own; one that is gone, or of others and not shared any more, is left
// out. What is as the last OpenHome or OpenHomeOf of this request found it costs
// nothing; the rest is looked at over a few sessions at once. A right that was taken
// away before this request is gone.
func (a *Account) OpenAll(ctx context.Context, calendars []Calendar) iter.Seq2[*View, error] {
	return func(yield func(*View, error) bool) {
		if err := a.listAnew(ctx, calendars); err != nil {
			yield(nil, err)
			return
		}
		a.OpenListed(ctx, calendars)(yield)
	}
}

// OpenListed is OpenAll for who tells about calendars and not what is in them: rights
// are those of the listing, which some mail servers tell late.
func (a *Account) OpenListed(ctx context.Context, calendars []Calendar) iter.Seq2[*View, error] {
	return func(yield func(*View, error) bool) {
		a.many, a.opened = a.many || len(calendars) > 1, calendars
		views := make([]*View, len(calendars))
		errs := make([]error, len(calendars))
		var cold []int
		for i, c := range calendars {
			if views[i] = a.warm(c); views[i] == nil {
				cold = append(cold, i)
			}
		}
		a.openCold(ctx, cold, func(by *Account, i int) {
			if views[i], errs[i] = by.Open(ctx, calendars[i]); views[i] != nil {
				views[i].account = a
			}
		})
		for i, c := range calendars {
			if IsKind(errs[i], NotFound) || c.Others() && IsKind(errs[i], Forbidden) {
				a.forgetHome() // a session of its own may have tried to open it
				continue
			}
			if !yield(views[i], errs[i]) {
				return
			}
		}
	}
}

// openCold shares the calendars out over up to maxHomeSessions sessions of this
// login. A session more that cannot be had leaves its part to the others.
func (a *Account) openCold(ctx context.Context, cold []int, open func(by *Account, i int)) {
	next := make(chan int, len(cold))
	for _, i := range cold {
		next <- i
	}
	close(next)
	work := func(by *Account) {
		for i := range next {
			open(by, i)
		}
	}
	var group errgroup.Group
	group.SetLimit(maxHomeSessions)
	var others []*Account
	for range min(maxHomeSessions, (len(cold)+3)/4) - 1 {
		session, err := a.server.store.TryLogin(ctx, a.name, a.password)
		if err != nil {
			break
		}
		by := &Account{server: a.server, session: session, name: a.name, password: a.password}
		others = append(others, by)
		group.Go(func() error { work(by); return nil })
	}
	work(a)
	_ = group.Wait() // each calendar has its own error
	for _, by := range others {
		commands, spent := by.Stats()
		a.spentCommands, a.spentTime = a.spentCommands+commands, a.spentTime+spent
		by.Close()
	}
}

// look moves the view to what the folder shows now.
func (v *View) look(ctx context.Context) error {
	v.looked = v.account.server.o.Now()
	ix, looked, err := v.account.look(ctx, v.calendar.Mailbox)
	if err != nil {
		return err
	}
	v.ix, v.rights = ix, rightsOf(looked)
	return nil
}

// Calendar is the calendar that the view shows.
func (v *View) Calendar() Calendar { return v.calendar }

// CTag is CS:getctag: it changes whenever the calendar does.
func (v *View) CTag() string { return ctag(v.ix.triple) }

// Len is the number of objects.
func (v *View) Len() int { return v.ix.listing.Len() }

// Entries are the objects, ordered by name.
func (v *View) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for l := range v.ix.listing.Alive() {
			if !yield(v.entry(l)) {
				return
			}
		}
	}
}

// EntriesWhere are those whose span is asked for, ordered by name. A query wants few
// objects of a large calendar, and to make an entry takes longer than to ask its span.
func (v *View) EntriesWhere(wanted func(translate.Span) bool) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for l := range v.ix.listing.Alive() {
			if wanted(l.Head.Span) && !yield(v.entry(l)) {
				return
			}
		}
	}
}

// Entry is the object under a name.
func (v *View) Entry(name string) (Entry, bool) {
	l := v.ix.listing.Live(name)
	if l == nil {
		return Entry{}, false
	}
	return v.entry(l), true
}

func (v *View) entry(l *translate.Life) Entry {
	h := l.Head
	created := h.InternalDate
	for _, m := range l.Members {
		if m.InternalDate.Before(created) {
			created = m.InternalDate
		}
	}
	return Entry{Name: l.Name, ETag: etag(h, v.ix.triple.UIDValidity), ICalUID: h.ICalUID, Component: h.Span.Component,
		Span: h.Span, Length: h.Length, Created: created, Modified: h.InternalDate, UID: h.UID, octets: h.Size}
}

// rights are the rights of RFC 4314 that a user has on a mailbox, one octet each.
type rights string

// allRights stand for a server without ACL, on which a user's own mailboxes are
// entirely the user's.
const allRights rights = "lrswipkxtea"

// rightsOf reads a MYRIGHTS answer. Servers of RFC 2086 say d for what became t,
// e and x, and c for k and x (RFC 4314 section 2.1.1).
func rightsOf(l imapstore.Looked) rights {
	if !l.HasRights {
		if l.ReadOnly {
			return "lrs"
		}
		return allRights
	}
	r := rights(l.Rights)
	if strings.Contains(string(r), "d") && !strings.ContainsAny(string(r), "te") {
		r += "te"
	}
	if strings.Contains(string(r), "c") && !strings.ContainsAny(string(r), "kx") {
		r += "kx"
	}
	return r
}

func (r rights) has(all ...byte) bool {
	for _, c := range all {
		if strings.IndexByte(string(r), c) < 0 {
			return false
		}
	}
	return true
}

// needs are the IMAP rights behind a privilege.
var needs = map[Privilege][]byte{
	Read:            {'l', 'r'},
	Bind:            {'i'},
	WriteContent:    {'i', 't', 'e'},
	Unbind:          {'i', 't', 'e'},
	WriteProperties: {'w', 'i', 't', 'e'},
	ReadACL:         {'a'},
	WriteACL:        {'a'},
}

// May tells whether the user has a privilege on the calendar.
func (v *View) May(p Privilege) bool {
	if (p == ReadACL || p == WriteACL) && !v.account.HasACL() {
		return false
	}
	return v.rights.has(needs[p]...)
}

// require is May as an error.
func (v *View) require(op string, p Privilege) error {
	if v.May(p) {
		return nil
	}
	return &Error{Op: op, Mailbox: v.calendar.Mailbox, Kind: Forbidden, Privilege: p}
}
