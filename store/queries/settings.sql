-- The one row of settings.

-- name: make_cluster_key
UPDATE settings SET cluster_key = $1 WHERE cluster_key IS NULL

-- name: cluster_key
SELECT cluster_key FROM settings

-- name: registry_version
SELECT registry_version FROM settings

-- name: bump_registry_version
-- Locks the row until the change is committed: a node that sees the new version sees the change.
UPDATE settings SET registry_version = registry_version + 1
