package davxml

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// reader is a pull parser with limits. It resolves namespaces itself, because
// encoding/xml lets an undeclared prefix pass as if it were a namespace, and
// keeps the prefixes, because values of properties may depend on them
// (RFC 4918 section 4.3).
type reader struct {
	in       *input
	d        *xml.Decoder
	open     []frame
	bindings []binding
	elements int
	expanded int // DAV:property elements of a DAV:expand-property
	rooted   bool
}

// frame is an open element.
type frame struct {
	raw      xml.Name // Space is the prefix
	bindings int      // in scope outside of it
	lang     string   // xml:lang in scope
}

type binding struct{ prefix, space string }

type tokenKind uint8

const (
	startToken tokenKind = iota + 1
	endToken
	textToken
)

// token is what the parser saw next. attr and text are valid until the next one.
type token struct {
	kind tokenKind
	name Name
	raw  xml.Name   // as written: Space is the prefix
	attr []xml.Attr // without namespace declarations; Name.Space is the prefix
	text []byte
}

func newReader(r io.Reader) *reader {
	in := &input{left: MaxBody}
	utf8, wide := decode(r)
	in.r = utf8
	d := xml.NewDecoder(in)
	if wide {
		d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	}
	return &reader{in: in, d: d}
}

// root reads up to the first tag. An empty body, or one of white space only,
// is io.EOF.
func (r *reader) root() (token, error) {
	t, err := r.next()
	return t, err
}

