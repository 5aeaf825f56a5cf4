package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"calgate/gateway/calendar"
	"calgate/translate"
)

// addMemberHref is DAV:add-member (RFC 5995 section 3.2.1): who cannot name an object
// posts it to the calendar.
func addMemberHref(b []byte, s *subject) ([]byte, bool) {
	return appendHref(b, s.q.hrefCalendar(s.calendar)), true
}

// addMember stores a calendar object under a name that is made here (RFC 5995 section
// 3.1). The conditions of the request are about the calendar, and hold by now.
func (q *request) addMember() error {
	o, err := q.object()
	if err != nil {
		return err
	}
	view, err := q.open(q.place.calendar)
	if err != nil {
		return err
	}
	if err := q.checkComponent(view, o.Component); err != nil {
		return err
	}
	if view, err = q.autocreated(view); err != nil {
		return err
	}
	q.clean(view)
	name := freeName(view, o.UID)
	result, err := view.Put(q.r.Context(), name, o, calendar.Condition{
		Conditional: true, IfNoneMatchAny: true,
		Check: func(_ calendar.Entry, exists bool) error {
			if exists {
				return &calendar.Error{Op: "Put", Mailbox: q.place.calendar.Mailbox, Kind: calendar.UIDConflict, Name: name}
			}
			return nil
		},
	})
	if err != nil {
		return err
	}
	href := q.hrefObject(q.place.calendar, name)
	q.w.Header().Set("Location", href)
	q.stored(result, href, o)
	return nil
}

// freeName is the name of an object that its client does not name. It is that of the
// iCalendar UID, so that an upload that is repeated meets what the first one stored.
func freeName(view *calendar.View, uid string) string {
	sum := sha256.Sum256([]byte(uid))
	base := hex.EncodeToString(sum[:8])
	name := base + ".ics"
	for n := 2; ; n++ {
		if e, taken := view.Entry(name); !taken || e.ICalUID == translate.StoredUID(uid) {
			return name
		}
		name = fmt.Sprintf("%s-%d.ics", base, n)
	}
}
