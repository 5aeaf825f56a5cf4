package calendar

import (
	"github.com/maypok86/otter/v2"

	"calgate/translate"
)

// cache holds what was read before: indexes of folders, bodies, and the lists of
// mailboxes. Nothing here is needed for a right answer; every entry is named by
// what validates it, or validated by the look that uses it. Entries belong to one
// login: UIDVALIDITYs of different users' folders can be equal.
type cache struct {
	indexes *otter.Cache[folderKey, *index]
	bodies  *otter.Cache[bodyKey, []byte]
	homes   *otter.Cache[string, *Home] // by login, and those of other users by login and owner
}

type folderKey struct{ login, mailbox string }

// bodyKey names octets that never change. The token is for a folder that takes the name of
// another one with the same UIDVALIDITY.
type bodyKey struct {
	folderKey
	uidValidity, uid uint32
	token            translate.Token
}

// newCache divides the octets: a small part is for homes, the rest is halved between
// indexes and bodies. With NoCache all of its caches are nil and remember nothing.
func newCache(o Options) cache {
	if o.NoCache {
		return cache{}
	}
	homes := o.CacheBytes / 8
	half := uint64(o.CacheBytes-homes) / 2
	return cache{
		indexes: otter.Must(&otter.Options[folderKey, *index]{
			MaximumWeight: half,
			Weigher:       func(k folderKey, ix *index) uint32 { return weight(ix.size()) },
		}),
		bodies: otter.Must(&otter.Options[bodyKey, []byte]{
			MaximumWeight: half,
			Weigher:       func(k bodyKey, b []byte) uint32 { return weight(int64(len(b)) + 256) },
		}),
		homes: otter.Must(&otter.Options[string, *Home]{
			MaximumWeight: uint64(homes),
			Weigher:       func(k string, h *Home) uint32 { return weight(int64(len(k)) + h.size()) },
		}),
	}
}

func weight(octets int64) uint32 { return uint32(min(octets, 1<<31)) }

func (c cache) index(k folderKey) *index {
	if c.indexes == nil {
		return nil
	}
	ix, _ := c.indexes.GetIfPresent(k)
	return ix
}

func (c cache) setIndex(k folderKey, ix *index) {
	if c.indexes != nil {
		c.indexes.Set(k, ix)
	}
}

func (c cache) forget(k folderKey) {
	if c.indexes != nil {
		c.indexes.Invalidate(k)
	}
}

func (c cache) body(k bodyKey) ([]byte, bool) {
	if c.bodies == nil {
		return nil, false
	}
	return c.bodies.GetIfPresent(k)
}

func (c cache) setBody(k bodyKey, b []byte) {
	if c.bodies != nil {
		c.bodies.Set(k, b)
	}
}

func (c cache) forgetBody(k bodyKey) {
	if c.bodies != nil {
		c.bodies.Invalidate(k)
	}
}

func (c cache) home(key string) *Home {
	if c.homes == nil {
		return nil
	}
	h, _ := c.homes.GetIfPresent(key)
	return h
}

// setHome remembers a mailbox list; nil forgets it. So does one without calendars: only
// those that are there are looked for in it, and a URL can name any owner.
func (c cache) setHome(key string, h *Home) {
	switch {
	case c.homes == nil:
	case h == nil || len(h.Calendars) == 0:
		c.homes.Invalidate(key)
	default:
		c.homes.Set(key, h)
	}
}
