package backends

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"text/template"
	"time"
)

// Options say what kind of server is wanted. The zero value is a Dovecot as a stock Debian has it, Maildir with separator
// "/"; what says so is of Dovecot alone.
type Options struct {
	Format   string // Dovecot: maildir (default), sdbox, mdbox, mbox
	Dotted   bool   // separator ".", prefix "INBOX."; Courier has no other
	ACL      bool   // Dovecot: ACL, other users below shared/, and only Users and those of Server.User; the others have ACL always
	Tilde    bool   // Dovecot with ACL: other users are below ~user/, which LIST does not show unasked
	Metadata bool
	Quota    string // a rule such as "*:storage=200K"; "" = none
	TLS      bool   // a certificate: implicit TLS on Server.TLSAddr, STARTTLS on Server.Addr
	// PerAddress is how many connections Courier bears; one more is closed without a greeting, as couriertcpd does it
	// (MAXPERIP, 20 by default). 0: any number.
	PerAddress int
	Extra      string // lines added to dovecot.conf or imapd.conf
}

// Dovecot starts a private Dovecot. Any user may log in with Password(user).
func Dovecot(t testing.TB, o Options) *Server {
	t.Helper()
	binary, err := exec.LookPath("dovecot")
	if err != nil {
		binary, err = exec.LookPath("/usr/sbin/dovecot")
	}
	if err != nil {
		Missing(t, "Dovecot is not installed (apt-get install dovecot-imapd)")
	}
	if o.Format == "" {
		o.Format = "maildir"
	}
	dir := privateDir(t, "dovecot")
	d := &dovecot{binary: binary, dir: dir, options: o}
	s := &Server{Name: "dovecot-" + o.Format, backend: d}
	if o.Dotted {
		s.Name += "-dotted"
	}
	if err := d.prepare(); err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	err = onFreePorts(2, func(ports []int) error {
		d.port, d.tlsPort = ports[0], ports[1]
		return d.start()
	}, d.log)
	if err != nil {
		t.Fatalf("%s: %v\n%s", s.Name, err, d.log())
	}
	s.Addr = "127.0.0.1:" + strconv.Itoa(d.port)
	if o.TLS {
		s.TLSAddr = "127.0.0.1:" + strconv.Itoa(d.tlsPort)
		s.CertFile = filepath.Join(dir, "cert.pem")
	}
	s.watch(t)
	return s
}

type dovecot struct {
	binary        string
	dir           string
	options       Options
	port, tlsPort int
	uid, gid      int // owner of the mail

	daemon
}

// prepare makes the directories. A mail server that runs as root refuses to keep mail as root: it belongs to mail:mail.
func (d *dovecot) prepare() error {
	d.uid, d.gid = os.Getuid(), os.Getgid()
	root := d.uid == 0
	if root {
		d.uid, d.gid = 8, 8
	}
	for _, name := range []string{"run", "state", "log", "mail", "users"} {
		path := filepath.Join(d.dir, name)
		if err := os.Mkdir(path, 0o755); err != nil {
			return err
		}
		if root && name != "run" {
			if err := os.Chown(path, d.uid, d.gid); err != nil {
				return err
			}
		}
	}
	for _, user := range Users {
		d.addUser(user)
	}
	if d.options.TLS {
		return selfSigned(filepath.Join(d.dir, "cert.pem"), filepath.Join(d.dir, "key.pem"))
	}
	return nil
}

func (d *dovecot) start() error {
	config := filepath.Join(d.dir, "dovecot.conf")
	text, err := d.config()
	if err != nil {
		return err
	}
	if err := os.WriteFile(config, text, 0o644); err != nil {
		return err
	}
	if err := d.launch(exec.Command(d.binary, "-F", "-c", config), filepath.Join(d.dir, "log", "stderr")); err != nil {
		return err
	}
	if err := awaitGreeting("127.0.0.1:"+strconv.Itoa(d.port), 20*time.Second); err != nil {
		return errors.Join(err, d.stop(true))
	}
	return nil
}

// addUser enters a user among those who have mailboxes, in a file of its own: Dovecot looks only once a second whether a file
// has changed. Without ACL everybody has mailboxes.
func (d *dovecot) addUser(name string) {
	line := fmt.Sprintf("%s::%d:%d::%s::\n", name, d.uid, d.gid, d.home(name))
	if err := os.WriteFile(filepath.Join(d.dir, "users", name), []byte(line), 0o644); err != nil {
		panic(err)
	}
}

// kick ends the sessions of a user, and waits until their processes have written what they had to.
func (d *dovecot) kick(user string) error {
	out, err := d.doveadm("kick", user)
	if exit := new(exec.ExitError); errors.As(err, &exit) && exit.ExitCode() == 68 { // there is none
		return nil
	}
	for end := time.Now().Add(20 * time.Second); err == nil && time.Now().Before(end); {
		if out, err = d.doveadm("-f", "flow", "who", "-1", user); err == nil && !strings.Contains(out, "username="+user) {
			return nil
		}
	}
	return fmt.Errorf("doveadm kick %s: %v: %s", user, err, out)
}

func (d *dovecot) doveadm(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "doveadm", append([]string{"-c", filepath.Join(d.dir, "dovecot.conf")}, args...)...).CombinedOutput()
	return string(out), err
}

