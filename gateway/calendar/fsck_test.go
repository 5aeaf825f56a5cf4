package calendar_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"calgate/gateway/calendar"
	"calgate/imapstore"
	"calgate/translate"
)

// forge puts a version into a mailbox as somebody could who has the right i: with
// fields of a create, but for what change says.
func (g *fleet) forge(t *testing.T, mailbox string, o *translate.Object, change func(*translate.Record)) {
	t.Helper()
	a := g.account(t, 0)
	looked, err := a.Session().Look(t.Context(), mailbox)
	must(t, err)
	w := translate.Write{Op: translate.OpPut, Name: o.UID + ".ics", ICalUID: translate.StoredUID(o.UID), Token: translate.NewToken(),
		Asof: looked.UIDNext - 1, Hash: translate.Hash(o.Raw), Length: int64(len(o.Raw)), Span: o.Span}
	r := translate.Heads(nil, looked.UIDValidity).Next(w, nil)
	change(&r)
	octets := translate.Message(r, translate.Envelope{From: g.user, Date: time.Now(), Component: "VEVENT"}, o.Raw)
	_, err = a.Session().Append(t.Context(), mailbox, imapstore.Outgoing{Octets: octets}, time.Now().Add(time.Minute))
	must(t, err)
}

// token is the X-Calgate-Token in an entity tag.
func token(etag string) translate.Token {
	t, _, _ := strings.Cut(strings.Trim(etag, `"`), "-")
	return translate.Token(t)
}

// examine reads a folder with a gateway of its own.
func (g *fleet) examine(t *testing.T, i int, mailbox string) (*calendar.Account, *calendar.Report) {
	t.Helper()
	a := g.account(t, i)
	h, err := a.Home(t.Context())
	must(t, err)
	at := slices.IndexFunc(h.Calendars, func(c calendar.Calendar) bool { return c.Mailbox == mailbox })
	last := 0
	r, err := a.Examine(t.Context(), h.Calendars[at], func(done, of int) {
		if done != last+1 || done > of {
			t.Errorf("progress: %d after %d, of %d", done, last, of)
		}
		last = done
	})
	must(t, err)
	return a, r
}

func findings(r *calendar.Report) (all []string) {
	for _, f := range r.Findings {
		all = append(all, fmt.Sprintf("%v %v %s %s repaired=%v", f.Fault, f.Standing, f.Name, f.Source, f.Repaired))
	}
	slices.Sort(all)
	return all
}

