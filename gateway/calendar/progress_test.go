package calendar_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"calgate/gateway/calendar"
	"calgate/test/backends"
)

// TestReplaceProgress: whoever looks at the log while a large calendar is published sees every five seconds how far it is,
// with one APPEND and with many.
func TestReplaceProgress(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *backends.Server{
		"one APPEND":   func(t testing.TB) *backends.Server { return backends.Dovecot(t, backends.Options{}) },
		"many APPENDs": backends.Memory,
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			began := time.Now()
			asked := 0
			g := newFleet(t, start(t), 1, calendar.Options{
				Logger: slog.New(slog.NewTextHandler(&log, nil)),
				Now: func() time.Time { // a second for each message, and some for each look
					asked++
					return began.Add(time.Duration(asked) * time.Second / 2)
				},
			})
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
		})
	}
}
