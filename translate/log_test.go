package translate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// folder is a mailbox as the server keeps it, for the tests of the rule.
type folder struct {
	valid, next uint32
	records     []Record
	tokens      int
}

func newFolder() *folder { return &folder{valid: 1, next: 1} }

func (f *folder) token() Token {
	f.tokens++
	return Token(fmt.Sprintf("%016x", f.tokens))
}

func (f *folder) look() *Listing { return Heads(pointers(slices.Clone(f.records)), f.valid) }

func (f *folder) add(r Record) Record {
	r.UID = f.next
	f.next++
	f.records = append(f.records, r)
	return r
}

func (f *folder) expunge(uids ...uint32) {
	f.records = slices.DeleteFunc(f.records, func(r Record) bool { return slices.Contains(uids, r.UID) })
}

// move gives all messages new UIDs in the same order.
func (f *folder) move() {
	f.valid++
	f.next = 1
	for i := range f.records {
		f.records[i].UID = f.next
		f.next++
	}
}

// shown is what clients see, properties included.
func shown(l *Listing) string {
	var b strings.Builder
	for e := range l.Alive() {
		fmt.Fprintf(&b, "%s=%s(%d) ", e.Name, e.Head.Token, e.Head.UID)
	}
	for _, name := range propsNames {
		if e := l.Props(name); e != nil {
			fmt.Fprintf(&b, "%q=%s ", name, e.Head.Token)
		}
	}
	return b.String()
}

// versions is what clients see, without what a move changes: UIDs, and the names
// made from them.
func versions(l *Listing) string {
	var s []string
	for e := range l.Alive() {
		name := e.Name
		if strings.HasPrefix(name, "imap-") {
			name = "imap"
		}
		s = append(s, name+"="+string(e.Head.Token)+e.Head.ICalUID)
	}
	slices.Sort(s)
	for _, name := range propsNames {
		if e := l.Props(name); e != nil {
			s = append(s, fmt.Sprintf("%q=%s", name, e.Head.Token))
		}
	}
	return strings.Join(s, " ")
}

var propsNames = []string{"", "~bob/Calendar", "~carol@b.org/Work"}

// writer is a request between its look and its APPEND.
type writer struct {
	valid, next uint32
	version     Record
}

// drawWrite looks and decides what to write; ok is false where the conditions
// refuse it.
func (f *folder) drawWrite(t *rapid.T) (writer, bool) {
	l := f.look()
	n := rapid.IntRange(0, 4).Draw(t, "name")
	w := Write{Op: OpPut, Name: fmt.Sprintf("%c.ics", 'a'+n), ICalUID: fmt.Sprintf("uid-%d", n), Token: f.token(), Asof: f.next - 1}
	var h *Life
	switch rapid.SampledFrom([]string{"put", "put", "delete", "props", "other uid"}).Draw(t, "write") {
	case "delete":
		w.Op = OpDelete
		if h = l.Live(w.Name); h == nil {
			return writer{}, false
		}
	case "props":
		w.Op, w.Name = OpProps, propsNames[n%len(propsNames)]
		h = l.Props(w.Name)
	case "other uid": // one UID under another name
		w.ICalUID = fmt.Sprintf("uid-%d", (n+1)%5)
		fallthrough
	default:
		h = l.Live(w.Name)
		if h != nil {
			w.ICalUID = h.ICalUID()
		} else if l.Holder(w.ICalUID) != nil {
			return writer{}, false
		}
	}
	return writer{f.valid, f.next, l.Next(w, h)}, true
}

// drawStep does one thing to a folder. Writers wait in line, so that they race.
func (f *folder) drawStep(t *rapid.T, line *[]writer, kinds ...string) {
	switch rapid.SampledFrom(kinds).Draw(t, "step") {
	case "look":
		if w, ok := f.drawWrite(t); ok {
			*line = append(*line, w)
		}
	case "append":
		if len(*line) > 0 {
			i := rapid.IntRange(0, len(*line)-1).Draw(t, "writer")
			if w := (*line)[i]; w.valid == f.valid {
				f.add(w.version)
			}
			*line = slices.Delete(*line, i, i+1)
		}
	case "copy":
		if len(f.records) > 0 {
			f.add(rapid.SampledFrom(f.records).Draw(t, "which"))
		}
	case "raw":
		n := rapid.IntRange(0, 5).Draw(t, "uid")
		f.add(Record{Foreign: true, Name: rapid.SampledFrom([]string{"", "a.ics", "x.ics"}).Draw(t, "file"),
			ICalUID: fmt.Sprintf("uid-%d", n), Sequence: uint32(rapid.IntRange(0, 2).Draw(t, "sequence"))})
	case "mail":
		f.add(Record{})
	}
}

