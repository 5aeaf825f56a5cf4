package gateway

import (
	"cmp"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// maxHeader limits the request line and the header section, in octets.
const maxHeader = 64 << 10

// Times of a connection.
const (
	headerTimeout = 10 * time.Second // of a header section, and of a TLS handshake
	idleTimeout   = 2 * time.Minute
)

// Server serves HTTP with limits that a slow or hostile peer cannot stretch. Whatever
// it refuses has an XML body and an access line, also where net/http does not take it
// for a request and asks no handler; see conn.
type Server struct {
	http   *http.Server
	tls    *tls.Config // nil: cleartext
	logger *slog.Logger
}

// ServerOptions say how a server speaks with its peers.
type ServerOptions struct {
	TLS      *tls.Config   // nil: cleartext
	Progress time.Duration // that of the handler's Options
	Logger   *slog.Logger  // nil: slog.Default()
}

// NewServer returns a server around the handler: of HTTP/1.1, and with a TLS
// configuration of HTTP/1.1 and HTTP/2 over TLS, with Request.TLS nil all the same.
// A large answer may take its time: what counts is progress, and the handler watches
// that itself. net/http's own answer to "OPTIONS *" would know neither login nor
// "Connection: close".
func NewServer(h http.Handler, o ServerOptions) *Server {
	logger := cmp.Or(o.Logger, slog.Default())
	s := &Server{logger: logger}
	s.http = &http.Server{
		Handler: beginAnswer(h), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ReadTimeout: never, WriteTimeout: never,
		DisableGeneralOptionsHandler: true, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		// There is no other way from a request to its connection.
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		ConnState:   endAnswer,
	}
	if o.TLS != nil {
		s.tls = o.TLS.Clone()
		s.tls.NextProtos = []string{"h2", "http/1.1"}
		if strings.Contains(os.Getenv("GODEBUG"), "http2server=0") { // net/http obeys it
			s.tls.NextProtos = s.tls.NextProtos[1:]
		}
		// To net/http a connection that is not a *tls.Conn is unencrypted, and where HTTP/2 is allowed on those it tells
		// the two protocols apart by HTTP/2's preface.
		s.http.Protocols = new(http.Protocols)
		s.http.Protocols.SetHTTP1(true)
		s.http.Protocols.SetUnencryptedHTTP2(true)
		s.http.HTTP2 = &http.HTTP2Config{
			MaxEncoderHeaderTableSize: 1, // see frames
			// The deadline of a handler resets its stream, which a connection that takes nothing does not take, either.
			WriteByteTimeout: cmp.Or(o.Progress, progress),
		}
	}
	return s
}

// Serve answers on the listener until Shutdown or Close; then the error is
// http.ErrServerClosed. It closes the listener.
func (s *Server) Serve(l net.Listener) error { return s.http.Serve(listener{l, s}) }

// Shutdown takes no new connection and waits until every request is answered, or the
// context ends.
func (s *Server) Shutdown(ctx context.Context) error { return s.http.Shutdown(ctx) }

// Close cuts every connection.
func (s *Server) Close() error { return s.http.Close() }

type listener struct {
	net.Listener
	server *Server
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newConn(c, l.server), nil
}
