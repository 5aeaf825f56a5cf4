package imapstore

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

const (
	// maxText bounds the octets of one response outside of literals: the UID list of a folder of 700,000 scattered messages.
	maxText = 8 << 20
	// maxSmall bounds a literal where no message is expected: a mailbox name, a string.
	maxSmall = 1 << 20
	// maxMessage bounds the literal of a message. A longer one is read over, and its row is missing.
	maxMessage = 32 << 20
)

var errTooLong = errors.New("answer of the IMAP server beyond the limit")

// reply is the status part of a response: OK, NO, BAD, BYE or PREAUTH, the code in upper case, its arguments, the text.
type reply struct {
	status, code, args, text string
}

// response is one complete response of the server. Its octets are valid until the next is read.
type response struct {
	tag    string // "*", "+" or a tag
	num    uint32 // of "* 12 EXISTS"
	kind   string // upper case: EXISTS, LIST, OK, …
	reply  reply  // where kind is a status
	octets []byte // all of it
	body   int    // where in octets the part after kind begins
}

func (r *response) scan() *scanner { return &scanner{b: r.octets, pos: r.body} }

func isStatus(kind string) bool {
	switch kind {
	case "OK", "NO", "BAD", "BYE", "PREAUTH":
		return true
	}
	return false
}

// readLine appends one line, its end included, to buf.
func readLine(br *bufio.Reader, buf []byte, limit int) ([]byte, error) {
	for {
		part, err := br.ReadSlice('\n')
		if len(buf)+len(part) > limit {
			return buf, errTooLong
		}
		buf = append(buf, part...)
		if err == nil {
			return buf, nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, io.EOF) && len(buf) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return buf, err
		}
	}
}

// literalAt finds the {n} that ends a line: where it begins and its n. at < 0: there is none.
func literalAt(line []byte) (at int, n uint64) {
	t := bytes.TrimRight(line, "\r\n")
	if len(t) == len(line) || len(t) == 0 || t[len(t)-1] != '}' {
		return -1, 0
	}
	open := bytes.LastIndexByte(t, '{')
	if open < 0 {
		return -1, 0
	}
	digits := bytes.TrimSuffix(t[open+1:len(t)-1], []byte("+"))
	if len(digits) == 0 || len(digits) > 19 {
		return -1, 0
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return -1, 0
		}
		n = n*10 + uint64(c-'0')
	}
	if open > 0 && t[open-1] == '~' { // literal8, RFC 3516 section 4.3
		open--
	}
	return open, n
}

// readResponse reads one response with its literals into buf, which it may replace by a larger one. A literal above
// maxLiteral is read over and stands as NIL, so that one huge message costs its row and not the session.
func readResponse(br *bufio.Reader, buf []byte, maxLiteral int) (response, []byte, error) {
	var r response
	buf = buf[:0]
	buf, err := readLine(br, buf, maxText)
	if err != nil {
		return r, buf, err
	}
	if err := r.head(buf); err != nil {
		return r, buf, err
	}
	if r.tag != "*" || isStatus(r.kind) { // no literals in a text, whatever it ends in
		r.octets = buf
		return r, buf, nil
	}
	text, start := len(buf), 0
	for {
		at, n := literalAt(buf[start:])
		if at < 0 {
			r.octets = buf
			return r, buf, nil
		}
		if n > uint64(maxLiteral) {
			buf = append(buf[:start+at], "NIL"...)
			if _, err := discard(br, n); err != nil {
				return r, buf, err
			}
		} else if buf, err = readLiteral(br, buf, int(n)); err != nil {
			return r, buf, err
		}
		start = len(buf)
		if buf, err = readLine(br, buf, start+maxText-text); err != nil {
			return r, buf, err
		}
		text += len(buf) - start
	}
}

// readLiteral grows buf as octets arrive, not by what the server announces.
func readLiteral(br *bufio.Reader, buf []byte, n int) ([]byte, error) {
	const step = 4 << 20
	for n > 0 {
		k := min(n, step)
		have := len(buf)
		if cap(buf)-have < k {
			grown := make([]byte, have, max(have+k+512, min(2*have, have+n+512)))
			copy(grown, buf)
			buf = grown
		}
		buf = buf[:have+k]
		if _, err := io.ReadFull(br, buf[have:]); err != nil {
			return buf[:have], noEOF(err)
		}
		n -= k
	}
	return buf, nil
}

func discard(br *bufio.Reader, n uint64) (uint64, error) {
	left := n
	for left > 0 {
		k, err := br.Discard(int(min(left, 1<<20)))
		left -= uint64(k)
		if err != nil {
			return n - left, noEOF(err)
		}
	}
	return n, nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// head reads tag, number and kind of the first line, and the status part where it is one.
func (r *response) head(line []byte) error {
	s := &scanner{b: line}
	if s.take('+') {
		r.tag, r.body = "+", s.pos
		return nil
	}
	if s.take('*') {
		r.tag = "*"
	} else {
		r.tag = string(s.atom())
	}
	s.spaces()
	if c := s.peek(); c >= '0' && c <= '9' {
		r.num = s.number32()
		s.spaces()
	}
	r.kind = s.word()
	r.body = s.pos
	if s.bad {
		return errSyntax
	}
	if isStatus(r.kind) {
		r.reply = parseReply(r.kind, s)
	} else if r.tag != "*" {
		return errSyntax
	}
	return nil
}

// parseReply reads [CODE args] text. Servers that leave the text away, or write something odd into a code, are borne.
func parseReply(status string, s *scanner) reply {
	p := reply{status: status}
	s.spaces()
	text := string(s.rest())
	if strings.HasPrefix(text, "[") {
		if code, after, ok := strings.Cut(text[1:], "]"); ok {
			name, args, _ := strings.Cut(code, " ")
			p.code, p.args = strings.ToUpper(name), args
			text = strings.TrimPrefix(after, " ")
		}
	}
	p.text = text
	return p
}
