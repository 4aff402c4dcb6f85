-- For people with a SQL prompt. No code reads them.

CREATE VIEW running_executions AS
SELECT e.id,
       e.namespace,
       m.name AS machine,
       r.number AS revision,
       e.name,
       e.started_at,
       now() - e.started_at AS age,
       CASE
           WHEN e.owner IS NOT NULL AND n.expires_at >= now() THEN 'running'
           WHEN e.owner IS NOT NULL THEN 'waiting for takeover'
           WHEN e.wake_at <= now() THEN 'due'
           WHEN e.wake_at IS NOT NULL THEN 'waiting for a timer'
           ELSE 'waiting for a signal'
       END AS activity,
       e.wake_at,
       e.owner AS node,
       n.address AS node_address,
       e.input
  FROM executions e
  LEFT JOIN state_machines m ON m.id = e.machine
  LEFT JOIN revisions r ON r.id = e.revision
  LEFT JOIN nodes n ON n.id = e.owner
 WHERE e.status = 'RUNNING';
COMMENT ON VIEW running_executions IS 'Executions that have not ended, with what each is doing.';

CREATE VIEW finished_executions AS
SELECT e.id,
       e.namespace,
       m.name AS machine,
       r.number AS revision,
       e.name,
       e.status,
       e.started_at,
       e.ended_at,
       e.ended_at - e.started_at AS duration,
       e.input,
       e.output,
       e.error,
       e.cause
  FROM executions e
  LEFT JOIN state_machines m ON m.id = e.machine
  LEFT JOIN revisions r ON r.id = e.revision
 WHERE e.status <> 'RUNNING';
COMMENT ON VIEW finished_executions IS 'Executions that have ended, with their result.';

CREATE VIEW node_loads AS
SELECT n.id,
       n.address,
       n.version,
       n.started_at,
       n.expires_at >= now() AS alive,
       (SELECT count(*) FROM executions e WHERE e.owner = n.id) AS executions
  FROM nodes n;
COMMENT ON VIEW node_loads IS 'The nodes, and how many executions each runs.';
