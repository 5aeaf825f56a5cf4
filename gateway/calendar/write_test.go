package calendar_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"calgate/gateway/calendar"
	"calgate/imapstore"
	"calgate/test/backends"
	"calgate/test/faulty"
	"calgate/translate"
)

// fleet are several equal gateways before one mail server, and a user of it.
type fleet struct {
	t              *testing.T
	mail           *backends.Server
	servers        []*calendar.Server
	user, password string
	mailbox        string // the server's name of the default calendar, where a test needs it
}

// eachBackend runs a test on the embedded store, on real servers, and with caches
// off.
func eachBackend(t *testing.T, f func(t *testing.T, g *fleet)) {
	type backend struct {
		name  string
		start func(testing.TB) *backends.Server
		o     calendar.Options
	}
	all := []backend{
		{"memory", backends.Memory, calendar.Options{}},
		{"memory, no cache", backends.Memory, calendar.Options{NoCache: true}},
		{"dovecot", func(t testing.TB) *backends.Server { return backends.Dovecot(t, backends.Options{}) }, calendar.Options{}},
		{"dovecot, sdbox, dotted", func(t testing.TB) *backends.Server {
			return backends.Dovecot(t, backends.Options{Format: "sdbox", Dotted: true})
		}, calendar.Options{}},
		{"cyrus, dotted", func(t testing.TB) *backends.Server {
			return backends.Cyrus(t, backends.Options{Dotted: true})
		}, calendar.Options{}},
		{"courier", func(t testing.TB) *backends.Server { return backends.Courier(t, backends.Options{}) }, calendar.Options{}},
	}
	if os.Getenv("TEST_LONG") != "" {
		all = append(all, backend{"cyrus", func(t testing.TB) *backends.Server {
			return backends.Cyrus(t, backends.Options{})
		}, calendar.Options{}})
	}
	for _, b := range all {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			f(t, newFleet(t, b.start(t), 3, b.o))
		})
	}
}

func newFleet(t *testing.T, s *backends.Server, n int, o calendar.Options) *fleet {
	g := &fleet{t: t, mail: s}
	g.user, g.password = s.User()
	for range n {
		g.servers = append(g.servers, newServer(t, s.URL(), o))
	}
	return g
}

func newServer(t *testing.T, url string, o calendar.Options) *calendar.Server {
	t.Helper()
	so, err := imapstore.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	so.SessionsPerLogin = 60
	store := imapstore.New(so)
	t.Cleanup(func() { store.Close() })
	o.Autocreate = true
	return calendar.New(store, o)
}

