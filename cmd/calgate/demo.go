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
)

// The two people of the demo; each one's name is the password. demo shares demoTeam with guest.
const (
	demoUser  = "demo"
	demoGuest = "guest"
	demoTeam  = "Team"
)

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
	return serveOn(ctx, handler, listeners, demoDrain, gateway.ServerOptions{Logger: logger})
}

// demoIMAP is the embedded store. IMAP4rev2 is not offered: go-imap's client sends mailbox names as UTF-8 to a server that
// merely offers it.
func demoIMAP() *imapserver.Server {
	store := newDemoStore(demoUser, demoGuest)
	return imapserver.New(&imapserver.Options{
		NewSession: func(c *imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			s := &demoSession{store: store}
			if conn, ok := c.NetConn().(*aclConn); ok {
				conn.session = s
			}
			return s, nil, nil
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
	guest, err := calendars.Login(ctx, demoGuest, demoGuest)
	if err != nil {
		return err
	}
	defer guest.Close()
	if _, err := guest.CreateDefaults(ctx); err != nil {
		return err
	}
	account, err := calendars.Login(ctx, demoUser, demoUser)
	if err != nil {
		return err
	}
	defer account.Close()
	home, err := account.CreateDefaults(ctx)
	if err != nil {
		return err
	}
	team, err := account.Create(ctx, []string{demoTeam}, calendar.Events, nil)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		calendar calendar.Calendar
		samples  []sample
	}{{home.DefaultCalendar(), sampleEvents(now)}, {home.DefaultTasks(), sampleTasks(now)}, {team, sampleTeam(now)}} {
		if err := put(ctx, account, part.calendar, part.samples); err != nil {
			return err
		}
	}
	view, err := account.Open(ctx, team)
	if err != nil {
		return err
	}
	return view.Share(ctx, []calendar.Grant{{
		Principal:  calendar.Principal{Kind: calendar.UserPrincipal, Name: demoGuest},
		Privileges: []calendar.Privilege{calendar.Read, calendar.WriteContent, calendar.Bind, calendar.Unbind},
	}})
}

func put(ctx context.Context, account *calendar.Account, c calendar.Calendar, samples []sample) error {
	view, err := account.Open(ctx, c)
	if err != nil {
		return err
	}
	for _, s := range samples {
		object, err := translate.ParseObject(s.octets())
		if err == nil {
			_, err = view.Put(ctx, s.name, object, calendar.Condition{})
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func announce(c *config, addr string) {
	base := "http://" + addr
	fmt.Fprintf(c.stdout, strings.ReplaceAll(`calgate demo: user demo, password demo. Nothing is kept: all of it is gone when this process ends.
A second person, user guest, password guest, sees demo's calendar Team beside the own ones, and may write there.

  Thunderbird     New Calendar, On the Network: user name demo, location
                  BASE/
  Apple Calendar  Add Account, Other CalDAV Account, Advanced: user name demo, server 127.0.0.1,
                  path /CalDAV/~demo/, port %s, no SSL
  DAVx5           Login with URL and user name (from an emulator or over adb reverse):
                  BASE/
  curl            curl -u demo:demo -X PROPFIND -H 'Depth: 1' BASE/CalDAV/~demo/
                  curl -u demo:demo BASE/CalDAV/~demo/Calendar/standup.ics
                  curl -u guest:guest BASE/CalDAV/~guest/~demo:Team/

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
	case w.waiting <- newACLConn(newBuffered(server)):
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
