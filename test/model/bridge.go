package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"calgate/translate"
)

// This file puts translate's own rule under the model: messages become Records,
// and what a reader sees is a translate.Listing. Wherever the reference rule can
// say it too, the two must agree in every log that the model comes to.

// now and before stand for "too young to expire" and "expired".
var (
	now    = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	before = now.AddDate(0, 0, -60)
)

const keepDeleted = 30 * 24 * time.Hour

// placeholder is the Token of what has not been appended yet.
const placeholder = 255

func tokenText(t uint8) translate.Token { return translate.Token(fmt.Sprintf("%016x", t)) }

func tokenOf(t translate.Token) uint8 {
	if t == "" {
		return 0
	}
	n, err := strconv.ParseUint(string(t), 16, 8)
	if err != nil {
		panic(err)
	}
	return uint8(n)
}

// lives over foreign messages are numbers from overForeign on.
const overForeign, perFolder = 70, 30

func lifeText(l uint8) translate.Token {
	if l < overForeign {
		return tokenText(l)
	}
	l -= overForeign
	return translate.Token(fmt.Sprintf("%d-%d", l/perFolder, l%perFolder))
}

func lifeOf(t translate.Token) uint8 {
	valid, uid, ok := strings.Cut(string(t), "-")
	if !ok {
		return tokenOf(t)
	}
	v, _ := strconv.Atoi(valid)
	u, _ := strconv.Atoi(uid)
	return uint8(overForeign + perFolder*v + u)
}

func nameText(k kind, name uint8) string {
	switch {
	case k == props && name == 0:
		return ""
	case k == props:
		return "~bob/" + nameOf(name)
	}
	return nameOf(name)
}

// icalText: where names are independent (noUID), a UID counts for one name only.
func (c *ctx) icalText(m msg) string {
	switch {
	case m.kind == props || m.ical == 0:
		return ""
	case c.rules.noUID:
		return fmt.Sprintf("%d of %s", m.ical, nameOf(m.name))
	}
	return strconv.Itoa(int(m.ical))
}

func (c *ctx) record(m msg) translate.Record {
	r := translate.Record{
		UID: uint32(m.uid), Ours: m.folder != 0, Foreign: m.folder == 0,
		Op: translate.OpPut, Name: nameText(m.kind, m.name), ICalUID: c.icalText(m),
		Sequence: uint32(m.seq), InternalDate: now.Add(time.Duration(m.second) * time.Second),
	}
	switch m.kind {
	case tomb:
		r.Op = translate.OpDelete
	case props:
		r.Op = translate.OpProps
	}
	if m.folder == 0 {
		return r
	}
	r.Folder, r.Gen, r.Base, r.Asof = uint32(m.folder), uint32(m.gen), uint32(m.base), uint32(m.asof)
	r.Life, r.Token = lifeText(m.lifeID()), tokenText(m.token)
	if m.moved != 0 {
		r.MovedFrom = movedFrom(m.moved)
	}
	for _, p := range m.prev {
		e := translate.Predecessor{UID: uint32(p.uid)}
		if p.token != 0 {
			e.Token = tokenText(p.token)
		}
		r.Prev = append(r.Prev, e)
	}
	return r
}

// records ends with a mail, so that the newest message is never a tombstone:
// tombstones go only after something was written later. expired are seconds.
func (c *ctx) records(s *state, expired map[uint8]bool) []*translate.Record {
	l := make([]*translate.Record, 0, len(s.msgs)+1)
	for _, m := range s.msgs {
		r := c.record(m)
		if expired[m.second] {
			r.InternalDate = before
		}
		l = append(l, &r)
	}
	return append(l, &translate.Record{UID: uint32(s.next), InternalDate: now})
}

func set(uids []uint32) (b uint64) {
	for _, u := range uids {
		b |= 1 << u
	}
	return b
}

