package translate

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
)

// Messages of other programs: an invitation that was moved in, what Kolab, Cyrus
// or CommuniGate Pro stored, a version of ours that came by mail.

// MaxForeign is the largest message, in octets, in which iCalendar is looked for:
// an object of MaxObject in base64, and something beside it.
const MaxForeign = MaxObject/3*4 + 2<<20

// Bounds on the MIME structure (RFC 2046) of one message.
const (
	maxMIMEDepth = 8
	maxMIMEParts = 100
)

// Foreign is the calendar object in a message of another program.
type Foreign struct {
	// Object is as it is shown: UTF-8, without METHOD, and with a UID made of
	// the content where it had none.
	Object *Object
	// Name is a filename that ends in .ics, "" where there is none.
	Name string
	// Mixed: the message holds more than the object.
	Mixed bool
}

// ErrMail says that a message holds no iCalendar.
var ErrMail = errors.New("translate: the message holds no iCalendar")

// ReadForeign finds the calendar object in a message of another program. The error
// is ErrMail where there is none, and an *ObjectError where there is something
// that is no calendar object resource.
func ReadForeign(message []byte) (*Foreign, error) {
	if len(message) > MaxForeign {
		return nil, ErrMail
	}
	m, err := mail.ReadMessage(bytes.NewReader(message))
	if err != nil {
		return nil, ErrMail
	}
	w := mimeWalk{left: maxMIMEParts, whole: len(message)}
	w.entity(textproto.MIMEHeader(m.Header), m.Body, 0)
	if w.best == nil {
		return nil, ErrMail
	}
	raw := presentable(toUTF8(w.best.octets, w.best.charset))
	o, err := ParseObject(raw)
	if err != nil {
		return nil, err
	}
	return &Foreign{Object: o, Name: w.best.name, Mixed: w.best.depth > 0}, nil
}

// Open takes what a message says that has none of our fields: it makes the record
// one of a foreign object, or leaves it mail. The error says why a calendar object
// cannot be read.
func (r *Record) Open(message []byte) error {
	r.Opened, r.Unopened = true, false
	f, err := ReadForeign(message)
	if errors.Is(err, ErrMail) && !r.Unreadable {
		return nil
	}
	if r.Unreadable = err != nil; err != nil {
		return err
	}
	r.Foreign, r.Op, r.Mixed = true, OpPut, f.Mixed
	r.ICalUID, r.Sequence, r.DTStamp, r.Span = StoredUID(f.Object.UID), f.Object.Sequence, f.Object.DTStamp, f.Object.Span
	r.Hash, r.Length = Hash(f.Object.Raw), int64(len(f.Object.Raw))
	if nameable(f.Name) {
		r.Name = f.Name
	}
	return nil
}

// Shown returns the octets of an object as clients get them, from its whole
// message: of a version of ours those that were stored, else those of ReadForeign.
func (r *Record) Shown(message []byte) ([]byte, error) {
	if !r.Foreign {
		return r.Body(message)
	}
	f, err := ReadForeign(message)
	if err != nil {
		return nil, err
	}
	return f.Object.Raw, nil
}

// mimeWalk looks for the part that is the object: the first text/calendar, else the
// first application/ics, else the first part with a name that ends in .ics.
type mimeWalk struct {
	left  int
	whole int // octets of the message
	best  *mimePart
}

type mimePart struct {
	octets  []byte
	charset string // as declared, "" where it is not
	name    string
	rank    int
	depth   int
}

func (w *mimeWalk) entity(header textproto.MIMEHeader, body io.Reader, depth int) {
	if w.left--; w.left < 0 || depth > maxMIMEDepth {
		return
	}
	kind, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		kind = "text/plain" // RFC 2045 section 5.2
	}
	if strings.HasPrefix(kind, "multipart/") && params["boundary"] != "" {
		parts := multipart.NewReader(body, params["boundary"])
		for w.left > 0 {
			p, err := parts.NextRawPart()
			if err != nil {
				return
			}
			w.entity(p.Header, p, depth+1)
		}
		return
	}
	part := mimePart{charset: params["charset"], name: params["name"], depth: depth}
	if _, disposition, err := mime.ParseMediaType(header.Get("Content-Disposition")); err == nil && disposition["filename"] != "" {
		part.name = disposition["filename"]
	}
	if !isICSName(part.name) {
		part.name = ""
	}
	switch {
	case kind == "text/calendar":
		part.rank = 3
	case kind == "application/ics":
		part.rank = 2
	case part.name != "":
		part.rank = 1
	}
	if part.rank == 0 || w.best != nil && w.best.rank >= part.rank {
		return
	}
	room := 0
	if depth == 0 { // all of it is the part
		room = w.whole
	}
	octets, err := decodeTransfer(header.Get("Content-Transfer-Encoding"), body, room)
	if err == nil && len(octets) <= MaxObject && hasCalendar(octets) {
		part.octets = octets
		w.best = &part
	}
}

func isICSName(s string) bool {
	return len(s) > len(".ics") && strings.EqualFold(s[len(s)-len(".ics"):], ".ics")
}

