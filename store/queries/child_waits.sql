-- Tasks that wait for the end of another execution.

-- name: await_child
-- The lock on the child's row makes its end wait, or wait for it: either the end sees the row that is inserted here, or
-- this sees the end.
WITH child AS MATERIALIZED (
    SELECT id, status FROM executions WHERE id = $1 FOR SHARE
)
INSERT INTO child_waits (child, parent, task, as_json, state)
SELECT c.id, $2, $3, $4, CASE WHEN c.status = 'RUNNING' THEN 'waiting' ELSE 'ended' END FROM child c
ON CONFLICT (child, parent, task) DO UPDATE SET state = excluded.state, retry_at = now()
RETURNING state = 'ended'

-- name: settle_children
-- Goes with the ends of a commit, whose executions are looked for among the children and among the parents. An end that
-- had no effect has left its execution running.
UPDATE child_waits w
   SET state = CASE WHEN EXISTS (SELECT FROM executions e WHERE e.id = w.child AND e.status <> 'RUNNING')
                    THEN 'ended' ELSE 'abandoned' END,
       retry_at = now()
 WHERE (w.child = ANY($1::uuid[]) OR w.parent = ANY($1::uuid[])) AND w.state = 'waiting'
   AND EXISTS (SELECT FROM executions e WHERE e.id IN (w.child, w.parent) AND e.status <> 'RUNNING')

-- name: abandon_children
UPDATE child_waits SET state = 'abandoned', retry_at = now() WHERE parent = $1 AND task = $2 AND state = 'waiting'

-- name: settled_children
-- Takes news for a while; if they are not brought by then, another node may.
WITH due AS MATERIALIZED (
    SELECT child, parent, task FROM child_waits
     WHERE state <> 'waiting' AND retry_at <= now() ORDER BY retry_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE child_waits w SET retry_at = now() + make_interval(secs => $2)
  FROM due d WHERE w.child = d.child AND w.parent = d.parent AND w.task = d.task
RETURNING w.child, w.parent, w.task, w.as_json, w.state = 'abandoned'

-- name: forget_child
DELETE FROM child_waits WHERE child = $1 AND parent = $2 AND task = $3 AND state <> 'waiting'
