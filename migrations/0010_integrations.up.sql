-- Tasks that wait for the end of an execution that they started (states:startExecution.sync). The end of the child, or of
-- the parent, marks the row in its own transaction, so that no crash can lose the news; whichever node takes the row
-- brings them where they belong, and deletes it.
CREATE TABLE child_waits (
    child    uuid        NOT NULL,
    parent   uuid        NOT NULL,
    task     bigint      NOT NULL,
    as_json  boolean     NOT NULL, -- .sync:2: the task sees the child's payloads as JSON, not as text
    -- waiting: the child runs. ended: the parent is to be told. abandoned: nobody waits any more, the child is to be stopped.
    state    text        NOT NULL DEFAULT 'waiting' CONSTRAINT child_waits_state CHECK (state IN ('waiting', 'ended', 'abandoned')),
    retry_at timestamptz NOT NULL DEFAULT now(), -- not before then does another node take it
    CONSTRAINT child_waits_pkey PRIMARY KEY (child, parent, task)
);
CREATE INDEX child_waits_parent ON child_waits (parent);
CREATE INDEX child_waits_settled ON child_waits (retry_at) WHERE state <> 'waiting';

-- Connections: where http:invoke has its credentials from. The secrets themselves are not here, only their names.
CREATE TABLE connections (
    namespace  text        NOT NULL,
    name       text        NOT NULL,
    config     json        NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT connections_pkey PRIMARY KEY (namespace, name)
);
