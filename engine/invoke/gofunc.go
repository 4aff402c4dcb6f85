package invoke

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Func is a function in this process. Its result is turned into JSON as encoding/json does; json.RawMessage and
// *value.Value are taken as they are. An error with a method ErrorType() string names the ASL error it becomes, and so
// does a *TaskError. A call may be delivered more than once, after a crash; IdempotencyKey is the same then.
type Func func(ctx context.Context, task TaskInfo, input json.RawMessage) (any, error)

// Invoke calls the function. A panic becomes the error Function.Panicked.
func (f Func) Invoke(ctx context.Context, call *Invocation) (result *value.Value, err error) {
	defer func() {
		if p := recover(); p != nil {
			result, err = nil, failure(ErrPanicked, "%v\n%s", p, shortStack(debug.Stack()))
		}
	}()
	out, err := f(ctx, call.TaskInfo, json.RawMessage(call.Arguments.JSON()))
	if err != nil {
		return nil, goError(err)
	}
	result, err = goResult(out)
	if err != nil {
		return nil, err
	}
	if n := len(result.JSON()); call.MaxResult > 0 && n > call.MaxResult {
		return nil, failure(ErrDataLimit, "the function gave %d bytes; at most %d are allowed", n, call.MaxResult)
	}
	return result, nil
}

func goResult(out any) (*value.Value, error) {
	switch v := out.(type) {
	case nil:
		return value.NullValue, nil
	case *value.Value:
		if v == nil {
			return value.NullValue, nil
		}
		return v, nil
	case json.RawMessage:
		return parseResult(v, "what the function gave")
	}
	text, err := json.Marshal(out)
	if err != nil {
		return nil, failure(ErrInvalidResponse, "what the function gave, a %T, cannot be JSON: %v", out, err)
	}
	return value.Trusted(text), nil
}

// goError gives the ASL error of a Go error.
func goError(err error) error {
	if task, ok := errors.AsType[*TaskError](err); ok {
		return task
	}
	var typed interface{ ErrorType() string }
	if errors.As(err, &typed) && typed.ErrorType() != "" {
		return &TaskError{Name: clip(typed.ErrorType(), maxErrorName), Cause: clip(err.Error(), maxCause)}
	}
	return failure(ErrFailed, "%v", err)
}

// shortStack keeps the part of a stack that tells people something: the first frames below the panic.
func shortStack(stack []byte) string {
	lines := strings.Split(strings.TrimSpace(string(stack)), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "panic(") && i+2 <= len(lines) {
			lines = lines[i+2:]
			break
		}
	}
	return strings.Join(lines[:min(len(lines), 8)], "\n")
}

// Typed makes a Func of a function with types of its own, read and written as encoding/json does. Input that does not
// fit In is the error ErrInvalidInput.
func Typed[In, Out any](f func(ctx context.Context, task TaskInfo, in In) (Out, error)) Func {
	return func(ctx context.Context, task TaskInfo, input json.RawMessage) (any, error) {
		var in In
		if err := json.Unmarshal(input, &in); err != nil {
			return nil, &TaskError{Name: ErrInvalidInput, Cause: fmt.Sprintf("reading the arguments: %v", err)}
		}
		return f(ctx, task, in)
	}
}
