package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"calgate/gateway"
	"calgate/gateway/calendar"
	"calgate/imapstore"
)

// startDemo is what the demo serves, without its listener.
func startDemo(t *testing.T) (*calendar.Server, *httptest.Server) {
	w := newWire()
	server := demoIMAP()
	served := make(chan error, 1)
	go func() { served <- server.Serve(w) }()
	store := imapstore.New(imapstore.Options{Host: "demo", Security: imapstore.Cleartext, Dial: w.Dial})
	calendars := calendar.New(store, calendar.Options{Autocreate: true})
	web := httptest.NewServer(gateway.New(gateway.Options{Calendar: calendars}))
	t.Cleanup(func() {
		web.Close()
		store.Close()
		server.Close()
		<-served
	})
	if err := fill(t.Context(), calendars, time.Now()); err != nil {
		t.Fatal(err)
	}
	return calendars, web
}

// TestFill: the demo's store takes the samples through the gateway's own rooms.
func TestFill(t *testing.T) {
	calendars, _ := startDemo(t)
	account, err := calendars.Login(t.Context(), demoUser, demoUser)
	if err != nil {
		t.Fatal(err)
	}
	defer account.Close()
	home, err := account.Home(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for i, want := range map[int]int{0: len(sampleEvents(now)), 1: len(sampleTasks(now))} {
		cal := []calendar.Calendar{home.DefaultCalendar(), home.DefaultTasks()}[i]
		view, err := account.Open(t.Context(), cal)
		if err != nil {
			t.Fatal(err)
		}
		if view.Len() != want {
			t.Errorf("%s holds %d objects, want %d", cal.Mailbox, view.Len(), want)
		}
	}
}

// TestDemoSharing: a newcomer sees what sharing is. The guest finds the team's calendar in the own home, reads and writes
// it, and sees nothing else of demo's; demo takes the share back, and it is gone.
func TestDemoSharing(t *testing.T) {
	_, web := startDemo(t)
	ask := func(user, method, path, body string, status int, headers ...string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, web.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(user, user)
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			r.Header.Set(name, value)
		}
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		text, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		if a.StatusCode != status {
			t.Errorf("%s %s %s: %d, want %d: %s", user, method, path, a.StatusCode, status, text)
		}
		return string(text)
	}
	event := string(object(time.Now(), "by-guest", "VEVENT", "SUMMARY:By the guest", "DTSTART:20261201T100000Z").octets())
	listing := ask("guest", "PROPFIND", "/CalDAV/~guest/", "", 207, "Depth: 1")
	for href, want := range map[string]bool{
		"/CalDAV/~guest/Calendar/": true, "/CalDAV/~guest/~demo:Team/": true, "/CalDAV/~guest/~demo:Calendar/": false,
	} {
		if got := strings.Contains(listing, "<D:href>"+href+"</D:href>") || strings.Contains(listing, ">"+href+"<"); got != want {
			t.Errorf("%s is in the guest's home: %v", href, got)
		}
	}
	if !strings.Contains(listing, "Team (demo)") {
		t.Errorf("the share has no telling name: %s", listing)
	}
	ask("guest", "GET", "/CalDAV/~guest/~demo:Team/review.ics", "", 200)
	ask("guest", "PUT", "/CalDAV/~guest/~demo:Team/by-guest.ics", event, 201)
	ask("guest", "DELETE", "/CalDAV/~demo/Team/by-guest.ics", "", 204)
	ask("guest", "PUT", "/CalDAV/~demo/Calendar/by-guest.ics", event, 404)
	ask("guest", "GET", "/CalDAV/~demo/Calendar/standup.ics", "", 404)
	if acl := ask("demo", "PROPFIND", "/CalDAV/~demo/Team/", `<propfind xmlns="DAV:"><prop><acl/></prop></propfind>`, 207, "Depth: 0"); !strings.Contains(acl, "/UserDAV/guest/") {
		t.Errorf("the owner does not see the guest in the ACL: %s", acl)
	}
	ask("demo", "ACL", "/CalDAV/~demo/Team/", `<acl xmlns="DAV:"/>`, 200)
	ask("guest", "GET", "/CalDAV/~guest/~demo:Team/review.ics", "", 404)
}

// TestDemoStoreACL: changes of one entry at once all count, and a mailbox that is not deleted keeps its ACL.
func TestDemoStoreACL(t *testing.T) {
	store := newDemoStore(demoUser, demoGuest)
	for range 100 {
		store.setRights(demoUser, "Gone", demoGuest, "")
		var all sync.WaitGroup
		for _, letter := range strings.Split(demoRights, "") {
			all.Go(func() { store.setRights(demoUser, "Gone", demoGuest, "+"+letter) })
		}
		all.Wait()
		if got := store.rights(demoUser, "Gone", demoGuest); got != demoRights {
			t.Fatalf("the rights are %q", got)
		}
	}
	s := &demoSession{store: store}
	if err := s.Login(demoUser, demoUser); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete("Gone"); err == nil {
		t.Error("a mailbox is deleted that is not there")
	}
	if got := store.rights(demoUser, "Gone", demoGuest); got != demoRights {
		t.Errorf("after a DELETE that was refused the rights are %q", got)
	}
}
