package test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"calgate/test/backends"
	"calgate/test/faulty"
)

// Every IMAP command of every write fails once, at every point: the connection is cut, or the gateway killed. A fresh
// gateway must then show old or new, never neither and never both, as the answer said; the client that repeats its
// request must be told success; and the next writer must leave the folder clean.

// write is a request whose steps fail.
type write struct {
	name    string
	prepare []request // by a gateway on a sound wire
	mail    string    // that comes into the calendar then
	shared  string    // "source" or "target": that calendar is another user's
	request request
	before  shown // what the collections show
	after   shown
	between *shown // what a crash may leave besides
	again   int    // how the same is answered once it has taken effect; 0: with success
	long    bool   // without TEST_LONG only the APPENDs fail, on Maildir only, and not where a calendar is another user's
}

// request is one HTTP request. {etag} in a header is the ETag of the object now.
type request struct {
	method, path string
	header       map[string]string
	body         string
}

// shown is what readers see: the summary of a.ics, "" where there is none, the calendar's name, the summary of a.ics in
// the other calendar, and the name of a calendar that is made or removed.
type shown struct{ summary, displayName, other, made string }

func crashEvent(summary string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//crash//EN\r\nBEGIN:VEVENT\r\nUID:crash@example.com\r\nDTSTAMP:20261101T000000Z\r\n" +
		"DTSTART:20261125T090000Z\r\nDTEND:20261125T100000Z\r\nSUMMARY:" + summary + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
}

func displayName(name string) string {
	return `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>` + name + `</D:displayname></D:prop></D:set></D:propertyupdate>`
}

const crashObject, crashCalendar, crashTarget, crashMade = "/CalDAV/Calendar/a.ics", "/CalDAV/Calendar/", "/CalDAV/Target/a.ics", "/CalDAV/Made/"

var (
	putOld     = request{"PUT", crashObject, nil, crashEvent("old")}
	nameOld    = request{"PROPPATCH", crashCalendar, nil, displayName("old")}
	anyOther   = request{"PUT", "/CalDAV/Calendar/other.ics", nil, strings.ReplaceAll(crashEvent("other"), "crash@", "other@")}
	makeTarget = request{"MKCALENDAR", "/CalDAV/Target/", nil, ""}
	putTarget  = request{"PUT", crashTarget, nil, crashEvent("there")}
	nextTarget = request{"PUT", "/CalDAV/Target/other.ics", nil, anyOther.body}
	toTarget   = map[string]string{"Destination": crashTarget}
	makeNamed  = request{"MKCALENDAR", crashMade, nil, `<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>` +
		`<D:displayname>new</D:displayname></D:prop></D:set></C:mkcalendar>`}
	listNames = regexp.MustCompile(`<[A-Za-z]*:?displayname[^>]*>([^<]*)<`)
)

