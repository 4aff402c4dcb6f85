package benchmarks

import (
	"syscall"
	"testing"
)

// processor is called before the loop of a benchmark, and what it gives behind it: it reports the processor time of an
// operation, which compares even where other programs disturb the clock.
func processor(b *testing.B) (done func()) {
	b.Helper()
	before := used(b)
	return func() { b.ReportMetric(float64(used(b)-before)/float64(b.N), "cpu-ns/op") }
}

// used gives the processor time that the process has taken, in nanoseconds.
func used(b *testing.B) int64 {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}
