package translate

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// aPut is a version with every field.
func aPut() Record {
	return Record{
		UID: 40, Ours: true, Op: OpPut, Name: "a bü.ics", ICalUID: "uid@example.org",
		Folder: 7, Gen: 3, Base: 39, Asof: 12, Life: "00000000000000aa", Token: "00000000000000ac",
		Prev: []Predecessor{{39, "00000000000000ab"}, {0, "00000000000000aa"}, {5, ""}},
		Hash: Hash([]byte("BEGIN:VCALENDAR\r\n")), Length: 17,
		Span:      Span{Version: SpanVersion, Component: "VEVENT", Start: 1795597200, End: 1795600800, Recurs: true},
		MovedFrom: FormatMovedFrom("Calendar/Wörk", 6, "00000000000000aa"),
	}
}

// header is the header block of a version, as an index fetch gives it.
func header(r Record) string {
	m := string(Message(r, Envelope{From: "bob@example.org"}, nil))
	h, _, _ := strings.Cut(m, "\r\n\r\n")
	return h + "\r\n\r\n"
}

func TestFieldsRoundTrip(t *testing.T) {
	put := aPut()
	del := put
	del.Op, del.Hash, del.Length, del.Span, del.MovedFrom = OpDelete, "", 0, Span{}, ""
	props := put
	props.Op, props.Name, props.ICalUID, props.Span, props.MovedFrom = OpProps, "", "", Span{}, ""
	private := props
	private.Name, private.MailboxID = "~bob@b.org/Kalender/Größe", strings.Repeat("ü", MaxName/2)
	over := put
	over.Life, over.Gen, over.Prev = "7-39", 1, []Predecessor{{39, ""}}
	first := put
	first.Gen, first.Base, first.Prev, first.Life = 1, 0, nil, first.Token
	longest := put
	longest.Name, longest.ICalUID = strings.Repeat("\xff", MaxName), strings.Repeat("ü", MaxUID/2)
	for len(longest.Prev) < MaxPrev {
		longest.Prev = append(longest.Prev, Predecessor{1<<32 - 1, longest.Token})
	}
	for name, r := range map[string]Record{"put": put, "delete": del, "props": props, "private": private, "over": over, "first": first, "longest": longest} {
		t.Run(name, func(t *testing.T) {
			h := header(r)
			got, err := ParseFields(r.UID, []byte(h))
			if err != nil || !reflect.DeepEqual(got, r) {
				t.Fatalf("%v\n%+v\n%+v\n%s", err, got, r, h)
			}
			for _, line := range strings.Split(h, "\r\n") {
				if len(line) >= maxTextLine {
					t.Errorf("a line of %d octets", len(line))
				}
			}
			if i := strings.IndexFunc(h, func(r rune) bool { return r > 126 || r < ' ' && r != '\r' && r != '\n' }); i >= 0 {
				t.Errorf("no ASCII: %q", h[i:])
			}
		})
	}
}

