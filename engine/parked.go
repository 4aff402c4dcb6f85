package engine

import (
	"context"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/statemachine"
)

// A signal for a parked execution needs no claim. The execution is read, decided upon in memory, and what came of it is
// its next durable point; the primary key of the history tells whether anybody else was faster. So a callback costs one
// read and one write, both shared with all callbacks that come at the same time, and one that is refused costs no write.

const (
	readers   = 2   // connections that read parked executions at a time
	readBatch = 500 // parked executions that are read at once at most
)

// reading is a parked execution that somebody wants to have read.
type reading struct {
	id   uuid.UUID
	done chan readResult // buffered
}

// readResult is what was found; claimed is nil if the execution is not simply parked.
type readResult struct {
	claimed *Claimed
	err     error
}

// reader reads parked executions for those who ask: all that asked during the previous read, at once. It ends when the
// queue is closed.
func (e *Engine) reader() {
	for {
		batch := e.reads.popBatch(func(batch []*reading, _ *reading) bool { return len(batch) < readBatch })
		if batch == nil {
			return
		}
		ids := make([]uuid.UUID, len(batch))
		for i, r := range batch {
			ids[i] = r.id
		}
		parked, err := e.cfg.Store.Parked(e.writing, ids)
		found := make(map[uuid.UUID]*Claimed, len(parked))
		for i := range parked {
			found[parked[i].Execution.ID] = &parked[i]
		}
		for _, r := range batch {
			r.done <- readResult{found[r.id], err}
		}
	}
}

// read brings a parked execution into memory, without making this node its owner: that is for its first write to do. It
// gives nil if it is not simply parked. The caller posts a signal, with which the work on it begins.
func (e *Engine) read(ctx context.Context, id uuid.UUID) (*live, error) {
	var found readResult
	err := e.persist(ctx, func(ctx context.Context) error {
		r := &reading{id: id, done: make(chan readResult, 1)}
		e.reads.push(r)
		select {
		case found = <-r.done:
			return found.err
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-e.writing.Done():
			return errStopping
		}
	})
	if err != nil || found.claimed == nil {
		return nil, err
	}
	x, err := e.newLive(ctx, e.nodeID(), found.claimed.Execution)
	if err != nil {
		return nil, err
	}
	if err := x.replay(e.info(&x.row), found.claimed); err != nil || !x.run.Parkable() {
		return nil, nil //nolint:nilerr // a claim meets it again, and sets the execution aside
	}
	x.unowned = true
	x.returns()
	x.mailbox = []message{{signal: statemachine.Tick{}}} // what time has brought comes before the signal
	if !e.lives.claim(x) {
		return e.lives.get(id), nil // claimed meanwhile, for its time has come
	}
	return x, nil
}

func (x *live) isUnowned() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.unowned
}

// owned notes that a write of this node has made it the owner.
func (x *live) owned() {
	x.mu.Lock()
	x.unowned, x.heir = false, nil
	x.mu.Unlock()
}

// inherit leaves what has been claimed to the execution's unowned self in memory, which is deciding already: if that
// becomes the owner by its own write, the claim has been overtaken, else heir is called once it has left. It gives false
// if there is no such self.
func (x *live) inherit(heir func()) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.gone || !x.unowned {
		return false
	}
	x.heir = heir
	return true
}
