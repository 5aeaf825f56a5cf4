package davxml

// maxDataNames is the number of components and properties in a
// CALDAV:calendar-data.
const maxDataNames = 1_000

// CalendarData is what CALDAV:calendar-data in a request says (RFC 4791 section
// 9.6).
type CalendarData struct {
	Comp                                   *Comp
	Expand, LimitRecurrence, LimitFreeBusy *TimeRange
}

// Comp is CALDAV:comp (RFC 4791 section 9.6.1).
type Comp struct {
	Name             string
	AllProp, AllComp bool
	Props            []CompProp
	Comps            []Comp
}

// CompProp is CALDAV:prop (RFC 4791 section 9.6.4).
type CompProp struct {
	Name    string
	NoValue bool
}

func (r *reader) calendarData() (*CalendarData, error) {
	d := &CalendarData{}
	budget := maxDataNames
	err := r.children(func(t token) error {
		var err error
		switch t.name {
		case Name{Space: CalDAV, Local: "comp"}:
			if d.Comp != nil {
				return malformed("CALDAV:calendar-data holds one comp")
			}
			var c Comp
			c, err = r.comp(t, &budget)
			d.Comp = &c
		case Name{Space: CalDAV, Local: "expand"}:
			d.Expand, err = wholeRange(t)
		case Name{Space: CalDAV, Local: "limit-recurrence-set"}:
			d.LimitRecurrence, err = wholeRange(t)
		case Name{Space: CalDAV, Local: "limit-freebusy-set"}:
			d.LimitFreeBusy, err = wholeRange(t)
		}
		return err
	})
	if err == nil && d.Expand != nil && d.LimitRecurrence != nil {
		err = malformed("expand and limit-recurrence-set exclude each other")
	}
	return d, err
}

// wholeRange reads a range that has both ends (RFC 4791 sections 9.6.5 to 9.6.7).
func wholeRange(t token) (*TimeRange, error) {
	tr := &TimeRange{}
	tr.Start, _ = t.attribute("start")
	tr.End, _ = t.attribute("end")
	if tr.Start == "" || tr.End == "" {
		return nil, malformed("%s needs a start and an end", t.name.Local)
	}
	return tr, nil
}

func (r *reader) comp(t token, budget *int) (c Comp, err error) {
	if c.Name, err = dataName(t, budget); err != nil {
		return c, err
	}
	err = r.children(func(t token) error {
		switch t.name {
		case Name{Space: CalDAV, Local: "allprop"}:
			c.AllProp = true
		case Name{Space: CalDAV, Local: "allcomp"}:
			c.AllComp = true
		case Name{Space: CalDAV, Local: "prop"}:
			name, err := dataName(t, budget)
			if err != nil {
				return err
			}
			novalue, _ := t.attribute("novalue")
			c.Props = append(c.Props, CompProp{name, novalue == "yes"})
		case Name{Space: CalDAV, Local: "comp"}:
			inner, err := r.comp(t, budget)
			if err != nil {
				return err
			}
			c.Comps = append(c.Comps, inner)
		}
		return nil
	})
	return c, err
}

func dataName(t token, budget *int) (string, error) {
	if *budget--; *budget < 0 {
		return "", malformed("too many names in CALDAV:calendar-data")
	}
	name, _ := t.attribute("name")
	if name == "" {
		return "", malformed("a comp or prop without a name")
	}
	return name, nil
}
