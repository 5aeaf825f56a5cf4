package calendar_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"calgate/gateway/calendar"
	"calgate/imapstore"
	"calgate/test/backends"
)

// What happens to a calendar between a token and the next sync, in cases that histories of chance come to seldom. A client
// is told what changed, or, where nobody can know it any more, that its token is none: never anything wrong.

// tokenCases write to a calendar that holds a.ics and b.ics and had c.ics. refused: the token cannot be answered.
var tokenCases = []struct {
	name    string
	between func(t *testing.T, g *fleet)
	refused bool
	delta   string
}{
	{name: "nothing", between: func(*testing.T, *fleet) {}, delta: ""},
	{name: "deletion", between: func(t *testing.T, g *fleet) { g.end(t, "a.ics") }, delta: "-a.ics"},
	{name: "created and deleted", between: func(t *testing.T, g *fleet) { g.write(t, "d", 1); g.end(t, "d.ics") }, delta: ""},
	{name: "deleted and created", between: func(t *testing.T, g *fleet) { g.end(t, "a.ics"); g.write(t, "a", 1) }, delta: "+a.ics"},
	{name: "16 changes of one object", between: func(t *testing.T, g *fleet) { g.write(t, "a", 16) }, delta: "+a.ics"},
	{name: "more than 16 changes of one object", between: func(t *testing.T, g *fleet) { g.write(t, "a", 18) }, refused: true},
	{name: "expunged by a mail program", refused: true, between: func(t *testing.T, g *fleet) {
		must(t, g.account(t, 0).Session().Expunge(t.Context(), "Calendar", []uint32{uidOf(t, g.open(t, 0), "a.ics")}))
	}},
	{name: "older tombstone expired", delta: "", between: func(t *testing.T, g *fleet) { g.expire(t) }},
	{name: "deleted, and the tombstone expired", refused: true, between: func(t *testing.T, g *fleet) { g.end(t, "a.ics"); g.expire(t) }},
	{name: "removed and made again", refused: true, between: func(t *testing.T, g *fleet) {
		s := g.account(t, 0).Session()
		must(t, s.Delete(t.Context(), "Calendar"))
		must(t, s.Create(t.Context(), "Calendar"))
		g.write(t, "a", 1)
		g.write(t, "b", 1)
	}},
}

func (g *fleet) write(t *testing.T, uid string, times int) {
	t.Helper()
	for range times {
		v := g.open(t, 0)
		_, err := v.Put(t.Context(), uid+".ics", event(uid, time.Now().String()), calendar.Condition{})
		must(t, err)
		must(t, v.CleanUp(t.Context()))
	}
}

func (g *fleet) end(t *testing.T, name string) {
	t.Helper()
	v := g.open(t, 0)
	must(t, v.Delete(t.Context(), name, calendar.Condition{}))
	must(t, v.CleanUp(t.Context()))
}

// expire cleans up as a gateway does two hours later that keeps what was deleted for one.
func (g *fleet) expire(t *testing.T) {
	t.Helper()
	g.cleanUpAfter(t, 2*time.Hour, calendar.Options{KeepDeleted: time.Hour})
}

// cleanUpAfter cleans up as a gateway does after some time, by its own clock and by the INTERNALDATE of a mail.
func (g *fleet) cleanUpAfter(t *testing.T, d time.Duration, o calendar.Options) {
	t.Helper()
	o.Now = func() time.Time { return time.Now().Add(d) }
	must(t, appendAt(g.mail.Addr, g.user, g.mailbox, o.Now()))
	g.servers = append(g.servers, newServer(t, g.mail.URL(), o))
	must(t, g.open(t, len(g.servers)-1).CleanUp(t.Context()))
}

