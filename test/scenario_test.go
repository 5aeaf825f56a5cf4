// Package test holds what is true of calgate as a whole: scenarios on real mail servers, real calendar programs, and the
// rules of the house.
package test

import (
	"crypto/tls"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"calgate/test/backends"

	"github.com/rogpeppe/go-internal/txtar"
)

// A scenario is a file testdata/NAME.txtar. Its comment, before the first section, says what it shows and why; two kinds
// of lines in it mean something:
//
//	needs: multiappend disk     runs only where the server offers these capabilities (any case); "disk": its mail is
//	                            files that a step may change; "parents": a mailbox with others below it can be deleted, and
//	                            is then gone for everybody; "renumber": the step; "dovecot", "memory": only there
//	options: autocreate=false   how the gateway is set up: autocreate, subscribe, domain, default-calendar, default-tasks,
//	                            calendar-root, tasks-root, calendar, tasks, allow, deny, realms (one each), delete-scope, shares
//
// Its sections are steps, in the order of the file, and files that steps name.
//
//	-- 1.imap --                what happens in the mail store behind the gateway's back, a command a line, see imapStep.
//	                            Mailbox names are as in URLs: "/" between levels, no prefix
//	-- 2.http --                a request: METHOD TARGET, header fields, then "body: FILE" (line ends become CRLF),
//	                            "body-octets: FILE" (as it is), "body-quoted: FILE" (Go escapes such as \r \x00 are
//	                            resolved, line ends of the section dropped), "body-gzip: FILE", or a blank line and the body.
//	                            Transfer-Encoding: chunked sends it in chunks. The user's own credentials are added unless there is an Authorization field;
//	                            "Authorization: none" sends none
//	-- 2.want --                the answer: status ("201|204" takes either, "4xx" any of them), header fields that must be so,
//	                            "!Name" for one that must not be there, then a blank line and the body: XML is compared as
//	                            XML, "body: FILE" octet for octet with CRLF line ends, "body-octets: FILE", "body-quoted: FILE", anything else as text.
//	                            Without a body there the body does not matter
//
// {name} in a request or answer is a value: the first answer that holds it sets it, then it stands for that very text.
// {user} {password} {host} are set from the start; {*} matches anything, beside elements any others, and {file:a.ics} is the text of a file. Where a
// capture is one of several forms it is {name=REGEXP} at the place that sets it.
//
// Every scenario runs on every back end, a mean one too (on some in one way only, see servers), with caches, without, with
// three gateways taking turns, and over HTTP/2, each time for a user who has nothing yet. In every answer XML must be well-formed and a multistatus must not name a member twice, whatever the
// scenario wants. go test ./test -run Scenario -update rewrites the answers; read the difference before you commit it.
var update = flag.Bool("update", false, "rewrite the answers of scenarios")

func TestMain(m *testing.M) {
	code := backends.Main(m)
	if binaryDir != "" {
		os.RemoveAll(binaryDir)
	}
	os.Exit(code)
}

// mode is a way in which gateways stand before one mail store.
type mode struct {
	name     string
	gateways int
	noCache  bool
	http2    bool
}

var modes = []mode{
	{"cached", 1, false, false},
	{"uncached", 1, true, false},
	{"three", 3, false, false},
	{"http2", 1, false, true},
}

