package bench

import (
	"context"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tercel-workflows/tercel/engine"
)

// flood is executions of one task that does nothing, all of them started at one moment by as many callers in this process,
// on an engine with the limits that it has by default. RSS is the most that the process ever took, the callers included.
func flood(ctx context.Context, b *bench, n int) ([]Result, error) {
	if err := b.deploy(ctx, "flood", expressDefinition); err != nil {
		return nil, err
	}
	runtime.GC()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the peak from here on, where the system has it
	var ended atomic.Int64
	before := b.engine.Stats().Ended
	r, err := b.measured(ctx, n, func() (timings, error) {
		began := time.Now()
		t, err := loop(n, n, func(int) error {
			_, _, err := b.engine.StartExecution(ctx, engine.StartRequest{StateMachine: "flood", Input: []byte(input)})
			return err
		})
		for err == nil && ended.Load() < int64(n) && ctx.Err() == nil { // those that had to wait for room
			time.Sleep(time.Millisecond)
			ended.Store(b.engine.Stats().Ended - before)
		}
		t.took = time.Since(began)
		return t, err
	})
	if err != nil {
		return nil, err
	}
	r.Workload, r.Unit, r.RSS = "flood", "executions", peakRSS()
	return []Result{b.complete(ctx, r)}, b.checkEnded(ctx, n)
}

// peakRSS gives the most resident memory that this process has had, in megabytes.
func peakRSS() float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return rss()
	}
	for line := range strings.Lines(string(text)) {
		if kilobytes, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(kilobytes), " kB"), 64)
			return n * 1024 / 1e6
		}
	}
	return rss()
}
