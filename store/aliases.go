package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tercel-workflows/tercel/engine"
)

var (
	sqlCountAliases = query("count_aliases")
	sqlInsertAlias  = query("insert_alias")
	sqlAlias        = query("alias")
	sqlListAliases  = query("list_aliases")
	sqlUpdateAlias  = query("update_alias")
	sqlDeleteAlias  = query("delete_alias")
)

// CreateAlias implements engine.Versions.
func (s *Store) CreateAlias(ctx context.Context, namespace, name string, a engine.Alias) (engine.Alias, error) {
	err := s.withMachine(ctx, namespace, name, func(tx pgx.Tx, m engine.StateMachine) error {
		present, err := scanAlias(tx.QueryRow(ctx, sqlAlias, namespace, name, a.Name))
		if !errors.Is(err, engine.ErrNotFound) {
			a = present
			return existing(err)
		}
		var count int
		if err := tx.QueryRow(ctx, sqlCountAliases, pgUUID(m.ID)).Scan(&count); err != nil {
			return err
		}
		if count >= engine.MaxAliases {
			return engine.ErrTooMany
		}
		return writeAlias(ctx, tx, sqlInsertAlias, m, &a)
	})
	if err != nil {
		return a, fmt.Errorf("making alias %q of state machine %q: %w", a.Name, name, err)
	}
	return a, nil
}

// UpdateAlias implements engine.Versions.
func (s *Store) UpdateAlias(ctx context.Context, namespace, name string, a engine.Alias) (engine.Alias, error) {
	err := s.withMachine(ctx, namespace, name, func(tx pgx.Tx, m engine.StateMachine) error {
		return writeAlias(ctx, tx, sqlUpdateAlias, m, &a)
	})
	if err != nil {
		return a, fmt.Errorf("changing alias %q of state machine %q: %w", a.Name, name, err)
	}
	return a, nil
}

// writeAlias runs a statement that writes an alias, and sets its times.
func writeAlias(ctx context.Context, tx pgx.Tx, sql string, m engine.StateMachine, a *engine.Alias) error {
	var otherVersion, otherWeight pgtype.Int8
	if len(a.Targets) > 1 {
		otherVersion = pgtype.Int8{Int64: int64(a.Targets[1].Version), Valid: true}
		otherWeight = pgtype.Int8{Int64: int64(a.Targets[1].Weight), Valid: true}
	}
	err := tx.QueryRow(ctx, sql, pgUUID(m.ID), a.Name, a.Description, a.Targets[0].Version, a.Targets[0].Weight,
		otherVersion, otherWeight).Scan(&a.CreatedAt, &a.UpdatedAt)
	if sqlState(err) == foreignKeyViolation {
		return engine.ErrNotFound // a version
	}
	if err != nil {
		return notFound(err)
	}
	_, err = tx.Exec(ctx, sqlBumpRegistryVersion)
	return err
}

// foreignKeyViolation is what Postgres answers for a reference to nothing.
const foreignKeyViolation = "23503"

func scanAlias(row pgx.Row) (engine.Alias, error) {
	var a engine.Alias
	var first engine.Target
	var version, weight *int
	err := row.Scan(&a.Name, &a.Description, &first.Version, &first.Weight, &version, &weight, &a.CreatedAt, &a.UpdatedAt)
	a.Targets = []engine.Target{first}
	if version != nil && weight != nil {
		a.Targets = append(a.Targets, engine.Target{Version: *version, Weight: *weight})
	}
	return a, notFound(err)
}

// Alias implements engine.Versions.
func (s *Store) Alias(ctx context.Context, namespace, name, alias string) (engine.Alias, error) {
	a, err := scanAlias(s.pool.QueryRow(ctx, sqlAlias, namespace, name, alias))
	if err != nil {
		return a, fmt.Errorf("reading alias %q of state machine %q: %w", alias, name, err)
	}
	return a, nil
}

// Aliases implements engine.Versions.
func (s *Store) Aliases(ctx context.Context, namespace, name string, version int, page engine.Page) ([]engine.Alias, error) {
	if _, err := s.StateMachine(ctx, namespace, name); err != nil {
		return nil, err
	}
	rows, err := s.pool.Query(ctx, sqlListAliases, namespace, name, page.After, version, page.Limit)
	if err != nil {
		return nil, fmt.Errorf("listing the aliases of state machine %q: %w", name, err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (engine.Alias, error) { return scanAlias(row) })
	if err != nil {
		return nil, fmt.Errorf("listing the aliases of state machine %q: %w", name, err)
	}
	return list, nil
}

// DeleteAlias implements engine.Versions.
func (s *Store) DeleteAlias(ctx context.Context, namespace, name, alias string) error {
	if err := s.change(ctx, sqlDeleteAlias, namespace, name, alias); err != nil {
		return fmt.Errorf("deleting alias %q of state machine %q: %w", alias, name, err)
	}
	return nil
}
