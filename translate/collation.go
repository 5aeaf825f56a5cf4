package translate

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Collations are the values of CALDAV:supported-collation-set (RFC 4791 section
// 7.5.1); the first is the default.
var Collations = []string{"i;ascii-casemap", "i;octet", "i;unicode-casemap"}

// collation returns what maps a text to the octets that are compared; nil for a
// collation that is not known.
func (m *TextMatch) collation() func([]byte) []byte {
	switch m.Collation {
	case "", "i;ascii-casemap":
		return asciiCasemap
	case "i;octet":
		return func(b []byte) []byte { return b }
	case "i;unicode-casemap":
		return unicodeCasemap
	}
	return nil
}

// match says whether the text is a part of the value, or, negated, that it is
// not (RFC 4791 section 9.7.5).
func (m *TextMatch) match(value []byte) bool {
	mapped := m.collation()
	if mapped == nil {
		return false
	}
	return bytes.Contains(mapped(value), mapped([]byte(m.Text))) != m.Negate
}

// asciiCasemap is RFC 4790 section 9.2: letters of ASCII in one case, all other
// octets as they are.
func asciiCasemap(b []byte) []byte {
	out := make([]byte, len(b))
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		out[i] = c
	}
	return out
}

// unicodeCasemap is RFC 5051 section 2: each character to title case, then
// decomposed, compatibility decompositions included. What is no UTF-8 is compared
// as it is.
func unicodeCasemap(b []byte) []byte {
	if !utf8.Valid(b) {
		return b
	}
	return norm.NFKD.Bytes([]byte(strings.Map(unicode.ToTitle, string(b))))
}
