package translate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// A MOVE makes a copy that says where it comes from, then appends a tombstone on the
// source. Whoever finds that it did not come to the second step may take it. The
// versions that replace the copy say the same, so that this can be told of them too.

// MoveToken is the Token of the tombstone that ends the source of a MOVE whose copy
// belongs to this life. It is the same whoever appends it, the MOVE itself or who
// finishes it, so that when one of them did, the other has won as well: it must not
// take the copy back.
func MoveToken(movedFrom string, life Token) Token {
	sum := sha256.Sum256([]byte(movedFrom + ";" + string(life)))
	return Token(hex.EncodeToString(sum[:8]))
}

// SourceToken is what X-Calgate-Moved-From names the head of a source by: its Token.
// A message of another program has none; its UID and its octets give it one, which who
// cannot read it cannot forge.
func SourceToken(uidValidity uint32, head *Record) Token {
	if head.Token != "" {
		return head.Token
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d;%d;%s", uidValidity, head.UID, head.Hash))
	return Token(hex.EncodeToString(sum[:8]))
}

// Unmoved is the object in this listing that m, the head of a copy elsewhere, was to
// take the place of, as long as it is what was moved: the version with the SourceToken
// that X-Calgate-Moved-From names, never replaced. nil: the move was finished, or undone,
// or never was one. A copy that nobody has edited must have the same octets; who
// forges the field cannot end anything by a first version of something else.
func (l *Listing) Unmoved(m *Record, head Token) *Life {
	e := l.Holder(m.ICalUID)
	if e == nil || head == "" || SourceToken(l.UIDValidity, e.Head) != head {
		return nil
	}
	if len(m.Prev) == 0 && (e.Head.Hash != m.Hash || e.Head.Length != m.Length) {
		return nil
	}
	for t := range l.Dead() {
		if t.names(head) { // a person put it there again
			return nil
		}
	}
	return e
}
