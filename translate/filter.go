package translate

import "time"

// Filter is CALDAV:filter (RFC 4791 section 9.7).
type Filter struct {
	Comp CompFilter // of VCALENDAR
	// Zone is where floating times and dates are (CALDAV:timezone of the
	// query, else CALDAV:calendar-timezone, RFC 4791 sections 9.8 and 5.2.2;
	// UTC where there is neither). nil: not known, they then match wherever
	// they may be.
	Zone *time.Location
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

// TimeRange is CALDAV:time-range (RFC 4791 section 9.9), in Unix seconds.
type TimeRange struct{ Start, End int64 }

// FilterError says why a filter cannot be answered.
type FilterError struct{ Precondition, Reason string }

func (e *FilterError) Error() string { return "filter: " + e.Precondition + ": " + e.Reason }

// Check says whether the filter is valid.
func (f *Filter) Check() error { return nil }

// MayMatch says whether an object with that span can match.
func (f *Filter) MayMatch(span Span) bool { return true }

// NeedsBody says whether the span alone cannot tell.
func (f *Filter) NeedsBody(span Span) bool { return true }

// Match says whether the object matches.
func (f *Filter) Match(o *Object) bool { return true }
