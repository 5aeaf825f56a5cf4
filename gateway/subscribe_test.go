package gateway

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// What is read is what came, whether its size was said rightly, not at all, or of the deflated form, and a body that broke off
// is none.
func TestReadAll(t *testing.T) {
	for _, n := range []int{0, 1, 1000, 1 << 20, 1<<20 + 1, 3<<20 + 5} {
		body := bytes.Repeat([]byte("0123456789abcdef\n"), n/17+1)[:n]
		for _, size := range []int64{int64(n), -1, int64(n / 3)} {
			got, err := readAll(iotest.HalfReader(bytes.NewReader(body)), size)
			if err != nil || !bytes.Equal(got, body) || cap(got) > n+1<<20 {
				t.Errorf("%d octets, said %d: %d octets, capacity %d, %v", n, size, len(got), cap(got), err)
			}
			broken := &HTTPError{Code: 400}
			_, err = readAll(io.MultiReader(bytes.NewReader(body), iotest.ErrReader(broken)), size)
			if !errors.Is(err, broken) {
				t.Errorf("%d octets, said %d, broken: %v", n, size, err)
			}
		}
	}
}
