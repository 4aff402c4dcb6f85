package engine

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// A task can start an execution (states:startExecution), and wait for its end (.sync). The child is started under a name
// that is the same for each delivery of the same attempt, so that a crash starts it once. Then the wait is noted in the
// store, the task is submitted, and the parent may be parked like one that waits for a token. The commit that ends the
// child settles the wait in its own transaction; a loop of every node takes settled waits and brings the news to the
// parents. The end of a parent settles the waits for its children likewise, and they are stopped.

const (
	childBatch = 200              // settled waits that are taken at once
	childHands = 16               // that many news are brought at a time
	childAgain = 15 * time.Second // after which another node takes a settled wait whose news have not been brought
)

// Names of the service's errors.
const (
	errChildExists  = "StepFunctions.ExecutionAlreadyExistsException"
	errChildMachine = "StepFunctions.StateMachineDoesNotExistException"
)

// childStarter starts executions for tasks. It is an invoke.Invoker.
type childStarter struct {
	engine *Engine
	sdk    bool // as aws-sdk:sfn:startExecution
}

// Invoke starts the execution. For the patterns .sync it notes that the task waits for its end.
func (s *childStarter) Invoke(ctx context.Context, call *invoke.Invocation) (*value.Value, error) {
	request, err := s.request(call)
	if err != nil {
		return nil, err
	}
	var x Execution
	var created bool
	err = s.engine.persist(ctx, func(ctx context.Context) (err error) {
		x, created, err = s.engine.StartExecution(ctx, request)
		return err
	})
	if err == nil && !created && x.Status != Running && x.StartedAt.Before(call.EnteredAt) {
		// It has ended, and was not started by an earlier delivery of this call.
		err = errorf(CodeExecutionAlreadyExists, "it has ended; choose another name")
	}
	if err != nil {
		return nil, s.refused(ctx, call.Arguments, err)
	}
	if call.Pattern == statemachine.Sync || call.Pattern == statemachine.Sync2 {
		wait := ChildWait{Child: x.ID, Parent: call.Execution, Task: call.Task, AsJSON: call.Pattern == statemachine.Sync2}
		var ended bool
		err := s.engine.persist(ctx, func(ctx context.Context) (err error) {
			ended, err = s.engine.cfg.Store.AwaitChild(ctx, wait)
			return err
		})
		if err != nil {
			return nil, err
		}
		if ended { // the loop brings its end after the task was submitted
			defer s.engine.childLoop.kick()
		}
	}
	return s.result(x), nil
}

// request reads the arguments.
func (s *childStarter) request(call *invoke.Invocation) (StartRequest, error) {
	arguments := call.Arguments
	machine := invoke.TextOf(arguments, "StateMachineArn")
	if machine == "" {
		return StartRequest{}, invoke.Unusable(arguments, "The field 'StateMachineArn' is required but was missing")
	}
	request := StartRequest{
		Namespace: call.Namespace, StateMachine: machine, Name: invoke.TextOf(arguments, "Name"), TraceContext: call.TraceContext,
	}
	if request.Name == "" {
		request.Name = childName(call)
	}
	switch input := arguments.Get("Input"); {
	case input == nil, input.IsNull():
	case input.Kind() == value.String && s.sdk:
		request.Input = []byte(input.Text())
	case input.Kind() == value.String:
		request.Input = []byte(input.Text())
		if _, err := value.Parse(request.Input); err != nil {
			request.Input = input.JSON()
		}
	default:
		request.Input = input.JSON()
	}
	return request, nil
}

// childName is the name of an execution that the definition gives none: the same for each delivery of the same attempt.
func childName(call *invoke.Invocation) string {
	return uuid.NewSHA1(call.Execution, []byte("child of task "+strconv.FormatUint(uint64(call.Task), 10)+" "+call.IdempotencyKey)).String()
}

// result is what the service answers to a start.
func (s *childStarter) result(x Execution) *value.Value {
	var o value.Members
	o.Text("ExecutionArn", x.ARN)
	if s.sdk {
		o.Text("StartDate", sdkTime(x.StartedAt))
		return o.Object()
	}
	id := uuid.NewString()
	invoke.SDKMetadata(&o, http.StatusOK, id, []invoke.Header{
		{Name: "x-amzn-RequestId", Value: id},
		{Name: "connection", Value: "keep-alive"},
		{Name: "Content-Length", Value: strconv.Itoa(len(`{"executionArn":"","startDate":1700000000.000}`) + len(x.ARN))},
		{Name: "Date", Value: time.Now().UTC().Format(http.TimeFormat)},
		{Name: "Content-Type", Value: "application/x-amz-json-1.0"},
	})
	o.Set("StartDate", value.FromInt(x.StartedAt.UnixMilli()))
	return o.Object()
}

// refused gives the error of a task whose start was refused.
func (s *childStarter) refused(ctx context.Context, arguments *value.Value, err error) error {
	coded, ok := errors.AsType[*Error](err)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !ok:
		return err
	case s.sdk:
		return sdkError(coded)
	}
	name, message := "StepFunctions."+string(coded.Code)+"Exception", coded.Message
	switch coded.Code { //nolint:exhaustive // the others have their own words
	case CodeExecutionAlreadyExists:
		name, message = errChildExists, "Execution Already Exists: '"+invoke.TextOf(arguments, "Name")+"': "+message
	case CodeStateMachineDoesNotExist:
		name, message = errChildMachine, "State Machine Does Not Exist: '"+invoke.TextOf(arguments, "StateMachineArn")+"'"
	}
	return invoke.ServiceError(name, "AWSStepFunctions", http.StatusBadRequest, string(coded.Code), message)
}

