-- Versions and aliases of state machines, tags, and by which version and alias executions were started.

-- name: lock_present_machine
-- Locks a machine so that what is made of it comes one after the other.
SELECT id, last_version FROM state_machines WHERE namespace = $1 AND name = $2 AND deleted_at IS NULL FOR UPDATE

-- name: version_of_revision
SELECT number, revision, description, created_at FROM versions WHERE revision = $1

-- name: count_versions
SELECT count(*) FROM versions WHERE machine = $1

-- name: next_version
UPDATE state_machines SET last_version = last_version + 1 WHERE id = $1 RETURNING last_version

-- name: insert_version
INSERT INTO versions (machine, number, revision, description) VALUES ($1, $2, $3, $4) RETURNING created_at

-- name: version
SELECT v.number, v.revision, v.description, v.created_at
  FROM versions v JOIN state_machines m ON m.id = v.machine
 WHERE m.namespace = $1 AND m.name = $2 AND m.deleted_at IS NULL AND v.number = $3

-- name: list_versions
-- The newest first.
SELECT v.number, v.revision, v.description, v.created_at
  FROM versions v JOIN state_machines m ON m.id = v.machine
 WHERE m.namespace = $1 AND m.name = $2 AND m.deleted_at IS NULL AND ($3 = 0 OR v.number < $3)
 ORDER BY v.number DESC LIMIT $4

-- name: delete_version
DELETE FROM versions WHERE machine = $1 AND number = $2

-- name: aliases_of_version
SELECT name FROM aliases WHERE machine = $1 AND (version = $2 OR other_version = $2) ORDER BY name

-- name: count_aliases
SELECT count(*) FROM aliases WHERE machine = $1

-- name: insert_alias
INSERT INTO aliases (machine, name, description, version, weight, other_version, other_weight)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (machine, name) DO NOTHING
RETURNING created_at, updated_at

-- name: alias
SELECT a.name, a.description, a.version, a.weight, a.other_version, a.other_weight, a.created_at, a.updated_at
  FROM aliases a JOIN state_machines m ON m.id = a.machine
 WHERE m.namespace = $1 AND m.name = $2 AND m.deleted_at IS NULL AND a.name = $3

-- name: list_aliases
-- By name; those that lead to one version only, if there is a number.
SELECT a.name, a.description, a.version, a.weight, a.other_version, a.other_weight, a.created_at, a.updated_at
  FROM aliases a JOIN state_machines m ON m.id = a.machine
 WHERE m.namespace = $1 AND m.name = $2 AND m.deleted_at IS NULL AND a.name > $3
   AND ($4 = 0 OR a.version = $4 OR a.other_version = $4)
 ORDER BY a.name LIMIT $5

-- name: update_alias
UPDATE aliases
   SET description = $3, version = $4, weight = $5, other_version = $6, other_weight = $7, updated_at = now()
 WHERE machine = $1 AND name = $2
RETURNING created_at, updated_at

-- name: delete_alias
DELETE FROM aliases a USING state_machines m
 WHERE m.id = a.machine AND m.namespace = $1 AND m.name = $2 AND m.deleted_at IS NULL AND a.name = $3

-- name: tags
SELECT key, value FROM tags WHERE owner = $1 ORDER BY key

-- name: lock_tags
SELECT pg_advisory_xact_lock(hashtextextended($1::text, 8))

-- name: put_tags
INSERT INTO tags (owner, key, value) SELECT $1, * FROM unnest($2::text[], $3::text[])
ON CONFLICT (owner, key) DO UPDATE SET value = excluded.value

-- name: delete_tags
DELETE FROM tags WHERE owner = $1 AND key = ANY($2::text[])

-- name: insert_routes
-- Only for executions that are there: the name of a start may have been taken.
INSERT INTO routes (execution_id, machine, version, alias)
SELECT w.id, w.machine, w.version, w.alias
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[]) AS w (id, machine, version, alias)
 WHERE EXISTS (SELECT FROM executions e WHERE e.id = w.id)
ON CONFLICT DO NOTHING

-- name: routes
SELECT execution_id, version, coalesce(alias, '') FROM routes WHERE execution_id = ANY($1::uuid[])

-- name: list_routed
-- As list, for what is asked for more rarely: by redrives, by version, by alias.
SELECT e.id, e.namespace, e.machine, coalesce(m.name, ''), e.revision, e.name, e.status, NULL::json, NULL::json, e.error,
       e.cause, e.error_bytes, e.cause_bytes, e.started_at, e.ended_at, e.owner, e.wake_at, e.redrive_count,
       e.redriven_at, e.trace_context, NULL::bytea, NULL::bigint, coalesce(r.type, '')
  FROM executions e LEFT JOIN state_machines m ON m.id = e.machine LEFT JOIN revisions r ON r.id = e.revision
 WHERE ($1::text IS NULL OR e.namespace = $1)
   AND ($2::uuid[] IS NULL OR e.machine = ANY($2))
   AND ($3::text[] IS NULL OR e.status = ANY($3))
   AND ($4::text IS NULL OR starts_with(e.name, $4))
   AND ($5::timestamptz IS NULL OR e.started_at > $5)
   AND ($6::timestamptz IS NULL OR e.started_at < $6)
   AND ($7::uuid IS NULL OR e.id < $7)
   AND ($9::boolean IS NULL OR (e.redrive_count > 0) = $9)
   AND ($10::bigint IS NULL
        OR e.id IN (SELECT t.execution_id FROM routes t WHERE t.machine = ANY($2) AND t.version = $10))
   AND ($11::text IS NULL OR e.id IN (SELECT t.execution_id FROM routes t WHERE t.machine = ANY($2) AND t.alias = $11))
 ORDER BY e.id DESC LIMIT $8
