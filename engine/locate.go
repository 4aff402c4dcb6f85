package engine

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/statemachine"
)

// locate finds an execution: in memory, where it takes it if it is parked, or else its owner; neither, if it has an
// owner that is dead.
func (e *Engine) locate(ctx context.Context, id uuid.UUID) (*live, *Node, error) {
	for {
		if x := e.lives.get(id); x != nil {
			return x, nil, nil
		}
		if why, aside := e.aside.Load(id); aside {
			return nil, nil, errorf(CodeServiceUnavailable, "execution %s was set aside after an error: %v", id, why)
		}
		leader, wait := e.flights.join(id)
		if leader {
			x, owner, err := e.bring(ctx, id)
			e.flights.land(id)
			return x, owner, err
		}
		select {
		case <-wait: // whoever asked before has the answer in memory now, or it is to be asked again
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		}
	}
}

// bring takes a parked execution into memory.
func (e *Engine) bring(ctx context.Context, id uuid.UUID) (*live, *Node, error) {
	if x := e.lives.get(id); x != nil {
		return x, nil, nil
	}
	if x, err := e.read(ctx, id); x != nil || err != nil {
		return x, nil, err
	}
	return e.claimOne(ctx, id)
}

// claimOne claims an execution that was not simply parked, or tells where it is.
func (e *Engine) claimOne(ctx context.Context, id uuid.UUID) (*live, *Node, error) {
	var found ClaimResult
	node := e.nodeID()
	err := e.persist(ctx, func(ctx context.Context) (err error) {
		found, err = e.cfg.Store.ClaimOne(ctx, node, id)
		return err
	})
	switch {
	case err != nil:
		return nil, nil, err
	case found.Claimed != nil:
		x, err := e.restore(context.WithoutCancel(ctx), node, found.Claimed, statemachine.Tick{}, false)
		if ended, ok := errors.AsType[*endedError](err); ok {
			return nil, nil, ended
		}
		if err != nil {
			e.unrestored(node, id, err)
			return nil, nil, errorf(CodeServiceUnavailable, "execution %s cannot be brought into memory: %v", id, err)
		}
		return x, nil, nil
	case !found.Found:
		return nil, nil, errorf(CodeExecutionDoesNotExist, "there is no execution %s", id)
	case found.Status != Running:
		return nil, nil, &endedError{status: found.Status}
	default:
		return nil, found.Owner, nil
	}
}
