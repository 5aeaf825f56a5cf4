package calendar

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"calgate/imapstore"
	"calgate/translate"
)

// privateKey is what the user's own properties of a calendar are kept under. They are
// found by the name, and where the owner has moved the calendar by the id.
type privateKey struct {
	// name is "~owner/mailbox"; all spellings in which a URL can name the owner are one.
	name string
	// id is the MAILBOXID (RFC 8474); where the server has none, but its UIDVALIDITYs
	// tell the mailboxes of a user apart, "~owner/UIDVALIDITY", which no MAILBOXID can
	// be; else what the folder itself says, see logID. "" if that is too long.
	id string
}

func (v *View) privateKey() privateKey {
	return v.account.privateKey(v.calendar, v.ix.triple, v.ix.listing)
}

// privateKey takes the mailbox of the calendar as the last look or listing showed it, and
// what is in it as far as that is known; nil: not at all.
func (a *Account) privateKey(c Calendar, box imapstore.Mailbox, log *translate.Listing) privateKey {
	owner, mailbox := a.name, c.Mailbox
	if c.Others() {
		owner, mailbox, _ = strings.Cut(mailbox[1:], "/")
	}
	owner = strings.ToLower(owner)
	login, _, full := strings.Cut(owner, "@")
	if _, domain, ok := strings.Cut(a.name, "@"); ok && !full {
		owner += "@" + strings.ToLower(domain)
	}
	owner = "~" + owner + "/"
	k := privateKey{owner + mailbox, box.ID}
	caps := a.session.Caps()
	switch {
	case k.id != "" || box.UIDValidity == 0:
	case caps.ValidityIsID():
		k.id = fmt.Sprintf("%s%d", owner, box.UIDValidity)
	case !caps.MailboxIDs():
		k.id = logID(log, fmt.Sprintf("~%s/%s/%d", login, mailbox, box.UIDValidity)) // a login may leave its domain out
	}
	if len(k.id) > translate.MaxName {
		k.id = ""
	}
	return k
}

// logID tells the folders of a server apart that has no ids for them: by the life of the
// properties, which begins when calgate makes the calendar and goes with it wherever the
// folder goes. Where another program made it, first is its id until it has properties, and
// those say so (View.mailboxID). A copy of the folder has the id of the folder.
func logID(log *translate.Listing, first string) string {
	if log == nil {
		return first
	}
	switch life := log.Props(collection); {
	case life == nil:
		return first
	case life.Head.MailboxID != "":
		return life.Head.MailboxID
	default:
		return string(life.ID)
	}
}

// mailboxID is what a new version of the calendar's own properties says of the folder: what
// the one before said, or that there was none before though others may have had private
// ones; "" where the server knows its mailboxes, or the properties come with the calendar.
func (v *View) mailboxID(head *translate.Life, made bool) string {
	switch {
	case v.account.session.Caps().MailboxIDs() || made:
		return ""
	case head != nil:
		return head.Head.MailboxID
	}
	return v.privateKey().id
}

// life is the props life of the calendar, nil where there is none. One of its name is its
// own where nothing says that it was written for another mailbox. A UIDVALIDITY does not say
// it for sure: one that was made anew leaves the calendar what it was.
func (k privateKey) life(l *translate.Listing) *translate.Life {
	named := l.Props(k.name)
	if k.id == "" {
		return named
	}
	id := ""
	if named != nil {
		if id = named.MailboxID(); id == k.id || id == "" && named.Head.Length > 0 {
			return named
		}
	}
	if moved := l.PropsOf(k.id); moved != nil {
		return moved
	}
	if id != "" && id[0] != '~' && k.id[0] != '~' {
		return nil
	}
	return named
}

// place is the name under which the properties of the calendar are to be written: its
// own, if what another mailbox has there is not lost by it; else one that no mailbox can
// have, as none has an empty level.
func (k privateKey) place(l *translate.Listing) string {
	named := l.Props(k.name)
	if named == nil || named.Head.Length == 0 || k.id == "" {
		return k.name
	}
	if id := named.MailboxID(); id == "" || id == k.id {
		return k.name
	}
	return k.name + "//" + k.id
}

// leave empties the life under a name that a calendar has had before, for another one to
// take. It is not needed: a life of the present name comes first. What another request
// has changed meanwhile stays.
func (v *View) leave(ctx context.Context, old *translate.Life) {
	now := v.ix.listing.Props(old.Name)
	if now == nil || now.Head.Token != old.Head.Token {
		return
	}
	w := translate.Write{Op: translate.OpProps, Name: old.Name, Hash: translate.Hash(nil)}
	if _, err := v.append(ctx, "Patch", w, now, "", nil); err != nil && !errors.Is(err, errLost) {
		v.account.server.o.Logger.InfoContext(ctx, "what a calendar was called under its old name stays", "mailbox", v.calendar.Mailbox, "user", v.account.name, "err", err)
	}
}
