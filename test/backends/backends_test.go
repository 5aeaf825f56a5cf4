package backends_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	"calgate/test/backends"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

func TestMain(m *testing.M) { os.Exit(backends.Main(m)) }

func TestServers(t *testing.T) {
	for name, start := range map[string]func(t *testing.T) *backends.Server{
		"memory":  func(t *testing.T) *backends.Server { return backends.Memory(t) },
		"maildir": func(t *testing.T) *backends.Server { return backends.Dovecot(t, backends.Options{}) },
		"sdbox":   func(t *testing.T) *backends.Server { return backends.Dovecot(t, backends.Options{Format: "sdbox"}) },
		"dotted":  func(t *testing.T) *backends.Server { return backends.Dovecot(t, backends.Options{Dotted: true}) },
		"cyrus": func(t *testing.T) *backends.Server {
			return backends.Cyrus(t, backends.Options{TLS: true, Metadata: true, Quota: "*:storage=1M"})
		},
		"cyrus, dotted": func(t *testing.T) *backends.Server { return backends.Cyrus(t, backends.Options{Dotted: true}) },
		"courier":       func(t *testing.T) *backends.Server { return backends.Courier(t, backends.Options{}) },
		"everything": func(t *testing.T) *backends.Server {
			return backends.Dovecot(t, backends.Options{ACL: true, Metadata: true, Quota: "*:storage=1M", TLS: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			fresh, _ := s.User()
			for _, user := range append([]string{fresh}, backends.Users...) {
				c := login(t, s, user)
				if user == fresh {
					appendMessage(t, c)
				}
				c.Close()
			}
			if err := s.Restart(); err != nil {
				t.Fatal(err)
			}
			c := login(t, s, fresh)
			defer c.Close()
			selected, err := c.Select("INBOX", nil).Wait()
			if err != nil || selected.NumMessages != 1 {
				t.Fatalf("after a restart: %v, %v; want 1 message", selected, err)
			}
			if home := s.Home(fresh); home != "" {
				if _, err := os.Stat(home); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestDottedPrefix(t *testing.T) {
	t.Parallel()
	s := backends.Dovecot(t, backends.Options{Dotted: true})
	c := login(t, s, "alice")
	defer c.Close()
	ns, err := c.Namespace().Wait()
	if err != nil || len(ns.Personal) != 1 || ns.Personal[0].Prefix != "INBOX." || ns.Personal[0].Delim != '.' {
		t.Fatalf("namespace %+v, %v", ns, err)
	}
}

func TestKill(t *testing.T) {
	t.Parallel()
	s := backends.Dovecot(t, backends.Options{})
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	c := login(t, s, "bob")
	defer c.Close()
	appendMessage(t, c)
	if matches, _ := filepath.Glob(filepath.Join(s.Home("bob"), "*")); len(matches) == 0 {
		t.Error("a message left nothing in the home directory")
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	s := backends.Dovecot(t, backends.Options{TLS: true})
	pem, err := os.ReadFile(s.CertFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	o := &imapclient.Options{TLSConfig: &tls.Config{RootCAs: pool}}
	for name, dial := range map[string]func() (*imapclient.Client, error){
		"implicit": func() (*imapclient.Client, error) { return imapclient.DialTLS(s.TLSAddr, o) },
		"starttls": func() (*imapclient.Client, error) { return imapclient.DialStartTLS(s.Addr, o) },
	} {
		c, err := dial()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := c.Login("alice", backends.Password("alice")).Wait(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		c.Close()
	}
}

func login(t *testing.T, s *backends.Server, user string) *imapclient.Client {
	t.Helper()
	c, err := backends.Dial(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Login(user, "wrong").Wait(); err == nil {
		t.Fatalf("%s: a wrong password was taken", user)
	}
	if err := c.Login(user, backends.Password(user)).Wait(); err != nil {
		t.Fatalf("%s: %v", user, err)
	}
	return c
}

func appendMessage(t *testing.T, c *imapclient.Client) {
	t.Helper()
	body := bytes.Repeat([]byte("Subject: x\r\n"), 3)
	a := c.Append("INBOX", int64(len(body)), &imap.AppendOptions{})
	if _, err := a.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Wait(); err != nil {
		t.Fatal(err)
	}
}
