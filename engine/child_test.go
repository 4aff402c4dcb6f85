package engine_test

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// childOf is a machine of one task that starts an execution of another machine.
func childOf(pattern, arguments, fields string) string {
	return `{"QueryLanguage": "JSONata", "StartAt": "T", "States": {"T": {"Type": "Task", "End": true,
		"Resource": "arn:aws:states:::states:startExecution` + pattern + `", "Arguments": ` + arguments + fields + `}}}`
}

const doubling = `{"QueryLanguage": "CEL", "StartAt": "D", "States": {"D": {"Type": "Pass", "Output": "{% {'twice': states.input.n * 2} %}", "End": true}}}`

// members checks the texts of some members of an object; "..." stands for any.
func members(t *testing.T, v *value.Value, want map[string]string) {
	t.Helper()
	for key, text := range want {
		got := v.Get(key)
		switch {
		case got == nil && text != "":
			t.Errorf("%s is missing in %s", key, v)
		case got != nil && text != "..." && got.String() != text:
			t.Errorf("%s is %s, want %s", key, got, text)
		}
	}
}

func TestStartExecution(t *testing.T) {
	b := newBench(t)
	e := b.start()
	b.deploy(e, "double", doubling)
	b.deploy(e, "plain", childOf("", `{"StateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:double", "Input": {"n": 3}, "Name": "mine"}`, ""))
	x := b.run(e, "plain", "{}")
	if x.Status != engine.Succeeded {
		t.Fatal(failure(x))
	}
	members(t, x.Output, map[string]string{
		"ExecutionArn": `"arn:aws:states:us-east-1:000000000000:execution:double:mine"`, "StartDate": "...", "SdkHttpMetadata": "...", "SdkResponseMetadata": "...",
	})
	child, err := e.DescribeExecution(b.ctx(), "", "double/mine")
	if err != nil {
		t.Fatal(err)
	}
	b.succeeded(b.wait(e, child.ID), `{"twice":6}`)

	b.deploy(e, "sync", childOf(".sync", `{"StateMachineArn": "double", "Input": {"n": "{% $states.input %}"}}`, ""))
	x = b.run(e, "sync", "5")
	if x.Status != engine.Succeeded {
		t.Fatal(failure(x))
	}
	members(t, x.Output, map[string]string{
		"Output": `"{\"twice\":10}"`, "Input": `"{\"n\":5}"`, "Status": `"SUCCEEDED"`, "InputDetails": `{"Included":true}`, "OutputDetails": `{"Included":true}`,
		"StateMachineArn": `"arn:aws:states:us-east-1:000000000000:stateMachine:double"`, "StartDate": "...", "StopDate": "...", "Name": "...", "ExecutionArn": "...",
	})
	b.deploy(e, "sync2", childOf(".sync:2", `{"StateMachineArn": "double", "Input": "{\"n\": 7}"}`, ""))
	x = b.run(e, "sync2", "{}")
	members(t, x.Output, map[string]string{"Output": `{"twice":14}`, "Input": `{"n":7}`})
}

func TestStartExecutionErrors(t *testing.T) {
	b := newBench(t)
	e := b.start()
	b.deploy(e, "failing", `{"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Broken", "Cause": "It \"is\""}}}`)
	b.deploy(e, "double", doubling)
	b.deploy(e, "sync", childOf(".sync", `{"StateMachineArn": "failing", "Input": {}}`, ""))
	cause := b.failed(b.run(e, "sync", "{}"), "States.TaskFailed")
	v, err := value.Parse([]byte(cause))
	if err != nil {
		t.Fatalf("the cause is %s: %v", cause, err)
	}
	members(t, v, map[string]string{
		"Error": `"Broken"`, "Cause": `"It \"is\""`, "Status": `"FAILED"`, "Input": `"{}"`, "Output": "", "ExecutionArn": "...", "StopDate": "...",
	})

	b.deploy(e, "lost", childOf("", `{"StateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:none"}`, ""))
	cause = b.failed(b.run(e, "lost", "{}"), "StepFunctions.StateMachineDoesNotExistException")
	if !strings.Contains(cause, "State Machine Does Not Exist: 'arn:aws:states:us-east-1:000000000000:stateMachine:none' (Service: AWSStepFunctions; Status Code: 400; Error Code: StateMachineDoesNotExist") {
		t.Errorf("the cause is %s", cause)
	}
	b.deploy(e, "unnamed", childOf("", `{}`, ""))
	if cause := b.failed(b.run(e, "unnamed", "{}"), "States.Runtime"); !strings.Contains(cause, "The field 'StateMachineArn' is required but was missing") {
		t.Errorf("the cause is %s", cause)
	}

	b.deploy(e, "named", childOf(".sync", `{"StateMachineArn": "double", "Name": "taken", "Input": "{% $states.input %}"}`, ""))
	if x := b.run(e, "named", `{"n": 1}`); x.Status != engine.Succeeded {
		t.Fatal(failure(x))
	}
	b.failed(b.run(e, "named", `{"n": 2}`), "StepFunctions.ExecutionAlreadyExistsException")
	// The same name and input too, once that execution has ended: as in the service.
	b.failed(b.run(e, "named", `{"n": 1}`), "StepFunctions.ExecutionAlreadyExistsException")
}

