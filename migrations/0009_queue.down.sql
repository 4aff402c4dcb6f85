-- What waits is due at once, as it was before there was a queue.
UPDATE executions SET wake_at = now() WHERE queued;

CREATE OR REPLACE VIEW running_executions AS
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

DROP INDEX executions_queued;
ALTER TABLE executions DROP COLUMN queued;
