package translate

import (
	"strings"
	"unicode/utf8"
)

// foldedLine is how long a line of what we generate is, in octets without its
// line end (RFC 5545 section 3.1).
const foldedLine = 75

// appendLine appends a content line that we generate, folded, with its line end. It
// is the only way in which iCalendar text of our own is written; what users wrote
// is copied and not folded anew. No fold lies inside a UTF-8 sequence. line holds
// no line end.
func appendLine(b []byte, line string) []byte {
	room := foldedLine
	for len(line) > room {
		n := room
		for n > room-utf8.UTFMax && !utf8.RuneStart(line[n]) {
			n--
		}
		if !utf8.RuneStart(line[n]) { // no UTF-8 at all
			n = room
		}
		b = append(b, line[:n]...)
		b = append(b, "\r\n "...)
		line, room = line[n:], foldedLine-1
	}
	b = append(b, line...)
	return append(b, crlf...)
}

// appendText appends a value of type TEXT (RFC 5545 section 3.3.11). Controls that
// no value may hold are left out.
func appendText(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' || c == ';' || c == ',':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c < 0x20 && c != '\t' || c == 0x7F:
		default:
			b = append(b, c)
		}
	}
	return b
}

// lineWriter writes a text of copied and of generated lines.
type lineWriter struct{ b []byte }

// line writes a generated content line.
func (w *lineWriter) line(parts ...string) { w.b = appendLine(w.b, strings.Join(parts, "")) }

// raw copies a line as it is; the last one of a text may lack its line end.
func (w *lineWriter) raw(line []byte) {
	w.b = append(w.b, line...)
	if len(line) > 0 && line[len(line)-1] != '\n' {
		w.b = append(w.b, crlf...)
	}
}
