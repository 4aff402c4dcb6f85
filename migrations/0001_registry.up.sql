-- What changes rarely: who runs executions, and what there is to execute.
--
-- All names are unqualified, so that the tables live in whatever schema comes first in the search_path.

-- One row for the whole cluster.
CREATE TABLE settings (
    one_row          boolean NOT NULL DEFAULT true,
    cluster_key      bytea,                       -- 32 random bytes, made by the first node that asks for them
    registry_version bigint  NOT NULL DEFAULT 0,  -- grows in the transaction of every change to the registry
    CONSTRAINT settings_pkey PRIMARY KEY (one_row),
    CONSTRAINT settings_one_row CHECK (one_row),
    CONSTRAINT settings_cluster_key_length CHECK (octet_length(cluster_key) = 32)
);
INSERT INTO settings DEFAULT VALUES;

-- A deleted machine keeps its row: its executions go on, and they are read with its name.
CREATE TABLE state_machines (
    id         uuid        NOT NULL,
    namespace  text        NOT NULL,
    name       text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT state_machines_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX state_machines_name ON state_machines (namespace, name) WHERE deleted_at IS NULL;
-- For looking up executions by the name of their machine, deleted ones included.
CREATE INDEX state_machines_any_name ON state_machines (namespace, name, id);

-- Definitions are never changed: an execution ends on the revision it began with.
CREATE TABLE revisions (
    id         uuid        NOT NULL,
    machine    uuid        NOT NULL,
    number     integer     NOT NULL,
    type       text        NOT NULL,
    definition text        NOT NULL,              -- as deployed, JSON or YAML
    file       text        NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT revisions_pkey PRIMARY KEY (id),
    CONSTRAINT revisions_number UNIQUE (machine, number),
    CONSTRAINT revisions_machine_fkey FOREIGN KEY (machine) REFERENCES state_machines (id),
    CONSTRAINT revisions_type CHECK (type IN ('STANDARD', 'EXPRESS'))
);

CREATE TABLE functions (
    namespace  text        NOT NULL,
    name       text        NOT NULL,
    config     json        NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT functions_pkey PRIMARY KEY (namespace, name)
);

-- One row a node, updated every few seconds: it stays in one page and is pruned there.
CREATE TABLE nodes (
    id         uuid        NOT NULL,
    address    text        NOT NULL DEFAULT '',
    version    text        NOT NULL DEFAULT '',
    started_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,              -- the lease, by the clock of the database
    lease      interval    NOT NULL,
    -- When the lease was last renewed too late, as all leases are after an outage of the database. Until a node has been
    -- steady for as long as a lease lasts, it does not take the other late ones for dead.
    late_at    timestamptz,
    CONSTRAINT nodes_pkey PRIMARY KEY (id)
) WITH (fillfactor = 50);
