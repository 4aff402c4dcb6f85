package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// job is one function call, from its command to its outcome.
type job struct {
	x        *live
	command  statemachine.Invoke
	resource string      // of the function or the integration, whichever way the command names it
	lambda   *lambdaCall // the form that arguments, result and errors have; nil if the task does not name it as AWS Lambda's
	function *function
	gate     *gate // nil if the function has no bound of its own

	span        trace.SpanContext // of the attempt; not valid if nobody records spans
	traceparent string            // for the function

	ctx    context.Context
	cancel context.CancelCauseFunc
}

// invoke begins an attempt of a task. It does not wait: a call that finds no room waits in the pool.
func (e *Engine) invoke(x *live, c statemachine.Invoke) {
	ctx, cancel := context.WithCancelCause(e.calls)
	j := &job{x: x, command: c, ctx: ctx, cancel: cancel}
	j.span, j.traceparent = x.traceContext(&c)
	x.mu.Lock()
	if x.gone {
		x.mu.Unlock()
		cancel(errMoved)
		return
	}
	if x.tasks == nil {
		x.tasks = make(map[statemachine.TaskID]context.CancelCauseFunc)
	}
	if old := x.tasks[c.Task]; old != nil {
		old(errMoved)
	}
	x.tasks[c.Task] = cancel
	x.mu.Unlock()

	var err error
	if j.resource, j.lambda, err = address(&c); err != nil {
		e.report(j, nil, err)
		cancel(nil)
		return
	}
	if f := e.integrations.find(j.resource); f != nil {
		j.function = f
		e.pool.submit(j)
		return
	}
	if f, ok := e.functions.cached(x.row.Namespace, j.resource); ok {
		j.function = f
		e.pool.submit(j)
		return
	}
	go e.resolve(j)
}

// resolve looks the function of a job up in the registry.
func (e *Engine) resolve(j *job) {
	err := e.persist(j.ctx, func(ctx context.Context) (err error) {
		j.function, err = e.functions.lookup(ctx, j.x.row.Namespace, j.resource)
		return err
	})
	if err != nil {
		if j.ctx.Err() == nil && !e.stopped() {
			e.report(j, nil, &invoke.TaskError{Name: invoke.ErrNotRegistered, Cause: fmt.Sprintf("looking %s up: %v", j.command.Resource, err)})
		}
		j.cancel(nil)
		return
	}
	e.pool.submit(j)
}

// call makes the function call and reports its outcome.
func (e *Engine) call(j *job) {
	defer j.cancel(nil)
	ctx := j.ctx
	if ctx.Err() != nil {
		return
	}
	if !j.command.Deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, j.command.Deadline)
		defer cancel()
	}
	began := time.Now()
	result, err := e.guardedCall(ctx, j)
	e.metrics.called(j.x.row.Namespace, j.function.key.name, callOutcome(ctx, j, err), time.Since(began))
	if err != nil && ctx.Err() != nil {
		// Nobody waits for it any more, or its time is over: that is for the run to say, at its next tick.
		return
	}
	e.report(j, result, err)
}

func (e *Engine) guardedCall(ctx context.Context, j *job) (result *value.Value, err error) {
	defer func() {
		if p := recover(); p != nil {
			e.log.ErrorContext(ctx, "an invoker panicked", keyExecution, j.x.row.ID, keyTask, j.command.Task,
				keyResource, j.command.Resource, keyError, p, keyStack, string(debug.Stack()))
			err = &invoke.TaskError{Name: invoke.ErrPanicked, Cause: fmt.Sprint(p)}
		}
	}()
	call := e.invocation(j)
	ctx, end := traced(ctx, j, call)
	defer func() { end(err) }()
	if j.lambda == nil {
		return j.function.invoke(ctx, call)
	}
	if j.lambda.payload != nil {
		call.Arguments = j.lambda.payload
	}
	if j.lambda.kind != invokeDryRun || j.function.absent() {
		result, err = j.function.invoke(ctx, call)
	}
	if ctx.Err() != nil {
		return nil, err
	}
	return e.lambdaOutcome(j.lambda, call, result, err)
}

