package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/statemachine"
)

// execution adds an execution's names to its row.
func (e *Engine) execution(row ExecutionRow) Execution {
	return Execution{
		ExecutionRow: row, ARN: e.arn(&row), StateMachineARN: e.StateMachineARN(row.MachineName),
	}
}

// ResolveExecution gives the id of an execution from what a person calls it: its id, `machine/name`, or its ARN.
func (e *Engine) ResolveExecution(ctx context.Context, namespace, ref string) (uuid.UUID, error) {
	x, err := e.DescribeExecution(ctx, namespace, ref)
	return x.ID, err
}

// DescribeExecution gives one execution, by what ResolveExecution takes.
func (e *Engine) DescribeExecution(ctx context.Context, namespace, ref string) (Execution, error) {
	namespace = namespaceOr(namespace)
	none := errorf(CodeExecutionDoesNotExist, "there is no execution %q in namespace %s", ref, namespace)
	id, err := uuid.Parse(ref)
	if err != nil || len(ref) != 36 {
		machine, name, err := executionRef(ref)
		if err != nil {
			return Execution{}, err
		}
		if id, err := expressID(ref); err == nil {
			return e.DescribeExecution(ctx, namespace, id.String())
		}
		row, err := e.cfg.Store.ExecutionByName(ctx, namespace, machine, name)
		switch {
		case err == nil:
			return e.execution(row), nil
		case !errors.Is(err, ErrNotFound):
			return Execution{}, asked(err)
		}
		// An execution that was given no name is called by its id.
		if id, err = uuid.Parse(name); err != nil {
			return Execution{}, none
		}
	}
	x, err := e.byID(ctx, id)
	if err == nil && x.Namespace != namespace {
		return Execution{}, none
	}
	return x, err
}

func (e *Engine) byID(ctx context.Context, id uuid.UUID) (Execution, error) {
	row, err := e.cfg.Store.Execution(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return Execution{}, errorf(CodeExecutionDoesNotExist, "there is no execution %s", id)
	}
	if err != nil {
		return Execution{}, asked(err)
	}
	return e.execution(row), nil
}

// ListExecutions lists executions, newest first, without input and output. Filter.Machine is a name or an ARN.
func (e *Engine) ListExecutions(ctx context.Context, filter Filter, page Page) ([]Execution, error) {
	filter.Namespace = namespaceOr(filter.Namespace)
	if filter.Machine != "" {
		name, err := machineRef(filter.Machine)
		if err != nil {
			return nil, err
		}
		filter.Machine = name
	}
	rows, err := e.cfg.Store.Executions(ctx, filter, page)
	if err != nil {
		return nil, asked(err)
	}
	list := make([]Execution, len(rows))
	for i, row := range rows {
		list[i] = e.execution(row)
	}
	return list, nil
}

// History gives the rows with a seq of at least from, in order, at most limit of them (0: all).
func (e *Engine) History(ctx context.Context, id uuid.UUID, from int64, limit int) (HistoryPage, error) {
	x, err := e.byID(ctx, id)
	if err != nil {
		return HistoryPage{}, err
	}
	definition, err := e.Revision(ctx, x.Revision)
	if err != nil {
		return HistoryPage{}, err
	}
	rows, err := e.cfg.Store.History(ctx, id, from, limit)
	if err != nil {
		return HistoryPage{}, asked(err)
	}
	page := HistoryPage{Execution: x, Definition: definition, Rows: rows}
	// A revision that does not compile with this release has no Machine; its rows can be read all the same.
	if m, err := e.machines.compiled(ctx, x.Revision); err == nil {
		page.Machine = m.machine
	}
	return page, nil
}

// Events decodes the rows of the page, in order.
func (p HistoryPage) Events() ([]statemachine.Event, error) {
	var events []statemachine.Event
	for _, row := range p.Rows {
		more, err := statemachine.DecodeEvents(row.Events)
		if err != nil {
			return nil, fmt.Errorf("reading the history row of seq %d: %w", row.Seq, err)
		}
		events = append(events, more...)
	}
	return events, nil
}

// StopExecution aborts an execution. One that has ended already is left as it is, without an error.
func (e *Engine) StopExecution(ctx context.Context, id uuid.UUID, errName, cause string) (Execution, error) {
	if err := checkFailure(errName, cause); err != nil {
		return Execution{}, err
	}
	c := ForwardedCall{Execution: id, Kind: CallStop, Error: errName, Cause: cause}
	if err := callError(e.deliver(ctx, c, true), &c); err != nil {
		return Execution{}, err
	}
	return e.byID(ctx, id)
}

// RedriveExecution lets an execution that failed, was aborted or timed out go on from where it ended.
func (e *Engine) RedriveExecution(ctx context.Context, id uuid.UUID) (Execution, error) {
	for failures := 0; ; failures++ {
		if err := e.closed(); err != nil {
			return Execution{}, err
		}
		x, err := e.byID(ctx, id)
		if err != nil {
			return Execution{}, err
		}
		switch x.Status {
		case Failed, Aborted, TimedOut:
		case Running, Succeeded, PendingRedrive:
			return x, errorf(CodeExecutionNotRedrivable, "execution %s is %s; only one that failed, was aborted or timed out can be redriven", id, x.Status)
		}
		switch err := e.redrive(ctx, x.ExecutionRow); {
		case err == nil:
			return e.byID(ctx, id)
		case errors.Is(err, statemachine.ErrNotRedrivable):
			return x, errorf(CodeExecutionNotRedrivable, "execution %s: %v", id, err)
		case !errors.Is(err, errMoved):
			return x, err
		}
		// Somebody else redrove it, or it is just on its way out of memory here: look again.
		pause(ctx, backoff(failures))
		if ctx.Err() != nil {
			return x, context.Cause(ctx)
		}
	}
}

// redrive takes an ended execution into memory and decides its redrive there. It gives errMoved if somebody else was
// faster.
func (e *Engine) redrive(ctx context.Context, row ExecutionRow) error {
	x, err := e.rebuild(ctx, row)
	if err != nil {
		return asked(err)
	}
	if x.express != nil {
		return errorf(CodeExecutionNotRedrivable, "execution %s is of the type EXPRESS, which has no redrive; start it anew", row.ID)
	}
	x.resume = false // what was open when it ended is begun anew by the redrive
	done := make(chan error, 1)
	p := e.decide(x, []message{{signal: statemachine.Redrive{}, answer: done}})
	if p == nil {
		select {
		case err := <-done:
			return err
		default:
			return errorf(CodeServiceUnavailable, "nothing came of the redrive of execution %s", row.ID)
		}
	}
	p.write.Reopen = true
	x.pending, x.busy, x.reopened = p, true, true
	if !e.lives.claim(x) {
		return errMoved
	}
	e.submit(p)
	return e.answered(ctx, done)
}
