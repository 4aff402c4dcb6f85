package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// sdkCall is an action of aws-sdk:sfn, which this engine is itself. It is an invoke.Invoker.
type sdkCall struct {
	engine *Engine
	do     func(ctx context.Context, e *Engine, call *invoke.Invocation) (*value.Value, error)
}

// Invoke carries the action out.
func (s sdkCall) Invoke(ctx context.Context, call *invoke.Invocation) (*value.Value, error) {
	v, err := s.do(ctx, s.engine, call)
	if coded, ok := errors.AsType[*Error](err); ok && ctx.Err() == nil {
		return nil, sdkError(coded)
	}
	return v, err
}

// sdkError is a refusal in the words of the AWS SDK integrations.
func sdkError(coded *Error) error {
	if coded.Code == CodeTaskDoesNotExist { // the service has one error for all tasks that nobody waits for any more
		coded = &Error{Code: CodeTaskTimedOut, Message: coded.Message}
	}
	return &invoke.TaskError{Name: "Sfn." + strings.TrimSuffix(string(coded.Code), "Exception") + "Exception", Cause: fmt.Sprintf(
		"%s (Service: Sfn, Status Code: 400, Request ID: %s)", coded.Message, uuid.NewString())}
}

var emptyObject = value.Trusted([]byte("{}"))

// sdkTime is how results of the AWS SDK integrations write times.
func sdkTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func describeExecution(ctx context.Context, e *Engine, call *invoke.Invocation) (*value.Value, error) {
	x, err := e.DescribeExecution(ctx, call.Namespace, invoke.TextOf(call.Arguments, "ExecutionArn"))
	if err != nil {
		return nil, err
	}
	described := describeChild(&x, false)
	var o value.Members
	for i, key := range described.Keys() {
		switch v := described.At(i); key {
		case "StartDate":
			o.Text(key, sdkTime(x.StartedAt))
		case "StopDate":
			o.Text(key, sdkTime(*x.EndedAt))
		default:
			o.Set(key, v)
		}
	}
	return o.Object(), nil
}

func stopExecution(ctx context.Context, e *Engine, call *invoke.Invocation) (*value.Value, error) {
	x, err := e.DescribeExecution(ctx, call.Namespace, invoke.TextOf(call.Arguments, "ExecutionArn"))
	if err != nil {
		return nil, err
	}
	if x.ID == call.Execution { // it would wait for its own end
		return nil, errorf(CodeValidation, "an execution cannot stop itself with a task; use a Fail state")
	}
	x, err = e.StopExecution(ctx, x.ID, invoke.TextOf(call.Arguments, "Error"), invoke.TextOf(call.Arguments, "Cause"))
	if err != nil {
		return nil, err
	}
	var o value.Members
	if x.EndedAt != nil {
		o.Text("StopDate", sdkTime(*x.EndedAt))
	}
	return o.Object(), nil
}

func sendTaskSuccess(ctx context.Context, e *Engine, call *invoke.Invocation) (*value.Value, error) {
	output := call.Arguments.Get("Output")
	if output == nil {
		return nil, invoke.Unusable(call.Arguments, "The field 'Output' is required but was missing")
	}
	text := output.JSON()
	if output.Kind() == value.String {
		text = []byte(output.Text())
	}
	return emptyObject, e.SendTaskSuccess(ctx, invoke.TextOf(call.Arguments, "TaskToken"), text)
}

func sendTaskFailure(ctx context.Context, e *Engine, call *invoke.Invocation) (*value.Value, error) {
	return emptyObject, e.SendTaskFailure(ctx, invoke.TextOf(call.Arguments, "TaskToken"),
		invoke.TextOf(call.Arguments, "Error"), invoke.TextOf(call.Arguments, "Cause"))
}

func sendTaskHeartbeat(ctx context.Context, e *Engine, call *invoke.Invocation) (*value.Value, error) {
	return emptyObject, e.SendTaskHeartbeat(ctx, invoke.TextOf(call.Arguments, "TaskToken"))
}
