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

// logRefusal writes the access line of what was refused before there was a request.
func logRefusal(logger *slog.Logger, e *HTTPError, bytes int) {
	logger.LogAttrs(context.Background(), slog.LevelInfo, "request",
		slog.String("method", "-"), slog.String("kind", "-"), slog.Int("status", e.Code),
		slog.Duration("dur", 0), slog.Int64("bytes", int64(bytes)), slog.String("user", ""),
		slog.Int("imap_cmds", 0), slog.Duration("imap_dur", 0), slog.String("err", e.Error()))
}
