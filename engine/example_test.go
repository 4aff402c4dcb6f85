package engine_test

import (
	"context"
	"fmt"
	"log"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/migrations"
	"github.com/tercel-workflows/tercel/store"
)

// A Go program runs state machines by itself, with functions of its own.
func Example() {
	ctx := context.Background()
	const databaseURL = "postgres://localhost/orders"
	if err := migrations.Up(ctx, databaseURL); err != nil {
		log.Fatal(err)
	}
	pool, err := pgxpool.New(ctx, databaseURL)
	if err != nil {
		log.Fatal(err)
	}
	e, err := engine.New(engine.Config{Store: store.New(pool)})
	if err != nil {
		log.Fatal(err)
	}
	type order struct{ Amount int }
	e.RegisterFunc("charge", engine.Typed(func(_ context.Context, task engine.TaskInfo, in order) (string, error) {
		return fmt.Sprintf("charged %d under %s", in.Amount, task.IdempotencyKey), nil
	}))
	if err := e.Start(ctx); err != nil {
		log.Fatal(err)
	}
	defer func() { _ = e.Shutdown(ctx) }()

	_, err = e.Deploy(ctx, engine.DeployRequest{Name: "orders", Definition: []byte(`
QueryLanguage: CEL
StartAt: Charge
States:
  Charge: {Type: Task, Resource: "function:charge", TimeoutSeconds: 30, End: true}
`)})
	if err != nil {
		log.Print(err) // every finding, with file, line and column
		return
	}
	// The order and its execution become durable together, or not at all.
	tx, err := pool.Begin(ctx)
	if err != nil {
		log.Print(err)
		return
	}
	x, _, err := e.StartExecutionTx(ctx, tx, engine.StartRequest{StateMachine: "orders", Name: "order-17", Input: []byte(`{"Amount": 5}`)})
	if err != nil {
		log.Print(err)
		return
	}
	if err := tx.Commit(ctx); err != nil {
		log.Print(err)
		return
	}
	e.Kick()
	x, err = e.Wait(ctx, x.ID)
	fmt.Println(x.Status, x.Output, err)
}
