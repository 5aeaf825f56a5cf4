package gateway

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"calgate/gateway/calendar"
)

// conditions are the preconditions of a request (RFC 9110 section 13.1, RFC 4918
// section 10.4).
type conditions struct {
	ifMatch, ifNoneMatch *tagList // nil: absent
	ifDAV                []ifList // nil: absent
	ifModifiedSince      time.Time
	ifUnmodifiedSince    time.Time
	ifScheduleTag        bool // If-Schedule-Tag-Match, whatever it says
}

// tagList is a list of entity tags, or "*".
type tagList struct {
	any  bool
	tags []string // strong ones quoted, weak ones with their W/; malformed ones are left out and so match nothing
}

// parseConditions reads them all. Only a malformed If is an error: a tag that is none
// can match nothing, and clients do send them ("If-Match: nothing").
func parseConditions(h http.Header) (conditions, error) {
	c := conditions{ifMatch: parseTags(h["If-Match"]), ifNoneMatch: parseTags(h["If-None-Match"])}
	if t, err := http.ParseTime(h.Get("If-Modified-Since")); err == nil {
		c.ifModifiedSince = t
	}
	if t, err := http.ParseTime(h.Get("If-Unmodified-Since")); err == nil {
		c.ifUnmodifiedSince = t
	}
	_, c.ifScheduleTag = h["If-Schedule-Tag-Match"]
	if lines := h["If"]; len(lines) > 0 {
		lists, ok := parseIf(strings.Join(lines, " "))
		if !ok {
			return conditions{}, badRequest("malformed If header")
		}
		c.ifDAV = lists
	}
	return c, nil
}

func parseTags(lines []string) *tagList {
	if len(lines) == 0 {
		return nil
	}
	l := &tagList{}
	s := strings.Join(lines, ",")
	if strings.TrimSpace(s) == "*" {
		l.any = true
		return l
	}
	for s != "" {
		s = strings.TrimLeft(s, " \t,")
		tag, rest, ok := cutTag(s)
		if ok && (rest == "" || strings.IndexByte(" \t,", rest[0]) >= 0) {
			l.tags = append(l.tags, tag)
			s = rest
			continue
		}
		if _, s, ok = strings.Cut(s, ","); !ok {
			break
		}
	}
	return l
}

// cutTag takes an entity tag from the front (RFC 9110 section 8.8.3).
func cutTag(s string) (tag, rest string, ok bool) {
	start := 0
	if strings.HasPrefix(s, "W/") {
		start = 2
	}
	if len(s) <= start || s[start] != '"' {
		return "", s, false
	}
	n := strings.IndexByte(s[start+1:], '"')
	if n < 0 {
		return "", s, false
	}
	end := start + 1 + n + 1
	return s[:end], s[end:], true
}

// strong tells whether a tag in the list is the same by the strong comparison
// (RFC 9110 section 8.8.3.2): a weak one never is. Ours are all strong.
func (l *tagList) strong(etag string, exists bool) bool {
	return exists && (l.any || etag != "" && slices.Contains(l.tags, etag))
}

// weak is the weak comparison: W/ counts for nothing.
func (l *tagList) weak(etag string, exists bool) bool {
	return exists && (l.any || etag != "" && slices.ContainsFunc(l.tags, func(t string) bool {
		return strings.TrimPrefix(t, "W/") == etag
	}))
}

// conditional tells whether the client named a state that it wants to find.
func (c conditions) conditional() bool {
	return c.ifMatch != nil || c.ifNoneMatch != nil || c.ifDAV != nil || !c.ifUnmodifiedSince.IsZero() || c.ifScheduleTag
}

// errNotModified is the 304 of a GET (RFC 9110 section 15.4.5).
var errNotModified = &HTTPError{Code: http.StatusNotModified}

// state is what a condition is evaluated against. A collection has no entity tag.
type state struct {
	exists   bool
	etag     string
	modified time.Time
}

