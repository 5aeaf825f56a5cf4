package translate

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// in is a folder with UIDVALIDITY 7 and these messages.
func in(records ...Record) *Listing { return Heads(pointers(records), 7) }

// pointers are what Heads takes.
func pointers(records []Record) []*Record {
	to := make([]*Record, len(records))
	for i := range records {
		to[i] = &records[i]
	}
	return to
}

// put is a first version under UIDVALIDITY 7; its Token ends in the UID.
func put(uid uint32, name, icalUID string) Record {
	t := Token(fmt.Sprintf("%016x", uid))
	return Record{UID: uid, Ours: true, Op: OpPut, Name: name, ICalUID: icalUID, Folder: 7, Gen: 1, Asof: uid - 1, Life: t, Token: t, InternalDate: written}
}

// on is a version that replaces what l shows under a name.
func on(l *Listing, uid uint32, op Op, name string) Record {
	r := l.Next(Write{Op: op, Name: name, Token: Token(fmt.Sprintf("%016x", uid)), Asof: uid - 1}, l.Live(name))
	r.UID, r.InternalDate = uid, written
	return r
}

// elsewhere is a message as it comes in from another folder.
func elsewhere(r Record, uid uint32) Record {
	r.Folder, r.UID = 6, uid
	return r
}

func tokens(l *Listing) string {
	var s []string
	for e := range l.Alive() {
		s = append(s, e.Name+"="+fmt.Sprint(e.Head.UID))
	}
	return fmt.Sprint(s)
}

func expect(t *testing.T, l *Listing, want string) {
	t.Helper()
	if got := tokens(l); got != want {
		t.Errorf("clients see %s, want %s", got, want)
	}
}

func TestRaceOfVersions(t *testing.T) {
	a := put(1, "a.ics", "u")
	l := in(a)
	b, c := on(l, 2, OpPut, "a.ics"), on(l, 3, OpPut, "a.ics")
	l = in(a, b, c)
	expect(t, l, "[a.ics=2]")
	if !l.Won(b.Token) || l.Won(c.Token) || !l.Won(a.Token) || l.Won("") {
		t.Error("the wrong one won")
	}
	if got := l.Garbage(); !slices.Equal(got, []uint32{1, 3}) {
		t.Error("garbage:", got)
	}
}

func TestOneUIDOneName(t *testing.T) {
	raced := func(r Record) Record { // all had looked at the empty folder
		r.Asof = 0
		return r
	}
	l := in(put(1, "a.ics", "u"), raced(put(2, "b.ics", "u")), raced(put(3, "a.ics", "v")), raced(put(4, "c.ics", "w")))
	expect(t, l, "[a.ics=1 c.ics=4]")
	if h := l.Holder("u"); h == nil || h.Name != "a.ics" {
		t.Error("holder:", h)
	}
	if l.Holder("v") != nil || l.Holder("") != nil || l.Live("b.ics") != nil {
		t.Error("a lost create is shown")
	}
	if !l.Seen("a.ics") || l.Seen("b.ics") {
		t.Error("seen")
	}
}

// TestExpungedByHand: who creates after a raw client expunged an object had seen
// it gone; what that still gets is void.
func TestExpungedByHand(t *testing.T) {
	a := put(1, "a.ics", "u")
	late := on(in(a), 3, OpPut, "a.ics")
	l := in(put(2, "b.ics", "u"), late) // a is expunged, b made, then comes a late writer on a
	expect(t, l, "[b.ics=2]")
	if got := l.Garbage(); !slices.Equal(got, []uint32{3}) {
		t.Error("garbage:", got)
	}
}

func TestOrderAndDoubles(t *testing.T) {
	a, b := put(1, "a.ics", "u"), put(2, "b.ics", "v")
	expect(t, in(b, a, b, a), "[a.ics=1 b.ics=2]")
	expect(t, in(), "[]")
}

// TestImpossibleNumbers: a native version that knows UIDs above its own was not
// written here. It is foreign, so that it hides nothing.
func TestImpossibleNumbers(t *testing.T) {
	a := put(1, "a.ics", "u")
	l := in(a)
	d := on(l, 2, OpDelete, "a.ics")
	d.Asof = 2
	expect(t, in(a, d), "[a.ics=1]")
	d.Asof, d.Base = 0, 9
	expect(t, in(a, d), "[a.ics=1]")
}

