package translate

import "strings"

// Filter is CALDAV:filter (RFC 4791 section 9.7).
type Filter struct {
	Comp CompFilter // of VCALENDAR
	// Zone is where floating times and dates are: CALDAV:timezone of the query,
	// else CALDAV:calendar-timezone (RFC 4791 sections 9.8 and 5.2.2). nil is UTC.
	Zone *Zone
	// Budget is of the request that the filter is for; nil: each object has its
	// own steps.
	Budget *Budget
}

// CompFilter is CALDAV:comp-filter (RFC 4791 section 9.7.1).
type CompFilter struct {
	Name         string
	IsNotDefined bool
	TimeRange    *TimeRange
	Comps        []CompFilter
	Props        []PropFilter
}

// PropFilter is CALDAV:prop-filter (RFC 4791 section 9.7.2).
type PropFilter struct {
	Name         string
	IsNotDefined bool
	TimeRange    *TimeRange
	Text         *TextMatch
	Params       []ParamFilter
}

// ParamFilter is CALDAV:param-filter (RFC 4791 section 9.7.3).
type ParamFilter struct {
	Name         string
	IsNotDefined bool
	Text         *TextMatch
}

// TextMatch is CALDAV:text-match (RFC 4791 section 9.7.5).
type TextMatch struct {
	Collation string // "" is i;ascii-casemap
	Negate    bool
	Text      string
}

// TimeRange is CALDAV:time-range (RFC 4791 section 9.9) in Unix seconds, End not
// included. An open side is math.MinInt64 or math.MaxInt64. An End before Start
// is read as open: there are clients that send the year 1 for "no end".
type TimeRange struct{ Start, End int64 }

func (r TimeRange) normal() TimeRange {
	if r.End < r.Start {
		r.End = openEnd
	}
	return r
}

// FilterError says why a filter cannot be answered.
type FilterError struct {
	// Precondition is an element of RFC 4791 section 7.8: valid-filter,
	// supported-filter or supported-collation.
	Precondition string
	Reason       string
}

func (e *FilterError) Error() string { return e.Precondition + ": " + e.Reason }

func invalidFilter(reason string) error { return &FilterError{"valid-filter", reason} }

// Check says what is wrong with the filter; the error is a *FilterError.
func (f *Filter) Check() error {
	if !strings.EqualFold(f.Comp.Name, "VCALENDAR") {
		return invalidFilter("the outermost comp-filter is not of VCALENDAR")
	}
	left := MaxFilter
	return f.Comp.check("", 1, &left)
}

func (c *CompFilter) check(parent string, depth int, left *int) error {
	name := strings.ToUpper(c.Name)
	switch {
	case name == "":
		return invalidFilter("a comp-filter has no name")
	case depth > MaxFilterDepth:
		return &FilterError{"supported-filter", "comp-filters are nested too deep"}
	case c.IsNotDefined && (c.TimeRange != nil || len(c.Comps) > 0 || len(c.Props) > 0):
		return invalidFilter("is-not-defined does not stand alone")
	case name == "VCALENDAR" && parent != "", mainComponent([]byte(name)) != "" && parent != "VCALENDAR":
		return invalidFilter("a comp-filter is nested in a component that cannot hold it")
	case c.TimeRange != nil && mainComponent([]byte(name)) == "" && name != "VALARM":
		return invalidFilter("a time-range is in a component that has no time") // RFC 4791 section 9.9
	}
	if *left -= 1 + len(c.Props); *left < 0 {
		return &FilterError{"supported-filter", "the filter has too many elements"}
	}
	for i := range c.Props {
		if err := c.Props[i].check(left); err != nil {
			return err
		}
	}
	for i := range c.Comps {
		if err := c.Comps[i].check(name, depth+1, left); err != nil {
			return err
		}
	}
	return nil
}

