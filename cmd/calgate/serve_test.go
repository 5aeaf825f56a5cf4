package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"calgate/gateway"
	"calgate/translate"
)

// lines is a log that a test waits for, line by line.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(bytes.TrimSpace(p))
	return len(p), nil
}

func (l lines) await(t *testing.T, part string) {
	t.Helper()
	for limit := time.After(30 * time.Second); ; {
		select {
		case line := <-l:
			if strings.Contains(line, part) {
				return
			}
		case <-limit:
			t.Fatalf("nothing logged about %q", part)
		}
	}
}

// TestDrain: when the context ends, a request that runs is answered, and a new connection is not taken, on no listener.
func TestDrain(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, certFile, keyFile, 1)
	for _, scheme := range []string{"http", "https"} {
		for _, major := range []int{1, 2} {
			if scheme == "https" || major == 1 {
				t.Run(fmt.Sprint(scheme, major), func(t *testing.T) { testDrain(t, scheme, major, certFile, keyFile) })
			}
		}
	}
}

func testDrain(t *testing.T, scheme string, major int, certFile, keyFile string) {
	log := make(lines, 100)
	logger := slog.New(slog.NewTextHandler(log, nil))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := config{listen: "127.0.0.1:0", listenTLS: "127.0.0.1:0", tlsCert: certFile, tlsKey: keyFile}
	listeners, err := c.listeners(ctx, logger)
	if err != nil {
		t.Fatal(err)
	}
	address := ""
	for _, l := range listeners {
		if l.scheme == scheme {
			address = l.Addr().String()
		}
	}
	begun, goOn := make(chan struct{}), make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != major {
			t.Errorf("the request is %s", r.Proto)
		}
		close(begun)
		<-goOn
		_, _ = io.WriteString(w, "done")
	})
	ended := make(chan error, 1)
	go func() {
		ended <- serveOn(ctx, handler, listeners, 30*time.Second, gateway.ServerOptions{Logger: logger})
	}()
	transport := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	transport.Protocols.SetHTTP1(major == 1)
	transport.Protocols.SetHTTP2(major == 2)
	defer transport.CloseIdleConnections()
	answered := make(chan string, 1)
	go func() {
		answer, err := (&http.Client{Transport: transport}).Get(scheme + "://" + address)
		if err != nil {
			answered <- err.Error()
			return
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		answered <- string(body)
	}()
	<-begun
	cancel()
	log.await(t, "draining")
	close(goOn)
	if got := <-answered; got != "done" {
		t.Errorf("the running request was answered %q", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("a drain is no error: %v", err)
	}
	for _, l := range listeners {
		if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
			t.Error("a connection was taken after the end")
		}
	}
}

// TestDrainHasALimit: a request that never ends is cut.
func TestDrainHasALimit(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	begun := make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- serveOn(ctx, handler, []listener{{ln, "http", nil}}, time.Millisecond, gateway.ServerOptions{Logger: slog.New(slog.DiscardHandler)})
	}()
	failed := make(chan error, 1)
	go func() {
		_, err := http.Get("http://" + ln.Addr().String())
		failed <- err
	}()
	<-begun
	cancel()
	if err := <-failed; err == nil {
		t.Error("the request was answered")
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func writeCertificate(t *testing.T, certFile, keyFile string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBufferedPipe: two ends that both write before they read do not wait for each other.
func TestBufferedPipe(t *testing.T) {
	near, far := net.Pipe()
	server := newBuffered(far)
	payload := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	if _, err := server.Write(payload); err != nil { // nobody reads yet
		t.Fatal(err)
	}
	got := make([]byte, len(payload))
	if _, err := io.ReadFull(near, got); err != nil || !bytes.Equal(got, payload) {
		t.Fatalf("other octets came: %v", err)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if _, err := server.Write([]byte("x")); err == nil {
		t.Error("a write after the close")
	}
	if _, err := near.Read(got); err == nil {
		t.Error("the other end does not see the close")
	}
}

// TestSamples: the demo's samples are valid and lie around today, on any day of the week.
func TestSamples(t *testing.T) {
	for day := range 7 {
		now := time.Date(2026, 11, 25+day, 23, 30, 0, 0, time.UTC)
		for _, s := range slices.Concat(sampleEvents(now), sampleTasks(now), sampleTeam(now)) {
			o, err := translate.ParseObject(s.octets())
			if err != nil {
				t.Errorf("%s: %v", s.name, err)
				continue
			}
			if from, to := now.AddDate(0, 0, -7).Unix(), now.AddDate(0, 0, 7).Unix(); !o.Span.MayOverlap(from, to) {
				t.Errorf("%s is not in the week around %v: %v", s.name, now, o.Span)
			}
		}
	}
}
