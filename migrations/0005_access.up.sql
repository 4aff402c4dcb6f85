-- Who may call, and who called.

-- Keys are never removed: that one exists is what makes nodes ask for keys, and the audit names them.
CREATE TABLE access_keys (
    id           text        NOT NULL,               -- TKIA and 16 letters; the access key id of AWS clients as well
    name         text        NOT NULL,               -- for people; two keys may have the same
    hash         bytea       NOT NULL,               -- SHA-256 of the secret, which is kept nowhere
    scopes       text[]      NOT NULL,
    namespaces   text[]      NOT NULL DEFAULT '{}',  -- none: all of them
    created_at   timestamptz NOT NULL DEFAULT now(),
    created_by   text        NOT NULL DEFAULT '',
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz,                        -- a minute coarse: nodes note it now and then
    CONSTRAINT access_keys_pkey PRIMARY KEY (id),
    CONSTRAINT access_keys_hash_length CHECK (octet_length(hash) = 32)
);

-- Grows with every key that is made or revoked, so that nodes know when to read them anew.
ALTER TABLE settings ADD COLUMN access_version bigint NOT NULL DEFAULT 0;

-- One row for each call that changes something or was meant to. Ids are ordered by time, so the primary key serves the
-- listing and the deletion of what is old; there is no other index, because each makes every start dearer.
CREATE TABLE audit (
    id         uuid        NOT NULL,
    at         timestamptz NOT NULL,
    actor      text        NOT NULL,             -- name of the key, or loopback, anonymous, database
    key_id     text        NOT NULL DEFAULT '',
    action     text        NOT NULL,             -- such as StartExecution
    namespace  text        NOT NULL DEFAULT '',
    resource   text        NOT NULL DEFAULT '',  -- such as state-machine/order
    address    text        NOT NULL DEFAULT '',  -- of the caller
    outcome    text        NOT NULL,             -- ok, or the code of the error
    request_id text        NOT NULL DEFAULT '',
    CONSTRAINT audit_pkey PRIMARY KEY (id)
);
