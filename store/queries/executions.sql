-- Statements on executions. Those of a commit take arrays, one element a write, and are sent in one round trip with
-- the statement of history.sql that inserts the rows.
--
-- A commit is first tried without the lines marked `guard`: it inserts and updates without looking, and a single row
-- that is there already fails the transaction. Only then it is sent with them. Then inserts pass over rows that are
-- there, and what an update does to an execution depends on its row of history: it is done only if that was inserted by
-- this very transaction (xmin), that is, if the write was not fenced. Guards cost a search and, for an insert, a further
-- record in the write-ahead log for each row; that is why they are left out where there is nothing to guard against.

-- name: plan_by_key
-- The plan of a prepared statement is kept. One that was made while the tables were small would read them whole for
-- ever after; so every plan is made to go through the indexes, whatever the statistics say at the moment.
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
       set_config('enable_mergejoin', 'off', true)

-- name: insert_started
-- Starts that go on running: no more columns than they need.
INSERT INTO executions (id, machine, revision, started_at, named, namespace, name, input, trace_context, owner)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::boolean[], $6::text[], $7::text[],
                     $8::json[], $9::text[], $10::uuid[])
ON CONFLICT DO NOTHING -- guard

-- name: insert_settled
-- Starts that wait for room (queued), or have been parked, ended or snapshotted by the same write.
INSERT INTO executions (id, machine, revision, started_at, named, namespace, name, input, trace_context,
                        status, ended_at, wake_at, snapshot_seq, output, error, cause, error_bytes, cause_bytes, snapshot,
                        owner, queued)
SELECT w.id, w.machine, w.revision, w.started_at, w.named, w.namespace, w.name, w.input, w.trace_context,
       w.status, w.ended_at, w.wake_at, w.snapshot_seq, w.output,
       w.error, w.cause, w.error_bytes, w.cause_bytes, w.snapshot, w.owner, nullif(w.queued, false)
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::boolean[], $6::text[], $7::text[],
              $8::json[], $9::text[], $10::text[], $11::timestamptz[], $12::timestamptz[], $13::bigint[], $14::json[],
              $15::text[], $16::text[], $17::bytea[], $18::bytea[], $19::bytea[], $20::boolean[], $21::uuid[])
       AS w (id, machine, revision, started_at, named, namespace, name, input, trace_context,
             status, ended_at, wake_at, snapshot_seq, output, error, cause, error_bytes, cause_bytes, snapshot, queued,
             owner)
ON CONFLICT DO NOTHING -- guard

-- name: reopen
UPDATE executions e
   SET status = 'RUNNING', owner = w.node, claim = NULL, wake_at = NULL, ended_at = NULL, output = NULL,
       error = NULL, cause = NULL, error_bytes = NULL, cause_bytes = NULL, snapshot = NULL, snapshot_seq = NULL,
       redrive_count = e.redrive_count + 1, redriven_at = w.at
  FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::timestamptz[]) AS w (id, seq, node, at)
 WHERE e.id = w.id
   AND (SELECT h.xmin FROM history h WHERE h.execution_id = w.id AND h.seq = w.seq) = pg_current_xact_id()::xid -- guard

-- name: adopt
-- A parked execution goes on where a signal for it arrived.
UPDATE executions e
   SET owner = w.node, claim = NULL, wake_at = NULL
  FROM unnest($1::uuid[], $2::bigint[], $3::uuid[]) AS w (id, seq, node)
 WHERE e.id = w.id
   AND (SELECT h.xmin FROM history h WHERE h.execution_id = w.id AND h.seq = w.seq) = pg_current_xact_id()::xid -- guard

-- name: end
UPDATE executions e
   SET status = w.status, ended_at = w.ended_at, output = w.output, error = w.error, cause = w.cause,
       error_bytes = w.error_bytes, cause_bytes = w.cause_bytes,
       owner = NULL, wake_at = NULL, snapshot = NULL, snapshot_seq = NULL
  FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::timestamptz[], $5::json[], $6::text[], $7::text[], $8::bytea[],
              $9::bytea[]) AS w (id, seq, status, ended_at, output, error, cause, error_bytes, cause_bytes)
 WHERE e.id = w.id
   AND (SELECT h.xmin FROM history h WHERE h.execution_id = w.id AND h.seq = w.seq) = pg_current_xact_id()::xid -- guard

