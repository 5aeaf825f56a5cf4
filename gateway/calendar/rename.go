package calendar

import (
	"context"
	"errors"
	"strings"
	"time"

	"calgate/imapstore"
	"calgate/translate"
)

var (
	errOwnHome  = errors.New("only calendars of one's own home move, and only within it")
	errInside   = errors.New("a calendar cannot move into itself")
	errKind     = errors.New("calendars and task lists cannot become each other: their names say what they are")
	errMailThen = errors.New("there are mail folders below it, which would become calendars")
	errDefault  = errors.New("the default calendar or task list is below it")
)

// Rename moves a calendar of the account's own home to another path, and the calendars
// below it with it: RENAME, so nothing else of it changes. What is there already is never
// replaced. Errors: Kind Forbidden, Exists, Conflict (no parent), NameRefused, NotFound,
// Unavailable.
func (a *Account) Rename(ctx context.Context, c Calendar, path []string) (Calendar, error) {
	if c.Default || c.Others() || !c.Exists {
		return c, &Error{Op: "Rename", Mailbox: c.Mailbox, Kind: Forbidden, Privilege: Unbind, Err: errOwnHome}
	}
	v, err := a.Open(ctx, c)
	if err != nil {
		return c, err
	}
	if !v.rights.has('x') {
		return c, &Error{Op: "Rename", Mailbox: c.Mailbox, Kind: Forbidden, Privilege: Unbind}
	}
	a.forgetHome()
	h, err := a.Home(ctx)
	if err != nil {
		return c, err
	}
	if there, ok := h.Find(path); ok {
		return there, &Error{Op: "Rename", Mailbox: there.Mailbox, Kind: Exists}
	}
	to, err := h.newCalendar(path, c.Kind)
	if err != nil {
		return c, err
	}
	moving, err := a.moving(ctx, h, c, to)
	if err != nil {
		return c, err
	}
	if err := a.prepare(ctx, h, c); err != nil {
		return c, err
	}
	defer a.forgetHome()
	listed, err := a.rename(ctx, c.Mailbox, to.Mailbox)
	if err != nil {
		return c, err
	}
	err = a.follow(ctx, moving, listed, c.Mailbox, to.Mailbox)
	a.relist(ctx, to.Mailbox)
	return to, err
}

// moving are the mailboxes that a RENAME would move, if it may.
func (a *Account) moving(ctx context.Context, h *Home, c, to Calendar) ([]imapstore.Listed, error) {
	refuse := func(k ErrorKind, why error) ([]imapstore.Listed, error) {
		return nil, &Error{Op: "Rename", Mailbox: c.Mailbox, Kind: k, Err: why}
	}
	if to.Mailbox == c.Mailbox || below(c.Mailbox, to.Mailbox) {
		return refuse(NameRefused, errInside)
	}
	listed, err := a.session.Overview(ctx, imapstore.Scope{Own: true, Subscribed: true})
	if err != nil {
		return nil, wrap("List", "", err)
	}
	calendars := map[string]Calendar{}
	for _, known := range h.Calendars {
		calendars[known.Mailbox] = known
	}
	var moving []imapstore.Listed
	for _, l := range listed {
		if l.Name == to.Mailbox || below(to.Mailbox, l.Name) {
			return refuse(Exists, nil)
		}
		rest, ok := strings.CutPrefix(l.Name, c.Mailbox)
		if !ok || rest != "" && rest[0] != '/' {
			continue
		}
		known, isCalendar := calendars[l.Name]
		switch {
		case l.NoSelect:
		case !isCalendar:
			return refuse(NameRefused, errMailThen)
		case known.Default:
			return refuse(NameRefused, errDefault)
		case known.Why != byType:
			if kind, _ := a.server.kinds.of(imapstore.Listed{Mailbox: imapstore.Mailbox{Name: to.Mailbox + rest}}, ""); kind != known.Kind {
				return refuse(NameRefused, errKind)
			}
		}
		moving = append(moving, l)
	}
	return moving, nil
}

