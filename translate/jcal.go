package translate

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// errNoCalendar says that a text has no VCALENDAR.
var errNoCalendar = errors.New("no VCALENDAR")

// valueTypes are the types that the values of properties have where VALUE does not
// say another one (RFC 7265 section 3.4). What is not here is "unknown".
var valueTypes = typesOf(map[string]string{
	"text": "ACTION CALSCALE METHOD PRODID VERSION CATEGORIES CLASS COMMENT CONTACT DESCRIPTION LOCATION NAME COLOR" +
		" RELATED-TO REQUEST-STATUS RESOURCES STATUS SUMMARY TRANSP TZID TZNAME UID",
	"date-time":   "DTSTART DTEND DUE DTSTAMP CREATED LAST-MODIFIED COMPLETED RECURRENCE-ID EXDATE RDATE",
	"duration":    "DURATION TRIGGER",
	"period":      "FREEBUSY",
	"recur":       "RRULE EXRULE",
	"utc-offset":  "TZOFFSETFROM TZOFFSETTO",
	"uri":         "URL TZURL ATTACH SOURCE IMAGE CONFERENCE",
	"cal-address": "ATTENDEE ORGANIZER",
	"integer":     "PERCENT-COMPLETE PRIORITY REPEAT SEQUENCE",
	"float":       "GEO",
})

func typesOf(byType map[string]string) map[string]string {
	types := map[string]string{}
	for t, names := range byType {
		for _, name := range strings.Fields(names) {
			types[name] = t
		}
	}
	return types
}

// JSON returns the first VCALENDAR of a text as jCal (RFC 7265). It is written twice, to
// know its length: a short line becomes a long one, and memory is taken once.
func JSON(raw []byte) ([]byte, error) {
	j := jcal{raw: raw, list: components(nil, NewScanner(raw)), measuring: true}
	root := slices.IndexFunc(j.list, func(c component) bool { return c.parent < 0 && c.name == "VCALENDAR" })
	if root < 0 {
		return nil, errNoCalendar
	}
	j.component(root)
	j.flush()
	j.measuring, j.out = false, make([]byte, 0, j.size)
	j.component(root)
	return j.out, nil
}

// jcal is a jCal text that is being written.
type jcal struct {
	raw       []byte
	list      []component
	scanner   Scanner
	out       []byte
	measuring bool // only size is wanted
	size      int
}

func (j *jcal) flush() {
	if j.measuring {
		j.size, j.out = j.size+len(j.out), j.out[:0]
	}
}

// component writes a component: its properties first, then those inside it (RFC 7265
// section 3.3). It returns the next one in the list that is not inside it.
func (j *jcal) component(i int) (next int) {
	c := j.list[i]
	j.out = append(appendLower(append(j.out, '['), []byte(c.name)), ",["...)
	first, at := true, c.start
	for next = i + 1; next < len(j.list) && j.list[next].start < c.end; next++ {
		if child := j.list[next]; child.parent == i {
			j.properties(at, child.start, at == c.start, &first)
			at = child.end
		}
	}
	j.properties(at, c.end, at == c.start, &first)
	j.out = append(j.out, "],["...)
	first = true
	for next = i + 1; next < len(j.list) && j.list[next].start < c.end; {
		if !first {
			j.out = append(j.out, ',')
		}
		first = false
		next = j.component(next)
	}
	j.out = append(j.out, "]]"...)
	j.flush()
	return next
}

// properties writes the properties between two offsets of a component. begin: its BEGIN
// is among them.
func (j *jcal) properties(from, to int, begin bool, first *bool) {
	skipped := 0 // depth of components that are not in the list
	if begin {
		skipped = -1
	}
	for j.scanner.Reset(j.raw[:to]); ; {
		if j.scanner.at < from {
			j.scanner.at = from
		}
		if !j.scanner.Next() {
			return
		}
		switch l := &j.scanner.Line; {
		case l.Err != nil:
		case l.Is("BEGIN"):
			skipped++
		case l.Is("END"):
			skipped--
		case skipped <= 0:
			if !*first {
				j.out = append(j.out, ',')
			}
			*first = false
			if j.measuring {
				j.out = slices.Grow(j.out, 2*len(l.Value()))
			}
			j.out = appendProperty(j.out, l)
			j.flush()
		}
	}
}

// appendJSON appends a string. What is not UTF-8 becomes U+FFFD.
func appendJSON(b, s []byte) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\t':
			b = append(b, '\\', 't')
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			b = append(b, c)
		default:
			r, n := utf8.DecodeRune(s[i:])
			b = utf8.AppendRune(b, r)
			i += n
			continue
		}
		i++
	}
	return append(b, '"')
}

// maxTypedName is how long a name in valueTypes can be.
const maxTypedName = 32