func (d *dovecot) home(user string) string { return filepath.Join(d.dir, "mail", user) }

func (d *dovecot) log() string {
	var all []byte
	for _, name := range []string{"stderr", "dovecot.log"} {
		text, err := os.ReadFile(filepath.Join(d.dir, "log", name))
		if err == nil {
			all = append(all, text...)
		}
	}
	return string(all)
}

// config is dovecot.conf. Braces stand on their own lines: one-line blocks are an error in 2.3.
func (d *dovecot) config() ([]byte, error) {
	plugins, imapPlugins := "", ""
	if d.options.ACL {
		plugins, imapPlugins = plugins+" acl", imapPlugins+" imap_acl"
	}
	if d.options.Quota != "" {
		plugins, imapPlugins = plugins+" quota", imapPlugins+" imap_quota"
	}
	separator, prefix := "/", ""
	if d.options.Dotted {
		separator, prefix = ".", "INBOX."
	}
	values := map[string]any{
		"Dir": d.dir, "Port": d.port, "TLSPort": d.tlsPort, "UID": d.uid, "GID": d.gid, "Root": os.Getuid() == 0,
		"Options": d.options, "Location": location(d.options.Format, "~"), "Shared": location(d.options.Format, "%%h"),
		"Separator": separator, "Prefix": prefix, "Plugins": plugins, "IMAPPlugins": imapPlugins,
	}
	if me, err := user.Current(); err == nil {
		values["User"] = me.Username
		if group, err := user.LookupGroupId(me.Gid); err == nil {
			values["Group"] = group.Name
		}
	}
	var text bytes.Buffer
	err := configTemplate.Execute(&text, values)
	return text.Bytes(), err
}

func location(format, home string) string {
	switch format {
	case "mbox":
		return "mbox:" + home + "/mail:INBOX=" + home + "/inbox"
	case "maildir":
		return "maildir:" + home + "/Maildir"
	}
	return format + ":" + home + "/" + format
}

var configTemplate = template.Must(template.New("dovecot.conf").Parse(`
base_dir = {{.Dir}}/run
state_dir = {{.Dir}}/state
log_path = {{.Dir}}/log/dovecot.log
protocols = imap
listen = 127.0.0.1
{{- if .Root}}
default_internal_user = dovecot
default_login_user = dovenull
{{- else}}
default_internal_user = {{.User}}
default_internal_group = {{.Group}}
default_login_user = {{.User}}
first_valid_gid = {{.GID}}
{{- end}}
first_valid_uid = {{.UID}}
mail_uid = {{.UID}}
mail_gid = {{.GID}}
mail_home = {{.Dir}}/mail/%u
mail_location = {{.Location}}
mail_fsync = never
mail_max_userip_connections = 200
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
{{- if .Options.TLS}}
ssl = yes
ssl_cert = <{{.Dir}}/cert.pem
ssl_key = <{{.Dir}}/key.pem
{{- else}}
ssl = no
{{- end}}
mail_plugins ={{.Plugins}}
passdb {
  driver = static
  args = password=pw-%u
}
userdb {
{{- if .Options.ACL}}
  driver = passwd-file
  args = {{.Dir}}/users/%u
{{- else}}
  driver = static
  args = uid={{.UID}} gid={{.GID}} home={{.Dir}}/mail/%u
{{- end}}
}
{{- if .Options.Metadata}}
mail_attribute_dict = file:%h/dovecot-attributes
{{- end}}
protocol imap {
  mail_plugins = $mail_plugins{{.IMAPPlugins}}
{{- if .Options.Metadata}}
  imap_metadata = yes
{{- end}}
}
namespace inbox {
  inbox = yes
  separator = {{.Separator}}
  prefix = {{.Prefix}}
}
{{- if .Options.ACL}}
plugin {
  acl = vfile
  acl_shared_dict = file:{{.Dir}}/mail/shared-mailboxes
}
namespace shared {
  type = shared
  separator = {{.Separator}}
  prefix = {{if .Options.Tilde}}~{{else}}shared{{.Separator}}{{end}}%%u{{.Separator}}
  location = {{.Shared}}:INDEXPVT=~/shared/%%u
  subscriptions = no
  list = {{if .Options.Tilde}}no{{else}}children{{end}}
}
{{- end}}
{{- if .Options.Quota}}
plugin {
  quota = count:User quota
  quota_vsizes = yes
  quota_rule = {{.Options.Quota}}
}
{{- end}}
service imap-login {
  # One process for all logins, as large installations have it: a process each is most of what a login costs.
  service_count = 0
{{- if not .Root}}
  chroot =
{{- end}}
  inet_listener imap {
    address = 127.0.0.1
    port = {{.Port}}
  }
  inet_listener imaps {
    address = 127.0.0.1
    port = {{if .Options.TLS}}{{.TLSPort}}{{else}}0{{end}}
    ssl = yes
  }
}
service anvil {
{{- if not .Root}}
  chroot =
{{- end}}
  # No growing delay for an address with wrong passwords: tests send them on purpose.
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
{{- if not .Root}}
  chroot =
{{- end}}
  unix_listener stats-writer {
    mode = 0666
  }
}
{{.Options.Extra}}
`))

// selfSigned writes a certificate for localhost and 127.0.0.1 and its key.
func selfSigned(certFile, keyFile string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o644); err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	return os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}
