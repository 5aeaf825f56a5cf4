package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"calgate/translate"
)

// stepPages: a client takes a token, then asks for the delta in pages, others acting
// in between, until it is told that it has everything.
func stepPages(c *ctx, n *state, i int, v logView) []*state {
	p := &n.procs[i]
	if p.pc == 0 {
		at := v.real.Position(uint32(n.next))
		p.valid, p.tokU, p.tokD = n.valid, uint8(at.Next), at.Digest
		p.tokV = v.String()
		p.pc = 1
		return []*state{n}
	}
	at := translate.Position{Next: uint32(p.tokU), Digest: p.tokD}
	for b := range slices.Chunk([]byte(p.pages), 2) {
		at.Pages = append(at.Pages, translate.Page{Next: uint32(b[0]), UpTo: uint32(b[1])})
	}
	steps, now, more, ok := v.real.Since(&at, uint32(n.next), c.ops[i].limit)
	if p.valid != n.valid || !ok {
		if !c.has(opSweep, opCopy, opRaw, opMigrate) && !c.expunges() {
			c.viol = fmt.Sprintf("pages: token of {%s} refused, though nothing was removed behind our back", p.tokV)
		}
		return []*state{finish(n, i, fail412)}
	}
	held := map[string]string{}
	for _, f := range strings.Fields(p.tokV) {
		name, version, _ := strings.Cut(f, "=")
		held[name] = version
	}
	named := map[string]bool{}
	for _, s := range steps {
		name := nameOf(n.nameNumber(s.Name))
		if named[name] {
			c.viol = fmt.Sprintf("pages: %s is named twice in one answer", name)
		}
		named[name] = true
		if s.Life == nil {
			delete(held, name)
		} else {
			held[name] = fmt.Sprint(n.find(uint8(s.Life.Head.UID)).token)
		}
	}
	p.tokV = text(held)
	p.tokU, p.tokD, p.pages = uint8(now.Next), now.Digest, ""
	for _, page := range now.Pages {
		p.pages += string([]byte{byte(page.Next), byte(page.UpTo)})
	}
	if more {
		return []*state{n}
	}
	if p.tokV != v.String() {
		c.viol = fmt.Sprintf("pages: the client was told that it has all, and has {%s}, but the folder shows {%s}", p.tokV, v)
	}
	return []*state{finish(n, i, ok2xx)}
}

func text(held map[string]string) string {
	var l []string
	for _, name := range slices.Sorted(maps.Keys(held)) {
		l = append(l, name+"="+held[name])
	}
	return strings.Join(l, " ")
}

// paging: clients that follow in pages of one step.
func paging() []scenario {
	return []scenario{
		{title: "pages vs PUT If-Match a, create b, DELETE a", ops: []op{pages, ifMatch(putOp(0, 1), 1), create(1, 2), uncond(deleteOp(0, 0))}},
		{title: "pages vs create b, DELETE b, create b", ops: []op{pages, create(1, 2), uncond(deleteOp(1, 0)), create(1, 2)}},
		{title: "pages vs DELETE a, create a, create b, foreign EXPUNGE", ops: []op{pages, deleteOp(0, 1), create(0, 1), create(1, 2), expungeSecond}},
		{title: "pages vs PUT a, create b, foreign EXPUNGE of a", ops: []op{pages, ifMatch(putOp(0, 1), 1), create(1, 2), expungeFirst}},
		{title: "pages vs DELETE a, create b, sweep", ops: []op{pages, deleteOp(0, 1), create(1, 2), sweep}},
		{title: "pages vs two invitations, DELETE of one", ops: []op{pages, raw(1, 2, 0), raw(2, 2, 1), uncond(op{kind: opDelete, name: 1, ical: 2})}},
		{title: "pages vs COPY, PUT a, foreign EXPUNGE", ops: []op{pages, dup, uncond(putOp(0, 1)), expungeFirst}},
		{title: "pages vs migration, PUT a, create b", ops: []op{pages, migrate, ifMatch(putOp(0, 1), 1), create(1, 2)}},
		{title: "pages vs batch (create b, DELETE a), PUT a", ops: append([]op{pages, ifMatch(putOp(0, 1), 1)}, together(uncond(putOp(1, 2)), uncond(deleteOp(0, 0)))...)},
		{title: "pages twice vs unconditional PUT a, create b", ops: []op{pages, pages, uncond(putOp(0, 1)), create(1, 2)}},
	}
}
