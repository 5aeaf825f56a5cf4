package calendar_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"calgate/gateway/calendar"
	"calgate/imapstore"
	"calgate/test/backends"
	"calgate/translate"
)

func TestSince(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		ctx := t.Context()
		client := map[string]string{} // name -> ETag, as a client that follows tokens knows them
		token := ""
		follow := func(i, limit int) {
			t.Helper()
			for {
				v := g.open(t, i)
				d, err := v.Since(token, limit)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range d.Changes {
					if c.Deleted {
						delete(client, c.Name)
					} else {
						client[c.Name] = c.ETag
					}
				}
				token = d.Token
				if !d.More {
					now := map[string]string{}
					for e := range v.Entries() {
						now[e.Name] = e.ETag
					}
					if diff := cmp.Diff(now, client); diff != "" {
						t.Fatal(diff)
					}
					return
				}
			}
		}
		put := func(i int, name, summary string) {
			t.Helper()
			v := g.open(t, i)
			if _, err := v.Put(ctx, name, event("uid-"+name, summary), calendar.Condition{}); err != nil {
				t.Fatal(err)
			}
			if err := v.CleanUp(ctx); err != nil {
				t.Fatal(err)
			}
		}
		remove := func(i int, name string) {
			t.Helper()
			v := g.open(t, i)
			if err := v.Delete(ctx, name, calendar.Condition{}); err != nil {
				t.Fatal(err)
			}
			if err := v.CleanUp(ctx); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 5 {
			put(i, fmt.Sprintf("%d.ics", i), "one")
		}
		follow(0, 2)
		put(1, "0.ics", "two")
		remove(2, "1.ics")
		put(0, "1.ics", "new life")
		put(1, "5.ics", "born")
		remove(2, "5.ics")
		remove(2, "4.ics")
		follow(1, 0)
		put(1, "0.ics", "three")
		put(1, "6.ics", "six")
		remove(0, "6.ics")
		put(2, "6.ics", "six again")
		remove(0, "3.ics")
		follow(2, 1)

		v := g.open(t, 0)
		paged := func(pages int) string { // that told nothing
			end := strings.LastIndex(token, "-")
			return token[:end] + strings.Repeat(".1.0", pages) + token[end:]
		}
		if d, err := v.Since(paged(translate.MaxPages), 0); err != nil || len(d.Changes) > 0 {
			t.Errorf("%v %v after pages that told nothing", d.Changes, err)
		}
		for _, bad := range []string{"x", "urn:calgate:1-2", "urn:calgate:0-0-", strings.Replace(token, "urn:calgate:", "urn:calgate:9", 1), token + "0", "urn:calgate:1-99999999999-abc",
			"urn:calgate:1-1.1-abc", paged(translate.MaxPages + 1)} {
			if _, err := v.Since(bad, 0); !calendar.IsKind(err, calendar.InvalidToken) {
				t.Errorf("token %q: %v", bad, err)
			}
		}
	})
}

// Clients that follow sync tokens over changing gateways, in whole or in pages, while
// objects are written and deleted, and other programs append, copy and expunge:
// whenever a client is told that it has everything, it has
// exactly what the calendar shows. A token may be refused, where there is a reason, never answered wrongly.
func TestSinceHistories(t *testing.T) {
	s := backends.Memory(t)
	for _, limits := range [][]int{{0}, {0, 1, 2, 3}} {
		t.Run(fmt.Sprint("pages ", limits), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) { newHistory(t, s, limits).run(rt) })
		})
	}
}

// history is a random one, on a calendar of its own.
type history struct {
	t        *testing.T
	raw      *imapstore.Session
	limits   []int
	clients  [3]syncClient
	serial   int
	accounts []*calendar.Account
	mail     *backends.Server
	user     string
	ahead    time.Duration // of all clocks, the mail server's too where a message says so
	changes  [5]int        // of each object
	meddled  bool          // messages are expunged and copied, and tombstones expire: a token may be refused
}

