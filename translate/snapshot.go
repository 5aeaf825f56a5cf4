package translate

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
)

// Snapshot is a listing as it was: name -> version. As a Predecessor it has the
// UID and the Token of the version.
type Snapshot map[string]Predecessor

// At rebuilds, from what is there now, the listing that readers saw when UIDNEXT
// was next. If it has the digest that was taken then, it is the old one; if not,
// something that would be needed is gone, and nobody can say (RFC 6578 section
// 3.2, DAV:valid-sync-token).
func (l *Listing) At(next uint32) Snapshot {
	s := make(Snapshot, len(l.alive))
	for _, e := range l.lives {
		if e.props() {
			continue
		}
		if v := e.below(next); v.UID != 0 {
			s[e.Name] = v
		}
	}
	return s
}

// below is the version that a life showed when UIDNEXT was next; UID 0 if none.
func (l *Life) below(next uint32) (best Predecessor) {
	if l.Head.UID < next {
		if l.Dead {
			return Predecessor{}
		}
		return Predecessor{l.Head.UID, l.Head.Token}
	}
	switch {
	case l.Foreign:
		var head *Record
		for _, m := range l.Members {
			if m.UID < next && (head == nil || newer(m, head)) {
				head = m
			}
		}
		if head != nil {
			best = Predecessor{head.UID, head.Token}
		}
	case l.native: // also of a tombstone: what it replaced was alive then
		for _, p := range l.Head.Prev {
			if p.UID < next && p.UID > best.UID {
				best = p
			}
		}
	}
	return best
}

// Digest is 12 hex digits of the SHA-256 of the listing.
func (s Snapshot) Digest() string {
	h := sha256.New()
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(s)) {
		b = append(b[:0], name...)
		b = append(b, 0) // no name has it
		if v := s[name]; v.Token != "" {
			b = append(b, v.Token...)
		} else {
			b = strconv.AppendUint(b, uint64(v.UID), 10)
		}
		h.Write(append(b, 0))
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}
