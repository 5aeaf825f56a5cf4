package translate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestMoveMixesSeconds: neither does what clients see change, nor what is kept of the
// deleted that was not made again, where a move mixes the messages of each second, garbage aside.
func TestMoveMixesSeconds(t *testing.T) {
	kept := func(l *Listing) string {
		var s []string
		for e := range l.Dead() {
			if k := l.kept(e); k != nil && l.Live(e.Name) == nil && l.Holder(e.ICalUID()) == nil {
				s = append(s, string(e.Head.Token+"="+k.Token))
			}
		}
		slices.Sort(s)
		return strings.Join(s, " ")
	}
	rapid.Check(t, func(t *rapid.T) {
		f, second := newFolder(), 0
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if rapid.IntRange(0, 2).Draw(t, "clock") == 0 {
				second++
			}
			if w, ok := f.drawWrite(t); ok {
				w.version.InternalDate = written.Add(time.Duration(second) * time.Second)
				f.add(w.version)
			}
			if rapid.IntRange(0, 9).Draw(t, "move") != 0 {
				continue
			}
			f.expunge(f.look().Garbage()...)
			before := f.look()
			f.records = rapid.Permutation(f.records).Draw(t, "order")
			slices.SortStableFunc(f.records, func(a, b Record) int { return a.InternalDate.Compare(b.InternalDate) })
			f.move()
			second++
			after := f.look()
			if got, want := versions(after), versions(before); got != want {
				t.Fatalf("moved, clients see %s\ninstead of         %s\n%s", got, want, dump(f.records))
			}
			if got, want := kept(after), kept(before); got != want {
				t.Fatalf("moved, of the deleted there is kept %s\ninstead of %s\n%s", got, want, dump(f.records))
			}
		}
	})
}

// TestMixedSecond: a version above the tombstone that names it is what that deleted, if
// both came in one second and from another folder; else somebody put it there again.
func TestMixedSecond(t *testing.T) {
	a := put(1, "a.ics", "u")
	b := on(in(a), 2, OpPut, "a.ics")
	lost := on(in(a), 3, OpPut, "a.ics")
	dead := on(in(a, b), 4, OpDelete, "a.ics")
	at := func(uid uint32, r Record) Record {
		r.UID = uid
		return r
	}
	moved := func(uid uint32, r Record) Record { return elsewhere(r, uid) }
	later := func(r Record) Record {
		r.InternalDate = r.InternalDate.Add(time.Second)
		return r
	}
	for name, c := range map[string]struct {
		records    []Record
		shown      string
		kept, stay uint32 // stay: is not removed, though the tombstone's time is over
	}{
		"in order":                  {[]Record{moved(1, a), moved(2, b), moved(3, dead)}, "[]", 2, 0},
		"mixed":                     {[]Record{moved(1, dead), moved(2, b), moved(3, a)}, "[]", 2, 0},
		"a loser is not kept":       {[]Record{moved(1, lost), moved(2, dead), moved(3, b)}, "[]", 3, 0},
		"twice there":               {[]Record{moved(1, dead), moved(2, b), moved(3, b)}, "[a.ics=3]", 2, 2},
		"twice there, in order":     {[]Record{moved(1, b), moved(2, dead), moved(3, b)}, "[a.ics=3]", 1, 1},
		"another second":            {[]Record{moved(1, later(dead)), moved(2, b)}, "[a.ics=2]", 0, 0},
		"named in another one, too": {[]Record{moved(1, later(b)), moved(2, dead), moved(3, a)}, "[a.ics=3]", 1, 0},
		"put there before a move":   {[]Record{at(4, dead), at(5, b)}, "[a.ics=5]", 0, 0},
		"put there after a move":    {[]Record{on(in(moved(1, b)), 4, OpDelete, "a.ics"), moved(5, b)}, "[a.ics=5]", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l := in(append(c.records, Record{UID: 9, InternalDate: written.AddDate(1, 0, 0)})...)
			expect(t, l, c.shown)
			if next := on(l, 8, OpPut, "a.ics"); !in(append(c.records, next)...).Won(next.Token) {
				t.Error("what is shown, or its name, cannot be written to")
			}
			for e := range l.Dead() {
				if k := l.kept(e); k == nil && c.kept != 0 || k != nil && k.UID != c.kept {
					t.Errorf("kept: %+v, want %d", k, c.kept)
				}
			}
			remove, _ := l.Expired(written.AddDate(1, 0, 0), time.Hour)
			if c.stay != 0 && slices.Contains(append(remove, l.Garbage()...), c.stay) {
				t.Errorf("%d is removed", c.stay)
			}
		})
	}
}
