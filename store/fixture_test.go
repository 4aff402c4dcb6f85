package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/statemachine/value"
	"github.com/tercel-workflows/tercel/store"
	"github.com/tercel-workflows/tercel/store/storetest"
)

// fixture is a store with a machine and a node.
type fixture struct {
	*store.Store
	t       testing.TB
	pool    *pgxpool.Pool
	machine engine.StateMachine
	node    uuid.UUID
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	pool := storetest.Pool(t, storetest.Postgres(t))
	f := &fixture{Store: store.New(pool), t: t, pool: pool, node: newID()}
	put, err := f.PutStateMachine(t.Context(), engine.StateMachine{
		Namespace: "default", Name: "orders", Definition: []byte(`{"StartAt": "A"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	f.machine = put.StateMachine
	f.register(f.node, time.Minute)
	return f
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

func (f *fixture) register(node uuid.UUID, lease time.Duration) {
	f.t.Helper()
	if err := f.Register(context.Background(), engine.Node{ID: node, Started: time.Now()}, lease); err != nil {
		f.t.Fatal(err)
	}
}

func input(text string) *value.Value { return value.Trusted([]byte(text)) }

// start makes the first write of an execution.
func (f *fixture) start(name string) *engine.Write {
	now := time.Now()
	return &engine.Write{
		Execution: newID(), At: now, Events: []byte("started " + name), Node: f.node,
		Start: &engine.StartRow{
			Namespace: "default", Machine: f.machine.ID, Revision: f.machine.Revision, Name: name, Named: name != "",
			Input: input(`{"order": 1}`), StartedAt: now,
		},
	}
}

// step makes a later write.
func (f *fixture) step(execution uuid.UUID, seq int64) *engine.Write {
	return &engine.Write{
		Execution: execution, Seq: seq, At: time.Now(), Events: fmt.Appendf(nil, "step %d", seq), Node: f.node,
	}
}

func (f *fixture) end(execution uuid.UUID, seq int64) *engine.Write {
	w := f.step(execution, seq)
	w.End = &engine.EndRow{Status: engine.Succeeded, Output: input(`{"total": 12}`), EndedAt: w.At}
	return w
}

func (f *fixture) park(execution uuid.UUID, seq int64, wakeAt time.Time) *engine.Write {
	w := f.step(execution, seq)
	w.Park, w.Snapshot = &engine.ParkRow{WakeAt: wakeAt}, []byte("snapshot")
	return w
}

// commit commits and expects these outcomes.
func (f *fixture) commit(want engine.Outcome, batch ...*engine.Write) {
	f.t.Helper()
	if err := f.Commit(context.Background(), batch); err != nil {
		f.t.Fatal(err)
	}
	for i, w := range batch {
		if w.Outcome != want {
			f.t.Fatalf("write %d of execution %s has outcome %d, want %d (%v)", i, w.Execution, w.Outcome, want, w.Err)
		}
	}
}

func (f *fixture) execution(id uuid.UUID) engine.ExecutionRow {
	f.t.Helper()
	row, err := f.Execution(context.Background(), id)
	if err != nil {
		f.t.Fatal(err)
	}
	return row
}

func (f *fixture) history(id uuid.UUID) []engine.HistoryRow {
	f.t.Helper()
	rows, err := f.History(context.Background(), id, 0, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	return rows
}
