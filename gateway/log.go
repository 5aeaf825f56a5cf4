package gateway

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// answer is the response on its way out. It counts for the access line, and gives
// the peer another span of time with every piece that moves.
type answer struct {
	http.ResponseWriter
	control  *http.ResponseController
	progress time.Duration

	status int   // 0 before the header is out
	bytes  int64 // of the body
}

func newAnswer(w http.ResponseWriter, progress time.Duration) *answer {
	return &answer{ResponseWriter: w, control: http.NewResponseController(w), progress: progress}
}

// piece is how many octets may leave under one deadline.
const piece = 64 << 10

func (a *answer) WriteHeader(status int) {
	a.status = status
	a.extendWrite()
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	done := 0
	for {
		a.extendWrite()
		n, err := a.ResponseWriter.Write(p[done:min(len(p), done+piece)])
		done += n
		a.bytes += int64(n)
		if err != nil || done >= len(p) {
			return done, err
		}
	}
}

// Flush sends what is written so far.
func (a *answer) Flush() {
	a.extendWrite()
	a.control.Flush()
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// extendWrite moves the deadline for the next piece. A writer without deadlines, as
// tests have them, says so, and needs none.
func (a *answer) extendWrite() { a.control.SetWriteDeadline(time.Now().Add(a.progress)) }

// incoming is a request body under the same rule. The deadline is set before a read
// and never after the last one: from then on net/http itself reads the connection to
// see whether the client is still there, and would take a timeout for its leaving.
type incoming struct {
	io.ReadCloser
	answer *answer
	ended  bool
}

func (in *incoming) Read(p []byte) (int, error) {
	if !in.ended {
		in.extend()
	}
	n, err := in.ReadCloser.Read(p)
	if err != nil {
		in.ended = true
	}
	return n, err
}

// extend moves both deadlines: the first read writes "100 Continue".
func (in *incoming) extend() {
	in.answer.control.SetReadDeadline(time.Now().Add(in.answer.progress))
	in.answer.extendWrite()
}

// leave bounds what net/http does with the rest of a body that nobody has read.
func (in *incoming) leave() {
	if !in.ended && in.ReadCloser != http.NoBody {
		in.extend()
	}
}

// log writes the access line. Its keys are fixed; nothing in it is a path, a header or
// a body, so that nothing secret can be.
func (q *request) log(start time.Time) {
	kind := "-"
	if q.place.kind != 0 {
		kind = q.place.kind.String()
	}
	var commands int
	var spent time.Duration
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
