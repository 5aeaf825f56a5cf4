package translate

// Component is a calendar component that is to be written.
type Component struct {
	Name   string
	Lines  []string // its content lines, without folds and line ends
	Inside []Component
}

// NewObject writes a calendar object resource (RFC 4791 section 4.1) of one component, with
// the definitions of the IANA's zones that its TZIDs name.
func NewObject(c Component) []byte {
	var body, w lineWriter
	body.component(c)
	w.head()
	defined := map[string]bool{}
	for s := NewScanner(body.b); s.Next(); {
		tzid, zoned := s.Line.Param("TZID")
		if zoned && !defined[tzid] {
			defined[tzid] = true
			w.zone(tzid)
		}
	}
	w.b = append(w.b, body.b...)
	w.line("END:VCALENDAR")
	return w.b
}

// head begins a VCALENDAR.
func (w *lineWriter) head() {
	w.line("BEGIN:VCALENDAR")
	w.line("VERSION:2.0")
	w.line("PRODID:", productID)
}

func (w *lineWriter) component(c Component) {
	w.line("BEGIN:", c.Name)
	for _, l := range c.Lines {
		w.line(l)
	}
	for _, inside := range c.Inside {
		w.component(inside)
	}
	w.line("END:", c.Name)
}
