package translate

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/mail"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var written = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)

// stored is a version with that body, and its message.
func stored(body []byte, e Envelope) (Record, []byte) {
	r := aPut()
	r.Hash, r.Length = Hash(body), int64(len(body))
	return r, Message(r, e, body)
}

func TestBodyRoundTrip(t *testing.T) {
	clean := "BEGIN:VCALENDAR\r\nSUMMARY:Größe 😀\r\nEND:VCALENDAR\r\n"
	for name, c := range map[string]struct {
		body string
		text bool // as 8bit
	}{
		"clean":          {clean, true},
		"empty":          {"", true},
		"no final CRLF":  {strings.TrimSuffix(clean, "\r\n"), false},
		"bare LF":        {strings.ReplaceAll(clean, "\r\n", "\n"), false},
		"bare CR":        {"A:\r\rB\r\n", false},
		"NUL":            {"A:\x00\r\n", false},
		"longest line":   {strings.Repeat("x", 998) + "\r\n", true},
		"too long":       {strings.Repeat("x", 999) + "\r\n", false},
		"CR at the end":  {"A\r\n\r", false},
		"not UTF-8":      {"A:\xff\xfe\r\n", true},
		"looks like end": {"A\r\n.\r\n\r\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			r, m := stored([]byte(c.body), Envelope{From: "bob", Date: written, Component: "VEVENT"})
			if got := bytes.Contains(m, []byte("Content-Transfer-Encoding: 8bit")); got != c.text {
				t.Errorf("8bit: %v", got)
			}
			checkLines(t, m)
			for _, added := range []string{"", "\r\n"} { // some servers end a message with one
				got, err := r.Body(append(bytes.Clone(m), added...))
				if err != nil || string(got) != c.body {
					t.Fatalf("%q: %v\n%q\n%q", added, err, got, c.body)
				}
			}
		})
	}
}

// checkLines: what may stand in a message (RFC 5322 section 2.1).
func checkLines(t testing.TB, m []byte) {
	t.Helper()
	h, body, ok := bytes.Cut(m, []byte("\r\n\r\n"))
	if !ok {
		t.Fatal("no header")
	}
	for _, c := range h {
		if c > 126 || c < ' ' && c != '\r' && c != '\n' {
			t.Fatalf("header is not ASCII: %q", h)
		}
	}
	if len(body) > 0 && !bytes.HasSuffix(body, crlf) {
		t.Fatal("no final CRLF")
	}
	for line := range bytes.SplitSeq(m, crlf) {
		if len(line) > maxTextLine || bytes.ContainsAny(line, "\r\n\x00") {
			t.Fatalf("line of %d octets: %.100q", len(line), line)
		}
	}
}

