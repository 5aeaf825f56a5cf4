package translate

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func crlfs(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
}

// calendarText is an event; lines come after its BEGIN.
func calendarText(lines string) string {
	return crlfs("BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\n" + lines + "DTSTART:20261125T090000Z\nEND:VEVENT\nEND:VCALENDAR\n")
}

var foreignMessages = map[string]struct {
	message string
	uid     string // "" = of the content, "-" = mail, "!" = unreadable
	has     string // in the text that is shown
	name    string
	mixed   bool
}{
	"plain mail":        {"Content-Type: text/plain\n\nBEGIN:VCALENDAR\n", "-", "", "", false},
	"no header":         {"hello", "-", "", "", false},
	"stored by Cyrus":   {"Subject: x\nContent-Type: text/calendar; charset=utf-8; component=VEVENT\nContent-Disposition: attachment; filename=\"a b.ics\"\n\n" + calendarText("UID:u1\n"), "u1", "BEGIN:VEVENT", "a b.ics", false},
	"no UID, no stamp":  {"Content-Type: text/calendar\n\n" + calendarText(""), "", "UID:calgate-", "", false},
	"quoted-printable":  {"Content-Type: text/calendar\nContent-Transfer-Encoding: quoted-printable\n\n" + strings.ReplaceAll(calendarText("UID:u1\nSUMMARY:B=C3=BCro\n"), "VERSION:2.0", "VERSION:=\r\n2.0"), "u1", "SUMMARY:Büro", "", false},
	"Latin-1 declared":  {"Content-Type: text/calendar; charset=ISO-8859-1\n\n" + calendarText("UID:u1\nSUMMARY:B\xfcro\n"), "u1", "SUMMARY:Büro", "", false},
	"Latin-1 at heart":  {"Content-Type: text/calendar; charset=utf-8\n\n" + calendarText("UID:u1\nSUMMARY:B\xfcro \x80\n"), "u1", "SUMMARY:Büro €", "", false},
	"unknown charset":   {"Content-Type: text/calendar; charset=x-klingon\n\n" + calendarText("UID:u1\nSUMMARY:Büro\n"), "u1", "SUMMARY:Büro", "", false},
	"control octets":    {"Content-Type: text/calendar\n\n" + calendarText("UID:u1\nSUMMARY:a\x01b\x7fc\ufffed\n"), "u1", "SUMMARY:abcd", "", false},
	"METHOD":            {"Content-Type: text/calendar; method=REQUEST\n\n" + strings.Replace(calendarText("UID:u1\n"), "VERSION:2.0\r\n", "VERSION:2.0\r\nMETHOD:REQUEST\r\n", 1), "u1", "VERSION:2.0\r\nBEGIN:VEVENT", "", false},
	"base64":            {"Content-Type: text/calendar\nContent-Transfer-Encoding: BASE64\n\nQkVHSU46VkNBTEVOREFSDQpWRVJTSU9OOjIuMA0KQkVHSU46VkVWRU5UDQpVSUQ6dTENCkRUU1RB\nUlQ6MjAyNjExMjVUMDkwMDAwWg0KRU5EOlZFVkVOVA0KRU5EOlZDQUxFTkRBUg0K\n", "u1", "UID:u1", "", false},
	"two events":        {"Content-Type: text/calendar\n\n" + strings.Replace(calendarText("UID:u1\n"), "END:VCALENDAR", "BEGIN:VEVENT\r\nUID:u2\r\nEND:VEVENT\r\nEND:VCALENDAR", 1), "!", "", "", false},
	"broken":            {"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\n", "!", "", "", false},
	"only a VTIMEZONE":  {"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:x\nEND:VTIMEZONE\nEND:VCALENDAR\n", "!", "", "", false},
	"not what it says":  {"Content-Type: text/calendar\n\nhello\n", "-", "", "", false},
	"invitation":        {multi("alternative", "text/plain\n\nSee you", "text/html\n\n<p>", "text/calendar; method=REQUEST; charset=\"UTF-8\"\n\n"+calendarText("UID:u1\n"), "application/ics; name=invite.ics\n\n"+calendarText("UID:other\n")), "u1", "UID:u1", "", true},
	"attachment":        {multi("mixed", "text/plain\n\nhello", "application/octet-stream; name=Termin.ICS\n\n"+calendarText("UID:u1\n")), "u1", "UID:u1", "Termin.ICS", true},
	"application/ics":   {"Content-Type: application/ics\n\n" + calendarText("UID:u1\n"), "u1", "UID:u1", "", false},
	"nested":            {multi("mixed", strings.Replace(multi("alternative", "text/plain\n\nx", "text/calendar\n\n"+calendarText("UID:u1\n")), "Content-Type: ", "", 1)), "u1", "UID:u1", "", true},
	"mail with a photo": {multi("mixed", "text/plain\n\nhello", "image/png\n\nx"), "-", "", "", false},
	"name without text": {"Content-Type: text/calendar; name=\"../../x.ics\"\n\n" + calendarText("UID:u1\n"), "u1", "UID:u1", "../../x.ics", false},
}

