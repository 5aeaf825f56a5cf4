package test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"calgate/test/backends"
)

var (
	oneAvailable = regexp.MustCompile(`<D:quota-available-bytes>([0-9]+)<`)
	oneUsed      = regexp.MustCompile(`<D:quota-used-bytes>([0-9]+)<`)
)

// TestQuotaProperties: how full an account is, on its home and on its calendars (RFC 4331); nothing where there is no quota,
// on the calendars of others, and for who asks for everything.
func TestQuotaProperties(t *testing.T) {
	const limit = 200 << 10
	for name, start := range map[string]func(testing.TB) *backends.Server{
		"dovecot": func(t testing.TB) *backends.Server {
			return backends.Dovecot(t, backends.Options{Quota: "*:storage=200K", ACL: true})
		},
		"cyrus": func(t testing.TB) *backends.Server {
			return backends.Cyrus(t, backends.Options{Quota: "*:storage=200K"})
		},
		"courier": func(t testing.TB) *backends.Server {
			return backends.Courier(t, backends.Options{Quota: "*:storage=200K"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newShareRig(t, start)
			used := func(path string) (available, used int) {
				t.Helper()
				a := r.owner.ask(propfind(path, "D:quota-available-bytes", "D:quota-used-bytes"))
				available, err := strconv.Atoi(find(oneAvailable, a.body))
				if err != nil {
					t.Fatalf("%s: %d %s", path, a.status, a.body)
				}
				used, err = strconv.Atoi(find(oneUsed, a.body))
				if err != nil || available+used != limit {
					t.Errorf("%s: %d of %d are used: %s", path, used, limit, a.body)
				}
				return available, used
			}
			r.owner.must(t, request{"PUT", r.own + "large.ics", nil, strings.Replace(displaced("large"), "SUMMARY:", "SUMMARY:"+strings.Repeat("x", 40<<10), 1)})
			_, before := used("/CalDAV/~me/")
			if _, now := used(r.own); now < 40<<10 || now != before {
				t.Errorf("%d octets are used in the home, %d in the calendar", before, now)
			}
			r.owner.must(t, request{"DELETE", r.own + "a.ics", nil, ""})
			home := r.owner.ask(request{"PROPFIND", "/CalDAV/~me/", map[string]string{"Depth": "1"},
				`<D:propfind xmlns:D="DAV:"><D:prop><D:quota-used-bytes/></D:prop></D:propfind>`})
			if n := len(oneUsed.FindAllString(home.body, -1)); n < 2 {
				t.Errorf("the home tells %d quotas: %s", n, home.body)
			}
			if all := r.owner.ask(request{"PROPFIND", r.own, map[string]string{"Depth": "0"}, ""}); strings.Contains(all.body, "quota") {
				t.Errorf("allprop has %s", all.body)
			}
			setACL(t, r.b, r.owner, "Calendar", r.guest.user, "lr")
			if a := r.guest.ask(propfind(r.theirs, "D:quota-available-bytes", "D:quota-used-bytes")); a.status != 207 || !strings.Contains(a.body, "404") || find(oneUsed, a.body) != "" {
				t.Errorf("the guest sees %d %s", a.status, a.body)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		b := backends.Memory(t)
		c := newCrashClient(t, b, startGateway(t, b, nil, false))
		c.must(t, request{"PUT", "/CalDAV/Calendar/a.ics", nil, displaced("a")})
		for _, path := range []string{"/CalDAV/~me/", "/CalDAV/Calendar/"} {
			a := c.ask(propfind(path, "D:quota-available-bytes", "D:quota-used-bytes"))
			if a.status != 207 || !strings.Contains(a.body, "<D:quota-available-bytes/><D:quota-used-bytes/></D:prop><D:status>HTTP/1.1 404") {
				t.Errorf("%s: %d %s", path, a.status, a.body)
			}
		}
	})
}
