package translate

import (
	"bytes"
	"fmt"
	"slices"
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
	err     LineError
	steps   int // octets that were looked at or copied so far, each as often as it was
}

// Line is one content line.
type Line struct {
	// Start and End are the offsets of its octets in the text, line end
	// included.
	Start, End int
	// Name is the property name as written; compare it with Is.
	Name []byte
	// Err is a *LineError when the octets are no content line. Name and
	// value are then empty, and the line can be skipped. It, too, is valid until
	// the next call of Next.
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
	s.raw, s.at, s.steps, s.Line = raw, 0, 0, Line{s: s}
	if bytes.HasPrefix(raw, []byte("\xEF\xBB\xBF")) {
		s.at = 3
	}
}

// Next goes to the next content line that is not blank, and says whether there
// is one.
func (s *Scanner) Next() bool {
	for s.at < len(s.raw) {
		start := s.at
		end, first := s.lineEnd(start) // without line ends
		if end == start || s.raw[start] <= ' ' && s.blank(s.raw[start:end]) {
			continue
		}
		l := &s.Line
		l.Start, l.End, l.folded = start, s.at, first < end
		l.Name, l.params, l.rest = nil, nil, nil
		if l.Err != nil {
			l.Err = nil
		}
		s.split(s.raw[start:end], first-start)
		return true
	}
	return false
}

func (s *Scanner) blank(line []byte) bool {
	n := 0
	for n < len(line) && isBlank(line[n]) {
		n++
	}
	s.steps += n
	return n == len(line)
}

// lineEnd moves behind the content line that begins at start and returns where
// its line end begins, and where that of its first physical line does.
func (s *Scanner) lineEnd(start int) (end, first int) {
	first = -1
	for from := start; ; from = s.at {
		i := bytes.IndexByte(s.raw[from:], '\n')
		if i < 0 {
			s.at, end = len(s.raw), len(s.raw)
			break
		}
		end, s.at = from+i, from+i+1
		if s.at == len(s.raw) || (s.raw[s.at] != ' ' && s.raw[s.at] != '\t') {
			break
		}
		if first < 0 {
			if s.onlyCR(start, end) {
				break // a blank line is not continued
			}
			first = end
		}
	}
	s.steps += s.at - start
	if first < 0 {
		first = end
	}
	for end > start && s.raw[end-1] == '\r' {
		end--
		s.steps++
	}
	return end, min(first, end)
}

func (s *Scanner) onlyCR(start, end int) bool {
	at := start
	for at < end && s.raw[at] == '\r' {
		at++
	}
	s.steps += at - start
	return at == end
}

// split finds name, parameters and value. Only the head is unfolded, and only
// where the first fold, at offset first, lies inside it.
func (s *Scanner) split(raw []byte, first int) {
	l := &s.Line
	if len(raw) > MaxLine {
		l.fail("too long")
		return
	}
	var h head
	line, value := raw[:first], 0
	if l.folded {
		line = s.trimCR(line)
	}
	colon := h.find(line)
	s.steps += h.seen
	if colon >= 0 {
		value = colon + 1
	} else if l.folded && !h.bad {
		line, colon, value = s.unfoldHead(raw, line, &h)
	}
	switch {
	case h.bad || h.name == 0:
		l.fail("no property name")
	case colon < 0 && len(line) > MaxLineHead, colon > MaxLineHead:
		l.fail("name and parameters too long")
	case colon < 0:
		l.fail("no colon")
	case h.params > MaxParameters:
		l.fail("too many parameters")
	default:
		l.Name, l.params, l.rest = line[:h.name], line[h.name:colon], raw[value:]
	}
}

// head is what is known of the name and the parameters of a line, physical line by
// physical line.
type head struct {
	name   int  // length of the name so far
	named  bool // the name has ended
	bad    bool // by an octet that cannot stand behind it
	quoted bool // inside DQUOTEs
	params int
	seen   int // octets of the last physical line that were looked at
}

