package translate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Bounds of a published calendar.
const (
	// MaxFeed is how large it may be, in octets.
	MaxFeed = 64 << 20
	// MaxFeedItems is how many calendar objects may be in it.
	MaxFeedItems = 20_000
	// maxFeedComponents bounds its components, overrides and time zones counted.
	maxFeedComponents = 100_000
	// maxFeedZones bounds the TZIDs that it names.
	maxFeedZones = 10_000
)

// ErrNoCalendar says that octets are no iCalendar at all.
var ErrNoCalendar = errors.New("translate: it does not begin with BEGIN:VCALENDAR")

// ErrTooManyItems says that there are more than MaxFeedItems.
var ErrTooManyItems = errors.New("translate: there are too many calendar objects")

// Upload is a published calendar, divided into calendar objects: one for each
// iCalendar UID, with the VTIMEZONEs that it needs and without METHOD. It keeps the
// octets that it was read from, and no others.
type Upload struct {
	Items []UploadItem
	// Lossy: there was something in it that no object keeps.
	Lossy bool

	raw       []byte
	calendars []uploadCalendar
	parts     []uploadPart                // of all items
	zones     map[string]calendarZone     // the first definition of each TZID, in any of them
	others    map[calendarTZID]octetRange // of a VCALENDAR where it is not that one
}

type calendarZone struct {
	octetRange
	calendar int32
}

type calendarTZID struct {
	calendar int32
	tzid     string
}

// UploadItem is what the index must know of one calendar object of an upload.
// Upload.Octets makes the object itself.
type UploadItem struct {
	UID     string // as in Object
	Summary string
	Span    Span
	Hash    string // of its octets
	Length  int64

	first, n int32 // among Upload.parts
	zones    []octetRange
}

type uploadPart struct {
	start, end int32
	calendar   int32
	addUID     bool // it came without one
}

// uploadCalendar is one VCALENDAR of an upload.
type uploadCalendar struct {
	product, scale octetRange // of the lines PRODID and CALSCALE, empty where there are none
}

// ReadUpload reads a published calendar: one VCALENDAR or several. Errors are
// ErrNoCalendar, ErrTooManyItems, and *ObjectError for what could not be stored: then
// nothing of it should be. raw must stay unchanged.
func ReadUpload(raw []byte) (*Upload, error) {
	if len(raw) > MaxFeed {
		return nil, &ObjectError{"max-resource-size", "the calendar is larger than " + strconv.Itoa(MaxFeed) + " octets"}
	}
	u := &Upload{raw: raw, zones: map[string]calendarZone{}}
	var all uploadComponents
	names := map[string]string{} // one copy of each TZID
	err := scanCalendars(raw, func(c *feedComponent) error {
		if all.n == maxFeedComponents || c.calendar >= MaxFeedItems {
			return ErrTooManyItems
		}
		for i, name := range c.zones {
			if _, ok := names[name]; !ok {
				if len(names) == maxFeedZones {
					return ErrTooManyItems
				}
				names[name] = name
			}
			c.zones[i] = names[name]
		}
		all.add(c)
		return nil
	}, u.property)
	if err != nil {
		return nil, err
	}
	if err := u.group(&all); err != nil {
		return nil, err
	}
	r := &itemReader{hashes: make([][sha256.Size]byte, 0, len(u.Items))}
	for i := range u.Items {
		if err := u.finish(i, r); err != nil {
			return nil, err
		}
	}
	for i := range u.Items {
		u.Items[i].Hash = hex.EncodeToString(r.hashes[i][:])
	}
	return u, nil
}

// calendar is the VCALENDAR with a number.
func (u *Upload) calendar(n int) *uploadCalendar {
	for len(u.calendars) <= n {
		u.calendars = append(u.calendars, uploadCalendar{})
	}
	return &u.calendars[n]
}

