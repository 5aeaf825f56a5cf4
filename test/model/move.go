package main

import (
	"strings"

	"calgate/translate"
)

// MOVE /a -> /b (another collection: independent key): create the target, then
// tombstone the source; when the source's chain is lost, tombstone the target.
func stepMove(c *ctx, n *state, i int, v logView) []*state {
	p := &n.procs[i]
	o := c.ops[i]
	switch p.pc {
	case 0:
		h := v.live(0)
		if h == nil || h.head.token != o.ifMatch || v.live(o.name) != nil {
			return []*state{finish(n, i, fail412)}
		}
		p.m = c.write(n, v, op{kind: opDelete, name: 0, ical: 1}, h)
		p.seq, p.baseToken = n.next, sourceToken(h.head)
		p.pc = 1
	case 1:
		p.own = n.append(msg{folder: n.valid, name: o.name, ical: 1, gen: 1, asof: p.seq - 1, moved: p.baseToken}).token
		p.m.token = moveToken(p.own)
		p.pc = 2
	case 2:
		p.pc = 3
		if !v.won(p.own) {
			p.pc = 6
		}
	case 3:
		p.target = n.append(p.m).token
		p.pc = 4
	case 4:
		if v.won(p.target) {
			return []*state{finish(n, i, ok2xx)}
		}
		p.pc = 5
	case 5: // undo: tombstone the copy (it may have been read already)
		for k := range v.lives {
			if l := &v.lives[k]; l.head.token == p.own {
				n.append(c.write(n, v, op{kind: opDelete, name: o.name, ical: 1}, l))
			}
		}
		return []*state{finish(n, i, fail412)}
	case 6:
		n.expungeToken(p.own)
		return []*state{finish(n, i, fail412)}
	}
	return []*state{n}
}

// moveToken stands for translate.MoveToken: the same for the MOVE and for who
// finishes it.
func moveToken(life uint8) uint8 { return 150 + life }

// overSource: the number of a source that has no Token, made of its UID.
const overSource = 200

// sourceToken stands for translate.SourceToken.
func sourceToken(m msg) uint8 {
	if m.folder == 0 {
		return overSource + m.uid
	}
	return m.token
}

func sourceText(token uint8) translate.Token {
	if token < overSource {
		return tokenText(token)
	}
	return translate.SourceToken(1, &translate.Record{UID: uint32(token - overSource)})
}

func movedFrom(token uint8) string {
	return translate.FormatMovedFrom("Calendar", 1, sourceText(token))
}

func movedToken(from string) uint8 {
	text := translate.Token(from[strings.LastIndexByte(from, ';')+1:])
	for token := uint8(overSource); token < placeholder; token++ {
		if sourceText(token) == text {
			return token
		}
	}
	return tokenOf(text)
}

// stepRepair: fsck -repair appends the tombstone that a MOVE did not come to. It
// cannot know whether the MOVE is only slow.
func stepRepair(c *ctx, n *state, i int, v logView) []*state {
	p := &n.procs[i]
	switch p.pc {
	case 0:
		source := c.torn(v, c.ops[i].name)
		if source == nil {
			if c.isTorn(n, v, c.ops[i].name) {
				c.viol = "a torn MOVE is not found"
			}
			return []*state{finish(n, i, fail412)}
		}
		p.m = c.write(n, v, op{kind: opDelete, name: 0, ical: 1}, source)
		if p.m.token = moveToken(v.live(c.ops[i].name).head.lifeID()); c.noHelp {
			p.m.token = 0
		}
		p.pc = 1
	case 1:
		p.own = n.append(p.m).token
		p.pc = 2
	case 2:
		if v.won(p.own) {
			return []*state{finish(n, i, ok2xx)}
		}
		p.pc = 3
	case 3:
		n.expungeToken(p.own)
		return []*state{finish(n, i, fail412)}
	}
	return []*state{n}
}

// torn finds the source of what was moved to a name, if it is still there.
func (c *ctx) torn(v logView, name uint8) *life {
	l := v.live(name)
	if l == nil || l.real.Head.MovedFrom == "" {
		return nil
	}
	copied := *l.real.Head
	copied.ICalUID = c.icalText(msg{name: 0, ical: 1}) // as the other collection has it
	if e := v.real.Unmoved(&copied, sourceText(l.head.moved)); e != nil {
		for k := range v.lives {
			if v.lives[k].real == e {
				return &v.lives[k]
			}
		}
	}
	return nil
}

// isTorn: what is shown there is the copy of a MOVE, or was made of it, and the source
// is as the MOVE found it.
func (c *ctx) isTorn(s *state, v logView, name uint8) bool {
	a, l := v.live(0), v.live(name)
	if a == nil || l == nil {
		return false
	}
	for j, p := range s.procs {
		if c.ops[j].kind == opMove && p.own != 0 && p.own == l.head.lifeID() && a.head.token == c.ops[j].ifMatch {
			return true
		}
	}
	return false
}

// finishing: MOVE, and fsck -repair that finishes it.
func finishing() []scenario {
	moves := func(c *ctx) { c.move, c.rules.noUID = true, true }
	movesInvited := func(c *ctx) { // the source came by mail
		moves(c)
		invited(c)
	}
	return []scenario{
		{title: "MOVE a->b, repair, unconditional PUT b", ops: []op{moveOp(1), repairOp(1), uncond(putOp(1, 1))}, tune: moves},
		{title: "MOVE a->b, repair, PUT If-Match a", ops: []op{moveOp(1), repairOp(1), ifMatch(putOp(0, 1), 1)}, tune: moves},
		{title: "MOVE a->b, two repairs, PUT b", ops: []op{moveOp(1), repairOp(1), repairOp(1), uncond(putOp(1, 1))}, tune: moves},
		{title: "MOVE a->b, MOVE a->c, repair b", ops: []op{moveOp(1), moveOp(2), repairOp(1)}, tune: moves},
		{title: "MOVE a->b, MOVE a->c, repair b, repair c", ops: []op{moveOp(1), moveOp(2), repairOp(1), repairOp(2)}, tune: moves},
		{title: "invitation, MOVE a->b, repair, unconditional PUT b", ops: []op{moveOp(1), repairOp(1), uncond(putOp(1, 1))}, tune: movesInvited},
		{title: "invitation, MOVE a->b, repair, PUT If-Match a", ops: []op{moveOp(1), repairOp(1), ifMatch(putOp(0, 1), 1)}, tune: movesInvited},
		{title: "MISTAKE who finishes a MOVE uses a token of his own", ops: []op{moveOp(1), repairOp(1)}, tune: func(c *ctx) { moves(c); c.noHelp = true }, fails: true},
		{title: "MISTAKE a version of the copy does not say where it came from", ops: []op{moveOp(1), uncond(putOp(1, 1)), repairOp(1)}, tune: func(c *ctx) { moves(c); c.forget = true }, fails: true},
	}
}
