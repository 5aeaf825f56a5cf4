package main

import (
	"fmt"
	"maps"
	"slices"
)

// DELETE where not even a tombstone fits: room is made of what no reader sees, then
// all that could come back goes, and the head last.

// Steps of a DELETE over quota. They follow the refused APPEND.
const (
	overQuotaRoom  = 10 + iota // expunge garbage, what is covered and what is kept
	overQuotaAgain             // look; the tombstone fits now, or not
	overQuotaRest              // expunge what could come back
	overQuotaHead              // look; nothing could come back
	overQuotaGone              // expunge the head
	overQuotaCheck             // look
)

func stepOverQuota(c *ctx, n *state, i int, v logView) []*state {
	p, o := &n.procs[i], c.ops[i]
	if p.valid != n.valid {
		return []*state{finish(n, i, unknown)}
	}
	switch p.pc {
	case overQuotaRoom:
		return cleanUp(n, i, overQuotaAgain)
	case overQuotaRest:
		return cleanUp(n, i, overQuotaHead)
	case overQuotaGone:
		if c.atOnce {
			return cleanUp(n, i, overQuotaCheck)
		}
		n.expunge(p.gone)
		p.gone, p.pc = 0, overQuotaCheck
		return []*state{n}
	}
	now := v.at(p.baseToken)
	if now == nil {
		r := unknown // 503: another version is there now
		switch {
		case p.effect && v.live(o.name) == nil:
			r = ok2xx
		case o.ifMatch != 0 || v.live(o.name) == nil:
			r = fail412 // 404
		}
		p.free = p.free || r != ok2xx // whoever was quicker may have come after the expunge
		return []*state{finish(n, i, r)}
	}
	rest, _ := v.real.Returning(now.real.Head)
	p.seq = n.next
	switch p.pc {
	case overQuotaAgain:
		room := n.clone()
		room.procs[i].fits, room.procs[i].pc = true, 1
		room.procs[i].m = c.write(n, v, o, now)
		p.gone, p.pc = set(rest), overQuotaRest
		if c.atOnce {
			p.gone, p.pc = set(rest)|1<<now.head.uid, overQuotaGone
		}
		return []*state{room, n}
	case overQuotaHead:
		if len(rest) > 0 {
			return []*state{finish(n, i, fail412)} // 507
		}
		p.gone, p.pc = 1<<now.head.uid, overQuotaGone
		return []*state{n}
	}
	return []*state{finish(n, i, fail412)} // the server said OK and did nothing
}

// at is the object whose head has a token. A foreign one may have another name by now.
func (v logView) at(token uint8) *life {
	for k := range v.lives {
		if l := &v.lives[k]; !l.dead && l.head.token == token {
			return l
		}
	}
	return nil
}

func (v logView) shown(token uint8) bool { return v.at(token) != nil }

// checkOverQuota holds what a DELETE over quota expunged against its specification.
func checkOverQuota(v0, v1 logView, pc uint8, p *proc) string {
	a0, a1, want := v0.String(), v1.String(), specifyOverQuota(v0, v1, p, pc)
	if a1 != a0 && a1 != want {
		return fmt.Sprintf("over quota, the view {%s} became {%s}, the specification says {%s}", a0, a1, want)
	}
	p.effect = p.effect || v0.shown(p.baseToken) && !v1.shown(p.baseToken)
	return ""
}

// specifyOverQuota: expunging what could come back may give a foreign object the name
// of another copy. Expunging the head ends the object, and shows nothing but what came
// in since the last look.
func specifyOverQuota(v0, v1 logView, p *proc, pc uint8) string {
	want := v0.listing()
	gone := func(token uint8) {
		maps.DeleteFunc(want, func(_, shown uint8) bool { return shown == token })
	}
	l := v1.at(p.baseToken)
	switch {
	case pc == overQuotaRest && l != nil && l.foreign:
		gone(p.baseToken)
		want[l.name] = p.baseToken
	case pc == overQuotaGone:
		gone(p.baseToken)
		for _, l := range v1.lives {
			if !l.dead && l.head.uid >= p.seq {
				gone(l.head.token)
				want[l.name] = l.head.token
			}
		}
	default:
		return v0.String()
	}
	return want.String()
}

// expunges: somebody removes what readers see, without a tombstone.
func (c *ctx) expunges() bool {
	return c.has(opForeign) || slices.ContainsFunc(c.ops, func(o op) bool { return o.full })
}

// fullAccounts: DELETE over quota.
func fullAccounts() []scenario {
	return []scenario{
		{title: "DELETE over quota, PUT If-Match a", ops: []op{overQuota(deleteOp(0, 1)), ifMatch(putOp(0, 1), 1)}},
		{title: "unconditional DELETE over quota, create b, sync", ops: []op{overQuota(uncond(deleteOp(0, 0))), create(1, 2), sync}},
		{title: "DELETE, create, DELETE over quota", ops: []op{uncond(deleteOp(0, 1)), create(0, 1), overQuota(uncond(deleteOp(0, 0)))}},
		{title: "two DELETEs over quota", ops: []op{overQuota(deleteOp(0, 1)), overQuota(uncond(deleteOp(0, 0)))}},
		{title: "invitations seq 0 and 1 of two names, DELETE over quota", ops: []op{raw(0, 1, 0), raw(1, 1, 1), overQuota(uncond(deleteOp(0, 0)))}, empty: true},
		{title: "invitation, PUT over it, DELETE over quota", ops: []op{raw(0, 1, 0), uncond(putOp(0, 1)), overQuota(uncond(deleteOp(0, 0)))}, empty: true},
		{title: "invitation after a, DELETE over quota", ops: []op{raw(1, 1, 1), overQuota(deleteOp(0, 1))}},
		{title: "COPY, DELETE over quota", ops: []op{dup, overQuota(deleteOp(0, 1))}},
		{title: "migration, DELETE over quota, PUT If-Match a", ops: []op{migrate, overQuota(deleteOp(0, 1)), ifMatch(putOp(0, 1), 1)}},
		{title: "LIMIT two creates, and the winner is deleted over quota: the other wins after all", ops: []op{create(0, 1), create(0, 1), overQuota(uncond(deleteOp(0, 0)))}, empty: true, fails: true},
		{title: "MISTAKE over quota the head goes together with the rest", ops: []op{raw(0, 1, 0), raw(1, 1, 1), overQuota(uncond(deleteOp(0, 0)))}, empty: true, tune: func(c *ctx) { c.atOnce = true }, fails: true},
		{title: "DELETE over quota, sweep, foreign EXPUNGE", ops: []op{overQuota(deleteOp(0, 1)), sweep, expungeFirst}},
	}
}
