package gateway

import (
	"context"
	"log/slog"
	"time"

	"calgate/gateway/calendar"
)

// log writes the access line. Its keys are fixed; nothing in it is a path, a header or
// a body, so that nothing secret can be.
func (q *request) log(start time.Time) {
	kind := "-"
	if q.place.kind != 0 {
		kind = q.place.kind.String()
	}
	commands, spent := calendar.LoginStats(q.err)
	if q.account != nil {
		commands, spent = q.account.Stats()
	}
	level := slog.LevelInfo
	if q.w.status >= 500 {
		level = slog.LevelError
	}
	attrs := []slog.Attr{
		slog.String("method", q.r.Method[:min(len(q.r.Method), 20)]), slog.String("kind", kind), slog.Int("status", q.w.status),
		slog.Duration("dur", time.Since(start)), slog.Int64("bytes", q.w.bytes), slog.String("user", q.login.account),
		slog.Int("imap_cmds", commands), slog.Duration("imap_dur", spent),
	}
	if q.err != nil {
		attrs = append(attrs, slog.String("err", q.err.Error()))
	}
	q.h.Logger.LogAttrs(context.WithoutCancel(q.r.Context()), level, "request", attrs...)
}