// property keeps of a VCALENDAR who made it, and the calendar that its dates are of.
func (u *Upload) property(n int, l *Line) error {
	switch {
	case n >= MaxFeedItems:
		return ErrTooManyItems
	case l.Is("PRODID"):
		u.calendar(n).product = octetRange{l.Start, l.End}
	case l.Is("CALSCALE"):
		u.calendar(n).scale = octetRange{l.Start, l.End}
	case l.Is("VERSION"):
		if !slices.Contains(strings.Split(string(trimBlank(l.Value())), ";"), "2.0") {
			return &ObjectError{"supported-calendar-data", "its VERSION is not 2.0"}
		}
	}
	return nil
}

// itemReader is room to read the items one after the other.
type itemReader struct {
	object  Object
	reader  objectReader
	scratch []byte
	hashes  [][sha256.Size]byte
}

// finish checks an item and learns what the index must know of it.
func (u *Upload) finish(i int, r *itemReader) error {
	item := &u.Items[i]
	r.reader.expected = item.UID
	r.scratch = u.appendItem(slices.Grow(r.scratch[:0], u.room(item)), item)
	if err := r.reader.read(&r.object, r.scratch); err != nil {
		var bad *ObjectError
		if errors.As(err, &bad) {
			err = &ObjectError{bad.Precondition, "calendar object " + strconv.Itoa(i+1) + ": " + bad.Reason}
		}
		return err
	}
	o := &r.object
	r.hashes, item.Length = append(r.hashes, sha256.Sum256(r.scratch)), int64(len(r.scratch))
	item.UID, item.Summary, item.Span = o.UID, o.Summary, o.Span
	return nil
}

// Octets are an item as it is stored.
func (u *Upload) Octets(i int) []byte {
	return u.appendItem(make([]byte, 0, u.Items[i].Length), &u.Items[i])
}

// Same tells whether stored octets say what an item says: a program that publishes
// what it has read wraps it anew.
func (u *Upload) Same(i int, stored []byte) bool {
	key := contentKey(stored)
	return key != "" && key == contentKey(u.Octets(i))
}

func (u *Upload) appendItem(b []byte, item *UploadItem) []byte {
	b = appendLine(b, "BEGIN:VCALENDAR")
	b = appendLine(b, "VERSION:2.0")
	c := u.calendar(int(u.partsOf(item)[0].calendar))
	if c.product == (octetRange{}) {
		b = appendLine(b, "PRODID:"+productID)
	}
	b = appendClean(b, u.raw[c.product.start:c.product.end])
	b = appendClean(b, u.raw[c.scale.start:c.scale.end])
	for _, z := range item.zones {
		b = appendClean(b, u.raw[z.start:z.end])
	}
	for _, p := range u.partsOf(item) {
		part := u.raw[p.start:p.end]
		if p.addUID {
			begin := lineLength(part)
			b = appendClean(b, part[:begin])
			b = appendLine(append(b, "UID:"...), item.UID)
			part = part[begin:]
		}
		b = appendClean(b, part)
	}
	return appendLine(b, "END:VCALENDAR")
}

// room is about how long an item is.
func (u *Upload) room(item *UploadItem) int {
	n := 4 * foldedLine
	for _, z := range item.zones {
		n += z.end - z.start + bytes.Count(u.raw[z.start:z.end], crlf[1:])
	}
	for _, p := range u.partsOf(item) {
		n += int(p.end-p.start) + bytes.Count(u.raw[p.start:p.end], crlf[1:])
	}
	return n
}

// lineLength is how long the first content line is, folds and its end included.
func lineLength(text []byte) int {
	for end := 0; ; {
		i := bytes.IndexByte(text[end:], '\n')
		if i < 0 {
			return len(text)
		}
		if end += i + 1; end == len(text) || text[end] != ' ' && text[end] != '\t' {
			return end
		}
	}
}

func (u *Upload) partsOf(item *UploadItem) []uploadPart {
	return u.parts[item.first : item.first+item.n]
}

// octetRange is where something lies in a text.
type octetRange struct{ start, end int }