// noTime are properties of other types than DATE and DATE-TIME that a client
// could ask for. A time-range on one of them is not valid (RFC 4791 section 7.8).
const noTime = " SUMMARY DESCRIPTION LOCATION COMMENT CONTACT CATEGORIES RESOURCES CLASS STATUS TRANSP UID URL GEO" +
	" PRIORITY SEQUENCE PERCENT-COMPLETE ATTACH ATTENDEE ORGANIZER RELATED-TO REQUEST-STATUS RRULE EXRULE DURATION" +
	" ACTION REPEAT TZID TZNAME TZURL TZOFFSETFROM TZOFFSETTO VERSION PRODID CALSCALE METHOD "

func (p *PropFilter) check(left *int) error {
	switch {
	case p.Name == "":
		return invalidFilter("a prop-filter has no name")
	case p.IsNotDefined && (p.TimeRange != nil || p.Text != nil || len(p.Params) > 0):
		return invalidFilter("is-not-defined does not stand alone")
	case p.TimeRange != nil && p.Text != nil:
		return invalidFilter("a prop-filter has both a time-range and a text-match")
	case p.TimeRange != nil && strings.Contains(noTime, " "+strings.ToUpper(p.Name)+" "):
		return invalidFilter("a time-range is in a property that has no time")
	}
	if *left -= len(p.Params); *left < 0 {
		return &FilterError{"supported-filter", "the filter has too many elements"}
	}
	for _, param := range p.Params {
		switch {
		case param.Name == "":
			return invalidFilter("a param-filter has no name")
		case param.IsNotDefined && param.Text != nil:
			return invalidFilter("is-not-defined does not stand alone")
		}
		if err := param.Text.check(); err != nil {
			return err
		}
	}
	return p.Text.check()
}

func (m *TextMatch) check() error {
	if m == nil || m.collation() != nil {
		return nil
	}
	return &FilterError{"supported-collation", "the collation is none of i;ascii-casemap, i;octet, i;unicode-casemap"}
}

// verdict is what a Span alone says about an object.
type verdict uint8

const (
	no verdict = iota
	maybe
	yes
)

// MayMatch says whether an object with that span can match. Only "no" is certain.
func (f *Filter) MayMatch(span Span) bool { return f.judge(&span) != no }

// NeedsBody says whether the span leaves open if the object matches.
func (f *Filter) NeedsBody(span Span) bool { return f.judge(&span) == maybe }

func (f *Filter) judge(span *Span) verdict {
	c := &f.Comp
	if c.IsNotDefined || c.Name != "VCALENDAR" && !strings.EqualFold(c.Name, "VCALENDAR") {
		return no // every object is a VCALENDAR
	}
	v := yes
	if len(c.Props) > 0 || c.TimeRange != nil {
		v = maybe
	}
	for i := range c.Comps {
		v = min(v, c.Comps[i].judge(span))
	}
	return v
}

// judge is for a component of VCALENDAR.
func (c *CompFilter) judge(span *Span) verdict {
	// Of a large calendar most objects end here: not in the range.
	r := c.TimeRange
	if r != nil && c.Name == span.Component && span.trusted() && !c.IsNotDefined && !span.MayOverlap(r.Start, r.End) {
		return no
	}
	kind := mainComponent([]byte(c.Name))
	if kind == "" || !span.trusted() {
		return maybe
	}
	if c.IsNotDefined != (kind != span.Component) {
		return no
	}
	if c.IsNotDefined {
		return yes
	}
	v := yes
	if len(c.Props) > 0 {
		v = maybe
	}
	if r != nil {
		switch {
		case !span.MayOverlap(r.Start, r.End):
			return no
		case !span.surelyOverlaps(r.normal()):
			v = maybe
		}
	}
	for i := range c.Comps {
		v = min(v, c.Comps[i].judgeInner(span))
	}
	return v
}

// judgeInner is for a component of a VEVENT or VTODO. What a Span says of alarms
// is of the object; which component has them is known only when there is one.
func (c *CompFilter) judgeInner(span *Span) verdict {
	switch {
	case !strings.EqualFold(c.Name, "VALARM"):
		return maybe
	case !span.Alarms && c.IsNotDefined:
		return yes
	case !span.Alarms:
		return no
	case span.Recurs || c.TimeRange != nil || len(c.Props) > 0 || len(c.Comps) > 0:
		return maybe
	case c.IsNotDefined:
		return no
	}
	return yes
}
