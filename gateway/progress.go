package gateway

import (
	"io"
	"net/http"
	"time"
)

// watch puts a request under the rule that its body and its answer must move: every
// piece has a deadline, and between two pieces there is none, as over HTTP/2 a deadline
// that passes ends the request also while nobody waits for the peer. net/http must keep
// its own body in its own request: by that it knows whether to send "100 Continue".
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
	if !a.body.ended {
		a.extendRead()
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	defer a.endWrite()
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
	defer a.endWrite()
	a.control.Flush()
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// extendRead moves the deadline for the next piece of the body. A connection without
// deadlines, as tests have them, says so, and needs none.
func (a *answer) extendRead() { a.control.SetReadDeadline(time.Now().Add(a.progress)) }

// extendWrite moves the deadline for the next piece of the answer. Before the first
// one net/http waits for the rest of a body that nobody has read, and the answer must
// still get out when that took all of its time.
func (a *answer) extendWrite() {
	d := a.progress
	if !a.body.ended {
		d *= 2
	}
	a.control.SetWriteDeadline(time.Now().Add(d))
}

func (a *answer) endRead()  { a.control.SetReadDeadline(time.Time{}) }
func (a *answer) endWrite() { a.control.SetWriteDeadline(time.Time{}) }

// leave bounds what net/http does when the handler is done: it waits for the rest of a
// body and writes the rest of the answer.
func (a *answer) leave() {
	if !a.body.ended {
		a.extendRead()
	}
	a.extendWrite()
}

// incoming is a request body. After the last read no deadline may be left: from then on
// net/http itself reads the connection to see whether the client is still there, and
// would take a timeout for its leaving.
type incoming struct {
	io.ReadCloser
	answer *answer
	ended  bool
}

func (in *incoming) Read(p []byte) (int, error) {
	if in.ended {
		return in.ReadCloser.Read(p)
	}
	in.answer.extendRead()
	in.answer.extendWrite() // the first read writes "100 Continue"
	n, err := in.ReadCloser.Read(p)
	in.ended = err != nil
	if err == nil || err == io.EOF { // behind any other error net/http shall not wait for the rest
		in.answer.endRead()
		in.answer.endWrite()
	}
	return n, err
}
