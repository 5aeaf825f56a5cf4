package gateway

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net/http"

	"calgate/gateway/davxml"
)

// frames is what an HTTP/2 connection writes. net/http refuses two things there before
// it asks a handler: a header section that is too large, and a field that HTTP/2 has not
// (RFC 9113 section 8.2.2). Both become XML on their way out, of the same length, so
// that no DATA frame and no flow control changes; the HEADERS frame in front gets
// another Content-Type. That leaves the peer's HPACK state as it is, as
// MaxEncoderHeaderTableSize 1 keeps every field out of its dynamic table (RFC 7541
// section 4.4): each block stands for itself. A frame says what it is and how long, so
// the body of a handler's answer is never taken for one, and no handler of ours answers
// 400 or 431 with the types that net/http has here.
type frames struct {
	logger *slog.Logger
	held   []byte             // a head or a HEADERS frame of which the rest is still to come
	left   int                // octets that are still to come of another frame's payload
	body   *unread            // from what they are taken instead; nil: they pass
	bodies map[uint32]*unread // of refused streams
}

// Of a frame (RFC 9113 sections 4.1, 6.1, 6.2, 6.4): the octets of its head, types, flags.
const (
	frameHead = 9

	frameData, frameHeaders, frameReset = 0, 1, 3

	endStream, endHeaders = 1, 4
)

// maxUntaken limits the refusals of which a peer does not take the body. net/http has
// at most 250 streams at once.
const maxUntaken = 1000

var errUntaken = errors.New("too many refused streams are left without their answer")

func newFrames(logger *slog.Logger) *frames {
	return &frames{logger: logger, bodies: map[uint32]*unread{}}
}

// write is not for two at a time. Of a write that failed nothing counts as written:
// then net/http closes the connection.
func (f *frames) write(w io.Writer, p []byte) (int, error) {
	out, err := f.rewrite(p)
	if err == nil && len(out) > 0 {
		_, err = w.Write(out)
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// rewrite returns what goes out in the place of p, which mostly is p.
func (f *frames) rewrite(p []byte) ([]byte, error) {
	if len(f.held) > 0 {
		p, f.held = append(f.held, p...), nil
	}
	var out []byte
	done := 0 // of p: what is in out
	for at := 0; at < len(p); {
		n := min(f.left, len(p)-at)
		f.left -= n
		var instead []byte
		switch {
		case n == 0:
			if n, instead = f.begin(p[at:]); n == 0 {
				f.held = bytes.Clone(p[at:])
				p = p[:at]
			}
		case f.body != nil:
			instead = f.body.next(n)
		}
		if instead != nil {
			out, done = append(append(out, p[done:at]...), instead...), at+n
		}
		at += n
	}
	if len(f.bodies) > maxUntaken {
		return nil, errUntaken
	}
	if done == 0 {
		return p, nil
	}
	return append(out, p[done:]...), nil
}

// begin reads the head of a frame, or all of it if it is HEADERS, and returns how long
// that is, and what is written instead unless it passes. 0: it is not whole.
func (f *frames) begin(p []byte) (n int, instead []byte) {
	if len(p) < frameHead {
		return 0, nil
	}
	head := p[:frameHead]
	length, kind, flags, stream := int(binary.BigEndian.Uint32(head)>>8), head[3], head[4], binary.BigEndian.Uint32(head[5:])
	if kind != frameHeaders {
		f.left, f.body = length, nil
		if kind == frameData {
			f.body = f.bodies[stream]
		}
		if kind == frameReset || kind == frameData && flags&endStream != 0 {
			delete(f.bodies, stream)
		}
		return frameHead, nil
	}
	n = frameHead + length
	if len(p) < n {
		return 0, nil
	}
	if flags&^endStream != endHeaders { // no refusal is so long, or padded
		return n, nil
	}
	block, body := f.refusal(p[frameHead:n])
	if body == nil {
		return n, nil
	}
	if flags&endStream == 0 {
		f.bodies[stream] = body
	}
	instead = binary.BigEndian.AppendUint32(nil, uint32(len(block))<<8|uint32(kind))
	return n, append(append(instead, head[4:]...), block...)
}

// refusals are those of net/http, in HPACK as it writes them: the status, then the
// Content-Type. A text must not make the body longer than the one that it replaces; the
// shortest of these, about "Upgrade", has 48 octets.
var refusals = []struct {
	status      string
	contentType string
	error       HTTPError
}{
	{"\x8c", "\x0f\x10\x92\x49\x7c\xa5\x8a\xe8\x19\xaa\xfb\x50\x93\x8e\xc4\x15\x30\x5a\x99\x56\x7b", // text/plain; charset=utf-8
		HTTPError{Code: http.StatusBadRequest, Public: "refused", Err: errors.New("a field that HTTP/2 has not")}},
	{"\x0e\x03431", "\x0f\x10\x92\x49\x7c\xa5\x89\xd3\x4d\x1f\x6a\x12\x71\xd8\x82\xa6\x0b\x53\x2a\xcf\x7f", // text/html; charset=utf-8
		HTTPError{Code: http.StatusRequestHeaderFieldsTooLarge, Public: "header too large"}},
}

// refusal returns the header block and the body in the place of a refusal's, else nil.
// Changes of the size of the dynamic table, 0 and 1 here, come before all fields.
func (f *frames) refusal(block []byte) ([]byte, *unread) {
	const xmlType = "\x0f\x10\x1eapplication/xml; charset=utf-8"
	fields := bytes.TrimLeft(block, "\x20\x21")
	for _, r := range refusals {
		rest, ok := bytes.CutPrefix(fields, []byte(r.status+r.contentType))
		if !ok {
			continue
		}
		text := `<error xmlns="` + davxml.ErrorSpace + `">` + r.error.Public + "</error>"
		logRefusal(f.logger, &r.error, len(text))
		sizes := block[:len(block)-len(fields)]
		return append(append(bytes.Clone(sizes), r.status+xmlType...), rest...), &unread{text}
	}
	return nil, nil
}

// unread is what is still to come of a text. Behind its end are empty lines.
type unread struct{ text string }

func (u *unread) next(n int) []byte {
	b := bytes.Repeat([]byte("\n"), n)
	u.text = u.text[copy(b, u.text):]
	return b
}
