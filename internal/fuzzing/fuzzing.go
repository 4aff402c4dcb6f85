// Package fuzzing is for fuzz targets: it bounds what an input may take.
package fuzzing

import (
	"fmt"
	"runtime/metrics"
	"sync/atomic"
	"testing"
	"time"
)

// MaxMemory is how much memory a process may have while it tries an input, in bytes.
const MaxMemory = 256 << 20

// MaxTime is how long an input may take. It is far more than any needs, for machines that have other work too.
const MaxTime = 10 * time.Second

// often is how often memory is looked at while an input is tried.
const often = 20 * time.Millisecond

// Bound watches over the inputs of a fuzz target: the function that it gives is called at the begin of each with its
// text, and what that gives at its end. An input that takes too long or too much memory panics, so that the fuzzer keeps
// it. Outside of fuzzing, in the tests of seeds, it watches in the same way.
func Bound(f *testing.F) (begin func(input string) (end func())) {
	f.Helper()
	var current atomic.Pointer[string]
	var since atomic.Int64
	done := make(chan struct{})
	f.Cleanup(func() { close(done) })
	go func() {
		for tick := time.NewTicker(often); ; {
			select {
			case <-done:
				tick.Stop()
				return
			case <-tick.C:
			}
			input := current.Load()
			if input == nil {
				continue
			}
			if used := memory(); used > MaxMemory {
				panic(fmt.Sprintf("the process has %d MB of memory with the input %q", used>>20, *input))
			}
			if took := time.Since(time.Unix(0, since.Load())); took > MaxTime {
				panic(fmt.Sprintf("no end in sight after %s with the input %q", took, *input))
			}
		}
	}()
	return func(input string) func() {
		since.Store(time.Now().UnixNano())
		current.Store(&input)
		return func() { current.Store(nil) }
	}
}

// memory gives what the Go runtime has from the system and has not given back.
func memory() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
