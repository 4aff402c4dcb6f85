ALTER TABLE revisions DROP COLUMN log_level;
