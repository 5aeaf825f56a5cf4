package translate

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Collations are the values of CALDAV:supported-collation-set (RFC 4791 section
// 7.5.1); the first is the default.
var Collations = []string{"i;ascii-casemap", "i;octet", "i;unicode-casemap"}

// casemap appends a text as a collation compares it.
type casemap func(room *texts, dst, text []byte) []byte

// collation returns what maps a text to the octets that are compared; nil for a
// collation that is not known.
func (m *TextMatch) collation() casemap {
	switch m.Collation {
	case "", "i;ascii-casemap":
		return asciiCasemap
	case "i;octet":
		return func(_ *texts, dst, b []byte) []byte { return append(dst, b...) }
	case "i;unicode-casemap":
		return unicodeCasemap
	}
	return nil
}

// texts is room for texts that are compared.
type texts struct{ value, wanted, title, plain []byte }

// match says whether the text is a part of the value, or, negated, that it is
// not (RFC 4791 section 9.7.5).
func (m *TextMatch) match(value []byte, room *texts) bool {
	mapped := m.collation()
	if mapped == nil {
		return false
	}
	room.wanted = mapped(room, room.wanted[:0], []byte(m.Text))
	return contains(value, room, mapped) != m.Negate
}

// mappedAtOnce is how much of a value is mapped at once, in octets: what one character is
// decomposed to may be ten times as long.
const mappedAtOnce = 256

// contains says whether a value, mapped, holds what is wanted.
func contains(value []byte, room *texts, mapped casemap) bool {
	if !utf8.Valid(value) { // a part of it could be
		room.value = mapped(room, room.value[:0], value)
		return bytes.Contains(room.value, room.wanted)
	}
	most := max(mappedAtOnce, len(room.wanted))
	for room.value = room.value[:0]; ; {
		n := len(value)
		if n > most {
			n = most
			if cut := norm.NFKD.LastBoundary(value[:n]); cut > 0 {
				n = cut
			} else if n = norm.NFKD.NextBoundary(value, true); n <= 0 {
				n = len(value)
			}
		}
		room.value = mapped(room, room.value, value[:n])
		if bytes.Contains(room.value, room.wanted) {
			return true
		}
		if value = value[n:]; len(value) == 0 {
			return false
		}
		if keep := len(room.wanted) - 1; len(room.value) > keep { // it may begin here and end there
			room.value = append(room.value[:0], room.value[len(room.value)-max(keep, 0):]...)
		}
	}
}

// asciiCasemap is RFC 4790 section 9.2: letters of ASCII in one case, all other
// octets as they are.
func asciiCasemap(_ *texts, dst, b []byte) []byte {
	before := len(dst)
	dst = append(dst, b...)
	for i, c := range dst[before:] {
		if 'a' <= c && c <= 'z' {
			dst[before+i] = c - ('a' - 'A')
		}
	}
	return dst
}

// unicodeCasemap is RFC 5051 section 2: each character to title case, then
// decomposed, compatibility decompositions included. What is no UTF-8 is compared
// as it is.
func unicodeCasemap(room *texts, dst, b []byte) []byte {
	if !utf8.Valid(b) {
		return append(dst, b...)
	}
	room.title = room.title[:0]
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		room.title, b = utf8.AppendRune(room.title, unicode.ToTitle(r)), b[n:]
	}
	return norm.NFKD.Append(dst, room.title...)
}
