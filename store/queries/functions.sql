-- Functions of the registry.

-- name: put_function
-- The same configuration again changes nothing, so that nodes do not look for what is not there.
INSERT INTO functions (namespace, name, config) VALUES ($1, $2, $3)
ON CONFLICT (namespace, name) DO UPDATE SET config = excluded.config, updated_at = now()
 WHERE functions.config::text <> excluded.config::text

-- name: function
SELECT namespace, name, config, updated_at FROM functions WHERE namespace = $1 AND name = $2

-- name: functions
SELECT namespace, name, config, updated_at FROM functions WHERE namespace = $1 ORDER BY name

-- name: delete_function
DELETE FROM functions WHERE namespace = $1 AND name = $2
