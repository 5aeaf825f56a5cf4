package main

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"
)

type kind uint8

const (
	put kind = iota
	tomb
	props
)

type msg struct {
	uid     uint8
	folder  uint8 // UIDVALIDITY that it was written for, 0 = by another program
	token   uint8 // nonce of the version
	name    uint8 // resource name
	ical    uint8 // iCalendar UID
	kind    kind
	life    uint8    // token of the first version of this life, 0 = itself
	gen     uint8    // number of the version in its life, 1 = the first
	asof    uint8    // highest UID known to the first writer of the life here when it found the place free
	base    uint8    // UID of the version it replaces, 0 = a create
	prev    []pred   // predecessors, newest first; never changed
	prevU   uint64   // their UIDs, for the reference rule
	prevT   uint64   // their tokens, the same
	values  [2]uint8 // of props: property -> who set it
	seq     uint8    // foreign: SEQUENCE
	moved   uint8    // token of the source that a MOVE copied, 0 = none
	second  uint8    // of its INTERNALDATE, which a copy keeps
	stored  uint8    // second in which it came here
	deleted bool     // \Deleted (only in the variants that fail)
	pending bool     // $Pending (the same)
}

type pred struct{ uid, token uint8 }

func (m msg) lifeID() uint8 {
	if m.life == 0 {
		return m.token
	}
	return m.life
}

type opKind uint8

const (
	opPut opKind = iota
	opDelete
	opSweep
	opForeign
	opSync
	opMove
	opRaw     // another program appends a message
	opCopy    // a mail program or a backup appends a message that is or was there
	opMigrate // the folder moves: new UIDVALIDITY, new UIDs, same order
	opProps   // PROPPATCH of one property
	opRepair  // fsck -repair finishes a MOVE
)

type op struct {
	kind    opKind
	name    uint8
	ical    uint8
	ifMatch uint8 // uid, 0 = none
	ifNone  bool
	uncond  bool
	target  uint8 // foreign expunge: uid
	seq     uint8 // raw APPEND: SEQUENCE
	part    bool  // migration: some messages may be left behind
	mixed   bool  // migration: the messages of one second come in any order
	dirty   bool  // the same, and nobody waits and cleans up before
	late    bool  // the same, and others may come between its look and the RENAME
	then    bool  // begins when all before it have ended
	old     bool  // COPY: also what is no longer there
	drag    msg   // COPY: from another folder
	prop    uint8 // PROPPATCH: which property
	batch   bool  // goes with the next op: one look, one MULTIAPPEND
	limit   int   // SYNC: of the steps in an answer, 0 = none
	full    bool  // DELETE: over quota
	over    bool  // MOVE: something is in the target
}

func (o op) String() string {
	switch o.kind {
	case opPut, opDelete:
		s := "PUT"
		if o.kind == opDelete {
			s = "DELETE"
		}
		c := "unconditional"
		if o.ifMatch != 0 {
			c = fmt.Sprintf("If-Match %d", o.ifMatch)
		} else if o.ifNone {
			c = "If-None-Match *"
		}
		if o.full {
			c += ", over quota"
		}
		return fmt.Sprintf("%s /%c uid=%d %s", s, 'a'+o.name, o.ical, c)
	case opSweep:
		return "SWEEP"
	case opForeign:
		return fmt.Sprintf("FOREIGN EXPUNGE %d", o.target)
	case opSync:
		return "SYNC"
	case opMove:
		return fmt.Sprintf("MOVE /a -> /%c If-Match %d over %v", 'a'+o.name, o.ifMatch, o.over)
	case opRaw:
		return fmt.Sprintf("RAW APPEND %c uid=%d seq=%d", 'a'+o.name, o.ical, o.seq)
	case opCopy:
		return "RAW COPY"
	case opMigrate:
		if o.mixed {
			return "MIGRATE, mixing what is of one second"
		}
		return "MIGRATE"
	case opRepair:
		return fmt.Sprintf("REPAIR /%c", 'a'+o.name)
	case opProps:
		return fmt.Sprintf("PROPPATCH %q %d", nameText(props, o.name), o.prop)
	}
	return "?"
}

type resp uint8

const (
	none resp = iota
	ok2xx
	fail412
	crashed
	unknown
)

var respName = []string{"-", "2xx", "412", "crash", "5xx"}

