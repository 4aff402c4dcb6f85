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

// rowBytes is the size of a row of history that says little: that an item is done, or nothing at all.
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
		b.Queue(barePlans)
		b.Queue(bareEnd, ended, outputs, endedAt)
	}
	return w.pool.SendBatch(ctx, b).Close()
}

// filler gives a row of history of a size.
func filler(size int) []byte { return bytes.Repeat([]byte{'e'}, size) }

// put commits a point and waits for it.
func (w *bare) put(p *point) error {
	p.done = make(chan error, 1)
	w.points <- p
	return <-p.done
}

// limits are what the bare path reached.
type limits struct {
	rate                 float64
	engineCPU, serverCPU float64 // seconds
}

// against notes in a result what the bare path reached with as much.
func (r *Result) against(l limits) {
	r.LimitRate, r.LimitEngineCPU, r.LimitPostgresCPU = l.rate, l.engineCPU, l.serverCPU
}

// bareLoop measures a closed loop of n durable points, or series of them, with what comes after it.
func (b *bench) bareLoop(ctx context.Context, n, inFlight int, one func(w *bare, i int) error, after ...func() error) (l limits, err error) {
	w, err := b.startBare(ctx)
	if err != nil {
		return l, err
	}
	defer func() {
		if ending := w.end(ctx); err == nil {
			err = ending
		}
	}()
	return w.loop(ctx, n, inFlight, one, after...)
}

func (w *bare) loop(ctx context.Context, n, inFlight int, one func(w *bare, i int) error, after ...func() error) (l limits, err error) {
	before, err := w.meter.read(ctx)
	if err != nil {
		return l, err
	}
	began := time.Now()
	_, err = loop(n, inFlight, func(i int) error { return one(w, i) })
	for _, f := range after {
		if err == nil {
			err = f()
		}
	}
	if err != nil {
		return l, err
	}
	took := time.Since(began)
	then, err := w.meter.read(ctx)
	return limits{
		rate: float64(n) / took.Seconds(), engineCPU: then.engineCPU - before.engineCPU, serverCPU: then.serverCPU - before.serverCPU,
	}, err
}

// bareExecutions measures executions whose rows of history have the sizes given; each is written when the one before is
// durable.
func (b *bench) bareExecutions(ctx context.Context, n, inFlight int, sizes []int) (limits, error) {
	return b.bareLoop(ctx, n, inFlight, func(w *bare, _ int) error {
		id := uuid.Must(uuid.NewV7())
		for seq, size := range sizes {
			p := &point{id: id, seq: int64(seq), events: filler(size), start: seq == 0, end: seq == len(sizes)-1}
			if err := w.put(p); err != nil {
				return err
			}
		}
		return nil
	})
}

// bareItems measures one execution that gets a row of history for each item, all of them at once.
func (b *bench) bareItems(ctx context.Context, n int) (limits, error) {
	events := filler(rowBytes)
	id := uuid.Must(uuid.NewV7())
	return b.bareLoop(ctx, n, 1000, func(w *bare, i int) error {
		return w.put(&point{id: id, seq: int64(i), events: events})
	})
}

// bareParks measures starts with one row of history each, as large as the rows that the engine needs to begin and to
// park, and then ends with another.
func (b *bench) bareParks(ctx context.Context, n, inFlight int, sizes []int) (starts, ends limits, err error) {
	w, err := b.startBare(ctx)
	if err != nil {
		return starts, ends, err
	}
	defer func() {
		if ending := w.end(ctx); err == nil {
			err = ending
		}
	}()
	ids := make([]uuid.UUID, n)
	last := len(sizes) - 1
	begun := 0
	for _, size := range sizes[:last] {
		begun += size
	}
	starts, err = w.loop(ctx, n, inFlight, func(w *bare, i int) error {
		ids[i] = uuid.Must(uuid.NewV7())
		return w.put(&point{id: ids[i], events: filler(begun), start: true})
	})
	if err != nil {
		return starts, ends, err
	}
	ends, err = w.loop(ctx, n, inFlight, func(w *bare, i int) error {
		return w.put(&point{id: ids[i], seq: 1, events: filler(sizes[last]), end: true})
	})
	return starts, ends, err
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
	events := filler(rowBytes)
	const n = 1000
	began := time.Now()
	for range n {
		if _, err := conn.Exec(ctx, "INSERT INTO bare_single VALUES ($1, $2)", uuid.Must(uuid.NewV7()), events); err != nil {
			return 0, err
		}
	}
	return n / time.Since(began).Seconds(), nil
}