// appendProperty appends a property (RFC 7265 section 3.4).
func appendProperty(b []byte, l *Line) []byte {
	var upper [maxTypedName]byte
	name := upper[:copy(upper[:], l.Name)]
	for i, c := range name {
		if 'a' <= c && c <= 'z' {
			name[i] = c - ('a' - 'A')
		}
	}
	b = appendLower(append(b, '['), l.Name)
	b, kind := appendParams(append(b, ','), l)
	if kind == "" {
		if kind = "unknown"; len(l.Name) < maxTypedName && valueTypes[string(name)] != "" {
			kind = valueTypes[string(name)]
		}
	}
	value := l.Value()
	if kind == "date-time" && len(trimBlank(value)) == 8 {
		kind = "date" // as many write it
	}
	b = append(b, ',')
	before := len(b)
	b, ok := jcalValues(append(appendJSON(b, []byte(kind)), ','), string(name), kind, value)
	if !ok {
		b = appendJSON(append(b[:before], `"unknown",`...), value)
	}
	return append(b, ']')
}

// appendLower appends a name, which is in lower case in jCal.
func appendLower(b, name []byte) []byte {
	before := len(b)
	b = appendJSON(b, name)
	for i := before; i < len(b); i++ {
		if c := b[i]; 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return b
}

// appendParams appends the parameters as an object and returns VALUE, which is not
// one of them (RFC 7265 section 3.5). Those of one name are one with several values.
func appendParams(b []byte, l *Line) (out []byte, kind string) {
	b = append(b, '{')
	for p := l.params; len(p) > 0; {
		here := len(l.params) - len(p)
		var name, values []byte
		name, values, p = nextParam(p)
		if equalFold(name, "VALUE") {
			value, _ := nextParamValue(values)
			kind = strings.ToLower(decodeParam(value))
			continue
		}
		if repeated(l.params[:here], name) {
			continue
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(appendLower(b, name), ':')
		before := len(b)
		var n int
		b, n = appendParamValues(b, values, 0)
		for rest := p; len(rest) > 0; {
			var again []byte
			again, values, rest = nextParam(rest)
			if bytes.EqualFold(again, name) {
				b, n = appendParamValues(b, values, n)
			}
		}
		if n > 1 {
			b = append(slices.Insert(b, before, '['), ']')
		}
	}
	return append(b, '}'), kind
}

// repeated says whether there is a parameter of that name.
func repeated(params, name []byte) bool {
	for len(params) > 0 {
		var other []byte
		if other, _, params = nextParam(params); bytes.EqualFold(other, name) {
			return true
		}
	}
	return false
}

// appendParamValues appends the values of a parameter behind n others, and counts them.
func appendParamValues(b, values []byte, n int) ([]byte, int) {
	for {
		var value []byte
		value, values = nextParamValue(values)
		if n++; n > 1 {
			b = append(b, ',')
		}
		if bytes.IndexByte(value, '^') >= 0 {
			b = appendJSON(b, []byte(decodeParam(value)))
		} else {
			b = appendJSON(b, unquoted(value))
		}
		if values == nil {
			return b, n
		}
	}
}

// lists are the properties with several values in a line.
const lists = " CATEGORIES RESOURCES EXDATE RDATE FREEBUSY "

// jcalValues appends the values of a property, comma between (RFC 7265 sections
// 3.4.1 and 3.6).
func jcalValues(b []byte, name, kind string, value []byte) (out []byte, ok bool) {
	switch {
	case name == "GEO" || name == "REQUEST-STATUS":
		b, ok = jcalList(append(b, '['), kind, value, ';')
		return append(b, ']'), ok
	case strings.Contains(lists, " "+name+" "):
		return jcalList(b, kind, value, ',')
	}
	return jcalValue(b, kind, value)
}

// jcalList appends the values between separators that no backslash stands before.
func jcalList(b []byte, kind string, v []byte, separator byte) (out []byte, ok bool) {
	start := 0
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case '\\':
			i++
		case separator:
			if b, ok = jcalValue(b, kind, v[start:i]); !ok {
				return b, false
			}
			b, start = append(b, ','), i+1
		}
	}
	return jcalValue(b, kind, v[start:])
}

