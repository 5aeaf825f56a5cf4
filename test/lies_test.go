package test

import (
	"strings"
	"testing"

	"calgate/test/backends"
	"calgate/test/faulty"
)

const newFeed = "/CalendarDataDel/New.ics"

// A mail server that answers OK and does nothing never makes the gateway say that a write is done: it is to be tried again,
// and is done as soon as the mail server does what it says.
func TestServerThatLies(t *testing.T) {
	t.Parallel()
	b := backends.Memory(t)
	wire := faulty.New(t, b.Addr)
	gateway := startGatewayAt(t, wire.URL(), nil, false)
	feed := feedOf(map[string]string{"new": "new"})
	for _, tt := range []struct {
		command string
		request request
	}{
		{"APPEND", request{"PUT", crashObject, nil, crashEvent("new")}},
		{"APPEND", request{"DELETE", crashObject, nil, ""}},
		{"APPEND", request{"PUT", feedPath, nil, feed}},
		{"APPEND", request{"DELETE", feedPath, nil, ""}},
		{"APPEND", request{"PUT", newFeed, nil, feed}},
		{"APPEND", nameOld},
		{"APPEND", request{"MOVE", crashObject, map[string]string{"Destination": "/CalDAV/~me/Work/a.ics"}, ""}},
		{"CREATE", request{"MKCALENDAR", crashMade, nil, ""}},
		{"CREATE", request{"PUT", newFeed, nil, feed}},
		{"CREATE", request{"PUT", "/CalDAV/Tasks/a.ics", nil, strings.ReplaceAll(crashEvent("task"), "VEVENT", "VTODO")}},
		{"DELETE", request{"DELETE", "/CalDAV/~me/Work/", nil, ""}},
		{"RENAME", request{"MOVE", "/CalDAV/~me/Work/", map[string]string{"Destination": crashMade}, ""}},
	} {
		c := newCrashClient(t, b, gateway)
		c.must(t, putOld)
		c.must(t, request{"MKCALENDAR", "/CalDAV/~me/Work/", nil, ""})
		lie := faulty.Fault{At: faulty.Before, Command: "^" + tt.command, Refuse: "OK done"}
		lie.Do = func() { wire.Set(lie) } // at any other try too
		wire.Set(lie)
		fired := wire.Fired()
		a := c.ask(tt.request)
		wire.Clear()
		select {
		case <-fired:
		default:
			t.Errorf("%s %s: no %s was sent", tt.request.method, tt.request.path, tt.command)
		}
		if a.status != 503 {
			t.Errorf("%s %s, and %s does nothing: %d %s", tt.request.method, tt.request.path, tt.command, a.status, a.body)
		}
		c.must(t, tt.request)
	}
}

// Two publish a calendar that is not there yet, and neither wants to replace anything: of whom the mail server tells that the
// mailbox is there already is told so, and the other's publication stays.
func TestFirstPublishers(t *testing.T) {
	t.Parallel()
	b := backends.Memory(t)
	wire := faulty.New(t, b.Addr)
	slow := startGatewayAt(t, wire.URL(), nil, false)
	first := newCrashClient(t, b, startGateway(t, b, nil, false))
	for _, path := range []string{feedPath, newFeed} {
		second := &crashClient{first.user, first.password, slow}
		publish := func(uid string) request {
			return request{"PUT", path, map[string]string{"If-None-Match": "*"}, feedOf(map[string]string{uid: uid})}
		}
		wire.Set(faulty.Fault{At: faulty.Before, Command: "^CREATE", Refuse: "NO [ALREADYEXISTS] it is there", Do: func() { first.must(t, publish("one")) }})
		if a := second.ask(publish("two")); a.status != 412 {
			t.Errorf("PUT %s after another one: %d %s", path, a.status, a.body)
		}
		if a := first.ask(request{"GET", path, nil, ""}); !strings.Contains(a.body, "SUMMARY:one") || strings.Contains(a.body, "SUMMARY:two") {
			t.Errorf("%s holds %s", path, a.body)
		}
	}
}
