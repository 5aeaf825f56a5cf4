package translate

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
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

// jcalComponent is a component that is being written.
type jcalComponent struct {
	name         string
	props, comps []byte
}

// JSON returns the first VCALENDAR of a text as jCal (RFC 7265).
func JSON(raw []byte) ([]byte, error) {
	var open []*jcalComponent
	skipped := 0
	for s := NewScanner(raw); s.Next(); {
		l := &s.Line
		switch {
		case l.Err != nil:
		case l.Is("BEGIN") && (skipped > 0 || len(open) == MaxDepth):
			skipped++
		case l.Is("BEGIN"):
			open = append(open, &jcalComponent{name: strings.ToLower(string(trimBlank(l.Value())))})
		case l.Is("END") && skipped > 0:
			skipped--
		case l.Is("END") && len(open) > 0:
			c := open[len(open)-1]
			open = open[:len(open)-1]
			if len(open) == 0 {
				if c.name == "vcalendar" {
					return c.append(nil), nil
				}
				continue
			}
			parent := open[len(open)-1]
			parent.comps = c.append(comma(parent.comps))
		case skipped == 0 && len(open) > 0:
			c := open[len(open)-1]
			c.props = appendProperty(comma(c.props), l)
		}
	}
	return nil, errNoCalendar
}

func comma(b []byte) []byte {
	if len(b) > 0 {
		return append(b, ',')
	}
	return b
}

func (c *jcalComponent) append(b []byte) []byte {
	b = append(appendJSON(append(b, '['), c.name), ",["...)
	b = append(append(b, c.props...), "],["...)
	return append(append(b, c.comps...), "]]"...)
}

// appendJSON appends a string.
func appendJSON(b []byte, s string) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always can be encoded
	return append(b, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
}

// appendProperty appends a property (RFC 7265 section 3.4).
func appendProperty(b []byte, l *Line) []byte {
	name := strings.ToUpper(string(l.Name))
	b = appendJSON(append(b, '['), strings.ToLower(name))
	b, kind := appendParams(append(b, ','), l)
	known := valueTypes[name]
	switch {
	case kind == "" && known != "":
		kind = known
	case kind == "":
		kind = "unknown"
	}
	value := l.Value()
	if kind == "date-time" && len(trimBlank(value)) == 8 {
		kind = "date" // as many write it
	}
	values, ok := jcalValues(nil, name, kind, value)
	if !ok {
		kind, values = "unknown", appendJSON(nil, string(value))
	}
	b = appendJSON(append(b, ','), kind)
	return append(append(append(b, ','), values...), ']')
}

// appendParams appends the parameters as an object and returns VALUE, which is not
// one of them (RFC 7265 section 3.5).
func appendParams(b []byte, l *Line) (out []byte, kind string) {
	type param struct {
		name   string
		values []string
	}
	var params []param
	l.Params(func(name []byte, value string) bool {
		key := strings.ToLower(string(name))
		if key == "value" {
			kind = strings.ToLower(value)
			return true
		}
		for i := range params {
			if params[i].name == key {
				params[i].values = append(params[i].values, value)
				return true
			}
		}
		params = append(params, param{key, []string{value}})
		return true
	})
	b = append(b, '{')
	for i, p := range params {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendJSON(b, p.name), ':')
		if len(p.values) == 1 {
			b = appendJSON(b, p.values[0])
			continue
		}
		b = append(b, '[')
		for n, v := range p.values {
			if n > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, v)
		}
		b = append(b, ']')
	}
	return append(b, '}'), kind
}

// lists are the properties with several values in a line.
const lists = " CATEGORIES RESOURCES EXDATE RDATE FREEBUSY "

// jcalValues appends the values of a property, comma between (RFC 7265 sections
// 3.4.1 and 3.6).
func jcalValues(b []byte, name, kind string, value []byte) (out []byte, ok bool) {
	switch {
	case name == "GEO" || name == "REQUEST-STATUS":
		b = append(b, '[')
		for i, part := range splitText(value, ';') {
			if i > 0 {
				b = append(b, ',')
			}
			if b, ok = jcalValue(b, kind, part); !ok {
				return nil, false
			}
		}
		return append(b, ']'), true
	case strings.Contains(lists, " "+name+" "):
		for i, part := range splitText(value, ',') {
			if i > 0 {
				b = append(b, ',')
			}
			if b, ok = jcalValue(b, kind, part); !ok {
				return nil, false
			}
		}
		return b, true
	}
	return jcalValue(b, kind, value)
}

