package gateway

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

// head2 is the head of a frame.
func head2(length int, kind, flags byte, stream uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{byte(length >> 16), byte(length >> 8), byte(length), kind, flags}, stream)
}

// get2 is a GET of HTTP/2 as HEADERS and CONTINUATION frames, with fields "name: value" more.
func get2(stream uint32, fields ...string) (octets []byte) {
	block := []byte("\x82\x84\x87") // GET, /, https
	for _, f := range append(fields, ":authority: x") {
		name, value, _ := strings.Cut(f[1:], ": ")
		name = f[:1] + name
		length := []byte{byte(len(value))}
		if n := len(value); n >= 127 {
			for length, n = []byte{127}, n-127; n >= 128; n /= 128 {
				length = append(length, byte(n%128+128))
			}
			length = append(length, byte(n))
		}
		field := append(append(append([]byte{0, byte(len(name))}, name...), length...), value...)
		if name == ":authority" {
			block = append(block[:3:3], append(field, block[3:]...)...)
		} else {
			block = append(block, field...)
		}
	}
	const most = 16 << 10
	for kind, flags := byte(frameHeaders), byte(endStream); ; kind, flags = 9, 0 {
		if len(block) <= most {
			return append(append(octets, head2(len(block), kind, flags|endHeaders, stream)...), block...)
		}
		octets = append(append(octets, head2(most, kind, flags, stream)...), block[:most]...)
		block = block[most:]
	}
}

// What HTTP/2 refuses before it asks a handler becomes XML, of each stream for itself.
func TestRefusalsOfHTTP2(t *testing.T) {
	var log logBuffer
	address, config := serveTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "served")
	}), slog.New(slog.NewTextHandler(&log, nil)))
	conn := dialTLS(t, address, config, "h2")
	requests := []struct {
		field  string
		status string // in HPACK
		body   string
	}{
		{"a: b", "\x88", "served"},
		{"connection: close", "\x8c", "refused"},
		{"keep-alive: 1", "\x8c", "refused"},
		{"proxy-connection: close", "\x8c", "refused"},
		{"transfer-encoding: chunked", "\x8c", "refused"},
		{"upgrade: h", "\x8c", "refused"},
		{"te: gzip", "\x8c", "refused"},
		{"x-large: " + strings.Repeat("x", 64<<10+300), "\x0e\x03431", "header too large"},
		{"a: b", "\x88", "served"},
	}
	// A window of 5 octets a stream, so that bodies come in pieces, and then a larger one.
	io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+string(head2(6, 4, 0, 0))+"\x00\x04\x00\x00\x00\x05")
	for i, r := range requests {
		conn.Write(get2(uint32(2*i+1), r.field))
	}
	blocks, bodies, open := make([][]byte, len(requests)), make([]string, len(requests)), len(requests)
	in := bufio.NewReader(conn)
	for open > 0 {
		head := make([]byte, frameHead)
		if _, err := io.ReadFull(in, head); err != nil {
			t.Fatal(err)
		}
		payload := make([]byte, binary.BigEndian.Uint32(head)>>8)
		if _, err := io.ReadFull(in, payload); err != nil {
			t.Fatal(err)
		}
		stream := binary.BigEndian.Uint32(head[5:])
		switch head[3] {
		case frameHeaders:
			blocks[stream/2] = payload
		case frameData:
			bodies[stream/2] += string(payload)
			if head[4]&endStream != 0 {
				open--
			} else if len(bodies[stream/2]) == 5 {
				conn.Write(append(head2(4, 8, 0, stream), 0, 0, 1, 0))
			}
		case frameReset, 7:
			t.Fatalf("stream %d ends with frame %x %x", stream, head, payload)
		}
	}
	for i, r := range requests {
		status, ok := bytes.CutPrefix(bytes.TrimLeft(blocks[i], "\x20\x21"), []byte(r.status))
		if !ok {
			t.Errorf("%.30s: the header block is %q", r.field, blocks[i])
		}
		if r.status == "\x88" {
			if bodies[i] != r.body {
				t.Errorf("%.30s: body %q", r.field, bodies[i])
			}
			continue
		}
		if !bytes.HasPrefix(status, []byte("\x0f\x10\x1eapplication/xml; charset=utf-8")) {
			t.Errorf("%.30s: the header block is %q", r.field, blocks[i])
		}
		if want := `<error xmlns="urn:calgate:error">` + r.body + "</error>"; strings.TrimRight(bodies[i], "\n") != want {
			t.Errorf("%.30s: body %q", r.field, bodies[i])
		}
	}
	if n := strings.Count(log.String(), "msg=request method=- "); n != 7 {
		t.Errorf("%d access lines: %s", n, log.String())
	}

	// A library reads it, and what comes behind it on the same connection.
	transport := &http.Transport{TLSClientConfig: config, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP2(true)
	defer transport.CloseIdleConnections()
	for _, te := range []string{"trailers", "gzip", "trailers"} {
		req, _ := http.NewRequest("GET", "https://"+address, nil)
		req.Header.Set("Te", te)
		res, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || res.ProtoMajor != 2 {
			t.Fatal(res.Proto, err)
		}
		if te == "gzip" {
			answered{res, string(body)}.mustExplain(t, "te")
		} else if res.StatusCode != 200 || string(body) != "served" {
			t.Errorf("%s %q", res.Status, body)
		}
	}
}

