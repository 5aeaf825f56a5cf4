package gateway

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"calgate/gateway/calendar"
	"calgate/imapstore"
)

// TestFeedLeavesOut: an object whose octets are broken is missing in the feed, counted before a short one and behind a long
// one, and logged.
func TestFeedLeavesOut(t *testing.T) {
	r := newRig(t, func(_ *Options, o *calendar.Options) { o.NoCache = true })
	r.want(201, "PUT", "/CalDAV/Calendar/bad.ics", event("bad", "B"))
	session := besides(r).Session()
	var broken []byte
	for m, err := range session.Messages(t.Context(), "Calendar", []uint32{1}) {
		if err != nil {
			t.Fatal(err)
		}
		broken = bytes.Replace(m.Octets, []byte("SUMMARY:"), []byte("SUMMARY;"), 1)
	}
	if err := session.Expunge(t.Context(), "Calendar", []uint32{1}); err != nil {
		t.Fatal(err)
	}
	if _, err := session.Append(t.Context(), "Calendar", imapstore.Outgoing{Octets: broken}, time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	for shown := range 2 {
		if shown == 1 {
			r.want(201, "PUT", "/CalDAV/Calendar/long.ics", event("long", strings.Repeat("x", heldFeed)))
		}
		a := r.want(200, "GET", "/CalendarData/Calendar.ics", "")
		skipped := []http.Header{a.Header, a.Trailer}[shown].Get(skippedHeader)
		if skipped != "1" || strings.Contains(a.body, "UID:bad") || strings.Count(a.body, "UID:") != shown {
			t.Errorf("%d octets, header %v, trailer %v", len(a.body), a.Header, a.Trailer)
		}
		if n := strings.Count(r.log.String(), fmt.Sprintf(`"left out of a feed" mailbox=Calendar uid=2 user=%s err=`, r.user)); n != shown+1 {
			t.Errorf("logged %d times after %d feeds: %s", n, shown+1, r.log.String())
		}
	}
}
