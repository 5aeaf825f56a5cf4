package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"calgate/gateway"
	"calgate/gateway/calendar"
	"calgate/imapstore"
	"calgate/translate"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// demoUser is the only account of the demo, and its password.
const demoUser = "demo"

// demoDrain is short: nothing of the demo is kept, so nothing is lost.
const demoDrain = 2 * time.Second

// demo serves a mail store that lives in this process, filled with a week of sample events.
func demo(ctx context.Context, c *config) error {
	logger := c.logger()
	wire := newWire()
	imapServer := demoIMAP()
	served := make(chan error, 1)
	go func() { served <- imapServer.Serve(wire) }()
	store := imapstore.New(imapstore.Options{Host: "demo", Security: imapstore.Cleartext, Dial: wire.Dial, Logger: logger})
	defer func() {
		store.Close()
		imapServer.Close()
		<-served
	}()
	calendars := calendar.New(store, calendar.Options{Autocreate: true, Logger: logger})
	if err := fill(ctx, calendars, time.Now()); err != nil {
		return fmt.Errorf("sample events: %w", err)
	}
	listeners, err := c.listeners(ctx, logger)
	if err != nil {
		return err
	}
	announce(c, listeners[0].Addr().String())
	handler := gateway.New(gateway.Options{Calendar: calendars, Logger: logger})
	return serveOn(ctx, handler, listeners, demoDrain, logger)
}

// demoIMAP is the embedded store. IMAP4rev2 is not offered: go-imap's client sends mailbox names as UTF-8 to a server that
// merely offers it.
func demoIMAP() *imapserver.Server {
	users := imapmemserver.New()
	user := imapmemserver.NewUser(demoUser, demoUser)
	if err := user.Create("INBOX", nil); err != nil {
		panic(err) // a new user has no mailbox that could be in the way
	}
	users.AddUser(user)
	return imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return users.NewSession(), nil, nil
		},
		Caps: imap.CapSet{
			imap.CapIMAP4rev1: {}, imap.CapNamespace: {}, imap.CapUnselect: {}, imap.CapUIDPlus: {}, imap.CapESearch: {},
			imap.CapListExtended: {}, imap.CapListStatus: {}, imap.CapMove: {}, imap.CapEnable: {}, imap.CapLiteralMinus: {},
			imap.CapSASLIR: {},
		},
		InsecureAuth: true, // the wire never leaves the process
	})
}

// fill writes the sample objects the way a calendar program does: through the gateway's own rooms.
func fill(ctx context.Context, calendars *calendar.Server, now time.Time) error {
	account, err := calendars.Login(ctx, demoUser, demoUser)
	if err != nil {
		return err
	}
	defer account.Close()
	home, err := account.CreateDefaults(ctx)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		calendar calendar.Calendar
		samples  []sample
	}{{home.DefaultCalendar(), sampleEvents(now)}, {home.DefaultTasks(), sampleTasks(now)}} {
		view, err := account.Open(ctx, part.calendar)
		if err != nil {
			return err
		}
		for _, s := range part.samples {
			object, err := translate.ParseObject([]byte(s.body))
			if err == nil {
				_, err = view.Put(ctx, s.name, object, calendar.Condition{})
			}
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	return nil
}

func announce(c *config, addr string) {
	base := "http://" + addr
	fmt.Fprintf(c.stdout, strings.ReplaceAll(`calgate demo: user demo, password demo. Nothing is kept: all of it is gone when this process ends.

  Thunderbird     New Calendar, On the Network: user name demo, location
                  BASE/
  Apple Calendar  Add Account, Other CalDAV Account, Advanced: user name demo, server 127.0.0.1,
                  path /CalDAV/~demo/, port %s, no SSL
  DAVx5           Login with URL and user name (from an emulator or over adb reverse):
                  BASE/
  curl            curl -u demo:demo -X PROPFIND -H 'Depth: 1' BASE/CalDAV/~demo/
                  curl -u demo:demo BASE/CalDAV/~demo/Calendar/standup.ics

Ctrl-C ends it.
`, "BASE", base), addr[strings.LastIndexByte(addr, ':')+1:])
}

// wire is a net.Listener whose connections never leave the process.
type wire struct {
	waiting chan net.Conn
	closed  chan struct{}
}

func newWire() *wire { return &wire{waiting: make(chan net.Conn), closed: make(chan struct{})} }

var errWireClosed = errors.New("demo store: closed")

// Dial connects to the embedded store.
func (w *wire) Dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case w.waiting <- newBuffered(server):
		return client, nil
	case <-w.closed:
		return nil, errWireClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (w *wire) Accept() (net.Conn, error) {
	select {
	case conn := <-w.waiting:
		return conn, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error {
	close(w.closed)
	return nil
}

func (w *wire) Addr() net.Addr { return &net.UnixAddr{Name: "demo", Net: "unix"} }
