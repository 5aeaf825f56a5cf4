package test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"calgate/gateway"
	"calgate/gateway/calendar"
	"calgate/imapstore"
	"calgate/test/backends"
)

// stepLimit ends a request that nobody answers.
const stepLimit = 60 * time.Second

// startGateway serves a gateway of its own before the mail store and returns its address.
func startGateway(t testing.TB, b *backends.Server, options map[string][]string, noCache bool) string {
	t.Helper()
	return startGatewayAt(t, b.URL(), options, noCache)
}

// startGatewayAt starts a gateway before the mail server at a URL.
func startGatewayAt(t testing.TB, url string, options map[string][]string, noCache bool) string {
	t.Helper()
	o, err := imapstore.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	return startGatewayOn(t, o, options, noCache)
}

// startGatewayOn starts a gateway on a mail store.
func startGatewayOn(t testing.TB, o imapstore.Options, options map[string][]string, noCache bool) string {
	t.Helper()
	one := func(name string) string { return strings.Join(options[name], "") }
	logger := slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	o.NoCache, o.Logger = noCache, logger
	if others := one("others"); others != "" {
		o.Others = others
	}
	store := imapstore.New(o)
	handler := gateway.New(gateway.Options{
		Calendar: calendar.New(store, calendar.Options{
			DefaultCalendar: one("default-calendar"), DefaultTasks: one("default-tasks"),
			CalendarRoot: one("calendar-root"), TasksRoot: one("tasks-root"),
			Calendars: options["calendar"], Tasks: options["tasks"],
			Autocreate: one("autocreate") != "false", Subscribe: one("subscribe") == "true", NoCache: noCache, Logger: logger, Now: o.Now,
			Shares: map[string]calendar.Shares{"subscribed": calendar.SubscribedShares, "none": calendar.NoShares}[one("shares")],
		}),
		Domain:   func(string) string { return one("domain") },
		Services: services(t, options["realms"]), Allow: options["allow"], Deny: options["deny"],
		DeleteUploadedKinds: one("delete-scope") == "uploaded-kinds",
		Logger:              logger,
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var config *tls.Config
	if one("tls") == "true" {
		config = &tls.Config{Certificates: []tls.Certificate{newCertificate(t, 1)}}
	}
	server := gateway.NewServer(handler, gateway.ServerOptions{TLS: config, Logger: logger})
	done := make(chan error, 1)
	go func() { done <- server.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stepLimit)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		<-done
		store.Close()
	})
	return ln.Addr().String()
}

// services are what -realms turns on, each named in an option of its own.
func services(t testing.TB, names []string) (all gateway.Services) {
	t.Helper()
	for _, name := range names {
		s, err := gateway.ParseService(name)
		if err != nil {
			t.Fatal(err)
		}
		all |= s
	}
	return all
}

// testWriter shows what a gateway logs beside the test that it belongs to.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("gateway: %s", bytes.TrimSpace(p))
	return len(p), nil
}

// reply is an answer, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) String() string {
	var head bytes.Buffer
	fmt.Fprintln(&head, r.status)
	_ = r.header.Write(&head)
	return strings.ReplaceAll(head.String(), "\r\n", "\n") + "\n" + r.body
}

// ask sends a request of the scenario to the gateway whose turn it is.
func (p *play) ask(st step) reply {
	p.t.Helper()
	addr := p.gateways[p.turn%len(p.gateways)]
	p.turn++
	r := p.request(st)
	ask := p.askHTTP1
	if p.http2 != nil {
		ask = p.askHTTP2
	}
	answer, err := ask(addr, r)
	if err != nil {
		p.t.Fatalf("step %s: %v", st.name, err)
	}
	return answer
}

// askHTTP1 sends it octet for octet as the scenario says, on a connection of its own.
func (p *play) askHTTP1(addr string, r stepRequest) (reply, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return reply{}, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(stepLimit)); err != nil {
		return reply{}, err
	}
	if _, err := conn.Write(r.wire()); err != nil {
		return reply{}, err
	}
	in := bufio.NewReader(conn)
	for {
		answer, err := http.ReadResponse(in, &http.Request{Method: r.method})
		if err != nil {
			return reply{}, fmt.Errorf("no answer: %w", err)
		}
		if answer.StatusCode < 200 {
			continue
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			return reply{}, fmt.Errorf("the answer ends in the middle: %w", err)
		}
		if answer.Close {
			answer.Header.Set("Connection", "close") // the library takes it out
		}
		p.interrupt(conn)
		return reply{answer.StatusCode, answer.Header, string(body)}, nil
	}
}

