package gateway

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"time"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
	"calgate/translate"
)

// Sets of places on which properties are found.
const (
	everywhere  = placeRoot | placePrincipal | placeHome | placeCalendar | placeObject
	collections = placeRoot | placePrincipal | placeHome | placeCalendar
)

// property is a live property (RFC 4918 section 4.2).
type property struct {
	name xml.Name
	on   placeKind
	// allprop tells whether DAV:allprop returns it: those of RFC 4918 are, those
	// of its extensions are not (RFC 4791 section 5.2).
	allprop bool
	// index tells whether a calendar must be opened to read it.
	index bool
	// stored tells whether a client can set it on a calendar. It is kept as the
	// element that the client sent.
	stored bool
	// acl tells whether the calendar's ACL must be read.
	acl bool
	// quota tells whether the mail server must be asked for quotas.
	quota bool
	// read appends the content of the element. ok is false where the resource
	// has no such property. Nil: what is stored is all there is.
	read func(b []byte, s *subject) (content []byte, ok bool)

	tag davxml.Tag
}

// subject is the resource that properties are read of.
type subject struct {
	q        *request
	kind     placeKind
	calendar calendar.Calendar  // of a calendar and of an object
	view     *calendar.View     // nil where it was not needed
	home     *calendar.HomeView // of a home, and of a calendar that is listed in one; nil where it was not needed
	stored   []storedElement
	entry    calendar.Entry // of an object
	body     []byte         // of an object as CALDAV:calendar-data asks for it

	acl       []calendar.Grant    // nil where it was not needed, or may not be read
	shared    bool                // a calendar of one's own that is; false where it was not needed
	principal *calendar.Principal // of a principal that is not the user's own

	quota *calendar.Quota // nil where there is none, or it was not needed
}