func TestFsck(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		ctx := t.Context()
		v, other := g.twoCalendars(t, 0)
		for _, name := range []string{"a", "b", "gone"} {
			_, err := v.Put(ctx, name+".ics", event(name, "old"), calendar.Condition{})
			must(t, err)
		}
		moved, err := v.Put(ctx, "b.ics", event("b", "new"), calendar.Condition{})
		must(t, err)
		must(t, v.Delete(ctx, "gone.ics", calendar.Condition{}))
		must(t, v.Patch(ctx, []calendar.Property{{Name: calendar.PropertyName{Space: "DAV:", Local: "displayname"}, XML: "<x/>"}}, nil))
		g.forge(t, "Calendar", event("a", "lost"), func(r *translate.Record) {}) // another life with that UID
		g.forge(t, "Calendar", event("bad", "not what the hash says"), func(r *translate.Record) { r.Hash = translate.Hash(nil) })
		noObject := event("worse", "x")
		noObject.Raw = []byte("BEGIN:VCALENDAR\r\nthis ended in the mid")
		g.forge(t, "Calendar", noObject, func(r *translate.Record) { r.Length++ })
		g.deliver(t, "From: x@example.com\nSubject: hello", "plain mail\n")
		g.deliver(t, asCalendar, invitation("u1", "first", 0))
		g.deliver(t, asCalendar, invitation("u1", "second", 1))
		g.deliver(t, asCalendar, "BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR\n")
		g.deliver(t, "From: x@example.com\nX-Calgate-Op: put; v=2\nX-Calgate-Folder: 4294967295\n"+asCalendar[len("From: x@example.com\n"):], invitation("later", "later", 0))
		// A MOVE that ended between its two steps; one that somebody forged; one whose source has changed.
		validity := func() uint32 {
			looked, err := g.account(t, 0).Session().Look(ctx, "Calendar")
			must(t, err)
			return looked.UIDValidity
		}()
		from := func(etag string) func(*translate.Record) {
			return func(r *translate.Record) { r.MovedFrom = translate.FormatMovedFrom("Calendar", validity, token(etag)) }
		}
		g.forge(t, other.Calendar().Mailbox, event("b", "new"), from(moved.ETag))
		inPlace, _ := v.Entry("a.ics")
		g.forge(t, other.Calendar().Mailbox, event("a", "forged"), from(inPlace.ETag))

		a, r := g.examine(t, 1, "Calendar")
		counts := fmt.Sprint(r.Count)
		want := fmt.Sprint(map[translate.Standing]int{translate.StandingMail: 2, translate.StandingLive: 4, translate.StandingForeign: 2,
			translate.StandingProperties: 1, translate.StandingTombstone: 1, translate.StandingKept: 1, translate.StandingSuperseded: 1,
			translate.StandingLoser: 1, translate.StandingHidden: 1})
		if counts != want || r.Garbage != 2 || r.Messages != 14 {
			t.Errorf("%d messages, %d garbage: %s, want %s", r.Messages, r.Garbage, counts, want)
		}
		if got := findings(r); !slices.Equal(got, []string{"damaged live bad.ics  repaired=false", "damaged live worse.ics  repaired=false",
			"newer version foreign   repaired=false", "unreadable mail   repaired=false"}) {
			t.Errorf("found: %q", got)
		}
		if !r.Wrong() {
			t.Error("nothing is wrong")
		}
		must(t, a.Repair(ctx, r))
		if r.Expunged != 3 || !r.Wrong() { // what was repaired has left a version too
			t.Errorf("%d expunged", r.Expunged)
		}
		_, r = g.examine(t, 2, "Calendar")
		if got := findings(r); r.Garbage != 0 || !slices.Equal(got, []string{"damaged live worse.ics  repaired=false",
			"newer version foreign   repaired=false", "unreadable mail   repaired=false"}) {
			t.Errorf("after the repair: %q", got)
		}
		// Only garbage is gone.
		want = fmt.Sprint(map[translate.Standing]int{translate.StandingMail: 2, translate.StandingLive: 4, translate.StandingForeign: 2,
			translate.StandingProperties: 1, translate.StandingTombstone: 1, translate.StandingKept: 1, translate.StandingHidden: 1})
		if counts := fmt.Sprint(r.Count); counts != want {
			t.Errorf("after the repair: %s, want %s", counts, want)
		}

		a, r = g.examine(t, 1, other.Calendar().Mailbox)
		if got := findings(r); !slices.Equal(got, []string{"torn move live b.ics Calendar repaired=false"}) {
			t.Errorf("found in the other calendar: %q", got)
		}
		must(t, a.Repair(ctx, r))
		if r.Wrong() {
			t.Errorf("not repaired: %q", findings(r))
		}
		v, other = g.twoCalendars(t, 2)
		if _, there := v.Entry("b.ics"); there {
			t.Error("the source of a finished move is still there")
		}
		if _, there := v.Entry("a.ics"); !there {
			t.Error("a forged X-Calgate-Moved-From ended an object")
		}
		mustShow(t, other, map[string]string{"a.ics": "forged", "b.ics": "new"})
		if got := shown(t, v)["bad.ics"]; got != "not what the hash says" {
			t.Errorf("the repaired object is %q", got)
		}
		if _, r := g.examine(t, 0, other.Calendar().Mailbox); r.Wrong() {
			t.Errorf("found again: %q", findings(r))
		}
	})
}

