package gateway

import (
	"bytes"
	"net/http"

	"calgate/gateway/davxml"
)

// Bounds of one DAV:expand-property: the resources that it tells about, and the octets of
// what it says of them, which are all in memory at once.
const (
	maxExpanded       = 1_000
	maxExpandedOctets = 4 << 20
)

// expandable are the properties whose hrefs lead to resources that can be told about.
var expandable = map[davxml.Name]bool{
	dav("current-user-principal"): true, dav("principal-URL"): true, dav("owner"): true, dav("principal-collection-set"): true,
	dav("group-membership"): true, dav("alternate-URI-set"): true, caldav("calendar-home-set"): true, aclName: true,
}

// expandProperty answers DAV:expand-property (RFC 3253 section 3.8): in the properties
// that it names, an href becomes what there is to say of the resource that it leads to.
func (q *request) expandProperty(report *davxml.Report) error {
	x := &expansion{q: q, left: maxExpanded, octets: maxExpandedOctets}
	s, err := x.subject(q.place, report.Expand)
	if err != nil {
		return err
	}
	m := q.multistatus(&davxml.Names{}, false)
	m.ResponseText(q.place.self)
	content, err := x.propstats(nil, s, report.Expand)
	if err != nil {
		return err
	}
	m.Raw(string(content))
	if err := m.EndResponse(); err != nil {
		return err
	}
	return m.Close()
}

// expansion is one such answer.
type expansion struct {
	q      *request
	left   int // resources that may still be told about
	octets int // that may still be said
}

// spend takes from what may still be said.
func (x *expansion) spend(resources, octets int) error {
	x.left, x.octets = x.left-resources, x.octets-octets
	if x.left < 0 || x.octets < 0 {
		return forbidden(dav("number-of-matches-within-limits"), "too much would have to be expanded")
	}
	return nil
}

// subject reads what is asked of a place.
func (x *expansion) subject(p place, asked []davxml.Expand) (*subject, error) {
	q := *x.q
	q.place = p
	names := &davxml.Names{}
	for _, e := range asked {
		names.Props = append(names.Props, davxml.Prop{Name: e.Name})
	}
	m := q.multistatus(names, false)
	s := &subject{q: &q, kind: p.kind, principal: p.principal}
	switch p.kind {
	case placeCalendar:
		view, err := q.open(p.calendar)
		if err != nil {
			return nil, err
		}
		return m.calendarSubject(p.calendar, view)
	case placeObject:
		view, entry, err := q.openObject()
		if err != nil {
			return nil, err
		}
		s.calendar, s.view, s.entry = p.calendar, view, entry
		return s, m.readACL(s, placeObject)
	}
	return s, nil
}

// propstats appends the properties of a subject.
func (x *expansion) propstats(b []byte, s *subject, asked []davxml.Expand) ([]byte, error) {
	var found, missing []byte
	for _, e := range asked {
		p := findProperty(e.Name)
		ok := false
		start := len(found)
		switch {
		case p != nil && p.on&s.kind != 0 && (!p.acl || s.view == nil || s.mayReadACL()):
			found, ok = p.append(found, s)
		case p == nil:
			if element := s.storedElement(e.Name); element != nil {
				found, ok = append(found, element.XML...), true
			}
		}
		before := len(missing)
		if !ok {
			found = found[:start]
			missing = davxml.AppendEmpty(missing, e.Name)
		}
		if err := x.spend(0, len(found)-start+len(missing)-before); err != nil {
			return nil, err
		}
		if ok && len(e.Inner) > 0 && expandable[e.Name] {
			element, err := x.hrefs(bytes.Clone(found[start:]), e.Inner)
			if err != nil {
				return nil, err
			}
			found = append(found[:start], element...)
		}
	}
	if len(found) > 0 || len(missing) == 0 {
		b = davxml.AppendPropstat(b, found, http.StatusOK)
	}
	if len(missing) > 0 {
		b = davxml.AppendPropstat(b, missing, http.StatusNotFound)
	}
	return b, nil
}

// hrefs replaces the hrefs of an element, which is one of ours, by responses.
func (x *expansion) hrefs(element []byte, inner []davxml.Expand) ([]byte, error) {
	const begin, end = "<D:href>", "</D:href>"
	var out []byte
	for {
		before, rest, ok := bytes.Cut(element, []byte(begin))
		out = append(out, before...)
		if !ok {
			return out, nil
		}
		text, after, _ := bytes.Cut(rest, []byte(end))
		response, err := x.response(string(text), inner)
		if err != nil {
			return nil, err
		}
		out, element = append(out, response...), after
	}
}

// response tells about one href, escaped for XML.
func (x *expansion) response(text string, inner []davxml.Expand) ([]byte, error) {
	b := append(append([]byte("<D:response><D:href>"), text...), "</D:href>"...)
	if err := x.spend(1, len(b)); err != nil {
		return nil, err
	}
	e, err := davxml.ParseElement("<href>" + text + "</href>")
	if err != nil {
		return nil, err
	}
	p, err := x.q.locate(e.Text)
	if err != nil {
		return nil, err
	}
	if p.kind == placeNothing {
		return append(davxml.AppendStatus(b, http.StatusNotFound), "</D:response>"...), nil
	}
	s, err := x.subject(p, inner)
	if err != nil {
		status := x.q.failedPart(err)
		if status == 0 {
			return nil, err
		}
		return append(davxml.AppendStatus(b, status), "</D:response>"...), nil
	}
	if b, err = x.propstats(b, s, inner); err != nil {
		return nil, err
	}
	return append(b, "</D:response>"...), nil
}