-- name: end_owned
-- Ends Express executions. They have no history while they run, so what keeps a former owner from ending what somebody
-- else runs by now is the owner in the row.
UPDATE executions e
   SET status = w.status, ended_at = w.ended_at, output = w.output, error = w.error, cause = w.cause,
       error_bytes = w.error_bytes, cause_bytes = w.cause_bytes,
       owner = NULL, wake_at = NULL, snapshot = NULL, snapshot_seq = NULL
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::json[], $6::text[], $7::text[], $8::bytea[],
              $9::bytea[]) AS w (id, owner, status, ended_at, output, error, cause, error_bytes, cause_bytes)
 WHERE e.id = w.id AND e.owner = w.owner AND e.status = 'RUNNING'

-- name: owned_ends
-- How these executions have ended, in microseconds.
SELECT id, (extract(epoch FROM ended_at) * 1000000)::bigint
  FROM executions WHERE id = ANY($1::uuid[]) AND owner IS NULL AND ended_at IS NOT NULL

-- name: park
UPDATE executions e
   SET owner = NULL, wake_at = w.wake_at, snapshot = w.snapshot, snapshot_seq = w.seq
  FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::bytea[]) AS w (id, seq, wake_at, snapshot)
 WHERE e.id = w.id
   AND (SELECT h.xmin FROM history h WHERE h.execution_id = w.id AND h.seq = w.seq) = pg_current_xact_id()::xid -- guard

-- name: snapshot
UPDATE executions e
   SET snapshot = w.snapshot, snapshot_seq = w.seq
  FROM unnest($1::uuid[], $2::bigint[], $3::bytea[]) AS w (id, seq, snapshot)
 WHERE e.id = w.id
   AND (SELECT h.xmin FROM history h WHERE h.execution_id = w.id AND h.seq = w.seq) = pg_current_xact_id()::xid -- guard

-- name: stored
-- Which of these executions exist.
SELECT id FROM executions WHERE id = ANY($1::uuid[])

-- name: holders_of_names
SELECT w.machine, w.name, e.id
  FROM unnest($1::uuid[], $2::text[]) AS w (machine, name)
  JOIN executions e ON e.machine = w.machine AND e.name = w.name AND e.named

-- name: claim_due
-- The CTE is materialized so that the limit holds and each row is locked once, whatever the join does.
WITH due AS MATERIALIZED (
    SELECT id FROM executions WHERE wake_at <= now() ORDER BY wake_at LIMIT $3::bigint FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE executions e SET owner = $1, claim = $2, wake_at = NULL FROM due WHERE e.id = due.id RETURNING e.*
)
SELECT e.id, e.namespace, e.machine, coalesce(m.name, ''), e.revision, e.name, e.status, e.input, e.output, e.error,
       e.cause, e.error_bytes, e.cause_bytes, e.started_at, e.ended_at, e.owner, e.wake_at, e.redrive_count,
       e.redriven_at, e.trace_context, e.snapshot, e.snapshot_seq, ''
  FROM claimed e LEFT JOIN state_machines m ON m.id = e.machine

-- name: claim_queued
-- Takes starts that wait for room: of each state machine that has any, in turn behind $4, an equal part, the oldest first.
-- One probe of the index finds the next machine, so that the cost does not grow with how many starts wait.
WITH RECURSIVE turns AS (
    (SELECT machine, 1::bigint AS n FROM executions WHERE queued AND machine > $4 ORDER BY machine LIMIT 1)
    UNION ALL
    SELECT (SELECT e.machine FROM executions e WHERE e.queued AND e.machine > t.machine ORDER BY e.machine LIMIT 1), t.n + 1
      FROM turns t WHERE t.machine IS NOT NULL AND t.n < $3::bigint
), picked AS MATERIALIZED (
    SELECT q.id
      FROM turns t
     CROSS JOIN LATERAL (
           SELECT e.id FROM executions e WHERE e.queued AND e.machine = t.machine ORDER BY e.machine, e.id
            LIMIT $3::bigint / (SELECT count(machine) FROM turns) FOR UPDATE SKIP LOCKED) q
     WHERE t.machine IS NOT NULL
), claimed AS (
    UPDATE executions e SET owner = $1, claim = $2, queued = NULL FROM picked p WHERE e.id = p.id RETURNING e.*
)
SELECT e.id, e.namespace, e.machine, coalesce(m.name, ''), e.revision, e.name, e.status, e.input, e.output, e.error,
       e.cause, e.error_bytes, e.cause_bytes, e.started_at, e.ended_at, e.owner, e.wake_at, e.redrive_count,
       e.redriven_at, e.trace_context, e.snapshot, e.snapshot_seq, ''
  FROM claimed e LEFT JOIN state_machines m ON m.id = e.machine