// What changed since it was examined stays as it is.
func TestFsckRaced(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		ctx := t.Context()
		v, other := g.twoCalendars(t, 0)
		a, err := v.Put(ctx, "a.ics", event("a", "old"), calendar.Condition{})
		must(t, err)
		g.forge(t, "Calendar", event("bad", "x"), func(r *translate.Record) { r.Length++ })
		looked, err := g.account(t, 0).Session().Look(ctx, "Calendar")
		must(t, err)
		g.forge(t, other.Calendar().Mailbox, event("a", "old"), func(r *translate.Record) {
			r.MovedFrom = translate.FormatMovedFrom("Calendar", looked.UIDValidity, token(a.ETag))
		})
		one, here := g.examine(t, 1, "Calendar")
		two, there := g.examine(t, 2, other.Calendar().Mailbox)
		v, _ = g.twoCalendars(t, 0)
		for _, name := range []string{"a", "bad"} {
			_, err := v.Put(ctx, name+".ics", event(name, "newer"), calendar.Condition{})
			must(t, err)
		}
		must(t, one.Repair(ctx, here))
		must(t, two.Repair(ctx, there))
		if !here.Wrong() || !there.Wrong() {
			t.Errorf("repaired: %q %q", findings(here), findings(there))
		}
		v, other = g.twoCalendars(t, 1)
		mustShow(t, v, map[string]string{"a.ics": "newer", "bad.ics": "newer"})
		mustShow(t, other, map[string]string{"a.ics": "old"})
	})
}

// tear makes a MOVE of an object from the default calendar that ended between its two
// steps.
func (g *fleet) tear(t *testing.T, name, uid, summary string) {
	t.Helper()
	v, other := g.twoCalendars(t, 0)
	put, err := v.Put(t.Context(), name, event(uid, summary), calendar.Condition{})
	must(t, err)
	looked, err := g.account(t, 0).Session().Look(t.Context(), "Calendar")
	must(t, err)
	g.forge(t, other.Calendar().Mailbox, event(uid, summary), func(r *translate.Record) {
		r.Name, r.MovedFrom = name, translate.FormatMovedFrom("Calendar", looked.UIDValidity, token(put.ETag))
	})
}

// A torn move is found, and finished, also after somebody has changed the copy: not
// when the source has changed, nor when somebody put the source there again after the
// move was finished.
func TestFsckOfAnEditedCopy(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		ctx := t.Context()
		g.open(t, 0)
		for _, name := range []string{"a", "b", "c"} {
			g.tear(t, name+".ics", name, "old")
		}
		v, other := g.twoCalendars(t, 1)
		for _, summary := range []string{"edited", "edited again"} {
			for _, name := range []string{"a", "b"} {
				_, err := other.Put(ctx, name+".ics", event(name, summary), calendar.Condition{})
				must(t, err)
			}
			must(t, other.CleanUp(ctx))
		}
		_, err := v.Put(ctx, "b.ics", event("b", "newer"), calendar.Condition{})
		must(t, err)
		account, r := g.examine(t, 2, other.Calendar().Mailbox)
		if got := findings(r); !slices.Equal(got, []string{"torn move live a.ics Calendar repaired=false", "torn move live c.ics Calendar repaired=false"}) {
			t.Errorf("found: %q", got)
		}
		var source []byte // of c, as a backup has it
		for m, err := range account.Session().Messages(ctx, "Calendar", []uint32{uidOf(t, v, "c.ics")}) {
			must(t, err)
			source = slices.Clone(m.Octets)
		}
		must(t, account.Repair(ctx, r))
		if r.Wrong() {
			t.Errorf("not repaired: %q", findings(r))
		}
		_, err = account.Session().Append(ctx, "Calendar", imapstore.Outgoing{Octets: source}, time.Now().Add(time.Minute))
		must(t, err)
		v, other = g.twoCalendars(t, 0)
		mustShow(t, v, map[string]string{"b.ics": "newer", "c.ics": "old"})
		mustShow(t, other, map[string]string{"a.ics": "edited again", "b.ics": "edited again", "c.ics": "old"})
		if _, r := g.examine(t, 2, other.Calendar().Mailbox); r.Wrong() {
			t.Errorf("found again: %q", findings(r))
		}
	})
}

