package main

import "slices"

// What others do to the folder: they put messages there again, and move it.

// stepCopy: any message that is there (or was, from a backup) is appended again.
func stepCopy(s *state, i int, o op) []*state {
	from := s.msgs
	if o.old {
		from = s.past
	}
	if o.drag.folder != 0 {
		from = []msg{o.drag}
	}
	var l []*state
	for _, m := range from {
		n := s.clone()
		m.deleted, m.pending = false, false
		n.append(m)
		l = append(l, finish(n, i, ok2xx))
	}
	if l == nil {
		l = append(l, finish(s.clone(), i, ok2xx))
	}
	return l
}

// stepMigrate: all messages, or any part of them, in the same order with new UIDs.
func stepMigrate(s *state, i int, o op) []*state {
	var l []*state
	all := 1<<len(s.msgs) - 1
	for set := 0; set <= all; set++ {
		if !o.part && set != all {
			continue
		}
		var msgs []msg
		for k, m := range s.msgs {
			if set&(1<<k) != 0 {
				msgs = append(msgs, m)
			}
		}
		l = append(l, finish(s.renumbered(msgs), i, ok2xx))
	}
	return l
}

// stepMix: Courier numbers messages anew at RENAME, and mixes what it got in one
// second. Who moves the folder waits for the next second, so that what comes after
// the move is not mixed with what was before it, and removes what only the order says.
func stepMix(c *ctx, n *state, i int, v logView, o op) []*state {
	switch p := &n.procs[i]; {
	case o.dirty:
	case p.pc == 0:
		if p.pc = 1; !c.noWait {
			n.clock++
		}
		return []*state{n}
	case p.pc == 1: // LOOK
		if p.gone, p.valid = v.garbage|c.unordered(v), n.valid; p.gone != 0 {
			return cleanUp(n, i, 1)
		}
		if o.late {
			p.pc = 2
			return []*state{n}
		}
	}
	var l []*state
	msgs := slices.Clone(n.msgs)
	var order func(k int)
	order = func(k int) {
		if k == len(msgs) {
			l = append(l, finish(n.renumbered(msgs), i, ok2xx))
		}
		for j := k; j < len(msgs) && (j == k || n.oneSecond && msgs[j].stored == msgs[k].stored); j++ {
			msgs[k], msgs[j] = msgs[j], msgs[k]
			order(k + 1)
			msgs[k], msgs[j] = msgs[j], msgs[k]
		}
	}
	order(0)
	return l
}

// unordered are the UIDs that translate's Unordered gives.
func (c *ctx) unordered(v logView) (set uint64) {
	if v.real == nil || c.noOrder {
		return 0
	}
	for _, uid := range v.real.Unordered() {
		set |= 1 << uid
	}
	return set
}

// renumbered is the folder under another UIDVALIDITY with these messages.
func (s *state) renumbered(msgs []msg) *state {
	n := s.clone()
	n.msgs, n.next = nil, 1
	n.valid++
	for _, m := range msgs {
		m.uid = n.next
		n.next++
		n.msgs = append(n.msgs, m)
	}
	return n
}
