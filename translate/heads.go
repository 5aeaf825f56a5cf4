package translate

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"
)

// This file is the rule: what a reader sees of a folder is a pure function of its
// UIDVALIDITY and its messages, so that every gateway comes to the same answer.
// It works by indices (iCalendar UID, name, Life) and not by comparing every
// life with every other.

// Life is a resource from its create to its tombstone, as far as it is still in
// the folder.
type Life struct {
	ID      Token  // "" for other programs' messages
	Name    string // under which it is shown
	Dead    bool   // the head is a tombstone
	Foreign bool   // messages of other programs, and copies
	Head    *Record
	Members []*Record // ascending UIDs

	native bool
}

// ICalUID is the iCalendar UID in its stored form, "" where there is none.
func (l *Life) ICalUID() string { return l.Head.ICalUID }

// Native says whether the head was written under the UIDVALIDITY that the folder
// has now. Only then do the UIDs in Base, Asof and Prev mean anything.
func (l *Life) Native() bool { return l.native }

// MailboxID is that of the mailbox that private properties are about, as far as they say
// it: "" for those that came here with another folder, from a mail server whose ids may mean
// nothing on this one.
func (l *Life) MailboxID() string {
	if !l.native {
		return ""
	}
	return l.Head.MailboxID
}

// props says whether this is a life of the collection's properties.
func (l *Life) props() bool { return l.Head.Op == OpProps }

// settled: somebody has built on the first write, so it was seen accepted. (The
// first write here never has a Base above its own Asof; every later one has.)
func (l *Life) settled() bool {
	if l.native {
		return l.Head.Base > l.Head.Asof
	}
	return l.Head.Gen > 1
}

// names says whether the head replaced the version with a Token.
func (l *Life) names(t Token) bool {
	if t == "" {
		return false
	}
	for i := range l.Head.Prev {
		if l.Head.Prev[i].Token == t {
			return true
		}
	}
	return false
}

// Listing is what readers see of a folder. It is not changed once it is made and
// may be used by several goroutines.
type Listing struct {
	UIDValidity uint32

	lives   []*Life // accepted, alive and dead, in the order of their acceptance
	records []*Record
	foreign map[*Record]bool // messages of other programs, and copies
	names   map[string]shadow
	pinned  map[*Record]bool // while they are there, they tell that others were put there again
	alive   []*Life          // put or foreign, by name

	nameless bool      // a message without iCalendar UID is there
	newest   time.Time // INTERNALDATE of the highest UID, mail included

	remains func() *remains
}

// Heads applies the rule. The records are kept and must not be changed.
func Heads(records []*Record, uidValidity uint32) *Listing {
	l := &Listing{UIDValidity: uidValidity, foreign: map[*Record]bool{}, pinned: map[*Record]bool{}, names: make(map[string]shadow, len(records))}
	l.remains = sync.OnceValue(l.newRemains)
	l.take(records)
	ours, foreign := l.split()
	l.accept(l.group(ours))
	l.name()
	l.show(foreign)
	for _, e := range l.lives {
		if !e.Dead && !e.props() {
			l.alive = append(l.alive, e)
		}
	}
	slices.SortFunc(l.alive, func(a, b *Life) int { return cmp.Compare(a.Name, b.Name) })
	return l
}

// take leaves mail out and puts the rest in the order of UIDs.
func (l *Listing) take(records []*Record) {
	l.records = make([]*Record, 0, len(records))
	var top uint32
	for _, r := range records {
		if r.UID >= top {
			top, l.newest = r.UID, r.InternalDate
		}
		if r.Ours || r.Foreign {
			l.records = append(l.records, r)
			l.nameless = l.nameless || r.ICalUID == "" && r.Op != OpProps
		}
	}
	byUID := func(a, b *Record) int { return cmp.Compare(a.UID, b.UID) }
	if !slices.IsSortedFunc(l.records, byUID) {
		slices.SortStableFunc(l.records, byUID)
	}
	l.records = slices.CompactFunc(l.records, func(a, b *Record) bool { return a.UID == b.UID })
}

// split tells our messages from foreign ones. A version that a lower message
// names as a predecessor, or that is far behind a lower one of its life, was put
// there a second time (COPY, a backup): it is foreign.
//
// Not so where a move has mixed what was written in one second: Courier, at RENAME,
// numbers messages anew by the names of their files, and a later one may come first.
// That one of two relics of the same second lies above the other and is named by it
// says nothing, only that a lower one of its Token is there too; so that stays, and
// before the move as well, as long as nothing else says it.
func (l *Listing) split() (ours, foreign []*Record) {
	type chain struct {
		life   Token
		folder uint32
	}
	replaced := make(map[Token]naming)
	newest := make(map[chain]uint32)
	lowest := sync.OnceValue(l.lowest)
	ours = make([]*Record, 0, len(l.records))
	for _, m := range l.records {
		if m.Foreign || !l.possible(m) {
			foreign = append(foreign, m)
			l.foreign[m] = true
			continue
		}
		c := chain{m.Life, m.Folder}
		own := naming{m.InternalDate.Unix(), m.Folder != l.UIDValidity}
		by, again := replaced[m.Token]
		if again && by.second == own.second {
			if first := lowest()[m.Token]; first != m {
				l.pinned[first] = true
			} else if by.relics && own.relics {
				again = false
			}
		}
		gen := newest[c]
		if again || gen > m.Gen+MaxPrev {
			foreign = append(foreign, m)
			l.foreign[m] = true
		} else {
			ours = append(ours, m)
		}
		if m.Gen > gen && m.Gen > MaxPrev+1 { // a lower one puts nobody far behind
			newest[c] = m.Gen
		}
		for i := range m.Prev {
			if t := m.Prev[i].Token; t != "" {
				replaced[t] = own.and(replaced, t)
			}
		}
	}
	return ours, foreign
}