var writes = []write{
	{name: "create", prepare: []request{anyOther}, request: request{"PUT", crashObject, map[string]string{"If-None-Match": "*"}, crashEvent("new")},
		before: shown{"", "Calendar", "", ""}, after: shown{"new", "Calendar", "", ""}},
	{name: "create in no calendar", request: request{"PUT", crashObject, map[string]string{"If-None-Match": "*"}, crashEvent("new")},
		before: shown{"", "Calendar", "", ""}, after: shown{"new", "Calendar", "", ""}},
	{name: "update", prepare: []request{putOld}, request: request{"PUT", crashObject, map[string]string{"If-Match": "{etag}"}, crashEvent("new")},
		before: shown{"old", "Calendar", "", ""}, after: shown{"new", "Calendar", "", ""}},
	{name: "unconditional update", prepare: []request{putOld}, request: request{"PUT", crashObject, nil, crashEvent("new")},
		before: shown{"old", "Calendar", "", ""}, after: shown{"new", "Calendar", "", ""}},
	{name: "delete", prepare: []request{putOld}, request: request{"DELETE", crashObject, map[string]string{"If-Match": "{etag}"}, ""},
		before: shown{"old", "Calendar", "", ""}, after: shown{"", "Calendar", "", ""}},
	{name: "first properties", prepare: []request{putOld}, request: request{"PROPPATCH", crashCalendar, nil, displayName("new")},
		before: shown{"old", "Calendar", "", ""}, after: shown{"old", "new", "", ""}},
	{name: "properties", prepare: []request{putOld, nameOld}, request: request{"PROPPATCH", crashCalendar, nil, displayName("new")},
		before: shown{"old", "old", "", ""}, after: shown{"old", "new", "", ""}},
	{name: "copy", prepare: []request{putOld, makeTarget}, request: request{"COPY", crashObject, toTarget, ""},
		before: shown{"old", "Calendar", "", ""}, after: shown{"old", "Calendar", "old", ""}},
	{name: "move", prepare: []request{putOld, makeTarget}, request: request{"MOVE", crashObject, toTarget, ""},
		before: shown{"old", "Calendar", "", ""}, after: shown{"", "Calendar", "old", ""}, between: &shown{"old", "Calendar", "old", ""}, again: 404},
	{name: "publish", prepare: []request{putOld}, request: request{"PUT", feedPath, nil, crashEvent("new")},
		before: shown{"old", "Calendar", "", ""}, after: shown{"new", "Calendar", "", ""}},
	{name: "unpublish", prepare: []request{putOld}, request: request{"DELETE", feedPath, nil, ""},
		before: shown{"old", "Calendar", "", ""}, after: shown{"", "Calendar", "", ""}},
	{name: "mkcalendar", prepare: []request{putOld}, request: makeNamed,
		before: shown{"old", "Calendar", "", ""}, after: shown{"old", "Calendar", "", "new"}, between: &shown{"old", "Calendar", "", "Made"}, again: 405},
	{name: "remove a calendar", prepare: []request{putOld, makeNamed}, request: request{"DELETE", crashMade, nil, ""},
		before: shown{"old", "Calendar", "", "new"}, after: shown{"old", "Calendar", "", ""}, again: 404},
	{name: "move a calendar", prepare: []request{putOld, {"MKCALENDAR", "/CalDAV/Named/", nil, makeNamed.body}},
		request: request{"MOVE", "/CalDAV/Named/", map[string]string{"Destination": crashMade}, ""},
		before:  shown{"old", "Calendar", "", ""}, after: shown{"old", "Calendar", "", "new"}, again: 404},
	{name: "move over", prepare: []request{putOld, makeTarget, putTarget}, request: request{"MOVE", crashObject, toTarget, ""},
		before: shown{"old", "Calendar", "there", ""}, after: shown{"", "Calendar", "old", ""}, between: &shown{"old", "Calendar", "old", ""}, again: 404, long: true},
	{name: "unconditional delete", prepare: []request{putOld}, request: request{"DELETE", crashObject, nil, ""},
		before: shown{"old", "Calendar", "", ""}, after: shown{"", "Calendar", "", ""}, again: 404, long: true},
	{name: "publish besides", prepare: []request{putOld}, request: request{"PUT", "/CalendarData/Calendar.ics", nil, crashEvent("new")},
		before: shown{"old", "Calendar", "", ""}, after: shown{"new", "Calendar", "", ""}, long: true},
	{name: "update of a mail", prepare: []request{anyOther}, mail: strings.ReplaceAll(foreignMessage("crash", 0), "mail.ics", "a.ics"),
		request: request{"PUT", crashObject, map[string]string{"If-Match": "{etag}"}, crashEvent("new")},
		before:  shown{"x", "Calendar", "", ""}, after: shown{"new", "Calendar", "", ""}, long: true},
	{name: "delete of a mail", prepare: []request{anyOther}, mail: strings.ReplaceAll(foreignMessage("crash", 0), "mail.ics", "a.ics"),
		request: request{"DELETE", crashObject, map[string]string{"If-Match": "{etag}"}, ""},
		before:  shown{"x", "Calendar", "", ""}, after: shown{"", "Calendar", "", ""}, long: true},
	{name: "copy over", prepare: []request{putOld, makeTarget, putTarget}, request: request{"COPY", crashObject, map[string]string{"Destination": crashTarget, "Overwrite": "T"}, ""},
		before: shown{"old", "Calendar", "there", ""}, after: shown{"old", "Calendar", "old", ""}, long: true},
	{name: "copy from another user", shared: "source", prepare: []request{putOld, makeTarget}, request: request{"COPY", crashObject, toTarget, ""},
		before: shown{"old", "Calendar", "", ""}, after: shown{"old", "Calendar", "old", ""}, long: true},
	{name: "copy to another user", shared: "target", prepare: []request{putOld, makeTarget}, request: request{"COPY", crashObject, toTarget, ""},
		before: shown{"old", "Calendar", "", ""}, after: shown{"old", "Calendar", "old", ""}, long: true},
	{name: "move from another user", shared: "source", prepare: []request{putOld, makeTarget}, request: request{"MOVE", crashObject, toTarget, ""},
		before: shown{"old", "Calendar", "", ""}, after: shown{"", "Calendar", "old", ""}, between: &shown{"old", "Calendar", "old", ""}, again: 404, long: true},
	{name: "move over to another user", shared: "target", prepare: []request{putOld, makeTarget, putTarget}, request: request{"MOVE", crashObject, toTarget, ""},
		before: shown{"old", "Calendar", "there", ""}, after: shown{"", "Calendar", "old", ""}, between: &shown{"old", "Calendar", "old", ""}, again: 404, long: true},
}

