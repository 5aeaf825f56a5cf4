package imapstore

import (
	"strings"
)

// quote writes a quoted string (RFC 9051 section 9). s is ASCII without CR, LF and NUL: modified UTF-7 sees to that.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func isAtom(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`(){%*"\]`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

// printable makes a text safe for a decoder that wants ASCII and no controls.
func printable(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c < ' ' || c >= 0x7f {
			b[i] = '?'
		}
	}
	if len(b) == 0 {
		return "-"
	}
	return string(b)
}

// parseList reads (attributes) delimiter name; name is as the server wrote it. What follows is ignored.
func parseList(s *scanner) (attrs []string, delim byte, name string) {
	s.spaces()
	s.need('(')
	for !s.bad {
		s.spaces()
		if s.take(')') {
			break
		}
		if s.peek() == '(' || s.peek() == '"' {
			s.skip()
			continue
		}
		if a := string(s.atom()); len(a) > 1 && a[0] == '\\' && isAtom(a[1:]) {
			attrs = append(attrs, a)
		}
	}
	s.spaces()
	if d, ok := s.nstring(); ok {
		if len(d) != 1 || d[0] <= ' ' || d[0] >= 0x7f {
			s.fail()
			return nil, 0, ""
		}
		delim = d[0]
	}
	s.spaces()
	name = string(s.astring())
	if strings.EqualFold(name, "INBOX") {
		name = "INBOX"
	}
	return attrs, delim, name
}

// parseStatus reads mailbox (ITEM n …); items it does not know are skipped.
func parseStatus(s *scanner) (name string, m Mailbox, ok bool) {
	s.spaces()
	name = string(s.astring())
	if strings.EqualFold(name, "INBOX") {
		name = "INBOX"
	}
	if _, err := DecodeUTF7(name); err != nil {
		return "", m, false
	}
	s.spaces()
	s.need('(')
	for !s.bad {
		s.spaces()
		if s.take(')') {
			return name, m, true
		}
		item := s.word()
		s.spaces()
		switch item {
		case "MESSAGES":
			m.Messages = s.number32()
		case "UIDNEXT":
			m.UIDNext = s.number32()
		case "UIDVALIDITY":
			m.UIDValidity = s.number32()
		case "MAILBOXID":
			s.need('(')
			m.ID = string(s.atom())
			s.need(')')
		default:
			s.skip()
		}
	}
	return "", m, false
}

// parseCapabilities splits a capability list and says it in upper case.
func parseCapabilities(s string) []string {
	var caps []string
	for f := range strings.FieldsSeq(s) {
		if isAtom(f) {
			caps = append(caps, strings.ToUpper(f))
		}
	}
	return caps
}

// capabilityLine is the list for imapclient: without IMAP4rev2, see wire.
func capabilityLine(caps []string) string {
	var b strings.Builder
	b.WriteString("CAPABILITY IMAP4rev1")
	for _, c := range caps {
		switch c {
		case "IMAP4REV1", "IMAP4REV2", "UTF8=ACCEPT", "UTF8=ONLY":
		default:
			b.WriteString(" " + c)
		}
	}
	return b.String()
}