// servers are the back ends, each started once for all scenarios. Those with modes of their own run the others only where
// TEST_LONG is set: they are slow, and what the modes differ in is above the mail store. Dovecot's three share the three.
var servers = []struct {
	name  string
	start func(t testing.TB) *backends.Server
	modes []string
}{
	{"memory", backends.Memory, nil},
	{"maildir", func(t testing.TB) *backends.Server { return backends.Dovecot(t, backends.Options{}) }, []string{"cached"}},
	{"sdbox", func(t testing.TB) *backends.Server {
		return backends.Dovecot(t, backends.Options{Format: "sdbox", ACL: true})
	}, []string{"three"}},
	{"dotted", func(t testing.TB) *backends.Server { return backends.Dovecot(t, backends.Options{Dotted: true}) }, []string{"uncached"}},
	{"sdbox-dotted", func(t testing.TB) *backends.Server {
		if os.Getenv("TEST_LONG") == "" {
			backends.LeaveOut("scenarios on Dovecot with sdbox and INBOX.: needs TEST_LONG=1")
			t.SkipNow()
		}
		return backends.Dovecot(t, backends.Options{Format: "sdbox", Dotted: true})
	}, nil},
	{"cyrus", func(t testing.TB) *backends.Server { return backends.Cyrus(t, backends.Options{}) }, []string{"three"}},
	{"cyrus-dotted", func(t testing.TB) *backends.Server {
		return backends.Cyrus(t, backends.Options{Dotted: true})
	}, []string{"cached"}},
	{"courier", func(t testing.TB) *backends.Server { return backends.Courier(t, backends.Options{}) }, []string{"three"}},
	{"mean", func(t testing.TB) *backends.Server {
		return backends.Mean(t, backends.MeanOptions{Seed: 1, UIDPlus: true, Ends: true})
	}, []string{"cached"}},
	{"mean-bare", func(t testing.TB) *backends.Server {
		return backends.Mean(t, backends.MeanOptions{Seed: 2, Ends: true})
	}, []string{"three"}},
}

func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	var all []*scenario
	for _, file := range files {
		s, err := readScenario(file)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		all = append(all, s)
	}
	if *update {
		updateAll(t, all)
		return
	}
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			b := server.start(t)
			offered := capabilities(t, b)
			for _, s := range all {
				if lacks := s.lacks(server.name, offered); lacks != "" {
					backends.LeaveOut(fmt.Sprintf("scenario %s on %s: needs %s", s.name, b.Name, lacks))
					continue
				}
				for _, mode := range modes {
					if server.modes != nil && !slices.Contains(server.modes, mode.name) && os.Getenv("TEST_LONG") == "" {
						continue
					}
					t.Run(s.name+"/"+mode.name, func(t *testing.T) {
						t.Parallel()
						s.run(t, b, mode)
					})
				}
			}
		})
	}
}

// scenario is a file, read.
type scenario struct {
	name, file string
	needs      []string
	options    map[string][]string
	steps      []step
	archive    *txtar.Archive
}

// step is an IMAP step, or a request and the answer that is wanted.
type step struct {
	name       string // "2"
	imap       string
	http, want string
	wantFile   int // index in the archive, for -update; -1 = none
}

func readScenario(file string) (*scenario, error) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		return nil, err
	}
	s := &scenario{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), file: file, archive: archive, options: map[string][]string{}}
	for line := range strings.Lines(string(archive.Comment)) {
		key, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch key {
		case "needs":
			s.needs = strings.Fields(strings.ToLower(rest))
		case "options":
			for _, o := range strings.Fields(rest) {
				k, v, _ := strings.Cut(o, "=")
				s.options[k] = append(s.options[k], v)
			}
		}
	}
	for i, f := range archive.Files {
		name, kind, _ := strings.Cut(f.Name, ".")
		if strings.Trim(name, "0123456789") != "" {
			continue
		}
		switch kind {
		case "imap":
			s.steps = append(s.steps, step{name: name, imap: string(f.Data), wantFile: -1})
		case "http":
			s.steps = append(s.steps, step{name: name, http: string(f.Data), wantFile: -1})
		case "want":
			last := len(s.steps) - 1
			if last < 0 || s.steps[last].name != name || s.steps[last].http == "" {
				return nil, fmt.Errorf("section %s does not follow its request", f.Name)
			}
			s.steps[last].want, s.steps[last].wantFile = string(f.Data), i
		}
	}
	if len(s.steps) == 0 {
		return nil, fmt.Errorf("no steps")
	}
	return s, nil
}

