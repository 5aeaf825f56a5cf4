package translate

import (
	"bytes"
	"fmt"
	"slices"
)

// cutting is a component whose lines were written but for its times.
type cutting struct {
	text   []byte
	pieces []piece
}

// piece is a part of the text up to a time of each instance.
type piece struct {
	head, end int // of the line that the time is in
	time      timeOf
}

type timeOf uint8

const (
	textOnly timeOf = iota // the text behind the last time
	itsID
	itsStart
	itsEnd
	itsLength // how long it is since the start
)

// length is about how long it is with its times.
func (c *cutting) length() int { return len(c.text) + len(c.pieces)*(len(MaxDateTime)+len(crlf)) }

// cuttingOf is the cutting that instances of a shape share, or that of one instance.
func (e *expansion) cuttingOf(s shape) *cutting {
	if s.says&standsOnce != 0 {
		e.cutUp(&e.once, s)
		return &e.once
	}
	c, ok := e.cut[s]
	if !ok {
		if e.cut == nil {
			e.cut = map[shape]*cutting{}
		}
		c = &cutting{}
		e.cutUp(c, s)
		e.cut[s] = c
	}
	return c
}

// component writes one instance.
func (e *expansion) component(o *occurrence) {
	c := e.cuttingOf(o.shape)
	from := 0
	for _, p := range c.pieces {
		at, date := int64(0), o.says&isDates != 0
		switch p.time {
		case textOnly:
			e.w.b = append(e.w.b, c.text[from:p.end]...)
			continue
		case itsID:
			at, date = o.id, o.says&isDateID != 0
		case itsStart:
			at = o.start
		case itsEnd:
			at = o.end
		}
		var room [2 * len(MaxDateTime)]byte
		value := room[:0]
		switch {
		case p.time == itsLength:
			value = appendDuration(value, o.end-o.start)
		case date:
			value = appendDate(value, at)
		default:
			value = appendUTC(value, at)
		}
		if e.w.b = append(e.w.b, c.text[from:p.head]...); p.end-p.head+len(value) > foldedLine {
			e.w.line(string(c.text[p.head:p.end]), string(value))
		} else {
			e.w.b = append(append(append(e.w.b, c.text[p.head:p.end]...), value...), crlf...)
		}
		from = p.end
	}
}

// cutUp writes the text of a component.
func (e *expansion) cutUp(cut *cutting, s shape) {
	c := e.list[s.by]
	raw := e.raw[c.start:c.end]
	written := e.w
	e.w.b = slices.Grow(cut.text[:0], len(raw)+2*foldedLine)
	cut.pieces = cut.pieces[:0]
	dates := s.says&isDates != 0
	time := func(name []byte, params []byte, date bool, at timeOf) {
		head := len(e.w.b)
		e.w.b = append(e.w.b, bytes.ToUpper(name)...)
		if date {
			e.w.b = append(e.w.b, ";VALUE=DATE"...)
		}
		e.w.b = append(appendParamsBut(e.w.b, params, "TZID", "VALUE", "RANGE"), ':')
		cut.pieces = append(cut.pieces, piece{head, len(e.w.b), at})
	}
	unlike, lasts := s.says&endsUnlike != 0, false
	if unlike { // a task with DURATION keeps it: with DUE it would end a second earlier (RFC 4791 section 9.9)
		unlike = false // but DUE without DTSTART would be another task
		e.lines(int(s.by), func(l *Line) {
			unlike = unlike || l.Is("DTSTART")
			lasts = lasts || c.name == "VTODO" && l.Is("DURATION")
		})
	}
	known := s.says&saysStart != 0
	depth := 0
	for sc := NewScanner(raw); sc.Next(); {
		l := &sc.Line
		octets := raw[l.Start:l.End]
		switch {
		case l.Err != nil:
		case l.Is("BEGIN"):
			depth++
			e.w.raw(octets)
			if depth == 1 && s.says&saysID != 0 {
				time([]byte("RECURRENCE-ID"), nil, s.says&isDateID != 0, itsID)
			}
		case l.Is("END"):
			depth--
			e.w.raw(octets)
		case depth > 1:
			e.other(l, octets)
		case l.Is("RRULE"), l.Is("RDATE"), l.Is("EXDATE"), l.Is("EXRULE"), l.Is("RECURRENCE-ID"):
		case known && l.Is("DTSTART"):
			time(l.Name, l.params, dates, itsStart)
			switch {
			case unlike && lasts:
				cut.pieces = append(cut.pieces, piece{len(e.w.b), len(e.w.b) + len("DURATION:"), itsLength})
				e.w.b = append(e.w.b, "DURATION:"...)
			case unlike:
				time([]byte(endName(c.name)), nil, dates, itsEnd)
			}
		case known && s.says&hasEnd != 0 && s.says&saysEnd != 0 && (l.Is("DTEND") || l.Is("DUE")):
			time(l.Name, l.params, dates, itsEnd)
		case known && (s.says&hasEnd != 0 || unlike) && l.Is("DURATION"): // DTEND says it
		default:
			e.other(l, octets)
		}
	}
	cut.pieces = append(cut.pieces, piece{len(e.w.b), len(e.w.b), textOnly})
	cut.text, e.w = e.w.b, written
}

// appendDuration appends seconds as a DURATION (RFC 5545 section 3.3.6), for a start in UTC
// or, of whole days, a DATE.
func appendDuration(b []byte, seconds int64) []byte {
	if seconds < 0 {
		b, seconds = append(b, '-'), -seconds
	}
	days, seconds := seconds/day, seconds%day
	if seconds == 0 {
		return fmt.Appendf(b, "P%dD", days)
	}
	return fmt.Appendf(b, "P%dDT%dH%dM%dS", days, seconds/3600, seconds/60%60, seconds%60)
}

func endName(kind string) string {
	if kind == "VTODO" {
		return "DUE"
	}
	return "DTEND"
}

// other writes a line that is the same for all instances; times in a zone are
// converted.
func (e *expansion) other(l *Line, octets []byte) {
	zone, zoned := e.zones.of(l)
	if !zoned {
		e.w.raw(octets)
		return
	}
	line := append(appendParamsBut(append(e.values[:0], l.Name...), l.params, "TZID"), ':')
	for list, more := l.Value(), true; more; {
		var v []byte
		v, list, more = bytes.Cut(list, []byte{','})
		i := parseInstant(v)
		if i.state != known {
			e.w.raw(octets)
			return
		}
		if i.zone == nil && !i.date {
			i.zone = zone
		}
		if i.date {
			line = appendDate(line, i.wall)
		} else {
			line = appendUTC(line, e.frame.at(i).lo)
		}
		if more {
			line = append(line, ',')
		}
	}
	e.values = line
	e.w.line(string(line))
}

// appendParamsBut appends parameters as written, without those of some names.
func appendParamsBut(b, params []byte, drop ...string) []byte {
	for p := params; len(p) > 0; {
		begin := p
		var name []byte
		name, _, p = nextParam(p)
		if !slices.ContainsFunc(drop, func(d string) bool { return equalFold(name, d) }) {
			b = append(b, begin[:len(begin)-len(p)]...)
		}
	}
	return b
}
