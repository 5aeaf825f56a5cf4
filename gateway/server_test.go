package gateway

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
	"calgate/imapstore"
	"calgate/test/backends"
)

func TestMain(m *testing.M) { os.Exit(backends.Main(m)) }

// rig is a gateway on the embedded mail store, with one user of its own.
type rig struct {
	t              testing.TB
	server         *httptest.Server
	mail           *backends.Server
	user, password string
	wire           string       // host:port in the mail server's place, "" = none
	dials          atomic.Int32 // connections to the mail server
	log            logBuffer
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newRig(t testing.TB, change ...func(*Options, *calendar.Options)) *rig {
	t.Helper()
	r := &rig{t: t, mail: backends.Memory(t)}
	r.user, r.password = r.mail.User()
	logger := slog.New(slog.NewTextHandler(&r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	io, err := imapstore.ParseURL(r.mail.URL())
	if err != nil {
		t.Fatal(err)
	}
	io.Logger = logger
	io.Dial = func(ctx context.Context) (net.Conn, error) {
		r.dials.Add(1)
		return new(net.Dialer).DialContext(ctx, "tcp", cmp.Or(r.wire, r.mail.Addr))
	}
	store := imapstore.New(io)
	o, co := Options{Logger: logger}, calendar.Options{Autocreate: true, Logger: logger}
	for _, f := range change {
		f(&o, &co)
	}
	o.Calendar = calendar.New(store, co)
	r.server = httptest.NewUnstartedServer(nil)
	s := NewServer(New(o), ServerOptions{Logger: logger})
	r.server.Config, r.server.Listener = s.http, listener{r.server.Listener, s}
	r.server.Start()
	t.Cleanup(func() {
		r.server.Close()
		store.Close()
	})
	return r
}

// answered is a whole response.
type answered struct {
	*http.Response
	body string
}

// do sends a request as the rig's user. Headers are "Name: value"; an empty
// "Authorization:" takes the credentials away.
func (r *rig) do(method, url, body string, headers ...string) answered {
	r.t.Helper()
	req, err := http.NewRequest(method, r.server.URL+url, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.SetBasicAuth(r.user, r.password)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		if value = strings.TrimSpace(value); value == "" {
			req.Header.Del(name)
		} else {
			req.Header.Add(name, value)
		}
	}
	client := r.server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		r.t.Fatalf("%s %s: %v", method, url, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatalf("%s %s: %v", method, url, err)
	}
	a := answered{res, string(b)}
	if a.StatusCode >= 400 && method != "HEAD" {
		a.mustExplain(r.t, method+" "+url)
	}
	return a
}

// want is do, and checks the status.
func (r *rig) want(status int, method, url, body string, headers ...string) answered {
	r.t.Helper()
	a := r.do(method, url, body, headers...)
	if a.StatusCode != status {
		r.t.Errorf("%s %s %q: %d %s, want %d", method, url, headers, a.StatusCode, a.body, status)
	}
	return a
}

// mustExplain checks that an error has a body that is XML, and never an empty DAV:error.
func (a answered) mustExplain(t testing.TB, what string) {
	t.Helper()
	var root struct {
		XMLName xml.Name
		Inner   string `xml:",innerxml"`
	}
	if err := xml.Unmarshal([]byte(a.body), &root); err != nil {
		t.Errorf("%s: error body %q: %v", what, a.body, err)
	}
	if strings.TrimSpace(root.Inner) == "" {
		t.Errorf("%s: the error body %q says nothing", what, a.body)
	}
	if root.XMLName == dav("error") && strings.Contains(root.Inner, davxml.ErrorSpace) {
		t.Errorf("%s: DAV:error holds more than conditions: %s", what, a.body)
	}
	if got := a.Header.Get("Content-Type"); got != "application/xml; charset=utf-8" {
		t.Errorf("%s: error body is %q", what, got)
	}
}

func event(uid, summary string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//calgate//test//EN\r\nBEGIN:VEVENT\r\nUID:" + uid +
		"\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260310T180000Z\r\nDTEND:20260310T190000Z\r\nSUMMARY:" + summary + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
}

func TestWithoutLogin(t *testing.T) {
	r := newRig(t)
	for _, method := range []string{"GET", "PROPFIND", "PUT", "OPTIONS", "POST"} {
		for _, url := range []string{"/.well-known/caldav", "/.well-known/caldav/"} {
			if a := r.want(307, method, url, "", "Authorization:"); a.Header.Get("Location") != "/" {
				t.Errorf("%s %s: Location %q", method, url, a.Header.Get("Location"))
			}
		}
	}
	if a := r.want(200, "GET", "/", "", "Authorization:"); !strings.Contains(a.body, "/CalDAV/Calendar/") || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		t.Errorf("page: %v %s", a.Header, a.body)
	}
	if a := r.want(200, "HEAD", "/", "", "Authorization:"); a.body != "" || a.ContentLength != int64(len(page)) {
		t.Errorf("HEAD: %v %q", a.Header, a.body)
	}
	if a := r.want(200, "GET", "/robots.txt", "", "Authorization:"); a.body != "User-agent: *\nDisallow: /\n" {
		t.Errorf("robots: %q", a.body)
	}
	for _, c := range [][2]string{{"OPTIONS", "/"}, {"PROPFIND", "/"}, {"GET", "/CalDAV/"}, {"PUT", "/CalDAV/x.ics"}, {"TRACE", "/"}, {"POST", "/robots.txt"},
		{"GET", "/nothing"}, {"GET", "/CalDAV/%2F"}, {"OPTIONS", "/CalDAV/~me/"}, {"GET", "/.well-known/carddav"}} {
		a := r.want(401, c[0], c[1], "", "Authorization:")
		if got := a.Header["Www-Authenticate"]; len(got) != 1 || got[0] != `Basic realm="calgate", charset="UTF-8"` {
			t.Errorf("%s %s: %q", c[0], c[1], got)
		}
	}
	r.want(401, "GET", "/CalDAV/", "", "Authorization: Basic Og==")
	if n := r.dials.Load(); n != 0 {
		t.Errorf("%d connections to the mail server without credentials", n)
	}
}

func TestLogin(t *testing.T) {
	r := newRig(t, func(o *Options, _ *calendar.Options) { o.Domain = func(string) string { return "" } })
	r.want(200, "OPTIONS", "/", "")
	right := r.password
	r.password = "wrong-" + right
	r.want(401, "OPTIONS", "/", "")
	r.password = right
	r.want(200, "OPTIONS", "/UserDAV/"+strings.ToUpper(r.user), "")
	r.want(404, "OPTIONS", "/CalDAV/~somebody/", "")
	r.want(404, "GET", "/UserDAV/somebody", "")
	if strings.Contains(r.log.String(), right) {
		t.Errorf("the password is in the log: %s", r.log.String())
	}
}

func TestMailServerAway(t *testing.T) {
	r := newRig(t)
	if err := r.mail.Stop(); err != nil {
		t.Fatal(err)
	}
	a := r.want(503, "PROPFIND", "/CalDAV/", "")
	if a.Header.Get("Retry-After") == "" || a.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("503 with %v", a.Header)
	}
}

func TestAllow(t *testing.T) {
	r := newRig(t)
	r.want(201, "PUT", "/CalDAV/a.ics", event("a", "A"))
	for _, c := range []struct{ url, allow string }{
		{"/", "OPTIONS, GET, HEAD, PROPFIND, PROPPATCH, REPORT"},
		{"/UserDAV/~me/", "OPTIONS, PROPFIND, PROPPATCH, REPORT"},
		{"/CalDAV/", "OPTIONS, PROPFIND, PROPPATCH, REPORT"},
		{"/CalDAV/~me", "OPTIONS, PROPFIND, PROPPATCH, REPORT"},
		{"/CalDAV/Calendar", "OPTIONS, GET, HEAD, DELETE, MOVE, PROPFIND, PROPPATCH, REPORT, POST"},
		{"/CalendarData/Calendar", "OPTIONS, GET, HEAD, PUT, DELETE, PROPFIND"},
		{"/CalDAV/Calendar/a.ics", "OPTIONS, GET, HEAD, PUT, DELETE, COPY, MOVE, PROPFIND, PROPPATCH, REPORT"},
	} {
		a := r.want(200, "OPTIONS", c.url, "")
		if got := a.Header["Dav"]; len(got) != 1 || got[0] != "1, 3, access-control, calendar-access, extended-mkcol" {
			t.Errorf("%s: DAV: %q", c.url, got)
		}
		if got := a.Header.Get("Allow"); got != c.allow {
			t.Errorf("%s: Allow: %s", c.url, got)
		}
		for _, method := range []string{"TRACE", "PATCH", "POST", "LOCK", "ACL", "FROBNICATE"} {
			if strings.Contains(c.allow, method) {
				continue
			}
			if a := r.want(405, method, c.url, ""); a.Header.Get("Allow") != c.allow {
				t.Errorf("%s %s: Allow: %s", method, c.url, a.Header.Get("Allow"))
			}
		}
	}
	r.want(200, "GET", "/CalDAV/", "") // the default calendar
	r.want(405, "GET", "/CalDAV/~me/", "")
	r.want(200, "GET", "/CalDAV/Calendar.ics", "")
	r.want(404, "GET", "/CalDAV/none/", "")
	r.want(404, "OPTIONS", "/CalDAV/none/x.ics", "")
	r.want(200, "GET", "/CalendarData/Calendar.ics", "")
	r.want(404, "GET", "/CalDAV/INBOX/", "")
	r.want(403, "MKCALENDAR", "/somewhere/", "")
	r.want(405, "PATCH", "/somewhere/", "")
}

func TestPanic(t *testing.T) {
	var log logBuffer
	s := httptest.NewServer(New(Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})) // no calendar.Server
	defer s.Close()
	r := &rig{t: t, server: s, user: "bob", password: "geheim"}
	a := r.want(500, "OPTIONS", "/", "")
	if strings.Contains(a.body, "nil") || !strings.Contains(log.String(), "level=ERROR msg=panic") || strings.Contains(log.String(), "geheim") {
		t.Errorf("answer %s, log %s", a.body, log.String())
	}
}

