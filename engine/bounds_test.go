package engine_test

import (
	"context"
	"encoding/json"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/store"
	"github.com/tercel-workflows/tercel/store/storetest"
)

// slowStore commits only when it is let, and shows each batch before.
type slowStore struct {
	*store.Store
	look func()
	let  chan struct{} // closed: commits go through
}

func (s *slowStore) Commit(ctx context.Context, batch []*engine.Write) error {
	s.look()
	select {
	case <-s.let:
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.Store.Commit(ctx, batch)
}

// A flood of starts, while the database takes no writes: the engine takes on as many as it may, and the others wait in
// line, costing it nothing but their place. Then all are started, never more than MaxLive of them in memory.
func TestFloodOfStartsIsBounded(t *testing.T) {
	const starts, maxStarts, maxLive, bytes = 1000, 8, 20, 1 << 20
	var e *engine.Engine
	var mostLive, mostBytes atomic.Int64
	s := &slowStore{Store: storetest.Open(t), let: make(chan struct{})}
	s.look = func() {
		stats := e.Stats()
		highest(&mostLive, int64(stats.Live))
		highest(&mostBytes, int64(stats.QueuedBytes))
	}
	b := newBenchOn(t, s)
	b.fn("inc", inc)
	e = b.start(func(c *engine.Config) { c.MaxStarts, c.MaxLive, c.MaxQueuedBytes = maxStarts, maxLive, bytes })
	b.deploy(e, "two", chain(2, "function:inc"))
	var wg sync.WaitGroup
	for range starts {
		wg.Go(func() { b.begin(e, "two", "0") })
	}
	b.until("all callers are there", func() bool {
		s := e.Stats()
		return s.Starting == maxStarts && s.WaitingStarts == starts-maxStarts
	})
	if s := e.Stats(); s.Live > maxStarts || s.QueuedWrites > maxStarts {
		t.Errorf("%d starts may be under way, but %d executions are in memory and %d writes wait", maxStarts, s.Live, s.QueuedWrites)
	}
	close(s.let)
	wg.Wait()
	b.until("all have ended", func() bool { return e.Stats().Ended == starts })
	if n := mostLive.Load(); n > maxLive {
		t.Errorf("%d executions were in memory, where there is room for %d", n, maxLive)
	}
	if s := e.Stats(); s.Starting != 0 || s.WaitingStarts != 0 || s.QueuedBytes != 0 || s.Live != 0 {
		t.Errorf("in the end the stats are %+v", s)
	}
}

func highest(most *atomic.Int64, n int64) {
	for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
	}
}

// Executions that write much, while the database takes nothing: what waits to be written stays within its bound, and no
// further functions are called.
func TestBacklogIsBounded(t *testing.T) {
	const executions, payload, bytes = 60, 100_000, 1 << 20
	s := &slowStore{Store: storetest.Open(t), let: make(chan struct{}), look: func() {}}
	b := newBenchOn(t, s)
	release := make(chan struct{})
	text := json.RawMessage(`"` + strings.Repeat("x", payload) + `"`)
	var calls atomic.Int64
	b.fn("large", func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) {
		calls.Add(1)
		<-release
		return text, nil
	})
	e := b.start(func(c *engine.Config) { c.MaxQueuedBytes, c.MaxInvocations, c.Writers = bytes, 2*executions, 1 })
	b.deploy(e, "large", chain(3, "function:large"))
	close(s.let)
	for range executions {
		b.begin(e, "large", "0")
	}
	b.until("all are called", func() bool { return calls.Load() == executions })
	s.let = make(chan struct{}) // every result is in its function's hands; no writer is at work
	close(release)
	b.until("the backlog is full", func() bool { return e.Stats().QueuedBytes >= bytes })
	// Each runner may have had one more point in hand when the bound was reached.
	if n := e.Stats().QueuedBytes; n > bytes+2*runtime.GOMAXPROCS(0)*payload {
		t.Errorf("%d bytes wait, where %d may", n, bytes)
	}
	close(s.let)
	b.until("all have ended", func() bool { return e.Stats().Ended == executions })
	if n := e.Stats().QueuedBytes; n != 0 {
		t.Errorf("in the end %d bytes wait", n)
	}
}

// A machine has thrown in far more starts than there is room for. The single start of another has its turn after a few of
// them, and so has an execution whose timer is due.
func TestStoredStartsHaveTheirTurns(t *testing.T) {
	const flood, room = 300, 10
	b := newBench(t)
	step := make(chan struct{})
	b.fn("slow", func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) {
		<-step
		return 1, nil
	})
	b.fn("quick", inc)
	e := b.start(func(c *engine.Config) { c.MaxLive, c.ParkAfter = room, -1 })
	b.deploy(e, "flood", task("function:slow", ""))
	b.deploy(e, "single", task("function:quick", ""))
	b.deploy(e, "timer", `{"QueryLanguage": "CEL", "StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "End": true}}}`)
	timer := b.begin(e, "timer", "1")
	b.parked(e, timer.ID)
	for range flood {
		b.begin(e, "flood", "1")
	}
	b.until("memory is full of the flood", func() bool { return e.Stats().Invocations == room })
	single := b.begin(e, "single", "1")
	if e.IsLive(single.ID) {
		t.Fatal("the single start did not wait")
	}
	b.until("the timer is due", func() bool {
		next, some, err := b.store.NextDue(b.ctx())
		return err == nil && some && next <= 0
	})
	var ended sync.WaitGroup
	ended.Go(func() { b.succeeded(b.wait(e, single.ID), "2") })
	ended.Go(func() { b.succeeded(b.wait(e, timer.ID), "1") })
	both := make(chan struct{})
	go func() {
		ended.Wait()
		close(both)
	}()
	served := 0
	for done := false; !done; {
		if served == 4*room { // by now both have had their turn; what remains is their own commits
			<-both
			break
		}
		select {
		case step <- struct{}{}:
			served++
		case <-both:
			done = true
		}
	}
	if s := e.Stats(); s.Ended > 4*room+2 {
		t.Errorf("%d executions have ended before the two that waited", s.Ended)
	}
	close(step)
	b.until("the flood has ended", func() bool { return e.Stats().Ended == flood+2 })
}

// Callers in line for a start leave it when they have waited long enough, or when the node ends.
func TestWaitingStartsGiveUp(t *testing.T) {
	s := &slowStore{Store: storetest.Open(t), let: make(chan struct{}), look: func() {}}
	b := newBenchOn(t, s)
	b.fn("inc", inc)
	e := b.start(func(c *engine.Config) { c.MaxStarts = 1 })
	b.deploy(e, "inc", task("function:inc", ""))
	first := make(chan engine.Execution, 1)
	go func() { first <- b.begin(e, "inc", "1") }()
	b.until("the first is under way", func() bool { return e.Stats().Starting == 1 })
	for range 200 {
		ctx, cancel := context.WithTimeout(b.ctx(), time.Millisecond)
		_, _, err := e.StartExecution(ctx, engine.StartRequest{StateMachine: "inc", Input: []byte("1")})
		cancel()
		code(t, err, engine.CodeServiceUnavailable)
	}
	if s := e.Stats(); s.WaitingStarts != 0 || s.Starting != 1 {
		t.Errorf("the stats are %+v", s)
	}
	close(s.let)
	b.succeeded(b.wait(e, (<-first).ID), "2")
	b.succeeded(b.run(e, "inc", "2"), "3")
}
