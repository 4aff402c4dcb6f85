package engine

import "github.com/tercel-workflows/tercel/statemachine"

// carryOut begins an attempt of a task in the way of its resource: whoever the task is for, its outcome comes back as a
// signal for the execution. It does not wait, and it may be called again for the same attempt after a takeover.
func (e *Engine) carryOut(x *live, c statemachine.Invoke) {
	if c.Resource == statemachine.ApprovalResource {
		return // who is asked is told by notices; see noteApprovals
	}
	if name, ok := statemachine.ActivityName(c.Resource); ok {
		e.carryOutActivity(x, c, name)
		return
	}
	e.invoke(x, c)
}