-- name: claim_of_owner
WITH orphaned AS MATERIALIZED (
    SELECT id FROM executions WHERE owner = $4 LIMIT $3::bigint FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE executions e SET owner = $1, claim = $2 FROM orphaned o WHERE e.id = o.id RETURNING e.*
)
SELECT e.id, e.namespace, e.machine, coalesce(m.name, ''), e.revision, e.name, e.status, e.input, e.output, e.error,
       e.cause, e.error_bytes, e.cause_bytes, e.started_at, e.ended_at, e.owner, e.wake_at, e.redrive_count,
       e.redriven_at, e.trace_context, e.snapshot, e.snapshot_seq, ''
  FROM claimed e LEFT JOIN state_machines m ON m.id = e.machine

-- name: parked
-- Of executions that are as they were parked, the snapshot is all there is to know: no history lies behind it.
SELECT e.id, e.namespace, e.machine, '', e.revision, e.name, e.status, e.input, NULL::json, NULL::text, NULL::text,
       NULL::bytea, NULL::bytea, e.started_at, NULL::timestamptz, NULL::uuid, e.wake_at, e.redrive_count,
       e.redriven_at, e.trace_context, e.snapshot, e.snapshot_seq, ''
  FROM executions e
 WHERE e.id = ANY($1::uuid[]) AND e.status = 'RUNNING' AND e.owner IS NULL AND e.snapshot IS NOT NULL
   AND NOT EXISTS (SELECT FROM history h WHERE h.execution_id = e.id AND h.seq > e.snapshot_seq)

-- name: claim_one
-- Takes a parked execution, and also one whose owner is no longer among the nodes.
WITH claimed AS (
    UPDATE executions e SET owner = $1, claim = $2, wake_at = NULL, queued = NULL
     WHERE e.id = $4 AND e.status = 'RUNNING' AND $3::bigint > 0
       AND (e.owner IS NULL OR NOT EXISTS (SELECT FROM nodes n WHERE n.id = e.owner))
    RETURNING e.*
)
SELECT e.id, e.namespace, e.machine, coalesce(m.name, ''), e.revision, e.name, e.status, e.input, e.output, e.error,
       e.cause, e.error_bytes, e.cause_bytes, e.started_at, e.ended_at, e.owner, e.wake_at, e.redrive_count,
       e.redriven_at, e.trace_context, e.snapshot, e.snapshot_seq, ''
  FROM claimed e LEFT JOIN state_machines m ON m.id = e.machine

-- name: status_and_owner
SELECT e.status, n.id, n.address, n.version, n.started_at
  FROM executions e LEFT JOIN nodes n ON n.id = e.owner AND n.expires_at >= clock_timestamp()
 WHERE e.id = $1

-- name: next_due
-- Rows that another node is about to claim count too: at worst the caller looks once in vain.
SELECT extract(epoch FROM min(wake_at) - clock_timestamp())::float8 FROM executions WHERE wake_at IS NOT NULL

-- name: orphaned_owners
-- The owners that are not among the nodes. One index probe for each distinct owner, however many executions it owns.
WITH RECURSIVE owners AS (
    (SELECT owner FROM executions WHERE owner IS NOT NULL ORDER BY owner LIMIT 1)
    UNION ALL
    SELECT (SELECT e.owner FROM executions e WHERE e.owner > o.owner ORDER BY e.owner LIMIT 1)
      FROM owners o WHERE o.owner IS NOT NULL
)
SELECT o.owner FROM owners o
 WHERE o.owner IS NOT NULL AND NOT EXISTS (SELECT FROM nodes n WHERE n.id = o.owner)

-- name: release
WITH held AS MATERIALIZED (
    SELECT id FROM executions WHERE id = ANY($2::uuid[]) AND owner = $1 ORDER BY id FOR UPDATE
)
UPDATE executions e SET owner = NULL, claim = NULL, wake_at = now() FROM held WHERE e.id = held.id

-- name: release_claims
-- Hands back what claims took whose answer never arrived.
WITH held AS MATERIALIZED (
    SELECT id FROM executions WHERE owner = $1 AND claim = ANY($2::uuid[]) ORDER BY id FOR UPDATE
)
UPDATE executions e SET owner = NULL, claim = NULL, wake_at = now() FROM held WHERE e.id = held.id

-- name: release_owner
WITH held AS MATERIALIZED (
    SELECT id FROM executions WHERE owner = $1 ORDER BY id FOR UPDATE
)
UPDATE executions e SET owner = NULL, claim = NULL, wake_at = now() FROM held WHERE e.id = held.id