// check evaluates the preconditions in the order of RFC 9110 section 13.2.2.
func (c conditions) check(method string, s state) error {
	failed := func(header string) error {
		return &HTTPError{Code: http.StatusPreconditionFailed, Public: header + " does not hold"}
	}
	reads := method == http.MethodGet || method == http.MethodHead
	modified := s.modified.Truncate(time.Second) // as Last-Modified says it
	switch {
	case c.ifMatch != nil:
		if !c.ifMatch.strong(s.etag, s.exists) {
			return failed("If-Match")
		}
	case !c.ifUnmodifiedSince.IsZero() && s.exists && !s.modified.IsZero() && modified.After(c.ifUnmodifiedSince):
		return failed("If-Unmodified-Since")
	case c.ifScheduleTag && !reads:
		// No object here has a schedule tag, so the client knows one from another
		// server, and what it is about to write over it has not seen (RFC 6638 section
		// 8.3). If-Match says better what it has seen.
		return failed("If-Schedule-Tag-Match")
	}
	if c.ifDAV != nil && !holds(c.ifDAV, s) {
		return failed("If")
	}
	switch {
	case c.ifNoneMatch != nil:
		if !c.ifNoneMatch.weak(s.etag, s.exists) {
			return nil
		}
		if reads {
			return errNotModified
		}
		return failed("If-None-Match")
	case reads && !c.ifModifiedSince.IsZero() && s.exists && !s.modified.IsZero() && !modified.After(c.ifModifiedSince):
		return errNotModified
	}
	return nil
}

// ownLists finds out which tagged lists of If are
// about the resource of the request. That comes before any look, as it may ask the
// mail server where a URL leads.
func (q *request) ownLists() error {
	for i, l := range q.cond.ifDAV {
		if l.resource == "" {
			continue
		}
		p, err := q.locate(l.resource)
		if err != nil {
			return err
		}
		if p.kind == q.place.kind && p.calendar.Mailbox == q.place.calendar.Mailbox && p.name == q.place.name &&
			slices.Equal(p.path, q.place.path) {
			q.cond.ifDAV[i].resource = ""
		}
	}
	return nil
}

// checkCollection evaluates the preconditions of a write to what is no object. They
// come before 405: Thunderbird's "PUT, If-Match: nothing" must read 412 everywhere.
func (q *request) checkCollection() error {
	if q.place.kind&(placeObject|placeFeed) != 0 {
		return nil
	}
	switch q.r.Method {
	case http.MethodPut, http.MethodDelete, "PROPPATCH", "MKCALENDAR", "MKCOL", "ACL", http.MethodPost:
		if q.cond.conditional() {
			if err := q.visible(); err != nil {
				return err
			}
		}
		exists := q.place.kind != placeNothing && (q.place.kind != placeCalendar || q.place.calendar.Exists)
		return q.cond.check(q.r.Method, state{exists: exists})
	}
	return nil
}

// objectCondition is what the calendar checks on the head that it writes over.
func (q *request) objectCondition() calendar.Condition {
	c := calendar.Condition{
		Conditional:    q.cond.conditional(),
		IfNoneMatchAny: q.cond.ifNoneMatch != nil && q.cond.ifNoneMatch.any,
		Check: func(e calendar.Entry, exists bool) error {
			return q.cond.check(q.r.Method, stateOf(e, exists))
		},
	}
	switch {
	case q.cond.ifMatch != nil:
		c.IfMatch = q.cond.ifMatch.tags
	case q.cond.ifDAV != nil:
		c.IfMatch = positiveTags(q.cond.ifDAV)
	}
	return c
}

func stateOf(e calendar.Entry, exists bool) state {
	return state{exists: exists, etag: e.ETag, modified: e.Modified}
}

// depth is a Depth header (RFC 4918 section 10.2).
type depth int

const (
	depth0 depth = iota
	depth1
	depthInfinity
)

// depth reads the header; missing is what its absence means for the method.
func (q *request) depth(missing depth) (depth, error) {
	value, _, _ := strings.Cut(q.r.Header.Get("Depth"), ",") // "1,noroot": see preferences
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "":
		return missing, nil
	case "0":
		return depth0, nil
	case "1":
		return depth1, nil
	case "infinity":
		return depthInfinity, nil
	}
	return 0, badRequest("Depth is 0, 1 or infinity")
}
