package engine

import (
	"context"

	"github.com/google/uuid"
)

// Wait waits until an execution has ended. Of one that is in this node's memory it is told by the commit that ends it,
// without asking the database. While the database does not answer it goes on waiting.
func (e *Engine) Wait(ctx context.Context, id uuid.UUID) (Execution, error) {
	for {
		if x := e.lives.get(id); x != nil {
			ended, known, err := e.awaitEnd(ctx, x)
			if known || err != nil {
				return ended, err
			}
		}
		x, err := e.awaitNews(ctx, id)
		if err != nil || x.Status != Running {
			return x, err
		}
	}
}

// awaitEnd waits until an execution in memory has ended; known is false if it left memory otherwise.
func (e *Engine) awaitEnd(ctx context.Context, x *live) (ended Execution, known bool, err error) {
	told := make(chan Execution, 1)
	x.mu.Lock()
	if x.gone {
		x.mu.Unlock()
		return Execution{}, false, nil
	}
	x.waiters = append(x.waiters, told)
	x.mu.Unlock()
	select {
	case ended, known = <-told:
		return ended, known, nil
	case <-ctx.Done():
		x.forget(told)
		return e.execution(x.row), false, context.Cause(ctx)
	case <-e.writing.Done():
	}
	select {
	case ended, known = <-told: // it came just before the end of this node
	default:
	}
	return ended, known, nil
}

// forget takes somebody off the list who waits no more.
func (x *live) forget(told chan<- Execution) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i, w := range x.waiters {
		if w == told {
			last := len(x.waiters) - 1
			x.waiters[i], x.waiters[last] = x.waiters[last], nil
			x.waiters = x.waiters[:last]
			return
		}
	}
}

// tellEnd tells those who wait for the end, once it is durable. Of an execution whose row was changed by its redrive
// they read the row.
func (e *Engine) tellEnd(x *live, end *EndRow) {
	if x.reopened {
		return
	}
	x.mu.Lock()
	waiters := x.waiters
	x.waiters = nil
	x.mu.Unlock()
	if len(waiters) == 0 {
		return
	}
	row := x.row
	row.Status, row.Output, row.Error, row.Cause, row.EndedAt = end.Status, end.Output, end.Error, end.Cause, &end.EndedAt
	row.Owner, row.WakeAt = nil, nil
	told := e.execution(row)
	for _, w := range waiters {
		w <- told // buffered, and told once
	}
}

// awaitNews reads an execution. If it runs, it waits until something has happened to it.
func (e *Engine) awaitNews(ctx context.Context, id uuid.UUID) (x Execution, err error) {
	news, stop := e.hub.listen(id)
	defer stop()
	err = e.persist(ctx, func(ctx context.Context) (err error) {
		x, err = e.byID(ctx, id)
		return err
	})
	if err == nil && x.Status == Running && !e.await(ctx, id, news) {
		err = context.Cause(ctx)
	}
	return x, err
}
