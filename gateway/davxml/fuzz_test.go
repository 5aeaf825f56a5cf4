package davxml

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzXML feeds all decoders. Whatever one takes as a property must be an
// element that stands alone, means the same when read again, and does not
// spoil the answer that it is put into.
func FuzzXML(f *testing.F) {
	for _, body := range refused {
		if len(body) < 4096 {
			f.Add([]byte(body))
		}
	}
	f.Add([]byte(`<D:propfind xmlns:D="DAV:"><D:prop><x:a xmlns:x="urn:x"/></D:prop></D:propfind>`))
	f.Add([]byte(`<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop xml:lang="x"><a b="c" D:d="e">f<g xmlns="h"/></a></D:prop></D:set><D:remove><D:prop><D:i/></D:prop></D:remove></D:propertyupdate>`))
	f.Add([]byte(`<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><C:calendar-timezone><![CDATA[BEGIN:VCALENDAR&#13;]]></C:calendar-timezone></D:prop></D:set></C:mkcalendar>`))
	f.Add([]byte(`<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><C:filter><C:comp-filter name="VCALENDAR"><C:prop-filter name="A"><C:text-match negate-condition="no">b</C:text-match></C:prop-filter></C:comp-filter></C:filter></C:calendar-query>`))
	f.Add([]byte(wide(`<D:sync-collection xmlns:D="DAV:"><D:sync-token>a</D:sync-token><D:href>b</D:href></D:sync-collection>`)))
	f.Add([]byte(`<D:acl xmlns:D="DAV:"><D:ace><D:principal><D:href>/UserDAV/bob/</D:href></D:principal><D:grant><D:privilege><D:read/></D:privilege></D:grant></D:ace></D:acl>`))
	f.Add([]byte(`<D:expand-property xmlns:D="DAV:"><D:property name="owner"><D:property name="a" namespace="urn:x"/></D:property></D:expand-property>`))
	f.Add([]byte(`<CS:share xmlns:D="DAV:" xmlns:CS="http://calendarserver.org/ns/"><CS:set><D:href>mailto:a@b</D:href><CS:read/></CS:set></CS:share>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := func() *bytes.Reader { return bytes.NewReader(body) }
		if names, err := ReadPropfind(r()); err == nil {
			checkNames(t, names.Props)
		}
		if report, err := ReadReport(r()); err == nil {
			checkNames(t, report.Props)
			checkExpand(t, report.Expand)
		}
		if aces, err := ReadACL(r()); err == nil {
			for _, a := range aces {
				if a.Principal.Form.Local == "" || len(a.Privileges) == 0 {
					t.Errorf("an entry without principal or privileges: %+v", a)
				}
			}
		}
		if sharees, err := ReadShare(r()); err == nil {
			for _, s := range sharees {
				if s.Href == "" || s.Access == 0 {
					t.Errorf("a sharee without href or access: %+v", s)
				}
			}
		}
		if updates, err := ReadPropertyupdate(r()); err == nil {
			for _, u := range updates {
				checkElement(t, u.Element)
			}
		}
		for _, read := range []func() ([]Element, error){
			func() ([]Element, error) { return ReadMkcalendar(r()) },
			func() ([]Element, error) { return ReadMkcol(r()) },
		} {
			elements, _ := read()
			for _, e := range elements {
				checkElement(t, e)
			}
		}
	})
}

func checkElement(t *testing.T, e Element) {
	t.Helper()
	again, err := ParseElement(e.XML)
	if err != nil {
		t.Fatalf("%v in %q", err, e.XML)
	}
	if diff := cmp.Diff(e, *again); diff != "" {
		t.Fatalf("%q: %s", e.XML, diff)
	}
	checkAnswer(t, e.Name, func(m *Multistatus) { m.Raw(e.XML) })
}

func checkNames(t *testing.T, props []Prop) {
	t.Helper()
	for _, p := range props {
		checkAnswer(t, p.Name, func(m *Multistatus) { m.Empty(p.Name) })
	}
}

func checkAnswer(t *testing.T, name Name, fill func(*Multistatus)) {
	t.Helper()
	var out bytes.Buffer
	m := NewMultistatus(&out)
	m.Response("/", "")
	m.Propstat()
	fill(m)
	m.EndPropstat(404)
	m.EndResponse()
	m.Close()
	var got multistatus
	if err := xml.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v in %q", err, out.String())
	}
	any := got.Responses[0].Propstat[0].Prop.Any
	if len(any) != 1 || any[0].XMLName != name {
		t.Fatalf("%v came as %v in %s", name, any, strings.TrimSpace(out.String()))
	}
}

// checkExpand answers names that stood in attributes: nothing has checked them as names.
func checkExpand(t *testing.T, all []Expand) {
	t.Helper()
	for _, e := range all {
		checkNames(t, []Prop{{Name: e.Name}})
		checkExpand(t, e.Inner)
	}
}
