package gateway

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"calgate/gateway/calendar"
	"calgate/translate"
)

// subscribe answers PUT of a whole calendar: it is merged by iCalendar UID, or
// replaces everything.
func (q *request) subscribe() error {
	deleteAll, bad := q.deleteAll()
	var u *translate.Upload
	if bad == nil {
		u, bad = q.upload() // before the look, as in put
	}
	view, title, err := q.openFeed()
	if err != nil {
		return err
	}
	if bad != nil || view == nil {
		// A condition that does not hold is what the client asked about, and it
		// must leave nothing behind.
		s := state{}
		if view != nil {
			s = feedState(view.FeedState(title))
		}
		if err := q.cond.check(q.r.Method, s); err != nil {
			return err
		}
	}
	if bad != nil {
		return bad
	}
	status := http.StatusNoContent
	c := q.feedCondition()
	if view == nil {
		made := false
		if view, made, err = q.createFeed(); err != nil {
			return err
		}
		if title, err = q.title(view); err != nil {
			return err
		}
		if made && view.Len() == 0 { // else somebody else was first, and the condition is about what that one wrote
			status = http.StatusCreated
			c.Check = nil // done before there was anything
		}
	}
	q.clean(view)
	c.Title = title
	p := calendar.Publication{Upload: u, DeleteAll: deleteAll, Removes: q.removes(view.Calendar(), u)}
	result, err := view.Replace(q.r.Context(), p, c)
	if err != nil {
		return err
	}
	if result.Equal {
		// Else the client would take what it sent for all that is there, and later
		// remove the rest under this very tag.
		q.w.Header().Set("ETag", view.FeedState(title).ETag)
	}
	q.w.Header().Set("Content-Length", "0")
	q.w.WriteHeader(status)
	return nil
}

// unpublish answers DELETE of a feed: all objects go, events and tasks. The mailbox
// stays, and so does other mail in it.
func (q *request) unpublish() error {
	if !q.h.serves(ServeUnpublish) {
		return &HTTPError{Code: http.StatusForbidden, Public: "a calendar cannot be emptied here"}
	}
	view, title, err := q.openFeed()
	if err != nil {
		return err
	}
	if view == nil {
		if err := q.cond.check(q.r.Method, state{}); err != nil {
			return err
		}
		return notFound("no such calendar")
	}
	q.clean(view)
	c := q.feedCondition()
	c.Title = title
	if _, err := view.Replace(q.r.Context(), calendar.Publication{Upload: &translate.Upload{}, DeleteAll: true}, c); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// openFeed opens the calendar of the place; there is no view where it is missing.
func (q *request) openFeed() (*calendar.View, string, error) {
	if !q.place.calendar.Exists {
		return nil, "", nil
	}
	view, err := q.open(q.place.calendar)
	if calendar.IsKind(err, calendar.NotFound) { // since the last LIST
		q.place.path, q.place.calendar.Exists = q.place.calendar.Path, false
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	title, err := q.title(view)
	return view, title, err
}

// createFeed makes the calendar that a publication is the first of, and tells whether
// it did: another one may have come first. A default one comes into being like at any
// first write.
func (q *request) createFeed() (view *calendar.View, made bool, err error) {
	ctx := q.r.Context()
	c := q.place.calendar
	if c.Default {
		if c, made, err = q.account.Autocreate(ctx, c); err != nil {
			return nil, false, err
		}
	} else {
		c, err = q.account.Create(ctx, q.place.path, calendar.Events, nil)
		if made = err == nil; err != nil && !calendar.IsKind(err, calendar.Exists) {
			return nil, false, err
		}
	}
	q.place.calendar = c
	view, err = q.open(c)
	return view, made, err
}

// feedCondition is what the calendar checks before it replaces anything.
func (q *request) feedCondition() calendar.FeedCondition {
	c := calendar.FeedCondition{
		Conditional: q.cond.conditional(),
		Check:       func(s calendar.FeedState) error { return q.cond.check(q.r.Method, feedState(s)) },
	}
	switch {
	case q.cond.ifMatch != nil:
		c.IfMatch = q.cond.ifMatch.tags
	case q.cond.ifDAV != nil:
		c.IfMatch = positiveTags(q.cond.ifDAV)
	}
	return c
}

// removes restricts a publication that replaces everything to the kinds that it
// brings; one that brings nothing, to the kind of its calendar.
func (q *request) removes(c calendar.Calendar, u *translate.Upload) func(component string) bool {
	if !q.h.DeleteUploadedKinds {
		return nil
	}
	var kinds []string
	for i := range u.Items {
		if k := u.Items[i].Span.Component; !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	if len(kinds) == 0 {
		kinds = []string{"VEVENT"}
		if c.Kind == calendar.Tasks {
			kinds = []string{"VTODO"}
		}
	}
	return func(component string) bool { return slices.Contains(kinds, component) }
}

// deleteAll tells whether a PUT replaces everything: by its realm, or by the parameter
// DeleteAll in any of its spellings. A value that is neither yes nor no is an error, as
// to guess would cost data or leave what should be gone.
func (q *request) deleteAll() (bool, error) {
	all := q.target.Realm == RealmFeedDel
	for parameter := range strings.FieldsFuncSeq(q.r.URL.RawQuery, func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, _ := strings.Cut(parameter, "=")
		if !strings.EqualFold(unescapeQuery(name), "DeleteAll") {
			continue
		}
		switch strings.ToLower(strings.Trim(unescapeQuery(value), ` "'`)) {
		case "", "1", "true", "yes", "on":
			all = true
		case "0", "false", "no", "off":
		default:
			return false, badRequest("DeleteAll is 1 or 0")
		}
	}
	if all && !q.h.serves(ServePublishDelete) {
		return false, &HTTPError{Code: http.StatusForbidden, Public: "a publication cannot replace a calendar here"}
	}
	return all, nil
}

func unescapeQuery(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// upload reads the request body as a published calendar.
func (q *request) upload() (*translate.Upload, error) {
	if q.r.Header.Get("Content-Range") != "" {
		return nil, badRequest("a part of a calendar cannot be published") // RFC 9110 section 14.5
	}
	if err := checkContentType(q.r.Header.Get("Content-Type")); err != nil {
		return nil, &HTTPError{Code: http.StatusUnsupportedMediaType, Public: "a calendar is published as text/calendar in UTF-8", Err: err}
	}
	r, err := q.body(translate.MaxFeed, &HTTPError{Code: http.StatusRequestEntityTooLarge, Public: "the calendar is too large"})
	if err != nil {
		return nil, err
	}
	raw, err := readAll(r, q.r.ContentLength)
	if err != nil {
		return nil, err
	}
	return translate.ReadUpload(raw)
}

// readAll reads a large body into a slice of just its size, which is held for long.
// size is what the client said, -1 where it did not; a body that is inflated has more.
func readAll(r io.Reader, size int64) ([]byte, error) {
	const piece = 1 << 20
	next := size + 1 // one octet more, to see the end
	if size < 0 {
		next = piece
	}
	for pieces := [][]byte(nil); ; next = piece {
		b := make([]byte, next)
		n, err := io.ReadFull(r, b)
		pieces = append(pieces, b[:n])
		switch {
		case err != nil && err != io.EOF && err != io.ErrUnexpectedEOF:
			return nil, err // of the body, which the errors of io are not
		case err != nil && len(pieces) == 1:
			return b[:n:n], nil
		case err != nil:
			return slices.Concat(pieces...), nil
		}
	}
}
