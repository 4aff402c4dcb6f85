package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tercel-workflows/tercel/engine"
)

var (
	sqlTags       = query("tags")
	sqlLockTags   = query("lock_tags")
	sqlPutTags    = query("put_tags")
	sqlDeleteTags = query("delete_tags")
)

// Tags implements engine.Versions.
func (s *Store) Tags(ctx context.Context, owner uuid.UUID) (map[string]string, error) {
	tags, err := readTags(ctx, s.pool, owner)
	if err != nil {
		return nil, fmt.Errorf("reading the tags of %s: %w", owner, err)
	}
	return tags, nil
}

func readTags(ctx context.Context, q querier, owner uuid.UUID) (map[string]string, error) {
	rows, err := q.Query(ctx, sqlTags, pgUUID(owner))
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	var key, value string
	_, err = pgx.ForEachRow(rows, []any{&key, &value}, func() error {
		tags[key] = value
		return nil
	})
	return tags, err
}

// PutTags implements engine.Versions.
func (s *Store) PutTags(ctx context.Context, owner uuid.UUID, tags map[string]string) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, sqlLockTags, owner.String()); err != nil { // counted and written by one at a time
			return err
		}
		return putTags(ctx, tx, owner, tags)
	})
	if err != nil {
		return fmt.Errorf("tagging %s: %w", owner, err)
	}
	return nil
}

func putTags(ctx context.Context, tx pgx.Tx, owner uuid.UUID, tags map[string]string) error {
	if len(tags) == 0 {
		return nil
	}
	present, err := readTags(ctx, tx, owner)
	if err != nil {
		return err
	}
	var keys, values []string
	for key, value := range tags {
		keys, values = append(keys, key), append(values, value)
		present[key] = value
	}
	if len(present) > engine.MaxTags {
		return engine.ErrTooMany
	}
	_, err = tx.Exec(ctx, sqlPutTags, pgUUID(owner), keys, values)
	return err
}

// DeleteTags implements engine.Versions.
func (s *Store) DeleteTags(ctx context.Context, owner uuid.UUID, keys []string) error {
	if _, err := s.pool.Exec(ctx, sqlDeleteTags, pgUUID(owner), keys); err != nil {
		return fmt.Errorf("untagging %s: %w", owner, err)
	}
	return nil
}
