-- Access keys.

-- name: insert_key
INSERT INTO access_keys (id, name, hash, scopes, namespaces, created_at, created_by, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: list_keys
SELECT id, name, hash, scopes, namespaces, created_at, created_by, expires_at, revoked_at, last_used_at
  FROM access_keys ORDER BY created_at DESC, id

-- name: revoke_key
UPDATE access_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1
RETURNING id, name, hash, scopes, namespaces, created_at, created_by, expires_at, revoked_at, last_used_at

-- name: touch_keys
-- Several nodes see the same key used; the latest counts.
UPDATE access_keys k SET last_used_at = w.at
  FROM unnest($1::text[], $2::timestamptz[]) AS w (id, at)
 WHERE k.id = w.id AND (k.last_used_at IS NULL OR k.last_used_at < w.at)

-- name: keys_version
SELECT access_version FROM settings

-- name: bump_keys_version
UPDATE settings SET access_version = access_version + 1
