package calendar

import (
	"context"
	"slices"

	"calgate/imapstore"
	"calgate/translate"
)

// settingsMailbox is the user's own mailbox for what is nobody else's: a name and a
// colour for somebody's calendar. It is never a calendar, and it is made when it is
// first needed. In it each calendar has a props life of its own, see privateKey.
const settingsMailbox = "calgate"

// settings is what a request knows of the user's settings mailbox.
type settings struct {
	asked  bool              // whether triple and exists say what is there
	exists bool              // whether there is such a mailbox
	triple imapstore.Mailbox // by STATUS
	view   *View             // nil before it was opened, and where there is none

	own map[uint32]properties // what was read last, by the UID of the message
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

// privateLife is the user's own properties of the calendar as the settings mailbox has
// them, ordered by name.
func (v *View) privateLife(ctx context.Context) (properties, error) {
	if !v.calendar.Exists || !v.mayBePrivate() {
		return nil, nil
	}
	a := v.account
	s, err := a.openSettings(ctx)
	if err != nil || s == nil {
		return nil, err
	}
	for range maxLooks {
		head := s.propsHead(ctx, v.privateKey().life(s.ix.listing))
		if head == nil {
			return nil, nil
		}
		if _, read := a.settings.own[head.UID]; !read {
			if err := v.readPrivate(ctx, s); err != nil {
				return nil, err
			}
		}
		if own, read := a.settings.own[head.UID]; read {
			return own, nil
		}
		a.settings.own = nil
		if err := s.look(ctx); err != nil { // replaced meanwhile
			return nil, err
		}
	}
	return nil, s.unavailable("Properties", errMoving)
}

// readPrivate reads the life of the calendar in the settings mailbox, and those of the
// calendars that come after it in what this request opens, as far as one FETCH goes.
// Only these are kept: the mailbox may hold any number.
func (v *View) readPrivate(ctx context.Context, s *View) error {
	a := v.account
	wanted := []privateKey{v.privateKey()}
	if i := slices.IndexFunc(a.opened, func(o Calendar) bool { return o.Mailbox == v.calendar.Mailbox }); i >= 0 {
		for _, c := range a.opened[i+1:] {
			var log *translate.Listing
			if ix := a.server.cache.index(folderKey{a.session.LoginKey(), c.Mailbox}); ix != nil {
				log = ix.listing
			}
			wanted = append(wanted, a.privateKey(c, a.states[c.Mailbox].Mailbox, log))
		}
	}
	var items []Item
	octets := int64(0)
	for _, k := range wanted {
		head := s.propsHead(ctx, k.life(s.ix.listing))
		if head == nil {
			continue
		}
		octets += head.Size
		if len(items) > 0 && octets > batchOctets || len(items) == batchMessages {
			break
		}
		items = append(items, Item{Entry: Entry{UID: head.UID, Length: head.Length}})
	}
	if _, err := s.fetchBodies(ctx, items, indices(len(items))); err != nil {
		return err
	}
	a.settings.own = make(map[uint32]properties, len(items))
	for _, it := range items {
		if it.Body != nil {
			a.settings.own[it.UID] = decodeProperties(it.Body)
		}
	}
	return nil
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

// patchSettings changes the user's own properties in the settings mailbox. Those that a
// calendar has kept under another name come to the present one, where the server tells
// for sure whose they are.
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
	k := v.privateKey()
	w := translate.Write{Name: k.place(s.ix.listing), MailboxID: k.id}
	old := k.life(s.ix.listing)
	if byLog := v.ix.triple.ID == "" && !a.session.Caps().ValidityIsID(); byLog && old != nil && old.MailboxID() == k.id {
		w.Name = old.Name // of two the older one would show where the calendar is moved back
	}
	if old == nil || old == s.ix.listing.Props(w.Name) {
		_, err = s.patchLife(ctx, w, change, false)
		return err
	}
	carried, err := s.life(ctx, old.Name)
	if err != nil {
		return err
	}
	_, err = s.patchLife(ctx, w, func(now properties) properties {
		if len(now) == 0 {
			now = carried
		}
		carried = nil // who is first has brought them
		return change(now)
	}, false)
	if err == nil && old.MailboxID() == k.id {
		s.leave(ctx, old)
	}
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
