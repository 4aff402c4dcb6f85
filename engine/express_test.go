package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
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
