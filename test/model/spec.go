package main

import "fmt"

// checkMove: the object is always visible somewhere; 2xx means source gone and
// target there; 412 means the copy is not left behind, and what was there before is.
func checkMove(c *ctx, n *state, i int) string {
	v := c.read(n)
	vis := v.String()
	if vis == "" {
		return "the moved object is visible nowhere"
	}
	o, q := c.ops[i], n.procs[i]
	if o.kind == opMove && q.r == ok2xx {
		if v.live(0) != nil || v.live(o.name) == nil {
			return "MOVE answered 2xx but readers see {" + vis + "}"
		}
	}
	if o.kind == opRepair && q.r == ok2xx && (v.live(0) != nil || v.live(o.name) == nil) {
		return "the MOVE was finished, but readers see {" + vis + "}"
	}
	if o.kind == opMove && q.r == fail412 && q.own != 0 {
		l := v.live(o.name)
		if l != nil && l.head.token == q.own && (!o.over || n.find(l.head.base) != nil) {
			return "MOVE answered 412 but its copy stays: {" + vis + "}"
		}
		if l == nil && o.over && !c.has(opDelete) {
			return "MOVE answered 412, and what was in the target is gone: {" + vis + "}"
		}
	}
	moved := 0
	for j, p := range n.procs {
		if c.ops[j].kind == opMove && p.r == ok2xx {
			moved++
		}
		if c.ops[j].kind == opPut && c.ops[j].name == 0 && p.r == ok2xx {
			moved++
		}
	}
	if moved > 1 {
		return fmt.Sprintf("%d operations with the same If-Match answered 2xx", moved)
	}
	return ""
}

// check runs after every transition.
func check(c *ctx, s, n *state, i int) string {
	if n.valid == s.valid && n.next > s.next+1 {
		return "" // a batch: stepBatch has checked both messages
	}
	if c.move {
		return checkMove(c, n, i)
	}
	if !c.v.spec {
		vs := c.versions(n)
		if len(vs) != 1 {
			return fmt.Sprintf("readers see %d versions %v of /a", len(vs), vs)
		}
		cur := vs[0]
		if cur != 1 {
			if n.seen == 0 {
				n.seen = cur
			} else if n.seen != cur {
				return fmt.Sprintf("readers saw version %d, now version %d: a write was lost or dirty", n.seen, cur)
			}
		} else if n.seen != 0 {
			return fmt.Sprintf("readers saw version %d, now version 1 again (dirty read)", n.seen)
		}
		for j, p := range n.procs {
			if c.ops[j].kind != opPut {
				continue
			}
			if p.r == ok2xx && p.own != cur {
				return fmt.Sprintf("P%d was told 2xx for version %d, readers see %d: acknowledged write lost", j, p.own, cur)
			}
			if p.r == fail412 && p.own != 0 && p.own == cur {
				return fmt.Sprintf("P%d was told 412 but readers see its version %d", j, p.own)
			}
		}
		return ""
	}
	return checkSpec(c, s, n, i)
}

// versions are those of /a that a reader sees.
func (c *ctx) versions(s *state) (l []uint8) {
	if c.v.view != nil {
		return c.v.view(s)
	}
	for _, e := range c.read(s).lives {
		if !e.dead {
			l = append(l, e.head.uid)
		}
	}
	return l
}