// askHTTP2 sends it over the connection that all requests of the scenario share. Chunks are HTTP/1's.
func (p *play) askHTTP2(addr string, r stepRequest) (reply, error) {
	ctx, cancel := context.WithTimeout(p.t.Context(), stepLimit)
	defer cancel()
	q := (&http.Request{
		Method: r.method, URL: &url.URL{Scheme: "https", Host: addr, Opaque: r.target}, Host: r.field("Host"), Header: http.Header{},
		ContentLength: int64(len(r.payload)), Body: io.NopCloser(bytes.NewReader(r.payload)),
	}).WithContext(ctx)
	said, _ := strconv.ParseInt(r.field("Content-Length"), 10, 64)
	switch {
	case r.chunked():
		q.ContentLength = -1
	case said > q.ContentLength: // the rest never comes
		rest, _ := io.Pipe()
		q.ContentLength = said
		q.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(q.Body, rest), rest}
	case said == 0:
		q.Body = nil
	}
	for _, f := range r.fields {
		if !slices.Contains([]string{"host", "transfer-encoding", "content-length"}, strings.ToLower(f.name)) {
			q.Header.Add(f.name, f.value)
		}
	}
	answer, err := p.http2.RoundTrip(q)
	if err != nil {
		return reply{}, fmt.Errorf("no answer: %w", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.ProtoMajor != 2 {
		err = fmt.Errorf("the answer is by %s", answer.Proto)
	}
	return reply{answer.StatusCode, answer.Header, string(body)}, err
}

// interrupt ends connections between the gateways and a mean mail server, when the request is done with its clean-up: the
// gateway then answers another one on the same connection.
func (p *play) interrupt(conn net.Conn) {
	if !p.server.IsMean() {
		return
	}
	fmt.Fprintf(conn, "GET /robots.txt HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", p.values["host"])
	_, _ = io.Copy(io.Discard, conn) // a connection that was closed tells the same
	p.server.Interrupt(p.values["user"])
}

// stepRequest is a request as a scenario has it.
type stepRequest struct {
	method, target string
	fields         []field
	payload        []byte
}

type field struct{ name, value string }

// field is the value of the first field of a name, in any case.
func (r stepRequest) field(name string) string {
	for _, f := range r.fields {
		if strings.EqualFold(f.name, name) {
			return f.value
		}
	}
	return ""
}

func (r stepRequest) chunked() bool {
	return strings.EqualFold(r.field("Transfer-Encoding"), "chunked")
}

// request reads a step.
func (p *play) request(st step) stepRequest {
	head, body, literal := strings.Cut(st.http, "\n\n")
	lines := strings.Split(strings.TrimRight(p.values.fill(head), "\n"), "\n")
	method, target, ok := strings.Cut(lines[0], " ")
	if !ok {
		p.t.Fatalf("step %s: %q is no METHOD TARGET", st.name, lines[0])
	}
	r := stepRequest{method: method, target: target, payload: []byte(p.values.fill(body))}
	if literal {
		r.payload = bytes.TrimSuffix(r.payload, []byte("\n"))
	}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(name) {
		case "body", "body-octets", "body-quoted", "body-gzip":
			r.payload, literal = p.octets(st, name, value), true
			continue
		}
		r.fields = append(r.fields, field{name, value})
	}
	add := func(name, value string) {
		if r.field(name) == "" {
			r.fields = append(r.fields, field{name, value})
		}
	}
	add("Host", p.values["host"])
	add("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(p.values["user"]+":"+p.values["password"])))
	r.fields = slices.DeleteFunc(r.fields, func(f field) bool { return f.value == "none" && strings.EqualFold(f.name, "Authorization") })
	if literal && !r.chunked() {
		add("Content-Length", strconv.Itoa(len(r.payload)))
	}
	return r
}

// wire is what goes over the wire of HTTP/1.
func (r stepRequest) wire() []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s %s HTTP/1.1\r\n", r.method, r.target)
	for _, f := range r.fields {
		fmt.Fprintf(&out, "%s: %s\r\n", f.name, f.value)
	}
	out.WriteString("\r\n")
	if !r.chunked() {
		out.Write(r.payload)
		return out.Bytes()
	}
	for chunk := range slices.Chunk(r.payload, 17) { // small: lines and escapes are cut in the middle
		fmt.Fprintf(&out, "%x\r\n%s\r\n", len(chunk), chunk)
	}
	out.WriteString("0\r\n\r\n")
	return out.Bytes()
}

// octets are the body that a "body…: FILE" line names.
func (p *play) octets(st step, form, file string) []byte {
	text, ok := p.section(file)
	if !ok {
		p.t.Fatalf("step %s: no section %s", st.name, file)
	}
	text = p.values.fill(text)
	switch strings.ToLower(form) {
	case "body":
		return []byte(crlf(text))
	case "body-quoted":
		text, err := strconv.Unquote(`"` + strings.ReplaceAll(strings.ReplaceAll(text, "\n", ""), `"`, `\"`) + `"`)
		if err != nil {
			p.t.Fatalf("step %s: section %s: %v", st.name, file, err)
		}
		return []byte(text)
	case "body-gzip":
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		if _, err := z.Write([]byte(crlf(text))); err != nil {
			p.t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			p.t.Fatal(err)
		}
		return packed.Bytes()
	}
	return []byte(text)
}

