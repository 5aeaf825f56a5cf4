package backends

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/template"
	"time"
)

// cyrusMaster is Cyrus' first process; it belongs to a package that can be installed beside other servers.
const cyrusMaster = "/usr/lib/cyrus/bin/master"

// cyrusAdmin is the user who may do everything.
const cyrusAdmin = "cyrus"

// Cyrus starts a private Cyrus: with separator "/" and other users below "Other Users/", or, Dotted, as Debian ships it, with
// separator ".", prefix "INBOX." and other users below "user.". Any user may log in with Password(user); the first login
// makes the INBOX, as on Debian.
func Cyrus(t testing.TB, o Options) *Server {
	t.Helper()
	imapd := unpacked(t, "cyrus", "/usr/lib/cyrus/bin/imapd")
	if _, err := os.Stat(cyrusMaster); err != nil {
		Missing(t, "Cyrus is not installed (apt-get install cyrus-common)")
	}
	c := &cyrus{imapd: imapd, dir: privateDir(t, "cyrus"), options: o}
	s := &Server{Name: "cyrus", backend: c}
	if o.Dotted {
		s.Name += "-dotted"
	}
	if err := c.prepare(); err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	err := onFreePorts(2, func(ports []int) error {
		c.port, c.tlsPort = ports[0], ports[1]
		return c.start()
	}, c.log)
	if err != nil {
		t.Fatalf("%s: %v\n%s", s.Name, err, c.log())
	}
	s.Addr = "127.0.0.1:" + strconv.Itoa(c.port)
	if o.TLS {
		s.TLSAddr = "127.0.0.1:" + strconv.Itoa(c.tlsPort)
		s.CertFile = filepath.Join(c.dir, "cert.pem")
	}
	s.watch(t)
	return s
}

type cyrus struct {
	imapd, dir    string
	options       Options
	port, tlsPort int

	daemon
	uid, gid  int // 0: as we are
	passwords saslauthd
}

// prepare makes the directories. Cyrus runs as the user cyrus from its start: when it changes from root itself, the kernel
// forgets that it is to end with its parent.
func (c *cyrus) prepare() error {
	// spool/stage. is made by who stores the first message of a partition; of several at once one says "System I/O error".
	for _, name := range []string{
		"conf/db", "conf/proc", "conf/log", "conf/msg", "conf/ptclient", "conf/quota", "conf/user", "conf/sync", "conf/socket",
		"conf/lock", "spool", "spool/stage.", "run/proc", "run/lock", "run/socket",
	} {
		if err := os.MkdirAll(filepath.Join(c.dir, name), 0o755); err != nil {
			return err
		}
	}
	if c.options.TLS {
		if err := selfSigned(filepath.Join(c.dir, "cert.pem"), filepath.Join(c.dir, "key.pem")); err != nil {
			return err
		}
	}
	if os.Getuid() != 0 {
		return nil
	}
	owner, err := user.Lookup("cyrus")
	if err != nil {
		return err
	}
	if c.uid, c.gid, err = numbers(owner); err != nil {
		return err
	}
	return filepath.WalkDir(c.dir, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Chown(path, c.uid, c.gid))
	})
}

func numbers(u *user.User) (uid, gid int, err error) {
	if uid, err = strconv.Atoi(u.Uid); err == nil {
		gid, err = strconv.Atoi(u.Gid)
	}
	return uid, gid, err
}