var boundaries int

func multi(kind string, parts ...string) string {
	boundaries++
	b := fmt.Sprintf("b%d", boundaries)
	s := "Content-Type: multipart/" + kind + "; boundary=" + b + "\n\npreamble\n"
	for _, p := range parts {
		s += "--" + b + "\nContent-Type: " + p + "\n"
	}
	return s + "--" + b + "--\n"
}

func TestReadForeign(t *testing.T) {
	for name, tt := range foreignMessages {
		t.Run(name, func(t *testing.T) {
			f, err := ReadForeign([]byte("From: x@example.com\r\n" + crlfs(tt.message)))
			switch tt.uid {
			case "-":
				if !errors.Is(err, ErrMail) {
					t.Errorf("%v %v", f, err)
				}
				return
			case "!":
				if e := new(ObjectError); !errors.As(err, &e) {
					t.Errorf("%v %v", f, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if tt.uid != "" && f.Object.UID != tt.uid || !strings.Contains(string(f.Object.Raw), tt.has) || f.Name != tt.name || f.Mixed != tt.mixed {
				t.Errorf("UID %q, name %q, mixed %v\n%s", f.Object.UID, f.Name, f.Mixed, f.Object.Raw)
			}
		})
	}
}

// An object without a UID has the same one everywhere, and each content its own.
func TestContentUID(t *testing.T) {
	read := func(folder, lines string) string {
		f, err := ReadForeign([]byte("X-Folder: " + folder + "\r\nContent-Type: text/calendar\r\n\r\n" + calendarText(lines)))
		if err != nil {
			t.Fatal(err)
		}
		return f.Object.UID
	}
	if a, b, c := read("1", "SUMMARY:a\n"), read("2", "SUMMARY:a\n"), read("1", "SUMMARY:c\n"); a != b || a == c {
		t.Error(a, b, c)
	}
}

func TestRecordOpen(t *testing.T) {
	for name, tt := range foreignMessages {
		header, _, _ := strings.Cut(crlfs(tt.message), "\r\n\r\n")
		r, err := ParseFields(7, []byte(header+"\r\n\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		message := []byte("From: x@example.com\r\n" + crlfs(tt.message))
		if found := tt.uid != "-" && tt.uid != "!"; found != r.Unopened && found {
			t.Errorf("%s: never opened", name)
		} else if _ = r.Open(message); r.Foreign != found {
			t.Errorf("%s: foreign %v", name, r.Foreign)
		} else if found {
			shown, err := r.Shown(message)
			if err != nil || Hash(shown) != r.Hash || int64(len(shown)) != r.Length {
				t.Errorf("%s: %v", name, err)
			}
			if strings.Contains(r.Name, "/") {
				t.Errorf("%s: name %q", name, r.Name)
			}
		}
	}
}

func FuzzForeign(f *testing.F) {
	for _, tt := range foreignMessages {
		f.Add([]byte("From: x@example.com\r\n" + crlfs(tt.message)))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		got, err := ReadForeign(message)
		if err != nil {
			return
		}
		o := got.Object
		if !utf8.Valid(o.Raw) {
			t.Error("not UTF-8")
		}
		again, err := ParseObject(o.Raw)
		if err != nil || again.UID != o.UID || o.UID == "" {
			t.Errorf("what is shown cannot be stored: %v", err)
		}
	})
}
