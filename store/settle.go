package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tercel-workflows/tercel/engine"
)

var (
	sqlStored         = query("stored")
	sqlHoldersOfNames = query("holders_of_names")
	sqlCompare        = query("compare")
	sqlOwnedEnds      = query("owned_ends")
)

// querier is what settle asks: the pool, or the transaction of a caller.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// errUnsettled says that the row a start collided with was gone when it was looked for.
var errUnsettled = errors.New("the execution that had the name has just been deleted")

// settle finds out what became of each of some writes of which fewer rows were inserted than there were. This is the
// rare case: a node that has lost executions, a name that is taken, or a batch that is sent a second time because the
// connection broke before the answer came.
//
// The batch is committed when settle asks, and history is never changed, so the answers are final: a start took effect
// if its id is there, and a row of history is this writer's if it says what this writer sent.
func (s *Store) settle(ctx context.Context, db querier, batch []*engine.Write) error {
	stored, err := storedStarts(ctx, db, batch)
	if err != nil {
		return fmt.Errorf("looking for the starts that took effect: %w", err)
	}
	lost, err := lostRows(ctx, db, batch)
	if err != nil {
		return fmt.Errorf("looking for the rows that were fenced: %w", err)
	}
	ended, err := ownedEnded(ctx, db, batch)
	if err != nil {
		return fmt.Errorf("looking for the ends that took effect: %w", err)
	}
	var taken []*engine.Write
	for _, w := range batch {
		switch {
		case w.Owned && !ended[w.Execution]:
			w.Outcome = engine.OutcomeFenced
		case w.Start != nil && !stored[w.Execution]:
			w.Outcome = engine.OutcomeNameTaken
			taken = append(taken, w)
		case lost[w.Execution]:
			w.Outcome = engine.OutcomeFenced
		default:
			w.Outcome = engine.OutcomeCommitted
		}
	}
	return nameHolders(ctx, db, taken)
}

// storedStarts gives the executions among the starts of a batch that are there.
func storedStarts(ctx context.Context, db querier, batch []*engine.Write) (map[uuid.UUID]bool, error) {
	var ids uuids
	for _, w := range batch {
		if w.Start != nil {
			ids = append(ids, pgUUID(w.Execution))
		}
	}
	stored := map[uuid.UUID]bool{}
	if len(ids) == 0 {
		return stored, nil
	}
	rows, err := db.Query(ctx, sqlStored, ids)
	if err != nil {
		return nil, err
	}
	var id uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		stored[id] = true
		return nil
	})
	return stored, err
}

// lostRows gives the executions of a batch whose history row is not the one that was sent.
func lostRows(ctx context.Context, db querier, batch []*engine.Write) (map[uuid.UUID]bool, error) {
	var ids uuids
	var seqs ints
	sent := map[uuid.UUID]*engine.Write{}
	lost := map[uuid.UUID]bool{}
	var sentRows historyRows
	for _, w := range batch {
		if len(w.Events) > 0 && !w.Owned {
			sentRows.add(w)
			sent[w.Execution] = w
			lost[w.Execution] = true
		}
	}
	ids, seqs = sentRows.id, sentRows.seq
	if len(ids) == 0 {
		return lost, nil
	}
	rows, err := db.Query(ctx, sqlCompare, ids, seqs)
	if err != nil {
		return nil, err
	}
	var id uuid.UUID
	var micros int64
	var hash []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &micros, &hash}, func() error {
		w := sent[id]
		if want := sha256.Sum256(w.Events); micros == w.At.UnixMicro() && bytes.Equal(hash, want[:]) {
			delete(lost, id)
		}
		return nil
	})
	return lost, err
}

// ownedEnded gives the executions that have ended as the writes with Owned say.
func ownedEnded(ctx context.Context, db querier, batch []*engine.Write) (map[uuid.UUID]bool, error) {
	var ids uuids
	sent := map[uuid.UUID]*engine.Write{}
	for _, w := range batch {
		if w.Owned {
			ids = append(ids, pgUUID(w.Execution))
			sent[w.Execution] = w
		}
	}
	ended := map[uuid.UUID]bool{}
	if len(ids) == 0 {
		return ended, nil
	}
	rows, err := db.Query(ctx, sqlOwnedEnds, ids)
	if err != nil {
		return nil, err
	}
	var id uuid.UUID
	var micros int64
	_, err = pgx.ForEachRow(rows, []any{&id, &micros}, func() error {
		ended[id] = sent[id].End.EndedAt.UnixMicro() == micros
		return nil
	})
	return ended, err
}

// nameHolders sets Existing in the starts that lost their names.
func nameHolders(ctx context.Context, db querier, taken []*engine.Write) error {
	if len(taken) == 0 {
		return nil
	}
	type key struct {
		machine uuid.UUID
		name    string
	}
	var machines uuids
	var names texts
	for _, w := range taken {
		machines = append(machines, pgUUID(w.Start.Machine))
		names = append(names, pgText(w.Start.Name))
	}
	rows, err := db.Query(ctx, sqlHoldersOfNames, machines, names)
	if err != nil {
		return fmt.Errorf("looking for the executions that have the names: %w", err)
	}
	holders := map[key]uuid.UUID{}
	var k key
	var id uuid.UUID
	if _, err = pgx.ForEachRow(rows, []any{&k.machine, &k.name, &id}, func() error {
		holders[k] = id
		return nil
	}); err != nil {
		return fmt.Errorf("looking for the executions that have the names: %w", err)
	}
	for _, w := range taken {
		holder, ok := holders[key{w.Start.Machine, w.Start.Name}]
		if !ok {
			return fmt.Errorf("execution %s, named %q: %w", w.Execution, w.Start.Name, errUnsettled)
		}
		w.Existing = holder
	}
	return nil
}
