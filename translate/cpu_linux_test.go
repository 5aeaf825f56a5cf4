package translate

import (
	"runtime"
	"syscall"
	"testing"
)

// loop runs a benchmark on one thread and reports beside the time by the clock what of
// it the thread had a processor for: the same on a busy machine.
func loop(b *testing.B, f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const thread = 1 // RUSAGE_THREAD
	spent := func() int64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(thread, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	b.ReportAllocs()
	f()
	n, begin := 0, spent()
	for b.Loop() {
		f()
		n++
	}
	b.ReportMetric(float64(spent()-begin)/float64(n), "cpu-ns/op")
}
