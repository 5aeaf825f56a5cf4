package imapstore_test

import (
	"sync"
	"testing"
	"time"

	"calgate/imapstore"
	"calgate/test/backends"
)

// storeOn makes a store with fewer idle sessions than time: what is not lent is soon somebody else's.
func storeOn(t *testing.T, b *backends.Server, change func(*imapstore.Options)) *imapstore.Store {
	t.Helper()
	o, err := imapstore.ParseURL(b.URL())
	if err != nil {
		t.Fatal(err)
	}
	change(&o)
	s := imapstore.New(o)
	t.Cleanup(func() { s.Close() })
	return s
}

// crowd lets requests of several users look at their mailboxes at once, again and again, and returns the first error.
func crowd(t *testing.T, s *imapstore.Store, users []string, each, rounds int) error {
	t.Helper()
	var all sync.WaitGroup
	errs := make(chan error, len(users)*each)
	for _, user := range users {
		for range each {
			all.Go(func() {
				for range rounds {
					x, err := s.Login(t.Context(), user, backends.Password(user))
					if err == nil {
						_, err = x.Look(t.Context(), "INBOX")
						x.Release()
					}
					if err != nil {
						errs <- err
						return
					}
				}
			})
		}
	}
	all.Wait()
	close(errs)
	return <-errs
}

// TestDovecotLimit: three gateways with a stock Dovecot (mail_max_userip_connections 10) serve one user whose programs ask for
// all at once; a gateway that is let have more sessions than the server bears waits for its own.
func TestDovecotLimit(t *testing.T) {
	t.Parallel()
	b := backends.Dovecot(t, backends.Options{Extra: "mail_max_userip_connections = 10"})
	user := newUser(b)
	var gateways sync.WaitGroup
	for range 3 {
		s := storeOn(t, b, func(o *imapstore.Options) { o.Wait = time.Minute })
		gateways.Go(func() {
			if err := crowd(t, s, []string{user}, 8, 20); err != nil {
				t.Errorf("three gateways: %v", err)
			}
		})
	}
	gateways.Wait()
	user = newUser(b)
	greedy := storeOn(t, b, func(o *imapstore.Options) { o.SessionsPerLogin, o.Wait = 30, time.Minute }) // who waits is not served in turn
	if err := crowd(t, greedy, []string{user}, 30, 10); err != nil {
		t.Errorf("30 sessions wanted of 10: %v", err)
	}
	// Others have all of them: that is no wrong password, and is over when one goes.
	user = newUser(b)
	var held []*imapstore.Session
	other := storeOn(t, b, func(o *imapstore.Options) { o.SessionsPerLogin = 10 })
	for range 10 {
		held = append(held, login(t, other, user))
	}
	mine := storeOn(t, b, func(o *imapstore.Options) {})
	_, err := mine.Login(t.Context(), user, backends.Password(user))
	wantKind(t, err, imapstore.Unavailable)
	held[0].Release()
	other.Close()
	for end := time.Now().Add(20 * time.Second); ; { // a closed session counts a little longer
		x, err := mine.Login(t.Context(), user, backends.Password(user))
		if err == nil {
			x.Release()
			break
		}
		wantKind(t, err, imapstore.Unavailable)
		if time.Now().After(end) {
			t.Fatal("no session after one was given back")
		}
	}
}

// TestCourierLimit: a stock Courier bears 20 connections from one address (MAXPERIP) and closes the next without a greeting.
// More users than that are served all the same: idle sessions make room.
func TestCourierLimit(t *testing.T) {
	t.Parallel()
	b := backends.Courier(t, backends.Options{PerAddress: 20})
	s := storeOn(t, b, func(o *imapstore.Options) { o.Wait = time.Minute })
	var users []string
	for range 30 {
		user := newUser(b)
		users = append(users, user)
		if err := crowd(t, s, []string{user}, 1, 1); err != nil { // one by one: each leaves an idle session behind
			t.Fatalf("%s: %v", user, err)
		}
	}
	if err := crowd(t, s, users[:12], 3, 5); err != nil { // 36 sessions are wanted at once
		t.Errorf("at once: %v", err)
	}
}
