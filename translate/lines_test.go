package translate

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// read is what a test compares of a line.
type read struct{ Name, Value, Params string }

func readAll(raw string) (lines []read, bad int) {
	for s := NewScanner([]byte(raw)); s.Next(); {
		l := &s.Line
		if l.Err != nil {
			bad++
			continue
		}
		params := ""
		l.Params(func(name []byte, value string) bool {
			params += string(name) + "=" + value + "|"
			return true
		})
		lines = append(lines, read{string(l.Name), string(l.Value()), params})
	}
	return lines, bad
}

func TestScannerTolerates(t *testing.T) {
	two := []read{{Name: "BEGIN", Value: "VCALENDAR"}, {Name: "END", Value: "VCALENDAR"}}
	for name, c := range map[string]struct {
		raw  string
		want []read
	}{
		"CRLF":                    {"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", two},
		"bare LF":                 {"BEGIN:VCALENDAR\nEND:VCALENDAR\n", two},
		"CR CR LF":                {"BEGIN:VCALENDAR\r\r\nEND:VCALENDAR\r\r\n", two},
		"no line end at the end":  {"BEGIN:VCALENDAR\r\nEND:VCALENDAR", two},
		"byte order mark":         {"\uFEFFBEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", two},
		"blank lines":             {"\r\n\nBEGIN:VCALENDAR\r\n\r\n\nEND:VCALENDAR\r\n\r\n", two},
		"fold":                    {"SUMMARY:a\r\n b\r\n", []read{{Name: "SUMMARY", Value: "ab"}}},
		"fold with tab":           {"SUMMARY:a\r\n\t b\r\n", []read{{Name: "SUMMARY", Value: "a b"}}},
		"fold with LF":            {"SUMMARY:a\n b\n c\n", []read{{Name: "SUMMARY", Value: "abc"}}},
		"fold inside UTF-8":       {"SUMMARY:B\xC3\r\n \xBCro\r\n", []read{{Name: "SUMMARY", Value: "Büro"}}},
		"nothing after the fold":  {"SUMMARY:a\r\n \r\nUID:1\r\n", []read{{Name: "SUMMARY", Value: "a"}, {Name: "UID", Value: "1"}}},
		"fold at the end of text": {"SUMMARY:a\r\n ", []read{{Name: "SUMMARY", Value: "a"}}},
		"fold in the name":        {"SUM\r\n MARY:a\r\n", []read{{Name: "SUMMARY", Value: "a"}}},
		"fold at the colon":       {"SUMMARY\r\n :a\r\n b\r\n", []read{{Name: "SUMMARY", Value: "ab"}}},
		"fold behind the colon":   {"SUMMARY:\r\n a\r\n", []read{{Name: "SUMMARY", Value: "a"}}},
		"fold in a parameter":     {"A;X=\"1:\r\n 2\";Y=3:v\r\n", []read{{"A", "v", "X=1:2|Y=3|"}}},
		"fold before a DQUOTE":    {"A;X=\r\n \"1:2\":v\r\n w\r\n", []read{{"A", "vw", "X=1:2|"}}},
		"empty value":             {"LOCATION:\r\n", []read{{Name: "LOCATION"}}},
		"lower case":              {"summary;language=de:x\r\n", []read{{"summary", "x", "language=de|"}}},
		"colon in the value":      {"URL:https://a.test/;b,c:d\r\n", []read{{Name: "URL", Value: "https://a.test/;b,c:d"}}},
		"default VALUE":           {"DTSTAMP;VALUE=DATE-TIME:20260101T000000Z\r\n", []read{{"DTSTAMP", "20260101T000000Z", "VALUE=DATE-TIME|"}}},
		"quoted : ; ,":            {"A;X=\"a:b;c,d\";Y=e,\"f,g\",h:v\r\n", []read{{"A", "v", "X=a:b;c,d|Y=e|Y=f,g|Y=h|"}}},
		"RFC 6868":                {"A;X=\"a^nb^'c^^d^e\":v\r\n", []read{{"A", "v", "X=a\nb\"c^d^e|"}}},
		"text behind a DQUOTE":    {"A;X=\"a\"b;Y=c:v\r\n", []read{{"A", "v", "X=\"a\"b|Y=c|"}}},
		"parameter without value": {"A;BASE64;X=:v\r\n", []read{{"A", "v", "BASE64=|X=|"}}},
		"trailing blank":          {"END:VEVENT \r\n", []read{{Name: "END", Value: "VEVENT "}}},
		"8-bit":                   {"SUMMARY:Büro 🦊\r\n", []read{{Name: "SUMMARY", Value: "Büro 🦊"}}},
		"x-name":                  {"X-Foo_Bar.1;X-P=1:v\r\n", []read{{"X-Foo_Bar.1", "v", "X-P=1|"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, bad := readAll(c.raw)
			if diff := cmp.Diff(c.want, got); diff != "" || bad > 0 {
				t.Errorf("%d bad lines, lines differ (-want +got):\n%s", bad, diff)
			}
		})
	}
}

func TestScannerRefuses(t *testing.T) {
	for name, raw := range map[string]string{
		"no colon":             "SUMMARY\r\n",
		"ends in a parameter":  "SUMMARY;LANGUAGE=de\r\n",
		"ends in a DQUOTE":     "A;X=\"a:v\r\n",
		"ends in it, folded":   "A;X=\"a:\r\n v\r\n",
		"no name":              ":v\r\n",
		"blank before name":    " UID:1\r\n",
		"continued blank line": "\r\n UID:1\r\n",
		"8-bit name":           "Ü:1\r\n",
		"name with blank":      "UID :1\r\n",
		"head too long":        "A;X=" + strings.Repeat("x", MaxLineHead) + ":v\r\n",
		"head too long, folds": "A;X=" + strings.Repeat("x\r\n ", MaxLineHead) + ":v\r\n",
		"too many parameters":  "A" + strings.Repeat(";X=1", MaxParameters+1) + ":v\r\n",
		"line too long":        "A:" + strings.Repeat("x", MaxLine) + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := NewScanner([]byte(raw + "UID:next\r\n"))
			var lineErr *LineError
			if !s.Next() || !errors.As(s.Line.Err, &lineErr) {
				t.Fatalf("Err = %v", s.Line.Err)
			}
			if !s.Next() || s.Line.Err != nil || string(s.Line.Value()) != "next" {
				t.Errorf("the line behind it is lost: %q %v", s.Line.Name, s.Line.Err)
			}
		})
	}
}