func (c *cyrus) start() error {
	values := map[string]any{"Dir": c.dir, "IMAPD": c.imapd, "Port": c.port, "TLSPort": c.tlsPort, "Options": c.options, "Admin": cyrusAdmin}
	if os.Getuid() != 0 {
		me, err := user.Current()
		if err != nil {
			return err
		}
		group, err := user.LookupGroupId(me.Gid)
		if err != nil {
			return err
		}
		values["User"], values["Group"] = me.Username, group.Name
	}
	octets, messages, err := quotaOf(c.options.Quota)
	if err != nil {
		return err
	}
	values["Quota"], values["Messages"] = octets>>10, messages // 0: none
	for name, t := range map[string]*template.Template{"imapd.conf": imapdConf, "cyrus.conf": cyrusConf} {
		var text bytes.Buffer
		if err := t.Execute(&text, values); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(c.dir, name), text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	if err := c.passwords.start(filepath.Join(c.dir, "mux")); err != nil {
		return err
	}
	command := exec.Command(cyrusMaster, "-C", filepath.Join(c.dir, "imapd.conf"), "-M", filepath.Join(c.dir, "cyrus.conf"),
		"-p", filepath.Join(c.dir, "run", "master.pid"))
	command.SysProcAttr = withParent()
	if c.uid != 0 {
		runAs(command.SysProcAttr, c.uid, c.gid)
	}
	err = c.launch(command, filepath.Join(c.dir, "master.log"))
	if err == nil {
		err = awaitGreeting("127.0.0.1:"+strconv.Itoa(c.port), 20*time.Second)
	}
	if err != nil {
		return errors.Join(err, c.stop(true))
	}
	return nil
}

func (c *cyrus) stop(kill bool) error {
	return errors.Join(c.daemon.stop(kill), c.passwords.stop())
}

// cyradm runs commands of the administrator's shell. Its exit code says nothing of them; what went wrong is on standard error.
func (c *cyrus) cyradm(commands []string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	command := exec.CommandContext(ctx, "cyradm", "--norc", "--notls", "--auth", "PLAIN", "--user", cyrusAdmin, "--password", Password(cyrusAdmin),
		"--port", strconv.Itoa(c.port), "127.0.0.1")
	command.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\nexit\n")
	var said, wrong bytes.Buffer
	command.Stdout, command.Stderr = &said, &wrong
	err := command.Run()
	if err == nil && wrong.Len() > 0 {
		err = errors.New(wrong.String())
	}
	return strings.ReplaceAll(said.String(), "127.0.0.1> ", ""), err // the prompts
}

func (c *cyrus) addUser(string)     {} // the first login makes the account
func (c *cyrus) home(string) string { return "" }

// log is what the first process said. Everything else goes to syslog.
func (c *cyrus) log() string {
	text, err := os.ReadFile(filepath.Join(c.dir, "master.log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// quotaOf reads a rule such as "*:storage=200K" or "*:messages=7"; 0 is none.
func quotaOf(rule string) (octets, messages int, err error) {
	if rule == "" {
		return 0, 0, nil
	}
	if count, ok := strings.CutPrefix(rule, "*:messages="); ok {
		messages, err = strconv.Atoi(count)
		return 0, messages, err
	}
	size, ok := strings.CutPrefix(rule, "*:storage=")
	if !ok || size == "" {
		return 0, 0, fmt.Errorf("quota %q", rule)
	}
	shift, ok := map[byte]int{'K': 10, 'M': 20}[size[len(size)-1]]
	if !ok {
		return 0, 0, fmt.Errorf("quota %q", rule)
	}
	n, err := strconv.Atoi(size[:len(size)-1])
	return n << shift, 0, err
}

// Without a sync of each change: nothing here crashes the kernel, and the tests are many.
var imapdConf = template.Must(template.New("imapd.conf").Parse(`configdirectory: {{.Dir}}/conf
partition-default: {{.Dir}}/spool
defaultpartition: default
proc_path: {{.Dir}}/run/proc
mboxname_lockpath: {{.Dir}}/run/lock
idlesocket: {{.Dir}}/run/socket/idle
altnamespace: {{if .Options.Dotted}}no{{else}}yes{{end}}
unixhierarchysep: {{if .Options.Dotted}}no{{else}}yes{{end}}
virtdomains: userid
defaultdomain: localhost
failedloginpause: 0
admins: {{.Admin}}
autocreate_quota: {{.Quota}}
autocreate_quota_messages: {{.Messages}}
allowplaintext: yes
sasl_pwcheck_method: saslauthd
sasl_saslauthd_path: {{.Dir}}/mux
sasl_mech_list: PLAIN
servername: localhost
skiplist_unsafe: yes
{{- with .User}}
cyrus_user: {{.}}
{{- end}}
{{- with .Group}}
cyrus_group: {{.}}
{{- end}}
{{- if .Options.TLS}}
tls_server_cert: {{.Dir}}/cert.pem
tls_server_key: {{.Dir}}/key.pem
{{- end}}
{{- if .Options.Metadata}}
annotation_allow_undefined: yes
{{- end}}
{{.Options.Extra}}
`))

var cyrusConf = template.Must(template.New("cyrus.conf").Parse(`START {
  recover cmd="/usr/lib/cyrus/bin/ctl_cyrusdb -C {{.Dir}}/imapd.conf -r"
}
SERVICES {
  imap cmd="{{.IMAPD}} -C {{.Dir}}/imapd.conf -U 30" listen="127.0.0.1:{{.Port}}" prefork=0 maxchild=300
{{- if .Options.TLS}}
  imaps cmd="{{.IMAPD}} -C {{.Dir}}/imapd.conf -s -U 30" listen="127.0.0.1:{{.TLSPort}}" prefork=0 maxchild=100
{{- end}}
}
EVENTS {
}
`))

// saslauthd answers whether a password is right, as the daemon of that name does: four strings come, user, password,
// service and realm, each after its length in two octets, and OK or NO goes back in the same form.
type saslauthd struct {
	listener net.Listener
	done     chan struct{}
}

func (a *saslauthd) start(path string) error {
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	if err := os.Chmod(path, 0o666); err != nil {
		ln.Close()
		return err
	}
	a.listener, a.done = ln, make(chan struct{})
	go a.serve()
	return nil
}

func (a *saslauthd) serve() {
	defer close(a.done)
	var open sync.WaitGroup
	defer open.Wait()
	for {
		conn, err := a.listener.Accept()
		if err != nil {
			return
		}
		open.Go(func() {
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(5 * time.Second))
			answerPassword(conn)
		})
	}
}

func (a *saslauthd) stop() error {
	if a.listener == nil {
		return nil
	}
	err := a.listener.Close()
	<-a.done
	a.listener = nil
	return err
}

// answerPassword says nothing to what it cannot read: the server takes that for a NO.
func answerPassword(conn io.ReadWriter) {
	var words [4]string
	for i := range words {
		var n uint16
		if binary.Read(conn, binary.BigEndian, &n) != nil {
			return
		}
		word := make([]byte, n)
		if _, err := io.ReadFull(conn, word); err != nil {
			return
		}
		words[i] = string(word)
	}
	name, password, realm := words[0], words[1], words[3]
	if realm != "" && realm != "localhost" {
		name += "@" + realm
	}
	answer := "NO"
	if password == Password(name) {
		answer = "OK"
	}
	conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
}
