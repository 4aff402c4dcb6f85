package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tercel-workflows/tercel/engine/access"
)

var (
	sqlInsertKey       = query("insert_key")
	sqlListKeys        = query("list_keys")
	sqlRevokeKey       = query("revoke_key")
	sqlTouchKeys       = query("touch_keys")
	sqlKeysVersion     = query("keys_version")
	sqlBumpKeysVersion = query("bump_keys_version")
)

var _ access.Store = (*Store)(nil)

// InsertKey stores a new access key.
func (s *Store) InsertKey(ctx context.Context, k access.StoredKey) error {
	namespaces := k.Namespaces
	if namespaces == nil {
		namespaces = []string{}
	}
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sqlInsertKey, k.ID, k.Name, k.Hash[:], k.Scopes, namespaces, k.CreatedAt, k.CreatedBy, pgTime(k.ExpiresAt))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, sqlBumpKeysVersion)
		return err
	})
	if err != nil {
		return fmt.Errorf("storing the access key %q: %w", k.Name, err)
	}
	return nil
}

// Keys gives all access keys, newest first, and their version. Keys that are made or revoked meanwhile may be in it
// already, but then the version is an older one.
func (s *Store) Keys(ctx context.Context) ([]access.StoredKey, int64, error) {
	version, err := s.KeysVersion(ctx)
	if err != nil {
		return nil, 0, err
	}
	rows, err := s.pool.Query(ctx, sqlListKeys)
	if err != nil {
		return nil, 0, fmt.Errorf("listing access keys: %w", err)
	}
	keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (access.StoredKey, error) { return scanKey(row) })
	if err != nil {
		return nil, 0, fmt.Errorf("listing access keys: %w", err)
	}
	return keys, version, nil
}

// KeysVersion grows with every access key that is made or revoked.
func (s *Store) KeysVersion(ctx context.Context) (int64, error) {
	var version int64
	if err := s.pool.QueryRow(ctx, sqlKeysVersion).Scan(&version); err != nil {
		return 0, fmt.Errorf("reading the version of the access keys: %w", err)
	}
	return version, nil
}

// RevokeKey revokes an access key for good, or gives access.ErrNotFound. One that was revoked before keeps its time.
func (s *Store) RevokeKey(ctx context.Context, id string) (access.Key, error) {
	var key access.StoredKey
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var err error
		if key, err = scanKey(tx.QueryRow(ctx, sqlRevokeKey, id)); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, sqlBumpKeysVersion)
		return err
	})
	if err != nil {
		return access.Key{}, fmt.Errorf("revoking the access key %q: %w", id, err)
	}
	return key.Key, nil
}

// TouchKeys notes when access keys were used last, where that is later than what is noted.
func (s *Store) TouchKeys(ctx context.Context, used map[string]time.Time) error {
	var ids texts
	var at times
	for id, t := range used {
		ids, at = append(ids, pgText(id)), append(at, pgTime(t))
	}
	if _, err := s.pool.Exec(ctx, sqlTouchKeys, ids, at); err != nil {
		return fmt.Errorf("noting the use of access keys: %w", err)
	}
	return nil
}

func scanKey(row pgx.Row) (access.StoredKey, error) {
	var k access.StoredKey
	var hash []byte
	var expires, revoked, used pgtype.Timestamptz
	err := row.Scan(&k.ID, &k.Name, &hash, &k.Scopes, &k.Namespaces, &k.CreatedAt, &k.CreatedBy, &expires, &revoked, &used)
	if errors.Is(err, pgx.ErrNoRows) {
		return k, access.ErrNotFound
	}
	copy(k.Hash[:], hash)
	k.ExpiresAt, k.RevokedAt, k.LastUsedAt = expires.Time, revoked.Time, used.Time
	return k, err
}