// invalid are ways to make a good header block bad.
func invalid() map[string]func(string) string {
	set := func(name, value string) func(string) string {
		return func(h string) string {
			i := strings.Index(h, "X-Calgate-"+name+": ")
			j := i + strings.Index(h[i:], "\r\n")
			return h[:i] + "X-Calgate-" + name + ": " + value + h[j:]
		}
	}
	add := func(line string) func(string) string {
		return func(h string) string { return line + "\r\n" + h }
	}
	return map[string]func(string) string{
		"came by mail":        add("Received: from a by b"),
		"came by mail 2":      add("RETURN-PATH: <a@b>"),
		"came by mail 3":      add("delivered-to : bob"),
		"twice":               add("X-Calgate-Gen: 3"),
		"twice in other case": add("x-calgate-TOKEN: 00000000000000ac"),
		"folded": func(h string) string {
			return strings.Replace(h, "\r\nX-Calgate-Gen: 3\r\n", "\r\nX-Calgate-Gen:\r\n 3\r\n", 1)
		},
		"folded behind": func(h string) string {
			return strings.Replace(h, "\r\nX-Calgate-Gen: 3\r\n", "\r\nX-Calgate-Gen: 3\r\n 4\r\n", 1)
		},
		"no version":         set("Op", "put"),
		"version 0":          set("Op", "put; v=0"),
		"unknown op":         set("Op", "post; v=1"),
		"delete with body":   set("Op", "delete; v=1"),
		"props with name":    set("Op", "props; v=1"),
		"no name":            set("Name", ""),
		"dot":                set("Name", "."),
		"dots":               set("Name", ".."),
		"slash":              set("Name", "a%2Fb"),
		"control":            set("Name", "a%0Ab"),
		"bare percent":       set("Name", "a%2"),
		"lower hex":          set("Name", "a%c3"),
		"not encoded":        set("Name", "a b"),
		"long name":          set("Name", strings.Repeat("a", MaxName+1)),
		"long UID":           set("UID", strings.Repeat("a", MaxUID+1)),
		"gen 0":              set("Gen", "0"),
		"gen too high":       set("Gen", "2147483648"),
		"gen beyond":         set("Gen", "99999999999999999999"),
		"gen negative":       set("Gen", "-1"),
		"gen with zero":      set("Gen", "03"),
		"gen without base":   set("Base", "0"),
		"base beyond":        set("Base", "4294967296"),
		"no folder":          set("Folder", "0"),
		"token":              set("Token", "00000000000000AC"),
		"token short":        set("Token", "ac"),
		"life":               set("Life", "7"),
		"life over nothing":  set("Life", "7-0"),
		"prev":               set("Prev", ""),
		"prev without token": set("Prev", "1"),
		"prev two blanks":    set("Prev", "1.-  2.-"),
		"prev too many":      set("Prev", strings.TrimSpace(strings.Repeat("1.- ", MaxPrev+1))),
		"hash":               set("Hash", strings.Repeat("0", 63)),
		"length":             set("Length", "-5"),
		"length beyond":      set("Length", "9223372036854775808"),
		"span":               set("Span", "tomorrow"),
		"span 1":             set("Span", fmt.Sprint(SpanVersion)+";"),
		"moved from":         set("Moved-From", "Calendar;7"),
		"moved from nothing": set("Moved-From", ";7;00000000000000aa"),
	}
}

// TestInvalidFields: fields are valid only if each stands once and well-formed.
func TestInvalidFields(t *testing.T) {
	good := header(aPut())
	if r, _ := ParseFields(40, []byte(good)); !r.Ours {
		t.Fatal("the version to begin with is not valid")
	}
	cases := invalid()
	for _, name := range []string{"Op", "Name", "UID", "Folder", "Life", "Gen", "Base", "Asof", "Prev", "Token", "Hash", "Length", "Span"} {
		cases["without "+name] = func(h string) string { return strings.Replace(h, "X-Calgate-"+name+":", "X-Other:", 1) }
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			h := change(good)
			if h == good {
				t.Fatal("nothing changed")
			}
			r, err := ParseFields(40, []byte(h))
			if r.Ours || err != nil || r.UID != 40 {
				t.Fatalf("%+v, %v", r, err)
			}
		})
	}
}

func TestToleratedFields(t *testing.T) {
	good := header(aPut())
	for name, h := range map[string]string{
		"unknown field":      "X-Calgate-Mood: good\r\n" + good,
		"other folded field": "Subject: a\r\n b\r\n" + good,
		"bare LF":            strings.ReplaceAll(good, "\r\n", "\n"),
		"no empty line":      strings.TrimSuffix(good, "\r\n"),
		"names in capitals":  strings.ReplaceAll(good, "X-Calgate-", "X-CALGATE-"),
		"span of later":      strings.Replace(good, fmt.Sprintf("X-Calgate-Span: %d;", SpanVersion), fmt.Sprintf("X-Calgate-Span: %d;who;knows;", SpanVersion+1), 1),
		"receivedness":       "Received-SPF: pass\r\n" + good,
	} {
		if r, err := ParseFields(40, []byte(h)); !r.Ours || err != nil {
			t.Errorf("%s: %v\n%s", name, err, h)
		}
	}
}

