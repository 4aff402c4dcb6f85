package engine

import (
	"context"
	"time"
)

// submit hands a durable point to the writers.
func (e *Engine) submit(p *point) {
	e.underWay.Add(1)
	p.weight = p.size()
	e.backlog.add(p.weight)
	e.writes.push(p)
}

// writer commits durable points. It takes all that piled up during the previous commit: no timer, no delay for a lone
// one. It ends when the queue is closed; until then an outage of the database makes it wait.
func (e *Engine) writer() {
	for {
		bytes := 0
		batch := e.writes.popBatch(func(batch []*point, next *point) bool {
			if len(batch) == 1 {
				bytes = batch[0].size()
			}
			bytes += next.size()
			return len(batch) < maxBatchWrites && bytes <= maxBatchBytes
		})
		if batch == nil {
			return
		}
		if !e.commit(e.writing, batch) {
			return // killed, or the shutdown ran out of time
		}
		e.finish(batch)
	}
}

// commit writes a batch, again and again while the database does not answer: the store recognizes what an earlier try
// has written. It gives false if ctx ended first.
func (e *Engine) commit(ctx context.Context, batch []*point) bool {
	writes := make([]*Write, len(batch))
	for i, p := range batch {
		p.seal()
		writes[i] = &p.write
	}
	return e.write(ctx, writes, 0)
}

// write commits writes of which so many tries have failed. An error that does not pass must be the fault of one of them:
// the batch is halved until that one is alone, and only it is refused.
func (e *Engine) write(ctx context.Context, writes []*Write, failures int) bool {
	for ; ; failures++ {
		began := time.Now()
		err := e.cfg.Store.Commit(ctx, writes)
		if err == nil {
			e.metrics.committed(len(writes), time.Since(began))
			e.counters.commits.Add(1)
			e.counters.writes.Add(int64(len(writes)))
			if failures > 0 {
				e.log.Info("the database takes writes again", keyCount, len(writes))
			}
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		e.metrics.failures.Add(ctx, 1)
		if failures == 0 {
			e.log.Warn("the database does not take writes; executions wait", keyError, err, keyCount, len(writes))
		}
		// What Postgres refuses for what is in a write, the store has sorted out; all else that it says concerns everyone.
		if !ofClass(err, "42") && e.hopeless(ctx, err, failures) {
			if len(writes) == 1 {
				writes[0].Outcome, writes[0].Err = OutcomeRefused, err
				return true
			}
			half := len(writes) / 2
			return e.write(ctx, writes[:half], failures) && e.write(ctx, writes[half:], failures)
		}
		pause(ctx, backoff(failures))
	}
}

// finish hands the executions of a batch back to the runners.
func (e *Engine) finish(batch []*point) {
	xs := make([]*live, 0, len(batch))
	weight := 0
	for _, p := range batch {
		weight += p.weight
		if p.write.Outcome == OutcomeFenced {
			e.counters.fenced.Add(1)
			e.metrics.fenced.Add(e.writing, 1)
		}
		if p.x == nil {
			p.settleWaiting()
			if p.express != nil {
				e.expressStarted(p)
			}
			e.underWay.Add(-1)
			continue
		}
		xs = append(xs, p.x)
	}
	e.backlog.remove(weight)
	e.runnable.pushAll(xs)
}
