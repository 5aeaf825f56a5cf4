package imapstore

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// FuzzWire reads what a server may say, whole and octet by octet: the same responses, no panic, and memory within what came.
func FuzzWire(f *testing.F) {
	for _, s := range []string{
		"* OK [CAPABILITY IMAP4rev1] hi\r\n", "* 1 FETCH (UID 3 BODY[] {3}\r\nabc FLAGS (\\Seen))\r\n", "W1 OK [APPENDUID 1 2:4,9] x\r\n",
		"* LIST (\\A) \"/\" {4}\r\na&-b\r\n", "* STATUS \"a\\\"b\" (MESSAGES 1 X (2 (3)) UIDNEXT 4)\r\n", "* SEARCH 1 2 3\r\n",
		"* ESEARCH (TAG \"W1\") UID COUNT 3 ALL 1:3,5\r\n", "+ go\r\n", "* 2 FETCH (BODY[HEADER.FIELDS (A)]<0> NIL INTERNALDATE \" 2-Jan-2026 03:04:05 +0100\")\r\n",
		"* BYE {5}\r\n", "* X {99999999999}\r\nabc", "* 1 FETCH ((((((", "T1 NO [X {\r\n", "* MYRIGHTS a lrs\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		whole, err1 := read(bytes.NewReader(data))
		split, err2 := read(iotest.OneByteReader(bytes.NewReader(data)))
		if whole != split || fmt.Sprint(err1) != fmt.Sprint(err2) {
			t.Fatalf("whole %q %v, split %q %v", whole, err1, split, err2)
		}
	})
}

// read reads all responses with every parser that could be asked to.
func read(r io.Reader) (string, error) {
	br := bufio.NewReaderSize(r, 64)
	w := &wire{log: slog.New(slog.DiscardHandler)}
	var b strings.Builder
	var buf []byte
	for {
		x, grown, err := readResponse(br, buf, 1<<10)
		if buf = grown; err != nil {
			return b.String(), err
		}
		w.inflight++
		fmt.Fprintf(&b, "%s %d %s %v|", x.tag, x.num, x.kind, x.reply)
		b.Write(w.filter(&x, nil))
		var fetched row
		fmt.Fprint(&b, fetched.parse(x.scan()), fetched.uid, len(fetched.body))
		var uids []uint32
		err = searched(&x, &uids)
		if len(uids) > maxUIDs {
			return b.String(), errors.New("too many UIDs")
		}
		fmt.Fprint(&b, len(uids), err, parseAppendUID(x.reply).validity)
		c := conn{w: w}
		b.WriteString(c.parseRights(x.scan()))
	}
}

// TestUTF7 has the examples of RFC 3501 section 5.1.3 and names that must not be taken.
func TestUTF7(t *testing.T) {
	for s, want := range map[string]string{
		"~peter/mail/台北/日本語": "~peter/mail/&U,BTFw-/&ZeVnLIqe-", "a&b": "a&-b", "Büro": "B&APw-ro", "😀": "&2D3eAA-", "": "",
		"ü&ü": "&APw-&-&APw-",
	} {
		if got := encodeUTF7(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
		if got, err := DecodeUTF7(want); got != s || err != nil {
			t.Errorf("%q: %q %v", want, got, err)
		}
	}
	for _, bad := range []string{"&", "&APw", "&!-", "&APx-", "&AGE-", "ü", "&2D0-", "&APw-&APw-", "a\tb", "&AA-"} {
		if got, err := DecodeUTF7(bad); err == nil {
			t.Errorf("%q is taken as %q", bad, got)
		}
	}
}

func TestRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "name")
		if !strings.ContainsRune(s, utf8.RuneError) {
			if got, err := DecodeUTF7(encodeUTF7(s)); got != s || err != nil {
				t.Fatalf("UTF-7 of %q: %q %v", s, got, err)
			}
		}
		level := string(rapid.SliceOf(rapid.Byte()).Draw(t, "level"))
		e := EncodeLevel(level)
		if strings.ContainsAny(e, "/.%*\"\\<>^\x00\n") || strings.HasPrefix(e, "~") || !utf8.ValidString(e) {
			t.Fatalf("%q becomes %q", level, e)
		}
		if got := DecodeLevel(e); got != level {
			t.Fatalf("level %q: %q, back %q", level, e, got)
		}
		uids := ascending(rapid.SliceOf(rapid.Uint32Range(1, 5000)).Draw(t, "uids"))
		var back []uint32
		for _, set := range sets(uids) {
			var err error
			if back, err = parseSet(back, set); err != nil || len(set) > maxSet+30 {
				t.Fatalf("%q: %v", set, err)
			}
		}
		if !slices.Equal(uids, back) {
			t.Fatalf("%v becomes %v", uids, back)
		}
	})
	for _, literal := range []string{"=", "a=3", "=41", "=2f", "a=GG", "x=2E=", "plain"} {
		if got := DecodeLevel(literal); got != literal {
			t.Errorf("%q is no encoding, and yet %q", literal, got)
		}
	}
}

