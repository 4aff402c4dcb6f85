package store

import (
	"github.com/jackc/pgx/v5"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// scanExecution reads a row of the columns that every statement which gives executions selects, in their one order.
func scanExecution(row pgx.Row) (engine.Claimed, error) {
	c := engine.Claimed{SnapshotSeq: -1}
	e := &c.Execution
	var input, output, errBytes, causeBytes []byte
	var trace *string
	var snapshotSeq *int64
	err := row.Scan(&e.ID, &e.Namespace, &e.Machine, &e.MachineName, &e.Revision, &e.Name, &e.Status, &input, &output,
		&e.Error, &e.Cause, &errBytes, &causeBytes, &e.StartedAt, &e.EndedAt, &e.Owner, &e.WakeAt, &e.RedriveCount,
		&e.RedrivenAt, &trace, &c.Snapshot, &snapshotSeq, &e.Type)
	if err != nil {
		return engine.Claimed{}, notFound(err)
	}
	e.Input, e.Output = fromJSON(input), fromJSON(output)
	e.Error, e.Cause = inexact(e.Error, errBytes), inexact(e.Cause, causeBytes)
	if trace != nil {
		e.TraceContext = *trace
	}
	if snapshotSeq != nil {
		c.SnapshotSeq = *snapshotSeq
	}
	return c, nil
}

// fromJSON wraps a column of type json, nil for NULL. Postgres has checked it when it was written.
func fromJSON(b []byte) *value.Value {
	if b == nil {
		return nil
	}
	return value.Trusted(b)
}

// collectClaimed reads all rows of a statement that gives executions.
func collectClaimed(rows pgx.Rows) ([]engine.Claimed, error) {
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (engine.Claimed, error) { return scanExecution(row) })
}

// collectExecutions is collectClaimed without what only claims need.
func collectExecutions(rows pgx.Rows) ([]engine.ExecutionRow, error) {
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (engine.ExecutionRow, error) {
		c, err := scanExecution(row)
		return c.Execution, err
	})
}
