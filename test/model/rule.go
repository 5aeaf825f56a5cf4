package main

import (
	"fmt"
	"math/bits"
	"sort"
	"strings"

	"calgate/translate"
)

// This file is the rule in its shortest form: the reference that translate.Heads
// is held against, and what the MISTAKE scenarios switch single clauses of.
// Everything in it is a pure function of (UIDVALIDITY, messages).

// life is a resource from its create to its tombstone, as far as it is still
// in the folder.
type life struct {
	name    uint8
	members []msg // in UID order
	head    msg
	dead    bool // the head is a tombstone
	foreign bool // messages of other programs, and copies
	real    *translate.Life
}

// native: written under the UIDVALIDITY that the folder has now. Only then do
// the UIDs in base, asof and prev mean anything. The others are relics.
func (l life) native(valid uint8) bool { return !l.foreign && l.head.folder == valid }

// settled: somebody has built on the first write, so it was seen accepted. (The
// first write here never has a base above its own asof; every later one has.)
func (l life) settled(valid uint8) bool {
	if l.native(valid) {
		return l.head.base > l.head.asof
	}
	return l.head.gen > 1
}

func (l life) ical() uint8 { return l.head.ical }

type logView struct {
	lives   []life // accepted lives, alive and dead
	garbage uint64 // UIDs that may be expunged now

	real  *translate.Listing // nil: by the reference rule
	props [3]*life           // by name
}

// rules switches single clauses off, to show what they are for.
type rules struct {
	noUID      bool // another collection per name: no iCalendar UID conflicts
	noSettled  bool
	noCopies   bool
	noRelics   bool // relics are foreign messages, the lowest UID wins
	firstIdea  bool // relic groups by name, largest (asof, base), then lowest UID
	lowestSeq  bool // among foreign copies the lowest UID wins
	strictUIDs bool // fields with Base or Asof >= own UID are invalid, also in relics
	mixedTiers bool // relics compete with native messages
	noMixing   bool // the order of relics of one second counts
}

// mistaken: translate has no switch for it.
func (r rules) mistaken() bool {
	r.noUID = false
	return r != rules{}
}

// readLog is the rule.
func readLog(ms []msg, valid uint8, r rules) logView {
	ours, foreign := split(ms, valid, r)
	var v logView
	v.accept(group(ours, valid, r), valid, r)
	v.show(foreign, r)
	v.garbage = garbage(v, ms, foreign, valid)
	return v
}

// group: 1. One head per life; what relics have of it is a life of its own.
func group(ours []msg, valid uint8, r rules) []*life {
	type key struct {
		life  uint8
		relic bool
	}
	groups := map[key]*life{}
	var lives []*life
	for _, m := range ours {
		k := key{m.lifeID(), m.folder != valid && !r.mixedTiers}
		if r.firstIdea && k.relic {
			k.life = 200 + m.name
		}
		l := groups[k]
		if l == nil {
			l = &life{head: m}
			groups[k] = l
			lives = append(lives, l)
		}
		l.members = append(l.members, m)
		if beats(m, l.head, valid, r) {
			l.head = m
		}
	}
	for _, l := range lives {
		l.name, l.dead = l.head.name, l.head.kind == tomb
	}
	return lives
}

// accept: 2. A life is accepted unless an accepted one covers it.
func (v *logView) accept(lives []*life, valid uint8, r rules) {
	sort.SliceStable(lives, func(i, j int) bool { return earlier(*lives[i], *lives[j], valid, r) })
	for _, l := range lives {
		covered, over := false, map[int]bool{}
		for i, e := range v.lives {
			switch {
			case !conflict(e, *l, r):
			case e.dead && e.head.uid < l.head.uid: // had ended before
			case goneFor(e, *l, valid):
				over[i] = true
			case l.dead && (l.settled(valid) || !l.native(valid)): // no harm in a tombstone
			case l.dead && e.native(valid) && l.head.uid <= e.head.asof: // e began after it
			default:
				covered = true
			}
		}
		if covered {
			continue
		}
		var keep []life
		for i, e := range v.lives {
			if !over[i] {
				keep = append(keep, e)
			}
		}
		v.lives = append(keep, *l)
	}
	for i := range v.lives { // a relic whose name is taken is shown under another
		if l := &v.lives[i]; !l.dead && taken(v.lives[:i], l.name, l.head.uid) {
			l.name = derived(l.head)
		}
	}
}

