package faulty_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"calgate/imapstore"
	"calgate/test/backends"
	"calgate/test/faulty"
)

func TestMain(m *testing.M) { os.Exit(backends.Main(m)) }

// TestPoints breaks the second APPEND at each point and looks, past the proxy, what the server has of it.
func TestPoints(t *testing.T) {
	b := backends.Dovecot(t, backends.Options{Format: "sdbox"})
	direct := login(t, b.URL(), "alice", 0)
	if err := direct.Create(t.Context(), "Calendar"); err != nil {
		t.Fatal(err)
	}
	message := imapstore.Outgoing{Octets: []byte("Subject: x\r\n\r\nAPPEND {5}\r\nW1 APPEND INBOX {3}\r\nabc\r\n")}
	stored := uint32(0)
	for _, c := range []struct {
		fault  faulty.Fault
		stores bool
	}{
		{faulty.Fault{At: faulty.Before}, false},
		{faulty.Fault{At: faulty.InLiteral}, false},
		{faulty.Fault{At: faulty.InLiteral, Offset: 1}, false},
		{faulty.Fault{At: faulty.InLiteral, Offset: -3}, false},
		{faulty.Fault{At: faulty.AllButOne}, false},
		{faulty.Fault{At: faulty.AfterSent}, true},
		{faulty.Fault{At: faulty.Answered}, true},
		{faulty.Fault{At: faulty.Before, Stall: true}, false},
		{faulty.Fault{At: faulty.Answered, Stall: true}, true},
	} {
		p := faulty.New(t, b.Addr)
		s := login(t, p.URL(), "alice", 2*time.Second)
		done := false
		c.fault.Command, c.fault.N, c.fault.Do = "^APPEND", 2, func() { done = true }
		p.Set(c.fault)
		deadline := time.Now().Add(time.Minute)
		if _, err := s.Append(t.Context(), "Calendar", message, deadline); err != nil {
			t.Fatal(err)
		}
		_, err := s.Append(t.Context(), "Calendar", message, deadline)
		var e *imapstore.Error
		if !errors.As(err, &e) || e.Kind != imapstore.Unavailable || !e.Unknown {
			t.Errorf("%+v: error %v", c.fault, err)
		}
		p.Await(t)
		if !done {
			t.Errorf("%+v: Do was not run", c.fault)
		}
		s.Release()
		p.Close()
		stored++
		if c.stores {
			stored++
		}
		if got := settled(t, direct, stored); got != stored {
			t.Errorf("%+v: %d messages, want %d", c.fault, got, stored)
		}
	}
}

// settled looks until the server has want messages; what was sent before a cut is done a moment later.
func settled(t *testing.T, s *imapstore.Session, want uint32) uint32 {
	t.Helper()
	end := time.Now().Add(20 * time.Second)
	for {
		l, err := s.Look(t.Context(), "Calendar")
		if err != nil {
			t.Fatal(err)
		}
		if l.Messages >= want || time.Now().After(end) {
			return l.Messages
		}
	}
}

// TestSynchronisingLiteral passes literals that wait, and commands that are refused in the place of a literal.
func TestSynchronisingLiteral(t *testing.T) {
	b := backends.Memory(t) // LITERAL- only
	p := faulty.New(t, b.Addr)
	s := login(t, p.URL(), "bob", 0)
	large := imapstore.Outgoing{Octets: append([]byte("Subject: x\r\n\r\n"), make([]byte, 100000)...)}
	deadline := time.Now().Add(time.Minute)
	if _, err := s.Append(t.Context(), "Nowhere", large, deadline); !imapstore.IsKind(err, imapstore.NotFound) {
		t.Fatal(err)
	}
	if err := s.Create(t.Context(), "Calendar"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), "Calendar", large, deadline); err != nil {
		t.Fatal(err)
	}
	n := 0
	for m, err := range s.Messages(t.Context(), "Calendar", []uint32{1}) {
		if err != nil || len(m.Octets) != len(large.Octets) {
			t.Errorf("%d octets, %v", len(m.Octets), err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d messages", n)
	}
	p.CutAll()
	if _, err := s.Append(t.Context(), "Calendar", large, deadline); !imapstore.IsKind(err, imapstore.Unavailable) {
		t.Errorf("after CutAll: %v", err)
	}
	for _, c := range p.Commands() {
		if c == "" || len(c) > 200 {
			t.Errorf("command %q", c)
		}
	}
}

func login(t *testing.T, url, user string, silence time.Duration) *imapstore.Session {
	t.Helper()
	o, err := imapstore.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	o.CommandTimeout = silence
	store := imapstore.New(o)
	t.Cleanup(func() { store.Close() })
	s, err := store.Login(t.Context(), user, backends.Password(user))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Release)
	return s
}