// lambdaOutcome gives the outcome of a task in the form of AWS Lambda's. Of a function that is called as an event nobody
// waits for the outcome, so that a failure is only noted; but it must be there.
func (e *Engine) lambdaOutcome(l *lambdaCall, call *invoke.Invocation, result *value.Value, err error) (*value.Value, error) {
	if err != nil {
		err = l.failure(err, "arn:aws:lambda:"+e.cfg.Region+":"+e.cfg.Account+":function:"+l.function)
		task, failed := errors.AsType[*invoke.TaskError](err)
		switch {
		case l.kind == invokeEvent && failed && task.Name != errLambdaNotFound:
			e.log.Warn("a function that was called as an event failed", keyExecution, call.Execution, keyTask, call.Task,
				keyResource, l.function, keyError, err)
		case l.functionFailed(err) != nil:
			return l.functionFailed(err), nil
		default:
			return nil, err
		}
	}
	if result == nil {
		result = value.NullValue
	}
	return l.result(result, call), nil
}

// invoke calls the function, whose arguments and result have to fit its schemas.
func (f *function) invoke(ctx context.Context, call *invoke.Invocation) (*value.Value, error) {
	_, absent := f.invoker.(missing)
	if (call.Pattern == statemachine.Sync || call.Pattern == statemachine.Sync2) && !f.starts && !absent {
		return nil, &invoke.TaskError{Name: invoke.ErrUnsupported, Cause: fmt.Sprintf(
			"%s gives its result with its answer, so leave .sync out of the resource", f.key.name)}
	}
	if err := f.takes(call.Arguments); err != nil {
		return nil, err
	}
	result, err := f.invoker.Invoke(ctx, call)
	if err != nil || call.Pattern != statemachine.RequestResponse { // its result comes later
		return result, err
	}
	return result, f.gives(result)
}

func (e *Engine) invocation(j *job) *invoke.Invocation {
	row, c := &j.x.row, &j.command
	call := &invoke.Invocation{
		TaskInfo: invoke.TaskInfo{
			Execution:      row.ID,
			ExecutionARN:   e.arn(row),
			ExecutionName:  row.Name,
			Namespace:      row.Namespace,
			StateMachine:   row.MachineName,
			State:          c.State,
			Task:           c.Task,
			Attempt:        c.Attempt,
			IdempotencyKey: j.x.key(strconv.FormatUint(uint64(c.Task), 10)),
			TraceContext:   j.traceparent,
		},
		Arguments: c.Arguments,
		MaxResult: e.cfg.Limits.Payload,
		Pattern:   c.Pattern,
		EnteredAt: c.EnteredAt,
	}
	if c.Pattern == statemachine.WaitForTaskToken {
		call.Token = c.Token
	}
	if call.Arguments == nil {
		call.Arguments = value.NullValue
	}
	return call
}

// report sends the outcome of a call to its execution.
func (e *Engine) report(j *job, result *value.Value, err error) {
	task := j.command.Task
	j.x.mu.Lock()
	delete(j.x.tasks, task)
	j.x.mu.Unlock()

	var signal statemachine.Signal
	var failed *invoke.TaskError
	switch {
	case errors.As(err, &failed):
		signal = statemachine.TaskFailed{Task: task, Error: failed.Name, Cause: failed.Cause}
	case err != nil:
		signal = statemachine.TaskFailed{Task: task, Error: invoke.ErrFailed, Cause: err.Error()}
	case j.command.Pattern != statemachine.RequestResponse:
		signal = statemachine.TaskSubmitted{Task: task, Output: result}
	default:
		signal = statemachine.TaskSucceeded{Task: task, Result: result}
	}
	e.post(j.x, message{signal: signal}) // if the execution has left memory, nobody waits for the outcome
}
