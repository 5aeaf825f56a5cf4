package translate

import "errors"

// Object is a calendar object resource as RFC 4791 section 4.1 defines it.
type Object struct {
	Raw       []byte // octets as received; never rewritten
	UID       string // iCalendar UID as written, of any length
	Component string // VEVENT, VTODO, VJOURNAL or VFREEBUSY
	Summary   string // one line of valid UTF-8 without controls, "" when none
	Sequence  uint32
	DTStamp   string // as "20261125T090000Z", "" when absent or unreadable
	Span      Span
}

// ObjectError says why octets are no calendar object resource.
type ObjectError struct {
	Precondition string // element name in the CalDAV namespace, RFC 4791 section 5.3.2.1
	Reason       string // for the reader; holds nothing of the data
}

func (e *ObjectError) Error() string { return "calendar object: " + e.Precondition + ": " + e.Reason }

// ParseObject reads a calendar object resource; its error is an *ObjectError.
func ParseObject(raw []byte) (*Object, error) { return nil, errors.New("not built") }

// StoredUID is the form in which an iCalendar UID is stored and compared.
func StoredUID(uid string) string { return uid }