type proc struct {
	pc         uint8
	m          msg   // what it is about to append
	baseToken  uint8 // ghost: what that replaces
	baseNative bool
	own        uint8 // token of the message it has appended
	tries      uint8
	effect     bool // ghost: the APPEND changed the view
	free       bool // ghost: DELETE of what a raw client removed; 204 and 412 are both right
	target     uint8
	r          resp
	gone       uint64 // UIDs to expunge
	valid      uint8  // UIDVALIDITY at its last look
	seq        uint8  // UIDNEXT at LOOK (for the bounded-delay assumption)
	tokU       uint8  // sync token: UIDNEXT, listing by UID (stands for its digest)
	tokD       string
	tokV       string // ghost: view at token time
	pages      string // sync token after pages: UIDNEXT and bound of each
	fits       bool   // DELETE over quota: there is room by now
}

type state struct {
	valid uint8 // UIDVALIDITY
	next  uint8 // UIDNEXT
	token uint8 // ghost: next nonce
	msgs  []msg
	past  []msg // ghost: what a backup may hold (COPY scenarios only)
	procs []proc
	seen  uint8 // race check: version first seen that is not the initial one (0 none)

	oneSecond bool  // everything happens in one second, but for who waits; else each message has its own
	clock     uint8 // that second
}

func (s *state) key() string {
	b := s.appendLog(make([]byte, 0, 256))
	b = append(b, s.next, s.token, s.seen, s.clock)
	for i := range s.procs {
		b = s.procs[i].appendKey(b)
	}
	b = append(b, '^')
	for _, m := range s.past {
		b = append(b, m.token)
	}
	return string(b)
}

// logKey names what a reader of the folder gets.
func (s *state) logKey() string { return string(append(s.appendLog(make([]byte, 0, 128)), s.next)) }

func (s *state) appendLog(b []byte) []byte {
	b = append(b, s.valid, uint8(len(s.msgs)))
	for i := range s.msgs {
		b = s.msgs[i].appendKey(b)
	}
	return b
}

func (p *proc) appendKey(b []byte) []byte {
	b = append(b, p.pc, p.baseToken, flags(p.baseNative, p.effect, p.free, p.fits), p.own, p.tries, p.target, uint8(p.r), p.valid, p.seq, p.tokU)
	b = binary.LittleEndian.AppendUint64(b, p.gone)
	b = append(b, p.pages...)
	b = append(b, "/"+p.tokD...)
	b = append(b, '/')
	b = append(b, p.tokV...)
	b = append(b, '/')
	return p.m.appendKey(b)
}

func (m *msg) appendKey(b []byte) []byte {
	b = append(b, m.uid, m.folder, m.token, m.name, m.ical, byte(m.kind), m.life, m.gen, m.asof, m.base, m.seq, m.moved, flags(m.deleted, m.pending), m.values[0], m.values[1], m.second, m.stored, uint8(len(m.prev)))
	for _, p := range m.prev {
		b = append(b, p.uid, p.token)
	}
	return b
}

func flags(l ...bool) (f byte) {
	for i, set := range l {
		if set {
			f |= 1 << i
		}
	}
	return f
}

func (s *state) clone() *state {
	n := *s
	n.msgs = append([]msg(nil), s.msgs...)
	n.past = append([]msg(nil), s.past...)
	n.procs = append([]proc(nil), s.procs...)
	return &n
}

func (s *state) find(uid uint8) *msg {
	for i := range s.msgs {
		if s.msgs[i].uid == uid {
			return &s.msgs[i]
		}
	}
	return nil
}

func (s *state) expunge(set uint64) {
	out := s.msgs[:0:0]
	for _, m := range s.msgs {
		if set&(1<<m.uid) == 0 {
			out = append(out, m)
		}
	}
	s.msgs = out
}

// ---- engine ----------------------------------------------------------------

type variant struct {
	name string
	view func(s *state) []uint8 // versions of /a a reader sees (race check); nil: by the rule
	step func(c *ctx, s *state, i int) []*state
	spec bool
}

