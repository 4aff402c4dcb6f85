package engine_test

import (
	"context"
	"encoding/json"
	"errors"
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

func (b *bench) deployExpress(e *engine.Engine, name, definition string, level engine.LogLevel) {
	b.t.Helper()
	_, err := e.Deploy(b.ctx(), engine.DeployRequest{
		Name: name, Type: engine.TypeExpress, LogLevel: level, Definition: []byte(definition),
	})
	if err != nil {
		b.t.Fatalf("deploying %s: %v", name, err)
	}
}

func (b *bench) runSync(e *engine.Engine, machine, input string) engine.Execution {
	b.t.Helper()
	x, err := e.StartSyncExecution(b.ctx(), engine.StartRequest{StateMachine: machine, Input: []byte(input)})
	if err != nil {
		b.t.Fatalf("running %s: %v", machine, err)
	}
	return x
}

// recorded waits until an execution is written as ended, and gives what is kept of it.
func (b *bench) recorded(e *engine.Engine, x engine.Execution) (engine.Execution, []string) {
	b.t.Helper()
	var stored engine.Execution
	b.until("the end is written", func() bool {
		var err error
		stored, err = e.DescribeExecution(b.ctx(), "", x.ID.String())
		return err == nil && stored.Status != engine.Running
	})
	page, err := e.History(b.ctx(), x.ID, 0, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	if len(page.Rows) == 0 {
		return stored, nil
	}
	if len(page.Rows) != 1 || page.Rows[0].Seq != 0 {
		b.t.Fatalf("the history has the rows %+v", page.Rows)
	}
	viewer, err := e.Viewer(b.ctx(), stored)
	if err != nil {
		b.t.Fatal(err)
	}
	events, err := viewer.Add(page.Rows[0])
	if err != nil {
		b.t.Fatal(err)
	}
	var types []string
	for _, ev := range events {
		types = append(types, ev.Type)
	}
	return stored, types
}

func fails(context.Context, engine.TaskInfo, json.RawMessage) (any, error) {
	return nil, &invoke.TaskError{Name: "Broken", Cause: "on purpose"}
}

// What a synchronous execution is answered with, and what is kept of it.
func TestExpressSync(t *testing.T) {
	b := newBench(t)
	b.fn("inc", inc)
	b.fn("fails", fails)
	e := b.start()
	b.deployExpress(e, "three", chain(3, "function:inc"), engine.LogAll)
	x := b.runSync(e, "three", "1")
	b.succeeded(x, "4")
	if x.EndedAt == nil || x.EndedAt.Before(x.StartedAt) || !strings.HasSuffix(x.ARN, ":express:three:"+x.Name+":"+x.ID.String()) {
		t.Errorf("it ended at %v, started at %s, and is %s", x.EndedAt, x.StartedAt, x.ARN)
	}
	stored, events := b.recorded(e, x)
	b.succeeded(stored, "4")
	if len(events) != 2+3*5 || events[0] != "ExecutionStarted" || events[len(events)-1] != "ExecutionSucceeded" {
		t.Errorf("its history is %v", events)
	}
	if byARN, err := e.DescribeExecution(b.ctx(), "", x.ARN); err != nil || byARN.ID != x.ID || byARN.ARN != x.ARN {
		t.Errorf("by its ARN it is %s, %v", byARN.ARN, err)
	}

	b.deployExpress(e, "broken", task("function:fails", ""), "")
	x = b.runSync(e, "broken", "1")
	if cause := b.failed(x, "Broken"); cause != "on purpose" {
		t.Errorf("the cause is %q", cause)
	}
	stored, events = b.recorded(e, x)
	b.failed(stored, "Broken")
	if len(events) == 0 || events[len(events)-1] != "ExecutionFailed" {
		t.Errorf("its history is %v", events)
	}
}

// Which histories and which executions each log level keeps.
func TestExpressLogLevels(t *testing.T) {
	b := newBench(t)
	b.fn("inc", inc)
	b.fn("fails", fails)
	e := b.start()
	caught := `{"QueryLanguage": "CEL", "StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "function:fails", "End": true,
		"Catch": [{"ErrorEquals": ["Broken"], "Next": "C"}]}, "C": {"Type": "Pass", "End": true}}}`
	for _, level := range []engine.LogLevel{engine.LogAll, engine.LogError, engine.LogFatal, engine.LogOff} {
		for kind, definition := range map[string]string{
			"clean": task("function:inc", ""), "caught": caught, "failed": task("function:fails", ""),
		} {
			name := kind + "-" + string(level)
			b.deployExpress(e, name, definition, level)
			want := level == engine.LogAll || level == engine.LogError && kind != "clean" || level == engine.LogFatal && kind == "failed"
			if _, events := b.recorded(e, b.begin(e, name, "1")); (len(events) > 0) != want {
				t.Errorf("the history of %s is %v", name, events)
			}
			x := b.runSync(e, name, "1")
			if level != engine.LogOff {
				if _, events := b.recorded(e, x); (len(events) > 0) != want {
					t.Errorf("the history of %s, synchronous, is %v", name, events)
				}
				continue
			}
			if _, err := e.DescribeExecution(b.ctx(), "", x.ID.String()); !errors.Is(err, engine.ErrExecutionDoesNotExist) {
				t.Errorf("%s, synchronous, is kept: %v", name, err)
			}
		}
	}
	b.until("nothing is left in memory", func() bool { return e.Stats().Live == 0 })
}

// Waits, retries, branches and time limits work in memory.
func TestExpressTimers(t *testing.T) {
	b := newBench(t)
	var calls atomic.Int64
	b.fn("second", func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) {
		if calls.Add(1) == 1 {
			return fails(nil, engine.TaskInfo{}, nil) //nolint:staticcheck // it needs no context
		}
		return "fine", nil
	})
	cancelled := make(chan struct{})
	b.fn("hangs", func(ctx context.Context, _ engine.TaskInfo, _ json.RawMessage) (any, error) {
		<-ctx.Done()
		close(cancelled)
		return nil, ctx.Err()
	})
	e := b.start(func(c *engine.Config) { c.ParkAfter = -1 }) // a STANDARD one would park at once
	b.deployExpress(e, "wait", `{"QueryLanguage": "CEL", "StartAt": "P", "States": {"P": {"Type": "Parallel", "End": true, "Branches": [
		{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "Next": "D"}, "D": {"Type": "Pass", "Output": 1, "End": true}}},
		{"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "function:second", "End": true,
		  "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1}]}}}]}}}`, "")
	x := b.runSync(e, "wait", "{}")
	b.succeeded(x, `[1,"fine"]`)
	if took := x.EndedAt.Sub(x.StartedAt); took < time.Second {
		t.Errorf("it took %s", took)
	}
	b.deployExpress(e, "hang", `{"QueryLanguage": "CEL", "TimeoutSeconds": 1, "StartAt": "T", "States": {
		"T": {"Type": "Task", "Resource": "function:hangs", "End": true}}}`, "")
	x = b.runSync(e, "hang", "{}")
	if x.Status != engine.TimedOut || x.Error == nil || *x.Error != "States.Timeout" {
		t.Errorf("it ended as %s: %s", x.Status, failure(x))
	}
	select {
	case <-cancelled:
	case <-time.After(patience):
		t.Error("its function call was not cancelled")
	}
	// A machine that never waits leaves the processor to others, and can be stopped.
	b.deployExpress(e, "spin", `{"QueryLanguage": "CEL", "StartAt": "A", "States": {
		"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Choice", "Choices": [{"Condition": "{% states.input == 1 %}", "Next": "S"}], "Default": "A"},
		"S": {"Type": "Succeed"}}}`, engine.LogOff)
	x = b.begin(e, "spin", "{}")
	b.succeeded(b.runSync(e, "spin", "1"), "1")
	if x, err := e.StopExecution(b.ctx(), x.ID, "Enough", ""); err != nil || x.Status != engine.Aborted || *x.Error != "Enough" {
		t.Errorf("it was stopped as %s, %v", x.Status, err)
	}
}

// Names need not be unique, and each start is an execution of its own.
func TestExpressNames(t *testing.T) {
	b := newBench(t)
	b.fn("inc", inc)
	e := b.start()
	b.deployExpress(e, "inc", task("function:inc", ""), "")
	for i := range 3 {
		x, created, err := e.StartExecution(b.ctx(), engine.StartRequest{StateMachine: "inc", Name: "same", Input: fmt.Append(nil, i)})
		if err != nil || !created || x.Name != "same" {
			t.Fatalf("start %d: %s, %v, %v", i, x.Name, created, err)
		}
		b.succeeded(b.wait(e, x.ID), strconv.Itoa(i+1))
		if y, err := e.DescribeExecution(b.ctx(), "", x.ARN); err != nil || y.ID != x.ID {
			t.Errorf("%s is %s, %v", x.ARN, y.ID, err)
		}
	}
	list, err := e.ListExecutions(b.ctx(), engine.Filter{Machine: "inc", NamePrefix: "sa"}, engine.Page{})
	if err != nil || len(list) != 3 || list[0].Type != engine.TypeExpress || !strings.Contains(list[0].ARN, ":express:") {
		t.Errorf("%d are listed, %v: %+v", len(list), err, list)
	}
}

// What an Express machine and its executions refuse.
func TestExpressRefusals(t *testing.T) {
	b := newBench(t)
	b.fn("fails", fails)
	e := b.start()
	_, err := e.Deploy(b.ctx(), engine.DeployRequest{Name: "a", Type: engine.TypeExpress, Definition: []byte(task("function:x.waitForTaskToken", ""))})
	code(t, err, engine.CodeInvalidDefinition)
	if !strings.Contains(err.Error(), "NOT_SUPPORTED_BY_EXPRESS") {
		t.Error(err)
	}
	_, err = e.Deploy(b.ctx(), engine.DeployRequest{Name: "a", Type: engine.TypeExpress, LogLevel: "SOME", Definition: []byte(task("function:x", ""))})
	code(t, err, engine.CodeValidation)
	b.deploy(e, "standard", task("function:fails", ""))
	_, err = e.Deploy(b.ctx(), engine.DeployRequest{Name: "standard", Type: engine.TypeExpress, Definition: []byte(task("function:x", ""))})
	code(t, err, engine.CodeValidation)
	_, err = e.Deploy(b.ctx(), engine.DeployRequest{Name: "standard", LogLevel: engine.LogAll, Definition: []byte(task("function:x", ""))})
	code(t, err, engine.CodeValidation)
	_, err = e.StartSyncExecution(b.ctx(), engine.StartRequest{StateMachine: "standard"})
	code(t, err, engine.CodeTypeNotSupported)
	_, err = e.StartSyncExecution(b.ctx(), engine.StartRequest{StateMachine: "nobody"})
	code(t, err, engine.CodeStateMachineDoesNotExist)

	b.deployExpress(e, "express", task("function:fails", ""), engine.LogOff)
	// A deploy that says nothing of type and level keeps them.
	r, err := e.Deploy(b.ctx(), engine.DeployRequest{Name: "express", Definition: []byte(task("function:fails", `, "Comment": "2"`))})
	if err != nil || r.StateMachine.Type != engine.TypeExpress || r.StateMachine.LogLevel != engine.LogOff || r.StateMachine.Number != 2 {
		t.Errorf("the second revision is %+v, %v", r.StateMachine, err)
	}
	x := b.run(e, "express", "{}")
	b.failed(x, "Broken")
	_, err = e.RedriveExecution(b.ctx(), x.ID)
	code(t, err, engine.CodeExecutionNotRedrivable)
}

// Starts beyond the limit are stored and wait; synchronous ones wait for room.
func TestExpressLimits(t *testing.T) {
	b := newBench(t)
	gate := make(chan struct{})
	b.fn("gate", func(ctx context.Context, _ engine.TaskInfo, _ json.RawMessage) (any, error) {
		select {
		case <-gate:
		case <-ctx.Done():
		}
		return nil, nil
	})
	e := b.start(func(c *engine.Config) { c.MaxLive = 10 })
	b.deployExpress(e, "gate", task("function:gate", ""), "")
	var started []engine.Execution
	for range 50 {
		started = append(started, b.begin(e, "gate", "{}"))
	}
	if live := e.Stats().Live; live > 20 { // a claim that is under way may come on top
		t.Errorf("%d are in memory", live)
	}
	short, cancel := context.WithTimeout(b.ctx(), 50*time.Millisecond)
	defer cancel()
	_, err := e.StartSyncExecution(short, engine.StartRequest{StateMachine: "gate"})
	if !errors.Is(err, engine.ErrServiceUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without room: %v", err)
	}
	close(gate)
	b.succeeded(b.runSync(e, "gate", "{}"), "null")
	for _, x := range started {
		b.succeeded(b.wait(e, x.ID), "null")
	}
	b.until("nothing is left in memory", func() bool { return e.Stats().Live == 0 })
}

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
	sync := make(chan error, 1)
	go func() {
		_, err := dying.StartSyncExecution(b.ctx(), engine.StartRequest{StateMachine: "three", Input: []byte("0")})
		sync <- err
	}()
	b.until("the synchronous one runs as well", func() bool { return dying.Stats().Live == n+1 })
	b.cluster.remove(dying)
	dying.Kill()
	if err := <-sync; !errors.Is(err, engine.ErrServiceUnavailable) {
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
	sync := make(chan error, 1)
	go func() {
		_, err := leaving.StartSyncExecution(b.ctx(), engine.StartRequest{StateMachine: "five", Input: []byte(`"long"`)})
		sync <- err
	}()
	b.until("the synchronous one runs as well", func() bool { return leaving.Stats().Started == 3 })
	b.cluster.remove(leaving)
	if err := leaving.Shutdown(b.ctx()); err != nil {
		t.Fatal(err)
	}
	if err := <-sync; !errors.Is(err, engine.ErrServiceUnavailable) {
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
