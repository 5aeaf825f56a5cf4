package gateway

import (
	"io"
	"net/http"
	"time"
)

// watch puts a request under the rule that its body and its answer must move: every
// piece of them has a deadline, which is lifted when that is done. Over HTTP/2 one that
// passes ends the request also while nobody waits for the peer. net/http must keep its
// own body in its own request: by that it knows whether to send "100 Continue".
func watch(w http.ResponseWriter, r *http.Request, progress time.Duration) (*answer, *http.Request) {
	a := &answer{ResponseWriter: w, control: http.NewResponseController(w), progress: progress}
	a.body = incoming{ReadCloser: r.Body, answer: a, ended: r.Body == http.NoBody}
	r = r.WithContext(r.Context())
	r.Body = &a.body
	return a, r
}

// answer is the response on its way out. It counts for the access line.
type answer struct {
	http.ResponseWriter
	control  *http.ResponseController
	progress time.Duration
	body     incoming

	status int   // 0 before the header is out
	bytes  int64 // of the body
}

// piece is how many octets may leave under one deadline.
const piece = 64 << 10

func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	defer a.lift()
	done := 0
	for {
		a.limit()
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
	defer a.lift()
	a.limit()
	a.control.Flush()
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// limit sets the deadlines of the next piece. Before the first one of an answer
// net/http waits for the rest of a body that nobody has read, and the answer must still
// get out when that took all of its time. When the handler is done it writes what is
// left, and may wait for the body then. A connection without deadlines, as tests have
// them, says so, and needs none.
func (a *answer) limit() {
	d := a.progress
	if !a.body.ended {
		a.control.SetReadDeadline(time.Now().Add(d))
		d *= 2
	}
	a.control.SetWriteDeadline(time.Now().Add(d))
}

// never is when a deadline is that is none. HTTP/2 keeps a timer for each deadline of a
// stream, and forgets to stop one that is begun while the stream ends: it would be held
// until it passes, and then reset what has ended long ago. A timer that runs from the
// start, as Server has them by its time-outs, and that is never taken away, is stopped
// for good when the stream ends.
const never = 365 * 24 * time.Hour

// lift ends what limit began.
func (a *answer) lift() {
	if !a.body.ended {
		a.control.SetReadDeadline(time.Now().Add(never))
	}
	a.control.SetWriteDeadline(time.Now().Add(never))
}

// incoming is a request body. After its end net/http itself reads the connection to see
// whether the client is still there, and would take a timeout for its leaving.
type incoming struct {
	io.ReadCloser
	answer *answer
	ended  bool
}

func (in *incoming) Read(p []byte) (int, error) {
	if in.ended {
		return in.ReadCloser.Read(p)
	}
	in.answer.limit() // also of writing: the first read writes "100 Continue"
	n, err := in.ReadCloser.Read(p)
	if err == nil || err == io.EOF { // behind any other error net/http shall not wait for the rest
		in.answer.lift()
	}
	in.ended = err != nil
	return n, err
}
