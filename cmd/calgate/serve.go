package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"calgate/gateway"
	"calgate/gateway/calendar"
	"calgate/imapstore"
)

// gcPercent is GOGC where the environment has none: garbage may take half of what is in use, not as much again as Go's own 100
// allows. A memory limit would not do instead: what is in use goes with the users and their calendars, and below it the limit would
// only make one collection follow the other.
const gcPercent = 50

// serve answers HTTP until the context ends, then lets running requests finish.
func serve(ctx context.Context, c *config) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	logger := c.logger()
	c.imapOptions.Logger = logger
	store := imapstore.New(c.imapOptions)
	defer store.Close()
	handler := gateway.New(gateway.Options{
		Calendar: calendar.New(store, c.calendarOptions(logger)), Domain: c.domains.of,
		Services: gateway.Services(c.realms), Allow: c.allow, Deny: c.deny, DeleteUploadedKinds: c.deleteScope == "uploaded-kinds",
		Logger: logger, Progress: c.progressTimeout,
	})
	if c.tlsCert == "" {
		signal.Ignore(syscall.SIGHUP) // whoever renews certificates everywhere must not end a gateway that has none
	}
	listeners, err := c.listeners(ctx, logger)
	if err != nil {
		return err
	}
	logger.Info("calgate serves", append([]any{
		"version", buildVersion(), "imap", net.JoinHostPort(c.imapOptions.Host, c.imapOptions.Port),
		"imap_security", security(c.imapOptions.Security)}, addresses(listeners)...)...)
	return serveOn(ctx, handler, listeners, c.drainLimit, gateway.ServerOptions{Progress: c.progressTimeout, Logger: logger})
}

func (c *config) calendarOptions(logger *slog.Logger) calendar.Options {
	return calendar.Options{
		DefaultCalendar: c.defaultCalendar, DefaultTasks: c.defaultTasks,
		CalendarRoot: c.calendarRoot, TasksRoot: c.tasksRoot, Calendars: c.calendars, Tasks: c.tasks,
		Shares: shares[c.shares], Autocreate: c.autocreate, Subscribe: c.subscribe, KeepDeleted: c.keepDeleted,
		NoCache: c.noCache, CacheBytes: int64(c.cacheSize), Logger: logger,
	}
}

var shares = map[string]calendar.Shares{"all": calendar.AllShares, "subscribed": calendar.SubscribedShares, "none": calendar.NoShares}

// security is how the start-up line names the state of the connection to the mail server.
func security(s imapstore.Security) string {
	switch s {
	case imapstore.TLS:
		return "TLS"
	case imapstore.STARTTLS:
		return "STARTTLS"
	}
	return "cleartext"
}

// tlsTo is the configuration for a mail server that is trusted by the given roots only.
func tlsTo(host string, roots *x509.CertPool) *tls.Config {
	return &tls.Config{ServerName: host, RootCAs: roots, MinVersion: tls.VersionTLS12}
}

// addresses are the log attributes of what is listened on. The port of ":0" is known only now.
func addresses(listeners []listener) []any {
	var attributes []any
	for _, l := range listeners {
		attributes = append(attributes, l.scheme, l.Addr().String())
	}
	return attributes
}

type listener struct {
	net.Listener
	scheme string // "http" or "https"
	tls    *tls.Config
}

// listeners opens what the configuration asks for. The certificates of a TLS listener are renewed until ctx ends.
func (c *config) listeners(ctx context.Context, logger *slog.Logger) (ls []listener, err error) {
	defer func() {
		for _, l := range ls {
			if err != nil {
				l.Close()
			}
		}
	}()
	var lc net.ListenConfig
	if c.listen != "" {
		l, err := lc.Listen(ctx, "tcp", c.listen)
		if err != nil {
			return ls, fmt.Errorf("-listen: %w", err)
		}
		ls = append(ls, listener{l, "http", nil})
	}
	if c.tlsCert == "" {
		return ls, nil
	}
	certificate, err := renewing(ctx, c.tlsCert, c.tlsKey, logger)
	if err != nil {
		return ls, err
	}
	l, err := lc.Listen(ctx, "tcp", c.listenTLS)
	if err != nil {
		return ls, fmt.Errorf("-listen-tls: %w", err)
	}
	return append(ls, listener{l, "https", &tls.Config{GetCertificate: certificate, MinVersion: tls.VersionTLS12}}), nil
}

// renewing reads the certificate now, and again on each SIGHUP. A broken file changes nothing: the old one serves on.
func renewing(ctx context.Context, certFile, keyFile string, logger *slog.Logger) (func(*tls.ClientHelloInfo) (*tls.Certificate, error), error) {
	var current atomic.Pointer[tls.Certificate]
	first, err := readCertificate(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("-tls-cert, -tls-key: %w", err)
	}
	current.Store(first)
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	go func() { // ends with the command's context
		defer signal.Stop(hangup)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangup:
			}
			next, err := readCertificate(certFile, keyFile)
			if err != nil {
				logger.Error("certificate not renewed, the old one serves on", "file", certFile, "err", err)
				continue
			}
			current.Store(next)
			logger.Info("certificate renewed", "file", certFile, "until", next.Leaf.NotAfter.UTC().Format(time.RFC3339))
		}
	}()
	return func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return current.Load(), nil }, nil
}

func readCertificate(certFile, keyFile string) (*tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	return &cert, nil
}

// serveOn serves until ctx ends, then drains: no new connection, running requests finish within the limit.
func serveOn(ctx context.Context, handler http.Handler, listeners []listener, limit time.Duration, o gateway.ServerOptions) error {
	var servers []*gateway.Server
	ended := make(chan error, len(listeners))
	for _, l := range listeners {
		o.TLS = l.tls
		server := gateway.NewServer(handler, o)
		servers = append(servers, server)
		go func() { ended <- server.Serve(l.Listener) }()
	}
	var failed error
	running := len(listeners)
	select {
	case <-ctx.Done():
		o.Logger.Info("draining", "limit", limit.String())
	case failed = <-ended: // an accept that failed for good
		running--
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	var drained errgroup.Group
	for _, server := range servers {
		drained.Go(func() error { return server.Shutdown(drain) })
	}
	if err := drained.Wait(); err != nil {
		o.Logger.Warn("requests were cut at the end of the drain", "err", err)
		for _, server := range servers {
			server.Close()
		}
	}
	for range running {
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			failed = errors.Join(failed, err)
		}
	}
	if failed == nil {
		o.Logger.Info("calgate has ended")
	}
	return failed
}
