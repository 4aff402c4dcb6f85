package engine_test

import (
	"sync"
	"testing"

	"github.com/tercel-workflows/tercel/engine"
)

// BenchmarkSequence runs executions of five no-op tasks, 128 at a time. Each is started by a caller that waits for the
// answer, and awaited through the engine's own ends, without asking the database.
func BenchmarkSequence(b *testing.B) {
	bn := newBench(b)
	bn.fn("inc", inc)
	e := bn.start()
	bn.deploy(e, "five", chain(5, "function:inc"))
	ctx := b.Context()
	b.ResetTimer()
	before := e.Stats()
	work := make(chan struct{})
	var wg sync.WaitGroup
	for range 128 {
		wg.Go(func() {
			for range work {
				if _, _, err := e.StartExecution(ctx, engine.StartRequest{StateMachine: "five", Input: []byte("1")}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	wg.Wait()
	bn.until("all have ended", func() bool { return e.Stats().Ended-before.Ended == int64(b.N) })
	b.StopTimer()
	s := e.Stats()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "executions/s")
	b.ReportMetric(float64(s.Commits-before.Commits)/float64(b.N), "commits/execution")
	b.ReportMetric(float64(s.Writes-before.Writes)/float64(b.N), "rows/execution")
}

// BenchmarkLatency runs executions of five no-op tasks one at a time.
func BenchmarkLatency(b *testing.B) {
	bn := newBench(b)
	bn.fn("inc", inc)
	e := bn.start()
	bn.deploy(e, "five", chain(5, "function:inc"))
	for b.Loop() {
		bn.run(e, "five", "1")
	}
}
