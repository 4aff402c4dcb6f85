package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/invoke"
)

func TestFiveSteps(t *testing.T) {
	b := newBench(t)
	b.fn("inc", inc)
	e := b.start()
	b.deploy(e, "five", chain(5, "function:inc"))
	x := b.run(e, "five", "37")
	b.succeeded(x, "42")
	if x.EndedAt == nil || x.Owner != nil || x.ARN != "arn:aws:states:us-east-1:000000000000:execution:five:"+x.ID.String() {
		t.Errorf("the execution is %+v", x)
	}
	// The start shares its durable point with the first task, each result with the next task, the last with the end.
	page, err := e.History(b.ctx(), x.ID, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Rows) != 6 {
		t.Errorf("the history has %d rows, want 6", len(page.Rows))
	}
}

func TestTasksKnowTheirTask(t *testing.T) {
	b := newBench(t)
	var seen []engine.TaskInfo
	var mu sync.Mutex
	b.fn("look", func(ctx context.Context, info engine.TaskInfo, _ json.RawMessage) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, info)
		if _, ok := ctx.Deadline(); !ok {
			t.Error("the context has no deadline though the state has TimeoutSeconds")
		}
		if len(seen) < 2 {
			return nil, &invoke.TaskError{Name: "Again", Cause: "please"}
		}
		return "done", nil
	})
	e := b.start()
	b.deploy(e, "one", task("function:look", `, "TimeoutSeconds": 50, "Retry": [{"ErrorEquals": ["Again"], "IntervalSeconds": 1, "MaxAttempts": 1}]`))
	const starter = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	x, _, err := e.StartExecution(b.ctx(), engine.StartRequest{StateMachine: "one", Name: "first", TraceContext: starter})
	if err != nil {
		t.Fatal(err)
	}
	b.succeeded(b.wait(e, x.ID), `"done"`)
	for i, info := range seen {
		want := engine.TaskInfo{
			Execution: x.ID, ExecutionARN: x.ARN, ExecutionName: "first", Namespace: "default", StateMachine: "one", State: "T",
			Task: info.Task, Attempt: i, IdempotencyKey: fmt.Sprintf("%s/%d", x.ID, i+1), TraceContext: starter,
		}
		if info != want {
			t.Errorf("attempt %d got %+v, want %+v", i, info, want)
		}
	}
}

