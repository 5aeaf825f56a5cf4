package imapstore

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const upperHex = "0123456789ABCDEF"

// refusedSomewhere are characters that one server or another does not take in a mailbox level (Cyrus not even ! ; |), with
// both common hierarchy delimiters and the sign of the encoding itself.
const refusedSomewhere = `/%*"\<>^.=!;|`

// EncodeLevel writes one mailbox level so that every server takes it: what some server refuses stands as =XX for each
// of its UTF-8 octets. DecodeLevel is its inverse.
func EncodeLevel(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		invalid := r == utf8.RuneError && n == 1
		switch {
		case invalid, unicode.IsControl(r), r > 0xFFFF, strings.ContainsRune(refusedSomewhere, r), r == '~' && i == 0:
			for _, c := range []byte(s[i : i+n]) {
				b.WriteByte('=')
				b.WriteByte(upperHex[c>>4])
				b.WriteByte(upperHex[c&15])
			}
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// DecodeLevel shows a level as its user wrote it. A level that EncodeLevel would not have written is literal.
func DecodeLevel(s string) string {
	if !strings.Contains(s, "=") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '=' {
			b = append(b, s[i])
			continue
		}
		if i+2 >= len(s) {
			return s
		}
		hi, lo := strings.IndexByte(upperHex, s[i+1]), strings.IndexByte(upperHex, s[i+2])
		if hi < 0 || lo < 0 {
			return s
		}
		b = append(b, byte(hi<<4|lo))
		i += 2
	}
	if EncodeLevel(string(b)) != s {
		return s
	}
	return string(b)
}
