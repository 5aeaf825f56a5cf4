package gateway

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"slices"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
)

// proppatch answers PROPPATCH (RFC 4918 section 9.2). Only calendars have
// properties that can be set.
func (q *request) proppatch() error {
	body, err := q.xmlBody()
	if err != nil {
		return err
	}
	updates, err := davxml.ReadPropertyupdate(body)
	if err != nil {
		return err
	}
	var view *calendar.View
	switch q.place.kind {
	case placeObject:
		if _, _, err := q.openObject(); err != nil {
			return err
		}
	case placeCalendar:
		if view, err = q.open(q.place.calendar); err != nil {
			return err
		}
	}
	patch := q.newPatch(updates)
	if !patch.failed && len(patch.order) > 0 {
		if view, err = q.autocreated(view); err != nil {
			return err
		}
		q.clean(view)
		if err := view.Patch(q.r.Context(), patch.set, patch.remove); err != nil {
			return err
		}
	}
	return q.patched(patch)
}

// patch is a PROPPATCH after its check: all or nothing (RFC 4918 section 9.2).
type patch struct {
	order  []xml.Name // each name once
	errors map[xml.Name]refusal
	failed bool
	set    []calendar.Property
	remove []calendar.PropertyName
}

// refusal is why a property cannot be set: a status, and the precondition that was broken
// if there is an element for it.
type refusal struct {
	status    int
	condition xml.Name
}

func refusedFor(condition xml.Name) refusal { return refusal{http.StatusForbidden, condition} }

func (p *patch) refuse(name xml.Name, r refusal) {
	if r.status != 0 {
		p.errors[name], p.failed = r, true
	}
}

func (q *request) newPatch(updates []davxml.Update) *patch {
	p := &patch{errors: map[xml.Name]refusal{}}
	last := map[xml.Name]davxml.Update{} // instructions are obeyed in document order
	for _, u := range updates {
		if _, twice := last[u.Name]; !twice {
			p.order = append(p.order, u.Name)
		}
		last[u.Name] = u
		p.refuse(u.Name, q.refuses(u))
	}
	for _, name := range p.order {
		if u := last[name]; u.Remove {
			p.remove = append(p.remove, calendar.PropertyName(name))
		} else {
			p.set = append(p.set, calendar.Property{Name: calendar.PropertyName(name), XML: u.XML, Text: plainText(&u.Element)})
		}
	}
	p.keepTimezones()
	return p
}

// refuses says why an instruction cannot be obeyed; zero where it can.
func (q *request) refuses(u davxml.Update) refusal {
	if q.place.kind != placeCalendar || !settable(u.Name) {
		return refusedFor(dav("cannot-modify-protected-property"))
	}
	if !u.Remove {
		return invalidValue(&u.Element)
	}
	return refusal{}
}

// patched answers a PROPPATCH that was obeyed, or refused for the sake of single
// properties: these are 403, and the others 424 because of them.
func (q *request) patched(p *patch) error {
	if !p.failed && q.minimal() {
		q.w.Header().Set("Content-Length", "0") // RFC 8144 section 2.2
		q.w.WriteHeader(http.StatusOK)
		return nil
	}
	m := q.multistatus(&davxml.Names{}, false)
	m.ResponseText(q.place.self)
	p.propstats(m.Multistatus)
	if err := m.EndResponse(); err != nil {
		return err
	}
	return m.Close()
}

// propstats writes a DAV:propstat for each status.
func (p *patch) propstats(m *davxml.Multistatus) {
	var refusals []refusal // zero: of those in whose way nothing stands
	for _, name := range p.order {
		if r := p.errors[name]; !slices.Contains(refusals, r) {
			refusals = append(refusals, r)
		}
	}
	slices.SortStableFunc(refusals, func(x, y refusal) int { return cmp.Compare(y.status, x.status) })
	for _, r := range refusals {
		m.Propstat()
		for _, name := range p.order {
			if p.errors[name] == r {
				m.Empty(name)
			}
		}
		switch {
		case r.condition.Local != "":
			m.EndPropstat(r.status, davxml.Condition{Name: r.condition})
		case r.status != 0:
			m.EndPropstat(r.status)
		case p.failed:
			m.EndPropstat(http.StatusFailedDependency)
		default:
			m.EndPropstat(http.StatusOK)
		}
	}
}