func TestNamesOfRelics(t *testing.T) {
	a := put(1, "a.ics", "u")
	r := elsewhere(put(2, "a.ics", "v"), 2)
	s := elsewhere(put(3, "imap-7-2.ics", "w"), 3)
	l := in(a, r, s)
	expect(t, l, "[a.ics=1 imap-7-2.ics=2 imap-7-3.ics=3]")
	taken := put(4, "imap-7-2.ics", "x")
	l = in(a, r, taken)
	expect(t, l, "[a.ics=1 imap-7-2-2.ics=2 imap-7-2.ics=4]")
}

func TestCopies(t *testing.T) {
	a := put(1, "a.ics", "u")
	d := on(in(a), 2, OpDelete, "a.ics")
	again, twice, grave := a, a, d
	again.UID, twice.UID, grave.UID = 3, 4, 5
	l := in(a, d, again, twice, grave)
	expect(t, l, "[a.ics=4]")
	if h := l.Live("a.ics"); !h.Foreign || len(h.Members) != 2 {
		t.Error("not a copy")
	}
	if got := l.Copies(); !slices.Equal(got, []uint32{3, 4}) {
		t.Error("to be read:", got)
	}
	again.Opened, again.Sequence, twice.Opened = true, 1, true
	l = in(a, d, again, twice, grave)
	expect(t, l, "[a.ics=3]")
	if len(l.Copies()) != 0 {
		t.Error("read, but asked for again")
	}
	again.Sequence, again.DTStamp, twice.DTStamp = 0, "20261125T090000Z", "20261124T090000Z"
	expect(t, in(a, d, again, twice, grave), "[a.ics=3]")

	over := on(l, 6, OpPut, "a.ics")
	if over.Life != "7-3" || over.Gen != 1 || over.Base != 3 || over.Prev[0] != (Predecessor{3, a.Token}) {
		t.Errorf("over a copy: %+v", over)
	}
	l = in(a, d, again, twice, grave, over)
	expect(t, l, "[a.ics=6]")
	if got := l.Garbage(); !slices.Equal(got, []uint32{5}) {
		t.Error("garbage:", got) // 1 is kept below 2
	}
	if got := l.Covered(); !slices.Equal(got, []uint32{3, 4}) {
		t.Error("covered:", got)
	}
}

