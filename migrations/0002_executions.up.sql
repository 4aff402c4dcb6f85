-- What changes all the time. No foreign keys here: a check of one would lock a row of the registry for every start.
-- The key of an execution leads both tables, so that both can be distributed by it and joined locally.

-- One row an execution, written when it starts, when it is parked, and when it ends; not at each step.
CREATE TABLE executions (
    -- What stays as it is from the start comes first. An update within a page then writes only what lies behind it to the
    -- write-ahead log.
    id            uuid        NOT NULL,           -- time-ordered (UUIDv7): the primary key serves the listing
    machine       uuid        NOT NULL,
    revision      uuid        NOT NULL,
    started_at    timestamptz NOT NULL,
    named         boolean     NOT NULL,           -- the caller chose the name
    namespace     text        NOT NULL,
    name          text        NOT NULL,
    trace_context text,
    -- json, not jsonb: it keeps the text as it came (20-digit integers, 1e400, \u0000, lone surrogates, white space,
    -- the order of members), costs one scan to check, and can still be queried: output ->> 'total'.
    input         json,

    redrive_count integer     NOT NULL DEFAULT 0,
    redriven_at   timestamptz,
    owner         uuid,                           -- the node that runs it; NULL when it is parked or has ended
    claim         uuid,                           -- the claim that made the owner the owner; see store.Store
    wake_at       timestamptz,                    -- parked: when to go on, NULL if only a signal wakes it
    snapshot_seq  bigint,                         -- the last row of history that the snapshot contains
    snapshot      bytea,
    status        text        NOT NULL DEFAULT 'RUNNING',
    ended_at      timestamptz,
    output        json,
    error         text,
    cause         text,
    error_bytes   bytea,                          -- the exact text, where text cannot hold it (U+0000, not UTF-8)
    cause_bytes   bytea,
    CONSTRAINT executions_pkey PRIMARY KEY (id),
    CONSTRAINT executions_status CHECK (status IN
        ('RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED', 'PENDING_REDRIVE')),
    CONSTRAINT executions_owned_or_waiting CHECK (owner IS NULL OR wake_at IS NULL)
) WITH (
    -- Every row is updated once, when it ends, mostly within seconds. With room for that in its page, the update logs
    -- only what changed. 60 makes the log of a short execution 4 % smaller than 90 does; 50 hardly adds to that.
    fillfactor = 60,
    -- The default of 20 % lets millions of dead rows pile up in a large table; a constant keeps the work even.
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02
);

-- The name is the idempotency key of a start.
CREATE UNIQUE INDEX executions_name ON executions (machine, name) WHERE named;
-- Takeover: what a node owns. Holds live executions only. Because of it the update that ends an execution cannot stay
-- within the page (HOT), which costs 4 % of the log; any other way to find what a dead node owned costs more.
CREATE INDEX executions_owner ON executions (owner) WHERE owner IS NOT NULL;
-- Waking: what is due. Holds executions with a timer, and starts that wait for room.
CREATE INDEX executions_wake ON executions (wake_at) WHERE wake_at IS NOT NULL;
-- Listing by status. Executions that run to their success never enter either of them.
CREATE INDEX executions_parked ON executions (id) WHERE owner IS NULL AND status = 'RUNNING';
CREATE INDEX executions_unsuccessful ON executions (id)
    WHERE status IN ('FAILED', 'TIMED_OUT', 'ABORTED', 'PENDING_REDRIVE');

-- Listing by machine. Not a B-tree on (machine, id), which would cost 6 % of the log: a summary of which machines occur
-- in each stretch of the table, which costs nothing and lets a search for a rare machine skip nearly all of it. For a
-- frequent one the primary key serves.
CREATE INDEX executions_machine ON executions USING brin (machine uuid_bloom_ops (n_distinct_per_range = 32))
    WITH (pages_per_range = 64, autosummarize = on);

-- The history is the write: one row a durable point, with all the events of that point. The primary key is the fence:
-- whoever inserts a row first was the owner; nobody can insert it again. Rows are never updated.
CREATE TABLE history (
    execution_id uuid        NOT NULL,
    seq          bigint      NOT NULL,
    at           timestamptz NOT NULL,
    events       bytea       NOT NULL,
    CONSTRAINT history_pkey PRIMARY KEY (execution_id, seq)
) WITH (
    fillfactor = 100,
    -- Vacuum has nothing to remove before retention begins; it only has to mark pages as visible and frozen.
    autovacuum_vacuum_insert_scale_factor = 0.1,
    autovacuum_analyze_scale_factor = 0.05
);
-- Rows are read whole and in order. MAIN keeps events of up to a page in the row, compressed, where the default would
-- move them to a second table with a second index from 2 KB on.
ALTER TABLE history ALTER COLUMN events SET STORAGE MAIN;

-- lz4 compresses several times as fast as the default, at about the same size. Not every build of Postgres has it.
DO $$
BEGIN
    ALTER TABLE history ALTER COLUMN events SET COMPRESSION lz4;
    ALTER TABLE executions ALTER COLUMN input SET COMPRESSION lz4;
    ALTER TABLE executions ALTER COLUMN output SET COMPRESSION lz4;
    ALTER TABLE executions ALTER COLUMN snapshot SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END $$;
