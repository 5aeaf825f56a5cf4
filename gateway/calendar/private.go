package calendar

import (
	"context"
	"slices"
	"strings"

	"calgate/imapstore"
)

// settingsMailbox is the user's own mailbox for what is nobody else's: a name and a
// colour for somebody's calendar. It is never a calendar, and it is made when it is
// first needed. In it each calendar has a props life of its own, called
// "~owner/mailbox".
const settingsMailbox = "calgate"

// settings is what a request knows of the user's settings mailbox.
type settings struct {
	asked  bool              // whether triple and exists say what is there
	exists bool              // whether there is such a mailbox
	triple imapstore.Mailbox // by STATUS
	view   *View             // nil before it was opened, and where there is none

	own map[string]properties // by the name of the life; nil before they were read
}

// noteSettings takes what a LIST with STATUS says of the settings mailbox, so that
// a home costs no question more.
func (a *Account) noteSettings(listed []imapstore.Listed) {
	s := settings{asked: true}
	for _, l := range listed {
		if l.Name == settingsMailbox && !l.NoSelect {
			s.exists, s.triple, s.asked = true, l.Mailbox, l.HasStatus
		}
	}
	if a.settings.view == nil {
		a.settings = s
	}
}

// openSettings opens the settings mailbox, nil where there is none. What is known
// from an earlier request costs one STATUS.
func (a *Account) openSettings(ctx context.Context) (*View, error) {
	s := &a.settings
	if s.view != nil {
		return s.view, nil
	}
	if !s.asked {
		triple, err := a.session.Status(ctx, settingsMailbox)
		if err != nil && !storeKind(err, imapstore.NotFound) {
			return nil, wrap("Status", settingsMailbox, err)
		}
		s.asked, s.exists, s.triple = true, err == nil, triple
	}
	if !s.exists {
		return nil, nil
	}
	v := a.settingsView()
	ix := a.server.cache.index(folderKey{a.session.LoginKey(), settingsMailbox})
	if ix != nil && !ix.newer && sameSet(ix.triple, s.triple) {
		v.ix, v.rights = ix, allRights
	} else if err := v.look(ctx); err != nil {
		if IsKind(err, NotFound) {
			s.exists = false
			return nil, nil
		}
		return nil, err
	}
	s.view = v
	return v, nil
}

func (a *Account) settingsView() *View {
	return &View{account: a, calendar: Calendar{Mailbox: settingsMailbox, Exists: true}}
}

// mayBePrivate tells whether this user may have properties of his own here: who
// shares the calendar of another, and who may not change what all see.
func (v *View) mayBePrivate() bool { return v.calendar.Others() || !v.May(WriteProperties) }

// privateName is the name of the life with the user's own properties of a calendar.
// All spellings in which a URL can name the owner are one.
func (v *View) privateName() string {
	owner, mailbox := v.account.name, v.calendar.Mailbox
	if v.calendar.Others() {
		owner, mailbox, _ = strings.Cut(mailbox[1:], "/")
	}
	if _, domain, ok := strings.Cut(v.account.name, "@"); ok && !strings.Contains(owner, "@") {
		owner += "@" + domain
	}
	return "~" + strings.ToLower(owner) + "/" + mailbox
}

// privateLife is the user's own properties of the calendar as the settings mailbox has
// them, ordered by name.
func (v *View) privateLife(ctx context.Context) (properties, error) {
	if !v.calendar.Exists || !v.mayBePrivate() {
		return nil, nil
	}
	all, err := v.account.privateLives(ctx)
	if err != nil || all == nil {
		return nil, err
	}
	life := v.account.settings.view.ix.listing.Props(v.privateName())
	if life == nil {
		return nil, nil
	}
	return all[life.Name], nil
}

// privateLives are all that the settings mailbox holds, read once a request and in
// one go.
func (a *Account) privateLives(ctx context.Context) (map[string]properties, error) {
	if a.settings.own != nil {
		return a.settings.own, nil
	}
	v, err := a.openSettings(ctx)
	if err != nil || v == nil {
		return nil, err
	}
	for range maxLooks {
		var items []Item
		for l := range v.ix.listing.AllProps() {
			items = append(items, Item{Entry: Entry{UID: l.Head.UID, Name: l.Name, Length: l.Head.Length}})
		}
		missing, err := v.fetchBodies(ctx, items, indices(len(items)))
		if err != nil {
			return nil, err
		}
		if len(missing) == 0 {
			own := make(map[string]properties, len(items))
			for _, it := range items {
				own[it.Name] = decodeProperties(it.Body)
			}
			a.settings.own = own
			return own, nil
		}
		if err := v.look(ctx); err != nil { // replaced meanwhile
			return nil, err
		}
	}
	return nil, v.unavailable("Properties", errMoving)
}

// patchPrivate changes the user's own properties of the calendar, which asks for no
// right but to read it: in METADATA where the server takes them, else in the settings
// mailbox, which counts before METADATA.
func (v *View) patchPrivate(ctx context.Context, entries imapstore.Annotations, set []Property, remove []PropertyName) error {
	if err := v.require("Patch", Read); err != nil {
		return err
	}
	if all := ownAnnotations(entries).merged(set, remove); len(all) > maxProperties || len(all.encode()) > maxPropertyOctets {
		return &Error{Op: "Patch", Mailbox: v.calendar.Mailbox, Kind: TooMany}
	}
	done, err := v.annotatePrivate(ctx, entries, set, remove)
	switch {
	case err != nil:
		return err
	case done:
		return v.forgetPrivate(ctx, changed(set, remove))
	}
	return v.patchSettings(ctx, changes(annotations(entries, private), set, remove))
}

// patchSettings changes the user's own properties in the settings mailbox.
func (v *View) patchSettings(ctx context.Context, change func(properties) properties) error {
	a := v.account
	s := a.settingsView()
	err := s.look(ctx)
	if IsKind(err, NotFound) {
		if err = a.create(ctx, settingsMailbox); err == nil || IsKind(err, Exists) {
			err = s.look(ctx)
		}
	}
	if err != nil {
		return err
	}
	v.besides = s
	a.settings = settings{asked: true, exists: true, triple: s.ix.triple, view: s}
	_, err = s.patchLife(ctx, v.privateName(), change, false)
	return err
}

// forgetPrivate removes names from what the settings mailbox holds of the calendar:
// they would hide from the user what he has just set elsewhere.
func (v *View) forgetPrivate(ctx context.Context, names []PropertyName) error {
	own, err := v.privateLife(ctx)
	if err != nil || !slices.ContainsFunc(names, func(n PropertyName) bool { _, has := own.find(n); return has }) {
		return err
	}
	return v.patchSettings(ctx, func(old properties) properties { return old.merged(nil, names) })
}
