package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tercel-workflows/tercel/engine"
)

// routes gives how many of some executions have a route.
func (f *fixture) routes(ids ...uuid.UUID) int {
	f.t.Helper()
	found, err := f.Routes(f.t.Context(), ids)
	if err != nil {
		f.t.Fatal(err)
	}
	return len(found)
}

func TestRoutes(t *testing.T) {
	f := newFixture(t)
	routed := func(name string) *engine.Write {
		w := f.start(name)
		w.Start.Route = engine.Route{Version: 3, Alias: "PROD"}
		w.End = &engine.EndRow{Status: engine.Succeeded, EndedAt: w.At}
		return w
	}
	first, plain := routed("one"), f.start("two")
	if err := f.Commit(t.Context(), []*engine.Write{first, plain}); err != nil {
		t.Fatal(err)
	}
	found, err := f.Routes(t.Context(), []uuid.UUID{first.Execution, plain.Execution})
	if err != nil || len(found) != 1 || found[first.Execution] != (engine.Route{Version: 3, Alias: "PROD"}) {
		t.Fatalf("the routes are %v, %v", found, err)
	}
	// A start whose name is taken leaves none.
	taken, other := routed("one"), routed("three")
	if err := f.Commit(t.Context(), []*engine.Write{taken, other}); err != nil {
		t.Fatal(err)
	}
	if taken.Outcome != engine.OutcomeNameTaken || f.routes(taken.Execution) != 0 || f.routes(other.Execution) != 1 {
		t.Errorf("the outcome is %v; %d and %d routes", taken.Outcome, f.routes(taken.Execution), f.routes(other.Execution))
	}
	// One in the caller's transaction has its own.
	waiting := f.start("four")
	waiting.Events, waiting.Start.Waiting, waiting.Start.Route = nil, true, engine.Route{Version: 1}
	err = pgx.BeginFunc(t.Context(), f.pool, func(tx pgx.Tx) error { return f.CommitTx(t.Context(), tx, []*engine.Write{waiting}) })
	if err != nil || f.routes(waiting.Execution) != 1 {
		t.Errorf("in a transaction: %v, %d routes", err, f.routes(waiting.Execution))
	}
	for _, c := range []struct {
		filter engine.Filter
		want   int
	}{
		{engine.Filter{Version: 3}, 2},
		{engine.Filter{Version: 1}, 1},
		{engine.Filter{Version: 2}, 0},
		{engine.Filter{Alias: "PROD"}, 2},
		{engine.Filter{Redriven: new(true)}, 0},
		{engine.Filter{Redriven: new(false)}, 4},
	} {
		c.filter.Namespace, c.filter.Machine = "default", "orders"
		list, err := f.Executions(t.Context(), c.filter, engine.Page{})
		if err != nil || len(list) != c.want {
			t.Errorf("%+v gives %d executions, %v; want %d", c.filter, len(list), err, c.want)
		}
	}
	// Routes go with their executions.
	if _, err := f.DeleteFinished(t.Context(), time.Now().Add(time.Hour), uuid.Nil, 100); err != nil {
		t.Fatal(err)
	}
	if n := f.routes(first.Execution, other.Execution, waiting.Execution); n != 1 {
		t.Errorf("%d routes are left, want that of the execution that runs", n)
	}
}

func TestDeployKeepsSettings(t *testing.T) {
	f := newFixture(t)
	change := engine.MachineChange{RoleARN: new("arn:role"), Settings: engine.Settings{Tracing: []byte(`{"enabled":true}`)}}
	m, _, err := f.UpdateMachine(t.Context(), "default", "orders", change, nil)
	if err != nil || m.Number != 2 {
		t.Fatalf("the update gives revision %d, %v", m.Number, err)
	}
	if _, err := f.PutStateMachine(t.Context(), engine.StateMachine{Namespace: "default", Name: "orders", Definition: []byte(`{"StartAt": "B"}`)}); err != nil {
		t.Fatal(err)
	}
	got, err := f.StateMachine(t.Context(), "default", "orders")
	if err != nil || got.Number != 3 || got.RoleARN != "arn:role" || string(got.Settings.Tracing) != `{"enabled":true}` {
		t.Errorf("after a deploy: %+v, %v", got, err)
	}
	if _, _, err := f.UpdateMachine(t.Context(), "default", "none", change, nil); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("a machine that does not exist: %v", err)
	}
}
