package imapstore

import (
	"bytes"
	"errors"
	"math"
	"strings"
)

// errSyntax is an answer that is no IMAP. Nothing after it can be trusted, so it spends the connection.
var errSyntax = errors.New("malformed answer from the IMAP server")

// maxNesting bounds the parentheses of one answer.
const maxNesting = 32

// scanner reads one complete response, literals included, from memory (RFC 9051 section 9). After a failure bad is set and
// every method gives zero values.
type scanner struct {
	b   []byte
	pos int
	bad bool
}

func (s *scanner) fail() { s.bad, s.pos = true, len(s.b) }

func (s *scanner) peek() byte {
	if s.pos < len(s.b) {
		return s.b[s.pos]
	}
	return 0
}

func (s *scanner) end() bool { return s.pos >= len(s.b) }

// take consumes c if it is next.
func (s *scanner) take(c byte) bool {
	if s.pos < len(s.b) && s.b[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

func (s *scanner) need(c byte) {
	if !s.take(c) {
		s.fail()
	}
}

// spaces skips any number of blanks: some servers write two.
func (s *scanner) spaces() {
	for s.take(' ') {
	}
}

// atom reads up to a blank, a parenthesis, a quote, or the end of the line. Brackets are part of it, with what they enclose,
// so that BODY[HEADER.FIELDS (A B)]<0> is one atom.
func (s *scanner) atom() []byte {
	start, depth := s.pos, 0
	for s.pos < len(s.b) {
		c := s.b[s.pos]
		if c == '\r' || c == '\n' {
			break
		}
		if depth == 0 && (c == ' ' || c == '(' || c == ')' || c == '"' || c == '{') {
			break
		}
		if c == '[' {
			depth++
		} else if c == ']' && depth > 0 {
			depth--
		}
		s.pos++
	}
	if s.pos == start {
		s.fail()
	}
	return s.b[start:s.pos]
}

// word is an atom in upper case, for comparison.
func (s *scanner) word() string {
	a := s.atom()
	if string(a) == "FETCH" { // the one that comes ten thousand times
		return "FETCH"
	}
	return strings.ToUpper(string(a))
}

func (s *scanner) number() uint64 {
	var n uint64
	start := s.pos
	for s.pos < len(s.b) && s.b[s.pos] >= '0' && s.b[s.pos] <= '9' {
		d := uint64(s.b[s.pos] - '0')
		if n > (math.MaxUint64-d)/10 {
			s.fail()
			return 0
		}
		n = n*10 + d
		s.pos++
	}
	if s.pos == start {
		s.fail()
	}
	return n
}

func (s *scanner) number32() uint32 {
	n := s.number()
	if n > math.MaxUint32 {
		s.fail()
		return 0
	}
	return uint32(n)
}

// quoted reads a quoted string. Without escapes it is a slice of the response.
func (s *scanner) quoted() []byte {
	s.need('"')
	start := s.pos
	for i := s.pos; i < len(s.b); i++ {
		switch s.b[i] {
		case '"':
			s.pos = i + 1
			return s.b[start:i]
		case '\r', '\n':
			s.fail()
			return nil
		case '\\':
			return s.unescape(start)
		}
	}
	s.fail()
	return nil
}

func (s *scanner) unescape(start int) []byte {
	var out []byte
	for i := start; i < len(s.b); i++ {
		c := s.b[i]
		switch {
		case c == '"':
			s.pos = i + 1
			return out
		case c == '\r' || c == '\n':
			s.fail()
			return nil
		case c == '\\' && i+1 < len(s.b):
			i++
			c = s.b[i]
		}
		out = append(out, c)
	}
	s.fail()
	return nil
}

// literal reads {n}CRLF and n octets, also ~{n}.
func (s *scanner) literal() []byte {
	s.take('~')
	s.need('{')
	n := s.number()
	s.take('+')
	s.need('}')
	s.take('\r')
	s.need('\n')
	if s.bad || n > uint64(len(s.b)-s.pos) {
		s.fail()
		return nil
	}
	start := s.pos
	s.pos += int(n)
	return s.b[start:s.pos]
}

// nstring is a string or NIL; ok is false for NIL.
func (s *scanner) nstring() (v []byte, ok bool) {
	switch s.peek() {
	case '"':
		return s.quoted(), !s.bad
	case '{', '~':
		return s.literal(), !s.bad
	}
	a := s.atom()
	return nil, !s.bad && !bytes.EqualFold(a, []byte("NIL"))
}

// astring is an atom or a string.
func (s *scanner) astring() []byte {
	switch s.peek() {
	case '"':
		return s.quoted()
	case '{':
		return s.literal()
	}
	return s.atom()
}

// skip passes over one value of any kind, parenthesised ones with all that is in them.
func (s *scanner) skip() { s.skipDepth(0) }

func (s *scanner) skipDepth(depth int) {
	switch s.peek() {
	case '"':
		s.quoted()
	case '{':
		s.literal()
	case '~':
		if s.pos+1 < len(s.b) && s.b[s.pos+1] == '{' {
			s.literal()
		} else {
			s.atom()
		}
	case '(':
		s.take('(')
		if depth >= maxNesting {
			s.fail()
		}
		for !s.bad {
			s.spaces()
			if s.take(')') {
				return
			}
			if s.end() {
				s.fail()
				return
			}
			s.skipDepth(depth + 1)
		}
	default:
		s.atom()
	}
}

// rest is what is left of the line.
func (s *scanner) rest() []byte {
	return bytes.TrimRight(s.b[s.pos:], "\r\n")
}