// read is what a reader of this folder sees.
func (c *ctx) read(s *state) logView {
	if c.rules.mistaken() {
		return readLog(s.msgs, s.valid, c.rules)
	}
	k := s.logKey()
	if v, ok := c.views[k]; ok {
		return v
	}
	if c.views == nil {
		c.views = map[string]logView{}
	}
	v := c.view(s, translate.Heads(c.records(s, nil), uint32(s.valid)))
	if c.comparable(s) {
		c.compare(s, v)
	}
	c.views[k] = v
	return v
}

// beaten asks translate whether a write whose message is gone had lost.
func (c *ctx) beaten(v logView, p *proc) bool {
	if v.real == nil {
		return false
	}
	m := p.m
	m.token = p.own
	r := c.record(m)
	return v.real.Beaten(&r)
}

// view is a Listing in the terms of the model.
func (c *ctx) view(s *state, l *translate.Listing) logView {
	v := logView{real: l, garbage: set(l.Garbage()) | set(l.Covered())}
	add := func(e *translate.Life) {
		m := s.find(uint8(e.Head.UID))
		x := life{head: *m, name: s.shownName(e), dead: e.Dead, foreign: e.Foreign, real: e}
		for _, r := range e.Members {
			x.members = append(x.members, *s.find(uint8(r.UID)))
		}
		v.lives = append(v.lives, x)
	}
	for e := range l.Dead() {
		add(e)
	}
	for e := range l.Alive() {
		add(e)
	}
	for name := range uint8(3) {
		if e := l.Props(nameText(props, name)); e != nil {
			m := s.find(uint8(e.Head.UID))
			v.props[name] = &life{head: *m, name: name, real: e}
		}
	}
	return v
}

// shownName: a derived name is called after the token here, so that it stays the
// same when the folder moves.
func (s *state) shownName(e *translate.Life) uint8 { return s.nameNumber(e.Name) }

func (s *state) nameNumber(name string) uint8 {
	if len(name) == 1 {
		return name[0] - 'a'
	}
	var valid, uid int
	if _, err := fmt.Sscanf(name, "imap-%d-%d.ics", &valid, &uid); err != nil || s.find(uint8(uid)) == nil {
		panic("no such name: " + name)
	}
	return derived(*s.find(uint8(uid)))
}

// write fills in the message that replaces, or deletes, what h shows; h nil: a
// create.
func (c *ctx) write(s *state, v logView, o op, h *life) msg {
	if v.real == nil {
		return s.write(o, h)
	}
	w := translate.Write{Op: translate.OpPut, Name: nameText(put, o.name), Token: tokenText(placeholder), Asof: uint32(s.next - 1)}
	k := put
	switch o.kind {
	case opDelete:
		w.Op, k = translate.OpDelete, tomb
	case opProps:
		w.Op, k = translate.OpProps, props
		w.Name = nameText(props, o.name)
	}
	w.ICalUID = c.icalText(msg{kind: k, name: o.name, ical: o.ical})
	var over *translate.Life
	ical := o.ical
	if h != nil {
		over = h.real
		ical = h.ical()
	}
	r := v.real.Next(w, over)
	if k != props && r.ICalUID != c.icalText(msg{kind: k, name: o.name, ical: ical}) {
		panic("Next changed the iCalendar UID")
	}
	m := msg{
		folder: uint8(r.Folder), name: o.name, ical: ical, kind: k,
		gen: uint8(r.Gen), asof: uint8(r.Asof), base: uint8(r.Base),
	}
	if r.MovedFrom != "" && !c.forget {
		m.moved = movedToken(r.MovedFrom)
	}
	if r.Life != w.Token {
		m.life = lifeOf(r.Life)
	}
	for _, p := range r.Prev {
		m.prev = append(m.prev, pred{uint8(p.UID), tokenOf(p.Token)})
	}
	m.sum()
	return m
}

// sum sets what the reference rule reads of prev.
func (m *msg) sum() {
	m.prevU, m.prevT = 0, 0
	for _, p := range m.prev {
		m.prevU |= 1 << p.uid &^ 1
		m.prevT |= 1 << p.token &^ 1
	}
}