// naming is what the messages that name one version have in common.
type naming struct {
	second int64 // of their INTERNALDATE, several if they differ
	relics bool
}

const several = math.MinInt64

func (n naming) and(all map[Token]naming, t Token) naming {
	if others, ok := all[t]; ok {
		if others.second != n.second {
			n.second = several
		}
		n.relics = n.relics && others.relics
	}
	return n
}

// lowest are the lowest messages with their Tokens.
func (l *Listing) lowest() map[Token]*Record {
	of := make(map[Token]*Record, len(l.records))
	for _, m := range slices.Backward(l.records) {
		if m.Token != "" {
			of[m.Token] = m
		}
	}
	return of
}

// possible says whether the numbers of a native version can be true. A relic's
// are of another folder.
func (l *Listing) possible(m *Record) bool {
	return m.Folder != l.UIDValidity || m.Base < m.UID && m.Asof < m.UID
}

// group makes the lives. What relics have of a life is a life of its own, and so
// is what props messages have of it. The head has the largest Gen, then the
// lowest UID.
func (l *Listing) group(ours []*Record) []*Life {
	type key struct {
		life          Token
		native, props bool
	}
	index := make(map[key]int32, len(ours))
	of := make([]int32, len(ours)) // message -> life
	var count []int32
	for i, m := range ours {
		k := key{m.Life, m.Folder == l.UIDValidity, m.Op == OpProps}
		n, ok := index[k]
		if !ok {
			n = int32(len(count))
			index[k] = n
			count = append(count, 0)
		}
		of[i] = n
		count[n]++
	}
	lives, pointers := make([]Life, len(count)), make([]*Life, len(count))
	members := make([]*Record, len(ours)) // of all lives, so that a life costs no allocation
	for n, c := range count {
		lives[n].Members, members = members[:0:c], members[c:]
		pointers[n] = &lives[n]
	}
	for i, m := range ours {
		e := &lives[of[i]]
		e.Members = append(e.Members, m)
		if e.Head == nil || m.Gen > e.Head.Gen { // the UIDs ascend
			e.Head = m
		}
	}
	for _, e := range pointers {
		e.ID, e.Name, e.Dead = e.Head.Life, e.Head.Name, e.Head.Op == OpDelete
		e.native = e.Head.Folder == l.UIDValidity
	}
	return pointers
}

// name gives a relic whose name is taken another one. No two natives have one
// name, for they conflict.
func (l *Listing) name() {
	for _, e := range l.lives {
		if e.props() {
			continue
		}
		if !e.Dead && l.names[e.Name].covers(e.Head.UID) {
			e.Name = l.derive(e.Head.UID)
		}
		l.called(e)
	}
}

func (l *Listing) called(e *Life) {
	s := l.names[e.Name]
	s.add(e)
	l.names[e.Name] = s
}

// derive makes a name from a UID. Somebody may have taken that, too.
func (l *Listing) derive(uid uint32) string {
	base := "imap-" + string(lifeOver(l.UIDValidity, uid))
	name := base + ".ics"
	for i := 2; l.names[name].covers(uid); i++ {
		name = base + "-" + strconv.Itoa(i) + ".ics"
	}
	return name
}

// show makes lives of the foreign messages that no accepted life covers: per
// iCalendar UID the newest is the head. Without a UID each is one of its own.
func (l *Listing) show(foreign []*Record) {
	if len(foreign) == 0 {
		return
	}
	held := l.shadows(accepted)
	shown := map[string]*Life{}
	var lives []*Life
	for _, m := range foreign {
		if m.Op == OpDelete || m.Op == OpProps || held.any(l, m, func(s shadow) bool { return s.covers(m.UID) }) {
			continue // a tombstone or properties put there again are mail
		}
		e := shown[m.ICalUID]
		if e == nil || m.ICalUID == "" {
			e = &Life{Head: m, Foreign: true}
			shown[m.ICalUID] = e
			lives = append(lives, e)
		}
		e.Members = append(e.Members, m)
		if newer(m, e.Head) {
			e.Head = m
		}
	}
	for _, e := range lives {
		first := e.Members[0]
		e.Name = first.Name
		if e.Name == "" || l.names[e.Name].covers(first.UID) {
			e.Name = l.derive(first.UID)
		}
		l.called(e)
		l.lives = append(l.lives, e)
	}
}

// newer orders messages of other programs by what iCalendar says (RFC 5546
// section 2.1.5: SEQUENCE, then DTSTAMP), then by UID. m lies above head.
func newer(m, head *Record) bool {
	if m.Sequence != head.Sequence {
		return m.Sequence > head.Sequence
	}
	return m.DTStamp >= head.DTStamp
}
