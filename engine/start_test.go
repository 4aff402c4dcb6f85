package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/store"
	"github.com/tercel-workflows/tercel/store/storetest"
)

// Two hundred starts of one name, on two nodes: one execution, and everyone is given it.
func TestConcurrentStartsOfOneName(t *testing.T) {
	b := newBench(t)
	var calls atomic.Int64
	b.fn("count", func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) { return calls.Add(1), nil })
	nodes := []*engine.Engine{b.start(), b.start()}
	b.deploy(nodes[0], "count", task("function:count", ""))
	var created atomic.Int64
	var ids sync.Map
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			// The same input but for white space.
			input := []byte(`{"a": [1]}` + strings.Repeat(" ", i%3))
			x, isNew, err := nodes[i%2].StartExecution(b.ctx(), engine.StartRequest{StateMachine: "count", Name: "the-one", Input: input})
			if err != nil {
				t.Error(err)
				return
			}
			ids.Store(x.ID, true)
			if isNew {
				created.Add(1)
			}
		})
	}
	wg.Wait()
	n := 0
	var id uuid.UUID
	ids.Range(func(k, _ any) bool {
		n++
		id = k.(uuid.UUID)
		return true
	})
	if n != 1 || created.Load() != 1 {
		t.Fatalf("%d executions, %d of them new", n, created.Load())
	}
	b.succeeded(b.wait(nodes[0], id), "1")
	if calls.Load() != 1 {
		t.Errorf("its function was called %d times", calls.Load())
	}
	_, _, err := nodes[1].StartExecution(b.ctx(), engine.StartRequest{StateMachine: "count", Name: "the-one", Input: []byte(`{"a": [2]}`)})
	code(t, err, engine.CodeExecutionAlreadyExists)
}

func TestBadStarts(t *testing.T) {
	b := newBench(t)
	e := b.start()
	b.deploy(e, "one", task("function:x", ""))
	for _, c := range []struct {
		r    engine.StartRequest
		want engine.Code
	}{
		{engine.StartRequest{StateMachine: "nobody"}, engine.CodeStateMachineDoesNotExist},
		{engine.StartRequest{StateMachine: ""}, engine.CodeInvalidName},
		{engine.StartRequest{StateMachine: "arn:aws:s3:::x"}, engine.CodeInvalidArn},
		{engine.StartRequest{StateMachine: "one", Namespace: "elsewhere"}, engine.CodeStateMachineDoesNotExist},
		{engine.StartRequest{StateMachine: "one", Name: "a b"}, engine.CodeInvalidName},
		{engine.StartRequest{StateMachine: "one", Input: []byte(`{"a":`)}, engine.CodeInvalidExecutionInput},
		{engine.StartRequest{StateMachine: "one", Input: make([]byte, 262_145)}, engine.CodeInvalidExecutionInput},
		{engine.StartRequest{StateMachine: "one", Input: []byte(strings.Repeat("[", 600) + strings.Repeat("]", 600))}, engine.CodeInvalidExecutionInput},
	} {
		_, _, err := e.StartExecution(b.ctx(), c.r)
		code(t, err, c.want)
	}
}

func TestBadDeploys(t *testing.T) {
	b := newBench(t)
	e := b.start()
	for _, definition := range []string{"", "{", `{"StartAt": "A", "States": {}}`, strings.Repeat(" ", engine.MaxDefinition+1)} {
		_, err := e.Deploy(b.ctx(), engine.DeployRequest{Name: "bad", Definition: []byte(definition)})
		code(t, err, engine.CodeInvalidDefinition)
		if list := e.Validate("", []byte(definition)); !list.HasErrors() {
			t.Errorf("%.20q is valid", definition)
		}
	}
	_, err := e.Deploy(b.ctx(), engine.DeployRequest{Name: "a/b", Definition: []byte(task("function:x", ""))})
	code(t, err, engine.CodeInvalidName)
	_, err = e.Deploy(b.ctx(), engine.DeployRequest{Name: "a", Type: "FAST", Definition: []byte(task("function:x", ""))})
	code(t, err, engine.CodeValidation)
	r, err := e.Deploy(b.ctx(), engine.DeployRequest{Name: "a", Definition: []byte(task("function:x", "")), DryRun: true})
	if err != nil || len(r.Warnings) != 1 || r.Warnings[0].Code != "UNKNOWN_FUNCTION" {
		t.Errorf("got %+v, %v", r, err)
	}
	_, err = e.StateMachine(b.ctx(), "", "a")
	code(t, err, engine.CodeStateMachineDoesNotExist)
	code(t, e.PutFunction(b.ctx(), "", "f", engine.FunctionConfig{}), engine.CodeValidation)
	code(t, e.PutFunction(b.ctx(), "", "f g", engine.FunctionConfig{Go: true}), engine.CodeInvalidName)
	code(t, e.DeleteFunction(b.ctx(), "", "f"), engine.CodeResourceNotFound)
	code(t, e.DeleteStateMachine(b.ctx(), "", "f"), engine.CodeStateMachineDoesNotExist)
}