func uidOf(t *testing.T, v *calendar.View, name string) uint32 {
	t.Helper()
	e, ok := v.Entry(name)
	if !ok {
		t.Fatalf("%s is not there", name)
	}
	return e.UID
}

// fsck finishes a MOVE that is not torn but only slow: the object is in the target, and
// the MOVE is told that it was done. Were it told that it had lost, it would take the
// copy back, and the object would be nowhere.
func TestFsckOfASlowMove(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		slow := g.servers[0]
		for _, late := range []bool{false, true} {
			g.servers[0] = slow
			g.finishSlowMove(t, late)
		}
	})
}

// finishSlowMove does it; late: the look of the MOVE is too old when it comes to the tombstone, so that it looks again.
func (g *fleet) finishSlowMove(t *testing.T, late bool) {
	ctx := t.Context()
	name := fmt.Sprintf("late-%v.ics", late)
	v, other := g.twoCalendars(t, 1)
	_, err := v.Put(ctx, name, event(name, "a"), calendar.Condition{})
	must(t, err)
	finished, back := false, time.Duration(0)
	g.servers[0] = newServer(t, g.mail.URL(), calendar.Options{Now: func() time.Time {
		if !finished { // a write asks for the time before its APPEND
			if _, there := g.openOther(t, 2).Entry(name); there {
				finished = true
				account, r := g.examine(t, 2, other.Calendar().Mailbox)
				must(t, account.Repair(ctx, r))
				if got := findings(r); !slices.Equal(got, []string{"torn move live " + name + " Calendar repaired=true"}) {
					t.Errorf("found: %q", got)
				}
			}
		}
		return time.Now().Add(-back)
	}})
	if late {
		back = 2 * time.Minute
	}
	v, _ = g.twoCalendars(t, 0)
	back = 0
	_, other = g.twoCalendars(t, 0)
	if _, err := v.Move(ctx, name, calendar.Condition{}, other, name, calendar.Condition{}); err != nil || !finished {
		t.Errorf("late %v, finished %v: %v", late, finished, err)
	}
	v, other = g.twoCalendars(t, 1)
	if _, there := v.Entry(name); there {
		t.Errorf("late %v: it is still at the source", late)
	}
	if got := shown(t, other)[name]; got != "a" {
		t.Errorf("late %v: in the target is %q", late, got)
	}
}

func (g *fleet) openOther(t *testing.T, i int) *calendar.View {
	_, other := g.twoCalendars(t, i)
	return other
}

// A folder that a newer calgate has written to is examined, and not touched.
func TestFsckOfANewerFolder(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		ctx := t.Context()
		v := g.open(t, 0)
		for _, s := range []string{"old", "new"} {
			_, err := v.Put(ctx, "a.ics", event("a", s), calendar.Condition{})
			must(t, err)
		}
		looked, err := g.account(t, 0).Session().Look(ctx, "Calendar")
		must(t, err)
		g.deliver(t, fmt.Sprintf("From: x@example.com\nX-Calgate-Op: put; v=2\nX-Calgate-Folder: %d", looked.UIDValidity), "later\n")
		a, r := g.examine(t, 1, "Calendar")
		if got := findings(r); len(got) != 1 || !strings.HasPrefix(got[0], "newer version") {
			t.Errorf("found: %q", got)
		}
		if err := a.Repair(ctx, r); !calendar.IsKind(err, calendar.Unavailable) || r.Expunged != 0 {
			t.Errorf("repaired: %v", err)
		}
		if _, r = g.examine(t, 2, "Calendar"); r.Messages != 3 || r.Count[translate.StandingSuperseded] != 1 {
			t.Errorf("%d messages are left of 3: %v", r.Messages, r.Count)
		}
	})
}