// properties are the live properties, in the order in which allprop and propname
// write them.
var properties = tagged([]property{
	{name: resourceTypeName, on: everywhere | placeFeed, allprop: true, read: resourceType},
	{name: displayNameName, on: everywhere | placeFeed, allprop: true, index: true, stored: true, read: displayName},
	{name: dav("getetag"), on: placeObject | placeFeed, allprop: true, index: true, read: getETag},
	{name: dav("getcontenttype"), on: placeObject | placeFeed, allprop: true, index: true, read: getContentType},
	{name: dav("getcontentlength"), on: placeObject, allprop: true, index: true, read: getContentLength},
	{name: dav("getlastmodified"), on: placeObject | placeFeed, allprop: true, index: true, read: getLastModified},
	{name: dav("creationdate"), on: placeObject, allprop: true, index: true, read: creationDate},

	// RFC 5397
	{name: dav("current-user-principal"), on: everywhere | placeFeed, read: principalHref},
	// RFC 3744 sections 4 and 5
	{name: dav("principal-URL"), on: placeRoot | placePrincipal | placeHome, read: principalURL},
	{name: dav("alternate-URI-set"), on: placePrincipal, read: empty},
	{name: dav("group-membership"), on: placePrincipal, read: empty},
	{name: dav("principal-collection-set"), on: everywhere, read: principalCollectionSet},
	{name: dav("owner"), on: placeHome | placeCalendar | placeObject | placeFeed, read: ownerHref},
	{name: dav("current-user-privilege-set"), on: everywhere, index: true, read: currentUserPrivilegeSet},
	{name: dav("supported-privilege-set"), on: everywhere, read: supportedPrivilegeSet},
	{name: aclName, on: placePrincipal | placeHome | placeCalendar | placeObject, index: true, acl: true, read: appendACL},
	{name: dav("acl-restrictions"), on: everywhere, read: aclRestrictions},
	// Sharing: draft-pot-webdav-resource-sharing, and what Apple's programs know
	{name: dav("share-access"), on: placeCalendar, index: true, acl: true, read: shareAccess},
	{name: dav("invite"), on: placeCalendar, index: true, acl: true, read: davInvite},
	{name: xml.Name{Space: davxml.CalendarServer, Local: "invite"}, on: placeCalendar, index: true, acl: true, read: invite},
	{name: dav("share-resource-uri"), on: placeCalendar, read: shareResourceURI},
	{name: xml.Name{Space: davxml.CalendarServer, Local: "shared-url"}, on: placeCalendar, read: sharedURL},
	{name: xml.Name{Space: davxml.CalendarServer, Local: "allowed-sharing-modes"}, on: placeCalendar, index: true, read: sharingModes},
	// RFC 3253 sections 3.1.4 and 3.1.5, RFC 6578 section 4
	{name: dav("supported-report-set"), on: everywhere, read: supportedReportSet},
	{name: livePropertySetName, on: everywhere},
	{name: syncTokenName, on: placeHome | placeCalendar, index: true, read: syncToken},
	{name: cTagName, on: placeHome | placeCalendar, index: true, read: getCTag},

	// RFC 4331 section 2, RFC 5995 section 3.2.1
	{name: dav("quota-available-bytes"), on: placeHome | placeCalendar, quota: true, read: quotaAvailableBytes},
	{name: dav("quota-used-bytes"), on: placeHome | placeCalendar, quota: true, read: quotaUsedBytes},
	{name: dav("add-member"), on: placeCalendar, read: addMemberHref},

	// RFC 4791 section 6.2.1, RFC 6638 section 2.4.1
	{name: caldav("calendar-home-set"), on: collections, read: calendarHomeSet},
	{name: caldav("calendar-user-address-set"), on: collections, read: calendarUserAddressSet},
	// RFC 4791 section 5.2
	{name: caldav("calendar-description"), on: placeCalendar, index: true, stored: true},
	{name: timezoneName, on: placeCalendar, index: true, stored: true, read: calendarTimezone},
	{name: componentSetName, on: placeCalendar, index: true, read: supportedCalendarComponentSet},
	{name: caldav("supported-calendar-data"), on: placeCalendar, read: supportedCalendarData},
	{name: caldav("supported-collation-set"), on: placeCalendar | placeObject, read: supportedCollationSet},
	{name: caldav("max-resource-size"), on: placeCalendar, read: maxResourceSize},
	{name: caldav("min-date-time"), on: placeCalendar, read: fixed(translate.MinDateTime)},
	{name: caldav("max-date-time"), on: placeCalendar, read: fixed(translate.MaxDateTime)},
	{name: caldav("max-instances"), on: placeCalendar, read: fixed(strconv.Itoa(translate.MaxInstances))},
	{name: caldav("max-attendees-per-instance"), on: placeCalendar, read: fixed(strconv.Itoa(translate.MaxAttendees))},

	// RFC 7809 section 5.2, RFC 6638 section 9.1, draft-daboo-valarm-extensions
	{name: timezoneIDName, on: placeCalendar, index: true, stored: true, read: calendarTimezoneID},
	{name: transparencyName, on: placeCalendar, index: true, stored: true},
	{name: caldav("default-alarm-vevent-datetime"), on: placeCalendar, index: true, stored: true},
	{name: caldav("default-alarm-vevent-date"), on: placeCalendar, index: true, stored: true},
	{name: caldav("default-alarm-vtodo-datetime"), on: placeCalendar, index: true, stored: true},
	{name: caldav("default-alarm-vtodo-date"), on: placeCalendar, index: true, stored: true},

	{name: xml.Name{Space: davxml.AppleICal, Local: "calendar-color"}, on: placeCalendar, allprop: true, index: true, stored: true},
	{name: xml.Name{Space: davxml.AppleICal, Local: "calendar-order"}, on: placeCalendar, allprop: true, index: true, stored: true},
})

// calendarData is CALDAV:calendar-data (RFC 4791 section 9.6): a property in
// answers to a REPORT only.
var calendarData = &tagged([]property{
	{name: caldav("calendar-data"), on: placeObject, index: true, read: func(b []byte, s *subject) ([]byte, bool) {
		return davxml.AppendText(b, s.body), s.body != nil
	}},
})[0]

