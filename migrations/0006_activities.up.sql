-- Activities: tasks that workers poll for.

CREATE TABLE activities (
    namespace  text        NOT NULL,
    name       text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT activities_pkey PRIMARY KEY (namespace, name)
);

-- What waits for a worker: one row a task, written once its execution has scheduled it, and deleted once its execution
-- knows who works on it, or does not wait for it any more. It is a queue and no truth: whether a task may still be begun
-- is for the run to say. No foreign keys, as with all that changes all the time.
CREATE TABLE activity_tasks (
    execution_id uuid        NOT NULL,
    task         bigint      NOT NULL,
    namespace    text        NOT NULL,
    activity     text        NOT NULL,
    id           bigint      NOT NULL GENERATED ALWAYS AS IDENTITY, -- the order in which tasks came
    -- While a node hands the task to a worker, no other one takes it until this time, by the clock of the database.
    taken_until  timestamptz,
    info         json        NOT NULL,            -- what the worker is told; package engine knows its fields
    input        bytea       NOT NULL,            -- JSON, as it is
    CONSTRAINT activity_tasks_pkey PRIMARY KEY (execution_id, task)
) WITH (
    fillfactor = 70,                              -- taking a task updates its row within the page
    -- A queue is emptied as fast as it is filled: its dead rows are to be gone before they slow the search for the next.
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 2000,
    autovacuum_analyze_scale_factor = 0.2
);
CREATE INDEX activity_tasks_next ON activity_tasks (namespace, activity, id);
ALTER TABLE activity_tasks ALTER COLUMN input SET STORAGE MAIN;