// hasCalendar tells iCalendar from what is only called so.
func hasCalendar(octets []byte) bool {
	return bytes.Contains(bytes.ToUpper(octets[:min(len(octets), 4096)]), []byte("BEGIN:VCALENDAR"))
}

// decodeTransfer undoes a Content-Transfer-Encoding (RFC 2045 section 6); what is
// decoded before an error is kept, as mail programs show it too. room is how long it may be,
// 0 where that is not known.
func decodeTransfer(encoding string, body io.Reader, room int) ([]byte, error) {
	all := func(body io.Reader) ([]byte, error) {
		var b bytes.Buffer
		b.Grow(room + bytes.MinRead)
		_, err := b.ReadFrom(io.LimitReader(body, MaxForeign))
		return b.Bytes(), err
	}
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		raw, err := all(body)
		if err != nil {
			return nil, err
		}
		out, err := decodeBase64(raw)
		if len(out) > 0 && errors.As(err, new(base64.CorruptInputError)) {
			err = nil
		}
		return out, err
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	return all(body)
}

// toUTF8 converts text of a declared charset. What is not in it, or in none that
// is known, is taken for windows-1252, in which every octet means something.
func toUTF8(text []byte, charset string) []byte {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	name := strings.ToLower(charset)
	if enc, err := htmlindex.Get(name); err == nil && name != "utf-8" && name != "utf8" {
		if out, err := enc.NewDecoder().Bytes(text); err == nil {
			return out
		}
	}
	if utf8.Valid(text) {
		return text
	}
	out, err := charmap.Windows1252.NewDecoder().Bytes(text)
	if err != nil {
		return bytes.ToValidUTF8(text, []byte("\ufffd"))
	}
	return out
}

// presentable is the text of an object by another program as clients may have it:
// without METHOD (RFC 4791 section 4.1), without the characters that XML cannot
// hold, and with a UID.
func presentable(text []byte) []byte {
	text = withoutMethod(harmless(text))
	components, identified := 0, false // that lack a UID
	eachUID(text, func(begin *Line) { components++ }, func() { identified = true })
	if identified || components == 0 {
		return text
	}
	line := "UID:" + contentUID(text) + "\r\n"
	with, from := make([]byte, 0, len(text)+components*len(line)), 0
	eachUID(text, func(begin *Line) {
		with, from = append(append(with, text[from:begin.End]...), line...), begin.End
	}, func() {})
	return append(with, text[from:]...)
}

// eachUID calls begin with the BEGIN of each component that should have a UID, and uid where
// one has.
func eachUID(text []byte, begin func(*Line), uid func()) {
	depth := 0
	for s := NewScanner(text); s.Next(); {
		l := &s.Line
		switch {
		case l.Is("BEGIN"):
			if depth++; depth == 2 && mainComponent(l.Value()) != "" {
				begin(l)
			}
		case l.Is("END"):
			depth--
		case l.Is("UID") && depth == 2 && len(bytes.TrimSpace(l.Value())) > 0:
			uid()
		}
	}
}

// withoutMethod leaves out METHOD.
func withoutMethod(text []byte) []byte {
	var out []byte
	from, depth := 0, 0
	for s := NewScanner(text); s.Next(); {
		l := &s.Line
		switch {
		case l.Is("BEGIN"):
			depth++
		case l.Is("END"):
			depth--
		case l.Is("METHOD") && depth == 1:
			if out == nil {
				out = make([]byte, 0, len(text))
			}
			out, from = append(out, text[from:l.Start]...), l.End
		}
	}
	if out == nil {
		return text
	}
	return append(out, text[from:]...)
}

// contentUID is the iCalendar UID of an object that has none: the same for the
// same content, on every gateway and in every folder.
func contentUID(octets []byte) string {
	sum := sha256.Sum256(octets)
	return "calgate-" + hex.EncodeToString(sum[:16])
}

// harmless leaves out what no iCalendar text may hold (RFC 5545 section 3.1,
// CONTROL), and what XML cannot (XML 1.0 section 2.2).
func harmless(text []byte) []byte {
	clean := func(r rune) rune {
		switch {
		case r == '\t' || r == '\r' || r == '\n':
			return r
		case r < ' ' || r == 0x7f || r == 0xfffe || r == 0xffff:
			return -1
		}
		return r
	}
	if bytes.ContainsFunc(text, func(r rune) bool { return clean(r) != r }) || !utf8.Valid(text) {
		text = bytes.Map(clean, text)
	}
	ends := bytes.Count(text, []byte("\r\n"))
	if crs := bytes.Count(text, []byte("\r")); crs == 0 || crs == ends && bytes.Count(text, []byte("\n")) == ends {
		return text
	}
	// A CR that ends no line goes, and all lines end alike.
	out := make([]byte, 0, len(text)+bytes.Count(text, []byte("\n")))
	for _, c := range text {
		switch c {
		case '\r':
		case '\n':
			out = append(out, crlf...)
		default:
			out = append(out, c)
		}
	}
	return out
}
