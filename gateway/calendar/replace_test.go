package calendar_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"calgate/gateway/calendar"
	"calgate/test/backends"
	"calgate/translate"
)

// upload is a published calendar of events, "uid=summary".
func upload(t *testing.T, events ...string) *translate.Upload {
	t.Helper()
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")
	for _, e := range events {
		uid, summary, _ := strings.Cut(e, "=")
		fmt.Fprintf(&b, "BEGIN:VEVENT\r\nUID:%s\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260310T180000Z\r\nSUMMARY:%s\r\nEND:VEVENT\r\n", uid, summary)
	}
	b.WriteString("END:VCALENDAR\r\n")
	u, err := translate.ReadUpload([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func replaceAll(t *testing.T, events ...string) calendar.Publication {
	return calendar.Publication{Upload: upload(t, events...), DeleteAll: true}
}

// feedOf is what a view shows as a feed: "uid=summary" in its order.
func feedOf(t *testing.T, v *calendar.View) (events []string) {
	t.Helper()
	for item, err := range v.Feed(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		o, err := translate.ParseObject(item.Body)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, o.UID+"="+o.Summary)
	}
	return events
}

func mustReplace(t *testing.T, v *calendar.View, p calendar.Publication, written int, equal bool) {
	t.Helper()
	r, err := v.Replace(t.Context(), p, calendar.FeedCondition{})
	if err != nil || r.Written != written || r.Equal != equal {
		t.Fatalf("%+v, %v: want %d written, equal %v", r, err, written, equal)
	}
	if err := v.CleanUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestReplace(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		v := g.open(t, 0)
		// In other octets, as another program would write the same.
		o, err := translate.ParseObject(append([]byte("BEGIN:VCALENDAR\r\nPRODID:phone\r\n"), strings.TrimPrefix(string(upload(t, "a=one").Octets(0)), "BEGIN:VCALENDAR\r\n")...))
		if err != nil {
			t.Fatal(err)
		}
		own, err := v.Put(t.Context(), "own.ics", o, calendar.Condition{})
		if err != nil {
			t.Fatal(err)
		}
		mustReplace(t, v, calendar.Publication{Upload: upload(t, "c=one", "b=one")}, 2, false)
		mustReplace(t, v, calendar.Publication{Upload: upload(t, "c=one", "b=one")}, 0, false)
		if got := feedOf(t, g.open(t, 1)); !slices.Equal(got, []string{"a=one", "b=one", "c=one"}) {
			t.Fatal(got)
		}
		before := g.open(t, 1).FeedState("x")
		mustReplace(t, g.open(t, 2), replaceAll(t, "a=one", "b=one", "c=one"), 0, true)
		after := g.open(t, 0)
		if s := after.FeedState("x"); s != before || s == after.FeedState("y") || s.Modified.IsZero() {
			t.Errorf("state %+v, before %+v", s, before)
		}
		if e, ok := after.Entry("own.ics"); !ok || e.ETag != own.ETag || e.UID != own.UID && own.UID != 0 {
			t.Errorf("an unchanged object became %+v", e)
		}
		mustReplace(t, g.open(t, 1), replaceAll(t, "b=two", "d=one"), 4, true)
		v = g.open(t, 2)
		if got := feedOf(t, v); !slices.Equal(got, []string{"b=two", "d=one"}) {
			t.Fatal(got)
		}
		// What comes again after its tombstone has a name that nobody has seen.
		names := map[string]bool{}
		for round := range 3 {
			mustReplace(t, v, replaceAll(t), 2, true)
			mustReplace(t, v, replaceAll(t, "b=two", "d=one"), 2, true)
			for e := range v.Entries() {
				if names[e.Name] {
					t.Errorf("round %d: name %s again", round, e.Name)
				}
				names[e.Name] = true
			}
		}
		if !names["3e23e8160039594a-2.ics"] { // SHA-256 of "b"
			t.Errorf("names %v", names)
		}
	})
}

var errStale = errors.New("stale")

func TestReplaceConditions(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		v := g.open(t, 0)
		mustReplace(t, v, replaceAll(t, "a=one"), 1, true)
		stale := calendar.FeedCondition{Conditional: true, IfMatch: []string{`"x"`}, Check: func(calendar.FeedState) error { return errStale }}
		if _, err := v.Replace(t.Context(), replaceAll(t), stale); err != errStale {
			t.Errorf("%v", err)
		}
		// A publication whose answer got lost has been done.
		if r, err := v.Replace(t.Context(), replaceAll(t, "a=one"), stale); err != nil || !r.Equal {
			t.Errorf("%+v %v", r, err)
		}
		stale.IfMatch = nil
		if _, err := v.Replace(t.Context(), replaceAll(t, "a=one"), stale); err != errStale {
			t.Errorf("%v", err)
		}
		// Another writer between look and APPEND: one who named a state is told, and
		// nothing that he has not seen goes.
		other := g.open(t, 1)
		if _, err := other.Put(t.Context(), "new.ics", event("new", "new"), calendar.Condition{}); err != nil {
			t.Fatal(err)
		}
		for e := range other.Entries() {
			if e.ICalUID == "a" {
				if _, err := other.Put(t.Context(), e.Name, event("a", "other"), calendar.Condition{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		_, err := v.Replace(t.Context(), replaceAll(t, "a=two", "b=one"), calendar.FeedCondition{Conditional: true})
		if !calendar.IsKind(err, calendar.PreconditionFailed) {
			t.Errorf("lost: %v", err)
		}
		if got := feedOf(t, g.open(t, 2)); !slices.Equal(got, []string{"a=other", "b=one", "new=new"}) {
			t.Errorf("a lost race left %v", got)
		}
		// Without a condition the last one wins; what came after the look stays.
		v = g.open(t, 0)
		if _, err := other.Put(t.Context(), "newer.ics", event("newer", "newer"), calendar.Condition{}); err != nil {
			t.Fatal(err)
		}
		if err := other.Delete(t.Context(), "new.ics", calendar.Condition{}); err != nil {
			t.Fatal(err)
		}
		r, err := v.Replace(t.Context(), replaceAll(t, "a=three"), calendar.FeedCondition{})
		if err != nil || r.Equal {
			t.Errorf("%+v %v", r, err)
		}
		if got := feedOf(t, g.open(t, 2)); !slices.Equal(got, []string{"a=three", "newer=newer"}) {
			t.Errorf("%v", got)
		}
	})
}

// Several gateways replace a calendar at once, while others write objects: every item is
// there once, as one of them said, and nothing is lost that nobody removed.
func TestReplaceRaces(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		const writers, rounds, items = 3, 4, 12
		for round := range rounds {
			var all sync.WaitGroup
			start := make(chan struct{})
			for i := range writers {
				v := g.open(t, i)
				var events []string
				for k := range items {
					events = append(events, fmt.Sprintf("u%d=%d-%d", k, round, i))
				}
				p := replaceAll(t, events...)
				all.Go(func() {
					<-start
					if _, err := v.Replace(t.Context(), p, calendar.FeedCondition{}); err != nil && !calendar.IsKind(err, calendar.Unavailable) {
						t.Errorf("writer %d: %v", i, err)
					}
					if err := v.CleanUp(t.Context()); err != nil {
						t.Errorf("writer %d cleans up: %v", i, err)
					}
				})
			}
			phone := g.open(t, 1)
			all.Go(func() {
				<-start
				name := fmt.Sprintf("phone%d.ics", round)
				if _, err := phone.Put(t.Context(), name, event("phone", name), calendar.Condition{}); err != nil && !calendar.IsKind(err, calendar.UIDConflict) && !calendar.IsKind(err, calendar.Unavailable) {
					t.Errorf("phone: %v", err)
				}
			})
			close(start)
			all.Wait()
			seen := map[string]bool{}
			for _, e := range feedOf(t, g.open(t, round)) {
				uid, summary, _ := strings.Cut(e, "=")
				if seen[uid] || uid != "phone" && !strings.HasPrefix(summary, fmt.Sprint(round, "-")) {
					t.Errorf("round %d: %s", round, e)
				}
				seen[uid] = true
			}
			for k := range items {
				if !seen[fmt.Sprint("u", k)] {
					t.Errorf("round %d: u%d is lost", round, k)
				}
			}
		}
	})
}

// A publication that does not fit changes nothing, or where there is no MULTIAPPEND
// removes nothing; whoever is over quota can still empty the calendar.
func TestReplaceOverQuota(t *testing.T) {
	t.Parallel()
	backends.OnEach(t, backends.Options{Quota: "*:storage=15K"}, func(t *testing.T, b *backends.Server) {
		g := newFleet(t, b, 2, calendar.Options{})
		v := g.open(t, 0)
		mustReplace(t, v, replaceAll(t, "a=one", "b=one"), 2, true)
		large := []string{"a=two"}
		for i := range 40 {
			large = append(large, fmt.Sprintf("large%d=%s", i, strings.Repeat("x", 800)))
		}
		whole := g.account(t, 1).Session().Caps().MultiAppend
		_, err := v.Replace(t.Context(), replaceAll(t, large...), calendar.FeedCondition{})
		var full *calendar.Error
		if !errors.As(err, &full) || full.Kind != calendar.OverQuota || (full.Name == "") != whole {
			t.Errorf("%v", err)
		}
		if got := feedOf(t, g.open(t, 1)); whole && !slices.Equal(got, []string{"a=one", "b=one"}) || !slices.Contains(got, "b=one") {
			t.Errorf("over quota left %v", got)
		}
		for i := range 40 { // fill it up
			v = g.open(t, 1)
			if _, err := v.Put(t.Context(), fmt.Sprint(i), event(fmt.Sprint(i), strings.Repeat("y", 300)), calendar.Condition{}); err != nil {
				break
			}
		}
		v = g.open(t, 0)
		if _, err := v.Replace(t.Context(), replaceAll(t), calendar.FeedCondition{}); err != nil {
			t.Errorf("over quota nothing can be deleted: %v", err)
		}
		if got := feedOf(t, g.open(t, 1)); len(got) > 0 {
			t.Errorf("%v", got)
		}
	})
}
