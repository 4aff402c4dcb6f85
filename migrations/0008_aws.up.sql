-- What the AWS Step Functions API keeps: versions and aliases of state machines, tags, and what a revision has besides its
-- definition.

ALTER TABLE revisions
    ADD COLUMN role_arn text NOT NULL DEFAULT '',
    -- loggingConfiguration, tracingConfiguration and encryptionConfiguration as they were given; NULL for none. The engine
    -- makes no use of them but for the log level, which has a column of its own.
    ADD COLUMN settings json;

-- Numbers of versions are never given twice, whatever is deleted.
ALTER TABLE state_machines ADD COLUMN last_version integer NOT NULL DEFAULT 0;

-- A version is a number for a revision that stays while newer revisions come.
CREATE TABLE versions (
    machine     uuid        NOT NULL,
    number      integer     NOT NULL,
    revision    uuid        NOT NULL,
    description text        NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT versions_pkey PRIMARY KEY (machine, number),
    CONSTRAINT versions_revision UNIQUE (revision),       -- publishing a revision again gives the version that it has
    CONSTRAINT versions_machine_fkey FOREIGN KEY (machine) REFERENCES state_machines (id),
    CONSTRAINT versions_revision_fkey FOREIGN KEY (revision) REFERENCES revisions (id)
);

-- An alias is a name for one version, or for two that share what is started under it.
CREATE TABLE aliases (
    machine       uuid        NOT NULL,
    name          text        NOT NULL,
    description   text        NOT NULL DEFAULT '',
    version       integer     NOT NULL,
    weight        integer     NOT NULL,              -- in percent
    other_version integer,
    other_weight  integer,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT aliases_pkey PRIMARY KEY (machine, name),
    CONSTRAINT aliases_weights CHECK (weight >= 0 AND coalesce(other_weight, 0) >= 0 AND weight + coalesce(other_weight, 0) = 100),
    -- A version that an alias leads to cannot be deleted.
    CONSTRAINT aliases_version_fkey FOREIGN KEY (machine, version) REFERENCES versions (machine, number),
    CONSTRAINT aliases_other_version_fkey FOREIGN KEY (machine, other_version) REFERENCES versions (machine, number)
);

CREATE TABLE tags (
    owner uuid NOT NULL,                             -- the id of a state machine or an activity
    key   text NOT NULL,
    value text NOT NULL,
    CONSTRAINT tags_pkey PRIMARY KEY (owner, key)
);

-- By which version and alias an execution was started. Only those have a row that were: the table of executions has no
-- column for it, which all of them would pay for.
CREATE TABLE routes (
    execution_id uuid    NOT NULL,
    machine      uuid    NOT NULL,
    version      integer NOT NULL,
    alias        text,
    CONSTRAINT routes_pkey PRIMARY KEY (execution_id)
);
CREATE INDEX routes_version ON routes (machine, version, execution_id);
CREATE INDEX routes_alias ON routes (machine, alias, execution_id) WHERE alias IS NOT NULL;
