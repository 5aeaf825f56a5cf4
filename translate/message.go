package translate

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"mime/quotedprintable"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

var crlf = []byte("\r\n")

// maxTextLine is how long a line of a message may be, without its CRLF (RFC 5322
// section 2.1.1).
const maxTextLine = 998

// base64Line is how long a line of base64 is (RFC 2045 section 6.8).
const base64Line = 76

// maxSubject is how much of a summary goes into Subject, in octets.
const maxSubject = 255

// Envelope is what a version says to mail programs.
type Envelope struct {
	From      string    // address of the account, or the bare login
	Date      time.Time // when it is written
	Summary   string    // SUMMARY of the object
	Component string    // VEVENT, VTODO, …; puts only
}

// Message writes the RFC 5322 message of a version, every line ended by CRLF.
// A tombstone has no body of its own.
func Message(r Record, e Envelope, body []byte) []byte {
	text, subject := "text/plain; charset=utf-8", e.Summary
	switch r.Op {
	case OpPut:
		text = "text/calendar; charset=utf-8"
		if isMIMEToken(e.Component) {
			text += "; component=" + e.Component
		}
	case OpDelete:
		subject = "Deleted: " + e.Summary
		body = []byte("This calendar object was deleted.\r\n")
	}
	plain := isCleanText(body)
	size := len(body)
	if !plain {
		size = base64.StdEncoding.EncodedLen(size)
		size += 2 * (size/base64Line + 1)
	}
	b := make([]byte, 0, 2048+size)
	b = appendField(b, "From", formatFrom(e.From))
	b = appendField(b, "Date", e.Date.UTC().Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	b = appendField(b, "Subject", encodeSubject(subject))
	b = appendField(b, "Message-ID", "<"+string(r.Token)+"@calgate.invalid>")
	b = appendFields(b, r)
	b = appendField(b, "MIME-Version", "1.0")
	b = appendField(b, "Content-Type", text)
	if r.Op == OpPut {
		b = appendField(b, "Content-Disposition", "attachment; "+filename(r.Name))
	}
	if plain {
		b = appendField(b, "Content-Transfer-Encoding", "8bit")
		b = append(b, crlf...)
		return append(b, body...)
	}
	b = appendField(b, "Content-Transfer-Encoding", "base64")
	b = append(b, crlf...)
	return appendBase64(b, body)
}

// appendFields writes the X-Calgate fields of a version.
func appendFields(b []byte, r Record) []byte {
	number := func(name string, n uint64) {
		b = appendField(b, name, strconv.FormatUint(n, 10))
	}
	name := r.Name
	if r.Op == OpProps {
		name = storedName(name)
	}
	b = appendField(b, "X-Calgate-Op", r.Op.String()+"; v=1")
	b = appendField(b, "X-Calgate-Name", PercentEncode(name))
	b = appendField(b, "X-Calgate-UID", PercentEncode(r.ICalUID))
	number("X-Calgate-Folder", uint64(r.Folder))
	b = appendField(b, "X-Calgate-Life", string(r.Life))
	number("X-Calgate-Gen", uint64(r.Gen))
	number("X-Calgate-Base", uint64(r.Base))
	number("X-Calgate-Asof", uint64(r.Asof))
	b = appendField(b, "X-Calgate-Prev", formatPrev(r.Prev))
	b = appendField(b, "X-Calgate-Token", string(r.Token))
	if r.Op != OpDelete {
		b = appendField(b, "X-Calgate-Hash", r.Hash)
		number("X-Calgate-Length", uint64(r.Length))
	}
	if r.Op == OpPut {
		b = appendField(b, "X-Calgate-Span", r.Span.String())
	}
	if r.MovedFrom != "" {
		b = appendField(b, "X-Calgate-Moved-From", r.MovedFrom)
	}
	if r.MailboxID != "" {
		b = appendField(b, "X-Calgate-MailboxID", PercentEncode(r.MailboxID))
	}
	return b
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, crlf...)
}

func formatPrev(prev []Predecessor) string {
	if len(prev) == 0 {
		return "-"
	}
	var b []byte
	for i, p := range prev {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendUint(b, uint64(p.UID), 10)
		b = append(b, '.')
		if p.Token == "" {
			b = append(b, '-')
		}
		b = append(b, p.Token...)
	}
	return string(b)
}

// isCleanText says whether a body may stand as 8bit (RFC 2045 section 2.8) and
// come back octet for octet: complete lines, each ended by CRLF, none too long,
// no NUL, CR or LF elsewhere.
func isCleanText(body []byte) bool {
	for len(body) > 0 {
		i := bytes.IndexByte(body, '\n')
		if i < 1 || body[i-1] != '\r' || i-1 > maxTextLine {
			return false
		}
		if line := body[:i-1]; bytes.IndexByte(line, '\r') >= 0 || bytes.IndexByte(line, 0) >= 0 {
			return false
		}
		body = body[i+1:]
	}
	return true
}

func appendBase64(b, body []byte) []byte {
	const octets = base64Line / 4 * 3
	for len(body) > 0 {
		n := min(octets, len(body))
		b = base64.StdEncoding.AppendEncode(b, body[:n])
		b = append(b, crlf...)
		body = body[n:]
	}
	return b
}

