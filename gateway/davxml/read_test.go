package davxml

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

func kindOf(t *testing.T, err error) Kind {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %v, want *Error", err)
	}
	return e.Kind
}

// refused are bodies that no decoder may take, whatever its root.
var refused = map[string]string{
	"not closed":           `<D:propfind xmlns:D="DAV:"><D:prop>`,
	"tags crossed":         `<D:propfind xmlns:D="DAV:"><D:prop></D:propfind></D:prop>`,
	"end of another":       `<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind></D:x>`,
	"two roots":            `<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind><a/>`,
	"text after":           `<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>x`,
	"text before":          `x<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>`,
	"empty prefix":         `<D:propfind xmlns:D="DAV:"><D:prop><b:f xmlns:b=""/></D:prop></D:propfind>`,
	"undeclared prefix":    `<D:propfind xmlns:D="DAV:"><D:prop><b:f/></D:prop></D:propfind>`,
	"undeclared attribute": `<D:propfind xmlns:D="DAV:"><D:prop><D:f b:c="1"/></D:prop></D:propfind>`,
	"attribute twice":      `<D:propfind xmlns:D="DAV:"><D:prop><D:f c="1" c="2"/></D:prop></D:propfind>`,
	"attribute twice by namespace": `<D:propfind xmlns:D="DAV:" xmlns:E="DAV:">` +
		`<D:prop><D:f D:c="1" E:c="2"/></D:prop></D:propfind>`,
	"namespace twice":   `<D:propfind xmlns:D="DAV:" xmlns:D="DAV:"><D:allprop/></D:propfind>`,
	"two colons":        `<D:propfind xmlns:D="DAV:"><D:prop><D:a:b/></D:prop></D:propfind>`,
	"xml rebound":       `<D:propfind xmlns:D="DAV:" xmlns:xml="urn:x"><D:allprop/></D:propfind>`,
	"doctype":           `<!DOCTYPE p [<!ENTITY a "b">]><propfind xmlns="DAV:"><prop><displayname>&a;</displayname></prop></propfind>`,
	"unknown entity":    `<propfind xmlns="DAV:"><prop><displayname>&a;</displayname></prop></propfind>`,
	"control character": "<propfind xmlns=\"DAV:\"><prop><a>\x01</a></prop></propfind>",
	"broken UTF-8":      "<propfind xmlns=\"DAV:\"><prop><a>\xff</a></prop></propfind>",
	"other encoding":    `<?xml version="1.0" encoding="iso-8859-1"?><propfind xmlns="DAV:"><allprop/></propfind>`,
	"no XML":            `BEGIN:VCALENDAR`,
	"other root":        `<D:elsewhere xmlns:D="DAV:"/>`,
	"root elsewhere":    `<propfind xmlns="urn:x"><allprop/></propfind>`,
	"too deep":          `<propfind xmlns="DAV:"><prop>` + strings.Repeat("<a>", 40) + strings.Repeat("</a>", 40) + `</prop></propfind>`,
	"too many elements": `<propfind xmlns="DAV:"><allprop/>` + strings.Repeat("<x/>", MaxElements) + `</propfind>`,
	"too many names":    `<propfind xmlns="DAV:"><prop>` + names(MaxProperties+1) + `</prop></propfind>`,
	"long tag":          `<propfind xmlns="DAV:" a="` + strings.Repeat("b", maxTag) + `"><allprop/></propfind>`,
	"many attributes":   `<propfind xmlns="DAV:"><allprop ` + attributes(maxAttributes+1) + `/></propfind>`,
}

func names(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("<x" + strings.Repeat("y", i/26) + string(rune('a'+i%26)) + "/>")
	}
	return b.String()
}

func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" x" + strings.Repeat("y", i/26) + string(rune('a'+i%26)) + `=""`)
	}
	return b.String()
}

func TestRefusedBodies(t *testing.T) {
	decoders := map[string]func(string) error{
		"propfind":       func(s string) error { _, err := ReadPropfind(strings.NewReader(s)); return err },
		"propertyupdate": func(s string) error { _, err := ReadPropertyupdate(strings.NewReader(s)); return err },
		"mkcalendar":     func(s string) error { _, err := ReadMkcalendar(strings.NewReader(s)); return err },
		"mkcol":          func(s string) error { _, err := ReadMkcol(strings.NewReader(s)); return err },
	}
	for name, body := range refused {
		for decoder, read := range decoders {
			if err := read(body); kindOf(t, err) != Malformed {
				t.Errorf("%s by %s: %v", name, decoder, err)
			}
		}
		if name != "other root" && name != "root elsewhere" {
			if _, err := ReadReport(strings.NewReader(body)); err == nil {
				t.Errorf("%s taken as a report", name)
			}
		}
	}
}

