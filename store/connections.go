package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tercel-workflows/tercel/engine"
)

var (
	sqlPutConnection    = query("put_connection")
	sqlConnection       = query("connection")
	sqlConnections      = query("connections")
	sqlDeleteConnection = query("delete_connection")
)

// PutConnection stores a connection, in the place of one with the same name.
func (s *Store) PutConnection(ctx context.Context, c engine.Connection) error {
	err := s.change(ctx, sqlPutConnection, c.Namespace, c.Name, c.Config)
	if err != nil && !errors.Is(err, engine.ErrNotFound) { // no row: it was stored like this already
		return fmt.Errorf("storing connection %q: %w", c.Name, err)
	}
	return nil
}

// Connection gives a connection, or engine.ErrNotFound.
func (s *Store) Connection(ctx context.Context, namespace, name string) (engine.Connection, error) {
	c, err := scanConnection(s.pool.QueryRow(ctx, sqlConnection, namespace, name))
	if err != nil {
		return c, fmt.Errorf("reading connection %q: %w", name, err)
	}
	return c, nil
}

// Connections lists the connections of a namespace by name.
func (s *Store) Connections(ctx context.Context, namespace string) ([]engine.Connection, error) {
	rows, err := s.pool.Query(ctx, sqlConnections, namespace)
	if err != nil {
		return nil, fmt.Errorf("listing connections: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (engine.Connection, error) { return scanConnection(row) })
	if err != nil {
		return nil, fmt.Errorf("listing connections: %w", err)
	}
	return list, nil
}

func scanConnection(row pgx.Row) (engine.Connection, error) {
	var c engine.Connection
	err := row.Scan(&c.Namespace, &c.Name, &c.Config, &c.UpdatedAt)
	return c, notFound(err)
}

// DeleteConnection removes a connection, or gives engine.ErrNotFound.
func (s *Store) DeleteConnection(ctx context.Context, namespace, name string) error {
	if err := s.change(ctx, sqlDeleteConnection, namespace, name); err != nil {
		return fmt.Errorf("deleting connection %q: %w", name, err)
	}
	return nil
}
