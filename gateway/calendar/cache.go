package calendar

import (
	"github.com/maypok86/otter/v2"

	"calgate/translate"
)

// cache holds what was read before: indexes of folders, bodies, and the lists of
// mailboxes. Nothing here is needed for a right answer; every entry is named by
// what validates it, or validated by the look that uses it, but for sharings, which
// are believed for SharingLag. Entries belong to one login: UIDVALIDITYs of different
// users' folders can be equal.
type cache struct {
	indexes  *otter.Cache[folderKey, *index]
	bodies   *otter.Cache[bodyKey, []byte]
	homes    *otter.Cache[string, *Home]      // by login, and those of other users by login and owner
	sharings *otter.Cache[folderKey, sharing] // of a login's own calendars
}

type folderKey struct{ login, mailbox string }

// bodyKey names octets that never change. The mailbox's id, where it has one, and the token,
// where the message has one, are for a folder that takes the name of another one with the same
// UIDVALIDITY.
type bodyKey struct {
	folderKey
	id               string
	uidValidity, uid uint32
	token            translate.Token
}

// newCache divides the octets: a small part is for homes and sharings, the rest is halved
// between indexes and bodies. With NoCache all of its caches are nil and remember nothing.
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
			MaximumWeight: uint64(homes - homes/4),
			Weigher:       func(k string, h *Home) uint32 { return weight(int64(len(k)) + h.size()) },
		}),
		sharings: otter.Must(&otter.Options[folderKey, sharing]{
			MaximumWeight: uint64(homes / 4),
			Weigher:       func(k folderKey, _ sharing) uint32 { return weight(int64(len(k.login)+len(k.mailbox)) + 128) },
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

// forget forgets what is known of a mailbox, but for bodies.
func (c cache) forget(k folderKey) {
	if c.indexes != nil {
		c.indexes.Invalidate(k)
		c.sharings.Invalidate(k)
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

func (c cache) sharing(k folderKey) (sharing, bool) {
	if c.sharings == nil {
		return sharing{}, false
	}
	return c.sharings.GetIfPresent(k)
}

// setSharing remembers the younger answer: one that was under way when this process
// changed the ACL must not stand in the place of what came of that.
func (c cache) setSharing(k folderKey, s sharing) {
	if c.sharings == nil {
		return
	}
	c.sharings.Compute(k, func(was sharing, found bool) (sharing, otter.ComputeOp) {
		if found && was.asked.After(s.asked) {
			return was, otter.CancelOp
		}
		return s, otter.WriteOp
	})
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
