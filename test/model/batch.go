package main

// A publication of a whole calendar: several messages that rest on one look go into
// the folder by one MULTIAPPEND. Here it is two, of two processes that look together
// and append together; what becomes of each they then find out on their own.

// together makes two ops a batch. They must not share a life, a name or an iCalendar
// UID.
func together(a, b op) []op {
	a.batch = true
	return []op{a, b}
}

// first tells whether process i is the first of a batch that is not appended yet.
func (c *ctx) first(s *state, i int) bool {
	return c.ops[i].batch && s.procs[i].pc <= 1 && s.procs[i+1].pc == s.procs[i].pc && s.procs[i].tries+s.procs[i+1].tries == 0
}

// second tells whether process i is the other one.
func (c *ctx) second(s *state, i int) bool { return i > 0 && c.first(s, i-1) }

// stepBatch is one step of both, or the crash of both.
func stepBatch(c *ctx, s *state, i int) []*state {
	dead := s.clone()
	for k := i; k <= i+1; k++ {
		dead.procs[k].pc, dead.procs[k].r = 99, crashed
	}
	if s.procs[i].pc == 0 {
		n := s.clone()
		v := c.read(n)
		n = look(c, n, i, v)
		return []*state{look(c, n, i+1, v), dead}
	}
	between := c.v.step(c, s, i)[0]
	if c.viol = check(c, s, between, i); c.viol != "" {
		return []*state{between}
	}
	n := c.v.step(c, between, i+1)[0]
	c.viol = check(c, between, n, i+1)
	return []*state{n, dead}
}

// publishing: feeds among themselves, and beside what other writers do.
func publishing() []scenario {
	join := func(parts ...[]op) (all []op) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	return []scenario{
		{title: "batch (create b, DELETE a), PUT If-Match a, sweep", ops: append(together(uncond(putOp(1, 2)), uncond(deleteOp(0, 0))), ifMatch(putOp(0, 1), 1), sweep)},
		{title: "batch (PUT a, create b), DELETE If-Match a, create b", ops: append(together(uncond(putOp(0, 1)), uncond(putOp(1, 2))), deleteOp(0, 1), create(1, 2))},
		{title: "batch (PUT a, create b), batch (create b, DELETE a)", ops: join(together(uncond(putOp(0, 1)), uncond(putOp(1, 2))), together(uncond(putOp(1, 2)), uncond(deleteOp(0, 0))))},
		{title: "batch (create b, DELETE a), migration, unconditional PUT a", ops: append(together(uncond(putOp(1, 2)), uncond(deleteOp(0, 0))), migrate, uncond(putOp(0, 1)))},
		{title: "batch (create b, DELETE a), create c with the UID of b, sync", ops: append(together(uncond(putOp(1, 2)), uncond(deleteOp(0, 0))), create(2, 2), sync)},
		{title: "batch (PUT a, create b), invitation with the UID of b, COPY", ops: append(together(uncond(putOp(0, 1)), uncond(putOp(1, 2))), raw(2, 2, 1), dup)},
		{title: "batch (create b, DELETE a), foreign EXPUNGE, create a", ops: append(together(uncond(putOp(1, 2)), uncond(deleteOp(0, 0))), expungeFirst, create(0, 1))},
	}
}