// ready does what goes before the write, and gives its request.
func (w *write) ready(t *testing.T, b *backends.Server, u crashUsers) request {
	for _, r := range w.prepare {
		u.owner(r).must(t, r)
	}
	if w.mail != "" {
		openMailStore(t, b, u.writer.user, u.writer.password).deliver("Calendar", w.mail)
	}
	r := u.source.filled(t, w.request)
	switch w.shared {
	case "source":
		setACL(t, b, u.source, "Calendar", u.writer.user, "lrsite")
		r.path = strings.Replace(r.path, "/CalDAV/", "/CalDAV/~"+u.source.user+"/", 1)
	case "target":
		setACL(t, b, u.target, "Calendar/Target", u.writer.user, "lrsite")
		r.header["Destination"] = strings.Replace(r.header["Destination"], "/CalDAV/", "/CalDAV/~"+u.target.user+"/", 1)
	}
	return r
}

// fails tells which steps are to fail, of those that are chosen; nil: none.
func (w *write) fails(b *backends.Server, chosen stepChoice) stepChoice {
	switch {
	case os.Getenv("TEST_LONG") == "1" || !w.long:
		return chosen
	case b.Name == "dovecot-maildir" && w.shared == "":
		return atAppend
	}
	return nil
}

// wanted is how many messages a clean folder has, by mailbox: the objects, a tombstone and what is kept below it, the
// properties, what came by mail, and in the target what was moved there and the other.
func (w *write) wanted(s shown) map[string]int {
	want := map[string]int{"Calendar": 2} // a.ics or its tombstone, and other.ics
	if s.summary == "" {
		want["Calendar"]++ // the kept version
	}
	if s.displayName != "Calendar" {
		want["Calendar"]++
	}
	if w.mail != "" && s.summary != "" {
		want["Calendar"]++ // covered; else it is what is kept
	}
	if s.other != "" {
		want["Calendar/Target"] = 3 // with the properties that MKCALENDAR gave it
	}
	return want
}

var points = []struct {
	name string
	at   faulty.Point
}{
	{"before", faulty.Before}, {"half a literal", faulty.InLiteral}, {"all but an octet", faulty.AllButOne},
	{"sent", faulty.AfterSent}, {"answered", faulty.Answered},
}

func TestCrashConnection(t *testing.T) {
	for _, server := range []struct {
		name  string
		start func(testing.TB) *backends.Server
		short stepChoice // of the steps that fail without TEST_LONG; nil: none
	}{
		{"maildir", func(t testing.TB) *backends.Server { return backends.Dovecot(t, backends.Options{}) }, fromFirstChange},
		{"sdbox", func(t testing.TB) *backends.Server {
			return backends.Dovecot(t, backends.Options{Format: "sdbox", ACL: true})
		}, nil},
		{"cyrus", func(t testing.TB) *backends.Server { return backends.Cyrus(t, backends.Options{}) }, atAppend},
		{"courier", func(t testing.TB) *backends.Server { return backends.Courier(t, backends.Options{}) }, atAppend},
	} {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			fails := server.short
			if os.Getenv("TEST_LONG") == "1" {
				fails = always
			} else if backends.LeaveOut("some steps of the writes failed once on " + server.name + ": need TEST_LONG=1"); fails == nil {
				t.Skip("needs TEST_LONG=1")
			}
			b := server.start(t)
			eachStep(t, b, fails, func(t *testing.T, w write, step int, at faulty.Point) {
				crashOnce(t, b, w, faulty.Fault{At: at, Command: ".", N: step}, func(p *faulty.Proxy) string {
					return startGatewayAt(t, p.URL(), nil, false)
				})
			})
		})
	}
}

// stepChoice tells whether a command, numbered from 0, of one of the writes is to fail.
type stepChoice func(write int, commands []string, i int) bool

// changes tells whether a command changes something.
func changes(command string) bool {
	return regexp.MustCompile(`^(APPEND|CREATE|DELETE|RENAME|SETMETADATA|UID STORE|UID EXPUNGE)`).MatchString(command)
}

func always(int, []string, int) bool { return true }

// fromFirstChange: what goes before is the same for all writes, and fails in the first of them.
func fromFirstChange(write int, commands []string, i int) bool {
	return write == 0 || slices.ContainsFunc(commands[:i+1], changes)
}

func atAppend(_ int, commands []string, i int) bool {
	return changes(commands[i]) && !strings.HasPrefix(commands[i], "UID")
}

