package engine

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/statemachine"
)

// fenced deals with a durable point whose history row exists already: somebody else owns the execution. This node's run
// of it is dropped, and its callers look for the owner.
func (e *Engine) fenced(x *live, p *point) {
	level := slog.LevelWarn
	if x.isUnowned() {
		level = slog.LevelDebug // signals for it reached two nodes at once
	}
	e.log.Log(x.logged(), level, "another node owns the execution; this node's run of it is dropped",
		keyExecution, x.row.ID, keySeq, p.write.Seq)
	e.retire(x, errMoved)
	p.answer(errMoved)
}

// condemn stops an execution whose run panicked: the run is rebuilt from its history and told to stop. What it decided
// since is forgotten, and whoever waits for it asks again.
func (e *Engine) condemn(x *live) {
	for _, m := range x.inHand {
		m.reply(errMoved)
	}
	cause := fmt.Sprintf("the engine ran into an internal error: %v", x.panicking)
	if x.express != nil {
		e.condemnExpress(x, cause)
		return
	}
	if x.broken {
		e.setAside(x.row.ID, fmt.Errorf("stopping it after an internal error panicked again: %v", x.panicking))
		e.retire(x, errMoved)
		return
	}
	go func() {
		err := e.persist(e.writing, func(ctx context.Context) error {
			again, err := e.rebuild(ctx, x.row)
			if err != nil {
				return err
			}
			again.broken, again.node = true, x.node
			e.admit(again, message{signal: statemachine.Fail{Error: statemachine.ErrorRuntime, Cause: cause}})
			return nil
		})
		if err != nil && !e.stopped() {
			e.setAside(x.row.ID, err)
		}
		e.retire(x, errMoved) // only now: until it has a successor, callers wait in its mailbox
	}()
}

// setAside leaves an execution alone that this node owns and cannot carry on, so that it is not tried in a loop. It stays
// RUNNING, and is tried once more by the next node that takes it over.
func (e *Engine) setAside(id uuid.UUID, why error) {
	e.log.Error("an execution is set aside: it cannot go on until this node is restarted", keyExecution, id, keyError, why)
	e.aside.Store(id, why)
}