// calendarDataJSON is the same as jCal (RFC 7265).
var calendarDataJSON = func() *property {
	p := *calendarData
	p.tag = p.tag.With("content-type", jcalType).With("version", "2.0")
	return &p
}()

// jcalType is the media type of jCal (RFC 7265 section 7).
const jcalType = "application/calendar+json"

func tagged(list []property) []property {
	for i := range list {
		list[i].tag = davxml.NewTag(list[i].name)
	}
	return list
}

func findProperty(name xml.Name) *property {
	for i := range properties {
		if properties[i].name == name {
			return &properties[i]
		}
	}
	return nil
}

// append appends the element. ok is false where the subject has no such property.
func (p *property) append(b []byte, s *subject) (element []byte, ok bool) {
	start := len(b)
	if p.stored {
		if e := s.storedElement(p.name); e != nil && (e.private || p.name != displayNameName || !s.tellsOwner()) {
			return append(b, e.XML...), true
		}
	}
	read := p.read
	if p.name == livePropertySetName {
		read = supportedLivePropertySet // the table, which it lists, cannot name it
	}
	if read == nil {
		return b, false
	}
	b, ok = read(p.tag.Start(b), s)
	if !ok {
		return b[:start], false
	}
	return p.tag.End(b, start), true
}

func fixed(value string) func([]byte, *subject) ([]byte, bool) {
	return func(b []byte, _ *subject) ([]byte, bool) { return append(b, value...), true }
}

func empty(b []byte, _ *subject) ([]byte, bool) { return b, true }

var resourceTypeName = dav("resourcetype")

func resourceType(b []byte, s *subject) ([]byte, bool) {
	switch s.kind {
	case placeObject, placeFeed:
		return b, true
	case placePrincipal:
		return append(b, "<D:collection/><D:principal/>"...), true
	case placeCalendar:
		b = append(b, "<D:collection/><C:calendar/>"...)
		switch {
		case s.calendar.Others():
			b = append(b, "<CS:shared/>"...)
		case s.shared:
			b = append(b, "<CS:shared-owner/>"...)
		}
		return b, true
	}
	// The home is a plain container: one that is a calendar hides all others.
	return append(b, "<D:collection/>"...), true
}

// displayName is never empty: where none is set it is the last segment of the URL.
func displayName(b []byte, s *subject) ([]byte, bool) {
	name := realm
	switch s.kind {
	case placeObject, placeFeed:
		name = s.entry.Name
	case placeCalendar:
		name = s.calendarName()
	case placeHome:
		name = s.q.login.account
	case placePrincipal:
		name = s.principalName()
	}
	return davxml.AppendText(b, name), true
}

var displayNameName = dav("displayname")

// calendarName is what a calendar is called where its user has not called it himself.
// That of another user tells whose it is: "Calendar (bob)".
func (s *subject) calendarName() string {
	name := s.calendar.Path[len(s.calendar.Path)-1]
	if !s.calendar.Others() {
		return name
	}
	if e := s.storedElement(displayNameName); e != nil {
		name = e.Text
	}
	return name + " (" + s.q.shownOwner(s.calendar) + ")"
}

// tellsOwner tells whether the name that is stored is the owner's, who knows whose the
// calendar is. What this user could have set himself he gets as it is.
func (s *subject) tellsOwner() bool {
	return s.calendar.Others() && s.view != nil && !s.view.May(calendar.WriteProperties)
}

func getETag(b []byte, s *subject) ([]byte, bool) { return davxml.AppendText(b, s.entry.ETag), true }

func getContentType(b []byte, s *subject) ([]byte, bool) {
	b = append(b, "text/calendar; charset=utf-8"...)
	if s.entry.Component != "" {
		b = davxml.AppendText(append(b, "; component="...), s.entry.Component)
	}
	return b, true
}

func getContentLength(b []byte, s *subject) ([]byte, bool) {
	return strconv.AppendInt(b, s.entry.Length, 10), s.entry.Length >= 0
}

