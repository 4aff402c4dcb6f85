package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tercel-workflows/tercel/engine"
)

// The states that Postgres answers with where it matters which.
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
)

// deadlockRetries is how often a batch is sent again that Postgres chose as the victim of a deadlock. Batches write in
// the order of their keys, so that there should be none; but other people's statements may lock rows too.
const deadlockRetries = 3

// Commit writes a batch in one transaction and sets Outcome in each write.
//
// It may be called again with the same batch after an error: what the first call wrote, if it wrote anything, is
// recognized and reported as committed. A row of history is taken for this caller's if it has the same execution, seq,
// time and events. Another node's row could only be mistaken for it if it said the same in the same microsecond, and
// then nothing would be lost by the mistake.
//
// A write that Postgres cannot store (a payload that is not JSON, say) does not fail the others of its batch: it gets
// engine.OutcomeRefused and its Err.
func (s *Store) Commit(ctx context.Context, batch []*engine.Write) error {
	if len(batch) == 0 {
		return nil
	}
	p := newPlan(batch)
	guarded := false
	complete, err := s.send(ctx, p, guarded)
	if sqlState(err) == uniqueViolation {
		guarded = true
		complete, err = s.send(ctx, p, guarded)
	}
	for range deadlockRetries {
		if state := sqlState(err); state != deadlockDetected && state != serializationFailure {
			break
		}
		guarded = true
		complete, err = s.send(ctx, p, guarded)
	}
	switch {
	case refused(err):
		return s.isolate(ctx, batch, err)
	case err != nil:
		return fmt.Errorf("committing %d writes: %w", len(batch), err)
	case complete:
		committed(batch)
		return nil
	case guarded:
		return s.settle(ctx, s.pool, batch)
	default: // only starts with a name, and ends of what has another owner by now, can have been passed over
		committed(batch)
		return s.settle(ctx, s.pool, p.doubtful)
	}
}

func committed(batch []*engine.Write) {
	for _, w := range batch {
		w.Outcome = engine.OutcomeCommitted
	}
}

// CommitTx stores starts that wait for room (Start.Waiting) inside a transaction of the caller's.
func (s *Store) CommitTx(ctx context.Context, tx pgx.Tx, batch []*engine.Write) error {
	if len(batch) == 0 {
		return nil
	}
	for _, w := range batch {
		if w.Start == nil || !w.Start.Waiting {
			return fmt.Errorf("execution %s: only starts that wait can be stored in a transaction of the caller's", w.Execution)
		}
	}
	p := newPlan(batch)
	stored := int64(0)
	for _, rows := range []*settledRows{&p.settled, &p.settledNamed} {
		if len(rows.id) == 0 {
			continue
		}
		tag, err := tx.Exec(ctx, sqlInsertSettled.guarded, rows.args()...)
		if err != nil {
			return fmt.Errorf("storing %d starts: %w", len(batch), err)
		}
		stored += tag.RowsAffected()
	}
	if len(p.routes.id) > 0 {
		if _, err := tx.Exec(ctx, sqlInsertRoutes, p.routes.args()...); err != nil {
			return fmt.Errorf("storing by which version %d starts came: %w", len(p.routes.id), err)
		}
	}
	if stored < int64(len(batch)) {
		return s.settle(ctx, tx, batch)
	}
	committed(batch)
	return nil
}

// send sends the statements of a plan in one round trip and reports whether every row of it was inserted.
func (s *Store) send(ctx context.Context, p *plan, guarded bool) (complete bool, err error) {
	b := &pgx.Batch{}
	affects := p.queue(b, guarded)
	results := s.pool.SendBatch(ctx, b)
	defer func() {
		// The transaction commits at the end of the pipeline: only now is it known whether it did.
		if closing := results.Close(); err == nil && closing != nil {
			complete, err = false, closing
		}
	}()
	complete = true
	for i, want := range affects {
		tag, err := results.Exec()
		if err != nil {
			return false, err
		}
		if i+1 == p.settle && tag.RowsAffected() > 0 {
			for _, w := range p.batch {
				w.Settled = w.End != nil
			}
		}
		if want != anyRows && tag.RowsAffected() != int64(want) {
			complete = false
		}
	}
	return complete, nil
}

// refused tells whether Postgres refused the data of a batch, so that sending it again would not help.
func refused(err error) bool {
	state := sqlState(err)
	if len(state) != 5 {
		return false
	}
	switch state[:2] {
	case "22", "23", "54": // data exception, integrity constraint violation, program limit exceeded
		return true
	default:
		return false
	}
}

// isolate commits the halves of a batch that Postgres refused, and theirs, until the refused writes are alone.
func (s *Store) isolate(ctx context.Context, batch []*engine.Write, cause error) error {
	if len(batch) == 1 {
		batch[0].Outcome, batch[0].Err = engine.OutcomeRefused, cause
		return nil
	}
	half := len(batch) / 2
	if err := s.Commit(ctx, batch[:half]); err != nil {
		return err
	}
	return s.Commit(ctx, batch[half:])
}
