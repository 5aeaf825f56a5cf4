package backends

import (
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// MeanOptions choose how mean a server is.
type MeanOptions struct {
	Seed    uint64
	UIDPlus bool // the only extension that it may have
	Ends    bool // a connection ends in the middle of a command that only reads, before it or within its answer; the user's next one does not
}

// Mean starts a server that does whatever RFC 3501 lets a server do, over the store of Memory. To programs at URL it
//
//   - has no extension (but UIDPLUS, if wanted), answers none, and fails the test when one is used all the same;
//   - writes in pieces of few octets, and says before any answer what nobody asked for: counts, flags, FETCH of flags,
//     codes and responses that no RFC knows;
//   - shows a session what others did, and what it did itself, only after its next NOOP (Dovecot and Courier are so), while
//     STATUS tells the truth at once; UIDNEXT is missing in some answers to SELECT (Courier);
//   - says OK to the first STORE of a user and does nothing, as Dovecot and Courier do without the right;
//   - ends a connection whose selected mailbox was deleted at its next NOOP, others where Interrupt says so, and, if wanted, any
//     while it is being read from.
//
// What it does depends on the seed, and on the how many-th connection of its user it is, on nothing else. At Addr is the
// sound server with the same mail.
func Mean(t testing.TB, o MeanOptions) *Server {
	t.Helper()
	s := Memory(t)
	m := &mean{t: t, o: o, store: s.backend.(*memory).store, conns: map[*meanConn]string{}, seen: map[string]uint64{}, stored: map[string]bool{}, spared: map[string]bool{}}
	ln, err := listenSomewhere()
	if err != nil {
		t.Fatal(err)
	}
	s.Name, s.mean, s.meanAddr = "mean", m, ln.Addr().String()
	server := imapserver.New(&imapserver.Options{
		NewSession: func(c *imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return &meanSession{Session: m.store.NewSession(), m: m, conn: c.NetConn().(*meanConn)}, nil, nil
		},
		Caps:         imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapUIDPlus: {}},
		InsecureAuth: true,
		Logger:       log.New(io.Discard, "", 0), // each connection that it ends would be told
	})
	done := make(chan error, 1)
	go func() { done <- server.Serve(meanListener{ln, m}) }()
	t.Cleanup(func() {
		server.Close()
		ln.Close()
		<-done
	})
	return s
}

// Interrupt ends some of the connections that a user's programs have open at Mean, at the first command that they send from
// now on. On other servers it does nothing.
func (s *Server) Interrupt(user string) {
	if s.mean == nil {
		return
	}
	s.mean.mu.Lock()
	defer s.mean.mu.Unlock()
	for c, u := range s.mean.conns {
		if u == user {
			c.interrupt()
		}
	}
}

// IsMean tells whether Interrupt does anything.
func (s *Server) IsMean() bool { return s.mean != nil }

type mean struct {
	t     testing.TB
	o     MeanOptions
	store *imapmemserver.Server

	mu     sync.Mutex // guards what follows
	conns  map[*meanConn]string
	seen   map[string]uint64 // connections of each user so far
	stored map[string]bool   // users whose first STORE was ignored
	spared map[string]bool   // users of whom a connection was ended: the next one is let be
}

// violation is a program that uses what is not offered.
func (m *mean) violation(command string) {
	m.t.Errorf("the mail server does not offer what is used in %q", command)
}

// spare lets the user's next connection be.
func (m *mean) spare(user string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.spared[user] = true
}

type meanListener struct {
	net.Listener
	m *mean
}

func (l meanListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	x := newMeanConn(c, l.m)
	l.m.mu.Lock()
	l.m.conns[x] = ""
	l.m.mu.Unlock()
	return x, nil
}

// meanSession is a session whose view of the selected mailbox moves at NOOP only. What came since has no number in it, and
// must not be found by UID either.
type meanSession struct {
	imapserver.Session
	m       *mean
	conn    *meanConn
	user    string
	mailbox string
	valid   uint32   // UIDVALIDITY of the selected mailbox
	next    imap.UID // UIDs from here on are not in the view
}

func (s *meanSession) Login(user, password string) error {
	if err := s.Session.Login(user, password); err != nil {
		return err
	}
	s.user = user
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.seen[user]++
	s.m.conns[s.conn] = user
	s.conn.begins(user, s.m.seen[user], s.m.o.Ends && !s.m.spared[user])
	s.m.spared[user] = false
	return nil
}

// refresh moves the view; false where the mailbox is no longer the one that was selected.
func (s *meanSession) refresh() bool {
	data, err := s.Session.Status(s.mailbox, &imap.StatusOptions{UIDNext: true, UIDValidity: true})
	if err != nil || data.UIDValidity != s.valid {
		return false
	}
	s.next = data.UIDNext
	return true
}

