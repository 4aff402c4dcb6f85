package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tercel-workflows/tercel/engine"
)

const expressDefinition = `{"QueryLanguage": "CEL", "StartAt": "S", "States": {
	"S": {"Type": "Task", "Resource": "function:noop", "End": true}}}`

// express is Express executions of one task that does nothing. Those that are started asynchronously are measured up to
// the moment at which the last one's end is durable, and so are the records of the synchronous ones; the percentiles are
// of the answers to the callers.
func express(ctx context.Context, b *bench, n int) ([]Result, error) {
	inFlight := b.InFlight
	if inFlight == 0 {
		inFlight = 256
	}
	_, err := b.engine.Deploy(ctx, engine.DeployRequest{
		Name: "express", Type: engine.TypeExpress, Definition: []byte(expressDefinition),
	})
	if err != nil {
		return nil, err
	}
	request := engine.StartRequest{StateMachine: "express", Input: []byte(input)}
	start := func(int) error {
		_, _, err := b.engine.StartExecution(ctx, request)
		return err
	}
	sync := func(int) error {
		x, err := b.engine.StartSyncExecution(ctx, request)
		if err == nil && x.Status != engine.Succeeded {
			err = fmt.Errorf("execution %s ended as %s", x.ID, x.Status)
		}
		return err
	}
	warm := max(n/20, inFlight)
	if _, err := b.drained(ctx, warm, inFlight, start); err != nil {
		return nil, err
	}
	started, err := b.measured(ctx, n, func() (timings, error) { return b.drained(ctx, n, inFlight, start) })
	if err != nil {
		return nil, err
	}
	synced, err := b.measured(ctx, n, func() (timings, error) { return b.drained(ctx, n, inFlight, sync) })
	if err != nil {
		return nil, err
	}
	if err := b.checkEnded(ctx, warm+2*n); err != nil {
		return nil, err
	}
	started.Workload, started.Unit = "express", "asynchronous"
	synced.Workload, synced.Unit = "express", "synchronous"
	bareStarted, err := b.bareExpress(ctx, n, inFlight, false)
	if err != nil {
		return nil, err
	}
	bareSynced, err := b.bareExpress(ctx, n, inFlight, true)
	if err != nil {
		return nil, err
	}
	started.against(bareStarted)
	synced.against(bareSynced)
	return []Result{b.complete(ctx, started), b.complete(ctx, synced)}, nil
}

// drained is loop, and then waits until all that it began is durable.
func (b *bench) drained(ctx context.Context, n, inFlight int, one func(int) error) (timings, error) {
	t, err := loop(n, inFlight, one)
	began := time.Now()
	for err == nil && b.engine.Stats().Live > 0 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	t.took += time.Since(began)
	return t, err
}

// bareExpress measures the rows of Express executions: one that is written whole, or one for the start, which is waited
// for, and later its update for the end.
func (b *bench) bareExpress(ctx context.Context, n, inFlight int, whole bool) (limits, error) {
	ends := make(chan error, n)
	return b.bareLoop(ctx, n, inFlight, func(w *bare, _ int) error {
		id := uuid.Must(uuid.NewV7())
		if err := w.put(&point{id: id, start: true, end: whole}); err != nil || whole {
			return err
		}
		w.points <- &point{id: id, end: true, done: ends}
		return nil
	}, func() (err error) {
		for range n {
			if err == nil && !whole {
				err = <-ends
			}
		}
		return err
	})
}

// wholeRows are executions that are written once, with their ends.
type wholeRows struct {
	ids, machines          []pgtype.UUID
	names, inputs, outputs []string
	at                     []time.Time
}

func (r *wholeRows) add(id, machine uuid.UUID, now time.Time) {
	r.ids = append(r.ids, pgtype.UUID{Bytes: id, Valid: true})
	r.machines = append(r.machines, pgtype.UUID{Bytes: machine, Valid: true})
	r.names, r.inputs, r.outputs = append(r.names, id.String()), append(r.inputs, input), append(r.outputs, "null")
	r.at = append(r.at, now)
}
