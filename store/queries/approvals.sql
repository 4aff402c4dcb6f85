-- Approvals, and who is to be told of them. What a commit writes of them takes arrays, one element a row, and takes effect
-- only where the row of history that it follows from was inserted by the same transaction: that is, if its write was
-- not fenced.

-- name: put_approvals
INSERT INTO approvals AS a (execution_id, task, namespace, asked_at, deadline, closed_at, status, waiting, detail)
SELECT w.id, w.task, w.namespace, w.asked_at, w.deadline, w.closed_at, w.status,
       ARRAY(SELECT json_array_elements_text(w.waiting)), w.detail
  FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[],
              $8::text[], $9::json[], $10::json[])
       AS w (id, seq, task, namespace, asked_at, deadline, closed_at, status, waiting, detail)
 WHERE (SELECT h.xmin FROM history h WHERE h.execution_id = w.id AND h.seq = w.seq) = pg_current_xact_id()::xid
ON CONFLICT (execution_id, task) DO UPDATE
   SET closed_at = excluded.closed_at, status = excluded.status, waiting = excluded.waiting, detail = excluded.detail,
       deadline = excluded.deadline

-- name: put_notices
INSERT INTO approval_notices (id, execution_id, task, namespace, kind, recipient, sender)
SELECT w.id, w.execution, w.task, w.namespace, w.kind, w.recipient, w.sender
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[])
       AS w (id, execution, seq, task, namespace, kind, recipient, sender)
 WHERE (SELECT h.xmin FROM history h WHERE h.execution_id = w.execution AND h.seq = w.seq) = pg_current_xact_id()::xid

-- name: approval
SELECT a.execution_id, a.task, a.namespace, a.asked_at, a.deadline, a.closed_at, a.status, a.waiting, a.detail
  FROM approvals a WHERE a.execution_id = $1 AND a.task = $2

-- name: approvals
-- Newest first, behind a cursor.
SELECT a.execution_id, a.task, a.namespace, a.asked_at, a.deadline, a.closed_at, a.status, a.waiting, a.detail
  FROM approvals a
 WHERE a.namespace = $1
   AND ($2::uuid IS NULL OR a.execution_id = $2)
   AND ($3::text[] IS NULL OR a.status = ANY($3))
   AND ($4::text IS NULL OR (a.waiting @> ARRAY[$4] AND a.closed_at IS NULL))
   AND ($5::timestamptz IS NULL OR (a.asked_at, a.execution_id, a.task) < ($5, $6::uuid, $7::bigint))
 ORDER BY a.asked_at DESC, a.execution_id DESC, a.task DESC
 LIMIT $8

-- name: claim_notices
-- Takes what is due out of the sight of other nodes for a while. A node that dies over it lets it be seen again.
WITH due AS MATERIALIZED (
    SELECT id FROM approval_notices WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE approval_notices n SET due_at = now() + $2::interval, attempts = n.attempts + 1
  FROM due WHERE n.id = due.id
RETURNING n.id, n.execution_id, n.task, n.namespace, n.kind, n.recipient, n.sender, n.attempts, n.sent, n.created_at

-- name: next_notice
SELECT greatest(min(due_at) - now(), interval '0') FROM approval_notices

-- name: delete_notices
DELETE FROM approval_notices WHERE id = ANY($1::uuid[])

-- name: postpone_notice
UPDATE approval_notices SET due_at = now() + $2::interval, sent = $3 WHERE id = $1

-- name: put_notifications
INSERT INTO notifications AS n (namespace, config) VALUES ($1, $2)
ON CONFLICT (namespace) DO UPDATE SET config = excluded.config, updated_at = now()

-- name: notifications
SELECT config FROM notifications WHERE namespace = $1
