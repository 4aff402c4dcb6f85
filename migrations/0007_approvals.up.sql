-- The inbox of those who decide: which approvals there are, and how they stand. It is written by the transactions that
-- write the history, which alone decides; so the two never disagree.
CREATE TABLE approvals (
    execution_id uuid        NOT NULL,
    task         bigint      NOT NULL,
    namespace    text        NOT NULL,
    asked_at     timestamptz NOT NULL,
    deadline     timestamptz,
    closed_at    timestamptz,
    status       text        NOT NULL,
    waiting      text[]      NOT NULL,        -- whose decision is missing; after it is closed, of those who never decided
    detail       json        NOT NULL,        -- all that is shown of it; package engine knows its fields
    CONSTRAINT approvals_pkey PRIMARY KEY (execution_id, task),
    CONSTRAINT approvals_status CHECK (status IN ('OPEN', 'APPROVED', 'REJECTED', 'TIMED_OUT', 'CANCELLED')),
    CONSTRAINT approvals_closed CHECK ((status = 'OPEN') = (closed_at IS NULL))
);
-- Listing, newest first; and the open ones of one approver.
CREATE INDEX approvals_asked ON approvals (namespace, asked_at, execution_id, task);
CREATE INDEX approvals_waiting ON approvals USING gin (waiting) WHERE closed_at IS NULL;

-- Who is still to be told of an approval. A row is written with the history that calls for it, and deleted when it was
-- sent: so what is told is durable first, and is told at least once.
CREATE TABLE approval_notices (
    id           uuid        NOT NULL,
    execution_id uuid        NOT NULL,
    task         bigint      NOT NULL,
    namespace    text        NOT NULL,
    kind         text        NOT NULL,
    recipient    text        NOT NULL,
    sender       text        NOT NULL DEFAULT '', -- who handed the decision on
    attempts     integer     NOT NULL DEFAULT 0,
    sent         text[]      NOT NULL DEFAULT '{}', -- the ways by which it was sent already
    created_at   timestamptz NOT NULL DEFAULT now(),
    due_at       timestamptz NOT NULL DEFAULT now(), -- not before then; a node that sends it pushes it ahead
    CONSTRAINT approval_notices_pkey PRIMARY KEY (id)
);
CREATE INDEX approval_notices_due ON approval_notices (due_at);

-- By which ways people are told, by namespace.
CREATE TABLE notifications (
    namespace  text        NOT NULL,
    config     json        NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT notifications_pkey PRIMARY KEY (namespace)
);
