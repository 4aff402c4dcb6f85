package engine_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
)

// BenchmarkSequence runs executions of five no-op tasks, 128 at a time. Each is started by a caller that waits for the
// answer, and awaited through the engine's own ends, without asking the database.
func BenchmarkSequence(b *testing.B) { sequence(b) }

func sequence(b *testing.B, change ...func(*engine.Config)) {
	b.Helper()
	bn := newBench(b)
	bn.fn("inc", inc)
	e := bn.start(change...)
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

// BenchmarkPark starts executions that wait for their tokens, and completes them once all are parked.
func BenchmarkPark(b *testing.B) {
	bn := newBench(b)
	var k tokens
	bn.fn("ask", k.take)
	e := bn.start()
	bn.deploy(e, "ask", task(ask, ""))
	ids := make([]uuid.UUID, b.N)
	ctx := b.Context()
	inParallel := func(do func(i int)) time.Duration {
		began := time.Now()
		var next atomic.Int64
		var wg sync.WaitGroup
		for range 256 {
			wg.Go(func() {
				for i := int(next.Add(1)) - 1; i < b.N; i = int(next.Add(1)) - 1 {
					do(i)
				}
			})
		}
		wg.Wait()
		return time.Since(began)
	}
	b.ResetTimer()
	starts := inParallel(func(i int) {
		x, _, err := e.StartExecution(ctx, engine.StartRequest{StateMachine: "ask"})
		if err != nil {
			b.Error(err)
		}
		ids[i] = x.ID
	})
	bn.until("all are parked", func() bool { return e.Stats().Parked >= int64(b.N) && e.Stats().Live == 0 })
	completions := inParallel(func(i int) {
		token, _ := k.m.Load(ids[i])
		if err := e.SendTaskSuccess(ctx, token.(string), []byte("1")); err != nil {
			b.Error(err)
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/starts.Seconds(), "starts/s")
	b.ReportMetric(float64(b.N)/completions.Seconds(), "completions/s")
}
