package calendar

import (
	"fmt"
	"strings"

	"calgate/translate"
)

// etag is the strong entity tag of a version: the same on every gateway and after
// a move of the folder, since both parts stand in the message.
func etag(r *translate.Record, uidValidity uint32) string {
	if r.Token == "" {
		return fmt.Sprintf(`"%d-%d-%s"`, uidValidity, r.UID, short(r.Hash))
	}
	return `"` + string(r.Token) + "-" + short(r.Hash) + `"`
}

func short(hash string) string { return hash[:min(8, len(hash))] }

// names tells whether an entity tag is one of a predecessor.
func names(tag string, p translate.Predecessor, uidValidity uint32) bool {
	if p.Token == "" {
		return p.UID != 0 && strings.HasPrefix(tag, fmt.Sprintf(`"%d-%d-`, uidValidity, p.UID))
	}
	return strings.HasPrefix(tag, `"`+string(p.Token)+"-")
}
