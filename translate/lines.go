package translate

import (
	"bytes"
	"fmt"
	"strings"
)

// Scanner splits iCalendar text into content lines (RFC 5545 section 3.1)
// without changing it. It is tolerant where writers in circulation are: bare
// LF, CR CR LF, a byte order mark, blank lines, no line end at the end, folds
// with a tab, inside a UTF-8 sequence, or with nothing after them. It is one
// forward pass, takes no stack, and copies only what is folded.
//
//	for s := NewScanner(raw); s.Next(); {
//		if s.Line.Is("SUMMARY") { … s.Line.Value() … }
//	}
type Scanner struct {
	// Line is the present content line. Its slices, and what its methods
	// return, are valid until the next call of Next.
	Line Line

	raw     []byte
	at      int    // of the first octet not yet read
	scratch []byte // unfolded head of Line
	value   []byte // unfolded value of Line
}

// Line is one content line.
type Line struct {
	// Start and End are the offsets of its octets in the text, line end
	// included.
	Start, End int
	// Name is the property name as written; compare it with Is.
	Name []byte
	// Err is a *LineError when the octets are no content line. Name and
	// value are then empty, and the line can be skipped.
	Err error

	params []byte // from the first ";" up to the ":"
	rest   []byte // the value as written, folds included
	folded bool   // whether rest may hold folds
	s      *Scanner
}

// LineError says why octets are no content line.
type LineError struct {
	Offset int // of the line in the text
	Reason string
}

func (e *LineError) Error() string {
	return fmt.Sprintf("content line at octet %d: %s", e.Offset, e.Reason)
}

// NewScanner returns a Scanner before the first line of raw, which must stay
// unchanged as long as it is used.
func NewScanner(raw []byte) *Scanner {
	s := &Scanner{}
	s.Reset(raw)
	return s
}

// Reset starts again with other text and keeps the buffers.
func (s *Scanner) Reset(raw []byte) {
	s.raw, s.at, s.Line = raw, 0, Line{s: s}
	if bytes.HasPrefix(raw, []byte("\xEF\xBB\xBF")) {
		s.at = 3
	}
}

// Next goes to the next content line that is not blank, and says whether there
// is one.
func (s *Scanner) Next() bool {
	for s.at < len(s.raw) {
		start := s.at
		end, folded := s.lineEnd(start) // end is without its line end
		if end == start || s.raw[start] <= ' ' && len(trimBlank(s.raw[start:end])) == 0 {
			continue
		}
		l := &s.Line
		l.Start, l.End, l.folded = start, s.at, folded
		l.Name, l.params, l.rest = nil, nil, nil
		if l.Err != nil {
			l.Err = nil
		}
		s.split(s.raw[start:end])
		return true
	}
	return false
}

// lineEnd moves behind the content line that begins at start and returns where
// its line end begins, and whether it is folded.
func (s *Scanner) lineEnd(start int) (end int, folded bool) {
	from := start
	for {
		i := bytes.IndexByte(s.raw[from:], '\n')
		if i < 0 {
			s.at, end = len(s.raw), len(s.raw)
			break
		}
		end, s.at = from+i, from+i+1
		if s.at == len(s.raw) || (s.raw[s.at] != ' ' && s.raw[s.at] != '\t') {
			break
		}
		if len(trimCR(s.raw[from:end])) == 0 && from == start {
			break // a blank line is not continued
		}
		folded, from = true, s.at
	}
	for end > start && s.raw[end-1] == '\r' {
		end--
	}
	return end, folded
}

// split finds name, parameters and value. Only the head is unfolded, and only
// where the first fold lies inside it.
func (s *Scanner) split(raw []byte) {
	l := &s.Line
	if len(raw) > MaxLine {
		l.fail("too long")
		return
	}
	head, value := raw, -1
	if l.folded {
		if head, value = s.unfoldHead(raw); head == nil {
			l.fail("name and parameters too long, or no colon")
			return
		}
	}
	n := 0
	for n < len(head) && nameOctet[head[n]] {
		n++
	}
	if n == 0 || n == len(head) {
		l.fail("no property name")
		return
	}
	colon := n
	if head[n] == ';' {
		colon = headEnd(head, n)
	}
	switch {
	case colon >= len(head) || head[colon] != ':':
		l.fail("no colon")
	case colon > MaxLineHead:
		l.fail("name and parameters too long")
	case colon-n > MaxParameters && countParams(head[n:colon]) > MaxParameters:
		l.fail("too many parameters")
	default:
		if value < 0 {
			value = colon + 1
		}
		l.Name, l.params, l.rest = head[:n], head[n:colon], raw[value:]
	}
}

func (l *Line) fail(reason string) { l.Err = &LineError{Offset: l.Start, Reason: reason} }

// nameOctet holds what a property name may consist of: iana-token and x-name of
// RFC 5545 section 3.1, and other printing ASCII that writers use ("_", ".").
var nameOctet = func() (t [256]bool) {
	for c := 0x21; c < 0x7F; c++ {
		t[c] = !strings.ContainsRune("\"(),:;<=>?@[\\]{}", rune(c))
	}
	return t
}()

// headEnd returns the offset of the first colon from n on that is not inside
// DQUOTEs, or len(b).
func headEnd(b []byte, n int) int {
	end := bytes.IndexByte(b[n:], ':')
	if end < 0 {
		return len(b)
	}
	if bytes.IndexByte(b[n:n+end], '"') < 0 {
		return n + end
	}
	quoted := false
	for i := n; i < len(b); i++ {
		switch {
		case b[i] == '"':
			quoted = !quoted
		case b[i] == ':' && !quoted:
			return i
		}
	}
	return len(b)
}

