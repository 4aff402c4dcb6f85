package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/statemachine"
)

// corruptError says that an execution cannot be rebuilt from what the database has of it.
type corruptError struct{ err error }

func (c corruptError) Error() string { return c.err.Error() }
func (c corruptError) Unwrap() error { return c.err }

func isCorrupt(err error) bool {
	var c corruptError
	return errors.As(err, &c)
}

// restore brings a claimed execution into memory, with its first signal; one that has not started gets its start. ByTime
// says that it was claimed because its time had come. An *endedError says that the execution has ended meanwhile.
func (e *Engine) restore(ctx context.Context, node uuid.UUID, c *Claimed, first statemachine.Signal, byTime bool) (*live, error) {
	x, err := e.newLive(ctx, node, c.Execution)
	if err != nil {
		return nil, err
	}
	if err := x.replay(e.info(&x.row), c); err != nil {
		return nil, err
	}
	if status := x.run.Status(); status != "" && status != statemachine.Running {
		// A signal for it was quicker than the claim: its last row was written between the claim and the reading of the
		// history, and the same write has taken the execution back from the claim.
		return nil, &endedError{status: Status(status)}
	}
	x.resume, x.byTime = x.express == nil, byTime
	if x.express != nil {
		x.express.taken()
	}
	x.returns()
	if due := x.run.NextDeadline(); byTime && !due.IsZero() {
		e.metrics.late(e.now().Sub(due))
	}
	if x.run.Status() == "" {
		first = statemachine.Start{}
	}
	return e.admit(x, message{signal: first}), nil
}

// newLive gives an execution of which nothing is known but its row.
func (e *Engine) newLive(ctx context.Context, node uuid.UUID, row ExecutionRow) (*live, error) {
	m, err := e.machines.compiled(ctx, row.Revision)
	if err != nil {
		return nil, fmt.Errorf("getting the state machine of execution %s: %w", row.ID, err)
	}
	if row.MachineName == "" {
		row.MachineName = m.definition.Name
	}
	row.Type, row.RoleARN = m.definition.Type, m.definition.RoleARN
	x := &live{row: row, node: node, machine: m.machine, express: m.newExpress(), seq: 0}
	x.run = m.machine.NewRun(e.info(&row))
	x.trace = e.tracer.open(&x.row)
	return x, nil
}

// info gives what the run knows of its execution.
func (e *Engine) info(row *ExecutionRow) statemachine.Info {
	return statemachine.Info{
		ExecutionID:    e.arn(row),
		ExecutionName:  row.Name,
		RoleARN:        cmp.Or(row.RoleARN, e.DefaultRoleARN()),
		StateMachineID: e.StateMachineARN(row.MachineName),
		StateMachine:   row.MachineName,
		Input:          row.Input,
	}
}

// replay rebuilds the run from the snapshot and the history behind it.
func (x *live) replay(info statemachine.Info, c *Claimed) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = corruptError{fmt.Errorf("rebuilding the run panicked: %v\n%s", p, debug.Stack())}
		}
	}()
	if c.Snapshot != nil {
		run, err := x.machine.Restore(info, c.Snapshot)
		if err != nil {
			return corruptError{fmt.Errorf("reading the snapshot of seq %d: %w", c.SnapshotSeq, err)}
		}
		x.run, x.seq, x.snapshot = run, c.SnapshotSeq+1, len(c.Snapshot)
		x.lastAt = run.LastAt()
	}
	for _, row := range c.History {
		if row.Seq < x.seq {
			continue
		}
		if row.Seq != x.seq {
			return corruptError{fmt.Errorf("the history has no row of seq %d, the next is %d", x.seq, row.Seq)}
		}
		if err := x.applyRow(row); err != nil {
			return corruptError{fmt.Errorf("reading the history row of seq %d: %w", row.Seq, err)}
		}
	}
	x.watchRun()
	return nil
}

func (x *live) applyRow(row HistoryRow) error {
	events, err := statemachine.DecodeEvents(row.Events)
	if err != nil {
		return err
	}
	for _, ev := range events {
		if err := x.run.Apply(ev); err != nil {
			return err
		}
	}
	x.seq, x.lastAt = row.Seq+1, row.At
	x.rows++
	x.bytes += len(row.Events)
	return nil
}

// rebuild gives an execution from its whole history, not yet in memory's set.
func (e *Engine) rebuild(ctx context.Context, row ExecutionRow) (*live, error) {
	x, err := e.newLive(ctx, e.nodeID(), row)
	if err != nil {
		return nil, err
	}
	rows, err := e.cfg.Store.History(ctx, row.ID, 0, 0)
	if err != nil {
		return nil, fmt.Errorf("reading the history of execution %s: %w", row.ID, err)
	}
	if err := x.replay(e.info(&x.row), &Claimed{SnapshotSeq: -1, History: rows}); err != nil {
		return nil, err
	}
	x.resume = true
	return x, nil
}

// admit puts an execution into memory and lets the runners have it. If the same is there unowned, that one is given: it
// goes on, and x comes after it if need be.
func (e *Engine) admit(x *live, first message) *live {
	x.mailbox, x.busy = []message{first}, true
	if former := e.lives.enter(x, func() { e.admit(x, first) }); former != nil {
		return former
	}
	e.runnable.push(x)
	return x
}