// at rebuilds an older listing: name -> UID, and its digest.
func (c *ctx) at(v logView, s *state, next uint8) (map[string]uint8, string) {
	if v.real == nil {
		l := v.uids(next, s.valid)
		return l, c.digest(l)
	}
	snap := v.real.At(uint32(next))
	l := map[string]uint8{}
	for name, e := range snap {
		l[nameOf(s.nameNumber(name))] = uint8(e.UID)
	}
	if c.count {
		return l, c.digest(l)
	}
	return l, snap.Digest()
}

// expired is what a sweep removes when the tombstones for which f says yes are
// old enough, and with them all of their second: first everything else, then, after a
// new look, those tombstones that cover nothing any more.
func (c *ctx) expired(v logView, s *state, f func(life) bool) (first, tombs uint64) {
	old := map[uint8]bool{}
	for _, l := range v.lives {
		if same, ok := old[l.head.second]; l.dead {
			old[l.head.second] = f(l) && (same || !ok)
		}
	}
	if v.real == nil {
		for _, l := range v.lives {
			if l.dead && old[l.head.second] {
				first |= v.relics(l, s.msgs, s.valid)
				if c.badSweep || droppable(l, s.msgs) {
					tombs |= 1 << l.head.uid
				}
			}
		}
		return first | v.garbage, tombs
	}
	l := translate.Heads(c.records(s, old), uint32(s.valid))
	remove, dead := l.Expired(now, keepDeleted)
	for _, t := range dead {
		if c.badSweep || l.Droppable(t) {
			tombs |= 1 << t.Head.UID
		}
	}
	return set(remove) | v.garbage, tombs
}

// comparable: the reference rule knows neither props, nor events without UID, nor
// the cap of Prev.
func (c *ctx) comparable(s *state) bool {
	for _, m := range s.msgs {
		if m.kind == props || m.ical == 0 || m.gen > 16 {
			return false
		}
	}
	return true
}

// compare holds a view against the reference rule.
func (c *ctx) compare(s *state, v logView) {
	ref := readLog(s.msgs, s.valid, c.rules)
	fail := func(what string, got, want any) {
		if c.differs == "" {
			c.differs = fmt.Sprintf("%s: translate says %v, the reference rule %v, of %s under %d", what, got, want, dump(s), s.valid)
		}
	}
	if got, want := v.String(), ref.String(); got != want {
		fail("listing", got, want)
	}
	if v.garbage != ref.garbage {
		fail("garbage", v.garbage, ref.garbage)
	}
	for next := uint8(1); next <= s.next; next++ {
		got, _ := c.at(v, s, next)
		if want := ref.uids(next, s.valid); fmt.Sprint(got) != fmt.Sprint(want) {
			fail(fmt.Sprintf("listing at %d", next), got, want)
		}
	}
	for t := uint8(1); t < s.token; t++ {
		if got, want := v.real.Won(tokenText(t)), ref.won(t); got != want {
			fail(fmt.Sprintf("won %d", t), got, want)
		}
	}
	there := uint64(0)
	for _, m := range s.msgs {
		there |= 1 << m.uid
	}
	seconds := map[uint8]bool{}
	for _, one := range ref.lives { // the tombstones of each second expired alone
		if !one.dead || seconds[one.head.second] {
			continue
		}
		seconds[one.head.second] = true
		only := func(l life) bool { return l.head.second == one.head.second }
		got, tombs := c.expired(v, s, only)
		want, dead := ref.garbage, uint64(0)
		for _, l := range ref.lives {
			if l.dead && only(l) {
				want |= ref.relics(l, s.msgs, s.valid)
				if droppable(l, s.msgs) {
					dead |= 1 << l.head.uid
				}
			}
		}
		if want &= there; got != want {
			fail(fmt.Sprintf("expired with %d", one.head.uid), got, want)
		}
		if tombs != dead && !c.badSweep {
			fail(fmt.Sprintf("droppable with %d", one.head.uid), tombs, dead)
		}
	}
}
