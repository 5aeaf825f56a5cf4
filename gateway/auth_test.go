package gateway

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"calgate/test/faulty"
)

func TestAccountOf(t *testing.T) {
	for _, c := range []struct{ user, domain, want string }{
		{"bob", "", "bob"},
		{"bob", "a.org", "bob@a.org"},
		{"bob@b.org", "a.org", "bob@b.org"},
		{"bob%b.org", "a.org", "bob@b.org"},
		{"bob%b.org", "", "bob@b.org"},
		{"a%b%c.org", "", "a%b@c.org"},
		{"%b.org", "", "%b.org"},
		{"bob%", "", "bob%"},
		{"bob%x@b.org", "", "bob%x@b.org"},
	} {
		if got := accountOf(c.user, c.domain); got != c.want {
			t.Errorf("%q with domain %q: %q, want %q", c.user, c.domain, got, c.want)
		}
	}
}

func TestSelf(t *testing.T) {
	for _, c := range []struct {
		account, owner string
		want           bool
	}{
		{"bob@a.org", "me", true},
		{"bob@a.org", "bob@a.org", true},
		{"Bob@A.org", "bOB@a.ORG", true},
		{"bob@a.org", "bob", true},
		{"bob@a.org", "BOB", true},
		{"bob@a.org", "bob@b.org", false},
		{"bob@a.org", "bo", false},
		{"bob@a.org", "alice", false},
		{"bob@a.org", "", false},
		{"bob", "bob", true},
		{"bob", "Bob", true},
		{"bob", "bob@a.org", false}, // no domain is known: never guessed
		{"bob", "me", true},
	} {
		if got := (login{account: c.account}).self(c.owner); got != c.want {
			t.Errorf("~%s is %s: %v", c.owner, c.account, got)
		}
	}
}

func TestHostname(t *testing.T) {
	for host, want := range map[string]string{
		"Cal.Example.org": "cal.example.org", "cal.example.org:8100": "cal.example.org", "cal.example.org.": "cal.example.org",
		"[::1]:8100": "::1", "[::1]": "::1", "": "",
	} {
		if got := hostname(host); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
}

func TestCredentials(t *testing.T) {
	domain := func(host string) string { return map[string]string{"mail.company.com": "company.com"}[host] }
	basic := func(user, password string) string {
		r, _ := http.NewRequest("GET", "/", nil)
		r.SetBasicAuth(user, password)
		return r.Header.Get("Authorization")
	}
	for _, c := range []struct {
		header  []string
		account string // "": 401
	}{
		{[]string{basic("bob", "secret")}, "bob@company.com"},
		{[]string{basic("bob@b.org", "se:cret")}, "bob@b.org"},
		{[]string{basic("bøb", "pässwörd")}, "bøb@company.com"},
		{nil, ""},
		{[]string{"Bearer x"}, ""},
		{[]string{"Basic ***"}, ""},
		{[]string{basic("bob", "")}, ""},
		{[]string{basic("", "secret")}, ""},
		{[]string{basic("bob\r\nX", "secret")}, ""},
		{[]string{basic("bob", "sec\nret")}, ""},
		{[]string{basic("bob\x00", "secret")}, ""},
		{[]string{basic("b\xffb", "secret")}, ""},
		{[]string{basic("bob", "secret"), basic("alice", "secret")}, ""},
	} {
		q := &request{h: &handler{Options{Domain: domain}}, r: &http.Request{Host: "Mail.Company.com:8100", Header: http.Header{"Authorization": c.header}}}
		got, err := q.credentials()
		var h *HTTPError
		if c.account == "" && (!errors.As(err, &h) || h.Code != 401) || c.account != "" && (err != nil || got.account != c.account) {
			t.Errorf("%q: %q, %v", c.header, got.account, err)
		}
	}
}

// TestLoginAnswers: what a mail server says to a login, and what the program is told. A wrong 401 deletes stored passwords.
// The access line counts what was sent, also when nobody came in.
func TestLoginAnswers(t *testing.T) {
	for refusal, status := range map[string]int{
		"NO [AUTHENTICATIONFAILED] no":         401,
		"NO no":                                401,
		"NO [UNAVAILABLE] later":               503,
		"NO [LIMIT] too many":                  503,
		"NO [INUSE] x":                         503,
		"NO [SERVERBUG] x":                     503,
		"NO [PRIVACYREQUIRED] x":               503,
		"NO [X-SOMETHING] x":                   503,
		"BAD what":                             503,
		"NO [EXPIRED] x":                       403,
		"NO [AUTHORIZATIONFAILED] not for you": 403,
		"":                                     503, // a silent close
	} {
		r := newRig(t)
		wire := faulty.New(t, r.mail.Addr)
		r.wire = wire.Addr
		wire.Set(faulty.Fault{Command: "^(LOGIN|AUTHENTICATE) ", Refuse: refusal})
		a := r.want(status, "PROPFIND", "/CalDAV/", "", "Depth: 0")
		if got := a.Header.Get("Retry-After") != ""; got != (status == 503) {
			t.Errorf("%q: Retry-After %q", refusal, a.Header.Get("Retry-After"))
		}
		if got := a.Header.Get("WWW-Authenticate") != ""; got != (status == 401) {
			t.Errorf("%q: WWW-Authenticate %q", refusal, a.Header.Get("WWW-Authenticate"))
		}
		wire.Await(t)
		r.server.Close()
		line := ""
		for l := range strings.Lines(r.log.String()) {
			if strings.Contains(l, "msg=request") {
				line = l
			}
		}
		if strings.Contains(line, "imap_cmds=0") || strings.Contains(line, "imap_dur=0s") || !strings.Contains(line, "err=") {
			t.Errorf("%q: the access line %s", refusal, line)
		}
	}
}

// TestRefusedAgain: a login that was refused a moment ago costs no IMAP, and the access line says so.
func TestRefusedAgain(t *testing.T) {
	r := newRig(t)
	r.password = "wrong"
	for range 2 {
		r.want(401, "PROPFIND", "/CalDAV/", "", "Depth: 0")
	}
	r.server.Close() // every handler has returned
	_, first, _ := strings.Cut(r.log.String(), "msg=request")
	first, second, _ := strings.Cut(first, "msg=request")
	if !strings.Contains(first, "imap_cmds=1 ") || !strings.Contains(second, "imap_cmds=0 imap_dur=0s") {
		t.Errorf("access lines %s and %s", first, second)
	}
}
