package test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// element is an XML element with its names resolved. Space that only lays out is not part of it.
type element struct {
	name  xml.Name
	attrs []xml.Attr // sorted, without namespace declarations
	kids  []*element
	text  string
}

// prefixes are how -update writes the namespaces.
var prefixes = []struct{ prefix, space string }{
	{"D", "DAV:"}, {"C", "urn:ietf:params:xml:ns:caldav"}, {"CS", "http://calendarserver.org/ns/"}, {"A", "http://apple.com/ns/ical/"},
}

func parseXML(text string) (*element, error) {
	d := xml.NewDecoder(strings.NewReader(text))
	var root *element
	var open []*element
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && root != nil && len(open) == 0 {
			return root, nil
		}
		if err != nil {
			return nil, fmt.Errorf("not well-formed: %w", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: token.Name}
			for _, a := range token.Attr {
				if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
					e.attrs = append(e.attrs, a)
				}
			}
			slices.SortFunc(e.attrs, func(a, b xml.Attr) int {
				return strings.Compare(a.Name.Space+" "+a.Name.Local, b.Name.Space+" "+b.Name.Local)
			})
			switch {
			case len(open) > 0:
				parent := open[len(open)-1]
				parent.kids = append(parent.kids, e)
			case root != nil:
				return nil, errors.New("two root elements")
			default:
				root = e
			}
			open = append(open, e)
		case xml.EndElement:
			e := open[len(open)-1]
			open = open[:len(open)-1]
			if len(e.kids) > 0 || strings.TrimSpace(e.text) == "" {
				e.text = strings.TrimSpace(e.text)
			}
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(token)
			}
		}
	}
}

// differ compares a wanted element with an answered one and returns the first difference, "" for none. It sets the values
// that the wanted one names. An element that holds {*} may hold any
// elements, and those that are wanted in it in this order among them.
func (p *play) differ(want, got *element, path string) string {
	path += "/" + want.name.Local
	if want.name != got.name {
		return fmt.Sprintf("%s: want element {%s}%s, got {%s}%s", path, want.name.Space, want.name.Local, got.name.Space, got.name.Local)
	}
	if len(want.attrs) != len(got.attrs) {
		return fmt.Sprintf("%s: want attributes %v, got %v", path, want.attrs, got.attrs)
	}
	for i := range want.attrs {
		if want.attrs[i].Name != got.attrs[i].Name || !p.values.match(want.attrs[i].Value, got.attrs[i].Value) {
			return fmt.Sprintf("%s: want attribute %v, got %v", path, want.attrs[i], got.attrs[i])
		}
	}
	if strings.TrimSpace(want.text) == "{*}" && len(got.kids) > 0 { // there may be more of it on another server
		rest := got.kids
		for _, kid := range want.kids {
			i := slices.IndexFunc(rest, func(e *element) bool { return p.differ(kid, e, path) == "" })
			if i < 0 {
				return fmt.Sprintf("%s: want an element %+v", path, kid)
			}
			rest = rest[i+1:]
		}
		return ""
	}
	if !p.sameText(want.text, got.text) {
		return fmt.Sprintf("%s: want text %q, got %q", path, p.values.fill(want.text), got.text)
	}
	for i := range min(len(want.kids), len(got.kids)) {
		if d := p.differ(want.kids[i], got.kids[i], path); d != "" {
			return d
		}
	}
	if len(want.kids) != len(got.kids) {
		return fmt.Sprintf("%s: want %d elements, got %d", path, len(want.kids), len(got.kids))
	}
	return ""
}

func (p *play) sameText(want, got string) bool {
	if name, ok := strings.CutPrefix(want, "{file:"); ok {
		text, _ := p.section(strings.TrimSuffix(name, "}"))
		return crlf(text) == got
	}
	return p.values.match(strings.TrimSpace(want), strings.TrimSpace(got)) || p.values.match(want, got)
}

// declarations are those of the prefixes that an element or one below it needs.
func declarations(e *element) string {
	declare := ""
	for _, n := range prefixes {
		if e.uses(n.space) {
			declare += fmt.Sprintf(" xmlns:%s=%q", n.prefix, n.space)
		}
	}
	return declare
}

func (e *element) uses(space string) bool {
	return e.name.Space == space || slices.ContainsFunc(e.kids, func(kid *element) bool { return kid.uses(space) })
}

// write lays an answer out for people. Where old, the wanted element at the same place, matches, its text stays.
func (p *play) write(w *strings.Builder, e, old *element, declare string) {
	p.writeAt(w, e, old, declare, "")
}

func (p *play) writeAt(w *strings.Builder, e, old *element, declare, in string) {
	tag := e.name.Local
	known := false
	for _, n := range prefixes {
		if n.space == e.name.Space {
			tag, known = n.prefix+":"+tag, true
		}
	}
	if !known {
		declare += fmt.Sprintf(" xmlns=%q", e.name.Space)
	}
	for _, a := range e.attrs {
		prefix := ""
		if a.Name.Space == "http://www.w3.org/XML/1998/namespace" {
			prefix = "xml:"
		}
		declare += fmt.Sprintf(" %s%s=\"%s\"", prefix, a.Name.Local, strings.ReplaceAll(escapeXML(p.values.name(a.Value)), `"`, "&quot;"))
	}
	text := p.textOf(e, old)
	switch {
	case len(e.kids) == 0 && text == "":
		fmt.Fprintf(w, "%s<%s%s/>\n", in, tag, declare)
	case len(e.kids) == 0:
		fmt.Fprintf(w, "%s<%s%s>%s</%s>\n", in, tag, declare, text, tag)
	default:
		fmt.Fprintf(w, "%s<%s%s>\n", in, tag, declare)
		for i, kid := range e.kids {
			var before *element
			if old != nil && i < len(old.kids) && old.kids[i].name == kid.name {
				before = old.kids[i]
			}
			p.writeAt(w, kid, before, "", in+"  ")
		}
		fmt.Fprintf(w, "%s</%s>\n", in, tag)
	}
}

// textOf is the text of an element as -update writes it: the old one where it matches, a value's name, a file's name, or
// the wildcard for what is never twice the same.
func (p *play) textOf(e, old *element) string {
	if old != nil && old.text != "" && p.sameText(old.text, e.text) {
		return escapeXML(old.text)
	}
	for _, f := range p.archive.Files {
		if len(f.Data) > 0 && crlf(string(f.Data)) == e.text {
			return "{file:" + f.Name + "}"
		}
	}
	named := p.values.name(e.text)
	if named != e.text || e.text == "" {
		return escapeXML(named)
	}
	if e.name.Space == "urn:calgate:error" {
		return "{*}" // a sentence for people
	}
	switch e.name.Local {
	case "getetag", "sync-token", "getctag", "getlastmodified", "creationdate", "responsedescription":
		return "{*}"
	}
	return escapeXML(e.text)
}

func escapeXML(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;").Replace(s)
}

func crlf(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
}
