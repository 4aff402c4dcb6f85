-- Tasks that wait for a worker.

-- name: plan_queue
-- A queue grows from nothing to a million rows and back while plans are kept, and its statistics are those of another hour.
-- So tasks are taken row by row through the index, which also has their order, whatever the statistics say.
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
       set_config('enable_mergejoin', 'off', true), set_config('enable_bitmapscan', 'off', true),
       set_config('enable_sort', 'off', true)

-- name: put_activity_tasks
-- Again after a takeover; what is there already keeps its place. Rows are written in the order of their keys, or two
-- nodes that put the same would deadlock.
INSERT INTO activity_tasks (execution_id, task, namespace, activity, info, input)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::json[], $6::bytea[])
ON CONFLICT (execution_id, task) DO NOTHING

-- name: take_activity_tasks
-- The oldest tasks of each activity, as many as workers wait for. Nodes that take at once pass over each other's rows.
WITH wanted AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]) AS w (namespace, activity, workers)
), picked AS MATERIALIZED (
    SELECT p.execution_id, p.task
      FROM wanted w
     CROSS JOIN LATERAL (
        SELECT t.execution_id, t.task
          FROM activity_tasks t
         WHERE t.namespace = w.namespace AND t.activity = w.activity AND (t.taken_until IS NULL OR t.taken_until < now())
         ORDER BY t.id
         LIMIT w.workers
           FOR UPDATE SKIP LOCKED
     ) p
)
UPDATE activity_tasks t SET taken_until = now() + $4::interval
  FROM picked p
 WHERE t.execution_id = p.execution_id AND t.task = p.task
RETURNING t.execution_id, t.task, t.namespace, t.activity, t.info, t.input, t.id

-- name: return_activity_task
INSERT INTO activity_tasks (execution_id, task, namespace, activity, info, input) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (execution_id, task) DO UPDATE SET info = excluded.info, taken_until = NULL

-- name: give_back_activity_tasks
-- They keep their place in the queue.
UPDATE activity_tasks t SET taken_until = NULL
  FROM (SELECT execution_id, task FROM activity_tasks
          JOIN unnest($1::uuid[], $2::bigint[]) AS g (execution_id, task) USING (execution_id, task)
         ORDER BY execution_id, task FOR UPDATE) g
 WHERE t.execution_id = g.execution_id AND t.task = g.task

-- name: remove_activity_tasks
DELETE FROM activity_tasks t
 USING (SELECT execution_id, task FROM activity_tasks
          JOIN unnest($1::uuid[], $2::bigint[]) AS g (execution_id, task) USING (execution_id, task)
         ORDER BY execution_id, task FOR UPDATE) g
 WHERE t.execution_id = g.execution_id AND t.task = g.task

-- name: count_activity_tasks
SELECT count(*) FROM activity_tasks
