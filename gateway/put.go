package gateway

import (
	"encoding/xml"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
	"calgate/translate"
)

// maxObject is CALDAV:max-resource-size, in octets (RFC 4791 section 5.2.5).
const maxObject = translate.MaxObject

// maxName limits the name of an object, in octets after decoding.
const maxName = 255

// put stores a calendar object (RFC 4791 section 5.3.2).
func (q *request) put() error {
	if q.place.kind == placeFeed {
		return q.subscribe()
	}
	if err := q.putObject(); err != nil {
		return q.instead(err)
	}
	return nil
}

func (q *request) putObject() error {
	if len(q.place.name) > maxName {
		return &HTTPError{Code: http.StatusForbidden, Public: "the name is too long"}
	}
	// The body comes first: from the look to the last octet of the APPEND there is
	// not much time, and the client may be slow.
	o, bad := q.object()
	view, err := q.open(q.place.calendar)
	if calendar.IsKind(err, calendar.NotFound) {
		if q.place.owner != "" { // a right was taken away: as if nothing had ever been there
			return err
		}
		return &HTTPError{Code: http.StatusConflict, Public: "the calendar does not exist", Err: err}
	}
	if err != nil {
		return err
	}
	if bad == nil {
		bad = q.checkComponent(view, o.Component)
	}
	if bad != nil || !q.place.calendar.Exists {
		// A condition that does not hold is what the client asked about, whatever
		// it sent with it, and it must leave nothing behind.
		e, exists := view.Entry(q.place.name)
		if err := q.cond.check(q.r.Method, stateOf(e, exists)); err != nil {
			return err
		}
	}
	if bad != nil {
		return bad
	}
	if view, err = q.autocreated(view); err != nil {
		return err
	}
	q.clean(view)
	result, err := view.Put(q.r.Context(), q.place.name, o, q.objectCondition())
	if err != nil {
		return err
	}
	q.stored(result, q.place.self, o)
	return nil
}

// stored answers a request that stored an object. Who prefers that gets it back, octet
// for octet what was sent.
func (q *request) stored(result calendar.Result, href string, o *translate.Object) {
	code := http.StatusNoContent
	if result.Created {
		code = http.StatusCreated
	}
	switch prefer := q.prefer(); {
	case prefer.representation && o != nil:
		if !result.Created {
			code = http.StatusOK
		}
		q.represent(code, href, o.Component, result.ETag, o.Raw)
		return
	case prefer.minimal:
		q.applied("return=minimal")
	}
	q.w.Header().Set("ETag", result.ETag)
	q.w.Header().Set("Content-Length", "0")
	q.w.WriteHeader(code)
}

// autocreated makes the default calendar that a write goes to, if it is not there.
func (q *request) autocreated(view *calendar.View) (*calendar.View, error) {
	if q.place.calendar.Exists {
		return view, nil
	}
	c, _, err := q.account.Autocreate(q.r.Context(), q.place.calendar)
	if err != nil {
		return nil, err
	}
	q.place.calendar = c
	return q.open(c)
}

// object reads the request body as a calendar object.
func (q *request) object() (*translate.Object, error) {
	if q.r.Header.Get("Content-Range") != "" {
		return nil, badRequest("a part of an object cannot be stored") // RFC 9110 section 14.5
	}
	if err := checkContentType(q.r.Header.Get("Content-Type")); err != nil {
		return nil, err
	}
	r, err := q.body(maxObject, &HTTPError{Code: http.StatusRequestEntityTooLarge, Precondition: caldav("max-resource-size"), Public: "the object is too large"})
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return translate.ParseObject(raw)
}

// checkContentType refuses what says of itself that it is no iCalendar in UTF-8.
// Scripts upload with no type or a general one; then the body tells.
func checkContentType(value string) error {
	if value == "" {
		return nil
	}
	mediaType, parameters, err := mime.ParseMediaType(value)
	if err != nil {
		mediaType, _, _ = strings.Cut(value, ";")
		mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	}
	switch mediaType {
	case "text/calendar", "text/plain", "application/octet-stream", "application/ics":
	default:
		return forbidden(caldav("supported-calendar-data"), "an object is text/calendar")
	}
	switch strings.ToLower(parameters["charset"]) {
	case "", "utf-8", "utf8", "us-ascii":
		return nil
	}
	return forbidden(caldav("supported-calendar-data"), "an object is in UTF-8") // RFC 5545 section 3.1.4
}

// checkComponent is CALDAV:supported-calendar-component (RFC 4791 section 5.3.2.1).
func (q *request) checkComponent(view *calendar.View, component string) error {
	allowed, err := q.components(view)
	if err == nil && !slices.Contains(allowed, component) {
		err = forbidden(caldav("supported-calendar-component"), "this calendar does not take "+component)
	}
	return err
}

// components is the component set of a calendar (RFC 4791 section 5.2.3): the one
// it was made with, else that of its kind.
func (q *request) components(view *calendar.View) ([]string, error) {
	properties, err := view.SharedProperties(q.r.Context())
	if err != nil {
		return nil, err
	}
	name := calendar.PropertyName{Space: davxml.CalDAV, Local: "supported-calendar-component-set"}
	for _, p := range properties {
		if p.Name == name {
			if set := componentSet(p.XML); len(set) > 0 {
				return set, nil
			}
		}
	}
	if view.Calendar().Kind == calendar.Tasks {
		return []string{"VTODO"}, nil
	}
	return []string{"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"}, nil
}

// componentSet reads the names in CALDAV:supported-calendar-component-set.
func componentSet(element string) (names []string) {
	d := xml.NewDecoder(strings.NewReader(element))
	for {
		token, err := d.Token()
		if err != nil {
			return names
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name != caldav("comp") {
			continue
		}
		for _, a := range start.Attr {
			if a.Name.Space == "" && a.Name.Local == "name" {
				names = append(names, strings.ToUpper(a.Value))
			}
		}
	}
}