// tellParents takes waits that are settled and brings the news.
func (e *Engine) tellParents(ctx context.Context) (time.Duration, error) {
	waits, err := e.cfg.Store.SettledChildren(ctx, childBatch, childAgain)
	if err != nil {
		return 0, err
	}
	var group sync.WaitGroup
	room := make(chan struct{}, childHands)
	for _, w := range waits {
		room <- struct{}{}
		group.Go(func() {
			defer func() { <-room }()
			ctx, cancel := context.WithTimeout(ctx, childAgain)
			defer cancel()
			if err := e.bringNews(ctx, w); err != nil && !e.stopped() {
				e.log.Warn("the end of an execution could not be brought to who waits for it; it is tried again",
					keyExecution, w.Child, "parent", w.Parent, keyTask, w.Task, keyError, err)
			}
		})
	}
	group.Wait()
	if len(waits) == childBatch {
		return 0, nil
	}
	return e.cfg.Poll, nil
}

// bringNews brings one.
func (e *Engine) bringNews(ctx context.Context, w ChildWait) error {
	if w.Abandoned {
		if _, err := e.StopExecution(ctx, w.Child, "", ""); err != nil && !isCode(err, CodeExecutionDoesNotExist) {
			return err
		}
		return e.cfg.Store.ForgetChild(ctx, w)
	}
	x, err := e.byID(ctx, w.Child)
	switch {
	case isCode(err, CodeExecutionDoesNotExist): // deleted since
		x.Status = Aborted
	case err != nil:
		return err
	case x.Status == Running: // it was redriven: its next end is news again
		_, err := e.cfg.Store.AwaitChild(ctx, w)
		return err
	}
	described := describeChild(&x, w.AsJSON && x.Status == Succeeded)
	c := ForwardedCall{Execution: w.Parent, Task: w.Task, Kind: CallSuccess, Output: described.JSON()}
	if x.Status != Succeeded {
		c = ForwardedCall{
			Execution: w.Parent, Task: w.Task, Kind: CallFailure, Error: statemachine.ErrorTaskFailed,
			Cause: clipTo(described.String(), maxCauseBytes),
		}
	}
	err = callError(e.deliver(ctx, c, true), &c)
	switch coded, ok := errors.AsType[*Error](err); {
	case err == nil, ok && coded.Code != CodeServiceUnavailable: // it was told, or does not wait any more
		return e.cfg.Store.ForgetChild(ctx, w)
	default:
		return err
	}
}

// describeChild is DescribeExecution in the form that tasks see.
func describeChild(x *Execution, asJSON bool) *value.Value {
	payload := func(v *value.Value) *value.Value {
		if v == nil || asJSON {
			return v
		}
		return value.FromString(v.String())
	}
	included := value.FromObject([]string{"Included"}, []*value.Value{value.TrueValue})
	var o value.Members
	if x.Cause != nil {
		o.Set("Cause", value.FromString(*x.Cause))
	}
	if x.Error != nil {
		o.Set("Error", value.FromString(*x.Error))
	}
	o.Text("ExecutionArn", x.ARN)
	o.Set("Input", payload(x.Input))
	o.Set("InputDetails", included)
	o.Text("Name", x.Name)
	if x.Output != nil {
		o.Set("Output", payload(x.Output))
		o.Set("OutputDetails", included)
	}
	o.Set("RedriveCount", value.FromInt(int64(x.RedriveCount)))
	switch x.Status {
	case Succeeded, Running, PendingRedrive:
		o.Text("RedriveStatus", "NOT_REDRIVABLE")
		o.Text("RedriveStatusReason", "Execution is "+string(x.Status)+" and cannot be redriven")
	case Failed, TimedOut, Aborted:
		o.Text("RedriveStatus", "REDRIVABLE")
	}
	o.Set("StartDate", value.FromInt(x.StartedAt.UnixMilli()))
	o.Text("StateMachineArn", x.StateMachineARN)
	o.Text("Status", string(x.Status))
	if x.EndedAt != nil {
		o.Set("StopDate", value.FromInt(x.EndedAt.UnixMilli()))
	}
	return o.Object()
}

// dropChildren notes that tasks are over for their execution, which goes on, in case they wait for a child. Of an execution
// that ends, the store does so.
func (e *Engine) dropChildren(x *live, commands []statemachine.Command) {
	var over []statemachine.TaskID
	for _, c := range commands {
		if c, ok := c.(statemachine.Cancel); ok {
			over = append(over, c.Task)
		}
	}
	if len(over) == 0 || !x.machine.StartsJobs() {
		return
	}
	parent := x.row.ID
	go func() {
		for _, task := range over {
			err := e.persist(e.writing, func(ctx context.Context) error { return e.cfg.Store.AbandonChild(ctx, parent, task) })
			if err != nil && !e.stopped() {
				e.log.Warn("noting that nobody waits for an execution any more", keyExecution, parent, keyTask, task, keyError, err)
			}
		}
		e.childLoop.kick()
	}()
}
