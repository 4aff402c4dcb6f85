package statemachine

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// The default limits.
const (
	DefaultPayload       = 262_144
	DefaultEvents        = 1_000_000
	DefaultMapConcurrent = 1_000
	DefaultTransitions   = 1_000
)

func (l Limits) withDefaults() Limits {
	orDefault := func(n *int, fallback int) {
		if *n <= 0 {
			*n = fallback
		}
	}
	orDefault(&l.Payload, DefaultPayload)
	orDefault(&l.Events, DefaultEvents)
	orDefault(&l.MapConcurrent, DefaultMapConcurrent)
	orDefault(&l.Transitions, DefaultTransitions)
	return l
}

// Decide takes a signal to a run. It gives the events that follow, already folded into the run, and the commands to
// carry out once these events are durable. A run whose events could not be made durable must be thrown away and
// rebuilt from its history.
//
// An error rejects the signal and leaves the run as it was: ErrTaskDoesNotExist, ErrTaskTimedOut, ErrTaskTaken, ErrEnded,
// ErrNotRedrivable, ErrMapEnded or ErrStarted. A signal that changes nothing, such as a Tick before anything is due, gives neither
// events nor an error.
func (m *Machine) Decide(run *Run, env Env, sig Signal) ([]Command, []Event, error) {
	d := &decider{machine: m, run: run, env: env, now: env.Now.UTC().Truncate(time.Millisecond)}
	d.env.Limits = env.Limits.withDefaults()
	run.changes.noting = true
	err := d.take(sig)
	if err == nil {
		d.proceed()
	}
	run.changes.noting = false
	if err != nil {
		return nil, nil, err
	}
	return d.commands, d.events, nil
}

// decider is one decision in the making.
type decider struct {
	machine  *Machine
	run      *Run
	env      Env
	now      time.Time
	events   []Event
	commands []Command
	ready    []*Frame // frames with a next state, in the order in which they go on
	entered  int      // states entered in this decision
	random   *rand.Rand
}

// emit makes an event and folds it into the run.
func (d *decider) emit(f *Frame, data event.Data) {
	ev := Event{Time: d.now, Frame: f.id, Data: data}
	if d.run.watch != nil {
		d.run.watch(f, ev)
	}
	if err := d.run.Apply(ev); err != nil {
		panic("statemachine: a decision does not fold: " + err.Error())
	}
	if d.events == nil {
		d.events = make([]Event, 0, 4) // a task that ends and the next one that begins
	}
	d.events = append(d.events, ev)
	if d.run.observe != nil {
		d.run.observe(ev)
	}
}

// take turns a signal into its own events and hands on what follows from them.
func (d *decider) take(sig Signal) error {
	if !d.run.ended.IsZero() && taskOf(sig) == 0 && sig != (Redrive{}) {
		return ErrEnded
	}
	switch sig := sig.(type) {
	case Start:
		if d.run.status != "" {
			return ErrStarted
		}
		d.emit(d.run.root, event.ExecutionStarted{})
		d.ready = append(d.ready, d.run.root)
	case Redrive:
		return d.redrive()
	case Stop:
		d.cancel(d.run.root)
		d.emit(d.run.root, event.ExecutionAborted{Error: optional(sig.Error), Cause: optional(sig.Cause)})
	case Fail:
		d.failExecution(failure{name: optional(sig.Error), cause: optional(sig.Cause)})
	case Recover:
		d.emit(d.run.root, event.ExecutionRecovered{Node: sig.Node})
	case Continue:
		d.readyPending()
	case Tick:
		d.tick()
	case ChangeMap:
		return d.changeMap(sig)
	case TrialEnded:
		return d.endTrial(sig)
	default:
		return d.takeTask(sig)
	}
	return nil
}

func (d *decider) redrive() error {
	if d.run.ended.IsZero() || d.run.status == Succeeded {
		return ErrNotRedrivable
	}
	d.emit(d.run.root, event.ExecutionRedriven{})
	d.readyPending()
	// A Map may have been stopped before all its iterations began.
	d.run.eachFrame(func(f *Frame) {
		if _, ok := f.behaviour().(*mapState); ok && f.group != nil {
			d.iterate(f)
		}
	})
	return nil
}

