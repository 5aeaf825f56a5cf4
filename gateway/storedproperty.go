package gateway

import (
	"encoding/xml"
	"slices"
	"strings"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
)

// storedElement is a property that a client set on a calendar.
type storedElement struct {
	davxml.Element
	private bool // by this user for himself: nobody else sees it
}

// storedElement is what a client set, nil where none did. A display name without text
// is none: programs would show nothing.
func (s *subject) storedElement(name xml.Name) *storedElement {
	for i := range s.stored {
		if e := &s.stored[i]; e.Name == name && (name != dav("displayname") || strings.TrimSpace(e.Text) != "") {
			return e
		}
	}
	return nil
}

// storedProperties reads what clients set on a calendar, as this user sees it. The folder is open to other
// programs: what is no element, or no property that could be set, is left out.
func (q *request) storedProperties(v *calendar.View) ([]storedElement, error) {
	properties, err := v.Properties(q.r.Context())
	if err != nil {
		return nil, err
	}
	elements := make([]storedElement, 0, len(properties))
	for _, p := range properties {
		name := xml.Name(p.Name)
		if !settable(name) && name != componentSetName {
			continue
		}
		if p.XML == "" {
			p.XML = textElement(name, p.Text)
		}
		if e, err := davxml.ParseElement(p.XML); err == nil && e.Name == name {
			elements = append(elements, storedElement{*e, p.Private})
		}
	}
	return elements, nil
}

// textElement is a property of which another program keeps the text alone, "" where the
// text says nothing. plainText is its inverse.
func textElement(name xml.Name, text string) string {
	switch word := strings.TrimSpace(text); {
	case name == componentSetName:
		return componentSetElement(strings.Fields(text))
	case name == transparencyName && word != "opaque" && word != "transparent":
		return ""
	case name == transparencyName:
		return "<C:" + name.Local + ` xmlns:C="` + name.Space + `"><C:` + word + "/></C:" + name.Local + ">"
	}
	b := append(davxml.AppendAttribute([]byte("<x:"+name.Local+` xmlns:x="`), name.Space), `">`...)
	return string(davxml.AppendText(b, text)) + "</x:" + name.Local + ">"
}

func plainText(e *davxml.Element) string {
	switch {
	case e.Name == componentSetName:
		return strings.Join(componentsIn(e), " ")
	case e.Name == transparencyName && len(e.Children) == 1:
		return e.Children[0].Name.Local
	}
	return e.Text
}

// protected are properties that are live elsewhere and not here. A client that
// could set them would believe them. All of DAV: that is not in the table counts
// as well (RFC 4918 section 15).
var protected = []xml.Name{
	caldav("calendar-data"), caldav("schedule-inbox-URL"), caldav("schedule-outbox-URL"),
	caldav("schedule-tag"), caldav("calendar-user-type"),
}

// settable tells whether a client may set a property of a calendar: a stored one,
// or a dead one (RFC 4918 section 4.1).
func settable(name xml.Name) bool {
	if p := findProperty(name); p != nil {
		return p.stored
	}
	return name.Space != davxml.DAV && !slices.Contains(protected, name)
}
