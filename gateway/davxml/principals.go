package davxml

import (
	"fmt"
	"slices"
	"unicode"
)

// Principals is what the REPORTs of RFC 3744 section 9 and DAV:expand-property (RFC 3253 section 3.8) ask for.
type Principals struct {
	Self     bool // DAV:principal-match
	Property Name // DAV:principal-match by DAV:principal-property
	Searches []Search
	AnyOf    bool // one of Searches is enough, instead of all
	Expand   []Expand
}

// Search is one DAV:property-search.
type Search struct {
	Props []Name
	Match string
}

// Expand is one DAV:property of DAV:expand-property. With Inner it is one that holds hrefs, of what they lead to.
type Expand struct {
	Name  Name
	Inner []Expand
}

// principals reads one child of such a REPORT; known says whether it was one.
func (r *reader) principals(t token, report *Report) (known bool, err error) {
	if report.Name.Space != DAV || t.name.Space != DAV {
		return false, nil
	}
	switch report.Name.Local + " " + t.name.Local {
	case "principal-match self":
		report.Self = true
	case "principal-match principal-property":
		err = r.children(func(t token) error {
			report.Property = t.name
			return nil
		})
	case "principal-property-search property-search":
		if len(report.Searches) >= MaxSearches {
			return true, errSearches
		}
		var s Search
		s, err = r.propertySearch()
		report.Searches = append(report.Searches, s)
	case "expand-property property":
		err = r.expand(t, &report.Expand)
	default:
		return false, nil
	}
	return true, err
}

var errSearches = &Error{Kind: TooMany, Reason: fmt.Sprintf("more than %d searches, or properties in one", MaxSearches)}

func (r *reader) propertySearch() (s Search, err error) {
	err = r.davChildren(func(t token) (err error) {
		switch t.name.Local {
		case "prop":
			err = r.children(func(t token) error {
				if len(s.Props) >= MaxSearches {
					return errSearches
				}
				s.Props = append(s.Props, t.name)
				return nil
			})
		case "match":
			s.Match, err = r.text()
		}
		return err
	})
	if err == nil && len(s.Props) == 0 {
		err = malformed("DAV:property-search needs a DAV:prop")
	}
	return s, err
}

// expand reads a DAV:property into those beside it, each name once: MaxProperties in all, however they nest.
func (r *reader) expand(t token, beside *[]Expand) error {
	if r.expanded++; r.expanded > MaxProperties {
		return &Error{Kind: TooMany, Reason: "too many properties"}
	}
	var e Expand
	e.Name.Local, _ = t.attribute("name")
	e.Name.Space = DAV
	if space, ok := t.attribute("namespace"); ok {
		e.Name.Space = space
	}
	if !isName(e.Name.Local) || e.Name.Space == "http://www.w3.org/2000/xmlns/" {
		return malformed("DAV:property needs a name")
	}
	err := r.davChildren(func(t token) error {
		if t.name.Local != "property" {
			return nil
		}
		return r.expand(t, &e.Inner)
	})
	if !slices.ContainsFunc(*beside, func(other Expand) bool { return other.Name == e.Name }) {
		*beside = append(*beside, e)
	}
	return err
}

// isName tells whether a string can be the local part of an element's name; not every character that XML allows is taken.
func isName(s string) bool {
	for i, r := range s {
		if !unicode.IsLetter(r) && r != '_' && (i == 0 || !unicode.IsDigit(r) && r != '-' && r != '.') {
			return false
		}
	}
	return s != ""
}
