package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/engine"
)

func shortLease(c *engine.Config) { c.Lease = 600 * time.Millisecond }

// A node dies in the middle of many executions: the other one ends them, each once, and no result is applied twice.
func TestTakeover(t *testing.T) {
	b := newBench(t)
	b.fn("inc", func(ctx context.Context, info engine.TaskInfo, in json.RawMessage) (any, error) {
		time.Sleep(2 * time.Millisecond)
		return inc(ctx, info, in)
	})
	dying := b.start(shortLease)
	b.deploy(dying, "ten", chain(10, "function:inc"))
	const n = 200
	var ids []engine.Execution
	for range n {
		ids = append(ids, b.begin(dying, "ten", "0"))
	}
	b.until("something has been done", func() bool { return dying.Stats().Writes > 4*n })
	b.cluster.remove(dying)
	dying.Kill()
	left := int64(n) - dying.Stats().Ended
	heir := b.start(shortLease)
	for _, x := range ids {
		b.succeeded(b.wait(heir, x.ID), "10")
		b.events(heir, x.ID)
	}
	t.Logf("%d executions were taken over", left)
	// The last commit of the dying node may have ended some of which it did not learn.
	if ended := heir.Stats().Ended; left == 0 || ended == 0 || ended > left {
		t.Errorf("%d executions were left, the heir ended %d", left, ended)
	}
}

// A node that lost its lease and does not know it writes in vain: its runs are dropped, and calls that reach it go to
// the new owner.
func TestFence(t *testing.T) {
	b := newBench(t)
	gate := make(chan struct{})
	var k tokens
	var calls atomic.Int64
	b.fn("slow", func(_ context.Context, info engine.TaskInfo, in json.RawMessage) (any, error) {
		if calls.Add(1) == 1 {
			<-gate
			return "from the old owner", nil
		}
		return "from the new owner", nil
	})
	b.fn("ask", k.take)
	old := b.start(shortLease)
	b.deploy(old, "m", `{"QueryLanguage": "CEL", "StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "function:slow", "Next": "B"},
		"B": {"Type": "Task", "Resource": "function:ask.waitForTaskToken", "TimeoutSeconds": 9, "Output": "{% [states.input, states.result] %}", "End": true}}}`)
	x := b.begin(old, "m", "{}")
	b.until("the function is called", func() bool { return calls.Load() == 1 })
	old.StopRenewing()
	heir := b.start(shortLease)
	b.until("the heir has taken it over", func() bool { return heir.IsLive(x.ID) })
	token := k.of(b, x.ID)
	close(gate)
	b.until("the old owner has dropped it", func() bool { return !old.IsLive(x.ID) })
	if s := old.Stats(); s.Fenced != 1 {
		t.Errorf("%d writes of the old owner were refused", s.Fenced)
	}
	if err := old.SendTaskSuccess(b.ctx(), token, []byte(`"answer"`)); err != nil {
		t.Fatal(err)
	}
	b.succeeded(b.wait(old, x.ID), `["from the new owner","answer"]`)
	// The old node, told that it was taken for dead, joins anew and works on.
	before := old.Node().ID
	if err := old.RenewNow(); err != nil {
		t.Fatal(err)
	}
	if old.Node().ID == before {
		t.Error("the old node has kept its name")
	}
	b.deploy(old, "one", task("function:slow", ""))
	b.succeeded(b.run(old, "one", "1"), `"from the new owner"`)
}

// Two nodes; the one that shuts down hands its executions to the other, who goes on at once, however long the lease.
func TestShutdownHandsBack(t *testing.T) {
	b := newBench(t)
	var stop atomic.Bool
	b.fn("inc", func(ctx context.Context, info engine.TaskInfo, in json.RawMessage) (any, error) {
		if !stop.Load() {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(20 * time.Second):
			}
		}
		return inc(ctx, info, in)
	})
	long := func(c *engine.Config) { c.Lease = time.Hour }
	leaving, staying := b.start(long), b.start(long)
	b.deploy(leaving, "three", chain(3, "function:inc"))
	var ids []engine.Execution
	for range 50 {
		ids = append(ids, b.begin(leaving, "three", "0"))
	}
	stop.Store(true)
	b.cluster.remove(leaving)
	if err := leaving.Shutdown(b.ctx()); err != nil {
		t.Fatal(err)
	}
	for _, x := range ids {
		b.succeeded(b.wait(staying, x.ID), "3")
	}
	_, _, err := leaving.StartExecution(b.ctx(), engine.StartRequest{StateMachine: "three"})
	code(t, err, engine.CodeServiceUnavailable)
	nodes, err := staying.Nodes(b.ctx())
	if err != nil || len(nodes) != 1 || nodes[0].ID != staying.Node().ID {
		t.Errorf("the nodes are %+v, %v", nodes, err)
	}
}

// Nodes come and go without notice while executions run; every one ends once.
func TestManyKills(t *testing.T) {
	if testing.Short() {
		t.Skip("it kills nodes for a while")
	}
	b := newBench(t)
	b.fn("inc", inc)
	nodes := []*engine.Engine{b.start(shortLease), b.start(shortLease)}
	b.deploy(nodes[0], "five", chain(5, "function:inc"))
	const rounds, each = 6, 60
	var mu sync.Mutex
	var started []string
	for round := range rounds {
		var wg sync.WaitGroup
		for i := range each {
			wg.Go(func() {
				name := fmt.Sprintf("r%d-%d", round, i)
				ctx, cancel := context.WithTimeout(b.ctx(), 2*time.Second)
				defer cancel()
				// A start that a kill interrupts is tried again under its name, as callers do.
				_, _, err := nodes[i%2].StartExecution(ctx, engine.StartRequest{StateMachine: "five", Name: name, Input: []byte("0")})
				for err != nil {
					_, _, err = nodes[1].StartExecution(b.ctx(), engine.StartRequest{StateMachine: "five", Name: name, Input: []byte("0")})
				}
				mu.Lock()
				started = append(started, name)
				mu.Unlock()
			})
		}
		victim := nodes[0]
		b.cluster.remove(victim)
		victim.Kill()
		wg.Wait()
		nodes = []*engine.Engine{nodes[1], b.start(shortLease)}
	}
	if len(started) != rounds*each {
		t.Fatalf("%d started", len(started))
	}
	for _, name := range started {
		x, err := nodes[0].DescribeExecution(b.ctx(), "", "five/"+name)
		if err != nil {
			t.Fatal(err)
		}
		b.succeeded(b.wait(nodes[0], x.ID), "5")
		b.events(nodes[0], x.ID)
	}
}
