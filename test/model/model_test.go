package main

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"calgate/translate"
)

// TestScenarios explores every small scenario. A MISTAKE or LIMIT must fail:
// otherwise its clause is not needed, or the manual warns of nothing.
func TestScenarios(t *testing.T) {
	for _, s := range scenarios(false) {
		t.Run(strings.TrimSpace(s.title), func(t *testing.T) {
			if raceDetector && s.weight() > 4 {
				t.Skip("left out under the race detector: run go test without -race, or go run ./test/model")
			}
			t.Parallel()
			r := s.run()
			t.Log(r.line(s))
			if (r.viol != "") == s.fails {
				return
			}
			if s.fails {
				t.Fatal("holds, but should not")
			}
			for _, l := range r.trace {
				t.Log(l)
			}
			t.Fatal(r.viol)
		})
	}
}

// weight grows with the number of states; who repeats has many.
func (s scenario) weight() (n int) {
	for _, o := range s.ops {
		n++
		if o.uncond || o.kind == opProps || o.kind == opMove {
			n++
		}
	}
	return n + len(s.ops)/4
}

// TestReferenceRule holds translate against the reference rule in random logs:
// forged ones, which no writer makes, among them.
func TestReferenceRule(t *testing.T) {
	for range 20 { // 2,000 logs: some clauses decide in one of hundreds only
		rapid.Check(t, func(t *rapid.T) {
			s := drawLog(t)
			c := &ctx{v: &variant{}}
			c.read(s)
			if c.differs != "" {
				t.Fatal(c.differs)
			}
		})
	}
}

// drawLog makes a folder of messages whose fields fit together by chance.
func drawLog(t *rapid.T) *state {
	small := func(label string, lo, hi int) uint8 { return uint8(rapid.IntRange(lo, hi).Draw(t, label)) }
	s := &state{valid: 2, next: 1, token: 1, oneSecond: true}
	for range rapid.IntRange(1, 12).Draw(t, "messages") {
		s.next += small("gap", 0, 1) // what was expunged
		m := msg{folder: small("folder", 0, 3), name: small("name", 0, 2), ical: small("uid", 1, 3), seq: small("seq", 0, 2), second: small("second", 0, 1)}
		if len(s.msgs) > 0 && rapid.IntRange(0, 5).Draw(t, "copy") == 0 {
			m = s.msgs[rapid.IntRange(0, len(s.msgs)-1).Draw(t, "which")]
		} else if m.folder != 0 {
			drawFields(small, s, &m)
		}
		s.append(m)
	}
	return s
}

func drawFields(small func(string, int, int) uint8, s *state, m *msg) {
	m.gen = small("gen", 1, 4)
	if small("new", 0, 2) > 0 && len(s.msgs) > 0 {
		m.life = s.msgs[small("of", 0, len(s.msgs)-1)].lifeID()
	}
	if m.folder == s.valid {
		m.base, m.asof = small("base", 0, int(s.next)-1), small("asof", 0, int(s.next)-1)
	} else {
		m.base, m.asof = small("base", 0, 14), small("asof", 0, 14)
	}
	if small("tombstone", 0, 3) == 0 {
		m.kind = tomb
	}
	if b := s.find(m.base); m.kind == tomb && b != nil && b.ical != m.ical {
		m.base = 0 // a tombstone that points at another object: translate keeps its hands off, the reference rule does not
	}
	for range small("predecessors", 0, 3) {
		m.prev = append(m.prev, pred{small("prev uid", 0, int(s.next)-1), small("prev token", 0, int(s.token)+1)})
	}
	m.sum()
}

// TestComparisonSeesMistakes: the differential test is worth nothing if it cannot
// fail.
func TestComparisonSeesMistakes(t *testing.T) {
	c := &ctx{v: &variant{}}
	s := initial(nil)
	v := c.view(s, translate.Heads(c.records(s, nil), uint32(s.valid)))
	s.append(msg{name: 1, ical: 2})
	c.compare(s, v)
	if c.differs == "" {
		t.Fatal("a listing without the newest message was not told from the right one")
	}
	if !strings.Contains(c.differs, fmt.Sprint(s.valid)) {
		t.Fatalf("not a description: %q", c.differs)
	}
}
