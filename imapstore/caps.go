package imapstore

import (
	"slices"
	"strings"
)

// Caps is what the server offers after login. Nothing that is not offered is ever sent: some servers end a session after ten
// commands that they do not know.
type Caps struct {
	UIDPlus, MultiAppend, ACL, Metadata, Condstore, QResync, ESearch, Namespace bool

	ListExtended, ListStatus, SpecialUse, Unselect, Move, ObjectID bool
	ListMyRights, ListMetadata                                     bool
	LiteralPlus, LiteralMinus, SASLIR, Quota, Idle, ID             bool

	TEKX        bool // RIGHTS= is offered: rights are those of RFC 4314, not of RFC 2086
	Annotations bool // the right n of RFC 5257 is among them, which is how Cyrus can be told
	UnionACL    bool // ACL2=UNION, which is how Courier can be told
	Snippet     bool // SNIPPET=FUZZY, which is how Dovecot can be told

	All []string // upper case, sorted
}

func readCaps(all []string) Caps {
	all = slices.Clone(all)
	slices.Sort(all)
	all = slices.Compact(all)
	has := func(name string) bool { return slices.Contains(all, name) }
	c := Caps{
		All: all, UIDPlus: has("UIDPLUS"), MultiAppend: has("MULTIAPPEND"), ACL: has("ACL"), Metadata: has("METADATA"),
		Condstore: has("CONDSTORE") || has("QRESYNC"), QResync: has("QRESYNC"), ESearch: has("ESEARCH"), Namespace: has("NAMESPACE"),
		ListExtended: has("LIST-EXTENDED"), ListStatus: has("LIST-STATUS"), SpecialUse: has("SPECIAL-USE"), Unselect: has("UNSELECT"),
		ListMyRights: has("LIST-MYRIGHTS"), ListMetadata: has("LIST-METADATA"),
		Move: has("MOVE"), ObjectID: has("OBJECTID"), LiteralPlus: has("LITERAL+"), LiteralMinus: has("LITERAL-"),
		SASLIR: has("SASL-IR"), Quota: has("QUOTA"), Idle: has("IDLE"), ID: has("ID"),
		UnionACL: has("ACL2=UNION"), Snippet: has("SNIPPET=FUZZY"),
	}
	for _, a := range all {
		if rights, ok := strings.CutPrefix(a, "RIGHTS="); ok {
			c.TEKX = true
			c.Annotations = strings.Contains(rights, "N") // All is in upper case
		}
	}
	return c
}

// RightsLag says that a session may go on with rights of others' mailboxes, and with ACLs, as it saw them once: Dovecot's
// processes read the file of a mailbox's ACL at most every 30 s. Cyrus and Courier read it at every command; of a server that
// is not known the worse is expected.
func (c Caps) RightsLag() bool { return c.ACL && c.SharesLag() }

// ValidityIsID says that no two mailboxes of a user ever have one UIDVALIDITY, and that RENAME keeps it: Dovecot counts them in a
// file of the user's. Where MAILBOXID is offered, that says it better.
func (c Caps) ValidityIsID() bool { return c.Snippet && !c.ObjectID }

// MailboxIDs says that something tells the mailboxes of a user apart for good, also after a RENAME.
func (c Caps) MailboxIDs() bool { return c.ObjectID || c.ValidityIsID() }

// MixesSeconds says that RENAME numbers messages anew and may mix those that came in one second: Courier does so.
func (c Caps) MixesSeconds() bool { return c.UnionACL }

// SharesLag says that a session may not list what was shared after it began. So it is with Dovecot, also where IMAP is not told
// of its ACLs; Cyrus and Courier list what is there.
func (c Caps) SharesLag() bool { return !c.Annotations && !c.UnionACL }