// checkSpec: only an APPEND changes the view, as an atomic map would; answers
// agree with effects; a move of the whole folder changes nothing.
func checkSpec(c *ctx, s, n *state, i int) string {
	if c.last != s { // s has many successors
		c.last, c.lastView = s, c.read(s)
	}
	v0, v1 := c.lastView, c.read(n)
	a0, a1 := v0.String(), v1.String()
	o := c.ops[i]
	if why := c.doubles(v1); why != "" {
		return why
	}
	appended := n.next != s.next && n.valid == s.valid
	switch {
	case o.kind == opMigrate:
		if !o.part && a0 != a1 {
			return fmt.Sprintf("a move of the whole folder turned view {%s} into {%s}", a0, a1)
		}
	case o.kind == opForeign:
	case o.kind == opRaw || o.kind == opCopy:
		// nothing of ours is hidden by it, and its UID is shown afterwards
		for _, l := range v0.lives {
			if !l.dead && l.native(s.valid) && (v1.live(l.name) == nil || v1.live(l.name).head.token != l.head.token) {
				return fmt.Sprintf("a foreign message turned view {%s} into {%s}", a0, a1)
			}
		}
		if !appended {
			break
		}
		m := n.msgs[len(n.msgs)-1]
		if m.ical == 0 {
			if m.kind == put && !v1.shows(m) && s.superseded(m.token) {
				return "a restored message is not shown"
			}
			break
		}
		if h := v1.holder(m.ical); o.kind == opRaw && (h == nil || h.foreign && h.head.seq < m.seq) {
			return "a foreign message is not shown"
		} else if h == nil && m.kind == put && s.superseded(m.token) {
			return "a restored message is not shown"
		}
	case appended && o.kind == opProps:
		m := n.msgs[len(n.msgs)-1]
		if want := specifyProps(v0, m, &n.procs[i]); a1 != want {
			return fmt.Sprintf("APPEND of %d turned view {%s} into {%s}, the specification says {%s}", m.token, a0, a1, want)
		}
	case appended:
		m := n.msgs[len(n.msgs)-1]
		if want := specify(c, s, v0, m, &n.procs[i], v1); a1 != want {
			return fmt.Sprintf("APPEND of %d turned view {%s} into {%s}, the specification says {%s}", m.token, a0, a1, want)
		}
	case o.full && s.procs[i].pc >= overQuotaRoom:
		if why := checkOverQuota(v0, v1, s.procs[i].pc, &n.procs[i]); why != "" {
			return why
		}
	case c.noTomb:
		n.procs[i].effect = n.procs[i].effect || a0 != a1
	case a0 != a1:
		return fmt.Sprintf("view changed {%s} -> {%s} without an APPEND", a0, a1)
	}
	p, q := s.procs[i], n.procs[i]
	if (p.r == none || c.hasty) && q.r != none && (o.kind == opPut || o.kind == opDelete || o.kind == opProps) && !q.free {
		if q.r == ok2xx && !q.effect {
			return "answered 2xx but the operation had no effect"
		}
		if q.r == fail412 && q.effect {
			return "answered 412 but the operation took effect"
		}
	}
	return checkProps(c, n, v1)
}

// doubles: one object a name, one a UID.
func (c *ctx) doubles(v logView) string {
	seenName, seenUID := map[uint8]bool{}, map[uint8]bool{}
	for _, l := range v.lives {
		if l.dead {
			continue
		}
		if seenName[l.name] {
			return fmt.Sprintf("name /%s seen twice", nameOf(l.name))
		}
		if seenUID[l.ical()] && l.ical() != 0 && !c.rules.noUID {
			return fmt.Sprintf("iCalendar UID %d seen twice", l.ical())
		}
		seenName[l.name], seenUID[l.ical()] = true, true
	}
	return ""
}

func (s *state) superseded(token uint8) bool {
	for _, m := range s.msgs {
		if m.prevT&(1<<token) != 0 {
			return true
		}
	}
	return false
}

// specify says what the view must be after a gateway appended m.
func specify(c *ctx, s *state, v0 logView, m msg, p *proc, v1 logView) string {
	a0, a1 := v0.String(), v1.String()
	free := true // nothing that was written here stands in the way
	var base, other *life
	for k := range v0.lives {
		l := &v0.lives[k]
		switch {
		case l.dead || l.name != m.name && (c.rules.noUID || !sameUID(l.ical(), m.ical)):
		case l.head.token == p.baseToken && (p.baseNative && l.native(s.valid) || l.head.uid == m.base):
			base = l
		default:
			other = l
			free = free && !l.native(s.valid)
		}
	}
	want := after(c, v0, m)
	switch {
	case !free && c.expunges() && p.baseToken == 0 && a1 == want:
		// a raw client expunged a tombstone, and the kept version came back: who
		// had seen the name free may still create
		p.effect = true
		return want
	case !free:
		p.free = m.kind == tomb && base == nil && c.expunges()
		return a0
	case p.baseToken == 0 || base != nil:
		p.effect = true
		return want
	case !p.baseNative && other != nil || c.expunges():
		// Others take no part in the protocol. A writer that looked before a raw
		// client expunged the head, or before a foreign message came in beside
		// the one it replaces, may win or lose; only its answer must tell which
		// (documented). That a DELETE finds nothing left is no failure.
		p.free = m.kind == tomb
		p.effect = a1 == want && (a1 != a0 || m.kind == tomb)
		if a1 == want {
			return want
		}
	}
	return a0
}

// after is the view when m has taken effect.
func after(c *ctx, v logView, m msg) string {
	l := listing{}
	for _, e := range v.lives {
		switch {
		case e.dead || sameUID(e.ical(), m.ical) && !c.rules.noUID || m.ical == 0 && e.head.uid == m.base:
		case e.name != m.name:
			l[e.name] = e.head.token
		case !sameUID(e.ical(), m.ical): // an unseen foreign one gets another name
			l[derived(e.members[0])] = e.head.token
		}
	}
	if m.kind == put {
		l[m.name] = m.token
	}
	v.lives = nil
	return l.String() + v.String()
}

// sameUID: an empty iCalendar UID is never compared.
func sameUID(a, b uint8) bool { return a == b && a != 0 }
