package gateway

import (
	"iter"
	"math"
	"strings"
	"time"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
	"calgate/translate"
)

// batchQuery is how many candidates of a query are read together.
const batchQuery = 500

// calendarQuery answers CALDAV:calendar-query (RFC 4791 section 7.8).
func (q *request) calendarQuery(report *davxml.Report) error {
	filter, err := newFilter(report)
	if err != nil {
		return err
	}
	// On a calendar Depth 0 and none count as 1: programs that send them mean it,
	// and a calendar itself matches no filter.
	d, err := q.depth(depth0)
	if err != nil {
		return err
	}
	answer, err := q.reportAnswer(report)
	if err != nil {
		return err
	}
	filter.Budget = translate.NewBudget()
	if answer.data != nil {
		answer.data.Budget = filter.Budget
	}
	query := &query{multistatus: answer, filter: filter, left: report.Limit}
	if query.left == 0 {
		query.left = math.MaxInt
	}
	if report.Timezone != "" {
		if !translate.ValidTimezone([]byte(report.Timezone)) {
			return forbidden(caldav("valid-calendar-data"), "CALDAV:timezone holds no time zone")
		}
		query.zoned, filter.Zone = true, translate.ReadZone([]byte(report.Timezone))
	}
	switch q.place.kind {
	case placeObject:
		view, entry, err := q.openObject()
		if err != nil {
			return err
		}
		err = query.answer(view, func(yield func(calendar.Entry) bool) { yield(entry) })
		if err != nil {
			return err
		}
	case placeCalendar:
		view, err := q.open(q.place.calendar)
		if err != nil {
			return err
		}
		if err := query.answer(view, view.EntriesWhere(filter.MayMatch)); err != nil {
			return err
		}
	case placeHome:
		if d != depth0 {
			if err := query.home(); err != nil {
				return err
			}
		}
	}
	if query.more {
		if err := query.cutShort(); err != nil {
			return err
		}
	}
	return query.Close()
}

// query is a calendar-query that is being answered.
type query struct {
	*multistatus
	filter *translate.Filter
	zoned  bool // the query names the time zone itself
	left   int  // matches that the client still wants
	more   bool // there are more
}

// home answers for all calendars of the home, those of others included. One that cannot be opened ends the
// query: it could hold a match, and no single response could say so.
func (q *query) home() error {
	home, err := q.q.openHome()
	if err != nil {
		return err
	}
	for view, err := range q.q.account.OpenAll(q.q.r.Context(), home.All()) {
		if err != nil {
			return err
		}
		if err := q.answer(view, view.EntriesWhere(q.filter.MayMatch)); err != nil || q.more {
			return err
		}
	}
	return nil
}

// answer writes the responses of those entries that match, in their order.
func (q *query) answer(view *calendar.View, entries iter.Seq[calendar.Entry]) error {
	if !q.zoned {
		zone, err := q.q.zone(view)
		if err != nil {
			return err
		}
		q.filter.Zone = zone
	}
	q.multistatus.zone = q.filter.Zone
	base := q.q.hrefCalendar(view.Calendar())
	for item, err := range q.matches(view, entries) {
		if err != nil {
			return err
		}
		if q.left--; q.left < 0 {
			q.more = true
			return nil
		}
		href := base + escapeSegment(item.Name)
		if q.q.place.kind == placeObject {
			href = q.q.place.self
		}
		if err := q.member(view, item, href); err != nil {
			return err
		}
	}
	return nil
}

// zone is where floating times of a calendar are (RFC 4791 section 5.2.2).
func (q *request) zone(view *calendar.View) (*translate.Zone, error) {
	stored, err := q.storedProperties(view)
	if err != nil {
		return nil, err
	}
	s := &subject{stored: stored}
	if e := s.storedElement(timezoneName); e != nil {
		if zone := translate.ReadZone([]byte(e.Text)); zone != nil {
			return zone, nil
		}
	}
	if e := s.storedElement(timezoneIDName); e != nil {
		if definition, ok := translate.ZoneDefinition(strings.TrimSpace(e.Text)); ok {
			return translate.ReadZone(definition), nil
		}
	}
	return translate.UTC, nil
}

// candidate is an object that the index cannot rule out.
type candidate struct {
	calendar.Entry
	read   bool // its octets are needed
	decide bool // because the index cannot say yes either
}

