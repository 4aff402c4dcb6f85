package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
)

// maxSeekingRoom is how many synchronous starts look for room in memory at a time; the others stand in line behind them.
const maxSeekingRoom = 16

// maxUnrecorded is how many writes may wait before the answer of a synchronous execution waits for its record: whoever
// calls faster than the database writes is slowed down, and memory stays bounded.
const maxUnrecorded = 1000

// startExpress starts an Express execution asynchronously. The answer, to done, comes when the start is durable. The execution
// does not wait for that: it is at least once, so what it does before may happen in vain, if the node crashes, but never
// be missing. One that ends before a writer has come to its start is written as a single row.
func (e *Engine) startExpress(m *compiled, row ExecutionRow, done chan error) {
	x := e.newExpress(m, row)
	p := &point{express: x, answers: []answer{{message: message{answer: done}}}}
	p.write = Write{Execution: row.ID, At: row.StartedAt, Node: x.node, Start: startRow(row, false, false)}
	x.express.start = p
	e.lives.add(x)
	e.guardedStep(x)
	e.submit(p)
}

// StartSyncExecution runs an Express execution and gives it as it ended: Status, Output or Error and Cause, StartedAt
// and EndedAt. It runs once at most: if this node ends before it does, the answer is ServiceUnavailable, and what it has
// done so far is done. If ctx ends before, the execution goes on. It gives StateMachineTypeNotSupported for a machine of
// the type STANDARD.
//
// What is kept of the execution is written after the answer, see LogLevel; a crash in between loses the record.
func (e *Engine) StartSyncExecution(ctx context.Context, r StartRequest) (Execution, error) {
	if err := e.closed(); err != nil {
		return Execution{}, err
	}
	if err := e.awaitRoom(ctx, &r); err != nil {
		return Execution{}, err
	}
	m, row, err := e.prepare(ctx, r)
	if err != nil {
		return Execution{}, err
	}
	if !m.express() {
		return Execution{}, errorf(CodeTypeNotSupported, "state machine %s is of the type STANDARD, which cannot be run "+
			"synchronously; start it, and wait for its end, or deploy it as EXPRESS", row.MachineName)
	}
	x := e.newExpress(m, row)
	x.express.sync = true
	told := make(chan Execution, 1)
	x.waiters = append(x.waiters, told)
	e.lives.add(x)
	e.counters.started.Add(1)
	e.metrics.started(&row)
	e.guardedStep(x)
	return e.syncAnswer(ctx, x, told)
}

// awaitRoom waits until memory takes another execution.
func (e *Engine) awaitRoom(ctx context.Context, r *StartRequest) error {
	if e.room() > 0 {
		return nil
	}
	weight := e.weight(r)
	if err := e.syncs.enter(ctx, keyOf(r), weight); err != nil {
		return err
	}
	defer e.syncs.leave(weight)
	for failures := 0; e.room() <= 0; failures++ {
		pause(ctx, backoff(min(failures, 2)))
		if ctx.Err() != nil {
			return errors.Join(errorf(CodeServiceUnavailable, "the node runs as many executions as it may; try again"), context.Cause(ctx))
		}
		if err := e.closed(); err != nil {
			return err
		}
	}
	return nil
}

// syncAnswer waits for the end of a synchronous execution.
func (e *Engine) syncAnswer(ctx context.Context, x *live, told <-chan Execution) (Execution, error) {
	var ended Execution
	known := false
	select {
	case ended, known = <-told:
	case <-ctx.Done():
		return e.execution(x.row), fmt.Errorf("waiting for execution %s, which goes on: %w", x.row.ID, context.Cause(ctx))
	case <-e.writing.Done():
		select {
		case ended, known = <-told: // it came just before the end
		default:
		}
	}
	if !known {
		return Execution{}, errorf(CodeServiceUnavailable, "execution %s was cut off, for its node is ending; a synchronous "+
			"execution is not run again by itself, and it may have done part of its work", x.row.ID)
	}
	return ended, nil
}

// newExpress gives an Express execution that is about to start, in nobody's queue yet.
func (e *Engine) newExpress(m *compiled, row ExecutionRow) *live {
	x := &live{row: row, node: e.nodeID(), machine: m.machine, express: m.newExpress(), busy: true}
	x.run = m.machine.NewRun(e.info(&row))
	x.trace = e.tracer.open(&x.row)
	x.watchRun()
	x.mailbox = []message{{signal: statemachine.Start{}}}
	return x
}