// show: 3. What is foreign and covered by no life of ours: the newest per
// iCalendar UID.
func (v *logView) show(foreign []msg, r rules) {
	byUID := map[uint8]*life{}
	var shown []*life
	for _, m := range foreign {
		if m.kind == tomb || covers(v.lives, m, r) {
			continue
		}
		l := byUID[m.ical]
		if l == nil || r.noUID {
			l = &life{head: m, foreign: true}
			byUID[m.ical] = l
			shown = append(shown, l)
		}
		l.members = append(l.members, m)
		if m.seq >= l.head.seq && !r.lowestSeq {
			l.head = m
		}
	}
	for _, l := range shown {
		l.name = l.members[0].name
		if taken(v.lives, l.name, l.members[0].uid) {
			l.name = derived(l.members[0])
		}
		v.lives = append(v.lives, *l)
	}
}

// split tells our messages from foreign ones. A version that a lower message
// names as a predecessor was put there a second time (COPY, a backup): it is
// foreign.
func split(ms []msg, valid uint8, r rules) (ours, foreign []msg) {
	for i, m := range ms {
		named, mixed, _ := again(m, ms[:i], valid, r)
		if m.folder == 0 || named && !mixed && !r.noCopies || r.noRelics && m.folder != valid || r.strictUIDs && max(m.base, m.asof) >= m.uid {
			foreign = append(foreign, m)
		} else {
			ours = append(ours, m)
		}
	}
	return
}

// again: what lower messages tell of m. One names it, so it was put there a second
// time; not where all that do are relics of its own second, as it is (mixed), for a
// move may have mixed them: then only a lower one of its token (first) says so.
func again(m msg, below []msg, valid uint8, r rules) (named, mixed bool, first uint64) {
	second := true
	mixed = m.folder != valid && !r.noMixing
	for _, b := range below {
		if b.folder != 0 && b.token == m.token && first == 0 {
			first = 1 << b.uid
		}
		if b.prevT&(1<<m.token) != 0 {
			named = true
			second = second && b.second == m.second
			mixed = mixed && b.folder != valid
		}
	}
	if !named || !second {
		first = 0
	}
	return named, mixed && second && first == 0, first
}

// pinned: the first message of a token stays as long as only that tells that another
// one was put there again.
func pinned(ms []msg, valid uint8) (set uint64) {
	for i, m := range ms {
		if m.folder != 0 {
			_, _, first := again(m, ms[:i], valid, rules{})
			set |= first
		}
	}
	return
}

// beats: the largest generation, then the lowest UID.
func beats(m, head msg, valid uint8, r rules) bool {
	if r.firstIdea && m.folder != valid && m.asof != head.asof {
		return m.asof > head.asof
	}
	return m.gen > head.gen || m.gen == head.gen && m.uid < head.uid
}

// earlier is the order in which lives are looked at.
func earlier(a, b life, valid uint8, r rules) bool {
	if an, bn := a.native(valid), b.native(valid); an != bn && !r.mixedTiers {
		return an
	}
	if as, bs := a.settled(valid), b.settled(valid); as != bs && !r.noSettled {
		return as
	} else if as && a.native(valid) && b.native(valid) && a.head.asof != b.head.asof {
		return a.head.asof > b.head.asof // the later life
	}
	return a.head.uid < b.head.uid
}

func conflict(a, b life, r rules) bool {
	return a.head.name == b.head.name && a.head.folder == b.head.folder || a.ical() == b.ical() && !r.noUID
}

// goneFor: l replaced a restored copy of what is e's head; or the creator of l
// had looked at what e was then and found the place free, so a raw IMAP client
// had ended e, and what e got later is void. (base and asof compare under one
// Folder value; a UID of now only with those of now.)
func goneFor(e, l life, valid uint8) bool {
	switch {
	case l.settled(valid):
		return false
	case l.head.prevT&(1<<e.head.token) != 0:
		return l.native(valid) || !e.native(valid) // a relic, which can be forged, takes nothing from a native life
	case e.head.folder != l.head.folder:
		return false
	}
	return l.native(valid) && e.head.uid <= l.head.asof ||
		e.settled(valid) && e.head.uid > l.head.uid && e.head.base <= l.head.asof
}

// covers: a life of ours with this iCalendar UID is alive, or ended above m.
func covers(lives []life, m msg, r rules) bool {
	for _, e := range lives {
		if e.ical() == m.ical && (!r.noUID || e.head.name == m.name) && !e.foreign && (!e.dead || e.head.uid > m.uid) {
			return true
		}
	}
	return false
}

func taken(lives []life, name, uid uint8) bool {
	for _, e := range lives {
		if e.name == name && (!e.dead || e.head.uid > uid) {
			return true
		}
	}
	return false
}

// derived stands for imap-<UIDVALIDITY>-<UID>.ics.
func derived(m msg) uint8 { return 50 + m.token }

