-- Activities.

-- name: create_activity
-- No row if there is one of that name already.
INSERT INTO activities (namespace, name) VALUES ($1, $2) ON CONFLICT (namespace, name) DO NOTHING

-- name: activity
SELECT namespace, name, created_at FROM activities WHERE namespace = $1 AND name = $2

-- name: list_activities
SELECT namespace, name, created_at FROM activities WHERE namespace = $1 AND name > $2 ORDER BY name LIMIT $3

-- name: delete_activity
DELETE FROM activities WHERE namespace = $1 AND name = $2
