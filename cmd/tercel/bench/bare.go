package bench

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// The bare write path: the same rows, as large as those that the engine has just written, in the same closed loop
// through group commit with pgx, and nothing else. Its tables are those of the engine without all indexes but the
// primary keys, so that there is nothing to keep in order for takeovers, timers and lists.
const bareTables = `
CREATE TABLE bare_executions (LIKE executions INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMPRESSION,
    PRIMARY KEY (id)) WITH (fillfactor = 60);
CREATE TABLE bare_history (LIKE history INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMPRESSION,
    PRIMARY KEY (execution_id, seq)) WITH (fillfactor = 100);
`

const (
	bareStart = `INSERT INTO bare_executions (id, machine, revision, owner, started_at, named, namespace, name, input)
		SELECT w.id, w.machine, w.machine, w.machine, w.at, false, 'default', w.name, w.input
		  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::json[], $5::timestamptz[]) AS w (id, machine, name, input, at)`
	bareAppend = `INSERT INTO bare_history SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::bytea[])`
	bareWhole  = `INSERT INTO bare_executions (id, machine, revision, started_at, named, namespace, name, input, status, output,
		                             ended_at)
		SELECT w.id, w.machine, w.machine, w.at, false, 'default', w.name, w.input, 'SUCCEEDED', w.output, w.at
		  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::json[], $5::timestamptz[], $6::json[])
		       AS w (id, machine, name, input, at, output)`
	// Without it, Postgres may choose for good to read the whole table for each batch, as long as it is small.
	barePlans = `SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
		set_config('enable_mergejoin', 'off', true)`
	bareEnd = `UPDATE bare_executions e SET status = 'SUCCEEDED', owner = NULL, output = w.output, ended_at = w.at
		FROM unnest($1::uuid[], $2::json[], $3::timestamptz[]) AS w (id, output, at) WHERE e.id = w.id`
)

// rowSizes gives the mean size of the rows of history that the engine has written, by their place in their execution.
func (b *bench) rowSizes(ctx context.Context) ([]int, error) {
	rows, err := b.pool.Query(ctx, "SELECT avg(octet_length(events))::bigint FROM history GROUP BY seq ORDER BY seq")
	if err != nil {
		return nil, fmt.Errorf("measuring the rows of history: %w", err)
	}
	sizes, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return nil, fmt.Errorf("measuring the rows of history: %w", err)
	}
	return sizes, nil
}

// bareWriters is how many connections the bare path commits on: as many as the engine does.
const bareWriters = 2

// point is a durable point of the bare path.
type point struct {
	id         uuid.UUID
	seq        int64
	events     []byte // nil for no row of history
	start, end bool
	done       chan error
}

// bare commits points in groups: a writer takes all that wait, sends them in one round trip, and wakes their callers.
type bare struct {
	*bench
	machine uuid.UUID
	points  chan *point
	stop    context.CancelFunc
}

func (b *bench) startBare(ctx context.Context) (*bare, error) {
	if _, err := b.pool.Exec(ctx, bareTables); err != nil {
		return nil, fmt.Errorf("making tables for the bare path: %w", err)
	}
	running, stop := context.WithCancel(ctx)
	w := &bare{bench: b, machine: uuid.New(), points: make(chan *point, 4096), stop: stop}
	for range bareWriters {
		go w.write(running)
	}
	return w, nil
}

func (w *bare) end(ctx context.Context) error {
	w.stop()
	_, err := w.pool.Exec(ctx, "DROP TABLE bare_executions, bare_history")
	return err
}

func (w *bare) write(ctx context.Context) {
	var batch []*point
	for {
		batch = batch[:0]
		select {
		case <-ctx.Done():
			return
		case p := <-w.points:
			batch = append(batch, p)
		}
	more:
		for len(batch) < 1000 {
			select {
			case p := <-w.points:
				batch = append(batch, p)
			default:
				break more
			}
		}
		err := w.commit(ctx, batch)
		for _, p := range batch {
			p.done <- err
		}
	}
}
