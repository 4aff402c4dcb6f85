package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// nodeID is the name under which this node owns executions. It changes when the node was taken for dead.
func (e *Engine) nodeID() uuid.UUID { return e.node.Load().ID }

// Node describes this node.
func (e *Engine) Node() Node { return *e.node.Load() }

// Nodes lists the nodes whose lease is good.
func (e *Engine) Nodes(ctx context.Context) ([]Node, error) {
	nodes, err := e.cfg.Store.Nodes(ctx)
	return nodes, asked(err)
}

func (e *Engine) newNode() (*Node, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making an id for the node: %w", err)
	}
	return &Node{ID: id, Address: e.cfg.Address, Version: e.cfg.Version, Started: time.Now().UTC()}, nil
}

// renew keeps the lease. A node that was taken for dead while the database, or the node itself, was away has lost
// everything it owned, and begins anew.
func (e *Engine) renew(ctx context.Context) (time.Duration, error) {
	// A request that hangs must not cost the lease.
	ctx, cancel := context.WithTimeout(ctx, max(e.cfg.Lease/3, 500*time.Millisecond))
	defer cancel()
	ok, err := e.cfg.Store.Renew(ctx, e.nodeID(), e.cfg.Lease)
	if err != nil {
		e.leased.Store(false)
		return 0, err
	}
	if !ok {
		if err := e.rejoin(ctx); err != nil {
			e.leased.Store(false)
			return 0, err
		}
	}
	e.leased.Store(true)
	return e.cfg.Lease / 3, nil
}

// rejoin registers the node under a new name and lets go of all it owned under the old one: it will be claimed again,
// here or elsewhere.
func (e *Engine) rejoin(ctx context.Context) error {
	node, err := e.newNode()
	if err != nil {
		return err
	}
	if err := e.cfg.Store.Register(ctx, *node, e.cfg.Lease); err != nil {
		return fmt.Errorf("registering anew: %w", err)
	}
	old := e.node.Swap(node)
	dropped := 0
	for _, x := range e.lives.all() {
		if x.node == old.ID && !x.synchronous() {
			e.evict(x)
			dropped++
		}
	}
	e.aside.Clear() // others have those now
	e.log.Warn("the node was taken for dead and has joined anew; what it ran goes on where it was taken over",
		"old_node", old.ID, keyCount, dropped)
	e.deadLoop.kick()
	return nil
}

// evict makes an execution leave memory as soon as nobody works on it.
func (e *Engine) evict(x *live) {
	x.mu.Lock()
	x.evicted = true
	wake := !x.busy && !x.gone
	if wake {
		x.busy = true
	}
	x.mu.Unlock()
	if wake {
		e.runnable.push(x)
	}
}

// refresh looks whether another node changed the registry.
func (e *Engine) refresh(ctx context.Context) (time.Duration, error) {
	version, err := e.cfg.Store.RegistryVersion(ctx)
	if err != nil {
		return 0, err
	}
	if e.registry.Swap(version) != version {
		e.machines.forget()
		e.functions.forget()
		e.activities.forget()
	}
	return e.cfg.Poll, nil
}
