package davxml

import "io"

// Names says which properties a request asks for.
type Names struct {
	AllProp  bool // DAV:allprop; Props are those of DAV:include
	PropName bool // DAV:propname
	Props    []Prop
}

// Prop is one property that is asked for.
type Prop struct {
	Name Name
	// ContentType and Version are the attributes of CALDAV:calendar-data
	// (RFC 4791 section 9.6), "" when not given.
	ContentType, Version string
	// Data is what else it says, nil for other properties.
	Data *CalendarData
}

// ReadPropfind reads a DAV:propfind. An empty body asks for allprop
// (RFC 4918 section 9.1).
func ReadPropfind(body io.Reader) (*Names, error) {
	r := newReader(body)
	t, err := r.root()
	if err == io.EOF {
		return &Names{AllProp: true}, nil
	} else if err != nil {
		return nil, err
	}
	if t.name != (Name{Space: DAV, Local: "propfind"}) {
		return nil, malformed("the body is not DAV:propfind")
	}
	names, kinds := &Names{}, 0
	err = r.children(func(t token) error {
		known, err := r.names(t, names)
		if known {
			kinds++
		}
		if t.name == (Name{Space: DAV, Local: "include"}) {
			return r.props(names)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if kinds != 1 {
		return nil, malformed("DAV:propfind needs exactly one of prop, allprop and propname")
	}
	return names, r.end()
}

// names reads a DAV:prop, allprop or propname; known says whether t is one.
func (r *reader) names(t token, names *Names) (known bool, err error) {
	if t.name.Space != DAV {
		return false, nil
	}
	switch t.name.Local {
	case "prop":
		return true, r.props(names)
	case "allprop":
		names.AllProp = true
	case "propname":
		names.PropName = true
	default:
		return false, nil
	}
	return true, nil
}

// props reads the names in a DAV:prop or DAV:include, each once.
func (r *reader) props(names *Names) error {
	seen := make(map[Name]bool, 16)
	for _, p := range names.Props {
		seen[p.Name] = true
	}
	return r.children(func(t token) error {
		if seen[t.name] {
			return nil
		}
		if len(names.Props) >= MaxProperties {
			return malformed("too many properties")
		}
		seen[t.name] = true
		p := Prop{Name: t.name}
		if t.name == (Name{Space: CalDAV, Local: "calendar-data"}) {
			p.ContentType, _ = t.attribute("content-type")
			p.Version, _ = t.attribute("version")
			var err error
			if p.Data, err = r.calendarData(); err != nil {
				return err
			}
		}
		names.Props = append(names.Props, p)
		return nil
	})
}

// Update is one instruction of a DAV:propertyupdate.
type Update struct {
	Remove bool // else set
	Element
}

// ReadPropertyupdate reads a DAV:propertyupdate: its instructions in document
// order, as they must be obeyed (RFC 4918 section 9.2).
func ReadPropertyupdate(body io.Reader) ([]Update, error) {
	r := newReader(body)
	if err := r.expect(Name{Space: DAV, Local: "propertyupdate"}); err != nil {
		return nil, err
	}
	var updates []Update
	instructions := 0
	err := r.children(func(t token) error {
		set := t.name == (Name{Space: DAV, Local: "set"})
		if !set && t.name != (Name{Space: DAV, Local: "remove"}) {
			return nil
		}
		instructions++
		return r.updates(!set, &updates)
	})
	if err != nil {
		return nil, err
	}
	if instructions == 0 {
		return nil, malformed("DAV:propertyupdate needs DAV:set or DAV:remove")
	}
	return updates, r.end()
}

// updates reads the properties in a DAV:set or DAV:remove.
func (r *reader) updates(remove bool, updates *[]Update) error {
	return r.children(func(t token) error {
		if t.name != (Name{Space: DAV, Local: "prop"}) {
			return nil
		}
		return r.children(func(t token) error {
			if len(*updates) >= MaxProperties {
				return malformed("too many properties")
			}
			e, err := r.element(t)
			if err == nil {
				*updates = append(*updates, Update{Remove: remove, Element: *e})
			}
			return err
		})
	})
}

// ReadMkcalendar reads the properties of a CALDAV:mkcalendar. No body is none
// (RFC 4791 section 5.3.1).
func ReadMkcalendar(body io.Reader) ([]Element, error) {
	return readMake(body, Name{Space: CalDAV, Local: "mkcalendar"})
}

// ReadMkcol reads the properties of a DAV:mkcol (RFC 5689 section 3).
func ReadMkcol(body io.Reader) ([]Element, error) {
	return readMake(body, Name{Space: DAV, Local: "mkcol"})
}

func readMake(body io.Reader, root Name) ([]Element, error) {
	r := newReader(body)
	t, err := r.root()
	if err == io.EOF {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if t.name != root {
		return nil, malformed("the body is not %s", root.Local)
	}
	var updates []Update
	err = r.children(func(t token) error {
		if t.name != (Name{Space: DAV, Local: "set"}) {
			return nil
		}
		return r.updates(false, &updates)
	})
	if err != nil {
		return nil, err
	}
	elements := make([]Element, len(updates))
	for i, u := range updates {
		elements[i] = u.Element
	}
	return elements, r.end()
}

// expect reads the tag of the root, which must have that name.
func (r *reader) expect(root Name) error {
	t, err := r.root()
	if err == io.EOF {
		return malformed("the body is empty")
	} else if err != nil {
		return err
	}
	if t.name != root {
		return malformed("the body is not %s", root.Local)
	}
	return nil
}
