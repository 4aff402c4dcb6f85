package bench

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// rowBytes is the size of the events in a row of history of the sequence workload, in the middle of an execution.
const rowBytes = 40

func (w *bare) commit(ctx context.Context, batch []*point) error {
	var ids, started, machines, ended []pgtype.UUID
	var seqs []int64
	var at, startedAt, endedAt []time.Time
	var events [][]byte
	var names, inputs, outputs []string
	var whole wholeRows
	now := time.Now()
	for _, p := range batch {
		id := pgtype.UUID{Bytes: p.id, Valid: true}
		if p.events != nil {
			ids, seqs, at, events = append(ids, id), append(seqs, p.seq), append(at, now), append(events, p.events)
		}
		if p.start && p.end && p.events == nil {
			whole.add(p.id, w.machine, now)
			continue
		}
		if p.start {
			started, machines = append(started, id), append(machines, pgtype.UUID{Bytes: w.machine, Valid: true})
			names, inputs, startedAt = append(names, p.id.String()), append(inputs, input), append(startedAt, now)
		}
		if p.end {
			ended, outputs, endedAt = append(ended, id), append(outputs, "null"), append(endedAt, now)
		}
	}
	b := &pgx.Batch{}
	if len(started) > 0 {
		b.Queue(bareStart, started, machines, names, inputs, startedAt)
	}
	if len(whole.ids) > 0 {
		b.Queue(bareWhole, whole.ids, whole.machines, whole.names, whole.inputs, whole.at, whole.outputs)
	}
	if len(ids) > 0 {
		b.Queue(bareAppend, ids, seqs, at, events)
	}
	if len(ended) > 0 {
		b.Queue(bareEnd, ended, outputs, endedAt)
	}
	return w.pool.SendBatch(ctx, b).Close()
}

// bareExecutions measures executions of so many rows a second.
func (b *bench) bareExecutions(ctx context.Context, n, inFlight, rows int) (rate float64, err error) {
	w, err := b.startBare(ctx)
	if err != nil {
		return 0, err
	}
	defer func() {
		if ending := w.end(ctx); err == nil {
			err = ending
		}
	}()
	events := bytes.Repeat([]byte{'e'}, rowBytes)
	t, err := loop(n, inFlight, func(int) error {
		id := uuid.Must(uuid.NewV7())
		done := make(chan error, 1)
		for seq := range rows {
			w.points <- &point{id: id, seq: int64(seq), events: events, start: seq == 0, end: seq == rows-1, done: done}
			if err := <-done; err != nil {
				return err
			}
		}
		return nil
	})
	return float64(n) / t.took.Seconds(), err
}

// bareItems measures one execution that gets a row of history for each item, all of them at once.
func (b *bench) bareItems(ctx context.Context, n int) (rate float64, err error) {
	w, err := b.startBare(ctx)
	if err != nil {
		return 0, err
	}
	defer func() {
		if ending := w.end(ctx); err == nil {
			err = ending
		}
	}()
	events := bytes.Repeat([]byte{'e'}, rowBytes)
	id := uuid.Must(uuid.NewV7())
	t, err := loop(n, 1000, func(i int) error {
		done := make(chan error, 1)
		w.points <- &point{id: id, seq: int64(i), events: events, done: done}
		return <-done
	})
	return float64(n) / t.took.Seconds(), err
}

// singleCommits measures commits of one small row a second, on one connection.
func (b *bench) singleCommits(ctx context.Context) (rate float64, err error) {
	conn, err := b.pool.Acquire(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "CREATE TABLE bare_single (id uuid PRIMARY KEY, events bytea NOT NULL)"); err != nil {
		return 0, fmt.Errorf("making a table for single commits: %w", err)
	}
	defer func() {
		if _, dropping := conn.Exec(ctx, "DROP TABLE bare_single"); err == nil {
			err = dropping
		}
	}()
	events := bytes.Repeat([]byte{'e'}, rowBytes)
	const n = 1000
	began := time.Now()
	for range n {
		if _, err := conn.Exec(ctx, "INSERT INTO bare_single VALUES ($1, $2)", uuid.Must(uuid.NewV7()), events); err != nil {
			return 0, err
		}
	}
	return n / time.Since(began).Seconds(), nil
}
