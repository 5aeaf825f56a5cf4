package main

import "fmt"

// races are N writers with the same If-Match, under the log protocol and under
// simpler ones, which fail.
func races(big bool) (l []scenario) {
	writers := func(n int) (ops []op) {
		for range n {
			ops = append(ops, ifMatch(putOp(0, 1), 1))
		}
		return ops
	}
	add := func(n int, v *variant, fails bool) {
		l = append(l, scenario{title: fmt.Sprintf("N=%d  %s", n, v.name), ops: writers(n), v: v, fails: fails})
	}
	newest := func(s *state) []uint8 { return newestA(s, skipDeleted) }
	oldest := func(s *state) []uint8 { return oldestA(s, skipDeleted) }
	decided := func(s *state) []uint8 { return allA(s, skipDeletedPending) }
	all := func(s *state) []uint8 { return allA(s, skipNone) }
	for _, v := range []variant{
		{name: "naive: APPEND, expunge old, newest UID wins", view: newest, step: stepNaive},
		{name: "naive: APPEND, expunge old, oldest UID wins", view: oldest, step: stepNaive},
		{name: "APPEND, atomic CAS-delete old, newest UID wins", view: newest, step: stepCAS(false, false, false, newest)},
		{name: "APPEND, atomic CAS-delete old, oldest UID wins", view: oldest, step: stepCAS(false, false, false, oldest)},
		{name: "APPEND $Pending, atomic CAS-delete old, clear $Pending", view: decided, step: stepCAS(false, true, false, decided)},
		{name: "same, readers promote a pending one whose base is deleted", view: viewPromote, step: stepCAS(false, true, false, viewPromote)},
		{name: "CAS-delete old first, then APPEND", view: newest, step: stepCAS(false, false, true, newest)},
		{name: "APPEND $Pending, NON-atomic CAS (Dovecot), promote", view: viewPromote, step: stepCAS(true, true, false, viewPromote)},
	} {
		add(2, &v, true)
	}
	replace := &variant{name: "RFC 8508 REPLACE, fails when the old UID is gone", view: all, step: stepReplace}
	log := &variant{name: "log: APPEND on the head, largest generation, then lowest UID wins", step: stepLog}
	for _, n := range []int{2, 3, 4} {
		add(n, replace, false)
		add(n, log, false)
	}
	if big {
		add(5, log, false)
	}
	return l
}