// jcalValue appends one value. Where ok is false, it is none of that type, and what was
// appended is of no use.
func jcalValue(b []byte, kind string, value []byte) (out []byte, ok bool) {
	trimmed := trimBlank(value)
	switch kind {
	case "text":
		return appendJSON(b, unescapeText(value)), utf8.Valid(value)
	case "date", "date-time":
		return appendMoment(b, trimmed)
	case "time":
		return appendTime(b, trimmed)
	case "period":
		from, to, found := bytes.Cut(trimmed, []byte{'/'})
		if b, ok = appendMoment(append(b, '['), from); !ok || !found {
			return b, false
		}
		if b = append(b, ','); parseDuration(to).ok {
			return append(appendJSON(b, to), ']'), true
		}
		b, ok = appendMoment(b, to)
		return append(b, ']'), ok
	case "integer":
		return appendInteger(b, trimmed)
	case "float":
		s := bytes.TrimPrefix(trimmed, []byte("+"))
		if len(s) == 0 || s[0] != '-' && (s[0] < '0' || s[0] > '9') || !json.Valid(s) {
			return b, false
		}
		return append(b, s...), true
	case "boolean":
		if !equalFold(trimmed, "TRUE") && !equalFold(trimmed, "FALSE") {
			return b, false
		}
		return append(b, bytes.ToLower(trimmed)...), true
	case "utc-offset":
		if _, ok := parseOffset(trimmed); !ok {
			return b, false
		}
		b = append(append(append(append(b, '"'), trimmed[:3]...), ':'), trimmed[3:5]...)
		if len(trimmed) == 7 {
			b = append(append(b, ':'), trimmed[5:]...)
		}
		return append(b, '"'), true
	case "recur":
		return appendRecur(b, trimmed)
	}
	return appendJSON(b, value), true
}

// appendMoment appends a date or a time with the separators of ISO 8601's extended
// form (RFC 7265 sections 3.6.4 and 3.6.5).
func appendMoment(b, v []byte) ([]byte, bool) {
	i := parseInstant(v)
	if i.state != known {
		return b, false
	}
	year, month, dom := civil(floorDiv(i.wall, day))
	b = appendDigits(append(b, '"'), year, 4)
	b = appendDigits(append(b, '-'), month, 2)
	b = appendDigits(append(b, '-'), dom, 2)
	if !i.date {
		second := floorMod(i.wall, day)
		b = appendDigits(append(b, 'T'), second/3600, 2)
		b = appendDigits(append(b, ':'), second/60%60, 2)
		b = appendDigits(append(b, ':'), second%60, 2)
		if i.zone == UTC {
			b = append(b, 'Z')
		}
	}
	return append(b, '"'), true
}

// appendTime appends a time of day (RFC 7265 section 3.6.6).
func appendTime(b, v []byte) ([]byte, bool) {
	if len(v) != 6 && (len(v) != 7 || v[6]|0x20 != 'z') {
		return b, false
	}
	if digits(v[:6]) < 0 {
		return b, false
	}
	b = append(append(append(b, '"'), v[:2]...), ':')
	b = append(append(append(b, v[2:4]...), ':'), v[4:6]...)
	if len(v) == 7 {
		b = append(b, 'Z')
	}
	return append(b, '"'), true
}

// appendInteger appends a number as JSON writes it.
func appendInteger(b, v []byte) ([]byte, bool) {
	if len(v) > 0 && (v[0] == '-' || v[0] == '+') {
		if v[0] == '-' {
			b = append(b, '-')
		}
		v = v[1:]
	}
	if len(v) == 0 || len(v) > 18 || digits(v) < 0 {
		return b, false
	}
	for len(v) > 1 && v[0] == '0' {
		v = v[1:]
	}
	return append(b, v...), true
}

// maxRecurParts is how many parts of a rule jCal is given of.
const maxRecurParts = 32

// appendRecur appends a recurrence rule as an object (RFC 7265 section 3.6.10).
func appendRecur(b, v []byte) (out []byte, ok bool) {
	b = append(b, '{')
	var seen [maxRecurParts][]byte
	n := 0
	for len(v) > 0 {
		var part []byte
		part, v, _ = bytes.Cut(v, []byte{';'})
		name, value, found := bytes.Cut(trimBlank(part), []byte{'='})
		if len(name) == 0 {
			continue
		}
		if !found || n == maxRecurParts || slices.ContainsFunc(seen[:n], func(s []byte) bool { return bytes.EqualFold(s, name) }) {
			return b, false
		}
		if n > 0 {
			b = append(b, ',')
		}
		seen[n] = name
		n++
		b = append(appendLower(b, name), ':')
		if equalFold(name, "UNTIL") {
			if b, ok = appendMoment(b, value); !ok {
				return b, false
			}
			continue
		}
		list := bytes.IndexByte(value, ',') >= 0
		if list {
			b = append(b, '[')
		}
		for more := true; more; {
			var one []byte
			one, value, more = bytes.Cut(value, []byte{','})
			before := len(b)
			if b, ok = appendInteger(b, one); !ok {
				b = appendJSON(b[:before], one)
			}
			if more {
				b = append(b, ',')
			}
		}
		if list {
			b = append(b, ']')
		}
	}
	return append(b, '}'), n > 0
}
