package gateway

import (
	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
)

// syncCollection answers DAV:sync-collection (RFC 6578 section 3.2). The RFC wants
// Depth 0; programs in wide use send 1 or none and mean the same.
func (q *request) syncCollection(report *davxml.Report) error {
	if d, err := q.depth(depth0); err != nil {
		return err
	} else if d == depthInfinity {
		return badRequest("Depth must be 0 for a sync-collection report")
	}
	if report.Level != "" && report.Level != "1" {
		return badRequest("DAV:sync-level must be 1")
	}
	if q.place.kind == placeHome {
		return q.syncHome(report)
	}
	view, err := q.open(q.place.calendar)
	if err != nil {
		return err
	}
	delta, err := view.Since(report.Token, report.Limit)
	if err != nil {
		return err
	}
	m, err := q.reportAnswer(report)
	if err != nil {
		return err
	}
	base := q.place.collection
	var changed []calendar.Entry
	for _, c := range delta.Changes {
		if !c.Deleted {
			changed = append(changed, c.Entry)
			continue
		}
		// Without a propstat (RFC 6578 section 3.5.2).
		if err := m.gone(base + escapeSegment(c.Name)); err != nil {
			return err
		}
	}
	if err := m.members(view, changed, func(i int) string { return base + escapeSegment(changed[i].Name) }); err != nil {
		return err
	}
	if delta.More {
		if err := m.cutShort(); err != nil {
			return err
		}
	}
	m.SyncToken(delta.Token)
	return m.Close()
}