// open logs in to gateway i and opens the default calendar.
func (g *fleet) open(t *testing.T, i int) *calendar.View {
	t.Helper()
	a, err := g.servers[i%len(g.servers)].Login(t.Context(), g.user, g.password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	h, err := a.Home(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := a.Autocreate(t.Context(), h.DefaultCalendar())
	if err != nil {
		t.Fatal(err)
	}
	v, err := a.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func event(uid, summary string) *translate.Object {
	o, err := translate.ParseObject([]byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:" + uid +
		"\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:20261125T090000Z\r\nDTEND:20261125T100000Z\r\nSUMMARY:" + summary + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"))
	if err != nil {
		panic(err)
	}
	return o
}

var errCondition = errors.New("condition does not hold")

func ifMatch(etag string) calendar.Condition {
	return calendar.Condition{Conditional: true, IfMatch: []string{etag}, Check: func(e calendar.Entry, exists bool) error {
		if !exists || e.ETag != etag {
			return errCondition
		}
		return nil
	}}
}

func ifNoneMatch() calendar.Condition {
	return calendar.Condition{Conditional: true, IfNoneMatchAny: true, Check: func(e calendar.Entry, exists bool) error {
		if exists {
			return errCondition
		}
		return nil
	}}
}

// shown is what a view shows: name and summary line of each object.
func shown(t *testing.T, v *calendar.View) map[string]string {
	t.Helper()
	var entries []calendar.Entry
	for e := range v.Entries() {
		entries = append(entries, e)
	}
	out := map[string]string{}
	for it, err := range v.Read(t.Context(), entries) {
		if err != nil || it.Err != nil {
			t.Fatal(err, it.Err)
		}
		for line := range strings.Lines(string(it.Body)) {
			if s, ok := strings.CutPrefix(line, "SUMMARY:"); ok {
				out[it.Name] = strings.TrimSpace(s)
			}
		}
	}
	return out
}

func mustShow(t *testing.T, v *calendar.View, want map[string]string) {
	t.Helper()
	if d := cmp.Diff(want, shown(t, v)); d != "" {
		t.Fatal(d)
	}
}

func TestPutDelete(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		ctx := t.Context()
		v := g.open(t, 0)
		first, err := v.Put(ctx, "a.ics", event("u1", "first"), ifNoneMatch())
		if err != nil || !first.Created {
			t.Fatal(first, err)
		}
		v = g.open(t, 1)
		mustShow(t, v, map[string]string{"a.ics": "first"})
		if e, _ := v.Entry("a.ics"); e.ETag != first.ETag {
			t.Errorf("ETag %s on another gateway, %s in the answer", e.ETag, first.ETag)
		}
		if _, err := v.Put(ctx, "a.ics", event("u1", "again"), ifNoneMatch()); !errors.Is(err, errCondition) {
			t.Errorf("a second create: %v", err)
		}
		if _, err := v.Put(ctx, "b.ics", event("u1", "same UID"), calendar.Condition{}); !calendar.IsKind(err, calendar.UIDConflict) {
			t.Errorf("the same iCalendar UID under another name: %v", err)
		}
		if _, err := v.Put(ctx, "a.ics", event("u2", "other UID"), calendar.Condition{}); !calendar.IsKind(err, calendar.UIDConflict) {
			t.Errorf("another iCalendar UID under the same name: %v", err)
		}
		second, err := v.Put(ctx, "a.ics", event("u1", "second"), ifMatch(first.ETag))
		if err != nil || second.Created || second.ETag == first.ETag {
			t.Fatal(second, err)
		}
		if err := v.CleanUp(ctx); err != nil {
			t.Fatal(err)
		}
		v = g.open(t, 2)
		if r, err := v.Put(ctx, "a.ics", event("u1", "second"), ifMatch(first.ETag)); err != nil || r.ETag != second.ETag {
			t.Errorf("a repeated PUT whose answer got lost: %v %v", r, err)
		}
		if _, err := v.Put(ctx, "a.ics", event("u1", "third"), ifMatch(first.ETag)); !errors.Is(err, errCondition) {
			t.Errorf("a stale PUT: %v", err)
		}
		if err := v.Delete(ctx, "a.ics", ifMatch(second.ETag)); err != nil {
			t.Fatal(err)
		}
		if err := v.CleanUp(ctx); err != nil {
			t.Fatal(err)
		}
		v = g.open(t, 0)
		mustShow(t, v, map[string]string{})
		if err := v.Delete(ctx, "a.ics", ifMatch(second.ETag)); err != nil {
			t.Errorf("a repeated DELETE whose answer got lost: %v", err)
		}
		if err := v.Delete(ctx, "a.ics", calendar.Condition{}); !calendar.IsKind(err, calendar.NotFound) {
			t.Errorf("DELETE of nothing: %v", err)
		}
		if r, err := v.Put(ctx, "a.ics", event("u1", "new life"), ifNoneMatch()); err != nil || !r.Created {
			t.Fatal(r, err)
		}
		mustShow(t, g.open(t, 1), map[string]string{"a.ics": "new life"})
	})
}

func TestProperties(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		name := func(i int) calendar.PropertyName {
			return calendar.PropertyName{Space: "urn:x y", Local: fmt.Sprintf("p%d", i)}
		}
		v := g.open(t, 0)
		if err := v.Patch(t.Context(), []calendar.Property{{Name: name(0), XML: "<p0>ä\n🎉</p0>"}}, nil); err != nil {
			t.Fatal(err)
		}
		// patches of different properties, raced: none is lost wholesale
		g.race(t, 4, func(ctx context.Context, v *calendar.View, i int) (calendar.Result, error) {
			return calendar.Result{}, v.Patch(ctx, []calendar.Property{{Name: name(i + 1), XML: fmt.Sprint(i)}}, []calendar.PropertyName{name(9)})
		})
		v = g.open(t, 1)
		got, err := v.Properties(t.Context())
		want := []calendar.Property{{Name: name(0), XML: "<p0>ä\n🎉</p0>"}, {Name: name(1), XML: "0"}, {Name: name(2), XML: "1"}, {Name: name(3), XML: "2"}, {Name: name(4), XML: "3"}}
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Error(d, err)
		}
		if v.Len() != 0 {
			t.Error("properties show as an object")
		}
		many := make([]calendar.Property, 501)
		for i := range many {
			many[i] = calendar.Property{Name: name(100 + i)}
		}
		if err := v.Patch(t.Context(), many, nil); !calendar.IsKind(err, calendar.TooMany) {
			t.Error(err)
		}
	})
}