// prepare makes a calendar that is about to move, and those below it, ready for a server
// that does not keep their order or what tells them apart.
func (a *Account) prepare(ctx context.Context, h *Home, moving Calendar) error {
	caps := a.session.Caps()
	if caps.Condstore && caps.MailboxIDs() {
		return nil
	}
	if caps.MixesSeconds() {
		if err := nextSecond(ctx); err != nil {
			return wrap("Rename", moving.Mailbox, err)
		}
	}
	for _, c := range h.Calendars {
		if c.Mailbox != moving.Mailbox && !below(moving.Mailbox, c.Mailbox) {
			continue
		}
		v, err := a.Open(ctx, c)
		if IsKind(err, NotFound) || IsKind(err, Forbidden) {
			continue // the RENAME will tell
		}
		if err != nil {
			return err
		}
		if !caps.MailboxIDs() {
			if err := v.identify(ctx); err != nil {
				return err
			}
		}
		if !caps.Condstore {
			if err := v.tidy(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// identify lets a folder that says nothing of itself say under which id others may have
// properties of it. Where that cannot be written the calendar moves all the same.
func (v *View) identify(ctx context.Context) error {
	if v.ix.listing.Props(collection) != nil {
		return nil
	}
	_, err := v.patchLife(ctx, translate.Write{Name: collection}, func(now properties) properties { return now }, false)
	if IsKind(err, OverQuota) || IsKind(err, Forbidden) {
		v.account.server.o.Logger.WarnContext(ctx, "what others call a moved calendar may not follow", "mailbox", v.calendar.Mailbox, "user", v.account.name, "err", err)
		return nil
	}
	return err
}

// nextSecond lets the present second pass: nothing that was answered before is mixed with
// what comes after the move.
func nextSecond(ctx context.Context) error {
	select {
	case <-time.After(time.Second):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tidy removes the garbage. Courier mixes the messages of one second at RENAME, and of two
// that replaced the same version in that second, or wanted the same name, only the order
// says which of them lost. Servers with CONDSTORE keep it. Of a foreign message and the
// tombstone over it, too, the order alone says which came first.
func (v *View) tidy(ctx context.Context) error {
	if !v.mayRemove() {
		return nil
	}
	gone := v.ix.listing.Garbage()
	if v.account.session.Caps().MixesSeconds() {
		gone = append(gone, v.ix.listing.Unordered()...)
	}
	return v.expunge(ctx, gone)
}

// rename is RENAME, told to the log, and the mailboxes after it. Their names tell what
// became of it, also where its answer got lost; after an OK the new name says enough,
// as some servers make the old one again by themselves.
func (a *Account) rename(ctx context.Context, from, to string) ([]imapstore.Listed, error) {
	err := a.session.Rename(ctx, from, to)
	lost := unknown(err)
	switch {
	case storeKind(err, imapstore.Denied):
		return nil, &Error{Op: "Rename", Mailbox: to, Kind: NameRefused, Err: err}
	case err != nil && !lost:
		return nil, wrap("Rename", from, err)
	}
	if lost {
		if err := a.renew(ctx); err != nil {
			return nil, err
		}
	}
	listed, lerr := a.session.List(ctx, false)
	switch {
	case lerr != nil:
		return nil, wrap("Rename", from, lerr)
	case hasMailbox(listed, to) && !(lost && hasMailbox(listed, from)):
	case lost:
		return nil, wrap("Rename", from, err)
	default:
		return nil, &Error{Op: "Rename", Mailbox: from, Kind: Unavailable, Err: errNotDone}
	}
	a.server.o.Logger.InfoContext(ctx, "mailbox renamed", "mailbox", from, "to", to, "user", a.name)
	return listed, nil
}

func hasMailbox(listed []imapstore.Listed, name string) bool {
	for _, l := range listed {
		if l.Name == name && !l.NoSelect {
			return true
		}
	}
	return false
}

// follow does what a RENAME of the server leaves to do: mailboxes below that stayed where
// they were, and subscriptions, which belong to names. Nothing is lost where it ends in
// the middle: what stayed is a calendar under its old name.
func (a *Account) follow(ctx context.Context, moving, listed []imapstore.Listed, from, to string) error {
	for _, l := range moving {
		name := to + strings.TrimPrefix(l.Name, from)
		a.server.cache.forget(folderKey{a.session.LoginKey(), l.Name})
		a.server.cache.forget(folderKey{a.session.LoginKey(), name})
		if l.Name != from && !l.NoSelect && hasMailbox(listed, l.Name) {
			if _, err := a.rename(ctx, l.Name, name); err != nil {
				return err
			}
		}
		if l.Subscribed {
			if err := errors.Join(a.session.Subscribe(ctx, name, true), a.session.Subscribe(ctx, l.Name, false)); err != nil {
				a.server.o.Logger.WarnContext(ctx, "subscription", "mailbox", name, "user", a.name, "err", err)
			}
		}
	}
	return nil
}

// touch is an identifier that gives nobody anything. It shows in no list of grants, as what has no privilege does not; where it
// was left, by a crash, the next RENAME or change of the ACL removes it.
var touch = imapstore.Identifier{Kind: imapstore.IdentifierGroup, Name: "calgate-moved"}

// relist lets a server of which RightsLag is true make its list of what users share anew:
// Dovecot does so when an ACL changes, but not at RENAME, and until then LIST shows nobody
// what has moved. Rights that are the same are no change. Where it fails the calendar has
// moved all the same.
func (a *Account) relist(ctx context.Context, mailbox string) {
	if !a.session.Caps().RightsLag() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime) // the entry is not to stay
	defer cancel()
	err := a.session.SetACL(ctx, mailbox, touch, "l")
	if unknown(err) && !a.session.Usable() {
		err = a.renew(ctx)
	}
	if err == nil || unknown(err) {
		err = errors.Join(err, a.session.SetACL(ctx, mailbox, touch, ""))
	}
	if err != nil {
		a.server.o.Logger.WarnContext(ctx, "who shares a moved calendar may not see it", "mailbox", mailbox, "user", a.name, "err", err)
	}
}
