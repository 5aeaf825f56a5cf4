package davxml

import "io"

// Condition is a precondition or postcondition element of a DAV:error
// (RFC 4918 section 16).
type Condition struct {
	Name  Name
	Hrefs []string // DAV:href children: the resources it is about, escaped URLs
	// Privilege is set for DAV:need-privileges (RFC 3744 section 7.1.1): what
	// is missing on each of Hrefs.
	Privilege Name
}

// ErrorSpace is the namespace of what an error says and no RFC has an element for.
const ErrorSpace = "urn:calgate:error"

// WriteError writes the body of an error: a DAV:error that holds the conditions
// (RFC 4918 section 14.5).
func WriteError(w io.Writer, failed ...Condition) error {
	b := append([]byte(prolog+"<D:error"), declarations...)
	b = appendConditions(append(b, '>'), failed)
	_, err := w.Write(append(b, "</D:error>\n"...))
	return err
}

func appendConditions(b []byte, failed []Condition) []byte {
	for _, c := range failed {
		if c.Name.Local == "" {
			continue
		}
		if len(c.Hrefs) == 0 {
			b = AppendEmpty(b, c.Name)
			continue
		}
		tag, start := NewTag(c.Name), len(b)
		b = tag.Start(b)
		for _, href := range c.Hrefs {
			b = appendResource(b, c.Privilege, href)
		}
		b = tag.End(b, start)
	}
	return b
}

func appendResource(b []byte, privilege Name, href string) []byte {
	if privilege.Local == "" {
		return append(AppendText(append(b, "<D:href>"...), href), "</D:href>"...)
	}
	b = append(AppendText(append(b, "<D:resource><D:href>"...), href), "</D:href><D:privilege>"...)
	return append(AppendEmpty(b, privilege), "</D:privilege></D:resource>"...)
}
