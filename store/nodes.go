package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tercel-workflows/tercel/engine"
)

var (
	sqlRegister     = query("register")
	sqlRenew        = query("renew")
	sqlLeave        = query("leave")
	sqlLeaveAll     = query("leave_all")
	sqlListNodes    = query("list_nodes")
	sqlBury         = query("bury")
	sqlReleaseOwner = query("release_owner")
)

// Register enters a node and its lease. A node should register under a new id each time: whatever executions the id
// still owns, the process that registers knows nothing of them, so they are handed back, due at once.
func (s *Store) Register(ctx context.Context, node engine.Node, lease time.Duration) error {
	b := &pgx.Batch{}
	b.Queue(sqlPlanByKey)
	b.Queue(sqlReleaseOwner, pgUUID(node.ID))
	b.Queue(sqlRegister, pgUUID(node.ID), node.Address, node.Version, node.Started, lease)
	if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("registering node %s: %w", node.ID, err)
	}
	s.forgetLostClaims(node.ID)
	return nil
}

// Renew prolongs the lease of a node and reports whether the node still has it. A lease that ran out is renewed unless
// another node has taken this one for dead in the meantime.
func (s *Store) Renew(ctx context.Context, node uuid.UUID, lease time.Duration) (bool, error) {
	tag, err := s.pool.Exec(ctx, sqlRenew, pgUUID(node), lease)
	if err != nil {
		return false, fmt.Errorf("renewing the lease of node %s: %w", node, err)
	}
	return tag.RowsAffected() == 1, nil
}

// Leave ends the lease of a node. What it still owns is taken over by others.
func (s *Store) Leave(ctx context.Context, node uuid.UUID) error {
	if _, err := s.pool.Exec(ctx, sqlLeave, pgUUID(node)); err != nil {
		return fmt.Errorf("ending the lease of node %s: %w", node, err)
	}
	s.forgetLostClaims(node)
	return nil
}

// LeaveAll ends the leases of all nodes, so that what they own is taken over at once. It is for a process that knows to be
// the only one on this database, such as one that has just started a private cluster.
func (s *Store) LeaveAll(ctx context.Context) error {
	if _, err := s.pool.Exec(ctx, sqlLeaveAll); err != nil {
		return fmt.Errorf("ending the leases of all nodes: %w", err)
	}
	return nil
}

// Nodes lists the nodes whose lease is good, the oldest first.
func (s *Store) Nodes(ctx context.Context) ([]engine.Node, error) {
	rows, err := s.pool.Query(ctx, sqlListNodes)
	if err != nil {
		return nil, fmt.Errorf("listing the nodes: %w", err)
	}
	nodes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[engine.Node])
	if err != nil {
		return nil, fmt.Errorf("listing the nodes: %w", err)
	}
	return nodes, nil
}
