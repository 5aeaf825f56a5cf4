package main

import (
	"fmt"
	"sort"
	"strings"
)

// The steps of the log protocol: look, append, check, clean up.

// write does by the reference rule what translate's Next does.
func (s *state) write(o op, h *life) (m msg) {
	m = msg{folder: s.valid, name: o.name, ical: o.ical, gen: 1, asof: s.next - 1}
	if o.kind == opDelete {
		m.kind = tomb
	}
	if h == nil {
		return m
	}
	m.ical = h.ical()
	m.base = h.head.uid
	m.prev = []pred{{uid: m.base}}
	if h.head.folder != 0 {
		m.prev[0].token = h.head.token
		for _, p := range h.head.prev {
			if !h.native(s.valid) {
				p.uid = 0
			}
			m.prev = append(m.prev, p)
		}
	}
	m.sum()
	switch {
	case h.foreign: // all foreign messages of one iCalendar UID are one life, called after the lowest
		m.life = 70 + 30*s.valid + h.members[0].uid
	case h.native(s.valid):
		m.asof = h.head.asof
		fallthrough
	default:
		m.life = h.head.lifeID()
		m.gen = h.head.gen + 1
	}
	return m
}

func stepLog(c *ctx, s *state, i int) []*state {
	n := s.clone()
	o := c.ops[i]
	v := c.read(n)
	switch o.kind {
	case opSweep:
		return stepSweep(c, n, i, v)
	case opForeign:
		n.expungeToken(o.target)
		return []*state{finish(n, i, ok2xx)}
	case opRaw:
		n.append(msg{name: o.name, ical: o.ical, seq: o.seq})
		return []*state{finish(n, i, ok2xx)}
	case opCopy:
		return stepCopy(s, i, o)
	case opMigrate:
		if o.mixed {
			return stepMix(c, n, i, v, o)
		}
		return stepMigrate(s, i, o)
	case opSync:
		if o.limit > 0 {
			return stepPages(c, n, i, v)
		}
		return stepSync(c, n, i, v)
	case opMove:
		return stepMove(c, n, i, v)
	case opRepair:
		return stepRepair(c, n, i, v)
	case opProps:
		return stepProps(c, n, i, v)
	}
	return stepWrite(c, n, i, v)
}

// stepWrite: a PUT or DELETE by a gateway.
func stepWrite(c *ctx, n *state, i int, v logView) []*state {
	p, o := &n.procs[i], c.ops[i]
	if (p.pc == 1 || p.pc == 2 || p.pc == 5) && p.m.folder != n.valid && !c.stale {
		return []*state{finish(n, i, unknown)} // the folder moved: sessions end, 503
	}
	switch {
	case o.full && p.pc == 1 && !p.fits: // there is no room for the tombstone
		p.pc = overQuotaRoom
		return []*state{n}
	case p.pc >= overQuotaRoom:
		return stepOverQuota(c, n, i, v)
	}
	switch p.pc {
	case 0: // LOOK
		return []*state{look(c, n, i, v)}
	case 1: // APPEND
		if c.hasty && c.beaten(v, p) { // the connection broke
			p.r, p.pc = fail412, 6
			break
		}
		p.own = n.append(p.m).token
		p.effect, p.free = false, false // set by specify()
		p.pc = 2
	case 2: // CHECK
		if v.won(p.own) {
			if m := n.findToken(p.own); c.backup && m != nil {
				n.past = append(n.past, *m)
			}
			p.gone, p.valid = v.garbage, n.valid
			p.r = ok2xx
			p.pc = 3
			if p.gone == 0 {
				p.pc = 99
			}
			break
		}
		if !n.has(p.own) && !c.beaten(v, p) { // expunged by hand: nobody knows
			return []*state{finish(n, i, unknown)}
		}
		p.pc = 5 // or the winner has removed it already
	case 3: // winner's clean-up, after the answer
		return cleanUp(n, i, 99)
	case 4: // variant: DELETE = UID EXPUNGE of the head
		if n.find(p.m.base) == nil {
			return []*state{finish(n, i, fail412)}
		}
		n.expunge(1 << p.m.base)
		return []*state{finish(n, i, ok2xx)}
	case 6: // variant: the APPEND comes after the answer
		n.append(p.m)
		p.pc = 99
	case 5: // loser removes its own message
		n.expungeToken(p.own)
		if o.uncond && !o.full && p.tries < 1 {
			p.tries++
			p.pc = 0
			p.own = 0
			break
		}
		if o.uncond {
			return []*state{finish(n, i, unknown)} // 503 after bounded retries
		}
		return []*state{finish(n, i, fail412)}
	}
	return []*state{n}
}

