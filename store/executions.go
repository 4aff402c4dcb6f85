package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tercel-workflows/tercel/engine"
)

var (
	sqlExecution       = query("execution")
	sqlExecutionByName = query("execution_by_name")
	sqlList            = query("list")
	sqlListRunning     = query("list_running")
	sqlMachinesOfName  = query("machines_of_name")
	sqlRead            = query("read")
)

// defaultPage is how many entries a list has if the caller does not say.
const defaultPage = 100

// Execution gives one execution, or engine.ErrNotFound.
func (s *Store) Execution(ctx context.Context, id uuid.UUID) (engine.ExecutionRow, error) {
	c, err := scanExecution(s.pool.QueryRow(ctx, sqlExecution, pgUUID(id)))
	if err != nil {
		return engine.ExecutionRow{}, fmt.Errorf("reading execution %s: %w", id, err)
	}
	return c.Execution, nil
}

// ExecutionByName gives the newest execution that was started with this name on the machine, or engine.ErrNotFound. It
// finds only names that callers chose.
func (s *Store) ExecutionByName(ctx context.Context, namespace, machine, name string) (engine.ExecutionRow, error) {
	c, err := scanExecution(s.pool.QueryRow(ctx, sqlExecutionByName, namespace, machine, name))
	if err != nil {
		return engine.ExecutionRow{}, fmt.Errorf("reading execution %q of %q: %w", name, machine, err)
	}
	return c.Execution, nil
}

// Executions lists executions, newest first, without input and output. Page.After is the id of the last execution of
// the page before.
func (s *Store) Executions(ctx context.Context, f engine.Filter, page engine.Page) ([]engine.ExecutionRow, error) {
	var after pgtype.UUID
	if page.After != "" {
		id, err := uuid.Parse(page.After)
		if err != nil {
			return nil, fmt.Errorf("page token %q: it is not the id of an execution: %w", page.After, err)
		}
		after = pgUUID(id)
	}
	var machines uuids
	if f.Machine != "" {
		var err error
		if machines, err = s.machinesOfName(ctx, f.Namespace, f.Machine); err != nil {
			return nil, err
		}
		if len(machines) == 0 {
			return nil, nil
		}
	}
	limit := page.Limit
	if limit <= 0 {
		limit = defaultPage
	}
	prefix, from, before := pgTextOrNull(f.NamePrefix), pgTime(f.StartedAfter), pgTime(f.StartedBefore)
	namespace := pgTextOrNull(f.Namespace)

	// The statements are described once but planned for each call, with the parameters known.
	var rows pgx.Rows
	var err error
	routed := f.Redriven != nil || f.Version > 0 || f.Alias != ""
	if len(f.Status) == 1 && f.Status[0] == engine.Running && !routed {
		rows, err = s.pool.Query(ctx, sqlListRunning, pgx.QueryExecModeCacheDescribe,
			namespace, machines, prefix, from, before, after, limit)
	} else {
		var statuses texts
		for _, status := range f.Status {
			statuses = append(statuses, pgText(string(status)))
		}
		sql, args := sqlList, []any{pgx.QueryExecModeCacheDescribe, namespace, machines, statuses, prefix, from, before, after, limit}
		if routed {
			sql, args = sqlListRouted, append(args, f.Redriven, pgtype.Int8{Int64: int64(f.Version), Valid: f.Version > 0}, pgTextOrNull(f.Alias))
		}
		rows, err = s.pool.Query(ctx, sql, args...)
	}
	if err != nil {
		return nil, fmt.Errorf("listing executions: %w", err)
	}
	list, err := collectExecutions(rows)
	if err != nil {
		return nil, fmt.Errorf("listing executions: %w", err)
	}
	return list, nil
}

// machinesOfName gives the ids of the machines that have or had a name: a machine that was deleted and made again has
// executions under both.
func (s *Store) machinesOfName(ctx context.Context, namespace, name string) (uuids, error) {
	rows, err := s.pool.Query(ctx, sqlMachinesOfName, pgTextOrNull(namespace), name)
	if err != nil {
		return nil, fmt.Errorf("looking for state machine %q: %w", name, err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[pgtype.UUID])
	if err != nil {
		return nil, fmt.Errorf("looking for state machine %q: %w", name, err)
	}
	return ids, nil
}

// History gives the rows with a seq of at least from, in order, at most limit of them (0: all).
func (s *Store) History(ctx context.Context, id uuid.UUID, from int64, limit int) ([]engine.HistoryRow, error) {
	rows, err := s.pool.Query(ctx, sqlRead, pgUUID(id), from, pgtype.Int8{Int64: int64(limit), Valid: limit > 0})
	if err != nil {
		return nil, fmt.Errorf("reading the history of execution %s: %w", id, err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[engine.HistoryRow])
	if err != nil {
		return nil, fmt.Errorf("reading the history of execution %s: %w", id, err)
	}
	return list, nil
}
