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
	"syscall"
	"testing"
	"time"

	"calgate/test/backends"
)

// newCertificate returns a certificate for 127.0.0.1 with this serial number.
func newCertificate(t testing.TB, serial int64) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// writeCertificate writes a new one and its key.
func writeCertificate(t testing.TB, certFile, keyFile string, serial int64) {
	t.Helper()
	c := newCertificate(t, serial)
	private, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: c.Certificate[0]}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestServeTLS: a process with a certificate serves it, takes up a new one at SIGHUP, keeps it where the next is broken, and
// at SIGTERM answers the request that is under way, takes no other, and exits with 0.
func TestServeTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, cert, key, 1)
	p := serve(t, backends.Memory(t), "-listen-tls", "127.0.0.1:0", "-tls-cert", cert, "-tls-key", key)
	address := strings.TrimPrefix(p.tls, "https://")
	connect := func() (*tls.Conn, int64) {
		t.Helper()
		c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}) // who it is does not matter, the serial number does
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = c.SetDeadline(time.Now().Add(stepLimit))
		return c, c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	serves := func(want int64) {
		t.Helper()
		if _, serial := connect(); serial != want {
			t.Errorf("certificate %d is served, want %d", serial, want)
		}
	}
	hangUp := func(said string) {
		t.Helper()
		if err := p.command.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		p.await(said)
	}
	serves(1)
	writeCertificate(t, cert, key, 2)
	serves(1)
	hangUp(`(certificate renewed)`)
	serves(2)
	h2 := &http.Client{Timeout: stepLimit, Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	options, err := http.NewRequest("OPTIONS", p.tls+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	options.SetBasicAuth("alice", backends.Password("alice"))
	a, err := h2.Do(options) // as DAVx5 asks
	if err != nil {
		t.Fatal(err)
	}
	a.Body.Close()
	if a.StatusCode != 200 || a.ProtoMajor != 2 {
		t.Errorf("%s: %d", a.Proto, a.StatusCode)
	}
	h2.CloseIdleConnections()
	if err := os.WriteFile(cert, []byte("half a fi"), 0o600); err != nil {
		t.Fatal(err)
	}
	hangUp(`(certificate not renewed)`)
	serves(2)

	body := crlf("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nUID:a\nDTSTAMP:20261125T090000Z\nDTSTART:20261125T100000Z\nEND:VEVENT\nEND:VCALENDAR\n")
	request, err := http.NewRequest("PUT", p.tls+"/CalDAV/a.ics", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth("alice", backends.Password("alice"))
	c, _ := connect()
	fmt.Fprintf(c, "PUT /CalDAV/a.ics HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n", request.Header.Get("Authorization"), len(body))
	const goOn = "HTTP/1.1 100 Continue\r\n\r\n"
	if got := make([]byte, len(goOn)); true {
		if _, err := io.ReadFull(c, got); err != nil || string(got) != goOn { // the request has begun
			t.Fatalf("%q %v", got, err)
		}
	}
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.await(`(draining)`)
	_, _ = io.WriteString(c, body)
	answer, err := io.ReadAll(c)
	if !strings.HasPrefix(string(answer), "HTTP/1.1 201 ") {
		t.Errorf("the running request was answered %q, %v", answer, err)
	}
	p.ended = true
	if err := p.command.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	if c, err := net.Dial("tcp", address); err == nil {
		c.Close()
		t.Error("a connection was taken after the end")
	}
}
