package davxml

// maxFilters is the number of conditions in a CALDAV:filter.
const maxFilters = 1_000

// CompFilter is CALDAV:comp-filter (RFC 4791 section 9.7.1).
type CompFilter struct {
	Component    string
	IsNotDefined bool
	TimeRange    *TimeRange
	Comps        []CompFilter
	Props        []PropFilter
}

// PropFilter is CALDAV:prop-filter (RFC 4791 section 9.7.2).
type PropFilter struct {
	Property     string
	IsNotDefined bool
	TimeRange    *TimeRange
	Text         *TextMatch
	Params       []ParamFilter
}

// ParamFilter is CALDAV:param-filter (RFC 4791 section 9.7.3).
type ParamFilter struct {
	Parameter    string
	IsNotDefined bool
	Text         *TextMatch
}

// TextMatch is CALDAV:text-match (RFC 4791 section 9.7.5).
type TextMatch struct {
	Collation string
	Negate    bool
	Text      string
}

// TimeRange is CALDAV:time-range (RFC 4791 section 9.9), as written; "" is an
// open side.
type TimeRange struct{ Start, End string }

// errRepeated is for what a filter holds once at most: to take one of two would answer
// another question.
var errRepeated = badFilter("a filter holds one time-range or text-match at most")

func badFilter(reason string) error { return &Error{Kind: BadFilter, Reason: reason} }

// filter reads CALDAV:filter, which holds one comp-filter.
func (r *reader) filter() (*CompFilter, error) {
	var filters []CompFilter
	budget := maxFilters
	err := r.children(func(t token) error {
		if t.name != (Name{Space: CalDAV, Local: "comp-filter"}) {
			return badFilter("CALDAV:filter holds one comp-filter")
		}
		f, err := r.compFilter(t, &budget)
		filters = append(filters, f)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(filters) != 1 {
		return nil, badFilter("CALDAV:filter holds one comp-filter")
	}
	return &filters[0], nil
}

// name returns the attribute that every filter must have, and counts it.
func (t token) filterName(budget *int) (string, error) {
	if *budget--; *budget < 0 {
		return "", badFilter("too many conditions")
	}
	name, found := t.attribute("name")
	if !found || name == "" {
		return "", badFilter("a filter without a name")
	}
	return name, nil
}

func (r *reader) compFilter(t token, budget *int) (f CompFilter, err error) {
	if f.Component, err = t.filterName(budget); err != nil {
		return f, err
	}
	err = r.children(func(t token) (err error) {
		switch t.name {
		case Name{Space: CalDAV, Local: "is-not-defined"}:
			f.IsNotDefined = true
		case Name{Space: CalDAV, Local: "time-range"}:
			if f.TimeRange != nil {
				return errRepeated
			}
			f.TimeRange, err = timeRange(t)
		case Name{Space: CalDAV, Local: "comp-filter"}:
			var c CompFilter
			c, err = r.compFilter(t, budget)
			f.Comps = append(f.Comps, c)
		case Name{Space: CalDAV, Local: "prop-filter"}:
			var p PropFilter
			p, err = r.propFilter(t, budget)
			f.Props = append(f.Props, p)
		}
		return err
	})
	return f, err
}

func (r *reader) propFilter(t token, budget *int) (f PropFilter, err error) {
	if f.Property, err = t.filterName(budget); err != nil {
		return f, err
	}
	err = r.children(func(t token) (err error) {
		switch t.name {
		case Name{Space: CalDAV, Local: "is-not-defined"}:
			f.IsNotDefined = true
		case Name{Space: CalDAV, Local: "time-range"}:
			if f.TimeRange != nil {
				return errRepeated
			}
			f.TimeRange, err = timeRange(t)
		case Name{Space: CalDAV, Local: "text-match"}:
			if f.Text != nil {
				return errRepeated
			}
			f.Text, err = r.textMatch(t)
		case Name{Space: CalDAV, Local: "param-filter"}:
			var p ParamFilter
			p, err = r.paramFilter(t, budget)
			f.Params = append(f.Params, p)
		}
		return err
	})
	return f, err
}

func (r *reader) paramFilter(t token, budget *int) (f ParamFilter, err error) {
	if f.Parameter, err = t.filterName(budget); err != nil {
		return f, err
	}
	err = r.children(func(t token) (err error) {
		switch t.name {
		case Name{Space: CalDAV, Local: "is-not-defined"}:
			f.IsNotDefined = true
		case Name{Space: CalDAV, Local: "text-match"}:
			if f.Text != nil {
				return errRepeated
			}
			f.Text, err = r.textMatch(t)
		}
		return err
	})
	return f, err
}

func (r *reader) textMatch(t token) (*TextMatch, error) {
	m := &TextMatch{}
	m.Collation, _ = t.attribute("collation")
	switch negate, _ := t.attribute("negate-condition"); negate {
	case "", "no":
	case "yes":
		m.Negate = true
	default:
		return nil, badFilter("negate-condition is yes or no")
	}
	var err error
	m.Text, err = r.text()
	return m, err
}

func timeRange(t token) (*TimeRange, error) {
	tr := &TimeRange{}
	tr.Start, _ = t.attribute("start")
	tr.End, _ = t.attribute("end")
	if tr.Start == "" && tr.End == "" {
		return nil, badFilter("CALDAV:time-range needs a start or an end")
	}
	return tr, nil
}
