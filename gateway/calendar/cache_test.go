package calendar

import (
	"fmt"
	"strings"
	"testing"

	"calgate/imapstore"
)

// Homes are cached within an eighth of the octets, however long the names in them are; and none that leads nowhere.
func TestCachedHomes(t *testing.T) {
	const octets = 8 << 20
	c, k := newCache(Options{CacheBytes: octets}), newKinds(Options{})
	for i := range 300 {
		owner := strings.Repeat("o", 4000) + fmt.Sprint(i)
		listed := []imapstore.Listed{{Mailbox: imapstore.Mailbox{Name: "~" + owner + "/Calendar"}}, {Mailbox: imapstore.Mailbox{Name: "~" + owner + "/Calendar/Work"}}}
		c.setHome("login ~"+owner, k.homeOf(owner, listed))
	}
	c.homes.CleanUp()
	held, n := 0, 0
	for key, h := range c.homes.All() {
		n++
		held += len(key) + len(h.Owner)
		for _, c := range h.Calendars {
			held += len(c.Mailbox)
		}
		for _, c := range h.paths {
			held += len(c.Mailbox)
		}
	}
	if held > octets/8 || n < 10 {
		t.Errorf("%d homes hold %d octets", n, held)
	}

	c = newCache(Options{CacheBytes: octets})
	there, nothing := k.homeOf("bob", listed("~bob/Calendar")), k.homeOf("bob", nil)
	c.setHome("key", nothing)
	if c.home("key") != nil {
		t.Error("a home without calendars is kept")
	}
	c.setHome("key", there)
	if c.home("key") != there {
		t.Error("a home is not kept")
	}
	c.setHome("key", nothing)
	if c.home("key") != nil {
		t.Error("a home is kept that has no calendars any more")
	}
}
