package calendar

import (
	"strings"
	"testing"
)

// A path that is longer than a mailbox can be called is looked for nowhere: without a session, asking would panic.
func TestTooLongForAMailbox(t *testing.T) {
	a := &Account{homes: map[string]*Home{"bob": {Owner: "bob"}}}
	c, ok, err := a.FindOf(t.Context(), "bob", []string{strings.Repeat("x", maxProbed), "a.ics"})
	if ok || err != nil {
		t.Errorf("%+v %v %v", c, ok, err)
	}
}
