package imapstore_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"calgate/imapstore"
	"calgate/test/backends"
	"calgate/test/faulty"
)

func wantConns(t *testing.T, f *fake, want int) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conns != want {
		t.Errorf("%d connections were made, want %d", f.conns, want)
	}
}

// TestPoolReuse: a session that was given back is lent again, to the same login only, the one with the wanted mailbox first.
func TestPoolReuse(t *testing.T) {
	f := &fake{}
	s := f.store(t)
	a, b := fakeLogin(t, s), fakeLogin(t, s)
	look(t, a, "Box")
	if a.LoginKey() != b.LoginKey() {
		t.Error("one login, two keys")
	}
	a.Release()
	b.Release()
	b.Release() // idempotent
	if _, err := a.Look(t.Context(), "Box"); err == nil {
		t.Error("a session works after Release")
	}
	x, err := s.LoginFor(t.Context(), "ann", "secret", "Box")
	if err != nil {
		t.Fatal(err)
	}
	defer x.Release()
	wantConns(t, f, 2)
	before := len(f.commands())
	look(t, x, "Box")
	if got := f.commands()[before+1]; got != "NOOP" {
		t.Errorf("a session that has the mailbox begins with: %q", got)
	}
	if n, _ := x.Stats(); n != 2 { // with the STATUS that goes with it
		t.Errorf("%d commands", n)
	}
	o, err := s.Login(t.Context(), "ann", "another")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Release()
	wantConns(t, f, 3)
	if o.LoginKey() == x.LoginKey() {
		t.Error("two logins, one key")
	}
}

// TestPoolLimits: 3 of one login, then wait; the longest idle session of anybody makes room.
func TestPoolLimits(t *testing.T) {
	f := &fake{}
	s := f.store(t, func(o *imapstore.Options) { o.Sessions = 4 })
	var held []*imapstore.Session
	for range 3 {
		held = append(held, fakeLogin(t, s))
	}
	_, err := s.Login(t.Context(), "ann", "secret")
	wantKind(t, err, imapstore.Unavailable)
	_, err = s.TryLogin(t.Context(), "ann", "secret")
	wantKind(t, err, imapstore.Unavailable)
	bob, err := s.Login(t.Context(), "bob", "x")
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Login(t.Context(), "carol", "x")
	wantKind(t, err, imapstore.Unavailable)
	wantConns(t, f, 4)
	got := make(chan error)
	go func() {
		x, err := s.Login(context.Background(), "carol", "x")
		if err == nil {
			x.Release()
		}
		got <- err
	}()
	bob.Release() // idle now: ended for carol
	if err := <-got; err != nil {
		t.Error(err)
	}
	wantConns(t, f, 5)
	held[1].Release()
	if x, err := s.Login(t.Context(), "ann", "secret"); err != nil {
		t.Error(err)
	} else {
		x.Release()
	}
	wantConns(t, f, 5)
}

// TestPoolAges: what is idle or logged in for too long is not lent again.
func TestPoolAges(t *testing.T) {
	for _, age := range []time.Duration{6 * time.Minute, 11 * time.Minute} {
		now := time.Now()
		var mu sync.Mutex
		f := &fake{}
		s := f.store(t, func(o *imapstore.Options) {
			o.IdleAge = age // of the two limits LoginAge is the other
			o.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
		})
		fakeLogin(t, s).Release()
		fakeLogin(t, s).Release()
		wantConns(t, f, 1)
		mu.Lock()
		now = now.Add(age)
		mu.Unlock()
		fakeLogin(t, s).Release()
		wantConns(t, f, 2)
	}
}

// TestLearnedCap: a server that takes no more sessions is asked for fewer, and a minute later for one more.
func TestLearnedCap(t *testing.T) {
	now := time.Now()
	limited := false
	f := &fake{answers: fakeAnswers{"LOGIN": func(x *fakeConn, tag, command string) bool {
		if limited {
			return x.say(tag + " NO [LIMIT] too many\r\n")
		}
		return x.say(tag + " OK\r\n")
	}}}
	s := f.store(t, func(o *imapstore.Options) { o.Sessions, o.Now = 10, func() time.Time { return now } })
	login := func(user string) error {
		x, err := s.Login(t.Context(), user, "x")
		if err == nil {
			t.Cleanup(x.Release)
		}
		return err
	}
	limited = true
	wantKind(t, login("a"), imapstore.Unavailable) // 10 -> 5
	limited = false
	for _, u := range []string{"b", "c", "d", "e", "f"} {
		if err := login(u); err != nil {
			t.Fatal(err)
		}
	}
	wantKind(t, login("g"), imapstore.Unavailable)
	wantConns(t, f, 6)
	now = now.Add(time.Minute)
	if err := login("g"); err != nil {
		t.Error(err)
	}
	wantKind(t, login("h"), imapstore.Unavailable)
}