// splitText splits at a separator that no backslash stands before.
func splitText(v []byte, separator byte) [][]byte {
	var parts [][]byte
	start := 0
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case '\\':
			i++
		case separator:
			parts, start = append(parts, v[start:i]), i+1
		}
	}
	return append(parts, v[start:])
}

func jcalValue(b []byte, kind string, value []byte) (out []byte, ok bool) {
	trimmed := trimBlank(value)
	switch kind {
	case "text":
		return appendJSON(b, string(unescapeText(value))), utf8.Valid(value)
	case "date", "date-time":
		return appendMoment(b, trimmed)
	case "period":
		from, to, found := bytes.Cut(trimmed, []byte{'/'})
		if b, ok = appendMoment(append(b, '['), from); !ok || !found {
			return nil, false
		}
		if b = append(b, ','); parseDuration(to).ok {
			return append(appendJSON(b, string(to)), ']'), true
		}
		b, ok = appendMoment(b, to)
		return append(b, ']'), ok
	case "integer":
		n, err := strconv.ParseInt(string(trimmed), 10, 64)
		return strconv.AppendInt(b, n, 10), err == nil
	case "float":
		var number json.Number
		s := strings.TrimPrefix(string(trimmed), "+")
		if json.Unmarshal([]byte(s), &number) != nil || !strings.ContainsAny(s[:1], "-0123456789") {
			return nil, false
		}
		return append(b, s...), true
	case "boolean":
		if !equalFold(trimmed, "TRUE") && !equalFold(trimmed, "FALSE") {
			return nil, false
		}
		return append(b, strings.ToLower(string(trimmed))...), true
	case "utc-offset":
		if _, ok := parseOffset(trimmed); !ok {
			return nil, false
		}
		s := string(trimmed[:3]) + ":" + string(trimmed[3:5])
		if len(trimmed) == 7 {
			s += ":" + string(trimmed[5:])
		}
		return appendJSON(b, s), true
	case "recur":
		return appendRecur(b, trimmed)
	}
	return appendJSON(b, string(value)), true
}

// appendMoment appends a date or a time with the separators of ISO 8601's extended
// form (RFC 7265 sections 3.6.4 and 3.6.5).
func appendMoment(b, v []byte) ([]byte, bool) {
	i := parseInstant(v)
	if i.state != known {
		return nil, false
	}
	s := formatUTC(i.wall)
	text := s[:4] + "-" + s[4:6] + "-" + s[6:8]
	if !i.date {
		text += "T" + s[9:11] + ":" + s[11:13] + ":" + s[13:15]
		if i.zone == UTC {
			text += "Z"
		}
	}
	return appendJSON(b, text), true
}

// appendRecur appends a recurrence rule as an object (RFC 7265 section 3.6.10).
func appendRecur(b, v []byte) ([]byte, bool) {
	b = append(b, '{')
	seen := map[string]bool{}
	for _, part := range bytes.Split(v, []byte{';'}) {
		name, value, found := strings.Cut(string(trimBlank(part)), "=")
		if name = strings.ToLower(name); name == "" {
			continue
		}
		if !found || seen[name] {
			return nil, false
		}
		if len(seen) > 0 {
			b = append(b, ',')
		}
		seen[name] = true
		b = append(appendJSON(b, name), ':')
		if name == "until" {
			var ok bool
			if b, ok = appendMoment(b, []byte(value)); !ok {
				return nil, false
			}
			continue
		}
		values := strings.Split(value, ",")
		if len(values) > 1 {
			b = append(b, '[')
		}
		for i, one := range values {
			if i > 0 {
				b = append(b, ',')
			}
			n, err := strconv.ParseInt(strings.TrimPrefix(one, "+"), 10, 64)
			if err == nil {
				b = strconv.AppendInt(b, n, 10)
			} else {
				b = appendJSON(b, one)
			}
		}
		if len(values) > 1 {
			b = append(b, ']')
		}
	}
	return append(b, '}'), len(seen) > 0
}