// garbage: native messages that are no head; and whatever else a native write
// covers whose writer had seen it.
func garbage(v logView, ms, foreign []msg, valid uint8) uint64 {
	var heads, alien, g uint64
	for _, l := range v.lives {
		heads |= 1 << l.head.uid
	}
	for _, m := range foreign {
		alien |= 1 << m.uid
	}
	for _, l := range v.lives { // the last version of a dead life stays with its tombstone
		if l.dead && l.native(valid) {
			heads |= 1 << l.head.base
		}
	}
	for _, m := range ms {
		bit := uint64(1) << m.uid
		if heads&bit != 0 {
			continue
		}
		if m.folder == valid && alien&bit == 0 {
			g |= bit
			continue
		}
		for _, l := range v.lives {
			if l.native(valid) && l.ical() == m.ical && m.uid <= max(l.head.asof, l.head.base) {
				g |= bit
			}
		}
	}
	return g &^ pinned(ms, valid)
}

// relics: the kept version of a dead life, and what our older messages have below a tombstone of the same life, or,
// if it is native (a relic can be forged), of the same iCalendar UID.
func (v logView) relics(t life, ms []msg, valid uint8) (set uint64) {
	if t.native(valid) {
		set = 1 << t.head.base &^ 1 // the kept version
	}
	for _, m := range t.members {
		if !t.native(valid) && m.gen == t.head.gen-1 && t.head.prevT&(1<<m.token) != 0 {
			set |= 1 << m.uid // the same
			break
		}
	}
	ours, _ := split(ms, valid, rules{})
	for _, m := range ours {
		if m.folder != valid && m.uid < t.head.uid && (m.lifeID() == t.head.lifeID() || m.ical == t.ical() && t.native(valid)) {
			set |= 1 << m.uid
		}
	}
	for _, l := range v.lives {
		if !l.foreign {
			set &^= 1 << l.head.uid
		}
	}
	return set &^ pinned(ms, valid)
}

// droppable: the tombstone covers nothing that is still there.
func droppable(t life, ms []msg) bool {
	for _, m := range ms {
		if m.uid == t.head.uid {
			continue
		}
		if m.folder != 0 && m.lifeID() == t.head.lifeID() || m.uid < t.head.uid && (m.name == t.head.name || m.ical == t.ical()) {
			return false
		}
	}
	return true
}

// live is the object that clients see under a name, holder the one with an
// iCalendar UID.
func (v logView) live(name uint8) *life {
	for i := range v.lives {
		if v.lives[i].name == name && !v.lives[i].dead {
			return &v.lives[i]
		}
	}
	return nil
}

func (v logView) holder(ical uint8) *life {
	for i := range v.lives {
		if v.lives[i].ical() == ical && !v.lives[i].dead {
			return &v.lives[i]
		}
	}
	return nil
}

// won: the write with this token is a head, or an accepted head descends from it.
func (v logView) won(token uint8) bool {
	if v.real != nil {
		return v.real.Won(tokenText(token))
	}
	for _, l := range v.lives {
		if !l.foreign && (l.head.token == token || l.head.prevT&(1<<token) != 0) {
			return true
		}
	}
	return false
}

// listing is what clients see: name -> version.
type listing map[uint8]uint8

func (v logView) listing() listing {
	l := listing{}
	for _, e := range v.lives {
		if !e.dead {
			l[e.name] = e.head.token
		}
	}
	return l
}

func (v logView) String() string {
	s := v.listing().String()
	for name, p := range v.props {
		if p != nil {
			s += fmt.Sprintf(" props %q=%d", nameText(props, uint8(name)), p.head.token)
		}
	}
	return s
}

func (l listing) String() string {
	var s []string
	for n, t := range l {
		s = append(s, fmt.Sprintf("%s=%d", nameOf(n), t))
	}
	sort.Strings(s)
	return strings.Join(s, " ")
}

func nameOf(n uint8) string {
	if n >= 50 {
		return fmt.Sprintf("imap%d", n-50)
	}
	return string(rune('a' + n))
}

// ---- sync-collection ---------------------------------------------------------

// uids rebuilds, from what is there now, the listing (name -> UID) that readers
// saw when UIDNEXT was next. A sync token is (UIDVALIDITY, UIDNEXT, digest of the
// listing): if the rebuilt listing has the same digest, it is the old one, and
// the answer is the difference to the listing of now; if not, the token is
// refused.
func (v logView) uids(next uint8, valid uint8) map[string]uint8 {
	l := map[string]uint8{}
	for _, e := range v.lives {
		if u := e.uidBelow(next, valid); u != 0 {
			l[nameOf(e.name)] = u
		}
	}
	return l
}

func (l life) uidBelow(next uint8, valid uint8) uint8 {
	if l.head.uid < next {
		if l.dead {
			return 0
		}
		return l.head.uid
	}
	if l.foreign {
		var best msg
		for _, m := range l.members {
			if m.uid < next && m.seq >= best.seq {
				best = m
			}
		}
		return best.uid
	}
	if !l.native(valid) {
		return 0
	}
	return uint8(max(bits.Len64(l.head.prevU&(1<<next-1)), 1) - 1)
}
