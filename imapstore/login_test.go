package imapstore_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"calgate/imapstore"
	"calgate/test/backends"
)

type fakeAnswers = map[string]func(*fakeConn, string, string) bool

func hangUp(*fakeConn, string, string) bool { return false }

// TestLoginAnswers: a program deletes its password after BadCredentials, so only a clear refusal may be one.
func TestLoginAnswers(t *testing.T) {
	for answer, want := range map[string]imapstore.Kind{
		"TAG NO [AUTHENTICATIONFAILED] no\r\n":       imapstore.BadCredentials,
		"TAG NO [authenticationfailed] no\r\n":       imapstore.BadCredentials,
		"TAG NO Login failed.\r\n":                   imapstore.BadCredentials,
		"TAG NO\r\n":                                 imapstore.BadCredentials,
		"TAG NO [UNAVAILABLE] later\r\n":             imapstore.Unavailable,
		"TAG NO [LIMIT] too many\r\n":                imapstore.Unavailable,
		"TAG NO Too many open connections (1)\r\n":   imapstore.Unavailable,
		"TAG NO [INUSE] x\r\n":                       imapstore.Unavailable,
		"TAG NO [SERVERBUG] x\r\n":                   imapstore.Unavailable,
		"TAG NO [PRIVACYREQUIRED] x\r\n":             imapstore.Unavailable,
		"TAG NO [X-NEW (a b)] x\r\n":                 imapstore.Unavailable,
		"TAG BAD what\r\n":                           imapstore.Unavailable,
		"* BYE [UNAVAILABLE] going down\r\n":         imapstore.Unavailable,
		"TAG NO [EXPIRED] x\r\n":                     imapstore.Denied,
		"TAG NO [AUTHORIZATIONFAILED] x\r\n":         imapstore.Denied,
		"\x00\x01 garbage\r\n":                       imapstore.Unavailable,
		"* 1 FETCH (((((((((((((((((((((((((\r\n":    imapstore.Unavailable,
		"* LIST () \"/\" {999999999999}\r\nabc\r\n":  imapstore.Unavailable,
		"* LIST () \"/\" {99999999999999999999}\r\n": imapstore.Unavailable,
	} {
		for _, caps := range []string{"", "AUTH=PLAIN", "AUTH=PLAIN SASL-IR LOGINDISABLED"} {
			reply := func(x *fakeConn, tag, _ string) bool {
				return x.say(strings.ReplaceAll(answer, "TAG", tag)) && strings.HasPrefix(answer, "TAG")
			}
			f := &fake{caps: caps, answers: fakeAnswers{"LOGIN": reply, "AUTHENTICATE": reply}}
			var log bytes.Buffer
			s := f.store(t, func(o *imapstore.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
			_, err := s.Login(t.Context(), "ann", "secret")
			wantKind(t, err, want)
			if strings.Contains(log.String()+err.Error(), "secret") {
				t.Errorf("%q: the password is in %q or %q", answer, log.String(), err)
			}
			if want != imapstore.BadCredentials && log.Len() == 0 {
				t.Errorf("%q: nothing was logged", answer)
			}
			_, err = s.Login(t.Context(), "ann", "secret")
			wantKind(t, err, want)
			f.mu.Lock()
			if again := f.conns == 2; again != (want != imapstore.BadCredentials) {
				t.Errorf("%q: %d connections for two logins", answer, f.conns)
			}
			f.mu.Unlock()
		}
	}
}

// TestRefusedIsForgotten after 30 s, and for other passwords it is not remembered at all.
func TestRefusedIsForgotten(t *testing.T) {
	now := time.Now()
	f := &fake{answers: fakeAnswers{"LOGIN": func(x *fakeConn, tag, command string) bool {
		if strings.Contains(command, "right") {
			return x.say(tag + " OK\r\n")
		}
		return x.say(tag + " NO wrong\r\n")
	}}}
	s := f.store(t, func(o *imapstore.Options) { o.Now = func() time.Time { return now } })
	try := func(password string, conns int) {
		t.Helper()
		if x, err := s.Login(t.Context(), "ann", password); err == nil {
			x.Release()
		} else {
			wantKind(t, err, imapstore.BadCredentials)
		}
		if f.conns != conns {
			t.Errorf("%d connections, want %d", f.conns, conns)
		}
	}
	try("wrong", 1)
	try("wrong", 1)
	try("right", 2)
	now = now.Add(31 * time.Second)
	try("wrong", 3)
	for _, bad := range []string{"a\r\nb", "a\x00", "\n"} {
		try(bad, 3)
		_, err := s.Login(t.Context(), bad, "x")
		wantKind(t, err, imapstore.BadCredentials)
	}
}

// TestGreetings are what may stand in the place of a friendly one.
func TestGreetings(t *testing.T) {
	for _, g := range []string{"* BYE busy", "* BYE [LIMIT] x", "* PREAUTH you are bob", "+ hm", "HTTP/1.1 400 Bad Request", "* 1 EXISTS"} {
		f := &fake{greeting: g, answers: fakeAnswers{"LOGIN": hangUp, "CAPABILITY": hangUp}}
		_, err := f.store(t).Login(t.Context(), "ann", "secret")
		wantKind(t, err, imapstore.Unavailable)
		if got := f.commands(); len(got) > 0 && got[0] != "CAPABILITY" {
			t.Errorf("after %q: %q", g, got)
		}
	}
	f := &fake{caps: "LOGINDISABLED"}
	_, err := f.store(t).Login(t.Context(), "ann", "secret")
	wantKind(t, err, imapstore.Unavailable)
	if strings.Contains(strings.Join(f.commands(), " "), "secret") {
		t.Error("password sent under LOGINDISABLED")
	}
}

// TestCredentials go as a quoted string, a literal or base64, never as anything else.
func TestCredentials(t *testing.T) {
	for _, caps := range []string{"", "LITERAL+", "LITERAL-", "AUTH=PLAIN", "AUTH=PLAIN SASL-IR"} {
		for _, user := range []string{"ann", `a"\ n) {3}`, "änn@example.com", "日本\xff", strings.Repeat("n", 5000)} {
			var got string
			f := &fake{caps: caps, answers: fakeAnswers{"LOGIN": func(x *fakeConn, tag, command string) bool {
				got = command
				return x.say(tag + " OK [CAPABILITY IMAP4rev1 IMAP4rev2 UIDPLUS] in\r\n")
			}}}
			s, err := f.store(t).Login(t.Context(), user, `p"w\`)
			if err != nil {
				t.Fatalf("%q: %v", user, err)
			}
			s.Release()
			if !strings.Contains(caps, "AUTH") && !s.Caps().UIDPlus {
				t.Errorf("capabilities in the answer to LOGIN are not taken: %v", s.Caps().All)
			}
			if n := strings.Count(strings.Join(f.commands(), "\n"), "\n"); n > 5 || (caps == "" && got == "") {
				t.Errorf("%q: commands %q", user, f.commands())
			}
		}
	}
}

// TestTLS logs in over implicit TLS and STARTTLS, and not with a certificate that nobody vouches for.
func TestTLS(t *testing.T) {
	b := backends.Dovecot(t, backends.Options{TLS: true})
	trusted := trust(t, b.CertFile)
	for url, want := range map[string]bool{"imaps://" + b.TLSAddr: true, "imap+starttls://" + b.Addr: true} {
		for _, c := range []*tls.Config{trusted, nil} {
			o, err := imapstore.ParseURL(url)
			if err != nil {
				t.Fatal(err)
			}
			o.TLS = c
			s := imapstore.New(o)
			x, err := s.Login(t.Context(), "alice", backends.Password("alice"))
			if (err == nil) != (want && c != nil) {
				t.Errorf("%s, trusted %v: %v", url, c != nil, err)
			}
			if err == nil {
				if _, err := x.List(t.Context(), true); err != nil {
					t.Error(err)
				}
				x.Release()
			} else {
				wantKind(t, err, imapstore.Unavailable)
			}
			s.Close()
		}
	}
}

// TestSTARTTLSInjection: nothing said in the clear counts after STARTTLS, and the password never leaves in the clear.
func TestSTARTTLSInjection(t *testing.T) {
	for _, f := range []*fake{
		{caps: ""},
		{caps: "STARTTLS", answers: fakeAnswers{"STARTTLS": say("TAG NO not now\r\n")}},
		{caps: "STARTTLS", answers: fakeAnswers{"STARTTLS": func(x *fakeConn, tag, _ string) bool {
			_, err := x.Write([]byte(tag + " OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n"))
			return err == nil
		}}},
		{greeting: "* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] hi"},
	} {
		s := f.store(t, func(o *imapstore.Options) { o.Security, o.Host = imapstore.STARTTLS, "localhost" })
		_, err := s.Login(t.Context(), "ann", "secret")
		wantKind(t, err, imapstore.Unavailable)
		for _, c := range f.commands() {
			if c != "CAPABILITY" && c != "STARTTLS" {
				t.Errorf("%q was said in the clear", c)
			}
		}
	}
}

func TestParseURL(t *testing.T) {
	for url, want := range map[string]string{
		"imaps://mail.example.com": "mail.example.com 993 0", "imap+starttls://h": "h 143 1", "imap://localhost": "localhost 143 2",
		"imap://127.0.0.1:1143": "127.0.0.1 1143 2", "imap://[::1]": "::1 143 2", "imap+insecure://h:1": "h 1 3", "IMAPS://h/": "h 993 0",
		"imap://mail.example.com": "", "imap://127.0.0.1.example.com": "", "imaps://": "", "http://h": "", "h:143": "", "imaps://u:geheim@h": "",
		"imaps://h/INBOX": "", "imaps://h?x": "", "imaps://h:": "", "": "", "imaps://h:x": "", "imaps://u:geheim%zz@h": "",
	} {
		o, err := imapstore.ParseURL(url)
		got := ""
		if err == nil {
			got = strings.Join([]string{o.Host, o.Port, string(rune('0' + o.Security))}, " ")
		} else if strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q: %v", url, err)
		}
		if got != want {
			t.Errorf("%q: %q, want %q (%v)", url, got, want, err)
		}
	}
}

// TestLoopbackOnly: a name that resolves to the loopback on one machine may not on another.
func TestLoopbackOnly(t *testing.T) {
	s := imapstore.New(imapstore.Options{Host: "192.0.2.1", Port: "143", Security: imapstore.Loopback, DialTimeout: 50 * time.Millisecond})
	defer s.Close()
	_, err := s.Login(t.Context(), "ann", "secret")
	wantKind(t, err, imapstore.Unavailable)
}

// TestSilentServer never answers: the time without an octet, or the context, ends the exchange.
func TestSilentServer(t *testing.T) {
	silent := func(x *fakeConn, _, _ string) bool { io.Copy(io.Discard, x.br); return false }
	f := &fake{answers: fakeAnswers{"SELECT": silent}}
	store := f.store(t, func(o *imapstore.Options) { o.CommandTimeout = 50 * time.Millisecond })
	s := fakeLogin(t, store)
	_, err := s.Look(t.Context(), "Box")
	wantKind(t, err, imapstore.Unavailable)
	if s.Usable() {
		t.Error("usable after a time-out")
	}
	patient := f.store(t)
	s = fakeLogin(t, patient)
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("client is gone")
	time.AfterFunc(20*time.Millisecond, func() { cancel(gone) })
	_, err = s.Look(ctx, "Box")
	if wantKind(t, err, imapstore.Unavailable); !errors.Is(err, gone) {
		t.Errorf("cause is lost: %v", err)
	}
	// a login, too
	mute := imapstore.New(imapstore.Options{Security: imapstore.Cleartext, LoginTimeout: 30 * time.Millisecond, Dial: func(context.Context) (net.Conn, error) {
		c, other := net.Pipe()
		t.Cleanup(func() { other.Close() })
		return c, nil
	}})
	defer mute.Close()
	_, err = mute.Login(t.Context(), "ann", "secret")
	wantKind(t, err, imapstore.Unavailable)
}