// look evaluates the conditions and fills in what is to be appended.
func look(c *ctx, n *state, i int, v logView) *state {
	p, o := &n.procs[i], c.ops[i]
	p.seq, p.valid = n.next, n.valid
	h := v.live(o.name)
	if o.ifMatch != 0 && (h == nil || h.head.token != o.ifMatch) {
		return finish(n, i, fail412)
	}
	if o.ifNone && h != nil {
		return finish(n, i, fail412)
	}
	if o.kind == opDelete && h == nil {
		return finish(n, i, fail412) // 404
	}
	if o.kind == opPut && h == nil && !c.rules.noUID && o.ical != 0 && v.holder(o.ical) != nil {
		return finish(n, i, fail412) // no-uid-conflict
	}
	p.m = c.write(n, v, o, h)
	p.baseToken, p.baseNative = 0, false
	if h != nil {
		p.baseToken, p.baseNative = h.head.token, h.native(n.valid)
	}
	p.pc = 1
	if o.full {
		p.gone = v.garbage | set(v.real.Kept())
	}
	if o.kind == opDelete && c.noTomb {
		p.pc = 4
	}
	return n
}

// cleanUp expunges the garbage; a crash may leave all but one of it.
func cleanUp(n *state, i int, next uint8) []*state {
	p := &n.procs[i]
	gone := p.gone
	if p.valid != n.valid { // UIDs mean nothing now
		gone = 0
	}
	p.gone = 0
	p.pc = next
	var l []*state
	for _, m := range n.msgs {
		if bit := uint64(1) << m.uid; gone&bit != 0 && gone != bit {
			x := n.clone()
			x.expunge(bit)
			if x.procs[i].r == none {
				x.procs[i].r = crashed
			}
			x.procs[i].pc = 99
			l = append(l, x)
		}
	}
	n.expunge(gone)
	return append(l, n)
}

func (s *state) findToken(token uint8) *msg {
	for i := range s.msgs {
		if s.msgs[i].token == token {
			return &s.msgs[i]
		}
	}
	return nil
}

func (s *state) has(token uint8) bool {
	for _, m := range s.msgs {
		if m.token == token {
			return true
		}
	}
	return false
}

func (s *state) expungeToken(token uint8) {
	if m := s.findToken(token); m != nil {
		s.expunge(1 << m.uid)
	}
}

// stepSweep: garbage first, then - in a second command - expired tombstones.
// Bounded-delay assumption: a tombstone expires (days) only when no request that
// looked before it was appended (seconds) is still under way.
func stepSweep(c *ctx, n *state, i int, v logView) []*state {
	p := &n.procs[i]
	expired := func(l life) bool {
		for j, q := range n.procs {
			if j != i && !c.dropTomb && (c.ops[j].kind == opPut || c.ops[j].kind == opDelete || c.ops[j].kind == opProps) && (q.pc == 1 || q.pc == 2) && (q.seq <= l.head.uid || q.valid != n.valid) {
				return false
			}
		}
		return l.dead
	}
	first, tombs := c.expired(v, n, expired)
	if p.pc%2 == 1 && p.valid != n.valid {
		return []*state{finish(n, i, fail412)} // UIDs mean nothing now
	}
	p.valid = n.valid
	switch p.pc {
	case 0:
		p.gone = first
		p.pc = 1
		if c.badSweep {
			p.gone = tombs
		}
	case 1:
		return cleanUp(n, i, 2)
	case 2:
		// the sweeper looks again: only a tombstone that covers nothing may go
		p.gone = tombs
		if c.badSweep {
			p.gone = first
		}
		p.pc = 3
	case 3:
		n.expunge(p.gone)
		return []*state{finish(n, i, ok2xx)}
	}
	return []*state{n}
}

// stepSync: take a token, later ask for the delta.
func stepSync(c *ctx, n *state, i int, v logView) []*state {
	p := &n.procs[i]
	if p.pc == 0 {
		p.valid, p.tokU = n.valid, n.next
		_, p.tokD = c.at(v, n, n.next)
		p.tokV = v.String()
		p.pc = 1
		return []*state{n}
	}
	old, digest := c.at(v, n, p.tokU)
	now, _ := c.at(v, n, n.next)
	if p.valid != n.valid || digest != p.tokD {
		if !c.has(opSweep, opCopy, opRaw, opMigrate) && !c.expunges() {
			c.viol = fmt.Sprintf("sync: token of {%s} refused, though nothing was removed behind our back", p.tokV)
		}
		return []*state{finish(n, i, fail412)}
	}
	// apply the delta to what the client has
	got := map[string]string{}
	for _, f := range strings.Fields(p.tokV) {
		name, version, _ := strings.Cut(f, "=")
		got[name] = version
	}
	for name := range old {
		if now[name] == 0 {
			delete(got, name)
		}
	}
	var l []string
	for name, uid := range now {
		if old[name] != uid {
			got[name] = fmt.Sprint(n.find(uid).token)
		}
	}
	for name, version := range got {
		l = append(l, name+"="+version)
	}
	sort.Strings(l)
	if g := strings.Join(l, " "); g != v.String() {
		c.viol = fmt.Sprintf("sync: token of {%s} + delta = {%s}, but the folder shows {%s}", p.tokV, g, v)
	}
	return []*state{finish(n, i, ok2xx)}
}

// digest stands for some octets of a hash.
func (c *ctx) digest(l map[string]uint8) string {
	if c.count {
		return fmt.Sprint(len(l))
	}
	return fmt.Sprint(l) // sorted by name
}