// unfoldHead returns the unfolded line up to its colon, and where the value
// begins in raw: the first physical line where that holds the colon, else a copy.
// nil: longer than MaxLineHead, or no colon.
func (s *Scanner) unfoldHead(raw []byte) (head []byte, value int) {
	first := trimCR(raw[:bytes.IndexByte(raw, '\n')])
	if i := headEnd(first, 0); i < len(first) {
		return first[:i+1], i + 1
	}
	s.scratch = s.scratch[:0]
	quoted := false
	for at := 0; at < len(raw) && len(s.scratch) <= MaxLineHead; {
		segment, next := raw[at:], len(raw)
		if i := bytes.IndexByte(segment, '\n'); i >= 0 {
			segment, next = trimCR(segment[:i]), at+i+2 // the blank too
		}
		for i, c := range segment[:min(len(segment), MaxLineHead+1)] {
			switch {
			case c == '"':
				quoted = !quoted
			case c == ':' && !quoted:
				s.scratch = append(s.scratch, segment[:i+1]...)
				return s.scratch, at + i + 1
			}
		}
		s.scratch = append(s.scratch, segment[:min(len(segment), MaxLineHead+1)]...)
		at = next
	}
	return nil, 0
}

// foldAt returns the length of the fold that begins at offset i: CRs, LF and
// one blank; 0 when there is none.
func foldAt(raw []byte, i int) int {
	if raw[i] != '\r' && raw[i] != '\n' {
		return 0
	}
	j := i
	for j < len(raw) && raw[j] == '\r' {
		j++
	}
	if j+1 < len(raw) && raw[j] == '\n' && (raw[j+1] == ' ' || raw[j+1] == '\t') {
		return j + 2 - i
	}
	return 0
}

// Is says whether the line has that property name, which is in upper case
// (RFC 5545 section 3.1: names are case-insensitive).
func (l *Line) Is(name string) bool { return equalFold(l.Name, name) }

// Value returns the value without folds, with nothing else decoded.
func (l *Line) Value() []byte {
	if !l.folded {
		return l.rest
	}
	l.s.value = unfold(l.s.value[:0], l.rest)
	l.rest, l.folded = l.s.value, false
	return l.rest
}

// unfold appends raw without its folds to dst.
func unfold(dst, raw []byte) []byte {
	for len(raw) > 0 {
		i := bytes.IndexByte(raw, '\n')
		if i < 0 || i+1 == len(raw) {
			return append(dst, raw...)
		}
		dst = append(dst, trimCR(raw[:i])...)
		raw = raw[i+2:]
	}
	return dst
}

// Param returns the first value of the first parameter of that name, which is
// in upper case, without DQUOTEs and with RFC 6868 decoded.
func (l *Line) Param(name string) (string, bool) {
	for p := l.params; len(p) > 0; {
		var key, values []byte
		if key, values, p = nextParam(p); equalFold(key, name) {
			value, _ := nextParamValue(values)
			return decodeParam(value), true
		}
	}
	return "", false
}

// Params calls f with every value of every parameter, in order, until it
// returns false. name is as written, value as Param returns it.
func (l *Line) Params(f func(name []byte, value string) bool) {
	for p := l.params; len(p) > 0; {
		var key, values []byte
		key, values, p = nextParam(p)
		for {
			var value []byte
			value, values = nextParamValue(values)
			if !f(key, decodeParam(value)) {
				return
			}
			if values == nil {
				break
			}
		}
	}
}

// nextParam takes `;NAME=VALUES` off the front of p.
func nextParam(p []byte) (name, values, rest []byte) {
	p = p[1:]
	end := len(p)
	quoted := false
	for i, c := range p {
		if c == '"' {
			quoted = !quoted
		} else if c == ';' && !quoted {
			end = i
			break
		}
	}
	name, values, _ = bytes.Cut(p[:end], []byte{'='})
	return name, values, p[end:]
}

// nextParamValue takes one value off a list; rest is nil when it was the last.
func nextParamValue(values []byte) (value, rest []byte) {
	quoted := false
	for i, c := range values {
		if c == '"' {
			quoted = !quoted
		} else if c == ',' && !quoted {
			return values[:i], values[i+1:]
		}
	}
	return values, nil
}

func countParams(params []byte) int {
	n := 0
	for p := params; len(p) > 0; n++ {
		_, _, p = nextParam(p)
	}
	return n
}

var decode6868 = strings.NewReplacer("^n", "\n", "^'", `"`, "^^", "^")

// decodeParam takes off the DQUOTEs and decodes ^n, ^' and ^^ (RFC 6868
// section 3).
func decodeParam(v []byte) string {
	if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
		v = v[1 : len(v)-1]
	}
	if bytes.IndexByte(v, '^') < 0 {
		return string(v)
	}
	return decode6868.Replace(string(v))
}

// equalFold compares ASCII without case; name is in upper case.
func equalFold(b []byte, name string) bool {
	if len(b) != len(name) {
		return false
	}
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != name[i] {
			return false
		}
	}
	return true
}

// sameName compares ASCII without case.
func sameName(b []byte, name string) bool {
	if len(b) != len(name) {
		return false
	}
	for i, c := range b {
		if c != name[i] && (c|0x20 != name[i]|0x20 || c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

func trimCR(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == '\r' {
		b = b[:len(b)-1]
	}
	return b
}

// trimBlank takes blanks and line ends off both ends.
func trimBlank(b []byte) []byte {
	for len(b) > 0 && isBlank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	for len(b) > 0 && isBlank(b[0]) {
		b = b[1:]
	}
	return b
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
