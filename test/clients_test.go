package test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"calgate/test/backends"
)

// tool is the path of a calendar program; a test that lacks it is left out, or fails where everything must be there.
func tool(t *testing.T, name, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		backends.Missing(t, name+" is not installed (apt-get install "+debianPackage+")")
	}
	return path
}

// device is a vdirsyncer with files of its own.
type device struct {
	t          *testing.T
	path, dir  string
	url, user  string
	resolution string // what wins in a conflict, "" = nobody
}

func newDevice(t *testing.T, url, user, resolution string) *device {
	t.Helper()
	d := &device{t: t, path: tool(t, "vdirsyncer", "vdirsyncer"), dir: t.TempDir(), url: url, user: user, resolution: resolution}
	rule := ""
	if resolution != "" {
		rule = fmt.Sprintf("conflict_resolution = %q\n", resolution)
	}
	config := fmt.Sprintf(`[general]
status_path = "%[1]s/status/"

[pair calendars]
a = "files"
b = "calgate"
collections = ["from a", "from b"]
metadata = ["color", "displayname"]
%[5]s
[storage files]
type = "filesystem"
path = "%[1]s/files/"
fileext = ".ics"

[storage calgate]
type = "caldav"
url = "%[2]s"
username = "%[3]s"
password = "%[4]s"
`, d.dir, url, user, backends.Password(user), rule)
	if err := os.WriteFile(filepath.Join(d.dir, "config"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

// run runs a vdirsyncer command and answers yes to what it asks.
func (d *device) run(args ...string) (string, error) {
	command := backends.Command(d.t, d.path, append([]string{"-c", filepath.Join(d.dir, "config")}, args...)...)
	command.Env = append(os.Environ(), "HOME="+d.dir, "LC_ALL=C.UTF-8")
	command.Stdin = strings.NewReader(strings.Repeat("y\n", 20))
	out, err := command.CombinedOutput()
	return string(out), err
}

func (d *device) must(args ...string) {
	d.t.Helper()
	if out, err := d.run(args...); err != nil {
		d.t.Fatalf("vdirsyncer %v: %v\n%s", args, err, out)
	}
}

func (d *device) file(name string) string { return filepath.Join(d.dir, "files", name) }

func (d *device) write(name, text string) {
	d.t.Helper()
	if err := os.WriteFile(d.file(name), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// find is the file in a collection whose text holds a mark, "" if there is none. Two devices give an object different
// file names.
func (d *device) find(collection, mark string) string {
	d.t.Helper()
	names, err := filepath.Glob(d.file(collection + "/*.ics"))
	if err != nil {
		d.t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			d.t.Fatal(err)
		}
		if bytes.Contains(text, []byte(mark)) {
			return collection + "/" + filepath.Base(name)
		}
	}
	return ""
}

func ics(component, uid, summary string) string {
	return crlf(fmt.Sprintf("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\nBEGIN:%[1]s\nUID:%[2]s\nDTSTAMP:20261125T090000Z\nDTSTART:20261125T100000Z\nSUMMARY:%[3]s\nEND:%[1]s\nEND:VCALENDAR\n", component, uid, summary))
}

// TestClientVdirsyncer: two devices discover, create, change, remove and see each other's changes, events and tasks; a
// conflict is told; a colour goes to the other device.
func TestClientVdirsyncer(t *testing.T) {
	t.Parallel()
	b := backends.Dovecot(t, backends.Options{})
	user, _ := b.User()
	one := newDevice(t, serve(t, b).url+"/", user, "")
	two := newDevice(t, serve(t, b).url+"/", user, "") // by another gateway
	for _, d := range []*device{one, two} {
		d.must("discover")
		for _, name := range []string{"Calendar", "Tasks"} {
			if _, err := os.Stat(d.file(name)); err != nil {
				t.Fatalf("not discovered: %v", err)
			}
		}
	}
	one.write("Calendar/lunch.ics", ics("VEVENT", "lunch-é", "Lunch"))
	one.write("Tasks/milk.ics", ics("VTODO", "milk", "Milk"))
	one.write("Tasks/bread.ics", ics("VTODO", "bread", "Bread")) // stays: vdirsyncer asks before it empties a collection
	one.must("sync")
	two.must("sync")
	lunch, milk := two.find("Calendar", "UID:lunch-é"), two.find("Tasks", "UID:milk")
	if lunch == "" || milk == "" {
		t.Fatalf("the second device has %q and %q", lunch, milk)
	}

	two.write(lunch, ics("VEVENT", "lunch-é", "Lunch at one"))
	if err := os.Remove(two.file(milk)); err != nil {
		t.Fatal(err)
	}
	two.must("sync")
	one.must("sync")
	if one.find("Calendar", "SUMMARY:Lunch at one") == "" {
		t.Error("a change did not reach the first device")
	}
	if left := one.find("Tasks", "UID:milk"); left != "" {
		t.Errorf("what was removed is still there: %s", left)
	}

	one.write("Calendar/lunch.ics", ics("VEVENT", "lunch-é", "Lunch at two"))
	two.write(lunch, ics("VEVENT", "lunch-é", "Lunch at three"))
	one.must("sync")
	if out, err := two.run("sync"); err == nil || !strings.Contains(out, "onflict") {
		t.Errorf("a conflict was not told: %v\n%s", err, out)
	}
	one.must("sync")
	if one.find("Calendar", "SUMMARY:Lunch at two") == "" {
		t.Error("a conflict changed what was there")
	}

	one.write("Calendar/color", "#FF8800")
	one.must("metasync")
	if out, err := two.run("metasync"); err != nil {
		t.Errorf("metasync: %v\n%s", err, out)
	}
	if color, err := os.ReadFile(two.file("Calendar/color")); err != nil || string(color) != "#FF8800" {
		t.Errorf("the colour on the second device is %q, %v", color, err)
	}
}

// TestClientVdirsyncerMakesCollection: a folder that only the device has becomes a calendar.
func TestClientVdirsyncerMakesCollection(t *testing.T) {
	t.Parallel()
	b := backends.Dovecot(t, backends.Options{Dotted: true})
	user, _ := b.User()
	url := serve(t, b).url + "/"
	one := newDevice(t, url, user, "b wins")
	if err := os.MkdirAll(one.file("Büro"), 0o700); err != nil {
		t.Fatal(err)
	}
	one.write("Büro/desk.ics", ics("VEVENT", "desk", "Desk"))
	one.must("discover")
	one.must("sync")
	two := newDevice(t, url, user, "b wins")
	two.must("discover")
	two.must("sync")
	if two.find("Büro", "UID:desk") == "" {
		names, _ := filepath.Glob(two.file("*"))
		t.Errorf("the new calendar did not reach the second device: it has %v", names)
	}
}

// TestClientPythonCaldav runs the library that Home Assistant stands on, see clients/python_caldav.py.
func TestClientPythonCaldav(t *testing.T) {
	t.Parallel()
	python := "/usr/bin/python3" // Debian's: python3-caldav is a package of its
	if err := backends.Command(t, python, "-c", "import caldav").Run(); err != nil {
		backends.Missing(t, "python3-caldav is not installed (apt-get install python3-caldav)")
	}
	b := backends.Dovecot(t, backends.Options{Format: "sdbox"})
	user, password := b.User()
	p := serve(t, b)
	out, err := backends.Command(t, python, "clients/python_caldav.py", p.url, user, password).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestClientCurl: an upload that waits for 100 Continue, as curl makes it with a large body.
func TestClientCurl(t *testing.T) {
	t.Parallel()
	curl := tool(t, "curl", "curl")
	b := backends.Dovecot(t, backends.Options{})
	user, password := b.User()
	p := serve(t, b)
	file := filepath.Join(t.TempDir(), "big.ics")
	big := ics("VEVENT", "big", strings.Repeat("x", 2<<20))
	if err := os.WriteFile(file, []byte(big), 0o600); err != nil {
		t.Fatal(err)
	}
	url := p.url + "/CalDAV/Calendar/big.ics"
	run := func(args ...string) []byte {
		t.Helper()
		command := backends.Command(t, curl, append([]string{"-sS", "--fail-with-body", "-u", user + ":" + password}, args...)...)
		out, err := command.Output()
		if err != nil {
			t.Fatalf("curl %v: %v\n%.500s", args, err, out)
		}
		return out
	}
	run("-H", "Expect: 100-continue", "-T", file, url)
	if got := run(url); string(got) != big {
		t.Errorf("%d octets came back of %d", len(got), len(big))
	}
	if got := run("-H", "Accept-Encoding: gzip", "--compressed", url); string(got) != big {
		t.Errorf("compressed: %d octets came back of %d", len(got), len(big))
	}
	run("-X", "DELETE", url)
}

// TestClientCadaver: a plain WebDAV program lists and reads.
func TestClientCadaver(t *testing.T) {
	t.Parallel()
	cadaver := tool(t, "cadaver", "cadaver")
	b := backends.Dovecot(t, backends.Options{})
	user, password := b.User()
	p := serve(t, b)
	home := t.TempDir()
	netrc := fmt.Sprintf("machine 127.0.0.1\nlogin %s\npassword %s\n", user, password)
	if err := os.WriteFile(filepath.Join(home, ".netrc"), []byte(netrc), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(home, "event.ics")
	if err := os.WriteFile(file, []byte(ics("VEVENT", "event", "Event")), 0o600); err != nil {
		t.Fatal(err)
	}
	command := backends.Command(t, cadaver, p.url+"/CalDAV/~"+user+"/Calendar/")
	command.Env = append(os.Environ(), "HOME="+home, "LC_ALL=C.UTF-8")
	command.Dir = home
	command.Stdin = strings.NewReader("put event.ics\nls\nget event.ics back.ics\ndelete event.ics\nquit\n")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	back, err := os.ReadFile(filepath.Join(home, "back.ics"))
	if err != nil || string(back) != ics("VEVENT", "event", "Event") {
		t.Errorf("%v: %q came back\n%s", err, back, out)
	}
	for _, want := range []string{"event.ics", "Deleting"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
