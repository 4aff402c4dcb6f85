package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// releaseBatch is how many executions one statement hands back.
const releaseBatch = 1000

// Shutdown stops taking work, waits a grace for function calls in flight, commits what they brought, and hands all
// executions back, so that other nodes go on with them at once. If ctx ends before, it leaves the rest to the lease's
// end and gives an error.
func (e *Engine) Shutdown(ctx context.Context) error {
	if !e.state.CompareAndSwap(stateRunning, stateStopping) {
		return nil
	}
	e.activities.close()
	for _, l := range []*loop{e.dueLoop, e.deadLoop, e.registryLoop, e.activityLoop, e.childLoop} {
		l.stop()
	}
	e.graceForExpress(ctx)
	e.timerLoop.stop()
	e.pool.drain()
	e.graceForCalls(ctx)
	e.stopCalls()
	err := e.quiesce(ctx)
	e.leaseLoop.stop()
	e.metrics.close()
	ids := e.abandon()
	e.stopWorkers()
	if err == nil {
		err = e.handBack(ctx, ids)
	}
	e.state.Store(stateStopped)
	if err != nil {
		return fmt.Errorf("shutting down the engine: %w", err)
	}
	e.log.Info("the engine has stopped", "handed_back", len(ids))
	return nil
}

// graceForCalls waits for the function calls in flight.
func (e *Engine) graceForCalls(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.ShutdownGrace)
	defer cancel()
	idle := make(chan struct{})
	go func() {
		e.pool.idle()
		close(idle)
	}()
	select {
	case <-idle:
	case <-ctx.Done():
	}
}

// quiesce lets what has been decided be committed, and nothing more be decided. What the function calls brought is
// decided before; what comes of it is for the next owner to do.
func (e *Engine) quiesce(ctx context.Context) error {
	// A machine that never waits would keep the node from ending, so the wait for quiet is bounded.
	calm, cancel := context.WithTimeout(ctx, time.Second)
	for e.working.Load() > 0 || e.underWay.Load() > 0 || e.runnable.len() > 0 {
		pause(calm, time.Millisecond)
		if calm.Err() != nil {
			break
		}
	}
	cancel()
	e.frozen.Store(true)
	// In this order: a durable point is under way until a runner has it in hand, and is at work then.
	for e.underWay.Load() > 0 || e.working.Load() > 0 {
		pause(ctx, time.Millisecond)
		if ctx.Err() != nil {
			return fmt.Errorf("waiting for the last commits: %w", context.Cause(ctx))
		}
	}
	return nil
}

// abandon takes all executions out of memory and gives their ids.
func (e *Engine) abandon() map[uuid.UUID][]uuid.UUID {
	ids := map[uuid.UUID][]uuid.UUID{}
	for _, x := range e.lives.all() {
		if !x.synchronous() {
			ids[x.node] = append(ids[x.node], x.row.ID)
		}
		e.retire(x, errStopping)
	}
	return ids
}

func (e *Engine) stopWorkers() {
	e.stopWriting()
	e.backlog.close()
	e.runnable.close()
	e.writes.close()
	e.reads.close()
	e.queueing.close()
	e.workers.Wait()
}

// handBack gives up the ownership of the executions, and the lease.
func (e *Engine) handBack(ctx context.Context, ids map[uuid.UUID][]uuid.UUID) error {
	var errs []error
	for node, list := range ids {
		for len(list) > 0 {
			n := min(len(list), releaseBatch)
			if err := e.cfg.Store.Release(ctx, node, list[:n]); err != nil {
				errs = append(errs, fmt.Errorf("handing back executions: %w", err))
				break
			}
			list = list[n:]
		}
	}
	if err := e.cfg.Store.Leave(ctx, e.nodeID()); err != nil {
		errs = append(errs, fmt.Errorf("giving up the lease: %w", err))
	}
	return errors.Join(errs...)
}

// kill ends the engine as a crash does: nothing is waited for, committed or handed back.
func (e *Engine) kill() {
	e.metrics.close()
	e.state.Store(stateStopped)
	e.frozen.Store(true)
	e.stopWriting()
	e.stopCalls()
	e.activities.close()
	e.pool.drain()
	for _, l := range e.loops() {
		l.stop()
	}
	e.stopWorkers()
}
