package test

import (
	"fmt"
	"slices"
	"testing"
)

// Mailboxes that are made are not subscribed, so that mail programs do not list them, unless that is wanted; a subscription
// follows a calendar that moves.
func TestSubscribe(t *testing.T) {
	for _, s := range renamingServers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := s.start(t)
			for _, on := range []bool{false, true} {
				c := newCrashClient(t, b, startGateway(t, b, map[string][]string{"subscribe": {fmt.Sprint(on)}}, false))
				mail := openMailStore(t, b, c.user, c.password)
				subscribed := func(want ...string) {
					t.Helper()
					var names []string
					for _, w := range want {
						if on {
							names = append(names, mail.name(w))
						}
					}
					got := mail.subscribed()
					slices.Sort(got)
					slices.Sort(names)
					if !slices.Equal(got, names) {
						t.Errorf("-subscribe %v: %q, want %q", on, got, names)
					}
				}
				c.must(t, request{"PUT", "/CalDAV/Calendar/a.ics", nil, crashEvent("made by a PUT")})
				c.must(t, request{"MKCALENDAR", "/CalDAV/~me/Work/", nil, ""})
				c.must(t, request{"MKCALENDAR", "/CalDAV/~me/Work/Sub/", nil, ""})
				subscribed("Calendar", "Calendar/Work", "Calendar/Work/Sub")
				c.must(t, request{"MOVE", "/CalDAV/~me/Work/", map[string]string{"Destination": "/CalDAV/~me/Job/"}, ""})
				subscribed("Calendar", "Calendar/Job", "Calendar/Job/Sub")
			}
		})
	}
}
