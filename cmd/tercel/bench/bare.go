package bench

import (
	"context"
	"fmt"

	"github.com/google/uuid"
)

// The bare write path: the same rows in the same closed loop through group commit with pgx, and nothing else. Its
// tables are those of the engine, without the indexes that only the engine needs.
const bareTables = `
CREATE TABLE bare_executions (
    id uuid PRIMARY KEY, machine uuid NOT NULL, name text NOT NULL, input json, started_at timestamptz NOT NULL,
    status text NOT NULL DEFAULT 'RUNNING', output json, ended_at timestamptz);
CREATE TABLE bare_history (
    execution_id uuid NOT NULL, seq bigint NOT NULL, at timestamptz NOT NULL, events bytea NOT NULL,
    PRIMARY KEY (execution_id, seq));
`

const (
	bareStart = `INSERT INTO bare_executions (id, machine, name, input, started_at)
		SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::json[], $5::timestamptz[])`
	bareAppend = `INSERT INTO bare_history SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::bytea[])`
	bareWhole  = `INSERT INTO bare_executions (id, machine, name, input, started_at, status, output, ended_at)
		SELECT id, machine, name, input, started_at, 'SUCCEEDED', output, started_at
		  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::json[], $5::timestamptz[], $6::json[])
		       AS w (id, machine, name, input, started_at, output)`
	bareEnd = `UPDATE bare_executions e SET status = 'SUCCEEDED', output = w.output, ended_at = w.at
		FROM unnest($1::uuid[], $2::json[], $3::timestamptz[]) AS w (id, output, at) WHERE e.id = w.id`
)

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
