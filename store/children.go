package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/statemachine"
)

var (
	sqlAwaitChild      = query("await_child")
	sqlSettleChildren  = query("settle_children")
	sqlAbandonChildren = query("abandon_children")
	sqlSettledChildren = query("settled_children")
	sqlForgetChild     = query("forget_child")
)

// AwaitChild notes that a task waits for the end of an execution, and tells whether that has come already.
func (s *Store) AwaitChild(ctx context.Context, w engine.ChildWait) (ended bool, err error) {
	err = s.pool.QueryRow(ctx, sqlAwaitChild, pgUUID(w.Child), pgUUID(w.Parent), int64(w.Task), w.AsJSON).
		Scan(&ended)
	if err != nil {
		return false, fmt.Errorf("waiting for execution %s: %w", w.Child, notFound(err))
	}
	return ended, nil
}

// AbandonChild says that a task does not wait any more.
func (s *Store) AbandonChild(ctx context.Context, parent uuid.UUID, task statemachine.TaskID) error {
	if _, err := s.pool.Exec(ctx, sqlAbandonChildren, pgUUID(parent), int64(task)); err != nil {
		return fmt.Errorf("abandoning the execution that task %d waits for: %w", task, err)
	}
	return nil
}

// SettledChildren takes waits that are ended or abandoned.
func (s *Store) SettledChildren(ctx context.Context, limit int, again time.Duration) ([]engine.ChildWait, error) {
	rows, err := s.pool.Query(ctx, sqlSettledChildren, limit, again.Seconds())
	if err != nil {
		return nil, fmt.Errorf("looking for executions that are waited for: %w", err)
	}
	waits, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (w engine.ChildWait, err error) {
		var task int64
		err = row.Scan(&w.Child, &w.Parent, &task, &w.AsJSON, &w.Abandoned)
		w.Task = statemachine.TaskID(task)
		return w, err
	})
	if err != nil {
		return nil, fmt.Errorf("looking for executions that are waited for: %w", err)
	}
	return waits, nil
}

// ForgetChild removes a settled wait.
func (s *Store) ForgetChild(ctx context.Context, w engine.ChildWait) error {
	if _, err := s.pool.Exec(ctx, sqlForgetChild, pgUUID(w.Child), pgUUID(w.Parent), int64(w.Task)); err != nil {
		return fmt.Errorf("forgetting that task %d waited for execution %s: %w", w.Task, w.Child, err)
	}
	return nil
}
