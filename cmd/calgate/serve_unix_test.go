//go:build unix

package main

import (
	"crypto/tls"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestCertificateRenewal: SIGHUP reads the files again; broken ones leave the old certificate.
func TestCertificateRenewal(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, cert, key, 1)
	log := make(lines, 100)
	get, err := renewing(t.Context(), cert, key, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		c, err := get(&tls.ClientHelloInfo{})
		if err != nil {
			t.Fatal(err)
		}
		return c.Leaf.SerialNumber.Int64()
	}
	hangUp := func() {
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	writeCertificate(t, cert, key, 2)
	if serial() != 1 {
		t.Error("the certificate changed without a signal")
	}
	hangUp()
	log.await(t, "certificate renewed")
	if serial() != 2 {
		t.Error("SIGHUP did not renew the certificate")
	}
	if err := os.WriteFile(cert, []byte("half a fi"), 0o600); err != nil {
		t.Fatal(err)
	}
	hangUp()
	log.await(t, "not renewed")
	if serial() != 2 {
		t.Error("a broken file took the certificate away")
	}
}
