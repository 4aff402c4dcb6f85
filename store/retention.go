package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

var sqlDeleteFinished = query("delete_finished")

// Deleted is what one call of DeleteFinished did.
type Deleted struct {
	Executions int       // deleted, with their histories
	Next       uuid.UUID // where the next call goes on
	Done       bool      // there is nothing more to look at; begin anew, with uuid.Nil, some other time
}

// clockSkew is by how much the clock of a node that makes ids may be off.
const clockSkew = time.Hour

// DeleteFinished deletes executions that ended before a time, with their histories. One call looks at no more than limit
// executions, the oldest behind the cursor, in one short transaction; call it again with Deleted.Next until Done. It
// needs no index but the primary key, which is ordered by time.
func (s *Store) DeleteFinished(ctx context.Context, endedBefore time.Time, after uuid.UUID, limit int) (Deleted, error) {
	if limit <= 0 {
		return Deleted{}, fmt.Errorf("deleting finished executions: limit %d is not positive", limit)
	}
	b := &pgx.Batch{}
	b.Queue(sqlPlanByKey)
	b.Queue(sqlDeleteFinished, endedBefore, pgUUID(after), pgUUID(idAt(endedBefore.Add(clockSkew))), limit)
	results := s.pool.SendBatch(ctx, b)
	if _, err := results.Exec(); err != nil {
		_ = results.Close()
		return Deleted{}, fmt.Errorf("deleting finished executions: %w", err)
	}
	var deleted Deleted
	var lookedAt int
	var last *uuid.UUID
	err := results.QueryRow().Scan(&deleted.Executions, &lookedAt, &last)
	if closing := results.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return Deleted{}, fmt.Errorf("deleting finished executions: %w", err)
	}
	deleted.Done = lookedAt < limit
	if last != nil {
		deleted.Next = *last
	}
	return deleted, nil
}

// idAt gives the smallest UUIDv7 that is made at a time.
func idAt(t time.Time) uuid.UUID {
	var id uuid.UUID
	ms := max(0, t.UnixMilli())
	for i := 5; i >= 0; i-- {
		id[i] = byte(ms)
		ms >>= 8
	}
	return id
}
