-- Of machines of the type EXPRESS: of which executions the history is kept. Those of the type STANDARD keep it always.
ALTER TABLE revisions
    ADD COLUMN log_level text NOT NULL DEFAULT 'ERROR',
    ADD CONSTRAINT revisions_log_level CHECK (log_level IN ('ALL', 'ERROR', 'FATAL', 'OFF'));
