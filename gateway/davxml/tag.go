package davxml

// Tag is the markup of an element made once.
type Tag struct{ start, end, empty string }

// NewTag returns the markup of an element with that name.
func NewTag(n Name) Tag {
	p := prefix(n.Space)
	start := p + n.Local
	if p == otherPrefix {
		start += ` xmlns:X="` + string(AppendAttribute(nil, n.Space)) + `"`
	}
	return Tag{"<" + start + ">", "</" + p + n.Local + ">", "<" + start + "/>"}
}

// With returns the markup with an attribute more.
func (t Tag) With(name, value string) Tag {
	attribute := " " + name + `="` + string(AppendAttribute(nil, value)) + `"`
	return Tag{t.start[:len(t.start)-1] + attribute + ">", t.end, t.empty[:len(t.empty)-2] + attribute + "/>"}
}

// Start appends the start tag.
func (t Tag) Start(b []byte) []byte { return append(b, t.start...) }

// End appends the end tag; right after the start tag both become one.
func (t Tag) End(b []byte, start int) []byte {
	if len(b) == start+len(t.start) {
		return append(b[:start], t.empty...)
	}
	return append(b, t.end...)
}

// Begin opens a document whose root declares the usual prefixes.
func Begin(root Name) []byte {
	b := append([]byte(prolog+"<"), prefix(root.Space)...)
	return append(append(append(b, root.Local...), declarations...), '>')
}

// End closes it.
func End(b []byte, root Name) []byte {
	b = append(append(b, "</"...), prefix(root.Space)...)
	return append(append(b, root.Local...), ">\n"...)
}

// AppendEmpty appends an element without content.
func AppendEmpty(b []byte, n Name) []byte {
	p := prefix(n.Space)
	b = append(append(append(b, '<'), p...), n.Local...)
	if p == otherPrefix {
		b = append(AppendAttribute(append(b, ` xmlns:X="`...), n.Space), '"')
	}
	return append(b, "/>"...)
}

// otherPrefix is for the namespaces that the root does not declare.
const otherPrefix = "X:"

// prefix returns the prefix of a namespace with its colon.
func prefix(space string) string {
	switch space {
	case "":
		return ""
	case DAV:
		return "D:"
	case CalDAV:
		return "C:"
	case CalendarServer:
		return "CS:"
	case AppleICal:
		return "A:"
	case namespaceXML:
		return "xml:"
	}
	return otherPrefix
}
