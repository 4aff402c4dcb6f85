package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
)

// tokens keeps the task tokens that a function was given, by execution.
type tokens struct{ m sync.Map }

func (k *tokens) take(_ context.Context, info engine.TaskInfo, _ json.RawMessage) (any, error) {
	k.m.Store(info.Execution, info.Token)
	return nil, nil
}

func (k *tokens) of(b *bench, id uuid.UUID) string {
	b.t.Helper()
	var token string
	b.until("the function was given a token", func() bool {
		v, ok := k.m.Load(id)
		token, _ = v.(string)
		return ok
	})
	return token
}

const ask = "function:ask.waitForTaskToken"

func TestCallbackParksAndWakes(t *testing.T) {
	b := newBench(t)
	var k tokens
	b.fn("ask", k.take)
	e, other := b.start(), b.start()
	b.deploy(e, "ask", task(ask, ""))
	// Wherever the answer arrives, the execution wakes there.
	for _, node := range []*engine.Engine{e, other} {
		x := b.begin(e, "ask", "{}")
		token := k.of(b, x.ID)
		b.parked(e, x.ID)
		if err := node.SendTaskSuccess(b.ctx(), token, []byte(`{"yes": 1e400}`)); err != nil {
			t.Fatal(err)
		}
		b.succeeded(b.wait(node, x.ID), `{"yes": 1e400}`)
		code(t, node.SendTaskSuccess(b.ctx(), token, []byte(`1`)), engine.CodeTaskTimedOut)
		code(t, e.SendTaskHeartbeat(b.ctx(), token), engine.CodeTaskTimedOut)
		// The call and its submission took two durable points, the answer a third.
		if page, err := e.History(b.ctx(), x.ID, 0, 0); err != nil || len(page.Rows) != 3 {
			t.Errorf("%d rows, %v", len(page.Rows), err)
		}
	}
}

func TestCallbackFailures(t *testing.T) {
	b := newBench(t)
	var k tokens
	b.fn("ask", k.take)
	e := b.start()
	b.deploy(e, "ask", task(ask, ""))
	x := b.begin(e, "ask", "{}")
	token := k.of(b, x.ID)
	code(t, e.SendTaskSuccess(b.ctx(), token, []byte(`{`)), engine.CodeInvalidOutput)
	code(t, e.SendTaskSuccess(b.ctx(), token, make([]byte, 300_000)), engine.CodeInvalidOutput)
	code(t, e.SendTaskSuccess(b.ctx(), token+"x", []byte(`1`)), engine.CodeInvalidToken)
	code(t, e.SendTaskFailure(b.ctx(), token, string(make([]byte, 257)), ""), engine.CodeValidation)
	if err := e.SendTaskFailure(b.ctx(), token, "Denied", "not today"); err != nil {
		t.Fatal(err)
	}
	if cause := b.failed(b.wait(e, x.ID), "Denied"); cause != "not today" {
		t.Errorf("the cause is %q", cause)
	}
}

