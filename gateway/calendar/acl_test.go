package calendar

import (
	"fmt"
	"testing"

	"calgate/imapstore"
)

// The work on an ACL grows as the ACL does, and no further than to MaxGrants entries.
func TestManyGrants(t *testing.T) {
	v := &View{account: &Account{name: "alice@example.com"}, calendar: Calendar{Mailbox: "Calendar"}}
	acl := func(n int, name string) (entries []imapstore.Entry, grants []Grant) {
		for i := range n {
			id := imapstore.Identifier{Name: fmt.Sprint("user", i)}
			entries = append(entries, imapstore.Entry{Identifier: id, Rights: "lr"})
			grants = append(grants, Grant{Principal: Principal{Name: fmt.Sprint(name, i)}, Privileges: []Privilege{Read, Bind}})
		}
		return entries, grants
	}
	allocations := func(n int) float64 {
		entries, grants := acl(n, "new")
		return testing.AllocsPerRun(1, func() {
			if changes, err := v.edits(entries, grants, true); err != nil || len(changes) != 2*n {
				t.Fatalf("%d changes, %v", len(changes), err)
			}
		})
	}
	if few, many := allocations(20), allocations(200); many > 20*few {
		t.Errorf("%v allocations for 20 entries, %v for 200", few, many)
	}

	entries, others := acl(MaxGrants, "new")
	_, same := acl(MaxGrants, "user")
	if _, err := v.edits(entries, others[:1], false); !IsKind(err, TooManyGrants) {
		t.Errorf("an ACL of %d entries grows: %v", MaxGrants, err)
	}
	entries = append(entries, imapstore.Entry{Identifier: imapstore.Identifier{Name: "more"}, Rights: "lr"})
	if _, err := v.edits(entries, same, false); err != nil {
		t.Errorf("one that is too large already is changed: %v", err)
	}
	if _, err := v.edits(entries, others, true); err != nil {
		t.Errorf("one that is too large becomes smaller: %v", err)
	}
}
