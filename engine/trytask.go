package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// TryTask makes the call that a task asks for, once, and for no execution: to test a state. Functions, integrations, limits and the
// names of errors are those of executions; nothing of it is recorded, and MaxConcurrency of a function does not count it. An
// error is a *invoke.TaskError, or that of the context. [invoke.WithExchange] shows what passes in an http:invoke.
func (e *Engine) TryTask(ctx context.Context, namespace, machine string, c statemachine.Invoke) (*value.Value, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making the id of a test: %w", err)
	}
	if c.EnteredAt.IsZero() {
		c.EnteredAt = time.Now()
	}
	row := ExecutionRow{ID: id, Name: id.String(), MachineName: machine}
	row.Namespace, row.Type = namespace, TypeExpress
	j := &job{x: &live{row: row}, command: c}
	if j.resource, j.lambda, err = address(&c); err != nil {
		return nil, err
	}
	if j.function = e.integrations.find(j.resource); j.function == nil {
		if j.function, err = e.functions.lookup(ctx, namespace, j.resource); err != nil {
			return nil, &invoke.TaskError{Name: invoke.ErrNotRegistered, Cause: fmt.Sprintf("looking %s up: %v", c.Resource, err)}
		}
	}
	if !c.Deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, c.Deadline)
		defer cancel()
	}
	result, err := e.guardedCall(ctx, j)
	var failed *invoke.TaskError
	switch {
	case err == nil:
		return result, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &failed):
		return nil, failed
	}
	return nil, &invoke.TaskError{Name: invoke.ErrFailed, Cause: err.Error()}
}