// However the octets are cut into writes, the same go out.
func TestFramesInPieces(t *testing.T) {
	refused := refusals[0].status + refusals[0].contentType + "\x0f\x0d\x0248"
	in := bytes.Join([][]byte{
		head2(0, 4, 0, 0),
		head2(len(refused)+1, frameHeaders, endHeaders, 1), []byte("\x21" + refused),
		head2(2, frameHeaders, endHeaders, 3), []byte("\x8c\x21"),
		head2(28, frameData, 0, 1), bytes.Repeat([]byte("r"), 28),
		head2(5, frameData, endStream, 3), []byte("other"),
		head2(20, frameData, endStream, 1), bytes.Repeat([]byte("r"), 20),
		head2(4, 8, 0, 0), []byte("\x00\x00\x00\x01"),
		head2(4, frameData, endStream, 1), []byte("late"),
		head2(len(refused), frameHeaders, endHeaders|endStream, 5), []byte(refused), // of HEAD
		head2(len(refused), frameHeaders, endHeaders, 7), []byte(refused),
		head2(4, frameReset, 0, 7), []byte("\x00\x00\x00\x01"),
	}, nil)
	var whole []byte
	for size := len(in); size > 0; size-- {
		f := newFrames(slog.New(slog.DiscardHandler))
		var out bytes.Buffer
		for p := in; len(p) > 0; p = p[min(size, len(p)):] {
			piece := bytes.Clone(p[:min(size, len(p))])
			if n, err := f.write(&out, piece); n != len(piece) || err != nil || !bytes.Equal(piece, p[:len(piece)]) {
				t.Fatalf("%d of %d octets: %v", n, len(piece), err)
			}
		}
		if len(f.bodies) != 0 || len(f.held) != 0 {
			t.Fatalf("%d octets: left are %v, %q", size, f.bodies, f.held)
		}
		if whole == nil {
			whole = out.Bytes()
			if n := bytes.Count(whole, []byte("application/xml")); n != 3 || !bytes.Contains(whole, []byte("other")) ||
				!bytes.Contains(whole, []byte("late")) || bytes.Contains(whole, []byte("rrr")) || !bytes.Contains(whole, []byte(`ror">refused</error>`)) {
				t.Fatalf("%q", whole)
			}
		}
		if !bytes.Equal(out.Bytes(), whole) {
			t.Fatalf("in pieces of %d octets %q, as a whole %q", size, out.Bytes(), whole)
		}
	}
}

// A peer that takes no answer does not make the gateway remember it for ever.
func TestRefusalsThatNobodyTakes(t *testing.T) {
	f := newFrames(slog.New(slog.DiscardHandler))
	block := refusals[0].status + refusals[0].contentType
	for i := range uint32(2 * maxUntaken) {
		if _, err := f.write(io.Discard, append(head2(len(block), frameHeaders, endHeaders, 2*i+1), block...)); err != nil {
			return
		}
	}
	t.Errorf("%d are remembered", len(f.bodies))
}

// The rest of an answer passes as it is: what it costs is the reading of frame heads.
func BenchmarkFrames(b *testing.B) {
	const chunk = 4 << 10 // in which net/http writes
	block := "\x88"
	answer := append(head2(len(block), frameHeaders, endHeaders, 1), block...)
	for range 64 {
		answer = append(append(answer, head2(16<<10, frameData, 0, 1)...), bytes.Repeat([]byte("r"), 16<<10)...)
	}
	f := newFrames(slog.New(slog.DiscardHandler))
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		for p := answer; len(p) > 0; p = p[min(chunk, len(p)):] {
			f.write(io.Discard, p[:min(chunk, len(p))])
		}
	}
}
