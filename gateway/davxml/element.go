package davxml

import (
	"encoding/xml"
	"io"
	"slices"
	"strings"
)

// Element is a property as a client sent it or as it is stored.
type Element struct {
	Name     Name
	XML      string  // complete in itself: with all declarations that it needs and xml:lang
	Text     string  // character data directly in it
	Children []Child // its child elements
}

// Child is a child of an Element.
type Child struct {
	Name Name
	Attr string // its attribute "name" (CALDAV:comp), "" when there is none
}

// ParseElement reads an element that stands alone, as in Element.XML.
func ParseElement(s string) (*Element, error) {
	r := newReader(strings.NewReader(s))
	t, err := r.root()
	if err == io.EOF {
		return nil, malformed("empty")
	} else if err != nil {
		return nil, err
	}
	e, err := r.element(t)
	if err != nil {
		return nil, err
	}
	return e, r.end()
}

// rewriter writes an element with all it needs from outside. Prefixes stay as
// the client chose them; a declaration is written where its prefix is first
// used, as in Exclusive XML Canonicalization.
type rewriter struct {
	r       *reader
	b       []byte
	written []binding // declarations in scope in the output
	marks   []int     // length of written outside of each open element
	pending bool      // the last start tag still lacks its ">"
}

// element reads the element that t opened up to its end.
func (r *reader) element(t token) (*Element, error) {
	e := &Element{Name: t.name}
	depth := len(r.open)
	w := &rewriter{r: r}
	lang := ""
	if _, own := w.find(t.attr, "xml", "lang"); !own {
		lang = r.open[depth-1].lang
	}
	w.startTag(t, lang)
	var text strings.Builder
	for len(r.open) >= depth {
		t, err := r.next()
		if err != nil {
			return nil, err
		}
		switch t.kind {
		case startToken:
			if len(r.open) == depth+1 {
				name, _ := t.attribute("name")
				e.Children = append(e.Children, Child{Name: t.name, Attr: name})
			}
			w.startTag(t, "")
		case textToken:
			if len(r.open) == depth {
				text.Write(t.text)
			}
			w.text(t.text)
		case endToken:
			w.endTag(t)
		}
	}
	e.Text, e.XML = text.String(), string(w.b)
	return e, nil
}

func (w *rewriter) find(attr []xml.Attr, prefix, local string) (string, bool) {
	for _, a := range attr {
		if a.Name.Space == prefix && a.Name.Local == local {
			return a.Value, true
		}
	}
	return "", false
}

func (w *rewriter) startTag(t token, lang string) {
	w.flush()
	w.marks = append(w.marks, len(w.written))
	w.b = append(w.b, '<')
	w.b = appendRaw(w.b, t.raw)
	w.declare(t.raw.Space)
	for _, a := range t.attr {
		if a.Name.Space != "" {
			w.declare(a.Name.Space)
		}
	}
	if lang != "" {
		w.b = append(w.b, ` xml:lang="`...)
		w.b = append(AppendAttribute(w.b, lang), '"')
	}
	for _, a := range t.attr {
		w.b = append(w.b, ' ')
		w.b = append(appendRaw(w.b, a.Name), `="`...)
		w.b = append(AppendAttribute(w.b, a.Value), '"')
	}
	w.pending = true
}

// declare writes the declaration of a prefix unless the same one is in scope.
func (w *rewriter) declare(prefix string) {
	if prefix == "xml" {
		return
	}
	space, _ := w.r.lookup(prefix)
	// The answer around the element has no default namespace: what has no
	// namespace needs xmlns="" only below an element that set one.
	inScope := ""
	for _, b := range slices.Backward(w.written) {
		if b.prefix == prefix {
			inScope = b.space
			break
		}
	}
	if inScope == space {
		return
	}
	w.written = append(w.written, binding{prefix, space})
	w.b = append(w.b, " xmlns"...)
	if prefix != "" {
		w.b = append(append(w.b, ':'), prefix...)
	}
	w.b = append(w.b, `="`...)
	w.b = append(AppendAttribute(w.b, space), '"')
}

func (w *rewriter) text(text []byte) {
	w.flush()
	w.b = AppendText(w.b, text)
}

func (w *rewriter) endTag(t token) {
	w.written = w.written[:w.marks[len(w.marks)-1]]
	w.marks = w.marks[:len(w.marks)-1]
	if w.pending {
		w.pending = false
		w.b = append(w.b, "/>"...)
		return
	}
	w.b = append(w.b, "</"...)
	w.b = append(appendRaw(w.b, t.raw), '>')
}

func (w *rewriter) flush() {
	if w.pending {
		w.pending = false
		w.b = append(w.b, '>')
	}
}

func appendRaw(b []byte, raw xml.Name) []byte {
	if raw.Space != "" {
		b = append(append(b, raw.Space...), ':')
	}
	return append(b, raw.Local...)
}
