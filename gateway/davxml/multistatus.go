package davxml

import (
	"io"
	"strconv"
)

// flushAt is how many octets a Multistatus gathers before it writes.
const flushAt = 32 << 10

// prolog opens every answer: the four prefixes that values use. There is no
// default namespace, so that an element without a namespace needs nothing.
const prolog = `<?xml version="1.0" encoding="utf-8"?>` + "\n"

const declarations = ` xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"` +
	` xmlns:CS="http://calendarserver.org/ns/" xmlns:A="http://apple.com/ns/ical/"`

// Multistatus writes a DAV:multistatus (RFC 4918 section 14.16) as a stream.
// Nothing reaches the writer before the first 32 KB are full or Close is
// called, so an early error can still become an answer of its own.
type Multistatus struct {
	w   io.Writer
	b   []byte
	err error
}

// NewMultistatus returns a Multistatus that writes to w.
func NewMultistatus(w io.Writer) *Multistatus {
	m := &Multistatus{w: w, b: make([]byte, 0, flushAt+4<<10)}
	m.b = append(append(append(m.b, prolog+"<D:multistatus"...), declarations...), ">\n"...)
	return m
}

// Response opens a DAV:response. base is written as it is and must be escaped,
// as a URL is that Href made; segment is percent-encoded and may be "".
func (m *Multistatus) Response(base, segment string) {
	m.b = append(m.b, "<D:response><D:href>"...)
	m.b = append(m.b, base...)
	m.b = append(AppendSegment(m.b, segment), "</D:href>"...)
}

// ResponseText opens a DAV:response for a href that is text of the client.
func (m *Multistatus) ResponseText(href string) {
	m.b = append(m.b, "<D:response><D:href>"...)
	m.b = append(AppendText(m.b, href), "</D:href>"...)
}

// Propstat opens a DAV:propstat.
func (m *Multistatus) Propstat() { m.b = append(m.b, "<D:propstat><D:prop>"...) }

// Append lets f append the elements of properties.
func (m *Multistatus) Append(f func([]byte) []byte) { m.b = f(m.b) }

// Raw appends XML that is complete in itself.
func (m *Multistatus) Raw(s string) { m.b = append(m.b, s...) }

// Empty appends an element without content.
func (m *Multistatus) Empty(n Name) { m.b = AppendEmpty(m.b, n) }

// EndPropstat closes a DAV:propstat with its status and, where there are any,
// the preconditions that failed.
func (m *Multistatus) EndPropstat(status int, failed ...Condition) {
	m.b = append(m.b, "</D:prop>"...)
	m.Status(status, failed...)
	m.b = append(m.b, "</D:propstat>"...)
}

// Status appends a DAV:status and, where there are any, the preconditions that
// failed.
func (m *Multistatus) Status(status int, failed ...Condition) {
	m.b = append(m.b, "<D:status>HTTP/1.1 "...)
	m.b = strconv.AppendInt(m.b, int64(status), 10)
	m.b = append(append(m.b, ' '), statusText(status)...)
	m.b = append(m.b, "</D:status>"...)
	if len(failed) > 0 {
		m.b = append(appendConditions(append(m.b, "<D:error>"...), failed), "</D:error>"...)
	}
}

// EndResponse closes a DAV:response and writes what has gathered.
func (m *Multistatus) EndResponse() error {
	m.b = append(m.b, "</D:response>\n"...)
	if len(m.b) >= flushAt {
		m.flush()
	}
	return m.err
}

// SyncToken appends the DAV:sync-token of a sync-collection report
// (RFC 6578 section 6.2).
func (m *Multistatus) SyncToken(token string) {
	m.b = append(AppendText(append(m.b, "<D:sync-token>"...), token), "</D:sync-token>\n"...)
}

// Close ends the answer and writes the rest. It does not close the writer.
func (m *Multistatus) Close() error {
	m.b = append(m.b, "</D:multistatus>\n"...)
	m.flush()
	return m.err
}

func (m *Multistatus) flush() {
	if m.err == nil {
		_, m.err = m.w.Write(m.b)
	}
	m.b = m.b[:0]
}

// statusText is the reason phrase of the statuses that answers hold.
func statusText(status int) string {
	switch status {
	case 200:
		return "OK"
	case 403:
		return "Forbidden"
	case 404:
		return "Not Found"
	case 409:
		return "Conflict"
	case 424:
		return "Failed Dependency"
	case 500:
		return "Internal Server Error"
	case 503:
		return "Service Unavailable"
	case 507:
		return "Insufficient Storage"
	}
	return "Status"
}

// AppendEmpty appends an element without content.
func AppendEmpty(b []byte, n Name) []byte {
	b = append(appendTag(append(b, '<'), n), "/>"...)
	return b
}

// AppendTextElement appends an element that holds text.
func AppendTextElement(b []byte, n Name, text string) []byte {
	b = append(appendTag(append(b, '<'), n), '>')
	b = AppendText(b, text)
	return AppendEnd(b, n)
}

// AppendStart appends a start tag.
func AppendStart(b []byte, n Name) []byte { return append(appendTag(append(b, '<'), n), '>') }

// AppendEnd appends the end tag that belongs to AppendStart.
func AppendEnd(b []byte, n Name) []byte {
	b = append(b, "</"...)
	if p := prefix(n.Space); p != "" {
		b = append(b, p...)
	}
	return append(append(b, n.Local...), '>')
}

func appendTag(b []byte, n Name) []byte {
	p := prefix(n.Space)
	b = append(append(b, p...), n.Local...)
	if p == "X:" {
		b = append(AppendAttribute(append(b, ` xmlns:X="`...), n.Space), '"')
	}
	return b
}

// prefix returns the prefix of a namespace with its colon. X: is for those
// that the root does not declare.
func prefix(space string) string {
	switch space {
	case "":
		return ""
	case DAV:
		return "D:"
	case CalDAV:
		return "C:"
	case CalendarServer:
		return "CS:"
	case AppleICal:
		return "A:"
	case namespaceXML:
		return "xml:"
	}
	return "X:"
}

// unreserved are the octets of a path segment that are not percent-encoded:
// those of RFC 3986 section 2.3, and "@", which clients expect as it is.
var unreserved = func() (u [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@" {
		u[c] = true
	}
	return u
}()

// AppendSegment appends one segment of a path, percent-encoded. The result
// needs no XML escaping.
func AppendSegment(b []byte, segment string) []byte {
	const hex = "0123456789ABCDEF"
	done := 0
	for i := 0; i < len(segment); i++ {
		if c := segment[i]; !unreserved[c] {
			b = append(append(b, segment[done:i]...), '%', hex[c>>4], hex[c&15])
			done = i + 1
		}
	}
	return append(b, segment[done:]...)
}