// compare tells in what the answer is not the wanted one.
func (p *play) compare(method, want string, got reply) (problems []string) {
	head, body, _ := strings.Cut(want, "\n\n")
	lines := strings.Split(strings.TrimRight(head, "\n"), "\n")
	if !statusMatches(lines[0], got.status) {
		return []string{fmt.Sprintf("want status %s, got %d", lines[0], got.status)}
	}
	problems = append(problems, wellFormed(got)...)
	if got.status >= 400 && got.body == "" && method != "HEAD" { // KDE loses the status of an error without a body
		problems = append(problems, "an error without a body")
	}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if p.http2 != nil && name == "Connection" { // HTTP/2 has no such field
			continue
		}
		if absent, ok := strings.CutPrefix(name, "!"); ok {
			if have := got.header.Values(absent); len(have) > 0 {
				problems = append(problems, fmt.Sprintf("%s: want none, got %q", absent, have))
			}
			continue
		}
		if strings.HasPrefix(name, "body") {
			if p.st(name, value) != got.body {
				problems = append(problems, fmt.Sprintf("the body is not that of %s", value))
			}
			continue
		}
		if have := strings.Join(got.header.Values(name), ", "); !p.values.match(value, have) {
			problems = append(problems, fmt.Sprintf("%s: want %s, got %q", name, p.values.fill(value), have))
		}
	}
	return append(problems, p.compareBody(body, got)...)
}

func (p *play) st(form, file string) string { return string(p.octets(step{name: "want"}, form, file)) }

func (p *play) compareBody(want string, got reply) []string {
	switch {
	case strings.TrimSpace(want) == "":
		return nil
	case strings.HasPrefix(strings.TrimSpace(want), "<"):
		wanted, err := parseXML(want)
		if err != nil {
			return []string{"the wanted XML: " + err.Error()}
		}
		answered, err := parseXML(got.body)
		if err != nil {
			return []string{err.Error()}
		}
		if d := p.differ(wanted, answered, ""); d != "" {
			return []string{d}
		}
		return nil
	}
	if !p.values.match(strings.TrimSpace(want), strings.TrimSpace(strings.ReplaceAll(got.body, "\r\n", "\n"))) {
		return []string{fmt.Sprintf("want the body %q", p.values.fill(strings.TrimSpace(want)))}
	}
	return nil
}

func statusMatches(want string, got int) bool {
	for one := range strings.SplitSeq(strings.TrimSpace(want), "|") {
		if one == strconv.Itoa(got) || one == fmt.Sprintf("%dxx", got/100) {
			return true
		}
	}
	return false
}

// wellFormed checks what holds for every answer with XML in it.
func wellFormed(got reply) []string {
	if !strings.Contains(got.header.Get("Content-Type"), "xml") || got.body == "" {
		return nil
	}
	root, err := parseXML(got.body)
	if err != nil {
		return []string{err.Error()}
	}
	if root.name.Local != "multistatus" {
		return nil
	}
	var problems []string
	seen := map[string]bool{}
	for _, response := range root.kids {
		for _, kid := range response.kids {
			if kid.name.Local == "href" && response.name.Local == "response" {
				if seen[kid.text] {
					problems = append(problems, "the multistatus names twice: "+kid.text)
				}
				seen[kid.text] = true
			}
		}
	}
	return problems
}

// answerOf is the wanted answer that -update writes: the old one where it still holds in its parts, else what came.
func (p *play) answerOf(old string, got reply) string {
	head, body, _ := strings.Cut(old, "\n\n")
	var out strings.Builder
	for i, line := range strings.Split(strings.TrimRight(head, "\n"), "\n") {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch {
		case i == 0 && statusMatches(line, got.status):
			fmt.Fprintln(&out, line)
		case i == 0:
			fmt.Fprintln(&out, got.status)
		case strings.HasPrefix(name, "!") && got.header.Get(name[1:]) == "", strings.HasPrefix(name, "body"):
			fmt.Fprintln(&out, line)
		case p.values.match(value, strings.Join(got.header.Values(name), ", ")):
			fmt.Fprintln(&out, line)
		case got.header.Get(name) != "":
			fmt.Fprintf(&out, "%s: %s\n", name, p.values.name(strings.Join(got.header.Values(name), ", ")))
		}
	}
	answered, err := parseXML(got.body)
	if err != nil || old != "" && strings.TrimSpace(body) == "" {
		if body != "" {
			fmt.Fprintf(&out, "\n%s", strings.ReplaceAll(got.body, "\r\n", "\n"))
		}
		return out.String()
	}
	before, err := parseXML(body)
	if err == nil && before.name == answered.name && p.differ(before, answered, "") == "" {
		return out.String() + "\n" + body
	}
	if err != nil || before.name != answered.name {
		before = nil
	}
	out.WriteString("\n")
	p.write(&out, answered, before, declarations(answered))
	return out.String()
}
