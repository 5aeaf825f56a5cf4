package davxml

import (
	"io"
	"net/http"
	"strconv"
)

// flushAt is how many octets a Multistatus gathers before it writes.
const flushAt = 32 << 10

// maxBuffer is how large a buffer is kept after an object that filled it.
const maxBuffer = 1 << 20

// prolog opens every answer: the four prefixes that values use. There is no
// default namespace, so that an element without a namespace needs nothing.
const prolog = `<?xml version="1.0" encoding="utf-8"?>` + "\n"

const declarations = ` xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"` +
	` xmlns:CS="http://calendarserver.org/ns/" xmlns:A="http://apple.com/ns/ical/"`

// Multistatus writes a DAV:multistatus (RFC 4918 section 14.16) as a stream.
// Nothing reaches the writer before the first 32 KB are full or Close is
// called, so an early error can still become an answer of its own.
type Multistatus struct {
	// Begin, if not nil, is called before the first write, with the length of
	// the whole answer where it is known by then, else -1.
	Begin func(length int)

	w     io.Writer
	root  string
	b     []byte
	begun bool
	err   error
}

// NewMultistatus returns a Multistatus that writes to w.
func NewMultistatus(w io.Writer) *Multistatus {
	return NewPropstats(w, Name{Space: DAV, Local: "multistatus"})
}

// NewPropstats returns a Multistatus whose root is another element that holds
// DAV:propstat elements, as DAV:mkcol-response does (RFC 5689 section 5.2).
func NewPropstats(w io.Writer, root Name) *Multistatus {
	m := &Multistatus{w: w, b: make([]byte, 0, flushAt+4<<10), root: prefix(root.Space) + root.Local}
	m.b = append(append(m.b, prolog+"<"...), m.root...)
	m.b = append(append(m.b, declarations...), ">\n"...)
	return m
}

// Response opens a DAV:response. base is a URL escaped by EscapeHref; segment is
// percent-encoded here and may be "".
func (m *Multistatus) Response(base, segment string) {
	m.b = append(m.b, "<D:response><D:href>"...)
	m.b = append(m.b, base...)
	m.b = append(AppendSegment(m.b, segment), "</D:href>"...)
}

// EscapeHref escapes a URL for Response: once for all members of a collection.
func EscapeHref(href string) string { return string(AppendText(nil, href)) }

// ResponseText opens a DAV:response for a href that is text of the client.
func (m *Multistatus) ResponseText(href string) {
	m.b = append(m.b, "<D:response><D:href>"...)
	m.b = append(AppendText(m.b, href), "</D:href>"...)
}

// Propstat opens a DAV:propstat.
func (m *Multistatus) Propstat() { m.b = append(m.b, "<D:propstat><D:prop>"...) }

// Append lets f append the elements of properties.
func (m *Multistatus) Append(f func([]byte) []byte) { m.b = f(m.b) }

// Mark is where the answer stands now, for Truncate.
func (m *Multistatus) Mark() int { return len(m.b) }

// Truncate takes back what was appended since a Mark in the same DAV:response.
func (m *Multistatus) Truncate(mark int) { m.b = m.b[:mark] }

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
	m.b = AppendStatus(m.b, status)
	if len(failed) > 0 {
		m.b = append(appendConditions(append(m.b, "<D:error>"...), failed), "</D:error>"...)
	}
}

// EndResponse closes a DAV:response and writes what has gathered.
func (m *Multistatus) EndResponse() error {
	m.b = append(m.b, "</D:response>\n"...)
	if len(m.b) >= flushAt {
		m.flush(-1)
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
	m.b = append(append(append(m.b, "</"...), m.root...), ">\n"...)
	m.flush(len(m.b))
	return m.err
}

func (m *Multistatus) flush(length int) {
	if !m.begun && m.Begin != nil {
		m.Begin(length)
	}
	m.begun = true
	if m.err == nil {
		_, m.err = m.w.Write(m.b)
	}
	if m.b = m.b[:0]; cap(m.b) > maxBuffer {
		m.b = make([]byte, 0, flushAt+4<<10)
	}
}

// AppendPropstat appends a DAV:propstat around the elements of properties.
func AppendPropstat(b, elements []byte, status int) []byte {
	b = append(append(append(b, "<D:propstat><D:prop>"...), elements...), "</D:prop>"...)
	return append(AppendStatus(b, status), "</D:propstat>"...)
}

// AppendStatus appends a DAV:status.
func AppendStatus(b []byte, status int) []byte {
	return append(append(append(b, "<D:status>"...), statusLine(status)...), "</D:status>"...)
}

// statusLine is the content of DAV:status (RFC 4918 section 14.28).
func statusLine(status int) string {
	switch status {
	case http.StatusOK:
		return "HTTP/1.1 200 OK"
	case http.StatusNotFound:
		return "HTTP/1.1 404 Not Found"
	}
	return "HTTP/1.1 " + strconv.Itoa(status) + " " + http.StatusText(status)
}

// unescaped are the octets of a path segment that stand for themselves: those
// that RFC 3986 section 3.3 allows, but for "&" and "'", which XML would escape.
var unescaped = func() (u [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@:!$()*+,;=" {
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
		if c := segment[i]; !unescaped[c] {
			b = append(append(b, segment[done:i]...), '%', hex[c>>4], hex[c&15])
			done = i + 1
		}
	}
	return append(b, segment[done:]...)
}
