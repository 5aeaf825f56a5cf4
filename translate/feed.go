package translate

import (
	"bytes"
	"crypto/sha256"
	"hash"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// productID is PRODID of what we write ourselves (RFC 5545 section 3.7.3).
const productID = "-//calgate//calgate//EN"

// refreshInterval is how often a subscriber should look, as a DURATION.
const refreshInterval = "PT1H"

// FeedWriter writes the items of a calendar as one VCALENDAR. It copies their
// components octet for octet, with CRLF at the line ends; only a TZID that two items
// use for different time zones gets another name. It keeps no more than one item.
type FeedWriter struct {
	w     io.Writer
	buf   []byte
	zones map[string]zoneKey // what is written: TZID -> content
	room  zoneReader
}

// NewFeedWriter begins a feed with a title (RFC 7986 section 5.1, and what programs
// read that are older).
func NewFeedWriter(w io.Writer, title string) *FeedWriter {
	f := &FeedWriter{w: w, zones: map[string]zoneKey{}}
	f.buf = appendLine(f.buf, "BEGIN:VCALENDAR")
	f.buf = appendLine(f.buf, "VERSION:2.0")
	f.buf = appendLine(f.buf, "PRODID:"+productID)
	if title != "" {
		text := string(appendText(nil, strings.ToValidUTF8(title, "\uFFFD")))
		f.buf = appendLine(f.buf, "NAME:"+text)
		f.buf = appendLine(f.buf, "X-WR-CALNAME:"+text)
	}
	f.buf = appendLine(f.buf, "REFRESH-INTERVAL;VALUE=DURATION:"+refreshInterval)
	f.buf = appendLine(f.buf, "X-PUBLISHED-TTL:"+refreshInterval)
	return f
}

// Add writes one item. What cannot be read is an *ObjectError: nothing of it was
// written, and the feed can go on. Any other error is the writer's.
func (f *FeedWriter) Add(item []byte) error {
	if what := textError(item); what != "" {
		return badData("the object holds " + what)
	}
	item = WholeFolds(item)
	var zones []feedZone
	var mains []octetRange
	err := scanCalendars(item, func(c *feedComponent) error {
		switch {
		case c.kind == "VTIMEZONE":
			zones = append(zones, feedZone{c.octetRange, c.tzid})
		case mainComponent([]byte(c.kind)) != "":
			mains = append(mains, c.octetRange)
		}
		return nil
	}, nil)
	if err != nil {
		return err
	}
	if len(mains) == 0 {
		return badObject("it has no VEVENT, VTODO, VJOURNAL or VFREEBUSY")
	}
	renamed := f.addZones(item, zones)
	for _, c := range mains {
		f.buf = appendRenamed(f.buf, item[c.start:c.end], renamed)
	}
	return f.flush()
}

// Close ends the feed.
func (f *FeedWriter) Close() error {
	f.buf = appendLine(f.buf, "END:VCALENDAR")
	return f.flush()
}

func (f *FeedWriter) flush() error {
	_, err := f.w.Write(f.buf)
	f.buf = f.buf[:0]
	return err
}

// feedZone is a VTIMEZONE of an item.
type feedZone struct {
	octetRange
	tzid string
}

// addZones writes those definitions of an item that are not there yet. It returns the
// TZIDs that stand for something else already, and what they are called instead.
func (f *FeedWriter) addZones(item []byte, zones []feedZone) (renamed map[string]string) {
	seen := map[string]bool{}
	for _, c := range zones {
		if c.tzid == "" || seen[c.tzid] {
			continue // of two definitions the first one counts
		}
		seen[c.tzid] = true
		raw := item[c.start:c.end]
		key := f.room.key(raw)
		name := c.tzid
		there, used := f.zones[name]
		for n := 2; used && there != key; n++ {
			name = c.tzid + "-" + strconv.Itoa(n)
			there, used = f.zones[name]
		}
		var rename map[string]string
		if name != c.tzid {
			if renamed == nil {
				renamed = map[string]string{}
			}
			renamed[c.tzid] = name
			rename = renamed
		}
		if !used {
			f.zones[name] = key
			f.buf = appendRenamed(f.buf, raw, rename)
		}
	}
	return renamed
}

// appendRenamed appends a component with other TZIDs.
func appendRenamed(b, raw []byte, renamed map[string]string) []byte {
	if len(renamed) == 0 {
		return appendClean(b, raw)
	}
	for s := NewScanner(raw); s.Next(); {
		l := &s.Line
		if l.Is("TZID") {
			if name, ok := renamed[string(trimBlank(l.Value()))]; ok {
				b = appendLine(b, string(l.Name)+string(l.params)+":"+name)
				continue
			}
		} else if old, ok := l.Param("TZID"); ok {
			if name, ok := renamed[string(trimBlank([]byte(old)))]; ok {
				b = appendLine(b, withTZID(l, name))
				continue
			}
		}
		b = appendClean(b, raw[l.Start:l.End])
	}
	return b
}

// withTZID is a content line with another value of the parameter TZID.
func withTZID(l *Line, name string) string {
	var b strings.Builder
	b.Write(l.Name)
	for p := l.params; len(p) > 0; {
		key, _, rest := nextParam(p)
		if equalFold(key, "TZID") {
			b.WriteString(";TZID=")
			b.WriteString(paramValue(name))
		} else {
			b.Write(p[:len(p)-len(rest)])
		}
		p = rest
	}
	b.WriteByte(':')
	b.Write(l.Value())
	return b.String()
}

var encode6868 = strings.NewReplacer("\n", "^n", `"`, "^'", "^", "^^")

// paramValue writes a parameter value, quoted where it must be (RFC 5545 section
// 3.2, RFC 6868 section 3).
func paramValue(s string) string {
	s = encode6868.Replace(s)
	if strings.ContainsAny(s, ";:,") {
		return `"` + s + `"`
	}
	return s
}

// appendClean appends content lines with CRLF at their ends and without blank ones.
// Folds stay where they are.
func appendClean(b, raw []byte) []byte {
	for len(raw) > 0 {
		line := raw
		if i := bytes.IndexByte(raw, '\n'); i >= 0 {
			line, raw = raw[:i], raw[i+1:]
		} else {
			raw = nil
		}
		if line = trimCR(line); len(line) > 0 {
			b = append(b, line...)
			b = append(b, crlf...)
		}
	}
	return b
}

// zoneKey names the content of a VTIMEZONE.
type zoneKey [sha256.Size / 2]byte

// zoneReader is room to find zoneKeys.
type zoneReader struct {
	scanner   Scanner
	line, sum []byte
	hash      hash.Hash
}

// key is the same for definitions that differ in nothing but notes, folds and
// their TZID.
func (r *zoneReader) key(raw []byte) zoneKey {
	if r.hash == nil {
		r.hash = sha256.New()
	}
	r.hash.Reset()
	for r.scanner.Reset(raw); r.scanner.Next(); {
		l := &r.scanner.Line
		if l.Is("TZID") || l.Is("LAST-MODIFIED") || l.Is("TZURL") || l.Is("COMMENT") || len(l.Name) > 1 && (l.Name[0]|0x20) == 'x' && l.Name[1] == '-' {
			continue
		}
		line := append(asciiCasemap(nil, r.line[:0], l.Name), l.params...)
		r.line = append(append(append(line, ':'), trimBlank(l.Value())...), '\n')
		r.hash.Write(r.line)
	}
	r.sum = r.hash.Sum(r.sum[:0])
	return zoneKey(r.sum[:len(zoneKey{})])
}

// feedComponent is a component of a VCALENDAR.
type feedComponent struct {
	octetRange        // BEGIN and END included
	kind       string // in upper case
	calendar   int    // which VCALENDAR it is in, from 0
	tzid       string // of a VTIMEZONE, without blanks around
	uid        string
	zones      []string // TZIDs that its parameters name, without blanks around
}

// scanCalendars reads one VCALENDAR or several, as programs concatenate them, and
// gives their components to add. Properties of a VCALENDAR go to property, where that
// is not nil. It is less strict than ParseObject, for it must read what other
// programs stored, but nothing that it gives can spoil the text that it is copied
// into. Errors are ErrNoCalendar, *ObjectError, and those of add and property.
func scanCalendars(raw []byte, add func(c *feedComponent) error, property func(calendar int, l *Line) error) error {
	var open [MaxDepth]string
	var c feedComponent
	depth, calendars := 0, 0
	s := NewScanner(raw)
	for s.Next() {
		l := &s.Line
		begin, end := l.Is("BEGIN"), l.Is("END")
		if depth == 0 && (!begin || !equalFold(trimBlank(l.Value()), "VCALENDAR")) {
			if calendars == 0 {
				return ErrNoCalendar
			}
			return badData("there is more behind END:VCALENDAR")
		}
		switch {
		case l.Err != nil:
			return badData(l.Err.Error())
		case begin:
			if depth == MaxDepth {
				return badData("components are nested too deep")
			}
			kind := componentName(trimBlank(l.Value()))
			if depth == 1 {
				c = feedComponent{kind: kind, octetRange: octetRange{start: l.Start}, calendar: calendars}
			}
			open[depth] = kind
			depth++
		case end:
			if !equalFold(trimBlank(l.Value()), open[depth-1]) {
				return badData("an END does not belong to the BEGIN before it")
			}
			depth--
			switch depth {
			case 0:
				calendars++
			case 1:
				c.end = l.End
				if err := add(&c); err != nil {
					return err
				}
			}
		case depth == 1 && property != nil:
			if err := property(calendars, l); err != nil {
				return err
			}
		case depth > 1:
			c.read(l, depth)
		}
	}
	switch {
	case depth > 0:
		return badData("it does not end with END:VCALENDAR")
	case calendars == 0:
		return ErrNoCalendar
	}
	return nil
}

// read takes from a line what must be known of a component.
func (c *feedComponent) read(l *Line, depth int) {
	switch {
	case depth == 2 && l.Is("UID") && c.uid == "":
		c.uid = string(l.Value())
	case depth == 2 && l.Is("TZID") && c.tzid == "":
		c.tzid = string(trimBlank(l.Value()))
	case len(l.params) > 0:
		if tzid, ok := l.param("TZID"); ok {
			tzid = trimBlank(tzid)
			same := func(s string) bool { return s == string(tzid) }
			if len(tzid) > 0 && len(c.zones) < maxZones && !slices.ContainsFunc(c.zones, same) {
				c.zones = append(c.zones, string(tzid))
			}
		}
	}
}

// maxZones bounds how many time zones one component may name.
const maxZones = 100

// contentKey names what an object says: its components and the time zones that they
// use, whatever else is in the VCALENDAR and in whatever order. "" where it cannot be
// read.
func contentKey(raw []byte) string {
	if !utf8.Valid(raw) {
		raw = WholeFolds(raw)
	}
	var mains [][sha256.Size / 2]byte
	var used []string
	var clean []byte
	var room zoneReader
	defined := map[string]zoneKey{}
	err := scanCalendars(raw, func(c *feedComponent) error {
		if c.kind == "VTIMEZONE" {
			if _, twice := defined[c.tzid]; !twice {
				defined[c.tzid] = room.key(raw[c.start:c.end])
			}
			return nil
		}
		clean = appendClean(clean[:0], raw[c.start:c.end])
		sum := sha256.Sum256(clean)
		mains = append(mains, [sha256.Size / 2]byte(sum[:]))
		used = append(used, c.zones...)
		return nil
	}, nil)
	if err != nil || len(mains) == 0 {
		return ""
	}
	slices.SortFunc(mains, func(a, b [sha256.Size / 2]byte) int { return bytes.Compare(a[:], b[:]) })
	slices.Sort(used)
	h := sha256.New()
	for i := range mains {
		h.Write(mains[i][:])
	}
	for _, tzid := range slices.Compact(used) {
		if key, ok := defined[tzid]; ok {
			h.Write([]byte(tzid))
			h.Write([]byte{0})
			h.Write(key[:])
		}
	}
	return string(h.Sum(nil))
}
