package backends

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// Memory starts the embedded store of go-imap. It stands for a weak server: no ACL, METADATA, CONDSTORE, MULTIAPPEND. It
// keeps a literal that was cut in the middle, so tests of crashes cannot use it.
func Memory(t testing.TB) *Server {
	t.Helper()
	b := &memory{store: imapmemserver.New()}
	for _, user := range Users {
		b.addUser(user)
	}
	s := &Server{Name: "memory", backend: b}
	if err := b.start(); err != nil {
		t.Fatalf("embedded store: %v", err)
	}
	s.Addr = b.addr
	s.watch(t)
	return s
}

type memory struct {
	store *imapmemserver.Server
	addr  string // "" before the first start

	mu       sync.Mutex
	server   *imapserver.Server // nil while stopped; guarded by mu, as what follows
	listener net.Listener
	done     chan error // what Serve returned
}

func (b *memory) start() error {
	listen := listenSomewhere
	if b.addr != "" {
		listen = func() (net.Listener, error) { return net.Listen("tcp", b.addr) }
	}
	ln, err := listen()
	if err != nil {
		return err
	}
	b.addr = ln.Addr().String()
	server := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return b.store.NewSession(), nil, nil
		},
		// Without IMAP4rev2: the client library speaks UTF-8 to a server that only offers it.
		Caps: imap.CapSet{
			imap.CapIMAP4rev1: {}, imap.CapNamespace: {}, imap.CapUnselect: {}, imap.CapUIDPlus: {}, imap.CapESearch: {},
			imap.CapListExtended: {}, imap.CapListStatus: {}, imap.CapMove: {}, imap.CapIdle: {}, imap.CapEnable: {},
			imap.CapLiteralMinus: {}, imap.CapSASLIR: {}, imap.CapStatusSize: {}, imap.CapSearchRes: {},
		},
		InsecureAuth: true,
	})
	done := make(chan error, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.server, b.listener, b.done = server, ln, done
	go func() { done <- server.Serve(ln) }()
	return awaitGreeting(b.addr, 20*time.Second) // closing a server whose Serve has not begun is a race in it
}

func (b *memory) stop(bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.server == nil {
		return nil
	}
	err := b.server.Close()
	b.listener.Close() // a server closed before Serve has begun leaves it open
	<-b.done           // it says that it was closed
	b.server = nil
	return err
}

func (b *memory) addUser(name string) {
	user := imapmemserver.NewUser(name, Password(name))
	if err := user.Create("INBOX", nil); err != nil {
		panic(err) // a new user has no mailbox that could be in the way
	}
	b.store.AddUser(user)
}

func (b *memory) home(string) string { return "" }
func (b *memory) log() string        { return "" }
