-- Nodes and their leases. The clock is the database's, at the moment (clock_timestamp), not at the begin of the
-- transaction.

-- name: register
INSERT INTO nodes (id, address, version, started_at, lease, expires_at)
VALUES ($1, $2, $3, $4, $5, clock_timestamp() + $5)
ON CONFLICT (id) DO UPDATE
   SET address = excluded.address, version = excluded.version, started_at = excluded.started_at,
       lease = excluded.lease, expires_at = excluded.expires_at, late_at = NULL

-- name: renew
-- A lease that ran out can be renewed as long as nobody has taken the node for dead, which deletes the row: after an
-- outage of the database all leases have run out, and every node goes on with what it has.
UPDATE nodes
   SET lease = $2, expires_at = clock_timestamp() + $2,
       late_at = CASE WHEN expires_at < clock_timestamp() THEN clock_timestamp() ELSE late_at END
 WHERE id = $1

-- name: leave
DELETE FROM nodes WHERE id = $1

-- name: leave_all
DELETE FROM nodes

-- name: list_nodes
SELECT id, address, version, started_at FROM nodes WHERE expires_at >= clock_timestamp() ORDER BY started_at, id

-- name: bury
-- Takes nodes for dead whose lease has run out. Only a node with a good lease may do so. If it was late itself, the
-- database was probably gone for all, and the others get as long as a lease lasts to come back.
DELETE FROM nodes dead
 USING nodes me
 WHERE me.id = $1 AND me.expires_at >= clock_timestamp()
   AND dead.id <> me.id AND dead.expires_at < clock_timestamp()
   AND (me.late_at IS NULL OR dead.expires_at >= me.late_at OR me.late_at + me.lease < clock_timestamp())
