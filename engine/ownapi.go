package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/engine/invoke/aws"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// OwnAPI is the AWS Step Functions API of this cluster, which tasks reach as aws-sdk:sfn:ACTION. Package web/awsapi is it.
type OwnAPI interface {
	// Operation carries out an operation for a task, in the task's namespace, and gives its output as JSON with times as text. An
	// *Error is the refusal of the API.
	Operation(ctx context.Context, task TaskInfo, name string, input []byte) (output []byte, err error)
}

// ownAPIPatience is how long a task waits for a node that has just started to serve the API.
const ownAPIPatience = 15 * time.Second

// ownAPI holds the API once there is one.
type ownAPI struct {
	once  sync.Once
	ready chan struct{}
	api   OwnAPI
}

// ServeTasks lets tasks call the API of this cluster. Those that do so before wait a little for it, and fail without. Only the first call counts.
func (e *Engine) ServeTasks(api OwnAPI) {
	e.own.once.Do(func() {
		e.own.api = api
		close(e.own.ready)
	})
}

// ownCall is an action of aws-sdk:sfn that is left to OwnAPI.
type ownCall struct {
	engine *Engine
	action string // begins with a small letter
}

// do carries the operation out.
func (o ownCall) do(ctx context.Context, _ *Engine, call *invoke.Invocation) (*value.Value, error) {
	if call.Arguments.Kind() != value.Object {
		return nil, invoke.Unusable(call.Arguments, "The parameters must be an object")
	}
	select {
	case <-o.engine.own.ready:
	case <-time.After(ownAPIPatience):
		return nil, errorf(CodeServiceUnavailable, "this node does not serve the AWS Step Functions API, which aws-sdk:sfn:%s needs", o.action)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	output, err := o.engine.own.api.Operation(ctx, call.TaskInfo, aws.Capital(o.action), aws.Uncapitalized(call.Arguments).JSON())
	if err != nil {
		return nil, err
	}
	v, err := value.Parse(output)
	if err != nil {
		return nil, fmt.Errorf("reading the answer to aws-sdk:sfn:%s: %w", o.action, err)
	}
	return aws.Capitalized(v), nil
}