func getLastModified(b []byte, s *subject) ([]byte, bool) {
	return s.entry.Modified.UTC().AppendFormat(b, http.TimeFormat), !s.entry.Modified.IsZero()
}

func creationDate(b []byte, s *subject) ([]byte, bool) {
	return s.entry.Created.UTC().AppendFormat(b, time.RFC3339), !s.entry.Created.IsZero()
}

func appendHref(b []byte, href string) []byte {
	return append(davxml.AppendText(append(b, "<D:href>"...), href), "</D:href>"...)
}

func principalHref(b []byte, s *subject) ([]byte, bool) {
	return appendHref(b, s.q.hrefPrincipal()), true
}

func principalURL(b []byte, s *subject) ([]byte, bool) { return appendHref(b, s.principalURL()), true }

func ownerHref(b []byte, s *subject) ([]byte, bool) {
	switch {
	case s.calendar.Others():
		return appendHref(b, s.q.hrefPrincipalOf(s.calendar.Owner())), true
	case s.kind == placeHome:
		return appendHref(b, s.q.hrefOwner()), true
	}
	return appendHref(b, s.q.hrefPrincipal()), true
}

func principalCollectionSet(b []byte, _ *subject) ([]byte, bool) {
	return appendHref(b, "/UserDAV/"), true
}

// calendarHomeSet is one href: several programs take the first and drop the rest.
func calendarHomeSet(b []byte, s *subject) ([]byte, bool) {
	home, ok := s.homeURL()
	return appendHref(b, home), ok
}

func calendarUserAddressSet(b []byte, s *subject) ([]byte, bool) {
	for _, address := range s.addresses() {
		b = appendHref(b, address)
	}
	return b, true
}

func supportedReportSet(b []byte, s *subject) ([]byte, bool) {
	for _, r := range reports {
		if r.on&s.kind != 0 {
			b = append(b, "<D:supported-report><D:report>"...)
			b = append(davxml.AppendEmpty(b, r.name), "</D:report></D:supported-report>"...)
		}
	}
	return b, true
}

var livePropertySetName = dav("supported-live-property-set")

// supportedLivePropertySet are the properties of this kind of resource, those that this one has not among them.
func supportedLivePropertySet(b []byte, s *subject) ([]byte, bool) {
	for i := range properties {
		if p := &properties[i]; p.on&s.kind != 0 {
			b = append(b, "<D:supported-live-property><D:prop>"...)
			b = append(davxml.AppendEmpty(b, p.name), "</D:prop></D:supported-live-property>"...)
		}
	}
	return b, true
}

var (
	syncTokenName = dav("sync-token")
	cTagName      = xml.Name{Space: davxml.CalendarServer, Local: "getctag"}
)

func syncToken(b []byte, s *subject) ([]byte, bool) {
	if s.kind == placeHome {
		return davxml.AppendText(b, s.q.homeToken(s.home)), s.q.syncsHome()
	}
	return davxml.AppendText(b, s.view.SyncToken()), true
}

func getCTag(b []byte, s *subject) ([]byte, bool) {
	switch {
	case s.kind == placeHome:
		return davxml.AppendText(b, s.q.homeTag(s.home)), true
	case s.view == nil:
		return davxml.AppendText(b, s.home.CTag(s.calendar)), true
	}
	return davxml.AppendText(b, s.view.CTag()), true
}

func supportedCalendarData(b []byte, _ *subject) ([]byte, bool) {
	b = append(b, `<C:calendar-data content-type="text/calendar" version="2.0"/>`...)
	return append(b, `<C:calendar-data content-type="`+jcalType+`" version="2.0"/>`...), true
}

func supportedCollationSet(b []byte, _ *subject) ([]byte, bool) {
	for _, c := range translate.Collations {
		b = append(davxml.AppendText(append(b, "<C:supported-collation>"...), c), "</C:supported-collation>"...)
	}
	return b, true
}

func maxResourceSize(b []byte, _ *subject) ([]byte, bool) {
	return strconv.AppendInt(b, maxObject, 10), true
}
