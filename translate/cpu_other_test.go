//go:build !linux

package translate

import "testing"

// loop runs a benchmark. Only Linux tells the processor time of a thread.
func loop(b *testing.B, f func()) {
	b.ReportAllocs()
	f()
	for b.Loop() {
		f()
	}
}
