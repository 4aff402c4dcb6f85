package engine

import (
	"errors"

	"github.com/tercel-workflows/tercel/statemachine"
)

// settle acts on a durable point that the writer has done with. It gives false if the work on the execution has ended
// here, or goes on elsewhere.
func (e *Engine) settle(x *live, p *point) bool {
	switch p.write.Outcome {
	case OutcomeCommitted:
		return e.committed(x, p)
	case OutcomeFenced:
		e.fenced(x, p)
	case OutcomeNameTaken:
		e.retire(x, errMoved)
		p.answer(&nameTaken{existing: p.write.Existing})
	case OutcomeRefused:
		e.refused(x, p)
	default:
		p.write.Err = errors.New("the store gave the write no outcome")
		e.refused(x, p)
	}
	return false
}

// committed acts: what the durable point asks for is done only now. It gives true if the execution stays in memory.
func (e *Engine) committed(x *live, p *point) bool {
	x.seq = p.write.Seq + 1
	w := &p.write
	if len(w.Notices) > 0 {
		e.noticeLoop.kick()
	}
	stays := false
	e.dropActivityTasks(x, p.commands)
	if w.End == nil {
		e.dropChildren(x, p.commands)
	}
	if x.express == nil {
		x.trace.emit(p.spans)
		e.metrics.entered(&x.row, p.entered)
	}
	switch {
	case w.End != nil:
		if w.Settled {
			e.childLoop.kick()
		}
		e.counters.ended.Add(1)
		e.metrics.ended(&x.row, w.End)
		x.trace.ended(x.run, w.End)
		e.tellEnd(x, w.End)
		e.retire(x, errEnded)
	case w.Park != nil:
		e.counters.parked.Add(1)
		e.metrics.parked(&x.row)
		e.retire(x, errMoved)
		e.parkedUntil(w.Park.WakeAt)
	default:
		stays = true
		x.owned()
		e.act(x, p.commands)
		e.timers.set(x, e.nextLook(x))
		e.hub.notify(w.Execution)
	}
	p.answer(nil)
	return stays
}

// answer tells the callers: each its own answer, or for all the same if the durable point came to nothing.
func (p *point) answer(failed error) {
	for _, a := range p.answers {
		if failed != nil {
			a.reply(failed)
			continue
		}
		a.reply(a.err)
	}
}

// act carries out commands whose decision is durable.
func (e *Engine) act(x *live, commands []statemachine.Command) {
	over := cancelled(commands)
	for _, c := range commands {
		switch c := c.(type) {
		case statemachine.Invoke:
			if !over[c.Task] {
				e.carryOut(x, c)
			}
		case statemachine.Cancel:
			x.mu.Lock()
			cancel := x.tasks[c.Task]
			delete(x.tasks, c.Task)
			x.mu.Unlock()
			if cancel != nil {
				cancel(errCancelled)
			}
		case statemachine.Proceed:
			e.post(x, message{signal: statemachine.Continue{}})
		}
	}
}

// cancelled gives the tasks that are cancelled among the commands, so that those which begin there too never begin.
func cancelled(commands []statemachine.Command) map[statemachine.TaskID]bool {
	var over map[statemachine.TaskID]bool
	for _, c := range commands {
		if c, ok := c.(statemachine.Cancel); ok {
			if over == nil {
				over = make(map[statemachine.TaskID]bool)
			}
			over[c.Task] = true
		}
	}
	return over
}

// refused deals with a durable point that the database will not take, now or later: the execution is stopped for it, as
// for an internal error.
func (e *Engine) refused(x *live, p *point) {
	e.log.ErrorContext(x.logged(), "the database refuses a durable point; the execution is stopped",
		keyExecution, x.row.ID, keyMachine, x.row.MachineName, keySeq, p.write.Seq, keyError, p.write.Err)
	p.answer(refusal(p.write.Err))
	if p.write.Start != nil { // nothing of it is there
		if x.synchronous() {
			e.tellEnd(x, p.write.End)
		}
		e.retire(x, errMoved)
		return
	}
	x.panicking = p.write.Err
	e.condemn(x)
}

// refusal is what the callers of a refused write are told.
func refusal(err error) error {
	return errorf(CodeValidation, "the database cannot store this: %v", err)
}
