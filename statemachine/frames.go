package statemachine

import (
	"maps"
	"slices"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// The functions of this file keep what a run counts and indexes (frames, tasks, busy, pending) true while frames come
// and go.

func newGroup(total int) *group {
	return &group{total: total, open: map[int]*Frame{}, results: make([]*value.Value, total)}
}

// openFrame begins the next branch or iteration of the frame's group.
func (r *Run) openFrame(parent *Frame, fl *flow, input *value.Value) *Frame {
	r.lastFrame++
	f := &Frame{id: r.lastFrame, parent: parent, index: parent.group.next, flow: fl, input: input}
	f.hidden = f.isHidden()
	parent.group.next++
	parent.group.open[f.index] = f
	r.frames[f.id] = f
	r.await(f, fl.start)
	return f
}

func (f *Frame) isHidden() bool {
	if f.parent == nil {
		return false
	}
	_, distributed := f.parent.Distributed()
	return distributed || f.parent.hidden
}

// closeFrame removes a branch or iteration with everything below it.
func (r *Run) closeFrame(f *Frame) {
	r.leave(f)
	if f.next != "" {
		r.pending--
	}
	delete(r.frames, f.id)
	delete(f.parent.group.open, f.index)
}

// await makes a state the frame's next.
func (r *Run) await(f *Frame, state string) {
	if f.next == "" {
		r.pending++
	}
	f.next = state
}

// leave ends whatever the frame waits for: it is about to leave its state, or to begin it anew.
func (r *Run) leave(f *Frame) {
	if f.task != nil {
		r.closeTask(f, settledByAbort)
	}
	if f.group != nil {
		for _, child := range f.group.open {
			r.closeFrame(child)
		}
		f.group = nil
	}
	f.rest()
}

// rest clears the frame's timer.
func (f *Frame) rest() {
	f.until, f.retry = time.Time{}, false
}

func (r *Run) closeTask(f *Frame, how settlement) {
	t := f.task
	r.noteClosed(f, how)
	if !f.waitsOutside() {
		r.busy--
	}
	if how != settledByAnswer && f.state.task().answeredLater() {
		r.remember(t.id, how)
	}
	delete(r.tasks, t.id)
	f.task = nil
}

// maxSettled is how many tasks a run remembers at least that ended without an answer.
const maxSettled = 1000

// remember keeps how a task ended, for somebody who answers it late, and forgets the oldest when there are many: a run
// that goes on for years is not larger for it. To those who answer a forgotten task, it was never there.
func (r *Run) remember(id TaskID, how settlement) {
	if r.settled == nil {
		r.settled = map[TaskID]settlement{}
	}
	r.settled[id] = how
	if len(r.settled) < 2*maxSettled {
		return
	}
	ids := slices.Sorted(maps.Keys(r.settled))
	for _, id := range ids[:len(ids)-maxSettled] {
		delete(r.settled, id)
	}
}

func (f *Frame) setAttempts(n int) {
	f.retries = 0
	if n == 0 {
		f.attempts = nil
		return
	}
	if f.attempts == nil || len(f.attempts) != n {
		f.attempts = make([]int, n)
		return
	}
	clear(f.attempts)
}

func (f *Frame) behaviour() behaviour {
	if f.state == nil {
		return nil
	}
	return f.state.behaviour
}