// TestNames maps names to those of servers with every kind of prefix and delimiter.
func TestNames(t *testing.T) {
	for _, c := range []struct {
		ns          Namespaces
		shown, real string
	}{
		{Namespaces{Personal: []Namespace{{"", '/'}}}, "Calendar/Work", "Calendar/Work"},
		{Namespaces{Personal: []Namespace{{"INBOX.", '.'}}}, "Calendar/Work", "INBOX.Calendar.Work"},
		{Namespaces{Personal: []Namespace{{"INBOX.", '.'}}}, "INBOX", "INBOX"},
		{Namespaces{Personal: []Namespace{{"INBOX.", '.'}}}, "a=2Fb", "INBOX.a/b"},
		{Namespaces{Personal: []Namespace{{"", 0}}}, "Calendar", "Calendar"},
		{Namespaces{Personal: []Namespace{{"", '/'}}, Other: []Namespace{{"shared/", '/'}}}, "", "shared/bob/Calendar"},
		{Namespaces{Personal: []Namespace{{"", '/'}}, Shared: []Namespace{{"Public/", '/'}}}, "", "Public"},
		{Namespaces{Personal: []Namespace{{"INBOX.", '.'}}}, "", "#shared.bob.Calendar"},
		{Namespaces{Personal: []Namespace{{"INBOX.", '.'}}}, "", "INBOX.INBOX"},
	} {
		conn := &conn{ns: c.ns}
		name, ok := conn.shown(c.real)
		if ok != (c.shown != "") || (ok && name != c.shown) {
			t.Errorf("%q is shown as %q %v, want %q", c.real, name, ok, c.shown)
		}
		if !ok {
			continue
		}
		conn.remember(name, c.real)
		if back, err := conn.server(name); back != c.real || err != nil {
			t.Errorf("%q leads to %q %v, want %q", name, back, err, c.real)
		}
	}
	dotted := &conn{ns: Namespaces{Personal: []Namespace{{"INBOX.", '.'}}}}
	if real, err := dotted.server("a.b"); err == nil {
		t.Errorf("a.b would be two levels: %q", real)
	}
}

// TestHugeLiteral costs its row and not the session.
func TestHugeLiteral(t *testing.T) {
	in := "* 1 FETCH (UID 1 BODY[] {2000}\r\n" + strings.Repeat("x", 2000) + " FLAGS ())\r\nW1 OK x\r\n"
	br := bufio.NewReader(strings.NewReader(in))
	r, buf, err := readResponse(br, nil, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var w row
	if !w.parse(r.scan()) || w.hasBody || w.uid != 1 || !w.hasFlags {
		t.Errorf("row %+v of %q", w, buf)
	}
	if r, _, err := readResponse(br, buf, 1000); err != nil || r.tag != "W1" {
		t.Errorf("after it: %+v %v", r, err)
	}
}

func TestInternalDate(t *testing.T) {
	for s, want := range map[string]string{
		" 2-Jan-2026 03:04:05 +0100": "2026-01-02 02:04:05", "12-dec-1999 23:59:60 -0930": "1999-12-13 09:30:00",
		"2-Jan-2026 03:04:05 +0000": "2026-01-02 03:04:05", "": "", "02-Foo-2026 03:04:05 +0100": "", "02-Jan-2026 03:04:05 0100 ": "",
		"xx-Jan-2026 03:04:05 +0100": "", "02/Jan/2026 03:04:05 +0100": "",
	} {
		got := ""
		if d := internalDate([]byte(s)); !d.IsZero() {
			got = d.Format(time.DateTime)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

// BenchmarkRead is the reader alone: rows that are in memory already.
func BenchmarkRead(b *testing.B) {
	var in bytes.Buffer
	for i := range 10000 {
		fmt.Fprintf(&in, "* %d FETCH (UID %d FLAGS (\\Seen) INTERNALDATE \" 2-Jan-2026 03:04:05 +0100\" RFC822.SIZE 1234 BODY[HEADER.FIELDS (A B)] {40}\r\nA: 3456789 123456789 123456789 1234567\r\n)\r\n", i+1, i+1)
	}
	b.ReportAllocs()
	b.SetBytes(int64(in.Len()))
	var buf []byte
	for b.Loop() {
		br := bufio.NewReaderSize(bytes.NewReader(in.Bytes()), 64<<10)
		for range 10000 {
			r, grown, err := readResponse(br, buf, maxMessage)
			buf = grown
			var w row
			if err != nil || !w.parse(r.scan()) || !w.hasBody {
				b.Fatal(err)
			}
		}
	}
}
