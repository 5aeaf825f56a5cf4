package calendar

import (
	"context"
	"time"

	"calgate/imapstore"
)

// SharingLag is how long Shared may go on telling what an ACL said before another program changed it. Nothing but the ACL
// tells, and a poll of some hundred calendars is not to ask for as many ACLs each time.
const SharingLag = 5 * time.Minute

// sharing is what the ACL of one of the account's own calendars said.
type sharing struct {
	shared bool
	doubt  bool      // the ACL was changed then, and what it says now was not seen
	asked  time.Time // before the answer
}

// Sharees are the grants of an ACL by which a calendar is shared: with single users and groups, and no administrator's.
func Sharees(acl []Grant) []Grant {
	var sharees []Grant
	for _, g := range acl {
		if !g.Protected && (g.Principal.Kind == UserPrincipal || g.Principal.Kind == GroupPrincipal) {
			sharees = append(sharees, g)
		}
	}
	return sharees
}

// Shared tells by mailbox which of the calendars are the account's own and have Sharees. What their ACLs said in this
// request, or in one of this login less than SharingLag ago, is believed; the others are asked for together. What may not be
// read counts as not shared.
func (a *Account) Shared(ctx context.Context, calendars ...Calendar) (map[string]bool, error) {
	if !a.CanShare() {
		return nil, nil
	}
	var ask []string
	anew := a.server.o.NoCache
	for _, c := range calendars {
		if _, known := a.shared[c.Mailbox]; known || c.Others() || !c.Exists || !a.listedWith(c, ReadACL) {
			continue
		}
		s, ok := a.server.cache.sharing(folderKey{a.session.LoginKey(), c.Mailbox})
		if age := a.server.o.Now().Sub(s.asked); ok && !s.doubt && age >= 0 && age < SharingLag {
			a.setShared(c.Mailbox, s.shared)
			continue
		}
		anew = anew || s.doubt
		ask = append(ask, c.Mailbox)
	}
	if len(ask) > 0 {
		if err := a.askShared(ctx, ask, anew); err != nil {
			return nil, wrap("ACL", "", err)
		}
	}
	return a.shared, nil
}

// listedWith tells whether a privilege may be there, as far as the last listing of this request says.
func (a *Account) listedWith(c Calendar, p Privilege) bool {
	return !a.states[c.Mailbox].HasRights || a.states.rights(c).has(needs[p]...)
}

// askShared asks for ACLs, of which this session may know the older ones unless anew is true. Those that cannot be had leave
// things as they were: that a calendar is shared is no reason not to list it.
func (a *Account) askShared(ctx context.Context, mailboxes []string, anew bool) error {
	if anew {
		if err := a.session.Anew(ctx); err != nil {
			return err
		}
	}
	asked := a.server.o.Now()
	all, err := a.session.ACLs(ctx, mailboxes)
	if err != nil {
		if ctx.Err() != nil || !a.session.Usable() {
			return err
		}
		a.server.o.Logger.WarnContext(ctx, "not known whether calendars are shared", "user", a.name, "err", err)
	}
	for _, mailbox := range mailboxes {
		entries, told := all[mailbox]
		if !told {
			s, _ := a.server.cache.sharing(folderKey{a.session.LoginKey(), mailbox})
			s.doubt, s.asked = false, asked
			a.noteSharing(mailbox, s)
			continue
		}
		a.noteACL(mailbox, entries, asked)
	}
	return nil
}

// acl is one ACL as it is now.
func (a *Account) acl(ctx context.Context, mailbox string) ([]imapstore.Entry, error) {
	asked := a.server.o.Now()
	entries, err := a.session.ACL(ctx, mailbox)
	if err == nil {
		a.noteACL(mailbox, entries, asked)
	}
	return entries, err
}

// noteACL takes from any ACL that is read whether the calendar is shared, so that no answer contradicts itself.
func (a *Account) noteACL(mailbox string, entries []imapstore.Entry, asked time.Time) {
	a.noteSharing(mailbox, sharing{shared: len(Sharees(a.grants(mailbox, entries))) > 0, asked: asked})
}

func (a *Account) noteSharing(mailbox string, s sharing) {
	if _, _, others := cutOwner(mailbox); others {
		return
	}
	a.setShared(mailbox, s.shared)
	a.server.cache.setSharing(folderKey{a.session.LoginKey(), mailbox}, s)
}

// doubtSharing makes the next Shared ask the mail server again: an ACL was changed.
func (a *Account) doubtSharing(mailbox string) {
	delete(a.shared, mailbox)
	if _, _, others := cutOwner(mailbox); !others {
		a.server.cache.setSharing(folderKey{a.session.LoginKey(), mailbox}, sharing{doubt: true, asked: a.server.o.Now()})
	}
}

func (a *Account) setShared(mailbox string, shared bool) {
	if a.shared == nil {
		a.shared = map[string]bool{}
	}
	a.shared[mailbox] = shared
}