// TestUnordered: of a foreign message that a tombstone covers only the order tells that it came first, where both came in one
// second; not so what is above the tombstone, what is of another second, what is alive, and a mail.
func TestUnordered(t *testing.T) {
	second := func(r Record, n int64) Record { r.InternalDate = time.Unix(n, 0); return r }
	foreign := func(uid uint32, icalUID string) Record {
		return second(Record{UID: uid, Foreign: true, ICalUID: icalUID}, 9)
	}
	first, other, later := foreign(1, "u"), foreign(2, "v"), foreign(5, "u")
	l := in(first, other)
	grave := second(on(l, 4, OpDelete, l.Holder("u").Name), 9)
	for name, c := range map[string]struct {
		records []Record
		want    []uint32
	}{
		"covered":         {[]Record{first, other, grave}, []uint32{1}},
		"came again":      {[]Record{first, other, grave, later}, []uint32{1}},
		"earlier":         {[]Record{second(first, 8), other, grave}, nil},
		"in a mail":       {[]Record{func() Record { m := first; m.Mixed = true; return m }(), other, grave}, nil},
		"nothing deleted": {[]Record{first, other}, nil},
	} {
		if got := in(c.records...).Unordered(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestFarBehind(t *testing.T) {
	old := put(1, "a.ics", "u")
	head := on(in(old), 40, OpPut, "a.ics")
	head.Gen, head.Prev = 18, nil
	behind := old
	behind.UID, behind.Gen = 41, 1
	if l := in(head, behind); !l.foreign[l.records[1]] {
		t.Error("17 behind is no copy")
	}
	behind.Gen = 2
	if l := in(head, behind); l.foreign[l.records[1]] {
		t.Error("16 behind is a copy")
	}
	behind.Gen, head.Folder, head.Gen = 1, 6, maxGen
	if l := in(head, behind); l.foreign[l.records[1]] {
		t.Error("a message of another Folder makes a native one a copy")
	}
}

func TestNextCapsPrev(t *testing.T) {
	records := []Record{put(1, "a.ics", "u")}
	for uid := uint32(2); uid < 40; uid++ {
		records = append(records, on(in(records...), uid, OpPut, "a.ics"))
	}
	last := records[len(records)-1]
	if len(last.Prev) != MaxPrev || last.Prev[0].UID != 38 || last.Prev[15].UID != 23 || last.Gen != 39 || last.Asof != 0 || last.Life != records[0].Token {
		t.Errorf("%+v", last)
	}
	moved := elsewhere(last, 1)
	next := on(in(moved), 2, OpPut, "a.ics")
	if next.Base != 1 || next.Asof != 1 || next.Gen != 40 || next.Life != last.Life || len(next.Prev) != MaxPrev || next.Prev[0] != (Predecessor{1, last.Token}) || next.Prev[1] != (Predecessor{0, last.Prev[0].Token}) {
		t.Errorf("%+v", next)
	}
}

// TestHighestGen: a forged number keeps nobody from writing.
func TestHighestGen(t *testing.T) {
	for name, forged := range map[string]Record{"relic": elsewhere(put(1, "a.ics", "u"), 1), "native": put(1, "a.ics", "u")} {
		forged.Gen, forged.Base = maxGen, 0
		l := in(forged)
		v := on(l, 2, OpPut, "a.ics")
		if v.Gen > maxGen {
			t.Fatalf("%s: Gen %d", name, v.Gen)
		}
		l = in(forged, v)
		expect(t, l, "[a.ics=2]")
		w := on(l, 3, OpPut, "a.ics")
		expect(t, in(forged, v, w), "[a.ics=3]")
		d := on(in(w), 4, OpDelete, "a.ics")
		expect(t, in(w, d), "[]")
		expect(t, in(forged, on(in(forged), 2, OpDelete, "a.ics")), "[]")
	}
}

func TestProps(t *testing.T) {
	props := func(uid uint32, name string) Record {
		r := put(uid, name, "")
		r.Op = OpProps
		return r
	}
	old, older := elsewhere(props(1, ""), 1), elsewhere(props(2, ""), 2)
	event := put(3, "a.ics", "")
	l := in(old, older, event)
	if p := l.Props(""); p == nil || p.Head.UID != 1 {
		t.Fatal("relics do not count while there is no native one")
	}
	expect(t, l, "[a.ics=3]")
	first := l.Next(Write{Op: OpProps, Token: "00000000000000f1", Asof: 3}, l.Props(""))
	second := first
	first.UID, second.UID, second.Token = 4, 5, "00000000000000f2"
	l = in(old, older, event, first, second)
	if p := l.Props(""); p.Head.UID != 4 || p.Head.Life != old.Life || p.Head.Gen != 2 || l.Won(second.Token) {
		t.Errorf("%+v", l.Props("").Head)
	}
	if got := l.Garbage(); !slices.Equal(got, []uint32{1, 2, 5}) {
		t.Error("garbage:", got)
	}
	mine, yours := props(6, "~bob/Calendar"), props(7, "~carol/Calendar")
	l = in(first, mine, yours)
	for name, uid := range map[string]uint32{"": 4, "~bob/Calendar": 6, "~carol/Calendar": 7} {
		if p := l.Props(name); p == nil || p.Head.UID != uid {
			t.Errorf("%q: %v", name, p)
		}
	}
	if l.Props("~dave/Calendar") != nil || l.Len() != 0 || l.Live("~bob/Calendar") != nil {
		t.Error("properties are in the listing")
	}
}

func TestKeptAndExpired(t *testing.T) {
	day := 24 * time.Hour
	a, b := put(1, "a.ics", "u"), put(2, "b.ics", "v")
	relic := elsewhere(put(3, "r.ics", "u"), 3)
	foreign := Record{UID: 4, Foreign: true, ICalUID: "u", InternalDate: written}
	mixed := Record{UID: 5, Foreign: true, Mixed: true, ICalUID: "u", InternalDate: written}
	d := on(in(a, b), 6, OpDelete, "a.ics")
	d.Asof = 5 // as if the life had begun when all of them were there
	d.Base = 1
	later := Record{UID: 7, InternalDate: written.Add(40 * day)} // a mail
	all := []Record{a, b, relic, foreign, mixed, d}
	l := in(all...)
	expect(t, l, "[b.ics=2]")
	if got := l.Kept(); !slices.Equal(got, []uint32{1}) {
		t.Error("kept:", got)
	}
	if got := l.Garbage(); !slices.Equal(got, []uint32{3}) {
		t.Error("garbage:", got)
	}
	if got := l.Covered(); !slices.Equal(got, []uint32{4}) {
		t.Error("covered:", got)
	}
	for name, c := range map[string]struct {
		l   *Listing
		now time.Time
	}{
		"own clock":       {in(append(all, later)...), written.Add(29 * day)},
		"newest message":  {l, written.Add(31 * day)},
		"shortest":        {in(append(all, later)...), written.Add(59 * time.Minute)},
		"clock goes back": {in(append(all, later)...), written.Add(-day)},
	} {
		keep := 30 * day
		if name == "shortest" {
			keep = 0
		}
		if remove, tombs := c.l.Expired(c.now, keep); remove != nil || tombs != nil {
			t.Errorf("%s: %v %v", name, remove, tombs)
		}
	}
	l = in(append(all, later)...)
	remove, tombs := l.Expired(written.Add(31*day), 30*day)
	if !slices.Equal(remove, []uint32{1, 3, 4}) || len(tombs) != 1 || tombs[0].Head.UID != 6 {
		t.Fatal(remove, tombs)
	}
	if l.Droppable(tombs[0]) || in(b, mixed, d).Droppable(tombs[0]) {
		t.Error("what the tombstone covers is still there")
	}
	if !in(b, d, later).Droppable(tombs[0]) {
		t.Error("nothing is left, but it may not go")
	}
}

// TestForgedTombstoneTakesNothingElse: a tombstone whose Base points at another
// object, or at a mail, neither flags nor removes that.
func TestForgedTombstoneTakesNothingElse(t *testing.T) {
	a, b := put(1, "a.ics", "u"), put(3, "b.ics", "v")
	mail := Record{UID: 2, InternalDate: written}
	for _, base := range []uint32{1, 2} {
		forged := put(4, "x.ics", "w")
		forged.Op, forged.Base, forged.Gen, forged.Asof = OpDelete, base, 2, 0
		l := in(a, mail, b, forged, Record{UID: 5, InternalDate: written.AddDate(1, 0, 0)})
		expect(t, l, "[a.ics=1 b.ics=3]")
		remove, _ := l.Expired(written.AddDate(1, 0, 0), time.Hour)
		if len(l.Kept()) != 0 || len(remove) != 0 || len(l.Garbage()) != 0 {
			t.Error(base, l.Kept(), remove, l.Garbage())
		}
	}
}

// TestSnapshotOfTheDeleted: an object whose tombstone lies at or above U was
// there at U.
func TestSnapshotOfTheDeleted(t *testing.T) {
	a := put(1, "a.ics", "u")
	d := on(in(a), 5, OpDelete, "a.ics")
	l := in(d) // the kept version may be gone
	if s := l.At(5); s["a.ics"] != (Predecessor{1, a.Token}) {
		t.Error(s)
	}
	if s := l.At(6); len(s) != 0 {
		t.Error(s)
	}
	if l.At(5).Digest() != in(a).At(2).Digest() || len(l.At(6).Digest()) != 12 {
		t.Error("digests")
	}
	if in(put(1, "a.ics", "u")).At(2).Digest() == in(put(1, "b.ics", "u")).At(2).Digest() {
		t.Error("the digest does not depend on the name")
	}
	one, two := Record{UID: 1, Foreign: true, Name: "a.ics", ICalUID: "u"}, Record{UID: 2, Foreign: true, Name: "a.ics", ICalUID: "u"}
	if in(one).At(3).Digest() == in(two).At(3).Digest() {
		t.Error("the digest of a foreign message does not depend on its UID")
	}
}

// manyVersions is a calendar of n objects, some of them changed and deleted, as
// it is before a clean-up.
func manyVersions(n int) []*Record {
	records := make([]Record, 0, n)
	for uid := uint32(1); len(records) < n; uid++ {
		a := put(uid, fmt.Sprintf("%d.ics", uid), fmt.Sprintf("uid-%d", uid))
		records = append(records, a)
		if uid%10 == 0 && len(records) < n {
			op := OpPut
			if uid%20 == 0 {
				op = OpDelete
			}
			b := on(in(a), uid+1, op, a.Name)
			records = append(records, b)
			uid++
		}
	}
	return pointers(records)
}

func BenchmarkHeads(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		records := manyVersions(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Heads(records, 7)
			}
		})
		b.Run(fmt.Sprintf("moved/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Heads(records, 8)
			}
		})
		b.Run(fmt.Sprintf("garbage/%d", n), func(b *testing.B) {
			l := Heads(records, 7)
			for b.Loop() {
				l.Garbage()
			}
		})
	}
	again := make([]*Record, 0, 100_000) // one name, made and deleted again and again
	for uid := uint32(1); len(again) < 100_000; uid += 2 {
		a := put(uid, "a.ics", "u")
		d := a
		d.UID, d.Op, d.Gen, d.Base, d.Token = uid+1, OpDelete, 2, uid, Token(fmt.Sprintf("%016x", uid+1))
		d.Prev = []Predecessor{{uid, a.Token}}
		again = append(again, &a, &d)
	}
	b.Run("one name/100000", func(b *testing.B) {
		for b.Loop() {
			Heads(again, 7)
		}
	})
	b.Run("one name moved/100000", func(b *testing.B) {
		for b.Loop() {
			Heads(again, 8)
		}
	})
}
