package davxml

import "unicode/utf8"

// replacement stands for what XML 1.0 cannot say (section 2.2): controls,
// octets that are no UTF-8, U+FFFE and U+FFFF.
const replacement = "\uFFFD"

// plainText and plainValue mark the octets that stand for themselves in text
// and in attributes.
var plainText, plainValue = func() (text, value [256]bool) {
	for c := 0x20; c < 0x80; c++ {
		text[c] = c != '<' && c != '>' && c != '&'
		value[c] = text[c] && c != '"'
	}
	text['\t'], text['\n'] = true, true
	return text, value
}()

// AppendText appends s as character data. A carriage return becomes a
// character reference, so that CRLF survives the parser (XML 1.0 section 2.11);
// ">" is always escaped, so that "]]>" cannot arise.
func AppendText[T string | []byte](b []byte, s T) []byte { return appendEscaped(b, s, &plainText) }

// AppendAttribute appends s as the value of an attribute in double quotes.
func AppendAttribute[T string | []byte](b []byte, s T) []byte {
	return appendEscaped(b, s, &plainValue)
}

func appendEscaped[T string | []byte](b []byte, s T, plain *[256]bool) []byte {
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		size, escaped := 1, ""
		if c < utf8.RuneSelf {
			escaped = escapeOctet(c)
		} else if size, escaped = escapeRune(s[i:min(i+utf8.UTFMax, len(s))]); escaped == "" {
			i += size
			continue
		}
		b = append(b, s[done:i]...)
		b = append(b, escaped...)
		i += size
		done = i
	}
	return append(b, s[done:]...)
}

// escapeOctet returns what stands for an ASCII octet.
func escapeOctet(c byte) string {
	switch c {
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '&':
		return "&amp;"
	case '"':
		return "&quot;"
	case '\r':
		return "&#13;"
	case '\n':
		return "&#10;"
	case '\t':
		return "&#9;"
	}
	return replacement
}

// escapeRune returns the length of the character that s begins with and what
// stands for it, "" for itself.
func escapeRune[T string | []byte](s T) (int, string) {
	var r rune
	var size int
	switch s := any(s).(type) {
	case string:
		r, size = utf8.DecodeRuneInString(s)
	case []byte:
		r, size = utf8.DecodeRune(s)
	}
	if r == utf8.RuneError && size <= 1 || r == 0xFFFE || r == 0xFFFF {
		return size, replacement
	}
	return size, ""
}
