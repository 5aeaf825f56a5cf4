package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"calgate/test/backends"
)

// Calendar programs of a user with whom another one shares: they find both users' calendars without any step, what may only be
// read is read-only, and names and colours stay the user's own.

// sharedAccount is a user with calendars of two others: "Calendar" of one to be read, of the other to be written, too. Each
// of the three has an event there that names its owner.
type sharedAccount struct {
	b                  *backends.Server
	me, reader, writer *crashClient // the others by what they let this user do
}

func newSharedAccount(t *testing.T) *sharedAccount {
	t.Helper()
	b := backends.Dovecot(t, backends.Options{ACL: true})
	s := &sharedAccount{b: b}
	gateway := startGateway(t, b, nil, false)
	for _, c := range []**crashClient{&s.me, &s.reader, &s.writer} {
		*c = newCrashClient(t, b, gateway)
		(*c).must(t, request{"PUT", "/CalDAV/Calendar/first.ics", nil, ics("VEVENT", "first-"+(*c).user, "of "+(*c).user)})
	}
	setACL(t, b, s.reader, "Calendar", s.me.user, "lrs")
	setACL(t, b, s.writer, "Calendar", s.me.user, "lrswite")
	color := `<D:propertyupdate xmlns:D="DAV:" xmlns:A="http://apple.com/ns/ical/"><D:set><D:prop><A:calendar-color>#112233</A:calendar-color></D:prop></D:set></D:propertyupdate>`
	for _, c := range []*crashClient{s.reader, s.writer} {
		c.must(t, request{"PROPPATCH", "/CalDAV/Calendar/", nil, color})
	}
	return s
}

// has tells whether an owner's calendar holds an object with that text.
func (s *sharedAccount) has(c *crashClient, text string) bool {
	a := c.ask(request{"REPORT", "/CalDAV/Calendar/", map[string]string{"Depth": "1"},
		`<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>`})
	return strings.Contains(a.body, text)
}

// TestClientVdirsyncerShares: own and others' calendars are collections of their own, though all are called Calendar; what is
// written goes to the one that may be written; a colour of one's own leaves the owner's alone.
func TestClientVdirsyncerShares(t *testing.T) {
	t.Parallel()
	s := newSharedAccount(t)
	one := newDevice(t, serve(t, s.b).url+"/", s.me.user, "")
	two := newDevice(t, serve(t, s.b).url+"/", s.me.user, "")
	own, reading, writing := "Calendar", "~"+s.reader.user+":Calendar", "~"+s.writer.user+":Calendar"
	for _, d := range []*device{one, two} {
		d.must("discover")
		d.must("sync")
		for name, c := range map[string]*crashClient{own: s.me, reading: s.reader, writing: s.writer} {
			if d.find(name, "SUMMARY:of "+c.user) == "" {
				names, _ := filepath.Glob(d.file("*"))
				t.Fatalf("%s does not hold the event of %s; there are %v", name, c.user, names)
			}
		}
	}

	one.write(writing+"/new.ics", ics("VEVENT", "new", "New"))
	one.must("sync", "calendars/"+writing)
	two.must("sync", "calendars/"+writing)
	if two.find(writing, "UID:new") == "" || !s.has(s.writer, "UID:new") || s.has(s.me, "UID:new") {
		t.Error("what was written did not go to the other user's calendar")
	}

	one.write(reading+"/forbidden.ics", ics("VEVENT", "forbidden", "Forbidden"))
	if out, err := one.run("sync", "calendars/"+reading); err == nil {
		t.Errorf("a calendar that may only be read took an event:\n%s", out)
	}
	if s.has(s.reader, "UID:forbidden") || s.has(s.me, "UID:forbidden") {
		t.Error("an event is where it may not be")
	}

	one.must("metasync", "calendars/"+reading)
	if color, err := os.ReadFile(one.file(reading + "/color")); err != nil || string(color) != "#112233" {
		t.Errorf("the owner's colour is %q, %v", color, err)
	}
	one.write(reading+"/color", "#FF8800")
	one.must("metasync", "calendars/"+reading)
	two.must("metasync", "calendars/"+reading)
	if color, err := os.ReadFile(two.file(reading + "/color")); err != nil || string(color) != "#FF8800" {
		t.Errorf("the colour on the second device is %q, %v", color, err)
	}
	if a := s.reader.ask(request{"PROPFIND", "/CalDAV/Calendar/", map[string]string{"Depth": "0"}, ""}); !strings.Contains(a.body, "#112233") {
		t.Errorf("the owner's colour is no longer his: %s", a.body)
	}
}

