// Command embedded is a program with the engine inside: it registers a Go function, deploys a state machine, and starts an
// execution in the transaction that stores the order it is about.
//
//	go run ./examples/embedded postgres://localhost/tercel
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/migrations"
	"github.com/tercel-workflows/tercel/store"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: embedded DATABASE_URL")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const definition = `
QueryLanguage: CEL
StartAt: Charge
States:
  Charge:
    Type: Task
    Resource: function:charge
    Arguments: {order: "{% states.input.order %}", amount: "{% states.input.quantity * 890 %}"}
    End: true
`

func run(ctx context.Context, databaseURL string, out io.Writer) (err error) {
	if err := migrations.Up(ctx, databaseURL); err != nil {
		return err
	}
	pool, err := pgxpool.New(ctx, databaseURL)
	if err != nil {
		return fmt.Errorf("connecting to the database: %w", err)
	}
	defer pool.Close()

	eng, err := engine.New(engine.Config{Store: store.New(pool)})
	if err != nil {
		return err
	}
	eng.RegisterFunc("charge", engine.Typed(charge))
	if err := eng.Start(ctx); err != nil {
		return err
	}
	// Hands what still runs to the other nodes of this database, or keeps it for the next start.
	defer func() { err = errors.Join(err, eng.Shutdown(context.WithoutCancel(ctx))) }()

	if _, err := eng.Deploy(ctx, engine.DeployRequest{Name: "order", Definition: []byte(definition)}); err != nil {
		return err
	}
	started, err := placeOrder(ctx, pool, eng, "order-7", 3)
	if err != nil {
		return err
	}
	ended, err := eng.Wait(ctx, started.ID)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %s %s\n", ended.Name, ended.Status, ended.Output)
	return nil
}

type charged struct {
	Order  string `json:"order"`
	Amount int    `json:"amount"`
	Key    string `json:"key"`
}

// charge is a function of the state machine. Its arguments and its result are JSON to the outside.
func charge(_ context.Context, task engine.TaskInfo, in charged) (charged, error) {
	in.Key = task.IdempotencyKey // what the payment service is given, so that it charges once
	return in, nil
}

// placeOrder stores an order and starts its execution in one transaction: both are there, or neither.
func placeOrder(ctx context.Context, pool *pgxpool.Pool, eng *engine.Engine, order string, quantity int) (engine.Execution, error) {
	tx, err := pool.Begin(ctx)
	if err != nil {
		return engine.Execution{}, fmt.Errorf("beginning the transaction: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // does nothing after the commit
	const table = "CREATE TABLE IF NOT EXISTS orders (id text PRIMARY KEY, quantity int NOT NULL)"
	if _, err := tx.Exec(ctx, table); err != nil {
		return engine.Execution{}, fmt.Errorf("creating the table: %w", err)
	}
	if _, err := tx.Exec(ctx, "INSERT INTO orders (id, quantity) VALUES ($1, $2)", order, quantity); err != nil {
		return engine.Execution{}, fmt.Errorf("storing the order: %w", err)
	}
	input, err := json.Marshal(map[string]any{"order": order, "quantity": quantity})
	if err != nil {
		return engine.Execution{}, fmt.Errorf("encoding the input: %w", err)
	}
	started, _, err := eng.StartExecutionTx(ctx, tx, engine.StartRequest{StateMachine: "order", Name: order, Input: input})
	if err != nil {
		return engine.Execution{}, err
	}
	if err := tx.Commit(ctx); err != nil {
		return engine.Execution{}, fmt.Errorf("committing the order: %w", err)
	}
	eng.Kick() // begin now, not at the next look
	return started, nil
}