// Of a thousand answers to one token, on two nodes, one wins, and everyone else is told so.
func TestOneAnswerWins(t *testing.T) {
	b := newBench(t)
	var k tokens
	b.fn("ask", k.take)
	nodes := []*engine.Engine{b.start(), b.start()}
	b.deploy(nodes[0], "ask", task(ask, ""))
	x := b.begin(nodes[0], "ask", "{}")
	token := k.of(b, x.ID)
	var won atomic.Int64
	var winner atomic.Value
	var wg sync.WaitGroup
	for i := range 1000 {
		wg.Go(func() {
			text, _ := json.Marshal(i)
			err := nodes[i%2].SendTaskSuccess(b.ctx(), token, text)
			if err == nil {
				won.Add(1)
				winner.Store(string(text))
				return
			}
			if !isCode(err, engine.CodeTaskTimedOut) && !isCode(err, engine.CodeTaskDoesNotExist) {
				t.Errorf("got %v", err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d answers won", won.Load())
	}
	b.succeeded(b.wait(nodes[1], x.ID), winner.Load().(string))
}

func isCode(err error, c engine.Code) bool {
	coded, ok := errors.AsType[*engine.Error](err)
	return ok && coded.Code == c
}

// A wait that is longer than ParkAfter leaves memory and comes back by itself, on whatever node.
func TestWaitParksAndWakes(t *testing.T) {
	b := newBench(t)
	e := b.start(func(c *engine.Config) { c.ParkAfter = -1 })
	b.deploy(e, "wait", `{"QueryLanguage": "CEL", "StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "Next": "X"},
		"X": {"Type": "Wait", "Seconds": 1, "End": true}}}`)
	x := b.begin(e, "wait", `"in"`)
	b.parked(e, x.ID)
	if s := e.Stats(); s.Live != 0 || s.Parked == 0 {
		t.Errorf("the stats are %+v", s)
	}
	done := b.wait(e, x.ID)
	b.succeeded(done, `"in"`)
	if took := done.EndedAt.Sub(done.StartedAt); took < 2*time.Second {
		t.Errorf("two waits of a second took %s", took)
	}
	if s := e.Stats(); s.Parked != 2 {
		t.Errorf("it was parked %d times", s.Parked)
	}
}

// A call that is refused brings an execution into memory for nothing; it does not stay there.
func TestRefusedCallDoesNotKeepItInMemory(t *testing.T) {
	b := newBench(t)
	var first, second tokens
	b.fn("ask", first.take)
	b.fn("ask2", second.take)
	e := b.start()
	b.deploy(e, "two", `{"QueryLanguage": "CEL", "StartAt": "A", "States": {
		"A": {"Type": "Task", "Resource": "function:ask.waitForTaskToken", "Next": "B"},
		"B": {"Type": "Task", "Resource": "function:ask2.waitForTaskToken", "End": true}}}`)
	x := b.begin(e, "two", "{}")
	used := first.of(b, x.ID)
	if err := e.SendTaskSuccess(b.ctx(), used, []byte("1")); err != nil {
		t.Fatal(err)
	}
	token := second.of(b, x.ID)
	b.parked(e, x.ID)
	for range 3 {
		err := e.SendTaskSuccess(b.ctx(), used, []byte("2"))
		if !isCode(err, engine.CodeTaskDoesNotExist) && !isCode(err, engine.CodeTaskTimedOut) {
			t.Fatalf("got %v", err)
		}
		b.parked(e, x.ID)
	}
	if err := e.SendTaskSuccess(b.ctx(), token, []byte("3")); err != nil {
		t.Fatal(err)
	}
	b.succeeded(b.wait(e, x.ID), "3")
}

func TestStop(t *testing.T) {
	b := newBench(t)
	var k tokens
	b.fn("ask", k.take)
	cancelled := make(chan struct{})
	running := make(chan struct{})
	b.fn("long", func(ctx context.Context, _ engine.TaskInfo, _ json.RawMessage) (any, error) {
		close(running)
		<-ctx.Done()
		close(cancelled)
		return nil, ctx.Err()
	})
	e := b.start()
	b.deploy(e, "ask", task(ask, ""))
	b.deploy(e, "long", task("function:long", ""))
	parked, live := b.begin(e, "ask", "{}"), b.begin(e, "long", "{}")
	b.parked(e, parked.ID)
	<-running
	for _, id := range []uuid.UUID{parked.ID, live.ID, parked.ID} {
		x, err := e.StopExecution(b.ctx(), id, "Enough", "by hand")
		if err != nil {
			t.Fatal(err)
		}
		if x.Status != engine.Aborted || failure(x) != "Enough: by hand" || x.EndedAt == nil {
			t.Errorf("it is %s: %s", x.Status, failure(x))
		}
	}
	<-cancelled
	_, err := e.StopExecution(b.ctx(), uuid.New(), "", "")
	code(t, err, engine.CodeExecutionDoesNotExist)
}

func TestRedrive(t *testing.T) {
	b := newBench(t)
	var first, second atomic.Int64
	b.fn("first", func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) { return first.Add(1), nil })
	b.fn("second", func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) {
		if second.Add(1) == 1 {
			panic("not yet")
		}
		return "now", nil
	})
	e, other := b.start(), b.start()
	b.deploy(e, "two", `{"QueryLanguage": "CEL", "StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "function:first", "Next": "B"},
		"B": {"Type": "Task", "Resource": "function:second", "End": true}}}`)
	x := b.run(e, "two", "{}")
	b.failed(x, "Function.Panicked")
	// Many redrive it at once, on two nodes: it is redriven once.
	var redriven atomic.Int64
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			_, err := []*engine.Engine{e, other}[i%2].RedriveExecution(b.ctx(), x.ID)
			switch {
			case err == nil:
				redriven.Add(1)
			case !isCode(err, engine.CodeExecutionNotRedrivable):
				t.Errorf("got %v", err)
			}
		})
	}
	wg.Wait()
	done := b.wait(e, x.ID)
	b.succeeded(done, `"now"`)
	if first.Load() != 1 || second.Load() != 2 || redriven.Load() != 1 || done.RedriveCount != 1 {
		t.Errorf("first ran %d times, second %d times; %d redrives, the count is %d", first.Load(), second.Load(), redriven.Load(), done.RedriveCount)
	}
	_, err := e.RedriveExecution(b.ctx(), x.ID)
	code(t, err, engine.CodeExecutionNotRedrivable)
	b.events(e, x.ID)
}