-- name: execution
SELECT e.id, e.namespace, e.machine, coalesce(m.name, ''), e.revision, e.name, e.status, e.input, e.output, e.error,
       e.cause, e.error_bytes, e.cause_bytes, e.started_at, e.ended_at, e.owner, e.wake_at, e.redrive_count,
       e.redriven_at, e.trace_context, NULL::bytea, NULL::bigint, coalesce(r.type, '')
  FROM executions e LEFT JOIN state_machines m ON m.id = e.machine LEFT JOIN revisions r ON r.id = e.revision
 WHERE e.id = $1

-- name: execution_by_name
-- Names that callers chose are found by their index. Others are the id of the execution, or not looked up by name.
SELECT e.id, e.namespace, e.machine, m.name, e.revision, e.name, e.status, e.input, e.output, e.error,
       e.cause, e.error_bytes, e.cause_bytes, e.started_at, e.ended_at, e.owner, e.wake_at, e.redrive_count,
       e.redriven_at, e.trace_context, NULL::bytea, NULL::bigint, coalesce(r.type, '')
  FROM state_machines m JOIN executions e ON e.machine = m.id AND e.name = $3 AND e.named
  LEFT JOIN revisions r ON r.id = e.revision
 WHERE m.namespace = $1 AND m.name = $2
 ORDER BY e.id DESC LIMIT 1

-- name: list
-- Newest first. Each filter is left out if its parameter is NULL. The statement is planned anew for each call, with
-- its parameters known, so that the filters that are left out cost nothing and those that are there choose the index.
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
 ORDER BY e.id DESC LIMIT $8

-- name: list_running
-- The running ones are the owned and the parked, and each have an index; a search of the primary key would have to pass
-- all those that have ended.
SELECT e.id, e.namespace, e.machine, coalesce(m.name, ''), e.revision, e.name, e.status, NULL::json, NULL::json, e.error,
       e.cause, e.error_bytes, e.cause_bytes, e.started_at, e.ended_at, e.owner, e.wake_at, e.redrive_count,
       e.redriven_at, e.trace_context, NULL::bytea, NULL::bigint, coalesce(r.type, '')
  FROM ((SELECT * FROM executions p
          WHERE p.owner IS NULL AND p.status = 'RUNNING'
            AND ($1::text IS NULL OR p.namespace = $1)
            AND ($2::uuid[] IS NULL OR p.machine = ANY($2))
            AND ($3::text IS NULL OR starts_with(p.name, $3))
            AND ($4::timestamptz IS NULL OR p.started_at > $4)
            AND ($5::timestamptz IS NULL OR p.started_at < $5)
            AND ($6::uuid IS NULL OR p.id < $6)
          ORDER BY p.id DESC LIMIT $7)
        UNION ALL
        SELECT * FROM executions o
         WHERE o.owner IS NOT NULL AND o.status = 'RUNNING'
           AND ($1::text IS NULL OR o.namespace = $1)
           AND ($2::uuid[] IS NULL OR o.machine = ANY($2))
           AND ($3::text IS NULL OR starts_with(o.name, $3))
           AND ($4::timestamptz IS NULL OR o.started_at > $4)
           AND ($5::timestamptz IS NULL OR o.started_at < $5)
           AND ($6::uuid IS NULL OR o.id < $6)) e
  LEFT JOIN state_machines m ON m.id = e.machine LEFT JOIN revisions r ON r.id = e.revision
 ORDER BY e.id DESC LIMIT $7

-- name: machines_of_name
SELECT id FROM state_machines WHERE ($1::text IS NULL OR namespace = $1) AND name = $2

-- name: delete_finished
-- Looks at a bounded number of the oldest executions behind a cursor, and deletes those of them that ended long ago.
WITH looked_at AS MATERIALIZED (
    SELECT id, status <> 'RUNNING' AND ended_at < $1 AS finished
      FROM executions WHERE id > $2 AND id < $3 ORDER BY id LIMIT $4
), doomed AS MATERIALIZED (
    SELECT id FROM looked_at WHERE finished
), gone AS (
    DELETE FROM executions e USING doomed d
     WHERE e.id = d.id AND e.status <> 'RUNNING' AND e.ended_at < $1
    RETURNING e.id
), gone_history AS (
    DELETE FROM history h USING gone g WHERE h.execution_id = g.id
), gone_approvals AS (
    DELETE FROM approvals a USING gone g WHERE a.execution_id = g.id
), gone_routes AS (
    DELETE FROM routes r USING gone g WHERE r.execution_id = g.id
)
SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM looked_at), (SELECT id FROM looked_at ORDER BY id DESC LIMIT 1)
