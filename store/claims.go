package store

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tercel-workflows/tercel/engine"
)

var (
	sqlClaimDue       = query("claim_due")
	sqlClaimQueued    = query("claim_queued")
	sqlClaimOfOwner   = query("claim_of_owner")
	sqlClaimOne       = query("claim_one")
	sqlParked         = query("parked")
	sqlStatusAndOwner = query("status_and_owner")
	sqlNextDue        = query("next_due")
	sqlOrphanedOwners = query("orphaned_owners")
	sqlRelease        = query("release")
	sqlReleaseClaims  = query("release_claims")
	sqlTails          = query("tails")
)

// ClaimDue takes up to limit parked executions whose time has come, the longest due first.
func (s *Store) ClaimDue(ctx context.Context, node uuid.UUID, limit int) ([]engine.Claimed, error) {
	claimed, err := s.claim(ctx, node, sqlClaimDue, limit)
	if err != nil {
		return nil, fmt.Errorf("claiming due executions: %w", err)
	}
	return claimed, nil
}

// ClaimQueued takes up to limit starts that wait for room: an equal part for each state machine that has any, the oldest
// first. If there are more such machines than limit, those have their turn with the next calls. It may give fewer than
// there are; only when it gives none does no start wait that it could take.
func (s *Store) ClaimQueued(ctx context.Context, node uuid.UUID, limit int) ([]engine.Claimed, error) {
	s.mu.Lock()
	after := s.turn
	s.mu.Unlock()
	claimed, err := s.claim(ctx, node, sqlClaimQueued, limit, pgUUID(after))
	if err == nil && len(claimed) == 0 && after != uuid.Nil { // the last machine has had its turn: from the first one on
		after = uuid.Nil
		claimed, err = s.claim(ctx, node, sqlClaimQueued, limit, pgUUID(after))
	}
	if err != nil {
		return nil, fmt.Errorf("claiming starts that wait: %w", err)
	}
	for _, c := range claimed {
		if bytes.Compare(c.Execution.Machine[:], after[:]) > 0 {
			after = c.Execution.Machine
		}
	}
	s.mu.Lock()
	s.turn = after
	s.mu.Unlock()
	return claimed, nil
}

// ClaimDead takes up to limit executions whose owner is not among the nodes any more, after taking those nodes for dead
// whose lease has run out. A node that was late with its own lease gives the others time to come back, see nodes.sql.
func (s *Store) ClaimDead(ctx context.Context, node uuid.UUID, limit int) ([]engine.Claimed, error) {
	b := &pgx.Batch{}
	b.Queue(sqlPlanByKey)
	b.Queue(sqlBury, pgUUID(node))
	b.Queue(sqlOrphanedOwners)
	owners, err := s.orphanedOwners(ctx, b)
	if err != nil {
		return nil, fmt.Errorf("looking for executions of dead nodes: %w", err)
	}
	var all []engine.Claimed
	for _, owner := range owners {
		if len(all) >= limit {
			break
		}
		claimed, err := s.claim(ctx, node, sqlClaimOfOwner, limit-len(all), owner)
		if err != nil {
			// What has been claimed so far is the caller's; the rest can be had the next time.
			if len(all) > 0 {
				return all, nil
			}
			return nil, fmt.Errorf("claiming executions of dead node %s: %w", uuid.UUID(owner.Bytes), err)
		}
		all = append(all, claimed...)
	}
	return all, nil
}

// orphanedOwners runs the batch, whose last statement gives the owners.
func (s *Store) orphanedOwners(ctx context.Context, b *pgx.Batch) (owners []pgtype.UUID, err error) {
	results := s.pool.SendBatch(ctx, b)
	defer func() {
		if closing := results.Close(); err == nil {
			err = closing
		}
	}()
	for range b.Len() - 1 {
		if _, err := results.Exec(); err != nil {
			return nil, err
		}
	}
	rows, err := results.Query()
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[pgtype.UUID])
}

// Parked reads executions that are as they were parked, without claiming them. What it gives is of one moment: state and
// owner come from one statement.
func (s *Store) Parked(ctx context.Context, executions []uuid.UUID) ([]engine.Claimed, error) {
	ids := make(uuids, len(executions))
	for i, id := range executions {
		ids[i] = pgUUID(id)
	}
	parked, err := s.take(ctx, sqlParked, []any{ids})
	if err != nil {
		return nil, fmt.Errorf("reading %d parked executions: %w", len(executions), err)
	}
	return parked, nil
}

// ClaimOne takes one parked execution, for a signal that has come for it. Without a claim it tells who owns the
// execution, or that it has ended.
func (s *Store) ClaimOne(ctx context.Context, node, execution uuid.UUID) (engine.ClaimResult, error) {
	claimed, err := s.claim(ctx, node, sqlClaimOne, 1, pgUUID(execution))
	if err != nil {
		return engine.ClaimResult{}, fmt.Errorf("claiming execution %s: %w", execution, err)
	}
	if len(claimed) == 1 {
		return engine.ClaimResult{Claimed: &claimed[0], Found: true, Status: claimed[0].Execution.Status}, nil
	}
	result := engine.ClaimResult{}
	var id *uuid.UUID
	var address, version *string
	var started *time.Time
	err = s.pool.QueryRow(ctx, sqlStatusAndOwner, pgUUID(execution)).
		Scan(&result.Status, &id, &address, &version, &started)
	if err = notFound(err); err == engine.ErrNotFound { //nolint:errorlint // notFound gives it bare
		return engine.ClaimResult{}, nil
	}
	if err != nil {
		return engine.ClaimResult{}, fmt.Errorf("looking for the owner of execution %s: %w", execution, err)
	}
	result.Found = true
	if id != nil {
		result.Owner = &engine.Node{ID: *id, Address: *address, Version: *version, Started: *started}
	}
	return result, nil
}