// readyPending lets every frame go on that has a next state.
func (d *decider) readyPending() {
	d.run.eachFrame(func(f *Frame) {
		if f.next != "" {
			d.ready = append(d.ready, f)
		}
	})
}

// Outstanding gives the commands of all that is under way, for a process that takes the run over: the invocations of the
// former owner may be lost. Tasks that wait for a token or a worker are in other hands and stay there.
func (r *Run) Outstanding(env Env) []Command {
	if r.status != Running {
		return nil
	}
	d := &decider{machine: r.machine, run: r, env: env, now: env.Now.UTC().Truncate(time.Millisecond)}
	r.eachFrame(func(f *Frame) {
		if f.task != nil && !f.waitsOutside() {
			command, _ := d.invocation(f) // credentials that cannot be evaluated now were evaluated before
			d.commands = append(d.commands, command)
		}
	})
	if r.pending > 0 {
		d.commands = append(d.commands, Proceed{})
	}
	return d.commands
}

// takeTask settles a task, or notes how it goes.
func (d *decider) takeTask(sig Signal) error {
	id := taskOf(sig)
	f := d.run.tasks[id]
	if f == nil {
		switch d.run.settled[id] {
		case settledByTimeout, settledByAbort:
			return ErrTaskTimedOut
		default:
			return ErrTaskDoesNotExist
		}
	}
	switch sig := sig.(type) {
	case TaskStarted:
		if f.task.started && !sig.Again {
			return ErrTaskTaken
		}
		d.emit(f, event.TaskStarted{Worker: sig.Worker})
	case TaskSubmitted:
		if f.waitsOutside() {
			return nil
		}
		output := sig.Output
		if output != nil && len(output.JSON()) > d.env.Limits.Payload {
			output = nil // it is for people only
		}
		d.emit(f, event.TaskSubmitted{Output: output})
	case DecideApproval, DelegateApproval:
		return d.takeApproval(f, sig)
	case TaskHeartbeat:
		if f.task.heartbeat > 0 {
			d.emit(f, event.TaskHeartbeat{})
		}
	case TaskFailed:
		d.emit(f, event.TaskFailed{Error: optional(sig.Error), Cause: optional(sig.Cause)})
		d.fail(f, failure{name: optional(sig.Error), cause: optional(sig.Cause)})
	case TaskSucceeded:
		if size := len(sig.Result.JSON()); size > d.env.Limits.Payload {
			cause := d.tooLarge("the result of the task", size)
			d.emit(f, event.TaskFailed{Error: new(ErrorDataLimitExceeded), Cause: &cause})
			d.fail(f, newFailure(ErrorDataLimitExceeded, cause))
			return nil
		}
		d.emit(f, event.TaskSucceeded{Result: sig.Result})
		d.complete(f)
	}
	return nil
}

func taskOf(sig Signal) TaskID {
	switch sig := sig.(type) {
	case TaskStarted:
		return sig.Task
	case TaskSubmitted:
		return sig.Task
	case TaskHeartbeat:
		return sig.Task
	case TaskFailed:
		return sig.Task
	case TaskSucceeded:
		return sig.Task
	case DecideApproval:
		return sig.Task
	case DelegateApproval:
		return sig.Task
	default:
		return 0
	}
}

// tick lets everything happen that is due.
func (d *decider) tick() {
	if !d.run.deadline.IsZero() && !d.now.Before(d.run.deadline) {
		d.cancel(d.run.root)
		d.emit(d.run.root, event.ExecutionTimedOut{})
		return
	}
	for d.run.status == Running {
		at, f := d.run.timers.peek(d.run)
		if f == nil || d.now.Before(at) {
			return
		}
		d.wake(f)
	}
}

// wake goes on with a frame whose time has come.
func (d *decider) wake(f *Frame) {
	switch {
	case f.task != nil && f.task.approval != nil:
		d.wakeApproval(f)
	case f.task != nil:
		heartbeat := d.now.Before(f.task.deadline) || f.task.deadline.IsZero()
		d.commands = append(d.commands, Cancel{Task: f.task.id})
		d.emit(f, event.TaskTimedOut{Heartbeat: heartbeat})
		why := failure{name: new(ErrorTimeout)}
		if heartbeat {
			why.alias = ErrorHeartbeatTimeout
		}
		d.fail(f, why)
	case f.retry:
		f.behaviour().work(d, f)
	default:
		d.succeed(f, f.state.outcome, f.state.next)
	}
}