// A new definition is used by the next start, here at once and on other nodes soon; what runs keeps its own.
func TestRevisions(t *testing.T) {
	b := newBench(t)
	e, other := b.start(), b.start()
	pass := func(out string) string {
		return `{"QueryLanguage": "CEL", "StartAt": "P", "States": {"P": {"Type": "Pass", "Output": "` + out + `", "End": true}}}`
	}
	b.deploy(e, "p", pass("one"))
	b.succeeded(b.run(other, "p", "{}"), `"one"`)
	b.deploy(e, "p", pass("two"))
	b.succeeded(b.run(e, "p", "{}"), `"two"`)
	b.until("the other node knows the new definition", func() bool {
		return b.run(other, "p", "{}").Output.String() == `"two"`
	})
}

func TestStartInATransaction(t *testing.T) {
	pool := storetest.Pool(t, storetest.Postgres(t))
	b := newBenchOn(t, store.New(pool))
	b.fn("inc", inc)
	e := b.start()
	b.deploy(e, "inc", task("function:inc", ""))
	for _, commits := range []bool{true, false} {
		tx, err := pool.Begin(b.ctx())
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("commits-%t", commits)
		x, created, err := e.StartExecutionTx(b.ctx(), tx, engine.StartRequest{StateMachine: "inc", Name: name, Input: []byte("1")})
		if err != nil || !created {
			t.Fatalf("created: %t, %v", created, err)
		}
		_, err = e.DescribeExecution(b.ctx(), "", x.ID.String())
		code(t, err, engine.CodeExecutionDoesNotExist)
		if !commits {
			if err := tx.Rollback(b.ctx()); err != nil {
				t.Fatal(err)
			}
			_, err = e.DescribeExecution(b.ctx(), "", x.ARN)
			code(t, err, engine.CodeExecutionDoesNotExist)
			continue
		}
		if err := tx.Commit(b.ctx()); err != nil {
			t.Fatal(err)
		}
		e.Kick()
		b.succeeded(b.wait(e, x.ID), "2")
		same, created, err := e.StartExecution(b.ctx(), engine.StartRequest{StateMachine: "inc", Name: name, Input: []byte("1")})
		if err != nil || created || same.ID != x.ID {
			t.Errorf("a second start gave %s, %t, %v", same.ID, created, err)
		}
	}
}

// With room for ten, a thousand starts are all taken, never more than ten are in memory, and all end.
func TestBackpressure(t *testing.T) {
	b := newBench(t)
	var p peakCounter
	b.fn("busy", func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) {
		p.enter()
		defer p.leave()
		return 1, nil
	})
	e := b.start(func(c *engine.Config) { c.MaxLive = 10 })
	b.deploy(e, "busy", chain(2, "function:busy"))
	const n = 1000
	ids := make([]uuid.UUID, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { ids[i] = b.begin(e, "busy", "{}").ID })
	}
	wg.Wait()
	for _, id := range ids {
		b.succeeded(b.wait(e, id), "1")
		b.events(e, id)
	}
	if p.most.Load() > 10 {
		t.Errorf("%d functions ran at a time, with room for 10 executions", p.most.Load())
	}
	if s := e.Stats(); s.Started != n || s.Ended != n || s.Live != 0 {
		t.Errorf("the stats are %+v", s)
	}
}

// A start that waits for room can be stopped before it began.
func TestStopBeforeTheStart(t *testing.T) {
	b := newBench(t)
	gate := make(chan struct{})
	b.fn("gated", func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) {
		<-gate
		return 1, nil
	})
	e := b.start(func(c *engine.Config) { c.MaxLive = 1 })
	b.deploy(e, "gated", task("function:gated", ""))
	first, second := b.begin(e, "gated", "{}"), b.begin(e, "gated", "{}")
	if e.IsLive(second.ID) {
		t.Error("the second start did not wait")
	}
	x, err := e.StopExecution(b.ctx(), second.ID, "", "not needed")
	if err != nil || x.Status != engine.Aborted {
		t.Fatalf("it is %s, %v", x.Status, err)
	}
	close(gate)
	b.succeeded(b.wait(e, first.ID), "1")
}

type peakCounter struct{ now, most atomic.Int64 }

func (p *peakCounter) enter() {
	n := p.now.Add(1)
	for old := p.most.Load(); n > old && !p.most.CompareAndSwap(old, n); old = p.most.Load() {
	}
}

func (p *peakCounter) leave() { p.now.Add(-1) }

func TestListAndResolve(t *testing.T) {
	b := newBench(t)
	b.fn("inc", inc)
	e := b.start()
	b.deploy(e, "inc", task("function:inc", ""))
	named, _, err := e.StartExecution(b.ctx(), engine.StartRequest{StateMachine: e.StateMachineARN("inc"), Name: "first", Input: []byte("1")})
	if err != nil {
		t.Fatal(err)
	}
	unnamed := b.run(e, "inc", "1")
	for ref, want := range map[string]uuid.UUID{
		named.ID.String(): named.ID, "inc/first": named.ID, named.ARN: named.ID,
		"inc/" + unnamed.ID.String(): unnamed.ID, unnamed.ARN: unnamed.ID,
	} {
		if got, err := e.ResolveExecution(b.ctx(), "", ref); err != nil || got != want {
			t.Errorf("%s leads to %s, %v", ref, got, err)
		}
		_, err := e.ResolveExecution(b.ctx(), "another", ref)
		code(t, err, engine.CodeExecutionDoesNotExist)
	}
	list, err := e.ListExecutions(b.ctx(), engine.Filter{Machine: "inc"}, engine.Page{})
	if err != nil || len(list) != 2 || list[0].ID != unnamed.ID || list[1].ARN != named.ARN {
		t.Errorf("the list is %+v, %v", list, err)
	}
}
