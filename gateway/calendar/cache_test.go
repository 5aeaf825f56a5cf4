package calendar

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

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

// An answer that was under way when an ACL was changed does not take the place of a younger one.
func TestCachedSharing(t *testing.T) {
	c, k, now := newCache(Options{CacheBytes: 8 << 20}), folderKey{"login", "Calendar"}, time.Now()
	for i, step := range []struct{ set, want sharing }{
		{sharing{asked: now}, sharing{asked: now}},
		{sharing{doubt: true, asked: now.Add(2)}, sharing{doubt: true, asked: now.Add(2)}},
		{sharing{asked: now.Add(1)}, sharing{doubt: true, asked: now.Add(2)}},
		{sharing{shared: true, asked: now.Add(2)}, sharing{shared: true, asked: now.Add(2)}},
	} {
		c.setSharing(k, step.set)
		if got, ok := c.sharing(k); !ok || got != step.want {
			t.Errorf("step %d: %+v %v, want %+v", i, got, ok, step.want)
		}
	}
	if c.forget(k); len(slices.Collect(c.sharings.Keys())) > 0 {
		t.Error("a mailbox that is gone is known to be shared")
	}
}