// lacks is what the scenario needs and a server has not, "" where it can run.
func (s *scenario) lacks(server string, offered []string) string {
	var missing []string
	for _, n := range s.needs {
		ok := slices.Contains(offered, n)
		switch n {
		case "disk", "dovecot":
			ok = slices.Contains([]string{"maildir", "sdbox", "dotted", "sdbox-dotted"}, server)
		case "parents": // Cyrus refuses; the embedded store shows what was deleted to a session that has it selected
			ok = server != "memory" && !strings.HasPrefix(server, "cyrus")
		case "renumber": // elsewhere a session that has the old mailbox selected does not hear of the new one
			ok = server == "maildir" || server == "dotted" || strings.HasPrefix(server, "mean")
		case "memory", "mean", "mean-bare", "maildir", "sdbox", "dotted", "sdbox-dotted", "cyrus", "cyrus-dotted", "courier":
			ok = server == n
		}
		if !ok {
			missing = append(missing, n)
		}
	}
	return strings.Join(missing, " ")
}

func (s *scenario) section(name string) (string, bool) {
	for _, f := range s.archive.Files {
		if f.Name == name {
			return string(f.Data), true
		}
	}
	return "", false
}

// play is one run of a scenario.
type play struct {
	*scenario
	t        testing.TB
	server   *backends.Server
	gateways []string // addresses, asked in turn
	turn     int
	http2    *http.Transport // nil: HTTP/1
	values   values
	imap     *mailStore
}

func (s *scenario) run(t testing.TB, b *backends.Server, m mode) {
	p := s.begin(t, b, m)
	for _, st := range s.steps {
		if st.imap != "" {
			p.imapStep(st)
			continue
		}
		if st.wantFile < 0 {
			t.Fatalf("step %s has no wanted answer: run with -update", st.name)
		}
		method, _, _ := strings.Cut(st.http, " ")
		got := p.ask(st)
		if problems := p.compare(method, st.want, got); len(problems) > 0 {
			t.Fatalf("%s step %s: %s\nthe request\n%s\nthe answer\n%s", s.file, st.name, strings.Join(problems, "\n"), indent(st.http), indent(got.String()))
		}
	}
}

func (s *scenario) begin(t testing.TB, b *backends.Server, m mode) *play {
	user, password := b.User()
	p := &play{scenario: s, t: t, server: b, values: values{"user": user, "password": password}}
	options := maps.Clone(s.options)
	if m.http2 {
		options["tls"] = []string{"true"}
	}
	for range m.gateways {
		p.gateways = append(p.gateways, startGateway(t, b, options, m.noCache))
	}
	if m.http2 {
		p.http2 = &http.Transport{
			Protocols: new(http.Protocols), DisableCompression: true,
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // who it is does not matter
		}
		p.http2.Protocols.SetHTTP2(true)
		t.Cleanup(p.http2.CloseIdleConnections)
	}
	p.values["host"] = p.gateways[0]
	p.imap = openMailStore(t, b, user, password)
	return p
}

// updateAll rewrites the answers: each scenario once, on the embedded store where it can run there.
func updateAll(t *testing.T, all []*scenario) {
	memory := backends.Memory(t)
	dovecot := sync.OnceValue(func() *backends.Server {
		return backends.Dovecot(t, backends.Options{ACL: true})
	})
	offered := capabilities(t, memory)
	for _, s := range all {
		b := memory
		if s.lacks("memory", offered) != "" {
			b = dovecot()
		}
		t.Run(s.name, func(t *testing.T) { s.rewrite(t, b) })
	}
}

func (s *scenario) rewrite(t *testing.T, b *backends.Server) {
	p := s.begin(t, b, modes[0])
	var fresh []txtar.File
	wants := map[string]string{}
	for _, st := range s.steps {
		if st.imap != "" {
			p.imapStep(st)
			continue
		}
		wants[st.name] = p.answerOf(st.want, p.ask(st))
	}
	for _, f := range s.archive.Files {
		name, kind, _ := strings.Cut(f.Name, ".")
		want, ok := wants[name]
		switch {
		case ok && kind == "want":
		case ok && kind == "http":
			fresh = append(fresh, f, txtar.File{Name: name + ".want", Data: []byte(want)})
		default:
			fresh = append(fresh, f)
		}
	}
	s.archive.Files = fresh
	if err := os.WriteFile(s.file, txtar.Format(s.archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(s, "\r\n"), "\n", "\n    ")
}