// end reads what follows the root, which must be nothing.
func (r *reader) end() error {
	for {
		if _, err := r.next(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// next returns the next start tag, end tag or text. Comments and processing
// instructions are passed over. io.EOF comes only outside of the root.
func (r *reader) next() (token, error) {
	for {
		t, err := r.d.RawToken()
		if err == io.EOF && len(r.open) == 0 {
			return token{}, r.readError(io.EOF)
		}
		if err != nil {
			return token{}, r.fail(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			return r.start(t)
		case xml.EndElement:
			return r.close(t)
		case xml.CharData:
			if len(r.open) > 0 {
				return token{kind: textToken, text: t}, nil
			}
			if strings.TrimLeft(string(t), " \t\r\n") != "" {
				return token{}, malformed("text outside of the root element")
			}
		case xml.Directive:
			// No DTD, so no entities that could expand (RFC 4918 section 20.6).
			return token{}, malformed("a document type is not accepted")
		}
	}
}

func (r *reader) start(t xml.StartElement) (token, error) {
	if len(r.open) == 0 && r.rooted {
		return token{}, malformed("more than one root element")
	}
	if len(r.open) >= MaxDepth {
		return token{}, malformed("elements are nested too deeply")
	}
	if r.elements++; r.elements > MaxElements {
		return token{}, malformed("too many elements")
	}
	if len(t.Attr) > maxAttributes {
		return token{}, malformed("too many attributes")
	}
	r.rooted = true
	f := frame{raw: t.Name, bindings: len(r.bindings)}
	if len(r.open) > 0 {
		f.lang = r.open[len(r.open)-1].lang
	}
	r.open = append(r.open, f)
	attr, err := r.declare(t.Attr)
	if err != nil {
		return token{}, err
	}
	if err := r.check(attr); err != nil {
		return token{}, err
	}
	name, err := r.resolve(t.Name)
	if err != nil {
		return token{}, err
	}
	return token{kind: startToken, name: name, raw: t.Name, attr: attr}, nil
}

// declare takes the namespace declarations out of the attributes.
func (r *reader) declare(attr []xml.Attr) ([]xml.Attr, error) {
	rest := attr[:0]
	for _, a := range attr {
		prefix, declares := a.Name.Local, a.Name.Space == "xmlns"
		if a.Name.Space == "" && a.Name.Local == "xmlns" {
			prefix, declares = "", true
		}
		if !declares {
			rest = append(rest, a)
			continue
		}
		// Namespaces in XML 1.0 sections 3 and 5: only the default namespace
		// can be undeclared, xml and xmlns stand as they are.
		if prefix != "" && a.Value == "" || prefix == "xmlns" || a.Value == "http://www.w3.org/2000/xmlns/" ||
			(prefix == "xml") != (a.Value == namespaceXML) || strings.Contains(prefix, ":") {
			return nil, malformed("namespace declaration not allowed")
		}
		for _, b := range r.bindings[r.open[len(r.open)-1].bindings:] {
			if b.prefix == prefix {
				return nil, malformed("namespace declared twice")
			}
		}
		if len(r.bindings) >= maxBindings {
			return nil, malformed("too many namespaces")
		}
		r.bindings = append(r.bindings, binding{prefix, a.Value})
	}
	return rest, nil
}

// check makes sure that attributes are well-formed and notes xml:lang.
func (r *reader) check(attr []xml.Attr) error {
	names := make([]Name, 0, 8)
	for _, a := range attr {
		name := a.Name
		if a.Name.Space != "" {
			var err error
			if name, err = r.resolve(a.Name); err != nil {
				return err
			}
		} else if strings.Contains(a.Name.Local, ":") {
			return malformed("attribute name not allowed")
		}
		for _, n := range names {
			if n == name {
				return malformed("attribute given twice")
			}
		}
		names = append(names, name)
		if name.Space == namespaceXML && name.Local == "lang" {
			r.open[len(r.open)-1].lang = a.Value
		}
	}
	return nil
}

// resolve turns prefix and local part into an expanded name.
func (r *reader) resolve(raw xml.Name) (Name, error) {
	if strings.Contains(raw.Local, ":") || raw.Space == "xmlns" {
		return Name{}, malformed("element name not allowed")
	}
	if raw.Space == "xml" {
		return Name{Space: namespaceXML, Local: raw.Local}, nil
	}
	space, declared := r.lookup(raw.Space)
	if !declared {
		return Name{}, malformed("namespace prefix not declared")
	}
	return Name{Space: space, Local: raw.Local}, nil
}

// lookup returns the namespace that a prefix is bound to.
func (r *reader) lookup(prefix string) (space string, declared bool) {
	for i := len(r.bindings) - 1; i >= 0; i-- {
		if r.bindings[i].prefix == prefix {
			return r.bindings[i].space, true
		}
	}
	return "", prefix == ""
}

func (r *reader) close(t xml.EndElement) (token, error) {
	if len(r.open) == 0 || r.open[len(r.open)-1].raw != t.Name {
		return token{}, malformed("tags do not match")
	}
	f := r.open[len(r.open)-1]
	r.open = r.open[:len(r.open)-1]
	r.bindings = r.bindings[:f.bindings]
	return token{kind: endToken, raw: t.Name}, nil
}

// fail tells what the parser refused from what the connection did.
func (r *reader) fail(err error) error {
	if r.in.err != nil {
		return r.in.err
	}
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return malformed("line %d: %s", syntax.Line, syntax.Msg)
	}
	return malformed("%v", err)
}

func (r *reader) readError(err error) error {
	if r.in.err != nil {
		return r.in.err
	}
	return err
}

// children calls f for each child of the element that was opened last. What f
// leaves unread of a child is passed over.
func (r *reader) children(f func(token) error) error {
	depth := len(r.open)
	for {
		t, err := r.next()
		if err != nil {
			return err
		}
		switch t.kind {
		case startToken:
			if err := f(t); err != nil {
				return err
			}
			if err := r.skip(depth); err != nil {
				return err
			}
		case endToken:
			return nil
		}
	}
}

// skip reads on until depth elements are open.
func (r *reader) skip(depth int) error {
	for len(r.open) > depth {
		if _, err := r.next(); err != nil {
			return err
		}
	}
	return nil
}

// text returns the character data of the element that was opened last,
// without that of its children.
func (r *reader) text() (string, error) {
	depth := len(r.open)
	var b strings.Builder
	for {
		t, err := r.next()
		if err != nil {
			return "", err
		}
		if t.kind == textToken && len(r.open) == depth {
			b.Write(t.text)
		}
		if t.kind == endToken && len(r.open) < depth {
			return b.String(), nil
		}
	}
}

// attribute returns the value of an attribute without namespace, "" when it
// is not there.
func (t token) attribute(local string) (value string, found bool) {
	for _, a := range t.attr {
		if a.Name.Space == "" && a.Name.Local == local {
			return a.Value, true
		}
	}
	return "", false
}
