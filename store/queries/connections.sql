-- Connections of http:invoke.

-- name: put_connection
INSERT INTO connections (namespace, name, config) VALUES ($1, $2, $3)
ON CONFLICT (namespace, name) DO UPDATE SET config = excluded.config, updated_at = now()
 WHERE connections.config::text <> excluded.config::text

-- name: connection
SELECT namespace, name, config, updated_at FROM connections WHERE namespace = $1 AND name = $2

-- name: connections
SELECT namespace, name, config, updated_at FROM connections WHERE namespace = $1 ORDER BY name

-- name: delete_connection
DELETE FROM connections WHERE namespace = $1 AND name = $2
