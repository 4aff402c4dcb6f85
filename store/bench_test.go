package store_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tercel-workflows/tercel/engine"
)

// The benchmarks write executions of five steps, which are six rows of history of 200 bytes, a start and an end. A batch
// holds one durable point each of as many executions, in all their stages, as the batches of a busy node do.
const (
	pointsOfExecution = 6
	bytesOfPoint      = 200
)

var batchSizes = []int{1, 10, 100, 1000}

// load makes the batches of a busy node.
type load struct {
	f      *fixture
	live   []uuid.UUID
	next   []int64
	events []byte
}

func newLoad(f *fixture, size int) *load {
	l := &load{f: f, live: make([]uuid.UUID, size), next: make([]int64, size), events: bytes.Repeat([]byte("e"), bytesOfPoint)}
	// They begin one after the other, so that all stages occur in a batch.
	for i := range size {
		l.next[i] = -int64(i % pointsOfExecution)
	}
	return l
}

func (l *load) batch() []*engine.Write {
	now := time.Now()
	batch := make([]*engine.Write, 0, len(l.live))
	for i := range l.live {
		seq := l.next[i]
		l.next[i]++
		if seq < 0 {
			continue
		}
		w := &engine.Write{Execution: l.live[i], Seq: seq, At: now, Events: l.events, Node: l.f.node}
		switch seq {
		case 0:
			l.live[i] = newID()
			w.Execution = l.live[i]
			w.Start = &engine.StartRow{
				Namespace: "default", Machine: l.f.machine.ID, Revision: l.f.machine.Revision, Name: w.Execution.String(),
				Input: input(`{"order": 4711, "customer": "c-12", "total": 99.5}`), StartedAt: now,
			}
		case pointsOfExecution - 1:
			w.End = &engine.EndRow{Status: engine.Succeeded, Output: input(`{"order": 4711, "shipped": true}`), EndedAt: now}
			l.next[i] = 0
		}
		batch = append(batch, w)
	}
	return batch
}

// measure runs the loop of a benchmark and reports the rates and the bytes written to the log.
func measure(b *testing.B, pool *pgxpool.Pool, size int, commit func([]*engine.Write) error, l *load) {
	b.Helper()
	for range 3 * pointsOfExecution { // plans, caches, stages
		if err := commit(l.batch()); err != nil {
			b.Fatal(err)
		}
	}
	before, cpuBefore := walPosition(b, pool), backendCPU(b, pool)
	writes := 0
	b.ResetTimer()
	for b.Loop() {
		batch := l.batch()
		writes += len(batch)
		if err := commit(batch); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	executions := float64(writes) / pointsOfExecution
	b.ReportMetric(float64(writes)/b.Elapsed().Seconds(), "points/s")
	b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(writes), "µs/point")
	if cpuBefore >= 0 {
		b.ReportMetric((backendCPU(b, pool)-cpuBefore)*1e6/float64(writes), "pg_cpu_µs/point")
	}
	b.ReportMetric((walPosition(b, pool)-before)/executions, "wal_B/execution")
}

func walPosition(tb testing.TB, pool *pgxpool.Pool) float64 {
	tb.Helper()
	var position float64
	err := pool.QueryRow(context.Background(), "SELECT (pg_current_wal_insert_lsn() - '0/0')::float8").Scan(&position)
	if err != nil {
		tb.Fatal(err)
	}
	return position
}

// backendCPU gives the processor time, in seconds, of the server process that serves the pool, which in these benchmarks
// uses one connection; negative where the system does not tell. Unlike the rates it does not depend on what else runs.
func backendCPU(tb testing.TB, pool *pgxpool.Pool) float64 {
	tb.Helper()
	var pid int
	if err := pool.QueryRow(context.Background(), "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		tb.Fatal(err)
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return -1
	}
	const ticksPerSecond = 100
	_, fields, _ := strings.Cut(string(stat), ") ") // behind the name, which may hold spaces
	var user, system float64
	if f := strings.Fields(fields); len(f) > 13 {
		user, _ = strconv.ParseFloat(f[11], 64)
		system, _ = strconv.ParseFloat(f[12], 64)
	}
	return (user + system) / ticksPerSecond
}

// BenchmarkCommit compares Commit with bare statements that write the same rows, in the same run.
func BenchmarkCommit(b *testing.B) {
	for _, size := range batchSizes {
		b.Run(fmt.Sprintf("size=%d/store", size), func(b *testing.B) {
			f := newFixture(b)
			measure(b, f.pool, size, func(batch []*engine.Write) error {
				return f.Commit(context.Background(), batch)
			}, newLoad(f, size))
		})
		b.Run(fmt.Sprintf("size=%d/bare", size), func(b *testing.B) {
			f := newFixture(b)
			pool := f.pool
			measure(b, pool, size, bare(pool, true), newLoad(f, size))
		})
		b.Run(fmt.Sprintf("size=%d/history_only", size), func(b *testing.B) {
			f := newFixture(b)
			pool := f.pool
			measure(b, pool, size, bare(pool, false), newLoad(f, size))
		})
	}
}

// bare writes the same rows with no fence, no gate and no outcome: the limit. Without executions it writes the history
// alone.
func bare(pool *pgxpool.Pool, executions bool) func([]*engine.Write) error {
	return func(batch []*engine.Write) error {
		var ids, started, machines, revisions, owners, ended []uuid.UUID
		var seqs []int64
		var ats, startedAt, endedAt []time.Time
		var events, inputs, outputs [][]byte
		var names []string
		for _, w := range batch {
			ids, seqs, ats, events = append(ids, w.Execution), append(seqs, w.Seq), append(ats, w.At), append(events, w.Events)
			if s := w.Start; s != nil {
				started, machines = append(started, w.Execution), append(machines, s.Machine)
				revisions, owners = append(revisions, s.Revision), append(owners, w.Node)
				startedAt, names = append(startedAt, s.StartedAt), append(names, s.Name)
				inputs = append(inputs, s.Input.JSON())
			}
			if w.End != nil {
				ended, endedAt = append(ended, w.Execution), append(endedAt, w.End.EndedAt)
				outputs = append(outputs, w.End.Output.JSON())
			}
		}
		q := &pgx.Batch{}
		if executions && len(started) > 0 {
			q.Queue(`INSERT INTO executions (id, machine, revision, owner, started_at, named, namespace, name, input)
				SELECT i, m, r, o, s, false, 'default', n, j FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[],
				$5::timestamptz[], $6::text[], $7::json[]) AS w (i, m, r, o, s, n, j)`,
				started, machines, revisions, owners, startedAt, names, inputs)
		}
		q.Queue(`INSERT INTO history (execution_id, seq, at, events)
			SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::bytea[])`, ids, seqs, ats, events)
		if executions && len(ended) > 0 {
			q.Queue(`SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
				set_config('enable_mergejoin', 'off', true)`)
			q.Queue(`UPDATE executions e SET status = 'SUCCEEDED', owner = NULL, ended_at = w.a, output = w.o
				FROM unnest($1::uuid[], $2::timestamptz[], $3::json[]) AS w (i, a, o) WHERE e.id = w.i`,
				ended, endedAt, outputs)
		}
		return pool.SendBatch(context.Background(), q).Close()
	}
}
