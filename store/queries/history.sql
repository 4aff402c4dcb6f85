-- The history: rows are inserted, read in order, and deleted with their execution.

-- name: append
INSERT INTO history (execution_id, seq, at, events)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::bytea[])
ON CONFLICT DO NOTHING -- guard

-- name: append_if_started
-- The first rows of starts with a name, which may have been taken: only where the execution's own row is there. (It may
-- be there from an earlier attempt at the same commit; the row of history is then there too.)
INSERT INTO history (execution_id, seq, at, events)
SELECT w.id, w.seq, w.at, w.events
  FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::bytea[]) AS w (id, seq, at, events)
 WHERE (SELECT true FROM executions e WHERE e.id = w.id)
ON CONFLICT DO NOTHING

-- name: append_if_ended
-- The histories of Express executions, each of which is written with the end: only where this very transaction has ended
-- the execution.
INSERT INTO history (execution_id, seq, at, events)
SELECT w.id, w.seq, w.at, w.events
  FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::bytea[]) AS w (id, seq, at, events)
 WHERE (SELECT e.xmin FROM executions e WHERE e.id = w.id) = pg_current_xact_id()::xid
ON CONFLICT DO NOTHING

-- name: compare
-- Who wrote these rows? A row with the same time and the same events is the one that the caller sent.
SELECT h.execution_id, (extract(epoch FROM h.at) * 1000000)::bigint, sha256(h.events)
  FROM unnest($1::uuid[], $2::bigint[]) AS w (id, seq)
  JOIN history h ON h.execution_id = w.id AND h.seq = w.seq

-- name: read
SELECT seq, at, events FROM history WHERE execution_id = $1 AND seq >= $2 ORDER BY seq LIMIT $3

-- name: tails
-- What lies behind the snapshots of the executions that have just been claimed.
SELECT w.i::integer - 1, h.seq, h.at, h.events
  FROM unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY AS w (id, snapshot_seq, i)
  JOIN history h ON h.execution_id = w.id AND h.seq > w.snapshot_seq
 ORDER BY w.i, h.seq