var gateways = []string{"look", "look", "append", "append", "append"}

// TestRemovalOfGarbage: whoever removes garbage, in whatever order and however
// much of it, changes nothing that anybody sees.
func TestRemovalOfGarbage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, line := newFolder(), []writer(nil)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			f.drawStep(t, &line, append(gateways, "copy", "raw", "mail")...)
			if rapid.IntRange(0, 60).Draw(t, "move") == 0 {
				f.move()
			}
			l := f.look()
			gone := slices.Concat(l.Garbage(), l.Covered(), l.Unordered())
			if len(gone) == 0 || rapid.Bool().Draw(t, "later") {
				continue
			}
			gone = rapid.Permutation(gone).Draw(t, "order")
			for _, uid := range gone[:rapid.IntRange(1, len(gone)).Draw(t, "how many")] {
				f.expunge(uid)
				if got, want := shown(f.look()), shown(l); got != want {
					t.Fatalf("without message %d of\n%s\nclients see %s\ninstead of  %s", uid, dump(f.records), got, want)
				}
			}
		}
	})
}

func dump(records []Record) string {
	var b strings.Builder
	for _, r := range records {
		fmt.Fprintf(&b, "%d: ours=%v %s %q uid=%s folder=%d life=%s token=%s gen=%d base=%d asof=%d prev=%s\n", r.UID, r.Ours, r.Op, r.Name, r.ICalUID, r.Folder, r.Life, r.Token, r.Gen, r.Base, r.Asof, formatPrev(r.Prev))
	}
	return b.String()
}

// TestOnlyAppendsCount: with gateways alone, an APPEND that the check calls lost
// changes nothing, and one that won is what clients see then.
func TestOnlyAppendsCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, line := newFolder(), []writer(nil)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			before, next := f.look(), f.next
			f.drawStep(t, &line, gateways...)
			if f.next == next {
				continue
			}
			after, m := f.look(), f.records[len(f.records)-1]
			if !after.Won(m.Token) {
				if got, want := shown(after), shown(before); got != want {
					t.Fatalf("lost, but clients see %s instead of %s\n%s", got, want, dump(f.records))
				}
				continue
			}
			var head *Life
			switch m.Op {
			case OpProps:
				head = after.Props(m.Name)
			case OpPut:
				head = after.Live(m.Name)
			default:
				if after.Live(m.Name) != nil {
					t.Fatalf("deleted, but there\n%s", dump(f.records))
				}
				continue
			}
			if head == nil || head.Head.Token != m.Token {
				t.Fatalf("won, but not shown\n%s", dump(f.records))
			}
		}
	})
}

// TestSnapshots: a digest that was taken at a UIDNEXT either names, for ever
// after, the listing that was shown then, or none.
func TestSnapshots(t *testing.T) {
	type token struct {
		valid, next uint32
		digest      string
		names       map[string]Token
	}
	names := func(l *Listing) map[string]Token {
		m := map[string]Token{}
		for e := range l.Alive() {
			m[e.Name] = e.Head.Token
		}
		return m
	}
	rapid.Check(t, func(t *rapid.T) {
		f, line, taken := newFolder(), []writer(nil), []token(nil)
		byHand := rapid.Bool().Draw(t, "others take part")
		kinds := gateways
		if byHand {
			kinds = append(kinds, "copy", "raw", "mail")
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			f.drawStep(t, &line, kinds...)
			l := f.look()
			taken = append(taken, token{f.valid, f.next, l.At(f.next).Digest(), names(l)})
			f.expunge(l.Garbage()...)
			if byHand && rapid.IntRange(0, 5).Draw(t, "expunge by hand") == 0 && len(f.records) > 0 {
				f.expunge(rapid.SampledFrom(f.records).Draw(t, "what").UID)
			}
			l = f.look()
			for _, k := range taken {
				s := l.At(k.next)
				same := s.Digest() == k.digest
				if !same && !byHand {
					t.Fatalf("the token at %d is refused, though all is there\n%s", k.next, dump(f.records))
				}
				if !same {
					continue
				}
				got := map[string]Token{}
				for name, v := range s {
					got[name] = v.Token
				}
				if fmt.Sprint(got) != fmt.Sprint(k.names) {
					t.Fatalf("at %d clients saw %v, not %v\n%s", k.next, k.names, got, dump(f.records))
				}
			}
		}
	})
}

