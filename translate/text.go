package translate

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// textError says what stands in the text that must not: controls other than
// TAB and line ends (CONTROL of RFC 5545 section 3.1), broken UTF-8, U+FFFE and
// U+FFFF, which XML 1.0 cannot say. "" when there is nothing.
func textError(raw []byte) string {
	for i, c := range raw {
		if c >= 0x20 && c != 0x7F || c == '\t' || c == '\n' {
			continue
		}
		// A CR that ends no line would be one to other programs.
		if c == '\r' && (i+1 == len(raw) || raw[i+1] == '\n' || raw[i+1] == '\r') {
			continue
		}
		return fmt.Sprintf("a control character at octet %d", i)
	}
	if !utf8.Valid(raw) {
		// RFC 5545 section 3.1: a fold may lie inside a UTF-8 sequence.
		if raw = unfold(make([]byte, 0, len(raw)), raw); !utf8.Valid(raw) {
			return "text that is not UTF-8"
		}
	}
	if bytes.Contains(raw, []byte("\uFFFE")) || bytes.Contains(raw, []byte("\uFFFF")) {
		return "U+FFFE or U+FFFF"
	}
	return ""
}

// unescapeText decodes TEXT (RFC 5545 section 3.3.11). A backslash before
// anything else stays, as in values of other types.
func unescapeText(v []byte) []byte {
	if bytes.IndexByte(v, '\\') < 0 {
		return v
	}
	return appendUnescaped(make([]byte, 0, len(v)), v)
}

// appendUnescaped appends what unescapeText returns.
func appendUnescaped(out, v []byte) []byte {
	for {
		i := bytes.IndexByte(v, '\\')
		if i < 0 || i+1 == len(v) {
			return append(out, v...)
		}
		out = append(out, v[:i]...)
		switch c := v[i+1]; c {
		case '\\', ';', ',', ':', '"': // the last two are common and harmless
			out = append(out, c)
		case 'n', 'N':
			out = append(out, '\n')
		default:
			out = append(out, '\\')
			v = v[i+1:]
			continue
		}
		v = v[i+2:]
	}
}

// summaryLine makes a SUMMARY fit for one header line: without controls, runs of
// blanks as one, and cut at a character.
func summaryLine(v []byte) string {
	// Eight times the limit is enough to fill it, and bounds the work.
	v = unescapeText(v[:min(len(v), 8*maxSummary)])
	text := strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7F && r < 0xA0 || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(v), ""))
	text = strings.Join(strings.Fields(text), " ")
	for len(text) > maxSummary {
		_, n := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-n]
	}
	return text
}

// WholeFolds returns the text with each fold that lies inside a UTF-8 sequence
// moved behind that sequence, so that the octets are UTF-8 as XML demands (text
// that ParseObject took). Text without such folds is returned itself.
func WholeFolds(raw []byte) []byte {
	if utf8.Valid(raw) {
		return raw
	}
	out := make([]byte, 0, len(raw))
	var folds []byte // not written yet
	for i := 0; i < len(raw); {
		if n := foldAt(raw, i); n > 0 {
			folds = append(folds, raw[i:i+n]...)
			i += n
			continue
		}
		if raw[i]&0xC0 != 0x80 {
			out, folds = append(out, folds...), folds[:0]
		}
		out = append(out, raw[i])
		i++
	}
	return append(out, folds...)
}
