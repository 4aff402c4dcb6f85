// Package store keeps state machines, executions and their histories in Postgres. It implements engine.Store.
//
// # What a commit is
//
// All durable points of a batch go to Postgres in one round trip and one implicit transaction: a pipeline of at most a
// handful of prepared statements, each of which takes arrays. The history rows are the write, and their primary key is
// the fence: a row that is there already was written by somebody who owned the execution then.
//
// In the usual case nothing is there already. So the batch is first sent without looking. If that fails, because one of
// its rows is there, the batch is sent again with guards: inserts pass over rows that are there (ON CONFLICT DO
// NOTHING), what else a write does to its execution is done only where its history row was inserted by the same
// transaction, and afterwards the store asks which writes took effect: see settle. Starts with a name are guarded always.
//
// # Who owns an execution
//
// The row of an execution names its owner while it runs. The primary key of history, not this column, is what keeps
// two owners apart; the column only says who should go on with it. A node whose lease has run out is taken for dead by
// deleting its row; from then on its executions are those whose owner is not among the nodes. This also finds what a
// node wrote after it was taken for dead.
//
// A claim that has been committed but whose answer is lost would leave executions with an owner that does not know of
// them. So every claim writes a token of its own into the rows that it takes, and a store that does not know what
// became of a claim hands back what carries its token before it claims again.
package store

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tercel-workflows/tercel/engine"
)

// Store implements engine.Store on Postgres. It is safe for concurrent use.
//
// It needs no session state in Postgres, so a pooler in transaction mode may sit between; if that pooler does not keep
// prepared statements, put default_query_exec_mode=cache_describe into the database URL.
type Store struct {
	pool *pgxpool.Pool

	mu         sync.Mutex
	lostClaims map[uuid.UUID][]uuid.UUID // by node: tokens of claims of which it is unknown what they took
	turn       uuid.UUID                 // the machine whose waiting starts were claimed last
}

var _ engine.Store = (*Store)(nil)

// New makes a store on a pool of connections whose search_path leads to migrated tables. The caller closes the pool.
func New(pool *pgxpool.Pool) *Store {
	return &Store{pool: pool, lostClaims: map[uuid.UUID][]uuid.UUID{}}
}

// Ping checks that the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.pool.Ping(ctx); err != nil {
		return fmt.Errorf("asking the database for an answer: %w", err)
	}
	return nil
}

// notFound turns pgx's word for no row into the engine's.
func notFound(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return engine.ErrNotFound
	}
	return err
}

// sqlState gives the code of an error that Postgres answered with, or "".
func sqlState(err error) string {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pgErr.Code
	}
	return ""
}
