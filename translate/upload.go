package translate

import (
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
	zones     map[string]octetRange // the first definition of each TZID, in any of them
}

// UploadItem is what the index must know of one calendar object of an upload.
// Upload.Octets makes the object itself.
type UploadItem struct {
	UID     string // as in Object
	Summary string
	Span    Span
	Hash    string // of its octets
	Length  int64

	parts []uploadPart
	zones []octetRange
}

type uploadPart struct {
	octetRange
	calendar int
	addUID   bool // it came without one
}

// uploadCalendar is one VCALENDAR of an upload.
type uploadCalendar struct {
	product, scale octetRange // of the lines PRODID and CALSCALE, empty where there are none
	zones          map[string]octetRange
}

// ReadUpload reads a published calendar: one VCALENDAR or several. Errors are
// ErrNoCalendar, ErrTooManyItems, and *ObjectError for what could not be stored: then
// nothing of it should be. raw must stay unchanged.
func ReadUpload(raw []byte) (*Upload, error) {
	u := &Upload{raw: raw, zones: map[string]octetRange{}}
	var all []feedComponent
	names := map[string]string{} // one copy of each TZID
	err := scanCalendars(raw, func(c feedComponent) error {
		if len(all) == maxFeedComponents || c.calendar >= MaxFeedItems {
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
		all = append(all, c)
		return nil
	}, u.property)
	if err != nil {
		return nil, err
	}
	if err := u.group(all); err != nil {
		return nil, err
	}
	var scratch []byte
	for i := range u.Items {
		if scratch, err = u.finish(i, scratch); err != nil {
			return nil, err
		}
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

// define finds the definitions of time zones. Of two in one VCALENDAR the first counts.
func (u *Upload) define(all []feedComponent) {
	for _, c := range all {
		if c.kind != "VTIMEZONE" || c.tzid == "" {
			continue
		}
		at := octetRange{c.start, c.end}
		if _, ok := u.zones[c.tzid]; !ok {
			u.zones[c.tzid] = at
		}
		own := u.calendar(c.calendar)
		if own.zones == nil {
			own.zones = map[string]octetRange{}
		}
		if _, ok := own.zones[c.tzid]; !ok {
			own.zones[c.tzid] = at
		}
	}
}

// group sorts the components by iCalendar UID. What stands twice in it, as
// concatenated exports have it, counts once.
func (u *Upload) group(all []feedComponent) error {
	u.define(all)
	u.Items = make([]UploadItem, 0, min(len(all), MaxFeedItems))
	at := map[string]int{} // stored UID -> item
	seen := map[[sha256.Size]byte]bool{}
	named := map[string]map[string]octetRange{} // stored UID -> its time zones
	var scratch []byte
	for _, c := range all {
		if mainComponent([]byte(c.kind)) == "" {
			u.Lossy = u.Lossy || c.kind != "VTIMEZONE"
			continue
		}
		scratch = appendClean(scratch[:0], u.raw[c.start:c.end])
		sum := sha256.Sum256(scratch)
		if seen[sum] {
			continue
		}
		seen[sum] = true
		p := uploadPart{octetRange: octetRange{c.start, c.end}, calendar: c.calendar}
		if strings.TrimSpace(c.uid) == "" {
			// The same at each upload, so that the object is the same one.
			c.uid, p.addUID = hex.EncodeToString(sum[:16]), true
		}
		uid := StoredUID(c.uid)
		i, ok := at[uid]
		if !ok {
			if len(u.Items) == MaxFeedItems {
				return ErrTooManyItems
			}
			i = len(u.Items)
			at[uid] = i
			u.Items = append(u.Items, UploadItem{UID: c.uid})
		}
		u.Items[i].parts = append(u.Items[i].parts, p)
		if len(c.zones) == 0 {
			continue
		}
		if named[uid] == nil {
			named[uid] = map[string]octetRange{}
		}
		if err := u.takeZones(&u.Items[i], named[uid], c); err != nil {
			return err
		}
	}
	return nil
}

// takeZones copies the VTIMEZONEs that a component names into its item: those of its
// own VCALENDAR, else of another one. A name that none defines is one of the IANA's.
func (u *Upload) takeZones(item *UploadItem, named map[string]octetRange, c feedComponent) error {
	for _, tzid := range c.zones {
		at, ok := u.calendar(c.calendar).zones[tzid]
		if !ok {
			at, ok = u.zones[tzid]
		}
		if !ok {
			continue
		}
		before, ok := named[tzid]
		switch {
		case !ok:
			named[tzid] = at
			item.zones = append(item.zones, at)
		case before != at && keyOfZone(u.raw[before.start:before.end]) != keyOfZone(u.raw[at.start:at.end]):
			return badObject("components of one UID mean different time zones by one TZID")
		}
	}
	return nil
}

// finish checks an item and learns what the index must know of it.
func (u *Upload) finish(i int, scratch []byte) ([]byte, error) {
	item := &u.Items[i]
	scratch = u.appendItem(scratch[:0], item)
	o, err := ParseObject(scratch)
	if err != nil {
		var bad *ObjectError
		if errors.As(err, &bad) {
			err = &ObjectError{bad.Precondition, "calendar object " + strconv.Itoa(i+1) + ": " + bad.Reason}
		}
		return scratch, err
	}
	item.Hash, item.Length = Hash(scratch), int64(len(scratch))
	item.UID, item.Summary, item.Span = o.UID, o.Summary, o.Span
	return scratch, nil
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
	c := u.calendar(item.parts[0].calendar)
	if c.product == (octetRange{}) {
		b = appendLine(b, "PRODID:"+productID)
	}
	b = appendClean(b, u.raw[c.product.start:c.product.end])
	b = appendClean(b, u.raw[c.scale.start:c.scale.end])
	for _, z := range item.zones {
		b = appendClean(b, u.raw[z.start:z.end])
	}
	for _, p := range item.parts {
		part := u.raw[p.start:p.end]
		if p.addUID {
			s := NewScanner(part)
			s.Next() // BEGIN
			b = appendClean(b, part[:s.Line.End])
			b = appendLine(b, "UID:"+item.UID)
			part = part[s.Line.End:]
		}
		b = appendClean(b, part)
	}
	return appendLine(b, "END:VCALENDAR")
}

// octetRange is where something lies in a text.
type octetRange struct{ start, end int }