// syncClient is what a client knows.
type syncClient struct {
	token string
	etags map[string]string
}

func newHistory(t *testing.T, s *backends.Server, limits []int) *history {
	h := &history{t: t, limits: limits, mail: s}
	o, err := imapstore.ParseURL(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	var password string
	h.user, password = s.User()
	now := func() time.Time { return time.Now().Add(h.ahead) }
	for range 3 {
		store := imapstore.New(o)
		server := calendar.New(store, calendar.Options{Autocreate: true, Now: now, KeepDeleted: time.Hour})
		a, err := server.Login(t.Context(), h.user, password)
		if err != nil {
			t.Fatal(err)
		}
		h.accounts = append(h.accounts, a)
		t.Cleanup(func() { a.Close(); store.Close() })
	}
	for i := range h.clients {
		h.clients[i].etags = map[string]string{}
	}
	h.raw = h.accounts[0].Session()
	h.open(0)
	return h
}

func (h *history) open(gateway int) *calendar.View {
	h.t.Helper()
	a := h.accounts[gateway]
	home, err := a.CreateDefaults(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	v, err := a.Open(h.t.Context(), home.DefaultCalendar())
	if err != nil {
		h.t.Fatal(err)
	}
	return v
}

func (h *history) run(rt *rapid.T) {
	ctx := h.t.Context()
	actions := map[string]func(*rapid.T){
		"put": func(rt *rapid.T) {
			v := h.open(rapid.IntRange(0, 2).Draw(rt, "gateway"))
			n := rapid.IntRange(0, 4).Draw(rt, "object")
			h.serial++
			h.changes[n]++
			_, err := v.Put(ctx, fmt.Sprintf("%d.ics", n), event(fmt.Sprint("u", n), fmt.Sprint(h.serial)), calendar.Condition{})
			if err != nil && !calendar.IsKind(err, calendar.UIDConflict) {
				rt.Fatal(err)
			}
			h.clean(rt, v)
		},
		"delete": func(rt *rapid.T) {
			v := h.open(rapid.IntRange(0, 2).Draw(rt, "gateway"))
			n := rapid.IntRange(0, 4).Draw(rt, "object")
			h.changes[n]++
			if err := v.Delete(ctx, fmt.Sprintf("%d.ics", n), calendar.Condition{}); err != nil && !calendar.IsKind(err, calendar.NotFound) {
				rt.Fatal(err)
			}
			h.clean(rt, v)
		},
		"sync": func(rt *rapid.T) {
			h.sync(rt, rapid.IntRange(0, 2).Draw(rt, "client"), rapid.SampledFrom(h.limits).Draw(rt, "limit"))
		},
		"foreign": func(rt *rapid.T) { h.foreign(rt) },
		"raw":     func(rt *rapid.T) { h.meddle(rt) },
		"expire":  func(rt *rapid.T) { h.expire(rt) },
	}
	if h.meddled = rapid.Bool().Draw(rt, "messages are expunged, copied and expire"); !h.meddled {
		delete(actions, "raw")
		delete(actions, "expire")
	}
	rt.Repeat(actions)
	for i := range h.clients {
		for !h.sync(rt, i, 0) {
		}
	}
}

func (h *history) clean(rt *rapid.T, v *calendar.View) {
	if rapid.Bool().Draw(rt, "clean up") {
		if err := v.CleanUp(h.t.Context()); err != nil {
			rt.Fatal(err)
		}
	}
}

// sync asks for one page by any gateway; it tells whether the client has everything,
// and then checks that it does.
func (h *history) sync(rt *rapid.T, client, limit int) bool {
	v := h.open(rapid.IntRange(0, 2).Draw(rt, "gateway"))
	c := &h.clients[client]
	d, err := v.Since(c.token, limit)
	if calendar.IsKind(err, calendar.InvalidToken) {
		if !h.meddled && slices.Max(h.changes[:]) <= translate.MaxPrev {
			rt.Fatalf("the token %q is refused, and nothing tells why", c.token)
		}
		*c = syncClient{etags: map[string]string{}}
		return false
	}
	if err != nil {
		rt.Fatal(err)
	}
	named := map[string]bool{}
	for _, change := range d.Changes {
		if named[change.Name] {
			rt.Fatalf("%s is named twice", change.Name)
		}
		named[change.Name] = true
		if change.Deleted {
			delete(c.etags, change.Name)
		} else {
			c.etags[change.Name] = change.ETag
		}
	}
	c.token = d.Token
	if d.More {
		return false
	}
	now := map[string]string{}
	for e := range v.Entries() {
		now[e.Name] = e.ETag
	}
	if !maps.Equal(now, c.etags) {
		rt.Fatalf("client %d has %v, the calendar shows %v", client, c.etags, now)
	}
	if d.Token != v.SyncToken() {
		rt.Fatalf("token of the report %s, of the property %s", d.Token, v.SyncToken())
	}
	return true
}

// foreign is another program that appends: an invitation, or a message again.
func (h *history) foreign(rt *rapid.T) {
	ctx := h.t.Context()
	n := rapid.IntRange(0, 5).Draw(rt, "object")
	octets := []byte(crlfs(asCalendar + "\n\n" + invitation(fmt.Sprint("u", n), "foreign", rapid.IntRange(0, 2).Draw(rt, "sequence"))))
	if uids := h.uids(rt); h.meddled && len(uids) > 0 && rapid.Bool().Draw(rt, "copy") {
		for m, err := range h.raw.Messages(ctx, "Calendar", []uint32{rapid.SampledFrom(uids).Draw(rt, "message")}) {
			if err != nil {
				rt.Fatal(err)
			}
			octets = append([]byte(nil), m.Octets...)
		}
	}
	if _, err := h.raw.Append(ctx, "Calendar", imapstore.Outgoing{Octets: octets}, time.Now().Add(time.Minute)); err != nil {
		rt.Fatal(err)
	}
}

// meddle expunges any message, as a mail program does.
func (h *history) meddle(rt *rapid.T) {
	uids := h.uids(rt)
	if len(uids) == 0 {
		return
	}
	if err := h.raw.Expunge(h.t.Context(), "Calendar", []uint32{rapid.SampledFrom(uids).Draw(rt, "message")}); err != nil {
		rt.Fatal(err)
	}
}

// expire lets two hours pass, by the gateways' clocks and by the INTERNALDATE of a mail, and cleans up: the tombstones of before
// go.
func (h *history) expire(rt *rapid.T) {
	h.ahead = 2 * time.Hour
	defer func() { h.ahead = 0 }()
	if err := appendAt(h.mail.Addr, h.user, "Calendar", time.Now().Add(h.ahead)); err != nil {
		rt.Fatal(err)
	}
	if err := h.open(rapid.IntRange(0, 2).Draw(rt, "gateway")).CleanUp(h.t.Context()); err != nil {
		rt.Fatal(err)
	}
}

// appendAt appends a mail with an INTERNALDATE of its own.
func appendAt(addr, user, mailbox string, at time.Time) error {
	c, err := backends.Dial(addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Login(user, backends.Password(user)).Wait(); err != nil {
		return err
	}
	const mail = "From: x@example.com\r\nSubject: later\r\n\r\nmail\r\n"
	a := c.Append(mailbox, int64(len(mail)), &imap.AppendOptions{Time: at})
	if _, err := a.Write([]byte(mail)); err != nil {
		return err
	}
	if err := a.Close(); err != nil {
		return err
	}
	_, err = a.Wait()
	return err
}

func (h *history) uids(rt *rapid.T) []uint32 {
	ctx := context.WithoutCancel(h.t.Context())
	if _, err := h.raw.Look(ctx, "Calendar"); err != nil {
		rt.Fatal(err)
	}
	uids, err := h.raw.UIDs(ctx, "Calendar")
	if err != nil {
		rt.Fatal(err)
	}
	return uids
}