// A parent whose child takes its time is parked, and hears of the end wherever that happens.
func TestParentIsParkedAndTold(t *testing.T) {
	b := newBench(t)
	tokens := make(chan string, 1)
	b.fn("keep", func(_ context.Context, task engine.TaskInfo, _ json.RawMessage) (any, error) {
		tokens <- task.Token
		return nil, nil
	})
	park := func(c *engine.Config) { c.ParkAfter = -1 }
	one, two := b.start(park), b.start(park)
	b.deploy(one, "slow", task("function:keep.waitForTaskToken", ""))
	b.deploy(one, "parent", childOf(".sync:2", `{"StateMachineArn": "slow", "Input": 1}`, `, "Output": "{% $states.result.Output %}"`))
	parent := b.begin(one, "parent", "{}")
	token := <-tokens
	b.parked(one, parent.ID)
	one.Kill()
	b.cluster.remove(one)
	if err := two.SendTaskSuccess(b.ctx(), token, []byte(`"told"`)); err != nil {
		t.Fatal(err)
	}
	b.succeeded(b.wait(two, parent.ID), `"told"`)
}

// A node that dies between any two steps loses nothing, and starts the child once.
func TestChildSurvivesCrash(t *testing.T) {
	b := newBench(t)
	var calls atomic.Int32
	gate := make(chan struct{})
	b.fn("work", func(ctx context.Context, _ engine.TaskInfo, in json.RawMessage) (any, error) {
		calls.Add(1)
		select {
		case <-gate:
		case <-ctx.Done():
		}
		return in, ctx.Err()
	})
	lease := func(c *engine.Config) { c.Lease = 500 * time.Millisecond }
	one := b.start(lease)
	b.deploy(one, "child", task("function:work", ""))
	b.deploy(one, "parent", childOf(".sync:2", `{"StateMachineArn": "child", "Input": "{% $states.input %}"}`, `, "Output": "{% $states.result.Output %}"`))
	var parents []engine.Execution
	for i := range 10 {
		parents = append(parents, b.begin(one, "parent", strconv.Itoa(i)))
	}
	b.until("a child works", func() bool { return calls.Load() > 0 })
	one.Kill()
	b.cluster.remove(one)
	two := b.start(lease)
	close(gate)
	for i, p := range parents {
		b.succeeded(b.wait(two, p.ID), strconv.Itoa(i))
	}
	list, err := two.ListExecutions(b.ctx(), engine.Filter{Machine: "child"}, engine.Page{})
	if err != nil || len(list) != len(parents) {
		t.Errorf("%d children were started for %d parents: %v", len(list), len(parents), err)
	}
}

// Whoever does not wait any more stops the child: a parent that is stopped, one that fails, and a task that times out.
func TestChildIsStoppedWithItsParent(t *testing.T) {
	b := newBench(t)
	e := b.start(func(c *engine.Config) { c.ParkAfter = -1 })
	b.deploy(e, "long", `{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 100000, "End": true}}}`)
	aborted := func(name string) {
		t.Helper()
		b.until("the child "+name+" is aborted", func() bool {
			x, err := e.DescribeExecution(b.ctx(), "", "long/"+name)
			return err == nil && x.Status == engine.Aborted
		})
	}
	b.deploy(e, "parent", childOf(".sync", `{"StateMachineArn": "long", "Name": "stopped", "Input": {}}`, ""))
	parent := b.begin(e, "parent", "{}")
	b.parked(e, parent.ID)
	if _, err := e.StopExecution(b.ctx(), parent.ID, "", ""); err != nil {
		t.Fatal(err)
	}
	aborted("stopped")
	b.deploy(e, "impatient", `{"StartAt": "T", "States": {
		"T": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync", "Parameters": {"StateMachineArn": "long", "Name": "timed-out"},
			"TimeoutSeconds": 1, "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "On"}], "Next": "On"},
		"On": {"Type": "Wait", "Seconds": 100000, "End": true}}}`)
	waiting := b.begin(e, "impatient", "{}")
	aborted("timed-out")
	if x, err := e.DescribeExecution(b.ctx(), "", waiting.ID.String()); err != nil || x.Status != engine.Running {
		t.Errorf("the parent is %s, %v", x.Status, err)
	}
}

func TestManyChildren(t *testing.T) {
	b := newBench(t)
	e := b.start()
	b.deploy(e, "double", doubling)
	b.deploy(e, "many", `{"QueryLanguage": "JSONata", "StartAt": "M", "States": {"M": {"Type": "Map", "Items": "{% [1..60] %}", "End": true,
		"Output": "{% $sum($states.result) %}", "ItemProcessor": {"StartAt": "T", "States": {"T": {"Type": "Task", "End": true,
			"Resource": "arn:aws:states:::states:startExecution.sync:2", "Arguments": {"StateMachineArn": "double", "Input": {"n": "{% $states.input %}"}},
			"Output": "{% $states.result.Output.twice %}"}}}}}}`)
	b.succeeded(b.run(e, "many", "{}"), "3660")
}

// The callback pattern: the child has the token and answers for its parent.
func TestStartExecutionWithToken(t *testing.T) {
	b := newBench(t)
	e := b.start()
	b.deploy(e, "answer", `{"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": {"Type": "Task", "End": true,
		"Resource": "arn:aws:states:::aws-sdk:sfn:sendTaskSuccess", "Arguments": {"TaskToken": "{% $states.input.token %}", "Output": {"ok": true}}}}}`)
	b.deploy(e, "parent", childOf(".waitForTaskToken", `{"StateMachineArn": "answer", "Input": {"token": "{% $states.context.Task.Token %}"}}`, ""))
	b.succeeded(b.run(e, "parent", "{}"), `{"ok":true}`)
}
