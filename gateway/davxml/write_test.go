package davxml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// multistatus is the structure of RFC 4918 section 14.16, read by encoding/xml.
type multistatus struct {
	XMLName   xml.Name `xml:"DAV: multistatus"`
	Responses []struct {
		Href     string `xml:"DAV: href"`
		Status   string `xml:"DAV: status"`
		Propstat []struct {
			Prop struct {
				Any []struct {
					XMLName xml.Name
					Text    string `xml:",chardata"`
				} `xml:",any"`
			} `xml:"DAV: prop"`
			Status string `xml:"DAV: status"`
			Error  struct {
				Any []struct{ XMLName xml.Name } `xml:",any"`
			} `xml:"DAV: error"`
		} `xml:"DAV: propstat"`
	} `xml:"DAV: response"`
	SyncToken string `xml:"DAV: sync-token"`
}

func TestMultistatus(t *testing.T) {
	var out bytes.Buffer
	m := NewMultistatus(&out)
	m.Response("/CalDAV/~me/Work/", "a b&<ü.ics")
	m.Propstat()
	m.Append(func(b []byte) []byte {
		tag, start := NewTag(Name{Space: DAV, Local: "getetag"}), len(b)
		return tag.End(AppendText(tag.Start(b), `"1-2"`), start)
	})
	m.Raw(`<x xmlns="urn:y">1</x>`)
	m.EndPropstat(200)
	m.Propstat()
	m.Empty(Name{Space: "urn:other\"&", Local: "missing"})
	m.Empty(Name{Local: "bare"})
	m.EndPropstat(403, Condition{Name: Name{Space: DAV, Local: "cannot-modify-protected-property"}})
	m.EndResponse()
	m.ResponseText("/<odd>")
	m.Status(404)
	m.EndResponse()
	m.SyncToken("urn:x:1&2")
	if out.Len() != 0 {
		t.Error("written before it had to be")
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	var got multistatus
	if err := xml.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	if len(got.Responses) != 2 || got.SyncToken != "urn:x:1&2" {
		t.Fatalf("got %+v", got)
	}
	r := got.Responses[0]
	if r.Href != "/CalDAV/~me/Work/a%20b%26%3C%C3%BC.ics" || len(r.Propstat) != 2 {
		t.Fatalf("got %+v", r)
	}
	var names []Name
	for _, p := range r.Propstat {
		for _, e := range p.Prop.Any {
			names = append(names, e.XMLName)
		}
	}
	want := []Name{{Space: DAV, Local: "getetag"}, {Space: "urn:y", Local: "x"}, {Space: "urn:other\"&", Local: "missing"}, {Local: "bare"}}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if r.Propstat[0].Prop.Any[0].Text != `"1-2"` || r.Propstat[1].Status != "HTTP/1.1 403 Forbidden" ||
		r.Propstat[1].Error.Any[0].XMLName.Local != "cannot-modify-protected-property" {
		t.Errorf("got %+v", r.Propstat)
	}
	if r := got.Responses[1]; r.Href != "/<odd>" || r.Status != "HTTP/1.1 404 Not Found" {
		t.Errorf("got %+v", r)
	}
}

func TestMultistatusKeepsTheFirstError(t *testing.T) {
	gone := errors.New("gone")
	m := NewMultistatus(writerFunc(func([]byte) (int, error) { return 0, gone }))
	var err error
	for range 10_000 {
		m.Response("/a/", "b")
		m.Status(404)
		if err = m.EndResponse(); err != nil {
			break
		}
	}
	if !errors.Is(err, gone) || !errors.Is(m.Close(), gone) {
		t.Errorf("got %v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestWriteError(t *testing.T) {
	var out bytes.Buffer
	err := WriteError(&out,
		Condition{Name: Name{Space: CalDAV, Local: "no-uid-conflict"}, Hrefs: []string{"/CalDAV/~me/a&b.ics"}},
		Condition{Name: Name{Space: DAV, Local: "need-privileges"}, Hrefs: []string{"/c/"}, Privilege: Name{Space: DAV, Local: "write-content"}})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		XMLName  xml.Name `xml:"DAV: error"`
		Conflict struct {
			Href string `xml:"DAV: href"`
		} `xml:"urn:ietf:params:xml:ns:caldav no-uid-conflict"`
		Resource struct {
			Href      string `xml:"DAV: href"`
			Privilege struct {
				Any struct{ XMLName xml.Name } `xml:",any"`
			} `xml:"DAV: privilege"`
		} `xml:"DAV: need-privileges>resource"`
	}
	if err := xml.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Resource.Href != "/c/" || got.Resource.Privilege.Any.XMLName.Local != "write-content" || got.Conflict.Href != "/CalDAV/~me/a&b.ics" {
		t.Errorf("got %+v in %s", got, out.String())
	}
}

// TestEscapedTextSurvives: any octets give text that a parser accepts and reads
// back, but for what XML cannot say.
func TestEscapedTextSurvives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte("<>&\"'\r\n\t\x00\xff\xed\xa0\x80")))).Draw(t, "s"))
		if rapid.Bool().Draw(t, "text") {
			s = rapid.String().Draw(t, "string")
		}
		want := strings.Map(func(r rune) rune {
			if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
				return utf8.RuneError
			}
			return r
		}, s) // Map also turns each octet that is no UTF-8 into U+FFFD
		b := AppendText([]byte(`<a b="`), "")
		b = AppendText(append(AppendAttribute(b, s), `">`...), []byte(s))
		b = append(b, "</a>"...)
		var got struct {
			Attribute string `xml:"b,attr"`
			Text      string `xml:",chardata"`
		}
		if err := xml.Unmarshal(b, &got); err != nil {
			t.Fatalf("%v in %q", err, b)
		}
		if got.Text != want || got.Attribute != want {
			t.Fatalf("%q came back as %q and %q", want, got.Text, got.Attribute)
		}
	})
}

func TestMultistatusAllocatesNothingPerResponse(t *testing.T) {
	m := NewMultistatus(io.Discard)
	etag := `"9f2c51d07a3be418-1a2b3c4d"`
	if n := testing.AllocsPerRun(1000, func() { listOne(m, "event.ics", etag) }); n > 0 {
		t.Errorf("%v allocations for a response", n)
	}
}

var (
	etagTag  = NewTag(Name{Space: DAV, Local: "getetag"})
	ctypeTag = NewTag(Name{Space: DAV, Local: "getcontenttype"})
	rtypeTag = NewTag(Name{Space: DAV, Local: "resourcetype"})
)

func listOne(m *Multistatus, name, etag string) {
	m.Response("/CalDAV/~user@example.org/Calendar/", name)
	m.Propstat()
	m.Append(func(b []byte) []byte {
		n := len(b)
		b = etagTag.End(AppendText(etagTag.Start(b), etag), n)
		n = len(b)
		b = ctypeTag.End(AppendText(ctypeTag.Start(b), "text/calendar; charset=utf-8; component=VEVENT"), n)
		n = len(b)
		return rtypeTag.End(rtypeTag.Start(b), n)
	})
	m.EndPropstat(200)
	m.EndResponse()
}

func BenchmarkMultistatus10000(b *testing.B) {
	names := make([]string, 10_000)
	for i := range names {
		names[i] = "event-" + strconv.Itoa(i) + ".ics"
	}
	b.ReportAllocs()
	for b.Loop() {
		m := NewMultistatus(io.Discard)
		for _, name := range names {
			listOne(m, name, `"9f2c51d07a3be418-1a2b3c4d"`)
		}
		m.Close()
	}
}