// find returns the offset of the colon that ends the head, -1 where it is not in b.
func (h *head) find(b []byte) int {
	i := 0
	if !h.named {
		for i < len(b) && nameOctet[b[i]] {
			i++
		}
		h.name += i
		h.named = i < len(b)
		h.bad = h.named && (b[i] != ':' && b[i] != ';' || h.name == 0)
	}
	for ; i < len(b) && !h.bad; i++ {
		switch c := b[i]; {
		case c == '"':
			h.quoted = !h.quoted
		case h.quoted:
		case c == ';':
			h.params++
		case c == ':':
			h.seen = i + 1
			return i
		}
	}
	h.seen = i
	return -1
}

func (l *Line) fail(reason string) {
	l.s.err = LineError{Offset: l.Start, Reason: reason}
	l.Err = &l.s.err
}

// nameOctet holds what a property name may consist of: iana-token and x-name of
// RFC 5545 section 3.1, and other printing ASCII that writers use ("_", ".").
var nameOctet = func() (t [256]bool) {
	for c := 0x21; c < 0x7F; c++ {
		t[c] = !strings.ContainsRune("\"(),:;<=>?@[\\]{}", rune(c))
	}
	return t
}()

// unfoldHead goes on where the first physical line has no colon. It returns the
// unfolded line up to the physical line with the colon, the offset of the colon in
// it, -1 when there is none or the head is too long, and where the value begins in raw.
func (s *Scanner) unfoldHead(raw, first []byte, h *head) (line []byte, colon, value int) {
	s.scratch = append(s.scratch[:0], first...)
	s.steps += len(first)
	at := len(first) + foldAt(raw, len(first))
	s.steps += at - len(first)
	for at < len(raw) && len(s.scratch) <= MaxLineHead {
		segment, next := raw[at:], len(raw)
		if i := bytes.IndexByte(segment, '\n'); i >= 0 {
			segment, next = s.trimCR(segment[:i]), at+i+2 // the blank too
			s.steps += i
		} else {
			s.steps += len(segment)
		}
		i := h.find(segment)
		s.steps += h.seen
		if i >= 0 {
			segment = segment[:i+1]
		}
		before := len(s.scratch)
		s.scratch = append(s.scratch, segment...)
		s.steps += len(segment)
		if i >= 0 {
			return s.scratch, before + i, at + i + 1
		}
		if h.bad {
			break
		}
		at = next
	}
	return s.scratch, -1, 0
}

// trimCR takes CRs off the end.
func (s *Scanner) trimCR(b []byte) []byte {
	t := trimCR(b)
	s.steps += len(b) - len(t)
	return t
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
	l.s.value = unfold(slices.Grow(l.s.value[:0], len(l.rest)), l.rest)
	l.s.steps += 2 * len(l.rest)
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
	value, ok := l.param(name)
	return string(value), ok
}

// param is Param; what it returns is valid until the next call of Next.
func (l *Line) param(name string) ([]byte, bool) {
	for p := l.params; len(p) > 0; {
		var key, values []byte
		if key, values, p = nextParam(p); equalFold(key, name) {
			value, _ := nextParamValue(values)
			return decodedParam(value), true
		}
	}
	return nil, false
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

// decodeParam takes off the DQUOTEs and decodes ^n, ^' and ^^ (RFC 6868
// section 3).
func decodeParam(v []byte) string { return string(decodedParam(v)) }

// decodedParam is decodeParam, of the same octets where nothing is to be decoded.
func decodedParam(v []byte) []byte {
	if v = unquoted(v); bytes.IndexByte(v, '^') < 0 {
		return v
	}
	out := make([]byte, 0, len(v))
	for i := 0; i < len(v); i++ {
		c := v[i]
		if c == '^' && i+1 < len(v) {
			if at := strings.IndexByte("n'^", v[i+1]); at >= 0 {
				c = "\n\"^"[at]
				i++
			}
		}
		out = append(out, c)
	}
	return out
}

func unquoted(v []byte) []byte {
	if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
		return v[1 : len(v)-1]
	}
	return v
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