func TestMessageForMailPrograms(t *testing.T) {
	body := []byte("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
	summary := "Größe: Mittag\nmit \"=?\" und noch viel mehr Text, der nicht in ein einziges Wort passt 😀😀😀"
	r, raw := stored(body, Envelope{From: "bob@example.org", Date: written, Summary: summary, Component: "VEVENT"})
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if want := strings.ReplaceAll(summary, "\n", " "); err != nil || subject != want {
		t.Errorf("%v\n%q\n%q", err, subject, want)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "text/calendar" || params["component"] != "VEVENT" || params["charset"] != "utf-8" {
		t.Error(kind, params, err)
	}
	_, params, err = mime.ParseMediaType(m.Header.Get("Content-Disposition"))
	if err != nil || params["filename"] != r.Name {
		t.Error(params, err)
	}
	if date, err := m.Header.Date(); err != nil || !date.Equal(written) {
		t.Error(date, err)
	}
	if id := m.Header.Get("Message-Id"); id != "<00000000000000ac@calgate.invalid>" {
		t.Error(id)
	}
	if got, _ := io.ReadAll(m.Body); !bytes.Equal(got, body) {
		t.Errorf("%q", got)
	}
}

// TestNoEventButAPut: no other program may take a tombstone or properties for an
// event.
func TestNoEventButAPut(t *testing.T) {
	r := aPut()
	r.Op = OpDelete
	m := string(Message(r, Envelope{Summary: "Größe", Component: "VEVENT"}, []byte("BEGIN:VCALENDAR\r\n")))
	for _, s := range []string{"text/calendar", "VCALENDAR", "filename"} {
		if strings.Contains(m, s) {
			t.Errorf("a tombstone holds %q", s)
		}
	}
	if !strings.Contains(m, "\r\nContent-Type: text/plain; charset=utf-8\r\n") {
		t.Error(m)
	}
	parsed, err := mail.ReadMessage(strings.NewReader(m))
	if err != nil {
		t.Fatal(err)
	}
	if s, _ := new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject")); s != "Deleted: Größe" {
		t.Error(s)
	}
	r.Op, r.Name, r.ICalUID = OpProps, "~owner/"+strings.Repeat("ü", 500), ""
	m = string(Message(r, Envelope{Component: "VEVENT"}, []byte(strings.Repeat("x", 2000))))
	if strings.Contains(m, "text/calendar") || !strings.Contains(m, "X-Calgate-Name: sha256%3A") {
		t.Error(m)
	}
	checkLines(t, []byte(m))
}

func TestFrom(t *testing.T) {
	for account, want := range map[string]string{
		"bob@example.org":    "<bob@example.org>",
		"bob":                "<bob@invalid>",
		"":                   "<unknown@invalid>",
		"@":                  "<unknown@invalid>",
		"b.o.b@x":            "<b.o.b@x>",
		".bob.@x":            "<=2Ebob=2E@x>",
		"bob smith@x":        "<bob=20smith@x>",
		"bob@b@example.org":  "<bob=40b@example.org>",
		"bob\r\nBcc: eve@x":  "<bob=0D=0ABcc=3A=20eve@x>",
		"bob@exämple.org":    "<bob@invalid>",
		"bob@x>\r\nBcc: eve": "<bob@invalid>",
		"bjørn@x":            "<bj=C3=B8rn@x>",
	} {
		if got := formatFrom(account); got != want {
			t.Errorf("%q: %s, want %s", account, got, want)
		} else if _, err := mail.ParseAddress(got); err != nil {
			t.Errorf("%s: %v", got, err)
		}
	}
}

func TestBodyOfOtherEncodings(t *testing.T) {
	body := []byte("A:=\r\nB:ü\r\n")
	r, _ := stored(body, Envelope{})
	for name, m := range map[string]string{
		"quoted-printable": "Content-Transfer-Encoding: Quoted-Printable\r\n\r\nA:=3D\r\nB:=C3=BC\r\n",
		"binary":           "content-transfer-encoding:binary\r\n\r\n" + string(body),
		"none":             "Subject: x\r\n\r\n" + string(body),
		"bare LF":          "Subject: x\n\n" + string(body),
		"base64 refolded":  "Content-Transfer-Encoding: base64\r\n\r\nQTo9\r\n DQpC \r\nOsO8DQo=\r\n\r\n",
	} {
		if got, err := r.Body([]byte(m)); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, m := range map[string]string{
		"another body": "\r\nA:=\r\nB:o\r\n",
		"shorter":      "\r\nA:=\r\n",
		"longer":       "\r\n" + string(body) + "C:\r\n",
	} {
		if got, err := r.Body([]byte(m)); !errors.Is(err, ErrBody) || got == nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, m := range []string{"", "Subject: x", "Content-Transfer-Encoding: base64\r\n\r\nA=A=\r\n"} {
		if got, err := r.Body([]byte(m)); err == nil {
			t.Errorf("%q: %q", m, got)
		}
	}
}

func FuzzMessage(f *testing.F) {
	f.Add("a.ics", "uid-1", "bob@example.org", "Mittag", "VEVENT", []byte("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"))
	f.Add("\xff\n", "", "b\r\n@", "=?utf-8?Q?x?=", "V EVENT", []byte("a\nb\r"))
	f.Add("x", "ü", "@@", strings.Repeat("ü", 300), "", bytes.Repeat([]byte("x"), 1000))
	f.Fuzz(func(t *testing.T, name, uid, from, summary, component string, body []byte) {
		r, _ := stored(body, Envelope{})
		r.Name, r.ICalUID = name, uid
		valid := nameable(name) && len(uid) <= MaxUID
		if !valid {
			r.Name, r.ICalUID = "a.ics", "uid"
		}
		m := Message(r, Envelope{From: from, Date: written, Summary: summary, Component: component}, body)
		checkLines(t, m)
		h, _, _ := bytes.Cut(m, []byte("\r\n\r\n"))
		got, err := ParseFields(r.UID, h)
		if err != nil || got.Name != r.Name || got.ICalUID != r.ICalUID || !got.Ours {
			t.Fatalf("%v\n%+v\n%+v\n%s", err, got, r, h)
		}
		back, err := got.Body(m)
		if err != nil || !bytes.Equal(back, body) {
			t.Fatalf("%v\n%q\n%q", err, back, body)
		}
		parsed, err := mail.ReadMessage(bytes.NewReader(m))
		if err != nil {
			t.Fatal(err)
		}
		if s, err := new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject")); err != nil || !utf8.ValidString(s) {
			t.Fatalf("Subject %q: %v", s, err)
		}
		if _, err := parsed.Header.AddressList("From"); err != nil {
			t.Fatalf("From %q: %v", parsed.Header.Get("From"), err)
		}
	})
}

func FuzzReadBody(f *testing.F) {
	f.Add([]byte("Content-Transfer-Encoding: base64\r\n\r\nQQ=="))
	f.Add([]byte("Content-Transfer-Encoding: quoted-printable\r\n\r\n=\r\n=3"))
	f.Fuzz(func(t *testing.T, m []byte) {
		if body, err := ReadBody(m); err == nil && len(body) > len(m) {
			t.Fatal("a body grew")
		}
	})
}