func TestFailuresOfFunctions(t *testing.T) {
	b := newBench(t)
	b.fn("panics", func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) { panic("at the disco") })
	b.fn("large", func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) {
		return strings.Repeat("x", 300_000), nil
	})
	b.fn("never", func(ctx context.Context, _ engine.TaskInfo, _ json.RawMessage) (any, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	e := b.start()
	put := func(name string, c engine.FunctionConfig) {
		t.Helper()
		if err := e.PutFunction(b.ctx(), "", name, c); err != nil {
			t.Fatal(err)
		}
	}
	put("refuses", engine.FunctionConfig{HTTP: &invoke.HTTPConfig{URL: "http://127.0.0.1:1/"}})
	put("command", engine.FunctionConfig{Command: &invoke.CommandConfig{Argv: []string{"true"}}})
	for resource, want := range map[string][2]string{
		"function:panics":  {"Function.Panicked", "at the disco"},
		"function:large":   {"States.DataLimitExceeded", "300002"},
		"function:never":   {"States.Timeout", ""},
		"function:refuses": {"Function.Unreachable", "refused"},
		"function:command": {"Command.NotAllowed", "not allowed on this node"},
		"function:unknown": {"Function.NotRegistered", "registered are command, large, never, panics, refuses"},
	} {
		t.Run(resource, func(t *testing.T) {
			name := strings.TrimPrefix(resource, "function:")
			b.deploy(e, name, task(resource, `, "TimeoutSeconds": 1`))
			if resource != "function:never" {
				b.deploy(e, name, task(resource, ""))
			}
			cause := b.failed(b.run(e, name, "{}"), want[0])
			if !strings.Contains(cause, want[1]) {
				t.Errorf("the cause is %q, want %q in it", cause, want[1])
			}
			b.deploy(e, name+"-caught", task(resource, `, "TimeoutSeconds": 1, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "C"}]},
				"C": {"Type": "Pass", "Output": "caught", "End": true`))
			b.succeeded(b.run(e, name+"-caught", "{}"), `"caught"`)
		})
	}
}

// A function that is registered after the execution began to ask for it is found at the next attempt.
func TestFunctionRegisteredLater(t *testing.T) {
	b := newBench(t)
	e, other := b.start(), b.start()
	b.deploy(e, "late", task("function:late", `, "Retry": [{"ErrorEquals": ["Function.NotRegistered"], "IntervalSeconds": 1, "MaxAttempts": 50, "BackoffRate": 1.0}]`))
	x := b.begin(e, "late", "{}")
	b.until("the first attempt has failed", func() bool { return len(b.events(e, x.ID)) > 3 })
	e.RegisterFunc("late", inc)
	if err := other.PutFunction(b.ctx(), "", "late", engine.FunctionConfig{Go: true}); err != nil {
		t.Fatal(err)
	}
	if err := e.SendTaskHeartbeat(b.ctx(), "x"); err == nil {
		t.Error("a made-up token is taken")
	}
	done := b.wait(e, x.ID)
	if done.Error != nil && *done.Error != "Function.Failed" { // {} is no number
		t.Errorf("it ended with %s", failure(done))
	}
}

// A Map of 10,000 items shares its durable points among many items.
func TestMapIsCheap(t *testing.T) {
	b := newBench(t)
	var calls atomic.Int64
	b.fn("item", func(_ context.Context, _ engine.TaskInfo, in json.RawMessage) (any, error) {
		calls.Add(1)
		return in, nil
	})
	e := b.start()
	b.deploy(e, "map", `{"QueryLanguage": "CEL", "StartAt": "M", "States": {"M": {"Type": "Map", "End": true, "ItemProcessor": {
		"StartAt": "I", "States": {"I": {"Type": "Task", "Resource": "function:item", "End": true}}}}}}`)
	items := make([]string, 10_000)
	for i := range items {
		items[i] = strconv.Itoa(i)
	}
	input := "[" + strings.Join(items, ",") + "]"
	began := time.Now()
	x := b.run(e, "map", input)
	b.succeeded(x, input)
	page, err := e.History(b.ctx(), x.ID, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d items in %s, %d history rows", len(items), time.Since(began), len(page.Rows))
	if calls.Load() != 10_000 {
		t.Errorf("%d calls", calls.Load())
	}
	if len(page.Rows) > 2_500 {
		t.Errorf("the history has %d rows for 10,000 items", len(page.Rows))
	}
}

// Concurrent executions share commits.
func TestGroupCommit(t *testing.T) {
	b := newBench(t)
	b.fn("inc", inc)
	e := b.start()
	b.deploy(e, "five", chain(5, "function:inc"))
	const n = 300
	var wg sync.WaitGroup
	began := time.Now()
	for range n {
		wg.Go(func() { b.run(e, "five", "1") })
	}
	wg.Wait()
	s := e.Stats()
	t.Logf("%d executions in %s: %d writes in %d commits", n, time.Since(began), s.Writes, s.Commits)
	if s.Writes != 6*n || s.Commits > s.Writes/2 || s.Started != n || s.Ended != n || s.Live != 0 {
		t.Errorf("the stats are %+v", s)
	}
}

func TestWatchTellsEverything(t *testing.T) {
	b := newBench(t)
	b.fn("inc", inc)
	e, other := b.start(), b.start()
	b.deploy(e, "five", chain(5, "function:inc"))
	x := b.begin(e, "five", "1")
	for _, node := range []*engine.Engine{e, other} {
		var next int64
		var last engine.Execution
		for u, err := range node.Watch(b.ctx(), x.ID, 0) {
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range u.Rows {
				if row.Seq != next {
					t.Fatalf("row %d came where %d was due", row.Seq, next)
				}
				next++
			}
			last = u.Execution
		}
		if next != 6 || last.Status != engine.Succeeded {
			t.Errorf("%d rows came, and the status %s in the end", next, last.Status)
		}
	}
}
