package imapstore

import "strings"

// Identifier is whom an entry of an ACL is about (RFC 4314 section 2).
type Identifier struct {
	Kind     IdentifierKind
	Name     string // of a user, as the server knows him, or of a group
	Negative bool   // takes rights away
	// Fixed says that the server, or its administrator, has set the entry: it is not for users to change, or cannot be said
	// by the commands of this package.
	Fixed bool

	raw string // as the server wrote it
}

// IdentifierKind says what an Identifier names.
type IdentifierKind int

// The kinds of identifiers.
const (
	IdentifierUser      IdentifierKind = iota
	IdentifierGroup                    // a set of users that the server knows
	IdentifierAnyone                   // every user who is logged in, and who is not where the server allows that
	IdentifierAnonymous                // who is not logged in
	IdentifierOwner                    // of the mailbox, whatever the name
)

// Groups tells whether entries of an ACL can name groups: Courier takes every name for that of a user.
func (c Caps) Groups() bool { return c.ACL && !c.UnionACL }

// groupPrefix stands before the name of a group: "group:" on Cyrus, "$" on Dovecot.
func (c Caps) groupPrefix() string {
	if c.Annotations {
		return "group:"
	}
	return "$"
}

// identifier reads what the server wrote. Dovecot writes "#" before what its global configuration says and "!" before a group
// that overrides users; Courier has an entry for its administrators that nobody can change.
func (c Caps) identifier(raw string) Identifier {
	id := Identifier{raw: raw}
	name := raw
	if name, id.Negative = strings.CutPrefix(raw, "-"); id.Negative {
		id.Fixed = true
	}
	if c.RightsLag() {
		if rest, global := strings.CutPrefix(name, "#"); global {
			name, id.Fixed = rest, true
		}
		if rest, override := strings.CutPrefix(name, "!"); override {
			name, id.Fixed = c.groupPrefix()+rest, true
		}
	}
	id.Name = name
	group, isGroup := strings.CutPrefix(name, c.groupPrefix())
	switch {
	case name == "anyone", name == "authenticated" && c.RightsLag():
		id.Kind, id.Name = IdentifierAnyone, ""
	case name == "anonymous":
		id.Kind, id.Name, id.Fixed = IdentifierAnonymous, "", true
	case name == "owner" && !c.Annotations:
		id.Kind, id.Name, id.Fixed = IdentifierOwner, "", true
	case name == "administrators" && c.UnionACL:
		id.Kind, id.Fixed = IdentifierGroup, true
	case isGroup && c.Groups() && group != "":
		id.Kind, id.Name = IdentifierGroup, group
	}
	if !sayable(raw) {
		id.Fixed = true
	}
	return id
}

// spell is the inverse: ok is false for what the server cannot be told.
func (c Caps) spell(id Identifier) (raw string, ok bool) {
	switch {
	case id.raw != "":
		raw = id.raw
	case id.Kind == IdentifierUser:
		raw = id.Name
	case id.Kind == IdentifierGroup && c.Groups() && id.Name != "":
		raw = c.groupPrefix() + id.Name
	case id.Kind == IdentifierAnyone:
		raw = "anyone"
	}
	if !sayable(raw) {
		return "", false
	}
	back := c.identifier(raw) // a user whose name would mean something else
	return raw, !back.Fixed && back.Kind == id.Kind && back.Name == id.Name
}

// sayable tells whether a string can be the argument of a command that is sent as it is: identifiers beyond ASCII, which RFC
// 4314 section 3 allows, are refused by Cyrus.
func sayable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != ""
}