// TestClientPythonCaldavShares runs the library of Home Assistant, see clients/python_shares.py.
func TestClientPythonCaldavShares(t *testing.T) {
	t.Parallel()
	python := "/usr/bin/python3"
	if err := backends.Command(t, python, "-c", "import caldav").Run(); err != nil {
		backends.Missing(t, "python3-caldav is not installed (apt-get install python3-caldav)")
	}
	s := newSharedAccount(t)
	out, err := backends.Command(t, python, "clients/python_shares.py", serve(t, s.b).url, s.me.user, s.me.password, s.reader.user, s.writer.user).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if !s.has(s.writer, "SUMMARY:Changed by a guest") || s.has(s.reader, "by a guest") {
		t.Error("what the guest wrote is not where it belongs")
	}
}

// TestClientCadaverShares: a plain WebDAV program goes down from the home into others' calendars.
func TestClientCadaverShares(t *testing.T) {
	t.Parallel()
	cadaver := tool(t, "cadaver", "cadaver")
	s := newSharedAccount(t)
	p := serve(t, s.b)
	home := t.TempDir()
	for name, text := range map[string]string{
		".netrc":    fmt.Sprintf("machine 127.0.0.1\nlogin %s\npassword %s\n", s.me.user, s.me.password),
		"guest.ics": ics("VEVENT", "guest", "By a guest"),
	} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(commands string) string {
		t.Helper()
		command := backends.Command(t, cadaver, p.url+"/CalDAV/~"+s.me.user+"/")
		command.Env = append(os.Environ(), "HOME="+home, "LC_ALL=C.UTF-8")
		command.Dir = home
		command.Stdin = strings.NewReader(commands + "quit\n")
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	reading, writing := "~"+s.reader.user+":Calendar", "~"+s.writer.user+":Calendar"
	out := run("ls\n")
	for _, want := range []string{"Calendar", reading, writing} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	out = run("cd " + reading + "/\nget first.ics read.ics\nput guest.ics\ndelete first.ics\n")
	if read, err := os.ReadFile(filepath.Join(home, "read.ics")); err != nil || !strings.Contains(string(read), "of "+s.reader.user) {
		t.Errorf("%v: %q was read\n%s", err, read, out)
	}
	if strings.Count(out, "403") != 2 || s.has(s.reader, "UID:guest") || !s.has(s.reader, "of "+s.reader.user) {
		t.Errorf("a calendar that may only be read was written to:\n%s", out)
	}
	if out = run("cd " + writing + "/\nput guest.ics\n"); !s.has(s.writer, "UID:guest") {
		t.Errorf("nothing was stored:\n%s", out)
	}
}

// TestClientEvolutionShares runs the libraries of Evolution and GNOME Calendar, see clients/libecal_shares.py, on a D-Bus of
// their own on which nothing keeps passwords.
func TestClientEvolutionShares(t *testing.T) {
	t.Parallel()
	python := "/usr/bin/python3"
	if err := backends.Command(t, python, "-c", "import gi; gi.require_version('ECal', '2.0')").Run(); err != nil {
		backends.Missing(t, "libecal is not installed (apt-get install gir1.2-ecal-2.0 python3-gi evolution-data-server)")
	}
	bus := tool(t, "dbus-run-session", "dbus-daemon")
	s := newSharedAccount(t)
	dir := t.TempDir()
	for _, name := range []string{"Sources", "Calendar"} {
		services, err := filepath.Glob("/usr/share/dbus-1/services/org.gnome.evolution.dataserver." + name + "*.service")
		if err != nil || len(services) == 0 {
			t.Fatalf("Evolution's %s is not there: %v", name, err)
		}
		for _, service := range services {
			if err := os.Symlink(service, filepath.Join(dir, filepath.Base(service))); err != nil {
				t.Fatal(err)
			}
		}
	}
	config := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, `<busconfig><type>session</type><listen>unix:dir=%[1]s</listen><servicedir>%[1]s</servicedir>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`, dir), 0o600); err != nil {
		t.Fatal(err)
	}
	command := backends.Command(t, bus, "--config-file="+config, "--", python, "clients/libecal_shares.py", serve(t, s.b).url, s.me.user, s.me.password, s.reader.user, s.writer.user)
	command.Env = append(os.Environ(), "GSETTINGS_BACKEND=memory", "GIO_USE_VFS=local", "HOME="+dir, "XDG_RUNTIME_DIR="+dir)
	for _, name := range []string{"CONFIG", "CACHE", "DATA"} {
		command.Env = append(command.Env, "XDG_"+name+"_HOME="+filepath.Join(dir, strings.ToLower(name)))
	}
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if !s.has(s.writer, "SUMMARY:Changed by a guest") || s.has(s.reader, "by a guest") {
		t.Error("what the guest wrote is not where it belongs")
	}
}