// matches are the objects that match, with their octets where they are asked for.
// Bodies are read only of candidates, some hundred in one go.
func (q *query) matches(view *calendar.View, entries iter.Seq[calendar.Entry]) iter.Seq2[calendar.Item, error] {
	return func(yield func(calendar.Item, error) bool) {
		var batch []candidate
		for e := range entries {
			if !q.filter.MayMatch(e.Span) {
				continue
			}
			decide := q.filter.NeedsBody(e.Span)
			if batch = append(batch, candidate{e, decide || q.needsBody(), decide}); len(batch) < batchQuery {
				continue
			}
			if !q.matchBatch(view, batch, yield) {
				return
			}
			batch = batch[:0]
		}
		q.matchBatch(view, batch, yield)
	}
}

func (q *query) matchBatch(view *calendar.View, batch []candidate, yield func(calendar.Item, error) bool) bool {
	var wanted []calendar.Entry
	for _, c := range batch {
		if c.read {
			wanted = append(wanted, c.Entry)
		}
	}
	next, stop := iter.Pull2(view.Read(q.q.r.Context(), wanted))
	defer stop()
	for _, c := range batch {
		item := calendar.Item{Entry: c.Entry}
		if c.read {
			var err error
			var ok bool
			if item, err, ok = next(); err != nil || !ok {
				yield(item, err)
				return false
			}
			if !q.match(c, item) {
				continue
			}
		}
		if !yield(item, nil) {
			return false
		}
	}
	return true
}

// match decides by the octets. What vanished meanwhile matches nothing; what cannot
// be read may match.
func (q *query) match(c candidate, item calendar.Item) bool {
	if calendar.IsKind(item.Err, calendar.NotFound) {
		return false
	}
	if !c.decide || item.Err != nil {
		return true
	}
	return q.filter.Match(&translate.Object{Raw: item.Body, Component: item.Component, Span: item.Span})
}

// newFilter makes the filter of a query and checks it.
func newFilter(report *davxml.Report) (*translate.Filter, error) {
	if report.Filter == nil {
		return nil, forbidden(caldav("valid-filter"), "a calendar-query needs a filter")
	}
	comp, err := compFilter(report.Filter)
	if err != nil {
		return nil, err
	}
	filter := &translate.Filter{Comp: comp}
	return filter, filter.Check()
}

func compFilter(f *davxml.CompFilter) (translate.CompFilter, error) {
	out := translate.CompFilter{Name: f.Component, IsNotDefined: f.IsNotDefined}
	var err error
	if out.TimeRange, err = timeRange(f.TimeRange); err != nil {
		return out, err
	}
	for i := range f.Comps {
		c, err := compFilter(&f.Comps[i])
		if err != nil {
			return out, err
		}
		out.Comps = append(out.Comps, c)
	}
	for i := range f.Props {
		p := &f.Props[i]
		prop := translate.PropFilter{Name: p.Property, IsNotDefined: p.IsNotDefined, Text: textMatch(p.Text)}
		if prop.TimeRange, err = timeRange(p.TimeRange); err != nil {
			return out, err
		}
		for _, param := range p.Params {
			prop.Params = append(prop.Params, translate.ParamFilter{Name: param.Parameter, IsNotDefined: param.IsNotDefined, Text: textMatch(param.Text)})
		}
		out.Props = append(out.Props, prop)
	}
	return out, nil
}

func textMatch(t *davxml.TextMatch) *translate.TextMatch {
	if t == nil {
		return nil
	}
	m := translate.TextMatch(*t)
	return &m
}

// timeRange reads the instants of a CALDAV:time-range, which are in UTC (RFC 4791
// section 9.9).
func timeRange(t *davxml.TimeRange) (*translate.TimeRange, error) {
	if t == nil {
		return nil, nil
	}
	r := &translate.TimeRange{Start: math.MinInt64, End: math.MaxInt64}
	for _, side := range []struct {
		text string
		unix *int64
	}{{t.Start, &r.Start}, {t.End, &r.End}} {
		if side.text == "" {
			continue
		}
		at, err := time.Parse("20060102T150405Z", side.text)
		if err != nil {
			return nil, forbidden(caldav("valid-filter"), "a time-range is in UTC, as 20261125T090000Z")
		}
		if at.Year() == 0 {
			return nil, forbidden(caldav("min-date-time"), "a time-range begins before "+translate.MinDateTime)
		}
		*side.unix = at.Unix()
	}
	return r, nil
}
