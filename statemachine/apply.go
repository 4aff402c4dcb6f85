package statemachine

import (
	"errors"
	"fmt"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Apply folds the next event of the history into the run. It evaluates nothing. An error means that the event does not
// follow from those before it: the history is not of this machine, or it is damaged.
func (r *Run) Apply(ev Event) error {
	f := r.frames[ev.Frame]
	if f == nil {
		return fmt.Errorf("applying %T: frame %d is not open", ev.Data, ev.Frame)
	}
	if err := r.apply(f, ev); err != nil {
		return fmt.Errorf("applying %T in frame %d: %w", ev.Data, ev.Frame, err)
	}
	return nil
}

func (r *Run) apply(f *Frame, ev Event) error {
	r.lastEvent += width(f, ev.Data)
	r.lastAt = ev.Time
	switch data := ev.Data.(type) {
	case event.ExecutionStarted:
		return r.applyStarted(ev)
	case event.ExecutionSucceeded:
		r.end(Succeeded, ev, failure{})
	case event.ExecutionFailed:
		r.end(Failed, ev, failure{name: data.Error, cause: data.Cause})
	case event.ExecutionAborted:
		r.end(Aborted, ev, failure{name: data.Error, cause: data.Cause})
	case event.ExecutionTimedOut:
		r.end(TimedOut, ev, failure{name: new(ErrorTimeout)})
	case event.ExecutionRedriven:
		r.applyRedriven(ev)
	case event.ExecutionRecovered:
		r.applyRecovered(ev)
	case event.StateEntered:
		return r.applyEntered(f, ev, data)
	case event.StateExited:
		return r.applyExited(f, data)
	case event.EvaluationFailed, event.ParallelFailed, event.MapFailed, event.IterationAborted:
		// For people only: what follows from them is in the events behind.
	case event.RetryScheduled:
		return r.applyRetry(f, data)
	case event.WaitScheduled:
		f.until = data.Until
		r.timers.add(f)
	case event.TaskScheduled:
		return r.applyTaskScheduled(f, ev, data)
	case event.TaskStarted, event.TaskSubmitted, event.TaskHeartbeat, event.TaskSucceeded, event.TaskFailed, event.TaskTimedOut:
		return r.applyTask(f, ev)
	case event.ApprovalAsked, event.ApprovalDecided, event.ApprovalDelegated, event.ApprovalReminded:
		return r.applyApproval(f, ev)
	case event.ParallelStarted:
		return r.applyParallelStarted(f, data)
	case event.MapStarted:
		return r.applyMapStarted(f, data)
	case event.MapChanged:
		return r.applyMapChanged(f, data)
	case event.IterationStarted:
		return r.applyIterationStarted(f, data)
	case event.IterationSucceeded, event.IterationFailed:
		return r.applyIterationEnded(f, ev)
	case event.ParallelSucceeded, event.MapSucceeded:
		return r.applyGroupSucceeded(f)
	default:
		return errors.New("the event is not known")
	}
	return nil
}

// width gives how many events the Step Functions API makes of one of ours: the ids that it numbers them with appear in
// the causes of errors, so a run must count as it does.
func width(f *Frame, data event.Data) int64 {
	if f.hidden {
		return 0
	}
	_, distributed := f.Distributed()
	switch data.(type) {
	case event.ExecutionRecovered, event.RetryScheduled, event.WaitScheduled, event.TaskHeartbeat, event.MapChanged,
		event.ApprovalAsked, event.ApprovalDecided, event.ApprovalDelegated, event.ApprovalReminded:
		return 0
	case event.TaskScheduled:
		if !f.forActivity() {
			return 2 // TaskScheduled and TaskStarted
		}
	case event.TaskSubmitted:
		if f.forActivity() {
			return 0
		}
	case event.IterationStarted:
		if distributed {
			return 0
		}
	case event.MapStarted, event.MapSucceeded, event.MapFailed:
		if distributed {
			return 2 // with MapRunStarted, MapRunSucceeded and MapRunFailed
		}
	}
	return 1
}

func (r *Run) applyStarted(ev Event) error {
	if r.status != "" {
		return errors.New("the execution has started before")
	}
	r.status = Running
	r.started = ev.Time
	r.pending = 1
	r.setDeadline(ev)
	return nil
}

func (r *Run) setDeadline(ev Event) {
	if r.machine.timeout > 0 && r.trial == nil {
		r.deadline = ev.Time.Add(r.machine.timeout)
	}
}

// end closes the run. What was unfinished stays where it is, without anything to wait for, so that a redrive can begin
// there.
func (r *Run) end(status Status, ev Event, why failure) {
	r.status = status
	r.ended = ev.Time
	r.failure = why
	for _, f := range r.frames {
		if f.task != nil {
			r.closeTask(f, settledByAbort)
		}
		f.rest()
	}
}

// applyRedriven opens the run again. Every frame that was in the middle of a state enters it anew; a Parallel or Map
// goes on with the branches and iterations that had not ended.
func (r *Run) applyRedriven(ev Event) {
	r.status = Running
	r.redriven = ev.Time
	r.redriveCount++
	r.failure = failure{}
	r.ended = time.Time{}
	r.setDeadline(ev)
	r.eachFrame(func(f *Frame) {
		if f.group == nil && f.next == "" && !f.finished {
			f.result = nil
			f.setAttempts(0)
			r.await(f, f.state.name)
		}
	})
}

// applyRecovered gives every worker another heartbeat's time: the former owner may have heard of it.
func (r *Run) applyRecovered(ev Event) {
	for _, f := range r.tasks {
		if !f.task.heartbeatDue.IsZero() {
			r.expectHeartbeat(f, ev)
		}
	}
}

func (r *Run) applyEntered(f *Frame, ev Event, data event.StateEntered) error {
	name := data.State
	if name == "" {
		name = f.next
	}
	s := r.machine.states[name]
	if s == nil || s.flow != f.flow {
		return fmt.Errorf("there is no state %q where the frame is", name)
	}
	if f.next != "" {
		f.next = ""
		r.pending--
	}
	f.state = s
	f.enteredAt = ev.Time
	f.enteredID = r.lastEvent
	f.result = nil
	f.setAttempts(len(s.retriers))
	return nil
}

func (r *Run) applyExited(f *Frame, data event.StateExited) error {
	if f.state == nil || f.next != "" {
		return errors.New("the frame is in no state")
	}
	r.leave(f)
	switch {
	case data.Output != nil:
		f.input = data.Output
	case f.result != nil:
		f.input = f.result
	}
	f.result = nil
	for _, a := range data.Assigned {
		if f.variables == nil {
			f.variables = map[string]*value.Value{}
		}
		f.variables[a.Name] = a.Value
	}
	if data.Next == "" {
		f.finished = true
	} else {
		r.await(f, data.Next)
	}
	return nil
}

func (r *Run) applyRetry(f *Frame, data event.RetryScheduled) error {
	if data.Retrier >= len(f.attempts) {
		return fmt.Errorf("the state has no retrier %d", data.Retrier)
	}
	r.leave(f)
	f.result = nil
	f.attempts[data.Retrier]++
	f.retries++
	f.until, f.retry = data.Until, true
	r.timers.add(f)
	return nil
}

func (r *Run) applyTaskScheduled(f *Frame, ev Event, data event.TaskScheduled) error {
	if f.state == nil || f.state.task() == nil {
		return errors.New("the frame is in no Task state")
	}
	f.rest()
	t := &openTask{
		id: data.Task, arguments: data.Arguments, timeout: data.Timeout, heartbeat: data.Heartbeat, scheduledAt: ev.Time,
	}
	if data.Timeout > 0 {
		t.deadline = ev.Time.Add(data.Timeout)
	}
	f.task = t
	r.tasks[t.id] = f
	r.busy++
	r.lastTask = max(r.lastTask, t.id)
	if !f.state.task().isActivity() { // a worker is heard of from when it has the task
		r.expectHeartbeat(f, ev)
	}
	r.timers.add(f)
	return nil
}

func (r *Run) expectHeartbeat(f *Frame, ev Event) {
	if f.task.heartbeat > 0 {
		f.task.heartbeatDue = ev.Time.Add(f.task.heartbeat)
		r.timers.add(f)
	}
}

func (r *Run) applyTask(f *Frame, ev Event) error {
	if f.task == nil {
		return errNoTask
	}
	wasOutside := f.waitsOutside()
	switch data := ev.Data.(type) {
	case event.TaskStarted:
		f.task.started, f.task.handedOverAt = true, ev.Time
		r.expectHeartbeat(f, ev)
	case event.TaskSubmitted:
		f.task.submitted, f.task.handedOverAt = true, ev.Time
	case event.TaskHeartbeat:
		r.expectHeartbeat(f, ev)
	case event.TaskSucceeded:
		r.closeTask(f, settledByAnswer)
		f.result = data.Result
	case event.TaskFailed:
		r.closeTask(f, settledByAnswer)
	case event.TaskTimedOut:
		r.closeTask(f, settledByTimeout)
	}
	if f.task != nil && !wasOutside && f.waitsOutside() {
		r.busy--
	}
	return nil
}

func (r *Run) applyParallelStarted(f *Frame, data event.ParallelStarted) error {
	p, ok := f.behaviour().(*parallelState)
	if !ok {
		return errors.New("the frame is in no Parallel state")
	}
	f.rest()
	g := newGroup(len(p.branches))
	g.input = data.Arguments
	if g.input == nil {
		g.input = f.input
	}
	f.group = g
	for _, branch := range p.branches {
		r.openFrame(f, branch, g.input)
	}
	return nil
}

func (r *Run) applyMapStarted(f *Frame, data event.MapStarted) error {
	if _, ok := f.behaviour().(*mapState); !ok {
		return errors.New("the frame is in no Map state")
	}
	items := data.Items
	if items == nil {
		items = f.input
	}
	if items.Kind() != value.Array {
		return errors.New("the items are no array")
	}
	f.rest()
	f.group = newGroup(items.Len())
	f.group.items = items
	if _, distributed := f.Distributed(); distributed && !f.hidden {
		f.group.started = r.lastEvent - 1 // behind which MapRunStarted is
	}
	f.group.maxConcurrency = data.MaxConcurrency
	f.group.toleratedCount = data.ToleratedCount
	f.group.toleratedPercentage = data.ToleratedPercentage
	return nil
}

func (r *Run) applyIterationStarted(f *Frame, data event.IterationStarted) error {
	m, ok := f.behaviour().(*mapState)
	if !ok || f.group == nil || f.group.next >= f.group.total {
		return errors.New("the frame has no iteration to start")
	}
	item := f.group.items.At(f.group.next)
	input := data.Input
	if input == nil {
		input = item
	}
	r.openFrame(f, m.processor, input).item = item
	return nil
}

// applyIterationEnded happens in the iteration's own frame. A failure that is not tolerated leaves the frame where it
// is, for a redrive.
func (r *Run) applyIterationEnded(f *Frame, ev Event) error {
	if f.parent == nil || f.parent.group == nil {
		return errors.New("the frame is no iteration")
	}
	g := f.parent.group
	if failed, ok := ev.Data.(event.IterationFailed); ok {
		if !failed.Tolerated {
			return nil
		}
		g.failed++
	} else {
		g.results[f.index] = f.input
	}
	r.closeFrame(f)
	return nil
}

func (r *Run) applyGroupSucceeded(f *Frame) error {
	g := f.group
	if g == nil {
		return errors.New("the frame has no branches or iterations")
	}
	for i, branch := range g.open { // a Parallel's branches have no event of their own end
		g.results[i] = branch.input
	}
	f.result = g.output()
	r.leave(f)
	return nil
}
