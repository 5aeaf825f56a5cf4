package test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"calgate/test/backends"
	"calgate/test/faulty"
)

// Whatever happens to the mail server, the client gets an answer that makes it try again and keep its password, the log names
// the cause, and when the mail server is well again so is the gateway, by itself.

// patient is a user at a gateway whose mail server has troubles.
type patient struct {
	*crashClient
	t       *testing.T
	gateway *process
}

// impatience makes the gateway give up soon, but later than a busy machine takes for one command; its own defaults are for people.
var impatience = []string{"-imap-timeout", "3s", "-imap-login-timeout", "4s", "-imap-dial-timeout", "4s"}

func newPatient(t *testing.T, b *backends.Server, url string, args ...string) *patient {
	user, password := b.User()
	p := startProcess(t, append(append([]string{"serve", "-imap", url, "-listen", "127.0.0.1:0"}, impatience...), args...)...)
	return &patient{&crashClient{user, password, strings.TrimPrefix(p.url, "http://")}, t, p}
}

// unavailable asks, and wants to be told to come again.
func (p *patient) unavailable(r request) {
	p.t.Helper()
	q, err := http.NewRequest(r.method, p.gateway.url+r.path, strings.NewReader(r.body))
	if err != nil {
		p.t.Fatal(err)
	}
	q.SetBasicAuth(p.user, p.password)
	for name, value := range r.header {
		q.Header.Set(name, value)
	}
	answer, err := crashHTTP.Do(q)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != 503 || answer.Header.Get("Retry-After") == "" {
		p.t.Errorf("%s: %s, Retry-After %q", r.method, answer.Status, answer.Header.Get("Retry-After"))
	}
}

// well asks for everything that a client asks for.
func (p *patient) well() {
	p.t.Helper()
	p.must(p.t, putOld)
	p.must(p.t, request{"GET", crashObject, nil, ""})
	if s := p.shown(p.t); s.summary != "old" {
		p.t.Errorf("%+v is shown", s)
	}
}

var listing = request{"PROPFIND", crashCalendar, map[string]string{"Depth": "1"}, ""}

func TestServerAwayAndBack(t *testing.T) {
	t.Parallel()
	backends.OnEach(t, backends.Options{}, func(t *testing.T, b *backends.Server) {
		p := newPatient(t, b, b.URL())
		p.well()
		if err := b.Restart(); err != nil {
			t.Fatal(err)
		}
		p.well() // nobody has noticed
		if err := b.Stop(); err != nil {
			t.Fatal(err)
		}
		p.user, p.password = b.User() // a session that is open outlives its Dovecot
		p.unavailable(listing)
		p.unavailable(putOld)
		p.gateway.await(`(connection refused)`)
		if err := b.Restart(); err != nil {
			t.Fatal(err)
		}
		p.well()
	})
}

// onDovecotFirst runs what is on the gateway's side of the wire, and takes the time that it waits: without TEST_LONG on Dovecot
// only.
func onDovecotFirst(t *testing.T, f func(t *testing.T, b *backends.Server)) {
	t.Helper()
	if os.Getenv("TEST_LONG") == "1" {
		backends.OnEach(t, backends.Options{}, f)
		return
	}
	backends.LeaveOut("a silent and a slow server that is no Dovecot: need TEST_LONG=1")
	f(t, backends.Dovecot(t, backends.Options{}))
}

// A server that stops talking costs the time that it is allowed, at each command.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	onDovecotFirst(t, func(t *testing.T, b *backends.Server) {
		sound := newPatient(t, b, b.URL())
		sound.well()
		for _, command := range []string{"SELECT", "UID FETCH", "LIST", "AUTHENTICATE"} {
			t.Run(command, func(t *testing.T) {
				wire := faulty.New(t, b.Addr)
				p := newPatient(t, b, wire.URL())
				p.user, p.password = sound.user, sound.password
				silence := faulty.Fault{At: faulty.AfterSent, Command: "^" + command, Stall: true}
				silence.Do = func() { wire.Set(silence) } // a look is repeated once, on a new session
				wire.Set(silence)
				p.unavailable(listing)
				p.gateway.await(`(timeout|too long)`)
				wire.Clear()
				p.well()
			})
		}
	})
}

// A write whose answer never comes is looked for.
func TestSilentServerInAWrite(t *testing.T) {
	t.Parallel()
	onDovecotFirst(t, func(t *testing.T, b *backends.Server) {
		for name, at := range map[string]faulty.Point{"not stored": faulty.InLiteral, "stored": faulty.AfterSent} {
			t.Run(name, func(t *testing.T) {
				wire := faulty.New(t, b.Addr)
				p := newPatient(t, b, wire.URL())
				p.must(t, listing)
				wire.Set(faulty.Fault{At: at, Command: "^APPEND", Stall: true})
				if at == faulty.InLiteral {
					p.unavailable(putOld)
					p.gateway.await(`(timeout)`)
				} else {
					p.must(t, putOld)
				}
				wire.Await(t)
				p.well()
			})
		}
	})
}

// A server that accepts connections and never greets.
func TestServerWithoutGreeting(t *testing.T) {
	t.Parallel()
	onDovecotFirst(t, func(t *testing.T, b *backends.Server) {
		var mute atomic.Bool
		mute.Store(true)
		addr := relay(t, b.Addr, nil, func(to io.Writer, from io.Reader) {
			if mute.Load() {
				_, _ = io.Copy(io.Discard, from)
				return
			}
			_, _ = io.Copy(to, from)
		})
		p := newPatient(t, b, "imap://"+addr)
		p.unavailable(listing)
		p.gateway.await(`(timeout|too long)`)
		mute.Store(false)
		p.well()
	})
}

