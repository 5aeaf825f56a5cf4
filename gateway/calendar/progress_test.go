package calendar_test

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"calgate/gateway/calendar"
	"calgate/test/backends"
	"calgate/test/faulty"
)

// TestReplaceProgress: whoever looks at the log while a large calendar is published sees every five seconds how far it is,
// with one APPEND and with many. Between many it looks again after half a minute.
func TestReplaceProgress(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *backends.Server{
		"one APPEND":   func(t testing.TB) *backends.Server { return backends.Dovecot(t, backends.Options{}) },
		"many APPENDs": backends.Memory,
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			began := time.Now()
			asked := 0
			s := start(t)
			wire := faulty.New(t, s.Addr)
			g := newFleet(t, s, 0, calendar.Options{})
			g.servers = append(g.servers, newServer(t, wire.URL(), calendar.Options{
				Logger: slog.New(slog.NewTextHandler(&log, nil)),
				Now: func() time.Time { // a second for each message, and some for each look
					asked++
					return began.Add(time.Duration(asked) * time.Second / 2)
				},
			}))
			v := g.open(t, 0)
			var events []string
			for i := range 40 {
				events = append(events, strings.Repeat("x", i+1)+"=a")
			}
			mustReplace(t, v, replaceAll(t, events...), 40, true)
			told := strings.Count(log.String(), "msg=publishing")
			if told < 3 || told > 8 || !strings.Contains(log.String(), "of=40") || !strings.Contains(log.String(), "mailbox=Calendar") {
				t.Errorf("it said %d times how far it is:\n%s", told, log.String())
			}
			commands := wire.Commands()
			first, last := -1, 0
			for i, c := range commands {
				if strings.HasPrefix(c, "APPEND ") {
					if last = i; first < 0 {
						first = i
					}
				}
			}
			between := slices.DeleteFunc(commands[first:last], func(c string) bool { return strings.HasPrefix(c, "APPEND ") })
			if (len(between) > 0) != (name == "many APPENDs") {
				t.Errorf("between APPENDs: %q", between)
			}
		})
	}
}
