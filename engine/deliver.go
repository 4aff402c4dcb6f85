package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// What executions answer to their callers, besides the core's rejections.
var (
	errMoved     = errors.New("the execution has left this memory")
	errElsewhere = errors.New("the execution is not with this node")
	errEnded     = errors.New("the execution has ended")
	errCancelled = errors.New("nobody waits for the task any more")
	errStopping  = errorf(CodeServiceUnavailable, "this node is shutting down; try again, another one will answer")
)

// endedError says that a call came too late.
type endedError struct{ status Status }

func (e *endedError) Error() string { return "the execution has ended: " + string(e.status) }

// signal gives the signal that a call brings.
func (c *ForwardedCall) signal() (statemachine.Signal, error) {
	switch c.Kind {
	case CallStop:
		return statemachine.Stop{Error: c.Error, Cause: c.Cause}, nil
	case CallSuccess:
		v, err := value.Parse(c.Output)
		if err != nil {
			return nil, errorf(CodeInvalidOutput, "the output is %v", err)
		}
		return statemachine.TaskSucceeded{Task: c.Task, Result: v}, nil
	case CallFailure:
		return statemachine.TaskFailed{Task: c.Task, Error: c.Error, Cause: c.Cause}, nil
	case CallDecide, CallDelegate:
		return c.approvalSignal()
	case CallChangeMap:
		return c.mapSignal()
	case CallHeartbeat:
		return statemachine.TaskHeartbeat{Task: c.Task}, nil
	case CallStarted:
		return statemachine.TaskStarted{Task: c.Task, Worker: c.Worker, Again: c.Again}, nil
	default:
		return nil, errorf(CodeValidation, "calls of the kind %q are not known to this release", c.Kind)
	}
}

// deliver brings a call to its execution, wherever that is: in this memory, parked, or with another node. It answers
// after the commit of what the call led to.
func (e *Engine) deliver(ctx context.Context, c ForwardedCall, forward bool) error {
	signal, err := c.signal()
	if err != nil {
		return err
	}
	for failures := 0; ; failures++ {
		if err := e.closed(); err != nil {
			return err
		}
		owner, err := e.deliverHere(ctx, c.Execution, signal)
		switch {
		case errors.Is(err, errMoved):
			continue
		case !errors.Is(err, errElsewhere):
			return err
		case owner == nil || owner.ID == e.nodeID():
			// Its owner is dead and not yet succeeded, or a claim is on its way.
			e.deadLoop.kick()
		case !forward:
			return errorf(CodeServiceUnavailable, "execution %s is not on this node", c.Execution)
		default:
			done, err := e.forward(ctx, owner, c)
			if done {
				return err
			}
		}
		pause(ctx, backoff(failures))
		if ctx.Err() != nil {
			return errors.Join(errorf(CodeServiceUnavailable, "the node that runs execution %s does not answer", c.Execution), context.Cause(ctx))
		}
	}
}

// deliverHere brings a signal to an execution that is in memory or can be taken there, and waits for the answer. It gives
// errElsewhere, with the owner if there is one, for all others, and errMoved if the execution has just left memory.
//
// What has to be brought to memory for a signal passes a turnstile: a flood of callbacks costs no more memory than one of
// starts.
func (e *Engine) deliverHere(ctx context.Context, id uuid.UUID, signal statemachine.Signal) (owner *Node, err error) {
	if e.lives.get(id) == nil {
		if err := e.signals.enter(ctx, struct{}{}, 0); err != nil {
			return nil, err
		}
		defer e.signals.leave(0)
	}
	x, owner, err := e.locate(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case x == nil:
		return owner, errElsewhere
	}
	answer := make(chan error, 1)
	if !e.post(x, message{signal: signal, answer: answer, from: trace.SpanContextFromContext(ctx)}) {
		return nil, errMoved
	}
	return nil, e.answered(ctx, answer)
}

// answered waits for the answer to a message. It gives an error of its own when ctx ends, or the engine.
func (e *Engine) answered(ctx context.Context, answer <-chan error) error {
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-e.writing.Done():
	}
	select {
	case err := <-answer: // it came just before the end
		return err
	default:
		return errStopping
	}
}

// forward hands a call to the owner of its execution. It gives false if it is to be tried again.
func (e *Engine) forward(ctx context.Context, owner *Node, c ForwardedCall) (done bool, err error) {
	if e.cfg.Peers == nil || owner.Address == "" {
		return true, errorf(CodeServiceUnavailable, "execution %s runs on node %s, which this one has no way to reach; "+
			"give every node the address at which the others reach it", c.Execution, owner.ID)
	}
	err = e.cfg.Peers.Forward(ctx, *owner, c)
	var coded *Error
	if err == nil || (errors.As(err, &coded) && coded.Code != CodeServiceUnavailable) {
		return true, err
	}
	e.log.Debug("a call could not be forwarded", keyExecution, c.Execution, keyOwner, owner.ID, keyError, err)
	return false, nil
}

// HandleForwarded answers a call that another node forwarded to this one, which owns its execution.
func (e *Engine) HandleForwarded(ctx context.Context, c ForwardedCall) error {
	return callError(e.deliver(ctx, c, false), &c)
}

// callError gives the error that a caller understands.
func callError(err error, c *ForwardedCall) error {
	var coded *Error
	var ended *endedError
	var refused *statemachine.ApprovalError
	switch {
	case err == nil, errors.As(err, &coded):
		return err
	case errors.As(err, &refused):
		return approvalError(refused)
	case c.Kind == CallStop && (errors.As(err, &ended) || errors.Is(err, statemachine.ErrEnded)):
		return nil
	case c.Kind == CallChangeMap && (errors.As(err, &ended) || errors.Is(err, statemachine.ErrEnded) || errors.Is(err, statemachine.ErrMapEnded)):
		return errorf(CodeValidation, "the map run of execution %s has ended", c.Execution)
	case errors.As(err, &ended), errors.Is(err, statemachine.ErrEnded), errors.Is(err, statemachine.ErrTaskTimedOut):
		return errorf(CodeTaskTimedOut, "nobody waits for task %d of execution %s any more: %v", c.Task, c.Execution, err)
	case errors.Is(err, statemachine.ErrTaskTaken):
		return errorf(CodeTaskDoesNotExist, "task %d of execution %s is another worker's already", c.Task, c.Execution)
	case errors.Is(err, statemachine.ErrTaskDoesNotExist):
		return errorf(CodeTaskDoesNotExist, "task %d of execution %s was answered before, or never was", c.Task, c.Execution)
	default:
		return fmt.Errorf("delivering to execution %s: %w", c.Execution, err)
	}
}
