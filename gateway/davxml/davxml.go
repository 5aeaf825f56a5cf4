// Package davxml reads and writes the XML of WebDAV and CalDAV: bounded
// decoders for request bodies, and writers for DAV:multistatus and DAV:error
// that append to a buffer and stream.
package davxml

import (
	"encoding/xml"
	"fmt"
)

// Namespaces of the elements that calgate knows.
const (
	DAV            = "DAV:"
	CalDAV         = "urn:ietf:params:xml:ns:caldav"
	CalendarServer = "http://calendarserver.org/ns/"
	AppleICal      = "http://apple.com/ns/ical/"
)

// namespaceXML is what the prefix xml is bound to everywhere
// (Namespaces in XML 1.0 section 3).
const namespaceXML = "http://www.w3.org/XML/1998/namespace"

// Name is an expanded name: namespace and local part.
type Name = xml.Name

// Limits of a request body. A client that stays below the number of hrefs of a
// calendar-multiget never meets the others.
const (
	// MaxBody is the size of an XML body, in octets, after any Content-Encoding.
	MaxBody = 10 << 20
	// MaxDepth is how deep elements may nest.
	MaxDepth = 32
	// MaxHrefs is the number of DAV:href elements in a calendar-multiget.
	MaxHrefs = 10_000
	// MaxElements is the number of elements in a body.
	MaxElements = 100_000
	// MaxProperties is the number of properties asked for or changed.
	MaxProperties = 1_000
	// MaxSearches is the number of DAV:property-search elements in a
	// DAV:principal-property-search, and of the properties in one of them. Each
	// may cost a question to the mail server.
	MaxSearches = 20
	// maxTag is the size of one tag with its attributes, in octets.
	maxTag = 64 << 10
	// maxAttributes is the number of attributes of one element.
	maxAttributes = 128
	// maxBindings is the number of namespace declarations in scope.
	maxBindings = 128
)

// Kind says which status a request body deserves.
type Kind uint8

// The kinds of Error.
const (
	// Malformed is XML that is ill-formed, has a DTD, or does not follow the
	// grammar of its method: 400 (RFC 4918 section 8.2).
	Malformed Kind = iota + 1
	// TooLarge is a body above MaxBody: 413.
	TooLarge
	// TooMany is a multiget above MaxHrefs, a search above MaxSearches or a
	// DAV:expand-property above MaxProperties: 403 with
	// DAV:number-of-matches-within-limits.
	TooMany
	// BadFilter is a CALDAV:filter that breaks its grammar: 403 with
	// CALDAV:valid-filter (RFC 4791 section 7.8).
	BadFilter
)

// Error is a request body that cannot be used. Errors of the underlying reader
// are returned as they are.
type Error struct {
	Kind   Kind
	Reason string // safe to show to the client
}

func (e *Error) Error() string { return "xml body: " + e.Reason }

func malformed(format string, args ...any) error {
	return &Error{Kind: Malformed, Reason: fmt.Sprintf(format, args...)}
}