// After the first octet an error cuts the connection: no client may take half a list for a whole one.
func TestErrorAfterFirstOctet(t *testing.T) {
	h := New(Options{Logger: slog.New(slog.DiscardHandler)}).(*handler)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := &request{h: h}
		q.w, q.r = watch(w, r, time.Minute)
		defer q.recover()
		io.WriteString(q.w, "<multistatus>")
		q.w.Flush()
		q.fail(&calendar.Error{Kind: calendar.Unavailable})
	}))
	defer s.Close()
	res, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("the answer %q looks complete", b)
	}
}

func TestAccessLine(t *testing.T) {
	r := newRig(t)
	r.want(201, "PUT", "/CalDAV/Calendar/a.ics", event("a", "private-summary"))
	r.want(404, "GET", "/CalDAV/Calendar/private-name.ics", "")
	r.server.Close() // every handler has returned
	var lines []string
	for line := range strings.Lines(r.log.String()) {
		if strings.Contains(line, "msg=request") {
			lines = append(lines, line)
		}
	}
	if len(lines) != 2 {
		t.Fatalf("%d access lines: %s", len(lines), r.log.String())
	}
	for _, want := range []string{"level=INFO", "method=PUT", "kind=object", "status=201", "dur=", "bytes=0", "user=" + r.user, "imap_cmds=", "imap_dur="} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("no %s in %s", want, lines[0])
		}
	}
	if !strings.Contains(lines[1], "status=404") || !strings.Contains(lines[1], "err=") || strings.Contains(lines[0], "imap_cmds=0 ") {
		t.Errorf("lines %q", lines)
	}
	for _, secret := range []string{r.password, "Basic", "Authorization", "private-"} {
		if strings.Contains(strings.Join(lines, ""), secret) {
			t.Errorf("%q is in the access lines", secret)
		}
	}
	if strings.Contains(r.log.String(), r.password) {
		t.Error("the password is in the log")
	}
}
