-- State machines and their revisions.

-- name: lock_machine
-- Creates the machine or locks it, so that revisions get their numbers one after the other.
INSERT INTO state_machines (id, namespace, name) VALUES ($1, $2, $3)
ON CONFLICT (namespace, name) WHERE deleted_at IS NULL DO UPDATE SET name = excluded.name
RETURNING id, created_at, id = $1

-- name: newest
SELECT m.id, m.namespace, m.name, r.id, r.number, r.type, r.log_level, r.definition, r.file, m.created_at, r.created_at,
       r.role_arn, r.settings
  FROM state_machines m JOIN revisions r ON r.machine = m.id
 WHERE m.namespace = $1 AND m.name = $2 AND m.deleted_at IS NULL
 ORDER BY r.number DESC LIMIT 1

-- name: insert_revision
INSERT INTO revisions (id, machine, number, type, log_level, definition, file, role_arn, settings)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
RETURNING created_at

-- name: rename_file
UPDATE revisions SET file = $2 WHERE id = $1

-- name: revision
SELECT m.id, m.namespace, m.name, r.id, r.number, r.type, r.log_level, r.definition, r.file, m.created_at, r.created_at,
       r.role_arn, r.settings
  FROM revisions r JOIN state_machines m ON m.id = r.machine
 WHERE r.id = $1

-- name: list_machines
SELECT m.id, m.namespace, m.name, r.id, r.number, r.type, r.log_level, r.definition, r.file, m.created_at, r.created_at,
       r.role_arn, r.settings
  FROM state_machines m
  JOIN LATERAL (SELECT * FROM revisions WHERE machine = m.id ORDER BY number DESC LIMIT 1) r ON true
 WHERE m.namespace = $1 AND m.name > $2 AND m.deleted_at IS NULL
 ORDER BY m.name LIMIT $3

-- name: delete_machine
-- With its aliases and tags; its versions stay, for the executions that were started by them.
WITH doomed AS MATERIALIZED (
    SELECT id FROM state_machines WHERE namespace = $1 AND name = $2 AND deleted_at IS NULL FOR UPDATE
), gone_aliases AS (
    DELETE FROM aliases a USING doomed d WHERE a.machine = d.id
), gone_tags AS (
    DELETE FROM tags t USING doomed d WHERE t.owner = d.id
)
UPDATE state_machines m SET deleted_at = now() FROM doomed d WHERE m.id = d.id AND m.deleted_at IS NULL