func TestDefaultThatIsNotThere(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		a, err := g.servers[0].Login(t.Context(), g.user, g.password)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		h, err := a.Home(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		v, err := a.Open(t.Context(), h.DefaultCalendar())
		if err != nil || v.Len() != 0 || v.CTag() != "0-0-0" {
			t.Fatal(v, err)
		}
		token := v.SyncToken()
		if d, err := v.Since(token, 0); err != nil || len(d.Changes) != 0 || d.Token != token {
			t.Fatal(d, err)
		}
		v = g.open(t, 1)
		if _, err := v.Since(token, 0); !calendar.IsKind(err, calendar.InvalidToken) {
			t.Errorf("the token of nothing, once the calendar exists: %v", err)
		}
	})
}

func TestExpiry(t *testing.T) {
	s := backends.Courier(t, backends.Options{}) // Dovecot takes no INTERNALDATE of more than two hours ahead
	var ahead time.Duration
	g := newFleet(t, s, 1, calendar.Options{KeepDeleted: time.Hour, Now: func() time.Time { return time.Now().Add(ahead) }})
	v := g.open(t, 0)
	ctx := t.Context()
	if _, err := v.Put(ctx, "a.ics", event("u1", "one"), calendar.Condition{}); err != nil {
		t.Fatal(err)
	}
	if err := v.Delete(ctx, "a.ics", calendar.Condition{}); err != nil {
		t.Fatal(err)
	}
	ahead = 2 * time.Hour // only the own clock: the mail server's must agree
	if err := v.CleanUp(ctx); err != nil {
		t.Fatal(err)
	}
	if n := messages(t, g); n != 2 {
		t.Errorf("%d messages, want the tombstone and the kept version", n)
	}
	const day = 24 * time.Hour // by default 30 of them
	g.mailbox = "INBOX.Calendar"
	g.cleanUpAfter(t, 29*day, calendar.Options{})
	if n := messages(t, g); n != 3 {
		t.Errorf("%d messages after 29 days, want the tombstone, the kept version and a mail", n)
	}
	g.cleanUpAfter(t, 31*day, calendar.Options{})
	if n := messages(t, g); n != 2 {
		t.Errorf("%d messages after 31 days, want two mails", n)
	}
}