type ctx struct {
	ops      []op
	v        *variant
	crash    bool
	rules    rules
	noTomb   bool         // DELETE by expunging the head
	dropTomb bool         // sweep drops tombstones without waiting
	badSweep bool         // sweep drops tombstones before garbage
	count    bool         // sync tokens with the number of objects instead of a digest
	stale    bool         // gateways go on when the folder has moved
	hasty    bool         // a write that was overtaken while its APPEND is on its way is told to have lost
	move     bool         // MOVE scenarios: checkMove instead of the map specification
	noHelp   bool         // who finishes a MOVE uses a token of his own
	forget   bool         // versions do not inherit where their life came from
	noReturn bool         // a MOVE that lost ends what it has replaced in the target
	noWait   bool         // who moves the folder does not wait for the next second
	noOrder  bool         // nor removes what only the order hides
	atOnce   bool         // DELETE over quota expunges head and rest at once
	backup   bool         // keep what a backup may hold
	start    func(*state) // makes the folder to begin with; nil: one object, or none
	viol     string
	last     *state // cache for checkSpec
	lastView logView
	views    map[string]logView // by log
	differs  string             // translate and the reference rule
}

func (c *ctx) has(k ...opKind) bool {
	for _, o := range c.ops {
		for _, x := range k {
			if o.kind == x {
				return true
			}
		}
	}
	return false
}

type result struct {
	states int
	viol   string
	trace  []string
	dur    time.Duration
	trans  int
}

// successors: what process i may do next, its crash included; a violation found
// by the step itself.
func successors(c *ctx, s *state, i int) ([]*state, string) {
	c.viol = ""
	if c.second(s, i) || c.ops[i].then && s.running(i) {
		return nil, ""
	}
	if c.first(s, i) {
		return stepBatch(c, s, i), c.viol
	}
	succ := c.v.step(c, s, i)
	if c.crash && c.viol == "" {
		n := s.clone()
		n.procs[i].pc = 99
		if n.procs[i].r == none {
			n.procs[i].r = crashed
		}
		succ = append(succ, n)
	}
	return succ, c.viol
}

// running tells whether a process before i has not ended.
func (s *state) running(i int) bool {
	return slices.ContainsFunc(s.procs[:i], func(p proc) bool { return p.pc != 99 })
}

func explore(c *ctx, init *state) result {
	t0 := time.Now()
	k0 := init.key()
	prev := map[string]string{k0: ""}
	queue := []*state{init}
	trans := 0
	fail := func(last, why string) result {
		var keys []string
		for k := last; k != k0; k = prev[k] {
			keys = append(keys, k)
		}
		return result{len(prev), why, replay(c, init, keys, why), time.Since(t0), trans}
	}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		k := s.key()
		for i := range s.procs {
			if s.procs[i].pc == 99 {
				continue
			}
			succ, viol := successors(c, s, i)
			if viol != "" {
				return fail(k, viol)
			}
			for _, n := range succ {
				trans++
				viol := check(c, s, n, i)
				if viol == "" {
					viol = c.differs
				}
				nk := n.key()
				if _, ok := prev[nk]; !ok {
					prev[nk] = k
					if viol == "" {
						queue = append(queue, n)
					}
				}
				if viol != "" {
					return fail(nk, viol)
				}
			}
		}
		if len(prev) > 30_000_000 {
			return result{len(prev), "state limit", nil, time.Since(t0), trans}
		}
	}
	return result{len(prev), "", nil, time.Since(t0), trans}
}

// replay prints the way to a state, given the keys on it, last first.
func replay(c *ctx, s *state, keys []string, why string) (trace []string) {
next:
	for j := len(keys) - 1; j >= 0; j-- {
		for i := range s.procs {
			if s.procs[i].pc == 99 {
				continue
			}
			succ, _ := successors(c, s, i)
			for _, n := range succ {
				check(c, s, n, i) // sets the ghosts
				if n.key() == keys[j] {
					p, q := s.procs[i], n.procs[i]
					trace = append(trace, fmt.Sprintf("P%d %-28s pc%d->%d  folder:%s  shown:{%s}  answer=%s", i, c.ops[i], p.pc, q.pc, dump(n), c.read(n), respName[q.r]))
					s = n
					continue next
				}
			}
		}
	}
	return append(trace, "=> "+why)
}

func dump(s *state) string {
	var l []string
	for _, m := range s.msgs {
		t := fmt.Sprintf("%d:%s", m.uid, nameOf(m.name))
		if m.kind == tomb {
			t += "T"
		}
		if m.folder == 0 {
			t += fmt.Sprintf("(foreign %d seq %d)", m.token, m.seq)
		} else {
			t += fmt.Sprintf("(v%d %d gen %d life %d base %d asof %d)", m.folder, m.token, m.gen, m.lifeID(), m.base, m.asof)
		}
		if m.deleted {
			t += "\\D"
		}
		if m.pending {
			t += "$P"
		}
		l = append(l, t)
	}
	return "[" + strings.Join(l, " ") + "]"
}
