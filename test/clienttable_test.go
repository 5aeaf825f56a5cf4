package test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// clientNeeds is what real calendar programs need of a server, and the scenarios and tests that send the requests as they do.
var clientNeeds = []struct {
	need  string
	shown []string
}{
	// What decides how it is built.
	{"the home is a plain container", []string{"client-thunderbird", "client-apple", "discovery"}},
	{"one calendar-home-set", []string{"client-python-caldav", "client-tsdav", "client-vdirsyncer"}},
	{"shares are in the home, with a last segment of their own", []string{"TestShares", "TestClientVdirsyncerShares"}},
	{"hrefs below the URL that was asked, in its spelling, with .ics", []string{"client-davx5", "client-tsdav", "multiget", "TestAliases", "TestHrefsAgree"}},
	{"401 for wrong credentials only", []string{"login", "TestCredentials", "TestMailServerAway"}},
	{"a 401 costs no IMAP", []string{"TestWithoutLogin"}},
	{"every error has a body", []string{"client-kde", "put-conditions"}},
	{"both slash forms, no redirect", []string{"report-no-trailing-slash", "client-vdirsyncer", "TestDiscovery"}},
	{"strong ETags, equal everywhere", []string{"client-davx5", "client-calcurse", "put-get-delete", "TestClientCurl"}},
	{"sync tokens", []string{"client-evolution", "client-thunderbird", "client-tsdav", "client-outlook", "sync", "sync-pages"}},
	{"read after write on every gateway", []string{"client-calcurse", "client-thunderbird", "client-kde"}},
	{"PUT and DELETE without conditions", []string{"client-evolution", "client-calcurse", "client-apple"}},
	{"no Schedule-Tag, and If-Schedule-Tag-Match without one", []string{"client-davx5"}},
	{"read-only is told and enforced", []string{"TestRights", "TestClientEvolutionShares", "TestClientVdirsyncerShares", "TestClientPythonCaldavShares"}},
	{"PROPPATCH of colour, order, zone, name, transparency, alarms", []string{"client-apple", "client-kde", "client-vdirsyncer", "TestClientVdirsyncer"}},
	{"VEVENT and VTODO; MKCALENDAR and extended MKCOL", []string{"client-apple", "client-davx5", "client-vdirsyncer", "client-outlook", "mkcalendar"}},
	{"calendar-query with Depth 0 or none", []string{"client-evolution", "query"}},
	{"publishing by the If header, and a PUT that must not store", []string{"feed-thunderbird", "client-thunderbird"}},
	{"everything on / speaks DAV", []string{"client-apple", "client-python-caldav", "client-webdav"}},
	{"Mozilla/5.0 is no browser", []string{"client-thunderbird", "client-kde", "client-python-caldav"}},
	{"Origin and Sec-Fetch-Site do no harm", []string{"client-thunderbird", "feed-thunderbird"}},
	{"bodies with gzip", []string{"client-apple"}},

	// Properties, reports, headers.
	{"/.well-known/caldav", []string{"client-apple", "client-thunderbird", "client-davx5", "client-tsdav"}},
	{"PROPFIND on /", []string{"client-python-caldav", "client-apple", "client-evolution"}},
	{"current-user-principal", []string{"client-apple", "client-thunderbird", "discovery"}},
	{"principal-URL", []string{"client-apple", "client-evolution", "discovery"}},
	{"calendar-home-set", []string{"client-vdirsyncer", "client-tsdav"}},
	{"resourcetype", []string{"client-vdirsyncer", "client-thunderbird"}},
	{"displayname", []string{"client-outlook", "client-davx5", "discovery"}},
	{"supported-calendar-component-set", []string{"client-davx5", "client-vdirsyncer", "discovery"}},
	{"supported-report-set", []string{"client-thunderbird", "client-outlook"}},
	{"getctag", []string{"client-thunderbird", "client-apple", "client-kde", "TestShares"}},
	{"sync-token", []string{"client-apple", "sync-pages"}},
	{"sync-collection", []string{"client-thunderbird", "client-evolution", "client-tsdav", "sync-pages"}},
	{"calendar-query with a range", []string{"client-davx5", "client-kde", "client-apple", "client-outlook", "report-open-ended-range"}},
	{"calendar-query with VCALENDAR alone", []string{"client-calcurse"}},
	{"prop-filter", []string{"client-python-caldav"}},
	{"expand", []string{"client-python-caldav", "client-tsdav", "TestClientDateutil"}},
	{"calendar-multiget", []string{"client-evolution", "client-outlook", "client-kde", "client-davx5", "client-calcurse", "multiget"}},
	{"PROPFIND Depth 1 of a calendar", []string{"client-vdirsyncer", "client-apple", "listing"}},
	{"getetag", []string{"client-calcurse", "client-davx5"}},
	{"ETag on PUT", []string{"client-outlook", "client-thunderbird", "put-get-delete"}},
	{"getcontenttype", []string{"client-vdirsyncer", "client-apple"}},
	{"getlastmodified, getcontentlength, creationdate", []string{"client-webdav"}},
	{"current-user-privilege-set", []string{"client-evolution", "client-kde", "client-outlook", "TestRights", "TestClientPythonCaldavShares"}},
	{"owner", []string{"client-davx5", "client-outlook", "client-thunderbird", "TestShares"}},
	{"calendar-color and its like", []string{"client-apple", "client-vdirsyncer", "TestPrivateProperties"}},
	{"some thirty properties at once, most of them unknown", []string{"client-apple", "report-apple-property-list"}},
	{"calendar-user-address-set", []string{"client-davx5", "client-outlook", "domain"}},
	{"schedule-inbox-URL, schedule-outbox-URL", []string{"client-apple"}},
	{"group-membership, calendar-proxy", []string{"client-davx5", "client-outlook"}},
	{"principal-collection-set and the REPORTs on principals", []string{"client-apple", "TestPrincipals", "TestExpandProperty"}},
	{"max-resource-size", []string{"client-davx5", "TestCalendarProperties"}},
	{"OPTIONS and its DAV header", []string{"client-thunderbird", "client-evolution", "client-davx5", "client-apple", "client-outlook", "TestOtherHome"}},
	{"OPTIONS needs the login", []string{"client-evolution", "TestLogin"}},
	{"no class 2 without LOCK", []string{"client-webdav", "TestClientCadaver"}},
	{"a constant realm", []string{"client-thunderbird", "client-apple", "login"}},
	{"Prefer and Brief", []string{"client-apple", "client-evolution", "prefer"}},
	{"Expect, and a PUT in chunks", []string{"client-outlook", "TestExpectContinue", "TestClientCurl"}},
	{"HTTP/2", []string{"TestServeTLS"}},
	{"answers with gzip", []string{"TestClientCurl", "client-davx5"}},
	{"If-Match, If-None-Match, If, If-Schedule-Tag-Match, Schedule-Reply", []string{"client-davx5", "client-evolution", "feed-thunderbird", "put-conditions"}},
	{"412 with a body", []string{"client-kde", "client-thunderbird"}},
	{"DELETE", []string{"client-thunderbird", "client-kde"}},
	{"PUT and no-uid-conflict", []string{"report-same-uid-other-name", "add-member"}},
	{"503 with Retry-After", []string{"TestMailServerAway"}},
	{"GET and HEAD of a feed", []string{"feed-subscribers"}},
	{"GET whatever Accept says", []string{"feed-subscribers", "client-thunderbird"}},
	{"PROPFIND of a feed", []string{"feed-thunderbird"}},
	{"PUT of a whole VCALENDAR", []string{"feed-ical", "feed-merge", "feed-thunderbird"}},

	// Beyond what they ask today.
	{"POST add-member", []string{"add-member"}},
	{"quota", []string{"TestQuotaProperties"}},
}

// TestClientNeeds: what is said to be shown is.
func TestClientNeeds(t *testing.T) {
	var have []string
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		have = append(have, strings.TrimSuffix(filepath.Base(name), ".txtar"))
	}
	test := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	for _, dir := range []string{".", "../gateway"} {
		names, err := filepath.Glob(dir + "/*_test.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range test.FindAllSubmatch(text, -1) {
				have = append(have, string(m[1]))
			}
		}
	}
	named := map[string]bool{}
	for _, n := range clientNeeds {
		if len(n.shown) == 0 {
			t.Errorf("%s: nothing shows it", n.need)
		}
		for _, s := range n.shown {
			named[s] = true
			if !slices.Contains(have, s) {
				t.Errorf("%s: %s is not there", n.need, s)
			}
		}
	}
	for _, name := range have {
		if strings.HasPrefix(name, "client-") && !named[name] {
			t.Errorf("the scenario %s shows nothing that is needed", name)
		}
	}
}
