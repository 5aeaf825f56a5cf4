package main

import "slices"

// How scenarios are written down.

type scenario struct {
	title string
	ops   []op // one process each
	empty bool // begins without an object
	tune  func(*ctx)
	fails bool     // is expected to
	v     *variant // nil: the log against an atomic map
}

func putOp(name, ical uint8) op     { return op{kind: opPut, name: name, ical: ical} }
func ifMatch(o op, u uint8) op      { o.ifMatch = u; return o }
func create(name, ical uint8) op    { o := putOp(name, ical); o.ifNone = true; return o }
func deleteOp(name, m uint8) op     { return op{kind: opDelete, name: name, ical: 1, ifMatch: m} }
func delNoUID(name uint8) op        { return op{kind: opDelete, name: name} }
func uncond(o op) op                { o.uncond = true; return o }
func raw(name, ical, seq uint8) op  { return op{kind: opRaw, name: name, ical: ical, seq: seq} }
func moveOp(to uint8) op            { return op{kind: opMove, name: to, ical: 1, ifMatch: 1} }
func moveOver(to uint8) op          { o := moveOp(to); o.over = true; return o }
func repairOp(name uint8) op        { return op{kind: opRepair, name: name} }
func overQuota(o op) op             { o.full = true; return o }
func propPatch(name, prop uint8) op { return op{kind: opProps, name: name, prop: prop} }
func then(o op) op                  { o.then = true; return o }
func with(r rules) func(*ctx)       { return func(c *ctx) { c.rules = r } }

// drag brings in a version from another calendar.
func drag(life, gen, name, ical uint8) op {
	return op{kind: opCopy, drag: msg{folder: 9, token: 40, life: life, gen: gen, base: 30, name: name, ical: ical}}
}

var (
	sweep         = op{kind: opSweep}
	sync          = op{kind: opSync}
	pages         = op{kind: opSync, limit: 1}
	expungeFirst  = op{kind: opForeign, target: 1}
	expungeSecond = op{kind: opForeign, target: 2}
	dup           = op{kind: opCopy}
	restore       = op{kind: opCopy, old: true}
	migrate       = op{kind: opMigrate}
	part          = op{kind: opMigrate, part: true}
	mix           = op{kind: opMigrate, mixed: true}
	mixLate       = op{kind: opMigrate, mixed: true, late: true}
	mixDirty      = op{kind: opMigrate, mixed: true, dirty: true}
)

func initial(ops []op) *state {
	s := &state{valid: 1, next: 2, token: 2, msgs: []msg{{uid: 1, folder: 1, token: 1, ical: 1, gen: 1, second: 1}}}
	s.procs = make([]proc, len(ops))
	return s
}

// longLife: an object at its 17th version, which names the 16 before it; a backup
// has the first one.
func longLife(s *state) {
	first := msg{uid: 1, folder: 1, token: 1, ical: 1, gen: 1, second: 1}
	head := msg{uid: 17, folder: 1, token: 17, ical: 1, life: 1, gen: 17, base: 16, second: 17}
	for u := uint8(16); u > 0; u-- {
		head.prev = append(head.prev, pred{u, u})
	}
	head.sum()
	s.next, s.token, s.msgs, s.past = 18, 18, []msg{head}, []msg{first}
}

// long begins with a long life, dragged with a version from another calendar,
// noUID with an event that has no iCalendar UID.
func long(c *ctx) { c.start = longLife }

func dragged(o op) func(*ctx) {
	return func(c *ctx) {
		c.start = func(s *state) {
			s.msgs, s.next, s.token = nil, 1, 1
			s.append(o.drag)
			s.past = s.msgs
		}
	}
}

// invited: a came by mail.
func invited(c *ctx) {
	c.start = func(s *state) {
		s.msgs, s.next, s.token = nil, 1, 1
		s.append(msg{ical: 1})
	}
}

// inOneSecond: everything happens in one second.
func inOneSecond(c *ctx) {
	c.start = func(s *state) {
		s.oneSecond = true
		for i := range s.msgs {
			s.msgs[i].second = 0
		}
		s.past = s.msgs
	}
}

// restored: an object was made and deleted in one second, then a copy of it came.
func restored(c *ctx) {
	c.start = func(s *state) {
		s.oneSecond = true
		v := msg{uid: 1, folder: 1, token: 1, ical: 1, gen: 1}
		grave := msg{uid: 2, folder: 1, token: 2, ical: 1, kind: tomb, life: 1, gen: 2, base: 1, prev: []pred{{1, 1}}}
		grave.sum()
		again := v
		again.uid = 3
		s.next, s.token, s.msgs = 4, 3, []msg{v, grave, again}
	}
}

func noUID(c *ctx) {
	c.start = func(s *state) {
		s.msgs[0].ical = 0
		s.past = s.msgs
	}
}

// run explores a scenario.
func (s scenario) run() result {
	c := &ctx{ops: s.ops, v: s.v, crash: true}
	if s.v == nil {
		c.v = &variant{name: "log", spec: true, step: stepLog}
	}
	if s.tune != nil {
		s.tune(c)
	}
	st := initial(s.ops)
	if s.empty {
		st.msgs = nil
		st.next, st.token = 1, 1
	}
	if c.start != nil {
		c.start(st)
	} else if c.has(opCopy) {
		st.past = st.msgs
	}
	c.backup = c.has(opCopy)
	return explore(c, st)
}

// scenarios are all of them, the large ones only if asked.
func scenarios(big bool) []scenario {
	l := slices.Concat(races(big), writing(), moving(), mixing(), foreign(), edges(), properties(), publishing(), finishing(), paging(), fullAccounts(), failing())
	if big {
		l = append(l, large()...)
	}
	return l
}
