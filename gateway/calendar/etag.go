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

// names tells whether an entity tag is one of the version with that token.
func names(tag string, token translate.Token) bool {
	return token != "" && strings.HasPrefix(tag, `"`+string(token)+"-")
}