// formatFrom is the account's address, or the bare login under a domain that
// never exists (RFC 6761 section 6.4). Octets that an address cannot hold are
// written as =XX.
func formatFrom(account string) string {
	local, domain := account, "invalid"
	if i := strings.LastIndexByte(account, '@'); i >= 0 {
		local, domain = account[:i], account[i+1:]
	}
	var b strings.Builder
	b.WriteByte('<')
	for i := 0; i < len(local) && i < maxLocal; i++ {
		c := local[i]
		dot := c == '.' && i > 0 && i < len(local)-1 && local[i-1] != '.'
		if dot || c != '.' && c != '=' && isAtomOctet(c) {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'=', upperHex[c>>4], upperHex[c&15]})
		}
	}
	if local == "" {
		b.WriteString("unknown")
	}
	b.WriteByte('@')
	for i := 0; i < len(domain); i++ {
		if c := domain[i]; c != '-' && c != '.' && (!unreserved(c) || c == '_' || c == '~') {
			domain = "invalid"
		}
	}
	if domain == "" || len(domain) > MaxName || strings.HasPrefix(domain, ".") || strings.HasSuffix(domain, ".") || strings.Contains(domain, "..") {
		domain = "invalid"
	}
	b.WriteString(domain)
	b.WriteByte('>')
	return b.String()
}

// maxLocal keeps the line of From below its limit, escapes counted.
const maxLocal = 128

// isAtomOctet is atext of RFC 5322 section 3.2.3.
func isAtomOctet(c byte) bool {
	return unreserved(c) && c != '.' || strings.IndexByte("!#$%&'*+/=?^_`{|}~", c) >= 0
}

// isMIMEToken is a token of RFC 2045 section 5.1 that a component name can be.
func isMIMEToken(s string) bool {
	for i := 0; i < len(s); i++ {
		if !unreserved(s[i]) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// encodeSubject writes a summary as ASCII, in encoded words where it has to be
// (RFC 2047 section 5).
func encodeSubject(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	plain := !strings.Contains(s, "=?")
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < 0x20 || 0x7f <= r && r < 0xa0 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		plain = plain && r < 0x80
		return r
	}, s))
	if len(s) > maxSubject {
		n := maxSubject
		for !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	if plain {
		return s
	}
	const octets = 45 // an encoded word has at most 75 octets, 12 of them not text
	var b strings.Builder
	for s != "" {
		n := min(octets, len(s))
		for n < len(s) && !utf8.RuneStart(s[n]) {
			n--
		}
		if b.Len() > 0 {
			b.WriteString("\r\n ")
		}
		b.WriteString("=?utf-8?B?" + base64.StdEncoding.EncodeToString([]byte(s[:n])) + "?=")
		s = s[n:]
	}
	return b.String()
}

// filename is the parameter of Content-Disposition (RFC 2183 section 2.3), in
// the form of RFC 2231 section 4 where the name is not plain.
func filename(name string) string {
	for i := 0; i < len(name); i++ {
		if c := name[i]; !unreserved(c) && c != ' ' && c != '@' && c != '+' {
			return "filename*=utf-8''" + PercentEncode(name)
		}
	}
	return `filename="` + name + `"`
}

// ErrBody says that the body of a message is not the one its fields name.
var ErrBody = errors.New("translate: the body does not match X-Calgate-Hash and X-Calgate-Length")

// Body returns the octets of a version from its whole message. A final CRLF that
// a server added is cut. Where the body is not what the fields say, it comes all
// the same, with ErrBody.
func (r *Record) Body(message []byte) ([]byte, error) {
	body, err := ReadBody(message)
	if err != nil {
		return nil, err
	}
	if n := int64(len(body)); n > r.Length && len(bytes.Trim(body[r.Length:], "\r\n")) == 0 {
		body = body[:r.Length]
	}
	sum := sha256.Sum256(body)
	if int64(len(body)) != r.Length || hex.EncodeToString(sum[:]) != r.Hash {
		return body, ErrBody
	}
	return body, nil
}

// errHeader says that a message has no end of its header.
var errHeader = errors.New("translate: the message has no body")

// ReadBody returns the octets of a message in our format, whichever transfer
// encoding a server or a copying tool gave it.
func ReadBody(message []byte) ([]byte, error) {
	encoding := ""
	for {
		i := bytes.IndexByte(message, '\n')
		if i < 0 {
			return nil, errHeader
		}
		line := bytes.TrimSuffix(message[:i], crlf[:1])
		message = message[i+1:]
		if len(line) == 0 {
			break
		}
		if encoding == "" && hasField(line, "content-transfer-encoding") {
			_, value, _ := bytes.Cut(line, []byte(":"))
			encoding = strings.ToLower(strings.Trim(string(value), " \t"))
		}
	}
	switch encoding {
	case "base64":
		return decodeBase64(message)
	case "quoted-printable":
		return io.ReadAll(quotedprintable.NewReader(bytes.NewReader(message)))
	}
	return message, nil
}

// decodeBase64 ignores what is not of the alphabet of base64, as RFC 2045
// section 6.8 asks.
func decodeBase64(b []byte) ([]byte, error) {
	clean := make([]byte, 0, len(b))
	for _, c := range b {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '+' || c == '/' || c == '=' {
			clean = append(clean, c)
		}
	}
	n, err := base64.StdEncoding.Decode(clean, clean)
	return clean[:n], err
}
