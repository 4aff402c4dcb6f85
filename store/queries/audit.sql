-- The audit.

-- name: insert_audit
-- Entries that are there already were written by a try whose answer was lost.
INSERT INTO audit (id, at, actor, key_id, action, namespace, resource, address, outcome, request_id)
SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                     $9::text[], $10::text[])
ON CONFLICT DO NOTHING

-- name: list_audit
-- Ids are ordered by time, so a range of times is a range of ids; NULL and '' choose all.
SELECT id, at, actor, key_id, action, namespace, resource, address, outcome, request_id
  FROM audit
 WHERE id > $1 AND id < $2 AND ($3 = '' OR actor = $3 OR key_id = $3) AND ($4 = '' OR lower(action) = lower($4))
 ORDER BY id DESC LIMIT $5

-- name: delete_audit
-- Nodes that delete at once pass each other's rows over.
DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE id < $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
