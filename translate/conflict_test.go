package translate

import (
	"slices"
	"testing"
)

// TestTombstoneBeforeAnotherLife: what deleted an object that came from another folder,
// or by mail, stands when another one takes its name and is changed.
func TestTombstoneBeforeAnotherLife(t *testing.T) {
	mail := Record{UID: 1, Foreign: true, Name: "a.ics", ICalUID: "u"}
	for name, old := range map[string]Record{"relic": elsewhere(put(1, "a.ics", "u"), 1), "invitation": mail} {
		dead := on(in(old), 2, OpDelete, "a.ics")
		other := put(3, "a.ics", "v")
		changed := on(in(old, dead, other), 4, OpPut, "a.ics")
		l := in(old, dead, other, changed)
		expect(t, l, "[a.ics=4]")
		if got := l.Garbage(); !l.Won(dead.Token) || !slices.Equal(got, []uint32{3}) {
			t.Errorf("%s: the tombstone won: %v, garbage %v", name, l.Won(dead.Token), got)
		}
	}
}
