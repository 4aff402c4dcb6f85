package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// nameTaken is what a start is answered whose name another execution has.
type nameTaken struct{ existing uuid.UUID }

func (n *nameTaken) Error() string { return "the name is taken by execution " + n.existing.String() }

// StartExecution starts an execution. Its answer comes after the commit. The same name with the same input gives the
// execution that is there already, and created is false; with other input it gives ExecutionAlreadyExists.
func (e *Engine) StartExecution(ctx context.Context, r StartRequest) (x Execution, created bool, err error) {
	if err := e.closed(); err != nil {
		return Execution{}, false, err
	}
	weight := e.weight(&r)
	if err := e.starts.enter(ctx, keyOf(&r), weight); err != nil {
		return Execution{}, false, err
	}
	defer e.starts.leave(weight)
	return e.startOne(ctx, r)
}

// keyOf gives by what starts have their turns.
func keyOf(r *StartRequest) machineKey { return machineKey{namespaceOr(r.Namespace), r.StateMachine} }

// weight gives what a start's input weighs while it is under way; one that is too large is refused at once.
func (e *Engine) weight(r *StartRequest) int { return min(len(r.Input), e.cfg.Limits.Payload) }

// startOne starts an execution, once there is room for its start.
func (e *Engine) startOne(ctx context.Context, r StartRequest) (x Execution, created bool, err error) {
	machine, row, err := e.prepare(ctx, r)
	if err != nil {
		return Execution{}, false, err
	}
	named := r.Name != "" && !machine.express()
	done := make(chan error, 1)
	switch {
	case e.starved.Load() || e.reserve(1) == 0:
		e.starved.Store(true)
		e.submit(&point{
			write:   Write{Execution: row.ID, At: row.StartedAt, Start: startRow(row, named, true)},
			answers: []answer{{message: message{answer: done}}},
		})
	case machine.express():
		e.startExpress(machine, row, done)
		e.reserved.Add(-1)
	default:
		err := e.begin(machine, row, named, done)
		e.reserved.Add(-1)
		if err != nil {
			return Execution{}, false, err
		}
	}
	return e.started(ctx, row, e.answered(ctx, done))
}

// started gives the answer to a start.
func (e *Engine) started(ctx context.Context, row ExecutionRow, err error) (Execution, bool, error) {
	var taken *nameTaken
	switch {
	case errors.As(err, &taken):
		x, err := e.existing(ctx, taken.existing, row)
		return x, false, err
	case err == nil, errors.Is(err, errMoved): // moved: it is durable, and went on elsewhere
		e.counters.started.Add(1)
		e.metrics.started(&row)
		return e.execution(row), true, nil
	default:
		return Execution{}, false, err
	}
}

// prepare checks a start and gives the row of its execution.
func (e *Engine) prepare(ctx context.Context, r StartRequest) (*compiled, ExecutionRow, error) {
	namespace := namespaceOr(r.Namespace)
	name, qualifier, err := machineTarget(r.StateMachine)
	if err != nil {
		return nil, ExecutionRow{}, err
	}
	if r.Name != "" {
		if err := checkName("execution", r.Name); err != nil {
			return nil, ExecutionRow{}, err
		}
	}
	input, err := e.input(r.Input)
	if err != nil {
		return nil, ExecutionRow{}, err
	}
	var machine *compiled
	var route Route
	err = e.persist(ctx, func(ctx context.Context) (err error) {
		if qualifier != "" {
			machine, route, err = e.machines.choose(ctx, namespace, name, qualifier)
		} else {
			machine, err = e.machines.current(ctx, namespace, name)
		}
		return err
	})
	if err != nil {
		return nil, ExecutionRow{}, err
	}
	if err := checkInput(machine, input); err != nil {
		return nil, ExecutionRow{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, ExecutionRow{}, fmt.Errorf("making an id for the execution: %w", err)
	}
	row := ExecutionRow{
		ID: id, Namespace: namespace, Machine: machine.definition.ID, MachineName: machine.definition.Name,
		Revision: machine.definition.Revision, Name: r.Name, Status: Running, Input: input,
		StartedAt: e.now().Truncate(time.Millisecond), Type: machine.definition.Type, Route: route,
		RoleARN: machine.definition.RoleARN,
	}
	row.TraceContext = starter(ctx, r.TraceContext)
	if row.Name == "" {
		row.Name = id.String()
	}
	return machine, row, nil
}

func (e *Engine) input(text []byte) (*value.Value, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return value.Trusted([]byte("{}")), nil
	}
	if len(text) > e.cfg.Limits.Payload {
		return nil, errorf(CodeInvalidExecutionInput, "the input has %d bytes; at most %d are allowed", len(text), e.cfg.Limits.Payload)
	}
	v, err := value.Parse(text)
	if err != nil {
		return nil, errorf(CodeInvalidExecutionInput, "the input is %v", err)
	}
	return v, nil
}

