package engine

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/statemachine"
)

// claimDue takes parked executions whose time has come, and starts that wait for room, as long as there is room. What is
// due does not wait behind starts, and while starts wait, they have a part of the room whatever is due.
func (e *Engine) claimDue(ctx context.Context) (time.Duration, error) {
	limit := e.reserve(claimBatch)
	if limit == 0 {
		e.starved.Store(true)
		return e.restUntil(e.cfg.Poll), nil
	}
	defer e.reserved.Add(-int64(limit))
	forStarts := 0
	if e.starved.Load() {
		forStarts = limit / 4
	}
	due, err := e.claim(ctx, func(node uuid.UUID) ([]Claimed, error) {
		return e.cfg.Store.ClaimDue(ctx, node, limit-forStarts)
	}, nil)
	if err != nil {
		return 0, err
	}
	starts := 0
	if limit > due {
		starts, err = e.claim(ctx, func(node uuid.UUID) ([]Claimed, error) {
			return e.cfg.Store.ClaimQueued(ctx, node, limit-due)
		}, nil)
		if err != nil {
			return 0, err
		}
		// As long as starts wait, new ones wait behind them.
		e.starved.Store(starts > 0)
	}
	if starts > 0 || due >= limit-forStarts {
		return 0, nil
	}
	next, some, err := e.cfg.Store.NextDue(ctx)
	if err != nil {
		return 0, err
	}
	if !some || next > e.cfg.Poll {
		next = e.cfg.Poll
	}
	return e.restUntil(max(next, 0)), nil
}

// restUntil notes when the node looks for due executions next, so that a sooner one can hurry it.
func (e *Engine) restUntil(rest time.Duration) time.Duration {
	e.looksAt.Store(time.Now().Add(rest).UnixNano())
	return rest
}

// parkedUntil hurries the search for due executions if one has been parked that is due before it.
func (e *Engine) parkedUntil(at time.Time) {
	if !at.IsZero() && at.UnixNano() < e.looksAt.Load() {
		e.dueLoop.kick()
	}
}

// Kick makes the node look for due executions now.
func (e *Engine) Kick() { e.dueLoop.kick() }

// room tells how many more executions memory takes.
func (e *Engine) room() int { return e.cfg.MaxLive - e.lives.len() - int(e.reserved.Load()) }

// reserve keeps room in memory for n executions, or for as many as there is room for. Once they are there, or will not
// come, the caller takes the number given off reserved again.
func (e *Engine) reserve(n int) int {
	for {
		reserved := e.reserved.Load()
		n = min(n, e.cfg.MaxLive-e.lives.len()-int(reserved))
		if n <= 0 {
			return 0
		}
		if e.reserved.CompareAndSwap(reserved, reserved+int64(n)) {
			return n
		}
	}
}

// roomMade hurries the search for starts that wait, once there is room for a decent batch of them.
func (e *Engine) roomMade() {
	if e.starved.Load() && e.room() >= max(1, min(claimBatch, e.cfg.MaxLive/10)) {
		e.dueLoop.kick()
	}
}

// claimDead takes over what nodes have left behind whose lease ran out.
func (e *Engine) claimDead(ctx context.Context) (time.Duration, error) {
	rest := e.cfg.Lease / 4
	n, err := e.claim(ctx, func(node uuid.UUID) ([]Claimed, error) {
		return e.cfg.Store.ClaimDead(ctx, node, claimBatch)
	}, func(node uuid.UUID) statemachine.Signal { return statemachine.Recover{Node: node.String()} })
	if err != nil {
		return 0, err
	}
	if n > 0 {
		e.log.Info("executions of a node that is gone were taken over", keyCount, n)
	}
	if n == claimBatch {
		rest = 0
	}
	return rest, nil
}

// claim takes executions into memory. Should the answer of a claim be lost on its way, the store hands back what it took
// before the next claim.
func (e *Engine) claim(ctx context.Context, do func(node uuid.UUID) ([]Claimed, error), signal func(uuid.UUID) statemachine.Signal) (int, error) {
	node := e.nodeID()
	claimed, err := do(node)
	if err != nil {
		return 0, err
	}
	for i := range claimed {
		var first statemachine.Signal = statemachine.Tick{}
		if signal != nil {
			first = signal(node)
		}
		_, err := e.restore(ctx, node, &claimed[i], first, signal == nil)
		if _, ended := errors.AsType[*endedError](err); err != nil && !ended {
			e.unrestored(node, claimed[i].Execution.ID, err)
		}
	}
	return len(claimed), nil
}

// unrestored deals with a claimed execution that could not be brought into memory: if trying again would not help, it is
// set aside, else handed back.
func (e *Engine) unrestored(node, id uuid.UUID, err error) {
	if permanent(err) || isCorrupt(err) {
		e.setAside(id, err)
		return
	}
	e.log.Warn("bringing a claimed execution into memory; it is handed back", keyExecution, id, keyError, err)
	go func() {
		err := e.persist(e.writing, func(ctx context.Context) error {
			return e.cfg.Store.Release(ctx, node, []uuid.UUID{id})
		})
		if err != nil && !e.stopped() {
			e.setAside(id, err)
		}
	}()
}
