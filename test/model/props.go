package main

import "fmt"

// PROPPATCH: the whole set is rewritten on its head; who lost merges its own
// property into the newer set and repeats.

// maxTries is how often a PROPPATCH repeats.
const maxTries = 3

func stepProps(c *ctx, n *state, i int, v logView) []*state {
	p, o := &n.procs[i], c.ops[i]
	if (p.pc == 1 || p.pc == 2 || p.pc == 5) && p.m.folder != n.valid {
		return []*state{finish(n, i, unknown)} // the folder moved: 503
	}
	switch p.pc {
	case 0: // LOOK
		p.seq, p.valid = n.next, n.valid
		h := v.props[o.name]
		p.m = c.write(n, v, o, h)
		p.baseToken = 0
		if h != nil {
			p.baseToken = h.head.token
			p.m.values = h.head.values
		}
		p.m.values[o.prop] = uint8(i + 1)
		p.pc = 1
	case 1: // APPEND
		p.own = n.append(p.m).token
		p.effect = false // set by specifyProps
		p.pc = 2
	case 2: // CHECK
		switch {
		case v.won(p.own):
			p.gone, p.valid = v.garbage, n.valid
			p.r = ok2xx
			p.pc = 3
		case !n.has(p.own):
			return []*state{finish(n, i, unknown)}
		default:
			p.pc = 5
		}
	case 3:
		return cleanUp(n, i, 99)
	case 5: // loser
		n.expungeToken(p.own)
		if p.tries++; p.tries == maxTries {
			return []*state{finish(n, i, fail412)}
		}
		p.pc, p.own = 0, 0
	}
	return []*state{n}
}

// specifyProps says what the view must be after a PROPPATCH appended m.
func specifyProps(v0 logView, m msg, p *proc) string {
	var head uint8
	if h := v0.props[m.name]; h != nil {
		head = h.head.token
	}
	if head != p.baseToken {
		return v0.String()
	}
	p.effect = true
	v0.props[m.name] = &life{head: m}
	return v0.String()
}

// checkProps: a property that was answered 2xx has that value, or one that
// another PROPPATCH gave it.
func checkProps(c *ctx, n *state, v logView) string {
	for i, o := range c.ops {
		if o.kind != opProps || n.procs[i].r != ok2xx {
			continue
		}
		h := v.props[o.name]
		if h == nil {
			return fmt.Sprintf("the properties %q are gone", nameText(props, o.name))
		}
		by := h.head.values[o.prop]
		if by == uint8(i+1) {
			continue
		}
		if by == 0 || c.ops[by-1].kind != opProps || c.ops[by-1].name != o.name || c.ops[by-1].prop != o.prop {
			return fmt.Sprintf("P%d was told 2xx, but its property is not there", i)
		}
	}
	return ""
}

// shows: this version, or a later one of its life, is what clients see.
func (v logView) shows(m msg) bool {
	for _, l := range v.lives {
		if !l.dead && (l.head.token == m.token || !l.foreign && l.head.lifeID() == m.lifeID()) {
			return true
		}
	}
	return false
}