// TestMailboxID: gateways of before do not know this field, so that nothing in it makes a version another one.
func TestMailboxID(t *testing.T) {
	for value, want := range map[string]string{
		"a-1": "a-1", "~bob%2F7": "~bob/7", "": "", "a b": "", "%zz": "", strings.Repeat("a", MaxName+1): "",
		"a\r\nx-calgate-mailboxid: a": "", "a\r\n b": "a",
	} {
		private := aPut()
		private.Op, private.Name, private.ICalUID, private.Span, private.MovedFrom = OpProps, "~bob/Work", "", Span{}, ""
		shared := private
		shared.Name = ""
		for _, r := range []Record{private, shared, aPut()} {
			if r.MailboxID = want; r.Op != OpProps {
				r.MailboxID = ""
			}
			plain := r
			plain.MailboxID = ""
			h := "X-Calgate-MailboxID: " + value + "\r\n" + header(plain)
			if got, err := ParseFields(40, []byte(h)); err != nil || !reflect.DeepEqual(got, r) {
				t.Errorf("%q: %v\n%+v\n%+v", value, err, got, r)
			}
		}
	}
}

func TestNewerVersion(t *testing.T) {
	good := header(aPut())
	newer := strings.Replace(good, "put; v=1", "merge; v=2", 1)
	r, err := ParseFields(40, []byte(newer))
	if !errors.Is(err, ErrNewerVersion) || r.Folder != 7 || r.Ours || r.UID != 40 {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := ParseFields(40, []byte("Received: by b\r\n"+newer)); err != nil {
		t.Fatal("a mail can stop the folder", err)
	}
}

func FuzzFields(f *testing.F) {
	put := header(aPut())
	f.Add([]byte(put))
	f.Add([]byte(strings.Replace(put, "v=1", "v=2", 1)))
	f.Add([]byte(strings.Replace(put, "put;", "delete;", 1)))
	f.Add([]byte(strings.NewReplacer("put;", "props;", "X-Calgate-Name: a%20b%C3%BC.ics", "X-Calgate-Name: ~b%2FW\r\nX-Calgate-MailboxID: a").Replace(put)))
	f.Add([]byte("X-Calgate-Op: props; v=1\nX-Calgate-Prev: 1.- 2.-\n\n"))
	f.Add([]byte("X-Calgate-:\r\nX-Calgate-Op\r\n \r\n:\r\n"))
	f.Fuzz(func(t *testing.T, h []byte) {
		r, err := ParseFields(9, h)
		if err != nil && (r.Ours || r.Folder == 0) {
			t.Fatalf("%+v with %v", r, err)
		}
		mailed, err := ParseFields(9, append([]byte("Received: from a by b\r\n"), h...))
		if mailed.Ours || err != nil {
			t.Fatalf("came by mail and is ours: %+v, %v", mailed, err)
		}
		if !r.Ours {
			return
		}
		if r.Span.Version != SpanVersion && r.Op == OpPut {
			return // by other rules: read as "maybe", not to be written again
		}
		again, err := ParseFields(9, []byte(header(r)))
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("%v\n%+v\n%+v", err, again, r)
		}
		Heads([]*Record{&r}, r.Folder).Garbage()
	})
}

func BenchmarkParseFields(b *testing.B) {
	h := bytes.Repeat([]byte(header(aPut())), 1)
	b.ReportAllocs()
	b.SetBytes(int64(len(h)))
	for b.Loop() {
		if r, _ := ParseFields(40, h); !r.Ours {
			b.Fatal("not ours")
		}
	}
}