// claim runs a statement that takes executions for a node, and reads the histories behind their snapshots. Its
// parameters are the node, the token of this claim, the limit, and what else the statement needs.
func (s *Store) claim(ctx context.Context, node uuid.UUID, sql string, limit int, more ...any) ([]engine.Claimed, error) {
	if limit <= 0 {
		return nil, nil
	}
	if err := s.releaseLostClaims(ctx, node); err != nil {
		return nil, err
	}
	token := uuid.New()
	claimed, err := s.take(ctx, sql, append([]any{pgUUID(node), pgUUID(token), limit}, more...))
	if err == nil {
		err = s.readTails(ctx, claimed)
	}
	if err != nil {
		s.addLostClaim(node, token)
		return nil, err
	}
	return claimed, nil
}

func (s *Store) take(ctx context.Context, sql string, args []any) (claimed []engine.Claimed, err error) {
	b := &pgx.Batch{}
	b.Queue(sqlPlanByKey)
	b.Queue(sql, args...)
	results := s.pool.SendBatch(ctx, b)
	defer func() {
		if closing := results.Close(); err == nil {
			err = closing
		}
	}()
	if _, err := results.Exec(); err != nil {
		return nil, err
	}
	rows, err := results.Query()
	if err != nil {
		return nil, err
	}
	return collectClaimed(rows)
}

// readTails reads what lies behind the snapshots. It is a statement of its own, after the claim: its view of the
// database is younger than the locks of the claim, so it sees all that the former owner has written.
func (s *Store) readTails(ctx context.Context, claimed []engine.Claimed) error {
	if len(claimed) == 0 {
		return nil
	}
	var ids uuids
	var seqs ints
	for i := range claimed {
		ids = append(ids, pgUUID(claimed[i].Execution.ID))
		seqs = append(seqs, pgtype.Int8{Int64: claimed[i].SnapshotSeq, Valid: true})
	}
	rows, err := s.pool.Query(ctx, sqlTails, ids, seqs)
	if err != nil {
		return fmt.Errorf("reading histories: %w", err)
	}
	var of int32
	var seq int64
	var at time.Time
	var events []byte
	_, err = pgx.ForEachRow(rows, []any{&of, &seq, &at, &events}, func() error {
		c := &claimed[of]
		c.History = append(c.History, engine.HistoryRow{Seq: seq, At: at, Events: events})
		events = nil // the row keeps these bytes
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading histories: %w", err)
	}
	return nil
}

// NextDue tells in how long the next parked execution is due, by the clock of the database; false if none is. It is
// negative for one that is due already.
func (s *Store) NextDue(ctx context.Context) (time.Duration, bool, error) {
	var seconds *float64
	if err := s.pool.QueryRow(ctx, sqlNextDue).Scan(&seconds); err != nil {
		return 0, false, fmt.Errorf("looking for the next due execution: %w", err)
	}
	if seconds == nil {
		return 0, false, nil
	}
	return time.Duration(*seconds * float64(time.Second)), true, nil
}

// Release hands executions back that the node owns: due at once, for any node.
func (s *Store) Release(ctx context.Context, node uuid.UUID, executions []uuid.UUID) error {
	const atOnce = 1000 // rows locked in one transaction
	for chunk := range slices.Chunk(executions, atOnce) {
		var ids uuids
		for _, id := range chunk {
			ids = append(ids, pgUUID(id))
		}
		b := &pgx.Batch{}
		b.Queue(sqlPlanByKey)
		b.Queue(sqlRelease, pgUUID(node), ids)
		if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
			return fmt.Errorf("releasing executions: %w", err)
		}
	}
	return nil
}

// releaseLostClaims hands back what claims took whose answers were lost.
func (s *Store) releaseLostClaims(ctx context.Context, node uuid.UUID) error {
	s.mu.Lock()
	tokens := slices.Clone(s.lostClaims[node])
	s.mu.Unlock()
	if len(tokens) == 0 {
		return nil
	}
	var ids uuids
	for _, token := range tokens {
		ids = append(ids, pgUUID(token))
	}
	b := &pgx.Batch{}
	b.Queue(sqlPlanByKey)
	b.Queue(sqlReleaseClaims, pgUUID(node), ids)
	if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("releasing claims whose answers were lost: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lostClaims[node] = slices.DeleteFunc(s.lostClaims[node], func(t uuid.UUID) bool {
		return slices.Contains(tokens, t)
	})
	return nil
}

func (s *Store) addLostClaim(node, token uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lostClaims[node] = append(s.lostClaims[node], token)
}

// forgetLostClaims is for a node whose executions have been handed back altogether, or are about to be taken over.
func (s *Store) forgetLostClaims(node uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.lostClaims, node)
}