func (s *meanSession) Select(mailbox string, o *imap.SelectOptions) (*imap.SelectData, error) {
	s.mailbox = ""
	data, err := s.Session.Select(mailbox, o)
	if err != nil {
		return nil, err
	}
	s.mailbox, s.valid, s.next = mailbox, data.UIDValidity, data.UIDNext
	return data, nil
}

func (s *meanSession) Unselect() error {
	s.mailbox = ""
	return s.Session.Unselect()
}

func (s *meanSession) Poll(w *imapserver.UpdateWriter, expunges bool) error {
	if s.mailbox == "" || s.conn.command != "NOOP" {
		return nil
	}
	if !s.refresh() {
		// Deleted under the session. The store would go on showing it; a server that has nothing left to show ends the
		// session (RFC 2180 section 3.3), here without a word.
		return s.conn.Conn.Close()
	}
	return s.Session.Poll(w, expunges)
}

// clip takes out of a set what is not in the view.
func (s *meanSession) clip(set imap.NumSet) imap.NumSet {
	uids, ok := set.(imap.UIDSet)
	if !ok {
		return set
	}
	var out imap.UIDSet
	for _, r := range uids {
		if r.Start == 0 || r.Stop == 0 {
			r.Stop = s.next - 1
			r.Start = min(r.Start, r.Stop)
		}
		if r.Start = max(r.Start, 1); r.Start < s.next {
			out = append(out, imap.UIDRange{Start: r.Start, Stop: min(r.Stop, s.next-1)})
		}
	}
	return out
}

func (s *meanSession) Fetch(w *imapserver.FetchWriter, set imap.NumSet, o *imap.FetchOptions) error {
	set = s.clip(set)
	if uids, ok := set.(imap.UIDSet); ok && len(uids) == 0 {
		return nil
	}
	return s.Session.Fetch(w, set, o)
}

func (s *meanSession) Search(kind imapserver.NumKind, c *imap.SearchCriteria, o *imap.SearchOptions) (*imap.SearchData, error) {
	view := imap.UIDSet{imap.UIDRange{Start: 1, Stop: s.next - 1}}
	if s.next <= 1 {
		view = imap.UIDSet{imap.UIDRange{Start: 1<<32 - 1, Stop: 1<<32 - 1}}
	}
	clipped := *c
	clipped.UID = append(slices.Clone(c.UID), view)
	return s.Session.Search(kind, &clipped, o)
}

func (s *meanSession) Store(w *imapserver.FetchWriter, set imap.NumSet, flags *imap.StoreFlags, o *imap.StoreOptions) error {
	s.m.mu.Lock()
	first := !s.m.stored[s.user]
	s.m.stored[s.user] = true
	s.m.mu.Unlock()
	set = s.clip(set)
	if uids, ok := set.(imap.UIDSet); first || ok && len(uids) == 0 {
		return nil
	}
	return s.Session.Store(w, set, flags, o)
}

func (s *meanSession) Close() error {
	s.m.mu.Lock()
	delete(s.m.conns, s.conn)
	s.m.mu.Unlock()
	return s.Session.Close()
}

// dice gives the connection n of a user its own sequence.
func dice(seed, n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, n)) }

// noises are responses that a server may send at any time. %d is the number of messages in the view.
var noises = []string{
	"* OK [X-MEAN \"a ] b\" {7}] hello {5}\r\n",
	"* OK\r\n",
	"* OK [ALERT] the disk is \xe4lmost full\r\n",
	"* %d EXISTS\r\n",
	"* 0 RECENT\r\n",
	"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded)\r\n",
	"* OK [PERMANENTFLAGS (\\Deleted \\*)] limited\r\n",
	"* OK [HIGHESTMODSEQ 715194045007] high\r\n",
	"* X-VENDOR 1 (a \"b\" {4}\r\n\r\n)\" NIL)\r\n",
	"* ESEARCH (TAG \"zz\") UID\r\n",
	"* STATUS \"No such mailbox\" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 1)\r\n",
	"* ID NIL\r\n",
}

// noisesOfView need a message in the view.
var noisesOfView = []string{
	"* %d FETCH (FLAGS (\\Seen $Label))\r\n",
	"* %d FETCH (MODSEQ (624140003) X-GM-MSGID 12 FLAGS (\\Seen))\r\n",
}

func noise(r *rand.Rand, messages uint32) string {
	all := noises
	if messages > 0 && r.IntN(3) == 0 {
		all = noisesOfView
	}
	line := all[r.IntN(len(all))]
	if len(line) > 3 && line[2] == '%' {
		return fmt.Sprintf(line, messages)
	}
	return line
}