// TestDropped: a connection that the server dropped is replaced unseen, whatever the first exchange is. Later one loss is, in
// an exchange that only reads; the next one, and that of a write, is the caller's.
func TestDropped(t *testing.T) {
	b := backends.Memory(t)
	user := newUser(b)
	p := faulty.New(t, b.Addr)
	store := openAt(t, p.URL())
	ctx := t.Context()
	setup := login(t, store, user)
	create(t, setup, "Calendar")
	u := add(t, setup, "Calendar", message(1))
	setup.Release()
	for name, first := range map[string]func(s *imapstore.Session) error{
		"Look":   func(s *imapstore.Session) error { _, err := s.Look(ctx, "Calendar"); return err },
		"List":   func(s *imapstore.Session) error { _, err := s.List(ctx, true); return err },
		"Append": func(s *imapstore.Session) error { _, err := s.Append(ctx, "Calendar", message(2), soon()); return err },
		"Flag": func(s *imapstore.Session) error {
			return s.Flag(ctx, "Calendar", []uint32{u.UID}, []string{`\Flagged`}, nil)
		},
		"Create":  func(s *imapstore.Session) error { return s.Create(ctx, "Other") },
		"Delete":  func(s *imapstore.Session) error { return s.Delete(ctx, "Other") },
		"Expunge": func(s *imapstore.Session) error { return s.Expunge(ctx, "Calendar", []uint32{999}) },
		"Fields": func(s *imapstore.Session) error {
			n := 0
			for _, err := range s.Fields(ctx, "Calendar", []uint32{u.UID}, []string{"Date"}) {
				if err != nil {
					return err
				}
				n++
			}
			if n != 1 {
				t.Errorf("%d rows", n)
			}
			return nil
		},
	} {
		if name == "Delete" {
			s := login(t, store, user)
			if err := s.Create(ctx, "Other"); err != nil && !imapstore.IsKind(err, imapstore.Exists) {
				t.Fatal(err)
			}
			s.Release()
		}
		p.CutAll()
		s := login(t, store, user)
		if err := first(s); err != nil && !(name == "Create" && imapstore.IsKind(err, imapstore.Exists)) {
			t.Errorf("%s as the first exchange: %v", name, err)
		}
		if name != "Delete" { // which is repeated
			p.CutAll()
			if name == "Look" || name == "List" || name == "Fields" {
				if err := first(s); err != nil {
					t.Errorf("%s as a later exchange: %v", name, err)
				}
				p.CutAll()
			}
			wantKind(t, first(s), imapstore.Unavailable)
			if s.Usable() {
				t.Errorf("%s: usable after a loss", name)
			}
		}
		s.Release()
	}
}

// TestTooLate: a server that stops reading, or asks for the literal too late, gets no last octet.
func TestTooLate(t *testing.T) {
	stop := make(chan struct{}, 1)
	for _, caps := range []string{"LITERAL+", ""} {
		f := &fake{caps: caps}
		f.answers = fakeAnswers{"NOOP": func(x *fakeConn, tag, _ string) bool {
			if !x.say(tag + " OK\r\n") {
				return false
			}
			<-stop // reads nothing any more
			return false
		}}
		s := fakeLogin(t, f.store(t))
		look(t, s, "Box") // SELECT, STATUS, NOOP: now it is deaf
		_, err := s.Append(t.Context(), "Box", message(1), time.Now().Add(50*time.Millisecond))
		wantKind(t, err, imapstore.TooLate)
		if s.Usable() {
			t.Error("usable after a cut")
		}
		stop <- struct{}{}
	}
}

// TestNested: a command in the middle of another is refused, and an early end of a loop leaves the session usable.
func TestNested(t *testing.T) {
	f := &fake{answers: fakeAnswers{"UID FETCH": fetchRows}}
	s := fakeLogin(t, f.store(t))
	look(t, s, "Box")
	for range s.Fields(t.Context(), "Box", []uint32{4, 5}, []string{"A"}) {
		_, err := s.Look(t.Context(), "Box")
		wantKind(t, err, imapstore.Bad)
		break
	}
	look(t, s, "Box")
	for range s.Messages(t.Context(), "Box", []uint32{4, 5}) {
		s.Release() // in the middle: the connection must not go back to the pool
	}
	x := fakeLogin(t, f.store(t))
	look(t, x, "Box")
}
