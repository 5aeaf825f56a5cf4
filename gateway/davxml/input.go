package davxml

import (
	"bufio"
	"io"

	"golang.org/x/text/encoding/unicode"
)

// input bounds what reaches the XML parser: the size of the body, and that of
// one tag, because the parser holds all attributes of a tag at once.
type input struct {
	r     io.Reader
	left  int
	tag   int  // octets of the tag that is open, 0 outside of tags
	quote byte // the quotation mark that is open inside a tag
	err   error
}

func (in *input) Read(p []byte) (int, error) {
	if in.err != nil {
		return 0, in.err
	}
	n, err := in.r.Read(p)
	if err != nil && err != io.EOF {
		in.err = err
	}
	if n > in.left {
		in.err = &Error{Kind: TooLarge, Reason: "larger than 10 MB"}
		return 0, in.err
	}
	in.left -= n
	if !in.tags(p[:n]) {
		in.err = malformed("a tag is too long")
		return 0, in.err
	}
	return n, err
}

// tags follows the tags in p and says whether none is too long. A comment or
// CDATA section counts as text: its length is bounded by that of the body.
func (in *input) tags(p []byte) bool {
	for _, c := range p {
		switch {
		case in.tag == 0:
			if c == '<' {
				in.tag = 1
			}
			continue
		case in.tag == 1 && c == '!':
			in.tag = 0
			continue
		case in.quote != 0:
			if c == in.quote {
				in.quote = 0
			}
		case c == '"' || c == '\'':
			in.quote = c
		case c == '>':
			in.tag = 0
			continue
		}
		if in.tag++; in.tag > maxTag {
			return false
		}
	}
	return true
}

// decode returns r as UTF-8 without a byte order mark. UTF-16 must be
// understood, too (RFC 4918 section 8.2 with XML 1.0 section 4.3.3).
func decode(r io.Reader) (io.Reader, bool) {
	br := bufio.NewReader(r)
	mark, _ := br.Peek(3)
	switch {
	case len(mark) >= 2 && (mark[0] == 0xFE && mark[1] == 0xFF || mark[0] == 0xFF && mark[1] == 0xFE):
		return unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder().Reader(br), true
	case string(mark) == "\xEF\xBB\xBF":
		br.Discard(3)
	}
	return br, false
}