func TestTokens(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		for _, tc := range tokenCases {
			t.Run(tc.name, func(t *testing.T) {
				each := newFleet(t, g.mail, 1, calendar.Options{})
				if each.mailbox = "Calendar"; strings.Contains(g.mail.Name, "dotted") || g.mail.Name == "courier" {
					each.mailbox = "INBOX.Calendar"
				}
				for _, uid := range []string{"a", "b", "c"} {
					each.write(t, uid, 1)
				}
				each.end(t, "c.ics")
				token := each.open(t, 0).SyncToken()
				tc.between(t, each)
				each.servers = append(each.servers, newServer(t, g.mail.URL(), calendar.Options{})) // one that was just started
				d, err := each.open(t, len(each.servers)-1).Since(token, 0)
				if tc.refused {
					if !calendar.IsKind(err, calendar.InvalidToken) {
						t.Errorf("%v %v, want it to be refused", d.Changes, err)
					}
					return
				}
				must(t, err)
				var said []string
				for _, c := range d.Changes {
					said = append(said, map[bool]string{true: "-", false: "+"}[c.Deleted]+c.Name)
				}
				if got := strings.Join(said, " "); got != tc.delta {
					t.Errorf("told %q, want %q", got, tc.delta)
				}
			})
		}
		v := g.open(t, 0)
		var valid, next uint32
		var digest string
		if _, err := fmt.Sscanf(strings.ReplaceAll(v.SyncToken(), "-", " "), "urn:calgate:%d %d %s", &valid, &next, &digest); err != nil {
			t.Fatal(err)
		}
		other := strings.Repeat("0", len(digest))
		for _, token := range []string{"urn:calgate:%d-%d-%s", "urn:calgate:%d-0.%d.0-%s", "urn:calgate:%d-%[2]d.%[2]d.0-%[3]s"} {
			if _, err := v.Since(fmt.Sprintf(token, valid, next+1000, other), 0); !calendar.IsKind(err, calendar.InvalidToken) {
				t.Errorf("%s, a token from the future: %v", token, err)
			}
		}
	})
}

// A message that came and went between two looks of a gateway leaves no trace in its session (Dovecot, Cyrus): its UIDNEXT is
// that of before. The token of a gateway that saw it is good there all the same, and the other way round.
func TestTokenOfWhatCameAndWent(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		g.write(t, "a", 1)
		a := g.account(t, 1)
		h, err := a.Home(t.Context())
		must(t, err)
		open := func() *calendar.View { // in the session that has it selected
			t.Helper()
			v, err := a.Open(t.Context(), h.DefaultCalendar())
			must(t, err)
			return v
		}
		before := open().SyncToken()
		mail := g.account(t, 2).Session()
		_, err = mail.Look(t.Context(), "Calendar")
		must(t, err)
		m, err := mail.Append(t.Context(), "Calendar", imapstore.Outgoing{Octets: []byte("Subject: x\r\n\r\nx\r\n")}, time.Now().Add(time.Minute))
		must(t, err)
		must(t, mail.Expunge(t.Context(), "Calendar", []uint32{m.UID}))
		g.servers = append(g.servers, newServer(t, g.mail.URL(), calendar.Options{}))
		fresh := func() *calendar.View { return g.open(t, len(g.servers)-1) }
		after := fresh().SyncToken()
		if after == before {
			t.Fatalf("%s is the token before and after", before)
		}
		same := func(v *calendar.View, token string) {
			t.Helper()
			if d, err := v.Since(token, 0); err != nil || len(d.Changes) != 0 {
				t.Errorf("%s of %s: %v %v", v.SyncToken(), token, d.Changes, err)
			}
		}
		same(open(), after)
		same(fresh(), before)
		g.write(t, "b", 1)
		for _, v := range []*calendar.View{open(), fresh()} {
			for _, token := range []string{before, after} {
				if d, err := v.Since(token, 0); err != nil || len(d.Changes) != 1 || d.Changes[0].Name != "b.ics" {
					t.Errorf("b.ics since %s: %v %v", token, d.Changes, err)
				}
			}
		}
	})
}

// The index files of Dovecot are lost: the UIDs are in another file, and tokens stay good.
func TestTokensWithoutIndexFiles(t *testing.T) {
	t.Parallel()
	g := newFleet(t, backends.Dovecot(t, backends.Options{}), 1, calendar.Options{})
	g.write(t, "a", 1)
	token := g.open(t, 0).SyncToken()
	g.write(t, "b", 1)
	removed := 0
	must(t, filepath.WalkDir(g.mail.Home(g.user), func(path string, _ os.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(filepath.Base(path), "dovecot.index") {
			removed++
			return os.Remove(path)
		}
		return err
	}))
	if removed == 0 {
		t.Fatal("there are no index files")
	}
	g.servers = append(g.servers, newServer(t, g.mail.URL(), calendar.Options{}))
	v := g.open(t, 1)
	d, err := v.Since(token, 0)
	must(t, err)
	if len(d.Changes) != 1 || d.Changes[0].Name != "b.ics" || v.Len() != 2 {
		t.Errorf("told %v of %d objects", d.Changes, v.Len())
	}
}