// begin decides the start, before anything of the execution is written, so that the start and what follows from it are
// one durable point.
func (e *Engine) begin(m *compiled, row ExecutionRow, named bool, done chan error) error {
	x := &live{row: row, node: e.nodeID(), machine: m.machine, run: m.machine.NewRun(e.info(&row)), busy: true}
	x.trace = e.tracer.open(&x.row)
	x.watchRun()
	p := e.decide(x, []message{{signal: statemachine.Start{}, answer: done}})
	if p == nil {
		select {
		case err := <-done:
			if err != nil {
				return err
			}
		default:
		}
		return errorf(CodeServiceUnavailable, "the engine could not start the execution: nothing came of its start")
	}
	p.write.Start = startRow(row, named, false)
	x.pending = p
	e.lives.add(x)
	e.submit(p)
	return nil
}

func startRow(row ExecutionRow, named, waiting bool) *StartRow {
	return &StartRow{
		Namespace: row.Namespace, Machine: row.Machine, Revision: row.Revision, Name: row.Name, Named: named,
		Input: row.Input, StartedAt: row.StartedAt, TraceContext: row.TraceContext, Waiting: waiting,
		Route: row.Route,
	}
}

// existing gives the execution that has the name of a start already, if it has the same input too.
func (e *Engine) existing(ctx context.Context, id uuid.UUID, wanted ExecutionRow) (Execution, error) {
	var row ExecutionRow
	err := e.persist(ctx, func(ctx context.Context) (err error) {
		row, err = e.cfg.Store.Execution(ctx, id)
		return err
	})
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Execution{}, err
	}
	if err == nil && sameJSON(row.Input, wanted.Input) {
		return e.execution(row), nil
	}
	return Execution{}, errorf(CodeExecutionAlreadyExists,
		"state machine %s has an execution named %q already, with other input; choose another name", wanted.MachineName, wanted.Name)
}

// sameJSON compares texts but for white space.
func sameJSON(a, b *value.Value) bool {
	if a == nil || b == nil {
		return a == b
	}
	var x, y bytes.Buffer
	return json.Compact(&x, a.JSON()) == nil && json.Compact(&y, b.JSON()) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

// StartExecutionTx starts an execution within a transaction of the caller's: it runs if and when that commits. Call
// Kick after the commit for it to begin at once; without, it begins within Config.Poll.
func (e *Engine) StartExecutionTx(ctx context.Context, tx pgx.Tx, r StartRequest) (x Execution, created bool, err error) {
	machine, row, err := e.prepare(ctx, r)
	if err != nil {
		return Execution{}, false, err
	}
	named := r.Name != "" && !machine.express()
	w := &Write{Execution: row.ID, At: row.StartedAt, Start: startRow(row, named, true)}
	if err := e.cfg.Store.CommitTx(ctx, tx, []*Write{w}); err != nil {
		return Execution{}, false, err
	}
	switch w.Outcome {
	case OutcomeNameTaken:
		err = &nameTaken{existing: w.Existing}
	case OutcomeRefused:
		err = refusal(w.Err)
	case OutcomeCommitted, OutcomeFenced:
	}
	return e.started(ctx, row, err)
}
