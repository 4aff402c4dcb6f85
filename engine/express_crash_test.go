package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/engine"
)

// A node dies with many executions under way: what it had answered for is run again elsewhere, from the start.
func TestExpressTakeover(t *testing.T) {
	b := newBench(t)
	var slow atomic.Bool
	slow.Store(true)
	b.fn("inc", func(ctx context.Context, info engine.TaskInfo, in json.RawMessage) (any, error) {
		if slow.Load() && info.State == "S1" {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return inc(ctx, info, in)
	})
	var keys sync.Map
	b.fn("key", func(_ context.Context, info engine.TaskInfo, _ json.RawMessage) (any, error) {
		n, _ := keys.LoadOrStore(info.IdempotencyKey, new(atomic.Int64))
		n.(*atomic.Int64).Add(1)
		return 0, nil
	})
	dying := b.start(shortLease)
	definition := strings.Replace(chain(3, "function:inc"), `"Resource": "function:inc", "Next": "S1"`, `"Resource": "function:key", "Next": "S1"`, 1)
	b.deployExpress(dying, "three", definition, engine.LogAll)
	const n = 100
	var ids []engine.Execution
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range n / 4 {
				x := b.begin(dying, "three", "0")
				mu.Lock()
				ids = append(ids, x)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	cut := make(chan error, 1)
	go func() {
		_, err := dying.StartSyncExecution(b.ctx(), engine.StartRequest{StateMachine: "three", Input: []byte("0")})
		cut <- err
	}()
	b.until("the synchronous one runs as well", func() bool { return dying.Stats().Live == n+1 })
	b.cluster.remove(dying)
	dying.Kill()
	if err := <-cut; !errors.Is(err, engine.ErrServiceUnavailable) {
		t.Errorf("the synchronous one: %v", err)
	}
	slow.Store(false)
	heir := b.start(shortLease)
	for _, x := range ids {
		b.succeeded(b.wait(heir, x.ID), "2")
		b.events(heir, x.ID)
	}
	calls, most := 0, int64(0)
	keys.Range(func(_, v any) bool {
		calls++
		most = max(most, v.(*atomic.Int64).Load())
		return true
	})
	// Each was begun twice, with keys of their own; the synchronous one once.
	if calls != 2*n+1 || most != 1 {
		t.Errorf("%d keys were seen, one of them %d times", calls, most)
	}
	list, err := heir.ListExecutions(b.ctx(), engine.Filter{Machine: "three"}, engine.Page{Limit: 2 * n})
	if err != nil || len(list) != n {
		t.Errorf("%d executions are there, %v", len(list), err)
	}
}

// A node that lost its lease without knowing ends an execution that runs elsewhere by now: in vain.
func TestExpressFence(t *testing.T) {
	b := newBench(t)
	gate, second := make(chan struct{}), make(chan struct{})
	var calls atomic.Int64
	b.fn("slow", func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) {
		if calls.Add(1) == 1 {
			<-gate
			return "from the old owner", nil
		}
		<-second
		return "from the new owner", nil
	})
	old := b.start(shortLease)
	b.deployExpress(old, "m", task("function:slow", ""), engine.LogAll)
	x := b.begin(old, "m", "{}")
	b.until("the function is called", func() bool { return calls.Load() == 1 })
	old.StopRenewing()
	b.start(shortLease)
	b.until("the heir runs it", func() bool { return calls.Load() == 2 })
	close(gate)
	b.until("the old owner has dropped it", func() bool { return !old.IsLive(x.ID) })
	if s := old.Stats(); s.Fenced != 1 {
		t.Errorf("%d writes of the old owner were refused", s.Fenced)
	}
	if y, err := old.DescribeExecution(b.ctx(), "", x.ID.String()); err != nil || y.Status != engine.Running {
		t.Errorf("it is %s, %v", y.Status, err)
	}
	if events := b.events(old, x.ID); len(events) != 0 {
		t.Errorf("the loser has written its history: %v", events)
	}
	close(second)
	b.succeeded(b.wait(old, x.ID), `"from the new owner"`)
	if events := b.events(old, x.ID); len(events) != 6 {
		t.Errorf("its history is %v", events)
	}
}

// A node that shuts down lets executions end for a while; those that do not are run again elsewhere, and callers of
// synchronous ones are told.
func TestExpressShutdown(t *testing.T) {
	b := newBench(t)
	var stay atomic.Bool
	stay.Store(true)
	b.fn("step", func(ctx context.Context, _ engine.TaskInfo, in json.RawMessage) (any, error) {
		if string(in) == `"long"` && stay.Load() {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		time.Sleep(5 * time.Millisecond)
		return in, nil
	})
	long := func(c *engine.Config) { c.Lease = time.Hour }
	leaving := b.start(long)
	b.deployExpress(leaving, "five", chain(5, "function:step"), "")
	shortOne, longOne := b.begin(leaving, "five", `"short"`), b.begin(leaving, "five", `"long"`)
	cut := make(chan error, 1)
	go func() {
		_, err := leaving.StartSyncExecution(b.ctx(), engine.StartRequest{StateMachine: "five", Input: []byte(`"long"`)})
		cut <- err
	}()
	b.until("the synchronous one runs as well", func() bool { return leaving.Stats().Started == 3 })
	b.cluster.remove(leaving)
	if err := leaving.Shutdown(b.ctx()); err != nil {
		t.Fatal(err)
	}
	if err := <-cut; !errors.Is(err, engine.ErrServiceUnavailable) {
		t.Errorf("the synchronous one: %v", err)
	}
	stay.Store(false)
	staying := b.start(long)
	x, err := staying.DescribeExecution(b.ctx(), "", shortOne.ID.String())
	if err != nil {
		t.Fatal(err)
	}
	b.succeeded(x, `"short"`)
	b.succeeded(b.wait(staying, longOne.ID), `"long"`)
}

// An internal error ends the execution, and the caller hears of it.
func TestExpressPanic(t *testing.T) {
	b := newBench(t)
	gate := make(chan struct{})
	b.fn("gate", func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) {
		<-gate
		return nil, nil
	})
	e := b.start()
	b.deployExpress(e, "gate", task("function:gate", ""), "")
	x := b.begin(e, "gate", "{}")
	if !e.Poison(x.ID) {
		t.Fatal("it is not in memory")
	}
	close(gate)
	if cause := b.failed(b.wait(e, x.ID), "States.Runtime"); !strings.Contains(cause, "internal error") {
		t.Errorf("the cause is %q", cause)
	}
	b.until("nothing is left in memory", func() bool { return e.Stats().Live == 0 })
}

// Nodes die at any moment while executions are started on them: every start that was answered comes to its end.
func TestExpressManyKills(t *testing.T) {
	if testing.Short() {
		t.Skip("it kills nodes for a while")
	}
	b := newBench(t)
	b.fn("inc", inc)
	nodes := []*engine.Engine{b.start(shortLease), b.start(shortLease)}
	b.deployExpress(nodes[0], "two", chain(2, "function:inc"), "")
	var mu sync.Mutex
	var answered []engine.Execution
	for range 5 {
		victim := nodes[0]
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for {
					x, _, err := victim.StartExecution(b.ctx(), engine.StartRequest{StateMachine: "two", Input: []byte("0")})
					if err != nil {
						return // the node is dead
					}
					mu.Lock()
					answered = append(answered, x)
					mu.Unlock()
				}
			})
		}
		mu.Lock()
		before := len(answered)
		mu.Unlock()
		b.until("some are under way", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(answered) > before+100
		})
		b.cluster.remove(victim)
		victim.Kill()
		wg.Wait()
		nodes = []*engine.Engine{nodes[1], b.start(shortLease)}
	}
	for _, x := range answered {
		b.succeeded(b.wait(nodes[0], x.ID), "2")
	}
	t.Logf("%d starts were answered, %d ended on the last two nodes", len(answered), nodes[0].Stats().Ended+nodes[1].Stats().Ended)
}