// TestPrefix: of a whole log, At(U) is what the messages below U show.
func TestPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, line := newFolder(), []writer(nil)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			f.drawStep(t, &line, gateways...)
		}
		l := f.look()
		for next := uint32(1); next <= f.next; next++ {
			below := slices.DeleteFunc(slices.Clone(f.records), func(r Record) bool { return r.UID >= next })
			want := Heads(pointers(below), f.valid).At(next)
			if got := l.At(next); got.Digest() != want.Digest() {
				t.Fatalf("at %d: %v instead of %v\n%s", next, got, want, dump(f.records))
			}
		}
	})
}

// TestMove: a copy in the same order, with everything, shows the same versions
// under the same names.
func TestMove(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, line := newFolder(), []writer(nil)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			f.drawStep(t, &line, append(gateways, "mail")...)
			if rapid.IntRange(0, 3).Draw(t, "clean up") == 0 {
				f.expunge(f.look().Garbage()...)
			}
			if rapid.IntRange(0, 9).Draw(t, "move") == 0 {
				want := versions(f.look())
				f.move()
				if got := versions(f.look()); got != want {
					t.Fatalf("moved, clients see %s\ninstead of         %s\n%s", got, want, dump(f.records))
				}
			}
		}
	})
}

// TestForgedForAnotherFolder: whatever somebody forges for another Folder, no
// native life is hidden, changed, or given away as garbage by it.
func TestForgedForAnotherFolder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, line := newFolder(), []writer(nil)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			f.drawStep(t, &line, gateways...)
		}
		if rapid.Bool().Draw(t, "moved") {
			f.move()
			for range rapid.IntRange(1, 20).Draw(t, "steps") {
				f.drawStep(t, &line, gateways...)
			}
		}
		before := f.look()
		garbage := before.Garbage()
		for range rapid.IntRange(1, 3).Draw(t, "forged") {
			f.add(drawForged(t, f))
		}
		after := f.look()
		for e := range before.Alive() {
			if !e.Native() {
				continue
			}
			if h := after.Live(e.Name); h == nil || h.Head.Token != e.Head.Token {
				t.Fatalf("%s is hidden\n%s", e.Name, dump(f.records))
			}
		}
		for _, name := range propsNames {
			if e := before.Props(name); e != nil && e.Native() && (after.Props(name) == nil || after.Props(name).Head.Token != e.Head.Token) {
				t.Fatalf("properties %q are hidden\n%s", name, dump(f.records))
			}
		}
		for _, m := range f.records {
			native := m.Folder == f.valid && slices.Contains(after.Garbage(), m.UID)
			if native && !slices.Contains(garbage, m.UID) {
				t.Fatalf("%d has become garbage\n%s", m.UID, dump(f.records))
			}
		}
	})
}

// drawForged makes fields for another Folder that fit what is there as well as
// a forger can make them.
func drawForged(t *rapid.T, f *folder) Record {
	r := Record{Ours: true, Op: rapid.SampledFrom([]Op{OpPut, OpDelete, OpProps}).Draw(t, "op"), Folder: 99, Token: f.token(),
		Name: "a.ics", ICalUID: "uid-0", Gen: rapid.SampledFrom([]uint32{1, 2, 40, maxGen}).Draw(t, "gen"),
		Base: rapid.Uint32Range(0, 50).Draw(t, "base"), Asof: rapid.Uint32Range(0, 50).Draw(t, "asof")}
	r.Life = r.Token
	if len(f.records) > 0 {
		m := rapid.SampledFrom(f.records).Draw(t, "victim")
		r.Name, r.ICalUID = m.Name, m.ICalUID
		if m.Op == OpProps {
			r.Op = OpProps
		} else if r.Op == OpProps {
			r.Op = OpDelete
		}
		if rapid.Bool().Draw(t, "life") {
			r.Life = m.Life
		}
		if rapid.Bool().Draw(t, "prev") && m.Ours {
			r.Prev = append(r.Prev, Predecessor{m.UID, m.Token})
		}
		if rapid.IntRange(0, 3).Draw(t, "token") == 0 {
			r.Token = m.Token
		}
	}
	return r
}
