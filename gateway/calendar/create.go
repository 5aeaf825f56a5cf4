package calendar

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"calgate/imapstore"
	"calgate/translate"
)

// errNotDone says that the mail server answered OK and did nothing.
var errNotDone = errors.New("the mail server says OK and has not done it")

// Create makes a calendar under a path of the account's own home, with its first
// properties (RFC 4791 section 5.3.1). CREATE and properties are two steps: an
// empty mailbox without properties is one whose maker did not come to the second,
// and is completed.
//
// Errors: Kind Exists, Conflict (no parent), NameRefused, Forbidden, OverQuota,
// Unavailable.
func (a *Account) Create(ctx context.Context, path []string, kind Kind, set []Property) (Calendar, error) {
	a.forgetHome()
	h, err := a.Home(ctx)
	if err != nil {
		return Calendar{}, err
	}
	c, there := h.Find(path)
	switch {
	case there && !c.Exists, there && c.Default:
		return c, &Error{Op: "Create", Mailbox: c.Mailbox, Kind: Exists}
	case !there:
		if c, err = h.newCalendar(path, kind); err != nil {
			return c, err
		}
		if err := a.create(ctx, c.Mailbox); err != nil && !IsKind(err, Exists) {
			return c, err
		}
		a.forgetHome()
	}
	v, err := a.Open(ctx, c)
	if there && IsKind(err, NotFound) { // LIST was wrong, and has learnt it
		if h, err = a.Home(ctx); err != nil {
			return c, err
		}
		if _, again := h.Find(path); !again {
			return a.Create(ctx, path, kind, set)
		}
	}
	if err != nil {
		return c, err
	}
	if there && v.ix.triple.Messages > 0 {
		return c, &Error{Op: "Create", Mailbox: c.Mailbox, Kind: Exists}
	}
	entries := a.markType(ctx, c)
	body, err := v.patchLife(ctx, translate.Write{Name: collection}, changes(nil, set, nil), true)
	if err == nil {
		v.annotate(ctx, entries, set, nil, body)
	}
	return c, err
}

// newCalendar names the mailbox of a new calendar: below the root of its kind,
// every level in characters that all servers take.
func (h *Home) newCalendar(path []string, kind Kind) (Calendar, error) {
	c := Calendar{Path: path, Kind: kind, Exists: true}
	root := h.calendarRoot
	if kind == Tasks {
		root = h.taskRoot
	}
	rest := path
	for _, r := range []string{h.calendarRoot, h.taskRoot} { // the full name is an alias
		if below := strings.TrimPrefix(pathKey(path), pathKey(levels(r))+"/"); below != pathKey(path) {
			root, rest = r, path[len(levels(r)):]
		}
	}
	if len(rest) == 0 {
		return c, &Error{Op: "Create", Mailbox: root, Kind: NameRefused}
	}
	if len(path) > 1 && len(rest) > 1 {
		if _, ok := h.Find(path[:len(path)-1]); !ok {
			return c, &Error{Op: "Create", Mailbox: strings.Join(path, "/"), Kind: Conflict}
		}
	}
	name := root
	for _, level := range rest {
		if level == "" || strings.HasPrefix(level, "~") || !utf8.ValidString(level) {
			return c, &Error{Op: "Create", Mailbox: strings.Join(path, "/"), Kind: NameRefused}
		}
		name += "/" + imapstore.EncodeLevel(norm.NFC.String(level))
	}
	c.Mailbox = name
	return c, nil
}

// create is CREATE, told to the log: a mailbox that appears is news to a sysadmin.
func (a *Account) create(ctx context.Context, mailbox string) error {
	err := a.session.Create(ctx, mailbox)
	if storeKind(err, imapstore.Denied) {
		return &Error{Op: "Create", Mailbox: mailbox, Kind: NameRefused, Err: err}
	}
	if err != nil {
		return wrap("Create", mailbox, err)
	}
	switch _, err := a.session.Look(ctx, mailbox); {
	case storeKind(err, imapstore.NotFound):
		return &Error{Op: "Create", Mailbox: mailbox, Kind: Unavailable, Err: errNotDone}
	case err != nil:
		return wrap("Create", mailbox, err)
	}
	a.server.cache.forget(folderKey{a.session.LoginKey(), mailbox}) // one of that name may have been there
	a.server.o.Logger.InfoContext(ctx, "mailbox created", "mailbox", mailbox, "user", a.name)
	if a.server.o.Subscribe && mailbox != settingsMailbox {
		if err := a.session.Subscribe(ctx, mailbox, true); err != nil {
			a.server.o.Logger.WarnContext(ctx, "subscription", "mailbox", mailbox, "user", a.name, "err", err)
		}
	}
	return nil
}

// Autocreate makes a default mailbox that is not there yet, before the first write
// below it. made is false where it is there already, by somebody else's doing at the
// last moment too. Kind Conflict where that is switched off.
func (a *Account) Autocreate(ctx context.Context, c Calendar) (there Calendar, made bool, err error) {
	if c.Exists {
		return c, false, nil
	}
	if !a.server.o.Autocreate || !c.Default || c.Others() {
		return c, false, &Error{Op: "Create", Mailbox: c.Mailbox, Kind: Conflict}
	}
	err = a.create(ctx, c.Mailbox)
	if err != nil && !IsKind(err, Exists) {
		return c, false, err
	}
	a.forgetHome()
	c.Exists = true
	if err == nil {
		a.markType(ctx, c)
	}
	return c, err == nil, nil
}

// CreateDefaults makes both default mailboxes for a user who has no calendar
// mailbox at all: programs that find none make strange ones. With autocreation
// off it changes nothing.
func (a *Account) CreateDefaults(ctx context.Context) (*Home, error) {
	h, err := a.Home(ctx)
	if err != nil || len(h.Calendars) > 0 || !a.server.o.Autocreate {
		return h, err
	}
	for _, c := range h.defaults {
		if _, _, err := a.Autocreate(ctx, c); err != nil {
			return nil, err
		}
	}
	return a.Home(ctx)
}

// Remove deletes a calendar: its mailbox with all versions, never the mailboxes
// below it. Kind Forbidden for the defaults.
func (a *Account) Remove(ctx context.Context, c Calendar) error {
	if c.Default {
		return &Error{Op: "Remove", Mailbox: c.Mailbox, Kind: Forbidden, Privilege: Unbind}
	}
	v, err := a.Open(ctx, c)
	if err != nil {
		return err
	}
	if !v.rights.has('x') {
		return &Error{Op: "Remove", Mailbox: c.Mailbox, Kind: Forbidden, Privilege: Unbind}
	}
	if err := a.session.Delete(ctx, c.Mailbox); err != nil {
		return wrap("Remove", c.Mailbox, err)
	}
	a.server.cache.forget(folderKey{a.session.LoginKey(), c.Mailbox})
	a.forgetHome()
	// Another one of that name may be there by now, made by somebody else.
	switch looked, err := a.session.Look(ctx, c.Mailbox); {
	case storeKind(err, imapstore.NotFound), err == nil && looked.UIDValidity != v.ix.triple.UIDValidity:
	case err == nil:
		return v.unavailable("Remove", errNotDone)
	default:
		return v.unavailable("Remove", err)
	}
	a.server.o.Logger.InfoContext(ctx, "mailbox deleted", "mailbox", c.Mailbox, "user", a.name)
	return nil
}
