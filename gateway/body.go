package gateway

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"

	"calgate/gateway/davxml"
)

// body is the request body after inflation, at most limit octets of it before and
// after. The reader's errors are *HTTPError.
func (q *request) body(limit int64, tooLarge *HTTPError) (io.Reader, error) {
	if q.r.ContentLength > limit {
		return nil, tooLarge // before the client sends it, where it waits for 100
	}
	var r io.Reader = &bounded{r: q.r.Body, left: limit, tooLarge: tooLarge}
	switch strings.ToLower(strings.TrimSpace(strings.Join(q.r.Header["Content-Encoding"], ","))) {
	case "", "identity":
	case "gzip", "x-gzip": // RFC 9110 section 8.4.1.3
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, bodyError(err)
		}
		r = &bounded{r: z, left: limit, tooLarge: tooLarge}
	default:
		// RFC 9110 section 12.5.3 lets a 415 say what would be taken.
		q.w.Header().Set("Accept-Encoding", "gzip")
		return nil, &HTTPError{Code: http.StatusUnsupportedMediaType, Public: "this Content-Encoding is not understood"}
	}
	return r, nil
}

// xmlBody is the body of a method that takes XML.
func (q *request) xmlBody() (io.Reader, error) {
	return q.body(davxml.MaxBody, &HTTPError{Code: http.StatusRequestEntityTooLarge, Public: "the XML is too large"})
}

// bounded ends with an error where a plain limit would end as if all were read.
type bounded struct {
	r        io.Reader
	left     int64
	tooLarge *HTTPError
}

func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, b.tooLarge
	}
	if err != nil && err != io.EOF {
		err = bodyError(err)
	}
	return n, err
}

// bodyError says why a body could not be read to its end.
func bodyError(err error) error {
	var h *HTTPError
	switch {
	case errors.As(err, &h):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &HTTPError{Code: http.StatusRequestTimeout, Public: "the request body came too slowly", Err: err}
	}
	return &HTTPError{Code: http.StatusBadRequest, Public: "the request body is broken", Err: err}
}