func messages(t *testing.T, g *fleet) int {
	var uv, next, n int
	if _, err := fmt.Sscanf(g.open(t, 0).CTag(), "%d-%d-%d", &uv, &next, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// What comes too late for its look is not stored: it is tried once more after a new
// look, and never told to be a lost race.
func TestTooLate(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		var looks, behind atomic.Int64 // looks that begin with a clock that is behind
		slow := newServer(t, g.mail.URL(), calendar.Options{Now: func() time.Time {
			if looks.Add(1) <= behind.Load() {
				return time.Now().Add(-2 * time.Minute)
			}
			return time.Now()
		}})
		g.servers = append([]*calendar.Server{slow}, g.servers...)
		v := g.open(t, 1)
		first, err := v.Put(t.Context(), "a.ics", event("u1", "first"), ifNoneMatch())
		if err != nil {
			t.Fatal(err)
		}
		looks.Store(0)
		behind.Store(1)
		v = g.open(t, 0)
		if _, err := v.Put(t.Context(), "a.ics", event("u1", "second"), ifMatch(first.ETag)); err != nil {
			t.Errorf("a look that was too old once: %v", err)
		}
		behind.Store(1 << 40)
		v = g.open(t, 0)
		if _, err := v.Put(t.Context(), "a.ics", event("u1", "third"), calendar.Condition{}); !calendar.IsKind(err, calendar.Unavailable) {
			t.Errorf("looks that are always too old: %v", err)
		}
		mustShow(t, g.open(t, 1), map[string]string{"a.ics": "second"})
	})
}

// A server in trouble says NO to an APPEND, with a code or without, and has stored
// nothing: the write is tried once more, and refused when that fails too.
func TestRefusedOnce(t *testing.T) {
	s := backends.Dovecot(t, backends.Options{})
	wire := faulty.New(t, s.Addr)
	g := newFleet(t, s, 1, calendar.Options{})
	g.servers = append([]*calendar.Server{newServer(t, wire.URL(), calendar.Options{})}, g.servers...)
	for i, refusal := range []string{"NO System I/O error", "NO [SERVERBUG] Internal error"} {
		name := fmt.Sprintf("a%d.ics", i)
		refuse := faulty.Fault{Command: "^APPEND", Refuse: refusal}
		wire.Set(refuse)
		first, err := g.open(t, 0).Put(t.Context(), name, event(name, "first"), ifNoneMatch())
		if err != nil {
			t.Fatalf("%s: %v", refusal, err)
		}
		wire.Await(t)
		again := refuse
		again.Do = func() { wire.Set(refuse) }
		wire.Set(again)
		_, err = g.open(t, 0).Put(t.Context(), name, event(name, "second"), ifMatch(first.ETag))
		if !calendar.IsKind(err, calendar.Unavailable) {
			t.Errorf("%s, twice: %v", refusal, err)
		}
		wire.Await(t)
		if e, _ := g.open(t, 1).Entry(name); e.ETag != first.ETag {
			t.Errorf("%s: a write that was refused has changed the object", refusal)
		}
	}
}

// An APPEND whose connection broke may reach the server much later. What its write was
// told must bear that: a create that was overtaken meanwhile is neither done again nor
// told to have lost, because once the other's object is deleted it takes effect.
func TestLateAppend(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		wire := faulty.New(t, g.mail.Addr)
		cut := newServer(t, wire.URL(), calendar.Options{})
		g.servers = append([]*calendar.Server{cut}, g.servers...)
		for i, c := range []calendar.Condition{{}, ifNoneMatch()} {
			name := fmt.Sprintf("a%d.ics", i)
			v := g.open(t, 0)
			wire.Set(faulty.Fault{At: faulty.Late, Command: "^APPEND", Do: func() {
				if _, err := g.open(t, 1).Put(t.Context(), name, event(name, "theirs"), ifNoneMatch()); err != nil {
					t.Error(err)
				}
			}})
			_, err := v.Put(t.Context(), name, event(name, "mine"), c)
			if !calendar.IsKind(err, calendar.Unavailable) {
				t.Errorf("condition %+v: a create that is on its way and overtaken was told %v", c, err)
			}
			if err := g.open(t, 1).Delete(t.Context(), name, calendar.Condition{}); err != nil {
				t.Fatal(err)
			}
			before := g.open(t, 1).CTag()
			wire.Deliver()
			for g.open(t, 1).CTag() == before { // until the server has stored it
				if t.Context().Err() != nil {
					t.Fatal("the late message never came")
				}
			}
			if _, shown := g.open(t, 1).Entry(name); !shown {
				t.Errorf("condition %+v: the late create, which nobody was told to have failed, is not shown", c)
			}
		}
	})
}