func TestCrashGateway(t *testing.T) {
	t.Parallel()
	b := backends.Dovecot(t, backends.Options{Format: "sdbox"})
	fails := stepChoice(always)
	if os.Getenv("TEST_LONG") != "1" {
		backends.LeaveOut("some steps of the writes at which the gateway is killed: need TEST_LONG=1")
		fails = atAppend
	}
	eachStep(t, b, fails, func(t *testing.T, w write, step int, at faulty.Point) {
		var victim *process
		fault := faulty.Fault{At: at, Command: ".", N: step, Do: func() { _ = victim.command.Process.Kill() }}
		crashOnce(t, b, w, fault, func(p *faulty.Proxy) string {
			victim = startProcess(t, "serve", "-imap", p.URL(), "-listen", "127.0.0.1:0")
			return strings.TrimPrefix(victim.url, "http://")
		})
	})
}

// eachStep finds the commands of each write on a sound wire, by a gateway that knows nothing yet, and calls f for every point
// of those that are to fail.
func eachStep(t *testing.T, b *backends.Server, fails stepChoice, f func(t *testing.T, w write, step int, at faulty.Point)) {
	for n, w := range writes {
		fails := w.fails(b, fails)
		if fails == nil {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			if w.shared != "" && !slices.Contains(capabilities(t, b), "acl") {
				t.Skip("nobody can share a calendar on this server")
			}
			t.Parallel()
			p := faulty.New(t, b.Addr)
			t.Run("sound", func(t *testing.T) { // its gateway ends with it, and all clean-up with that
				u := newCrashUsers(t, b, w.shared, startGateway(t, b, nil, false))
				r := w.ready(t, b, u)
				u.through(startGatewayAt(t, p.URL(), nil, false)).writer.must(t, r)
			})
			commands := p.Commands()
			if !slices.ContainsFunc(commands, changes) {
				t.Fatalf("only %q", commands)
			}
			for i, command := range commands {
				if command == "LOGOUT" || !fails(n, commands, i) {
					continue
				}
				for _, point := range points {
					if literal := point.at == faulty.InLiteral || point.at == faulty.AllButOne; literal && !strings.HasPrefix(command, "APPEND") {
						continue
					}
					// The first write fails at every point; in the others in short what changes something before it, within it and
					// before its answer, and what only reads before its answer.
					often := point.at == faulty.AfterSent || changes(command) && (point.at == faulty.Before || point.at == faulty.InLiteral)
					if n > 0 && !often && os.Getenv("TEST_LONG") != "1" {
						continue
					}
					t.Run(fmt.Sprintf("%d %s/%s", i+1, strings.Fields(command)[0], point.name), func(t *testing.T) {
						f(t, w, i+1, point.at)
					})
				}
			}
		})
	}
}

// crashOnce does a write of a new user through a gateway that fails, and looks at what is left.
func crashOnce(t *testing.T, b *backends.Server, w write, fault faulty.Fault, start func(*faulty.Proxy) string) {
	sound := newCrashUsers(t, b, w.shared, startGateway(t, b, nil, false))
	r := w.ready(t, b, sound)
	p := faulty.New(t, b.Addr)
	failing := sound.through(start(p)).writer
	p.Set(fault)
	status := failing.ask(r).status // 0: no answer
	select {
	case <-p.Fired(): // of a clean-up, after the answer
	case <-time.After(crashPatience):
		t.Errorf("the step was not reached; the gateway said %q", p.Commands())
	}
	p.Clear()

	fresh := sound.through(startGateway(t, b, nil, false))
	legal := func(s shown) bool { return s == w.before || s == w.after || w.between != nil && s == *w.between }
	seen := fresh.shown(t)
	if !legal(seen) { // it takes several requests, between which the mail server may have done what was sent
		seen = fresh.shown(t)
	}
	switch {
	case !legal(seen):
		t.Fatalf("answered %d, and a fresh gateway shows %+v", status, seen)
	case status/100 == 2 && seen != w.after:
		t.Fatalf("answered %d, but the write is not there: %+v", status, seen)
	case status/100 == 4:
		t.Fatalf("answered %d to a write that nobody raced", status)
	}
	if again := fresh.writer.ask(r); again.status/100 != 2 && !(seen == w.after && again.status == w.again) {
		t.Errorf("answered %d, then shown %+v; the repeated request is answered %d: %s", status, seen, again.status, again.body)
	}
	if seen := fresh.shown(t); seen != w.after {
		t.Errorf("after the repeated request %+v is shown", seen)
	}
	fresh.source.must(t, anyOther) // the next writer
	if w.after.other != "" {
		fresh.target.must(t, nextTarget)
	}
	for mailbox, want := range w.wanted(w.after) {
		c := fresh.source
		if mailbox == "Calendar/Target" {
			c = fresh.target
		}
		n := c.messages(t, b, mailbox)
		for end := time.Now().Add(crashPatience); n != want; n = c.messages(t, b, mailbox) { // it cleans up after its answer
			if time.Now().After(end) {
				t.Fatalf("the next writer left %d messages in %s, want %d", n, mailbox, want)
			}
		}
	}
}

// crashPatience is how long a clean-up may take on a busy machine.
const crashPatience = time.Minute