func TestBodyTooLarge(t *testing.T) {
	body := io.MultiReader(strings.NewReader(`<propfind xmlns="DAV:"><allprop/>`),
		io.LimitReader(spaces{}, MaxBody), strings.NewReader(`</propfind>`))
	_, err := ReadPropfind(body)
	if kindOf(t, err) != TooLarge {
		t.Error(err)
	}
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestReadErrorComesThrough(t *testing.T) {
	gone := errors.New("connection gone")
	_, err := ReadPropfind(io.MultiReader(strings.NewReader(`<propfind xmlns="DAV:"><all`), failing{gone}))
	if !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
	if _, err = ReadPropfind(failing{gone}); !errors.Is(err, gone) {
		t.Errorf("at once: got %v", err)
	}
}

func TestReadPropfind(t *testing.T) {
	prop := func(space string, locals ...string) (p []Prop) {
		for _, l := range locals {
			p = append(p, Prop{Name: Name{Space: space, Local: l}})
		}
		return p
	}
	for name, c := range map[string]struct {
		body string
		want *Names
	}{
		"empty":       {"", &Names{AllProp: true}},
		"white space": {" \r\n", &Names{AllProp: true}},
		"allprop":     {`<propfind xmlns="DAV:"><allprop/></propfind>`, &Names{AllProp: true}},
		"propname":    {`<propfind xmlns="DAV:"><propname/></propfind>`, &Names{PropName: true}},
		"include": {`<propfind xmlns="DAV:"><allprop/><include><owner/></include></propfind>`,
			&Names{AllProp: true, Props: prop(DAV, "owner")}},
		"twice, unknown, other prefix": {
			`<?xml version="1.0" encoding="UTF-8" ?><!-- c --><x0:propfind xmlns:x0="DAV:"><x0:prop><x0:owner/><x0:owner/></x0:prop><y xmlns="q:"/></x0:propfind>`,
			&Names{Props: prop(DAV, "owner")}},
		"no namespace":    {`<D:propfind xmlns:D="DAV:"><D:prop><foo/></D:prop></D:propfind>`, &Names{Props: prop("", "foo")}},
		"byte order mark": {"\ufeff" + `<propfind xmlns="DAV:"><propname/></propfind>`, &Names{PropName: true}},
		"UTF-16": {wide(`<?xml version="1.0" encoding="UTF-16"?><propfind xmlns="DAV:"><propname/></propfind>`),
			&Names{PropName: true}},
		"calendar-data": {
			`<D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data content-type="a/b" version="3"><C:comp name="X"/></C:calendar-data></D:prop></D:propfind>`,
			&Names{Props: []Prop{{Name: Name{Space: CalDAV, Local: "calendar-data"}, ContentType: "a/b", Version: "3", Data: &CalendarData{Comp: &Comp{Name: "X"}}}}}},
	} {
		got, err := ReadPropfind(strings.NewReader(c.body))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for name, body := range map[string]string{
		"nothing asked": `<propfind xmlns="DAV:"><leave-out xmlns="E:"/></propfind>`,
		"two kinds":     `<propfind xmlns="DAV:"><allprop/><propname/></propfind>`,
	} {
		if _, err := ReadPropfind(strings.NewReader(body)); kindOf(t, err) != Malformed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func wide(s string) string {
	b := []byte{0xFE, 0xFF}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u>>8), byte(u))
	}
	return string(b)
}

func TestReadPropertyupdate(t *testing.T) {
	got, err := ReadPropertyupdate(strings.NewReader(`<D:propertyupdate xmlns:D="DAV:" xmlns:A="http://apple.com/ns/ical/">
		<D:set><D:prop xml:lang="de"><D:displayname>Büro &amp; mehr</D:displayname>
		<A:calendar-color symbolic-color="red">#FF0000FF</A:calendar-color></D:prop></D:set>
		<D:remove><D:prop><x xmlns="urn:y"/></D:prop></D:remove></D:propertyupdate>`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Update{
		{Element: Element{Name: Name{Space: DAV, Local: "displayname"}, Text: "Büro & mehr",
			XML: `<D:displayname xmlns:D="DAV:" xml:lang="de">Büro &amp; mehr</D:displayname>`}},
		{Element: Element{Name: Name{Space: AppleICal, Local: "calendar-color"}, Text: "#FF0000FF",
			XML: `<A:calendar-color xmlns:A="http://apple.com/ns/ical/" xml:lang="de" symbolic-color="red">#FF0000FF</A:calendar-color>`}},
		{Remove: true, Element: Element{Name: Name{Space: "urn:y", Local: "x"}, XML: `<x xmlns="urn:y"/>`}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := ReadPropertyupdate(strings.NewReader(`<propertyupdate xmlns="DAV:"><prop><displayname>a</displayname></prop></propertyupdate>`)); kindOf(t, err) != Malformed {
		t.Error(err)
	}
}

func TestElementKeepsItsNamespaces(t *testing.T) {
	for name, c := range map[string][2]string{
		"declared outside": {
			`<D:mkcol xmlns:D="DAV:" xmlns:q="urn:q" xmlns:unused="urn:u"><D:set><D:prop><q:a q:b="1"><q:c/><d/></q:a></D:prop></D:set></D:mkcol>`,
			`<q:a xmlns:q="urn:q" q:b="1"><q:c/><d/></q:a>`},
		"default namespace": {
			`<mkcol xmlns="DAV:"><set><prop><a xmlns="urn:q"><b xmlns=""><c/></b><d/></a></prop></set></mkcol>`,
			`<a xmlns="urn:q"><b xmlns=""><c/></b><d/></a>`},
		"no namespace": {
			`<D:mkcol xmlns:D="DAV:"><D:set><D:prop><a><b/></a></D:prop></D:set></D:mkcol>`,
			`<a><b/></a>`},
		"prefix bound again": {
			`<D:mkcol xmlns:D="DAV:"><D:set><D:prop><D:a><D:b xmlns:D="urn:d"/><D:c/></D:a></D:prop></D:set></D:mkcol>`,
			`<D:a xmlns:D="DAV:"><D:b xmlns:D="urn:d"/><D:c/></D:a>`},
		"characters": {
			"<mkcol xmlns=\"DAV:\"><set><prop><a b=\"&#10;&quot;&lt;\">&#13;]]&gt;<![CDATA[<&>]]>\U0001F600</a></prop></set></mkcol>",
			"<a xmlns=\"DAV:\" b=\"&#10;&quot;&lt;\">&#13;]]&gt;&lt;&amp;&gt;\U0001F600</a>"},
		"language nearest": {
			`<mkcol xmlns="DAV:" xml:lang="en"><set><prop xml:lang="de"><a xml:lang="fr"/></prop></set></mkcol>`,
			`<a xmlns="DAV:" xml:lang="fr"/>`},
		"comment and instruction": {
			`<mkcol xmlns="DAV:"><set><prop><a>x<!-- y --><?z z?>w</a></prop></set></mkcol>`,
			`<a xmlns="DAV:">xw</a>`},
	} {
		got, err := ReadMkcol(strings.NewReader(c[0]))
		if err != nil || len(got) != 1 {
			t.Errorf("%s: %v, %d elements", name, err, len(got))
			continue
		}
		if got[0].XML != c[1] {
			t.Errorf("%s:\n got %s\nwant %s", name, got[0].XML, c[1])
		}
		again, err := ParseElement(got[0].XML)
		if err != nil {
			t.Errorf("%s again: %v", name, err)
		} else if diff := cmp.Diff(got[0], *again); diff != "" {
			t.Errorf("%s again: %s", name, diff)
		}
	}
}

func TestReadReport(t *testing.T) {
	query := `<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop>
	<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VTODO"><C:time-range start="20260101T000000Z"/>
	<C:prop-filter name="STATUS"><C:text-match collation="i;octet" negate-condition="yes"> NEEDS </C:text-match>
	<C:param-filter name="X"><C:is-not-defined/></C:param-filter></C:prop-filter>
	<C:prop-filter name="DUE"><C:is-not-defined/></C:prop-filter></C:comp-filter></C:comp-filter></C:filter>
	<C:limit><C:nresults>7</C:nresults></C:limit></C:calendar-query>`
	got, err := ReadReport(strings.NewReader(query))
	if err != nil {
		t.Fatal(err)
	}
	want := &Report{Name: Name{Space: CalDAV, Local: "calendar-query"}, Limit: 7,
		Names: Names{Props: []Prop{{Name: Name{Space: DAV, Local: "getetag"}}}},
		Filter: &CompFilter{Component: "VCALENDAR", Comps: []CompFilter{{Component: "VTODO",
			TimeRange: &TimeRange{Start: "20260101T000000Z"},
			Props: []PropFilter{
				{Property: "STATUS", Text: &TextMatch{Collation: "i;octet", Negate: true, Text: " NEEDS "},
					Params: []ParamFilter{{Parameter: "X", IsNotDefined: true}}},
				{Property: "DUE", IsNotDefined: true}}}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	sync := `<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level><limit><nresults>3</nresults></limit><prop><getetag/></prop></sync-collection>`
	if got, err = ReadReport(strings.NewReader(sync)); err != nil {
		t.Fatal(err)
	}
	want = &Report{Name: Name{Space: DAV, Local: "sync-collection"}, HasToken: true, Level: "1", Limit: 3, Names: want.Names}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	multiget := `<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:allprop/>` + strings.Repeat("<D:href> /a%20b </D:href>", MaxHrefs)
	if got, err = ReadReport(strings.NewReader(multiget + `</C:calendar-multiget>`)); err != nil {
		t.Fatal(err)
	}
	if len(got.Hrefs) != MaxHrefs || got.Hrefs[9] != "/a%20b" || !got.AllProp {
		t.Errorf("multiget: %d hrefs, first %q", len(got.Hrefs), got.Hrefs[0])
	}
	if _, err = ReadReport(strings.NewReader(multiget + `<D:href>/one-more</D:href></C:calendar-multiget>`)); kindOf(t, err) != TooMany {
		t.Error(err)
	}
}

// What a DAV:expand-property or a search may ask for is bounded in all, not at each level, and doubles are told once.
func TestPrincipalReportsBounded(t *testing.T) {
	read := func(root, content string) (*Report, error) {
		return ReadReport(strings.NewReader("<" + root + ` xmlns="DAV:">` + content + "</" + root + ">"))
	}
	property := func(n int) string {
		return fmt.Sprintf(`<property name="p%d"><property name="same"/><property name="same"/></property>`, n)
	}
	var b strings.Builder
	for n := range MaxProperties / 3 {
		b.WriteString(property(n))
	}
	all := b.String()
	got, err := read("expand-property", all+`<property name="p0"/>`)
	if err != nil || len(got.Expand) != MaxProperties/3 || len(got.Expand[0].Inner) != 1 {
		t.Errorf("%d properties, %v", len(got.Expand), err)
	}
	for root, content := range map[string]string{
		"expand-property":           all + property(0),
		"principal-property-search": strings.Repeat("<property-search><prop><displayname/></prop><match>a</match></property-search>", MaxSearches+1),
	} {
		if _, err := read(root, content); kindOf(t, err) != TooMany {
			t.Errorf("%s: %v", root, err)
		}
	}
	if _, err := read("principal-property-search", "<property-search><prop>"+strings.Repeat("<a/>", MaxSearches+1)+"</prop></property-search>"); kindOf(t, err) != TooMany {
		t.Errorf("one search of many properties: %v", err)
	}
}

func TestBadFilters(t *testing.T) {
	for name, filter := range map[string]string{
		"empty":          ``,
		"two":            `<comp-filter name="VCALENDAR"/><comp-filter name="VCALENDAR"/>`,
		"no name":        `<comp-filter/>`,
		"other element":  `<prop-filter name="X"/>`,
		"open range":     `<comp-filter name="VCALENDAR"><time-range/></comp-filter>`,
		"negate maybe":   `<comp-filter name="A"><prop-filter name="B"><text-match negate-condition="maybe">c</text-match></prop-filter></comp-filter>`,
		"nameless prop":  `<comp-filter name="A"><prop-filter/></comp-filter>`,
		"nameless param": `<comp-filter name="A"><prop-filter name="B"><param-filter/></prop-filter></comp-filter>`,
		"too many":       `<comp-filter name="A">` + strings.Repeat(`<prop-filter name="B"/>`, maxFilters) + `</comp-filter>`,
	} {
		body := `<calendar-query xmlns="urn:ietf:params:xml:ns:caldav"><filter>` + filter + `</filter></calendar-query>`
		if _, err := ReadReport(strings.NewReader(body)); kindOf(t, err) != BadFilter {
			t.Errorf("%s: %v", name, err)
		}
	}
}
