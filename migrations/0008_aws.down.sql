DROP TABLE routes, tags, aliases, versions;
ALTER TABLE state_machines DROP COLUMN last_version;
ALTER TABLE revisions DROP COLUMN settings, DROP COLUMN role_arn;
