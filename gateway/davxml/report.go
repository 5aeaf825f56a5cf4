package davxml

import (
	"io"
	"strconv"
	"strings"
)

// Report is the body of a REPORT. Which fields are filled depends on Name.
type Report struct {
	Name Name // of the root: CALDAV:calendar-query, DAV:sync-collection, …
	Names
	Hrefs  []string    // CALDAV:calendar-multiget, as written
	Filter *CompFilter // CALDAV:calendar-query; nil when not given
	// Timezone is the text of CALDAV:timezone in a calendar-query
	// (RFC 4791 section 9.8), "" when not given.
	Timezone string
	// Range is the CALDAV:time-range of a free-busy-query (RFC 4791 section 7.10);
	// nil when not given.
	Range *TimeRange
	// Token and Level are of DAV:sync-collection (RFC 6578 section 6.1);
	// HasToken says that a DAV:sync-token stands there, if only an empty one.
	Token, Level string
	HasToken     bool
	Limit        int // DAV:nresults (RFC 5323 section 5.17), 0 = none
	Principals
}

// ReadReport reads the body of any REPORT. Of one that calgate does not know
// the name is all that is read with understanding.
func ReadReport(body io.Reader) (*Report, error) {
	r := newReader(body)
	t, err := r.root()
	if err == io.EOF {
		return nil, malformed("the body is empty")
	} else if err != nil {
		return nil, err
	}
	report := &Report{Name: t.name}
	test, _ := t.attribute("test") // of DAV:principal-property-search, as Apple's programs say it
	report.AnyOf = test == "anyof"
	if err := r.children(func(t token) error { return r.reportChild(t, report) }); err != nil {
		return nil, err
	}
	return report, r.end()
}

func (r *reader) reportChild(t token, report *Report) error {
	if known, err := r.names(t, &report.Names); known {
		return err
	}
	if known, err := r.principals(t, report); known {
		return err
	}
	var err error
	switch t.name {
	case Name{Space: DAV, Local: "href"}:
		if len(report.Hrefs) >= MaxHrefs {
			return &Error{Kind: TooMany, Reason: "more than 10,000 hrefs"}
		}
		var href string
		href, err = r.text()
		report.Hrefs = append(report.Hrefs, strings.TrimSpace(href))
	case Name{Space: DAV, Local: "sync-token"}:
		report.HasToken = true
		report.Token, err = r.text()
		report.Token = strings.TrimSpace(report.Token)
	case Name{Space: DAV, Local: "sync-level"}:
		report.Level, err = r.text()
		report.Level = strings.TrimSpace(report.Level)
	case Name{Space: DAV, Local: "limit"}, Name{Space: CalDAV, Local: "limit"}:
		err = r.limit(report)
	case Name{Space: CalDAV, Local: "filter"}:
		report.Filter, err = r.filter()
	case Name{Space: CalDAV, Local: "time-range"}:
		report.Range, err = timeRange(t)
	case Name{Space: CalDAV, Local: "timezone"}:
		report.Timezone, err = r.text()
	}
	return err
}

func (r *reader) limit(report *Report) error {
	return r.children(func(t token) error {
		if t.name.Local != "nresults" {
			return nil
		}
		s, err := r.text()
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 31)
		if err != nil || n == 0 {
			return malformed("DAV:nresults is no number above 0")
		}
		report.Limit = int(n)
		return nil
	})
}
