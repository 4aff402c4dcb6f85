-- Starts that are stored until a node has room have a queue of their own, in which each state machine has its turn: a flood
-- of one keeps waiting neither the start of another nor an execution whose timer is due.

-- True while the start waits. It is NULL in the rows of all executions that need not wait, which so have no entry in the
-- index, and no update of theirs touches it.
ALTER TABLE executions ADD COLUMN queued boolean;
CREATE INDEX executions_queued ON executions (machine, id) WHERE queued;

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
           WHEN e.queued THEN 'waiting for room'
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