// actAtOnce carries out what an Express execution has decided, which nothing makes durable. It gives true if the work on
// it goes on.
func (e *Engine) actAtOnce(x *live, p *point) bool {
	x.trace.emit(p.spans)
	e.metrics.entered(&x.row, p.entered)
	e.act(x, p.commands)
	if x.run.Status() != statemachine.Running {
		e.endExpress(x, p, endRow(x.run))
		return false
	}
	e.timers.set(x, x.run.NextDeadline())
	p.answer(nil)
	if proceeds(p.commands) {
		e.runnable.push(x) // it would go on for long: others have their turn first
		return false
	}
	return true
}

func proceeds(commands []statemachine.Command) bool {
	for _, c := range commands {
		if _, ok := c.(statemachine.Proceed); ok {
			return true
		}
	}
	return false
}

// endExpress brings an end to the writers. From here until it is written, nobody works on the execution.
func (e *Engine) endExpress(x *live, p *point, end *EndRow) {
	s, w := x.express, &p.write
	p.x = x
	w.Execution, w.At, w.Node, w.End = x.row.ID, end.EndedAt, x.node, end
	w.Events = s.history(end.Status)
	if s.cut {
		e.log.WarnContext(x.logged(), "an execution is too large for its history to be kept", keyExecution, x.row.ID, keyMachine, x.row.MachineName)
	}
	x.pending = p
	if s.sync {
		e.recordSync(x, p)
		return
	}
	w.Owned = true
	size := len(w.Events)
	if end.Output != nil {
		size += len(end.Output.JSON())
	}
	s.mu.Lock()
	start := s.start
	merged := start != nil && !s.sealed && size <= maxMerged
	switch {
	case merged:
		start.x = x
		start.write.At, start.write.Events, start.write.End = w.At, w.Events, w.End
		start.answers = append(start.answers, p.answers...)
		x.pending = start
	case start != nil:
		s.end = p
	}
	s.mu.Unlock()
	if start == nil {
		e.submit(p)
	}
}

// recordSync answers the caller of a synchronous execution, and has its record written.
func (e *Engine) recordSync(x *live, p *point) {
	if x.express.level == LogOff {
		x.pending = nil
		e.counters.ended.Add(1)
		e.metrics.ended(&x.row, p.write.End)
		x.trace.ended(x.run, p.write.End)
		e.tellEnd(x, p.write.End)
		e.retire(x, errEnded)
		p.answer(nil)
		return
	}
	p.write.Start = startRow(x.row, false, false)
	if e.writes.len() < maxUnrecorded {
		e.tellEnd(x, p.write.End) // else they are told once it is written
	}
	e.submit(p)
}

// seal keeps a start from being changed while it is written.
func (p *point) seal() {
	if p.express == nil {
		return
	}
	s := p.express.express
	s.mu.Lock()
	s.sealed = true
	s.mu.Unlock()
}

// expressStarted goes on with an execution whose start is written: if it has ended meanwhile, its end is next.
func (e *Engine) expressStarted(p *point) {
	x, s := p.express, p.express.express
	s.mu.Lock()
	s.start = nil
	end := s.end
	s.end = nil
	s.mu.Unlock()
	switch {
	case p.write.Outcome == OutcomeCommitted && end != nil:
		e.submit(end)
	case p.write.Outcome == OutcomeCommitted:
	case end != nil: // nothing of it is there, and nobody works on it any more
		e.retire(x, errMoved)
		end.answer(errMoved)
	default:
		e.evict(x)
	}
}

// condemnExpress ends an execution whose run panicked, or whose end the database refused. There is no history to go
// back to.
func (e *Engine) condemnExpress(x *live, cause string) {
	if x.broken {
		if !x.express.sync {
			e.setAside(x.row.ID, errors.New(cause))
		}
		e.retire(x, errMoved)
		return
	}
	x.broken = true
	x.express.events = nil
	name := statemachine.ErrorRuntime
	e.endExpress(x, &point{}, &EndRow{Status: Failed, Error: &name, Cause: &cause, EndedAt: e.env(x).Now})
}

// graceForExpress lets Express executions end, for as long as function calls may: those that do not begin anew on another
// node, or not at all.
func (e *Engine) graceForExpress(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.ShutdownGrace)
	defer cancel()
	for ctx.Err() == nil && slices.ContainsFunc(e.lives.all(), func(x *live) bool { return x.express != nil }) {
		pause(ctx, 5*time.Millisecond)
	}
}
