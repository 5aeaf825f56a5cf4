package calendar

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"calgate/imapstore"
	"calgate/translate"
)

// Where a server offers METADATA (RFC 5464), it holds a calendar's properties beside the
// folder: copies of the body of its props message, this user's own properties, and what
// Kolab's programs and Cyrus' own CalDAV service keep there.
const (
	private      = "/private/"
	shared       = "/shared/"
	kolabRoot    = "vendor/kolab"
	cyrusRoot    = "vendor/cmu/cyrus-httpd"
	folderType   = kolabRoot + "/folder-type"
	calgateRoot  = "vendor/calgate"
	propertyRoot = private + calgateRoot + "/property/" // and the hash of a name
	bodyEntry    = shared + calgateRoot + "/props"
)

var annotationRoots = []string{
	private + calgateRoot, private + kolabRoot, private + cyrusRoot,
	shared + calgateRoot, shared + kolabRoot, shared + cyrusRoot,
}

// annotation is a property that another program keeps in an entry of its own, as text.
type annotation struct {
	root, entry string // in lower case, without /private/ or /shared/
	name        PropertyName
	read, write func(string) (string, bool) // nil: the text is the same
}

// annotated are those, in the order in which they are believed.
var annotated = []annotation{
	{kolabRoot, "/displayname", PropertyName{"DAV:", "displayname"}, nil, nil},
	{kolabRoot, "/color", PropertyName{"http://apple.com/ns/ical/", "calendar-color"}, fromKolabColor, toKolabColor},
	cyrusText("DAV:", "displayname"),
	cyrusText("http://apple.com/ns/ical/", "calendar-color"),
	cyrusText("http://apple.com/ns/ical/", "calendar-order"),
	cyrusText("urn:ietf:params:xml:ns:caldav", "calendar-description"),
	cyrusText("urn:ietf:params:xml:ns:caldav", "calendar-timezone"),
	cyrusText("urn:ietf:params:xml:ns:caldav", "calendar-timezone-id"),
	cyrusText("urn:ietf:params:xml:ns:caldav", "schedule-calendar-transp"),
	cyrusAlarms("default-alarm-vevent-datetime"),
	cyrusAlarms("default-alarm-vevent-date"),
	cyrusComponents(),
}

func cyrusText(space, local string) annotation {
	return annotation{root: cyrusRoot, entry: "/<" + strings.ToLower(space) + ">" + local, name: PropertyName{space, local}}
}

// cyrusAlarms are VALARM components as text, which Cyrus takes in every release. What some of them write themselves is a
// list in a form of its own, "%(KEY value ...)", in which the text is one value: that is not read.
func cyrusAlarms(local string) annotation {
	a := cyrusText("urn:ietf:params:xml:ns:caldav", local)
	a.read = func(value string) (string, bool) { return value, !strings.HasPrefix(value, "%(") }
	return a
}

// cyrusComponents is the set of components, of which Cyrus keeps the sum of their bits as a
// decimal number, and calgate's text has the names.
func cyrusComponents() annotation {
	a := cyrusText("urn:ietf:params:xml:ns:caldav", "supported-calendar-component-set")
	bits := []string{"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"} // Cyrus has more above these
	a.read = func(value string) (string, bool) {
		sum, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64)
		var names []string
		for i, name := range bits {
			if sum>>i&1 == 1 {
				names = append(names, name)
			}
		}
		return strings.Join(names, " "), err == nil && names != nil
	}
	a.write = func(text string) (string, bool) {
		sum := 0
		for i, name := range bits {
			if slices.Contains(strings.Fields(text), name) {
				sum += 1 << i
			}
		}
		return strconv.Itoa(sum), sum != 0
	}
	return a
}

var (
	kolabColor = regexp.MustCompile(`^#?([0-9A-Fa-f]{6})$`)
	appleColor = regexp.MustCompile(`^#([0-9A-Fa-f]{6})([0-9A-Fa-f]{2})?$`)
)

func fromKolabColor(value string) (string, bool) {
	m := kolabColor.FindStringSubmatch(strings.TrimSpace(value))
	if m == nil {
		return "", false
	}
	return "#" + strings.ToUpper(m[1]), true
}

// toKolabColor leaves the opacity out, which Kolab knows nothing of.
func toKolabColor(text string) (string, bool) {
	m := appleColor.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return "", false
	}
	return strings.ToLower(m[1]), true
}

// entries are what METADATA says of the calendar, asked once a request: for a home in
// one exchange for all.
func (v *View) entries(ctx context.Context) (imapstore.Annotations, error) {
	a := v.account
	if !v.calendar.Exists || !a.session.Caps().Metadata {
		return nil, nil
	}
	if e, ok := a.metadata[v.calendar.Mailbox]; ok || a.allMetadata {
		return e, nil
	}
	if a.many {
		all, err := a.session.MetadataOfAll(ctx, annotationRoots)
		if err != nil {
			return nil, wrap("Metadata", "", err)
		}
		if all != nil {
			a.metadata, a.allMetadata = all, true
			return all[v.calendar.Mailbox], nil
		}
		a.many = false // each must be asked for
	}
	e, err := a.session.Metadata(ctx, v.calendar.Mailbox, annotationRoots)
	if err != nil {
		return nil, wrap("Metadata", v.calendar.Mailbox, err)
	}
	if a.metadata == nil {
		a.metadata = map[string]imapstore.Annotations{}
	}
	a.metadata[v.calendar.Mailbox] = e
	return e, nil
}

// annotations are the properties in METADATA below /private/ or /shared/, ordered by
// name.
func annotations(entries imapstore.Annotations, scope string) (ps properties) {
	for _, a := range annotated {
		value, ok := entries[scope+a.root+a.entry]
		if ok && a.read != nil {
			value, ok = a.read(value)
		}
		if _, known := ps.find(a.name); ok && !known {
			ps = ps.merged([]Property{{Name: a.name, Text: value}}, nil)
		}
	}
	if scope == private {
		ps = ps.merged(ownAnnotations(entries), nil)
	}
	return ps
}

// ownAnnotations are those private properties that this program keeps in METADATA.
func ownAnnotations(entries imapstore.Annotations) (ps properties) {
	for entry, value := range entries {
		if strings.HasPrefix(entry, propertyRoot) {
			ps = append(ps, decodeProperties([]byte(value))...)
		}
	}
	return ps.ordered()
}

// propertyEntry is where a private property is. Names of entries are compared without
// case and those of properties with it, so it is a hash that names it.
func propertyEntry(n PropertyName) string {
	sum := sha256.Sum256([]byte(n.String()))
	return propertyRoot + hex.EncodeToString(sum[:8])
}

// bodyValue is the body of a props message as one line; bodyOf is its inverse.
func bodyValue(body []byte) string {
	return strings.ReplaceAll(strings.TrimSuffix(string(body), "\r\n"), "\r\n", " ")
}

func bodyOf(value string) []byte {
	var b strings.Builder
	words := strings.Split(value, " ")
	for i := 0; i+1 < len(words); i += 2 {
		b.WriteString(words[i] + " " + words[i+1] + "\r\n")
	}
	return []byte(b.String())
}

// annotatedBody is the body of a props message as METADATA, read before, has it: nil
// where that is another one's.
func (v *View) annotatedBody(head *translate.Record) []byte {
	value, ok := v.account.metadata[v.calendar.Mailbox][bodyEntry]
	if !ok {
		return nil
	}
	body := bodyOf(value)
	if int64(len(body)) != head.Length || translate.Hash(body) != head.Hash {
		return nil
	}
	return body
}
