package teststate

import (
	"cmp"
	"fmt"
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// maxSignals bounds what one state can ask for: its start, its work, the end of its wait.
const maxSignals = 10

// trialRun is a test under way.
type trialRun struct {
	*test
	run    *statemachine.Run
	now    time.Time
	invoke *statemachine.Invoke // the task to be answered, nil if none is open

	left      *event.StateExited    // nil: the state was not left
	retry     *event.RetryScheduled // nil: it is not retried
	retryFrom time.Time

	// What inspection tells of.
	stages    map[string]*value.Value
	scheduled bool         // the work has begun
	arguments *value.Value // of the work; nil: the state's input
	started   *event.MapStarted
	items     int            // that a Map has, in batches if it makes them
	selected  []*value.Value // what its ItemSelector made of them, of the first ones if they are many
	result    *value.Value   // of the work
	exchange  *Exchange
}

// info gives what the Context Object tells of the execution.
func (t *test) info() statemachine.Info {
	machine, execution := cmp.Or(t.Machine, "test-state"), cmp.Or(t.Execution, "test-state")
	prefix := "arn:aws:states:" + cmp.Or(t.Region, "us-east-1") + ":" + cmp.Or(t.Account, "000000000000") + ":"
	return statemachine.Info{
		ExecutionID: prefix + "express:" + machine + ":" + execution, ExecutionName: execution, RoleARN: t.RoleARN,
		StateMachineID: prefix + "stateMachine:" + machine, StateMachine: machine, Input: t.input,
	}
}

// run takes the state from its entry to what becomes of it.
func (t *test) run() (*Result, error) {
	t.trial.Retries = t.Configuration.RetrierRetryCount
	run, err := t.machine.NewTrial(t.info(), t.trial)
	if err != nil {
		return nil, invalid("%v", err)
	}
	r := &trialRun{test: t, run: run, now: t.Now, stages: map[string]*value.Value{}}
	if r.now.IsZero() {
		r.now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	var signal statemachine.Signal = statemachine.Start{}
	for range maxSignals {
		if err := r.decide(signal); err != nil {
			return nil, invalid("%v", err)
		}
		if r.left != nil || r.retry != nil || run.Status() != statemachine.Running {
			return r.conclude(), nil
		}
		signal = r.next()
	}
	return nil, invalid("The state does not come to an end") // no state needs as many signals
}

// next gives what happens to the state next: what was asked of the outside is answered, or time passes.
func (r *trialRun) next() statemachine.Signal {
	mock := r.Mock
	if r.items > 0 || r.started != nil {
		return r.flowsEnd()
	}
	if r.invoke == nil {
		if at := r.run.NextDeadline(); !at.IsZero() {
			r.now = at
		}
		return statemachine.Tick{}
	}
	task := r.invoke.Task
	if mock == nil {
		answer := r.Call(*r.invoke)
		r.exchange = answer.Exchange
		if answer.Failed {
			return statemachine.TaskFailed{Task: task, Error: answer.Error, Cause: answer.Cause}
		}
		if answer.Result == nil {
			answer.Result = value.NullValue
		}
		return statemachine.TaskSucceeded{Task: task, Result: answer.Result}
	}
	if mock.Error != nil {
		return statemachine.TaskFailed{Task: task, Error: text(mock.Error.Error), Cause: text(mock.Error.Cause)}
	}
	return statemachine.TaskSucceeded{Task: task, Result: r.test.result}
}

// flowsEnd tells a Parallel or Map what its branches or iterations came to.
func (r *trialRun) flowsEnd() statemachine.Signal {
	if e := r.Mock.Error; e != nil {
		return statemachine.TrialEnded{Error: text(e.Error), Cause: text(e.Cause)}
	}
	return statemachine.TrialEnded{Result: r.test.result, Failed: r.Configuration.MapIterationFailureCount}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// decide takes one decision and notes what it tells of the state.
func (r *trialRun) decide(sig statemachine.Signal) error {
	env := statemachine.Env{
		Now: r.now, Seed: r.Seed, Limits: r.Limits,
		Token: func(id statemachine.TaskID) string { return fmt.Sprintf("test-state-token-%d", id) },
		Inspect: func(state, stage string, v *value.Value) {
			if state == r.trial.State {
				r.stages[stage] = v
			}
		},
	}
	r.invoke = nil
	commands, events, err := r.machine.Decide(r.run, env, sig)
	if err != nil {
		return err
	}
	for _, c := range commands {
		if c, ok := c.(statemachine.Invoke); ok {
			r.invoke = &c
		}
	}
	for _, ev := range events {
		if ev.Frame == 0 {
			r.note(ev)
		}
	}
	if size := r.run.Frame(0).Size(); size > 0 {
		r.items = size
	}
	return nil
}

// note keeps what an event tells of the state.
func (r *trialRun) note(ev event.Event) {
	switch data := ev.Data.(type) {
	case event.TaskScheduled:
		r.scheduled, r.arguments = true, data.Arguments
	case event.ApprovalAsked:
		r.scheduled = true
	case event.ParallelStarted:
		r.scheduled, r.arguments = true, data.Arguments
	case event.MapStarted:
		r.scheduled, r.started = true, &data
	case event.IterationStarted:
		if data.Input != nil {
			r.selected = append(r.selected, data.Input)
		}
	case event.TaskSucceeded:
		r.result = data.Result
	case event.ParallelSucceeded, event.MapSucceeded:
		r.result = r.test.result
	case event.StateExited:
		r.left = &data
	case event.RetryScheduled:
		r.retry, r.retryFrom = &data, ev.Time
	}
}

// conclude tells what became of the state.
func (r *trialRun) conclude() *Result {
	out := &Result{Status: Failed}
	name, cause, failed := r.run.TrialFailure()
	switch {
	case r.retry != nil:
		out.Status, out.Error, out.Cause = Retriable, name, cause
	case r.left != nil:
		out.Status, out.NextState = Succeeded, r.left.Next
		out.Output = textOf(r.run.Frame(0).Input())
		if r.left.Caught > 0 {
			out.Status, out.Error, out.Cause = Caught, name, cause
		}
	case failed:
		out.Error, out.Cause = name, cause
	default:
		out.Error, out.Cause = r.run.Failure()
	}
	if r.Level != Info {
		out.Inspection = r.inspect(out.Status)
	}
	return out
}

// textOf gives the JSON text of a value, nil for none.
func textOf(v *value.Value) *string {
	if v == nil {
		return nil
	}
	s := v.String()
	return &s
}

// jsonPath tells whether the state is written in JSONPath.
func (t *test) jsonPath() bool { return t.base.QueryLanguage == asl.JSONPath }