// A server that is slow, but never silent for as long as it is allowed to be, is waited for.
func TestSlowServer(t *testing.T) {
	t.Parallel()
	onDovecotFirst(t, func(t *testing.T, b *backends.Server) {
		addr := relay(t, b.Addr, nil, func(to io.Writer, from io.Reader) {
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			piece := make([]byte, 8)
			for {
				n, err := from.Read(piece)
				if err != nil {
					return
				}
				<-tick.C
				if _, err := to.Write(piece[:n]); err != nil {
					return
				}
			}
		})
		p := newPatient(t, b, "imap://"+addr, "-imap-login-timeout", "20s")
		start := time.Now()
		p.well()
		if took := time.Since(start); took < 3*time.Second {
			t.Errorf("it took %v: that is not slow", took)
		}
	})
}

// A certificate that has expired makes the mail server unavailable, and no password goes to it.
func TestExpiredCertificate(t *testing.T) {
	t.Parallel()
	backends.OnEach(t, backends.Options{}, func(t *testing.T, b *backends.Server) {
		now := time.Now()
		expired, expiredPEM := certificate(t, now.Add(-48*time.Hour), now.Add(-24*time.Hour))
		good, goodPEM := certificate(t, now.Add(-time.Hour), now.Add(time.Hour))
		roots := filepath.Join(t.TempDir(), "roots.pem")
		if err := os.WriteFile(roots, append(expiredPEM, goodPEM...), 0o600); err != nil {
			t.Fatal(err)
		}
		var current atomic.Pointer[tls.Certificate]
		current.Store(expired)
		config := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return current.Load(), nil }}
		addr := relay(t, b.Addr, config, func(to io.Writer, from io.Reader) { _, _ = io.Copy(to, from) })
		p := newPatient(t, b, "imaps://"+addr, "-imap-ca", roots)
		p.unavailable(listing)
		p.gateway.await(`(certificate has expired)`)
		current.Store(good)
		p.well()
	})
}

// A server that takes no more connections of a user makes that user wait, and nobody lose a password.
func TestConnectionLimit(t *testing.T) {
	t.Parallel()
	for name, limited := range map[string]struct {
		start   func(testing.TB, backends.Options) *backends.Server
		options backends.Options
		cause   string // in the log
	}{
		"dovecot": {backends.Dovecot, backends.Options{Extra: "mail_max_userip_connections = 1"}, `(mail_max_userip_connections)`},
		"cyrus":   {backends.Cyrus, backends.Options{Extra: "maxlogins_per_user: 1"}, `(Too many open connections)`},
		"courier": {backends.Courier, backends.Options{PerAddress: 1}, `(without a greeting)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := limited.start(t, limited.options)
			p := newPatient(t, b, b.URL())
			phone, err := backends.Dial(b.Addr) // another program of the same user
			if err != nil {
				t.Fatal(err)
			}
			defer phone.Close()
			if err := phone.Login(p.user, p.password).Wait(); err != nil {
				t.Fatal(err)
			}
			p.unavailable(listing)
			p.unavailable(putOld)
			p.gateway.await(limited.cause)
			if err := phone.Logout().Wait(); err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(crashPatience); p.ask(listing).status != 207; { // the server counts down when the process has ended
				if time.Now().After(end) {
					t.Fatal("the other session has ended, and the gateway still cannot log in")
				}
			}
			p.well()
		})
	}
}

// Who has reached the quota is told so, the log too, and when there is room again everything works.
func TestQuotaReached(t *testing.T) {
	t.Parallel()
	backends.OnEach(t, backends.Options{Quota: fmt.Sprintf("*:messages=%d", quotaMessages)}, func(t *testing.T, b *backends.Server) {
		p := newPatient(t, b, b.URL())
		full := 0
		for i := range quotaMessages + 1 {
			name := string(rune('f' + i))
			if full = p.ask(request{"PUT", "/CalDAV/Calendar/" + name + ".ics", nil, displaced(name)}).status; full != 201 {
				break
			}
		}
		if full != 507 {
			t.Errorf("over quota: %d", full)
		}
		p.gateway.await(`(over quota)`)
		p.must(t, request{"DELETE", "/CalDAV/Calendar/f.ics", nil, ""})
		p.well()
	})
}

// relay passes connections to target, under TLS where there is a configuration. pass moves what the server says.
func relay(t *testing.T, target string, config *tls.Config, pass func(to io.Writer, from io.Reader)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if config != nil {
		ln = tls.NewListener(ln, config)
	}
	var group sync.WaitGroup
	var open sync.Map
	group.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", target)
			if err != nil {
				client.Close()
				continue
			}
			open.Store(client, nil)
			group.Go(func() {
				defer server.Close()
				_, _ = io.Copy(server, client)
			})
			group.Go(func() {
				defer client.Close()
				pass(client, server)
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		open.Range(func(c, _ any) bool { c.(net.Conn).Close(); return true })
		group.Wait()
	})
	return ln.Addr().String()
}

// certificate makes a self-signed one for the loopback.
func certificate(t *testing.T, from, to time.Time) (*tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(from.Unix()), NotBefore: from, NotAfter: to, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