// proceed enters the next states of all frames that are ready, until every one waits or has ended.
func (d *decider) proceed() {
	for len(d.ready) > 0 && d.run.status == Running {
		if d.entered >= d.env.Limits.Transitions || d.run.trial != nil && d.run.trial.begun {
			d.commands = append(d.commands, Proceed{})
			return
		}
		f := d.ready[0]
		d.ready = d.ready[1:]
		if d.run.frames[f.id] == f && f.next != "" {
			d.enter(f)
		}
	}
}

func (d *decider) enter(f *Frame) {
	if d.run.lastEvent >= int64(d.env.Limits.Events) {
		d.failExecution(newFailure(ErrorRuntime, fmt.Sprintf(
			"The execution reached the maximum number of history events (%d).", d.env.Limits.Events)))
		return
	}
	d.entered++
	if f.state == nil {
		d.emit(f, event.StateEntered{State: f.next})
	} else {
		d.emit(f, event.StateEntered{}) // the last exit has the name
	}
	if d.run.trial != nil {
		d.run.trial.entered(f)
	}
	f.behaviour().work(d, f)
}

// complete ends the state's work with the frame's result.
func (d *decider) complete(f *Frame) { d.succeed(f, f.state.outcome, f.state.next) }

// succeed leaves the state by a way out of it.
func (d *decider) succeed(f *Frame, way outcome, next string) {
	d.exit(f, way, event.StateExited{Next: next}, nil)
}

// exit evaluates the way out of a state and leaves it. What cannot be evaluated, or is too large, fails the state; with
// an error output, which means that a catcher leads out, nothing can catch it once more.
func (d *decider) exit(f *Frame, way outcome, ev event.StateExited, errorOutput *value.Value) {
	if way.output != nil || len(way.assign) > 0 {
		scope := d.scope(f)
		scope.ErrorOutput = errorOutput
		for _, a := range way.assign {
			v, failed := a.value.eval(scope)
			if failed != nil {
				d.evaluationFailed(f, failed)
				return
			}
			ev.Assigned = append(ev.Assigned, event.Assignment{Name: a.name, Value: v.Settled()})
		}
		if way.output != nil {
			v, failed := way.output.eval(scope)
			if failed != nil {
				d.evaluationFailed(f, failed)
				return
			}
			ev.Output = v.Settled()
		}
	}
	if !d.fitsExit(f, &ev) {
		return
	}
	d.emit(f, ev)
	if ev.Next != "" {
		d.ready = append(d.ready, f)
		return
	}
	d.flowEnded(f)
}

// fitsExit checks the sizes of what a state hands on and assigns.
func (d *decider) fitsExit(f *Frame, ev *event.StateExited) bool {
	output := ev.Output
	if output == nil {
		output = f.result
	}
	if output != nil && !d.fits(f, "the output of the state", output) {
		return false
	}
	for _, a := range ev.Assigned {
		if !d.fits(f, "the variable "+a.Name, a.Value) {
			return false
		}
	}
	return true
}

// flowEnded goes on with what a flow belongs to, once its last state is left.
func (d *decider) flowEnded(f *Frame) {
	if f.parent == nil {
		d.emit(f, event.ExecutionSucceeded{})
		return
	}
	if _, ok := f.parent.behaviour().(*mapState); ok {
		d.iterationSucceeded(f)
		return
	}
	d.branchSucceeded(f.parent)
}

// cancel gives up all tasks of a frame and of those below it.
func (d *decider) cancel(f *Frame) {
	f.walk(func(f *Frame) {
		if f.task != nil {
			d.commands = append(d.commands, Cancel{Task: f.task.id})
		}
	})
}

func (d *decider) token(id TaskID) string {
	if d.env.Token == nil {
		return ""
	}
	return d.env.Token(id)
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
