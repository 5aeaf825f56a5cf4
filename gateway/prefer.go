package gateway

import (
	"net/http"
	"strconv"
	"strings"

	"calgate/gateway/calendar"
)

// preferences are what a client would like of its answer (RFC 7240, RFC 8144).
type preferences struct {
	minimal        bool // no more than it must know
	representation bool // of a write: what is there afterwards, or instead
	noRoot         bool // of a list: the members alone
}

// parsePreferences reads Prefer, its older spelling with a hyphen, and what Microsoft's
// programs say (RFC 8144 appendix A): "Brief: t", and "Depth: 1,noroot". What stands
// twice counts as it stands first (RFC 7240 section 2).
func parsePreferences(h http.Header) (p preferences) {
	for one := range strings.SplitSeq(strings.Join(h["Prefer"], ","), ",") {
		one, _, _ = strings.Cut(one, ";")
		switch strings.ToLower(strings.NewReplacer(" ", "", "\t", "", `"`, "").Replace(one)) {
		case "return=minimal", "return-minimal":
			p.minimal = !p.representation
		case "return=representation", "return-representation":
			p.representation = !p.minimal
		case "depth-noroot":
			p.noRoot = true
		}
	}
	return p
}

// prefer tells a cache that the answer depends on what the client prefers, and reads
// that (RFC 7240 section 2).
func (q *request) prefer() preferences {
	q.w.Header().Set("Vary", "Prefer, Brief")
	return parsePreferences(q.r.Header)
}

// applied tells the client that it gets what it preferred (RFC 7240 section 3).
func (q *request) applied(preference string) {
	q.w.Header().Add("Preference-Applied", preference)
}

// minimal tells whether the client wants no more than it must know (RFC 8144 section
// 2.1).
func (q *request) minimal() bool {
	if q.prefer().minimal {
		q.applied("return=minimal")
		return true
	}
	return strings.EqualFold(strings.TrimSpace(q.r.Header.Get("Brief")), "t")
}

// noRoot tells whether a list shall leave out the collection itself (RFC 8144 section
// 4). The answer about a collection alone has nothing else in it.
func (q *request) noRoot(d depth) bool {
	if d != depth1 || q.place.kind&(placeHome|placeCalendar) == 0 {
		return false
	}
	if q.prefer().noRoot {
		q.applied("depth-noroot")
		return true
	}
	return strings.Contains(strings.ToLower(q.r.Header.Get("Depth")), "noroot")
}

// represent answers a write with the object that is there now (RFC 8144 section 3).
func (q *request) represent(code int, href, component, etag string, body []byte) {
	q.applied("return=representation")
	header := q.w.Header()
	header.Set("Content-Location", href)
	header.Set("ETag", etag)
	header.Set("Content-Type", contentType(component))
	header.Set("Content-Length", strconv.Itoa(len(body)))
	q.w.WriteHeader(code)
	q.w.Write(body)
}

// instead answers a write whose condition did not hold with what is there instead, for
// who prefers that to a request of its own (RFC 8144 section 3.2).
func (q *request) instead(failed error) error {
	if !q.prefer().representation || q.httpError(failed).Code != http.StatusPreconditionFailed {
		return failed
	}
	view, e, err := q.openObject()
	if err != nil {
		return failed
	}
	var item calendar.Item
	if item, err = q.read(view, e); err != nil {
		return failed
	}
	q.err = failed
	q.represent(http.StatusPreconditionFailed, q.place.self, item.Entry.Component, item.Entry.ETag, item.Body)
	return nil
}