func TestParam(t *testing.T) {
	s := NewScanner([]byte("A;x=1;TZID=\"W. Europe Standard Time\";TZID=2:v\r\n"))
	s.Next()
	if got, ok := s.Line.Param("TZID"); !ok || got != "W. Europe Standard Time" {
		t.Errorf("TZID = %q, %v", got, ok)
	}
	if got, ok := s.Line.Param("X"); !ok || got != "1" {
		t.Errorf("X = %q, %v", got, ok)
	}
	if got, ok := s.Line.Param("TZ"); ok {
		t.Errorf("TZ = %q", got)
	}
}

// checkLossless says where the lines of a text do not make up the text.
func checkLossless(raw []byte) string {
	at := 0
	if bytes.HasPrefix(raw, []byte("\xEF\xBB\xBF")) {
		at = 3
	}
	for s := NewScanner(raw); s.Next(); {
		l := &s.Line
		switch {
		case l.Start < at || l.End <= l.Start || l.End > len(raw):
			return "offsets do not ascend"
		case len(trimBlank(raw[at:l.Start])) > 0:
			return "octets between lines are lost"
		case l.End < len(raw) && raw[l.End-1] != '\n':
			return "a line ends inside"
		}
		if l.Err == nil && !bytes.HasPrefix(unfold(nil, raw[l.Start:l.End]), l.Name) {
			return "the name is not at the begin"
		}
		if l.Err == nil {
			whole := trimCR(bytes.TrimSuffix(unfold(nil, raw[l.Start:l.End]), []byte("\n")))
			if !bytes.HasSuffix(whole, l.Value()) {
				return "the value is not at the end"
			}
		}
		at = l.End
	}
	if len(trimBlank(raw[at:])) > 0 {
		return "octets at the end are lost"
	}
	return ""
}

// foldAnywhere folds a line after every n-th octet.
func foldAnywhere(line string, n int) string {
	var b strings.Builder
	for i := range len(line) {
		if i > 0 && i%n == 0 {
			b.WriteString("\r\n ")
		}
		b.WriteByte(line[i])
	}
	return b.String()
}

func TestFoldsChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.SampledFrom([]string{
			"SUMMARY:Büro räumen 🦊: a;b,c",
			`ATTENDEE;CN="Rook: Ada; x";MEMBER="mailto:a@b","mailto:c,d";X=^n:mailto:ada@example.test`,
			`A;B:`, `A;X="":"q":r`,
		}).Draw(t, "line")
		n := rapid.IntRange(1, 80).Draw(t, "fold")
		folded := foldAnywhere(line, n) + "\r\n"
		want, _ := readAll(line + "\r\n")
		got, bad := readAll(folded)
		if diff := cmp.Diff(want, got); diff != "" || bad > 0 {
			t.Fatalf("folded at %d (-want +got):\n%s", n, diff)
		}
		if what := checkLossless([]byte(folded)); what != "" {
			t.Fatal(what)
		}
	})
}

// TestScannerIsLinear counts work by size: a quadratic step shows as minutes.
func TestScannerIsLinear(t *testing.T) {
	const n = 1 << 20
	for name, raw := range map[string]string{
		"one parameter":   "A;X=" + strings.Repeat("x", n) + ":v",
		"many parameters": "A" + strings.Repeat(";X=1", n/4) + ":v",
		"folds":           "A:" + strings.Repeat("\r\n ", n/3),
		"folded head":     "A;X=" + strings.Repeat("\r\n x", n/4) + ":v",
		"CRs":             "A:" + strings.Repeat("\r", n),
		"CRs and blanks":  "A:" + strings.Repeat("\r \n", n/3),
		"DQUOTEs":         "A;X=" + strings.Repeat(`"`, n) + ":v",
		"lines":           strings.Repeat("A:\n", n/3),
		"BEGINs":          strings.Repeat("BEGIN:A\n", n/8),
		"colons":          strings.Repeat(":", n),
	} {
		t.Run(name, func(t *testing.T) {
			if what := checkLossless([]byte(raw)); what != "" {
				t.Error(what)
			}
			if _, err := ParseObject([]byte(raw)); err == nil {
				t.Error("taken for an object")
			}
			everything().Match(&Object{Raw: []byte(raw)})
		})
	}
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("BEGIN:VCALENDAR\r\nSUMMARY:a\r\n b\r\nEND:VCALENDAR\r\n"))
	f.Add([]byte("\xEF\xBB\xBFA;X=\"1:\r\n 2\";Y=3,\"4\":v\r\n \r\n\r\n x"))
	f.Add([]byte("A;X=^n^'^^^:\n\tv\r\r\n B:\r"))
	f.Add([]byte("A\r\n :\r\n \xC3\r\n \xBC"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if what := checkLossless(raw); what != "" {
			t.Fatal(what)
		}
		readAll(string(raw))
		WholeFolds(raw)
	})
}
