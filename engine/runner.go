package engine

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
)

// runner works on executions that have something to do, one at a time.
func (e *Engine) runner() {
	for {
		e.backlog.wait()
		x, ok := e.runnable.pop()
		if !ok {
			return
		}
		e.guardedStep(x)
	}
}

// guardedStep keeps a panic in one execution from taking the node down.
func (e *Engine) guardedStep(x *live) {
	e.working.Add(1)
	defer e.working.Add(-1)
	defer func() {
		if p := recover(); p != nil {
			e.panicked(x, p, "working on an execution")
			e.condemn(x)
		}
	}()
	e.step(x)
}

// panicked notes that the core, or what works with it, panicked over an execution.
func (e *Engine) panicked(x *live, what any, doing string) {
	x.panicking = what
	e.log.ErrorContext(x.logged(), "the engine panicked over an execution, which is stopped for it", keyExecution, x.row.ID,
		keyMachine, x.row.MachineName, keyRevision, x.row.Revision, "doing", doing, keyError, what, keyStack, string(debug.Stack()))
}

// step carries an execution as far as it goes without waiting: it acts on the durable point that has just committed, and
// decides the signals that came meanwhile, together, into the next one. While that commits, further signals gather.
func (e *Engine) step(x *live) {
	wrote := false
	if p := x.pending; p != nil {
		x.pending = nil
		e.underWay.Add(-1)
		if !e.settle(x, p) {
			return
		}
		wrote = true
	}
	for {
		if e.frozen.Load() {
			return
		}
		idle := !wrote && x.quiet() && e.parks(x) && !x.early()
		messages, evicted := x.take()
		if evicted {
			e.retire(x, errMoved)
			return
		}
		if messages == nil {
			if idle {
				e.goBack(x)
			}
			return
		}
		if p := e.decide(x, messages); p != nil {
			if x.express == nil {
				x.pending = p
				e.submit(p)
				return
			}
			if !e.actAtOnce(x, p) {
				return
			}
			continue
		}
		if x.panicking != nil {
			e.condemn(x)
			return
		}
	}
}

// goBack is called when an execution that came back to memory turns out to have nothing to do here, as when the signal
// it came for was refused: it only waits, and leaves memory again by a durable point of its own.
func (e *Engine) goBack(x *live) {
	e.post(x, message{signal: statemachine.Recover{Node: x.node.String()}})
}

// early tells whether the execution was claimed for a time that, by this node's clock, is still to come: it waits for it
// in memory, since parked it would be claimed again at once, for as long as the clocks differ.
func (x *live) early() bool { return x.byTime && !x.run.NextDeadline().IsZero() }

// parks tells whether the execution only waits, and for long enough to leave memory.
func (e *Engine) parks(x *live) bool {
	if x.express != nil || !x.run.Parkable() {
		return false
	}
	due := x.run.NextDeadline()
	return (due.IsZero() || due.Sub(e.now()) > e.cfg.ParkAfter) && !e.lingers(x)
}

// lingerBytes is the size of a snapshot from which on an execution lingers.
const lingerBytes = 32 << 10

// lingers tells whether an execution that only waits stays in memory for a while: one whose snapshot is large, after a
// signal that came for it. A Map with thousands of open tasks would else be read, and written, as a whole with every
// answer. It leaves when nothing has come for it as long as ParkAfter says, when its history since the last snapshot is as
// large as that, or when others wait for its room.
func (e *Engine) lingers(x *live) bool {
	return x.large() && !e.starved.Load() && e.now().Before(x.lastAt.Add(e.cfg.ParkAfter))
}

// large tells whether a snapshot of the execution is worth more than its stay in memory.
func (x *live) large() bool { return x.snapshot > lingerBytes && x.bytes < x.snapshot }

// nextLook gives when an execution in memory is to be looked at though no signal comes: at its next deadline, or when it
// has lingered long enough, which may be past.
func (e *Engine) nextLook(x *live) time.Time {
	due := x.run.NextDeadline()
	soon := !due.IsZero() && (due.Sub(e.now()) <= e.cfg.ParkAfter || x.byTime)
	if x.express != nil || soon || !x.large() || !x.run.Parkable() {
		return due
	}
	return x.lastAt.Add(e.cfg.ParkAfter)
}

// decide gives the durable point that the messages lead to, or nil if nothing came of them. Messages that were refused
// without anything having happened before are answered at once; the others after the commit.
func (e *Engine) decide(x *live, messages []message) (p *point) {
	x.inHand = messages
	defer func() {
		if r := recover(); r != nil {
			e.panicked(x, r, "deciding")
			p = nil
		}
	}()
	p = &point{x: x}
	var events []statemachine.Event
	weight := 0
	env := e.env(x)
	for i, m := range messages {
		if weight > maxPointBytes {
			x.giveBack(messages[i:])
			x.inHand = messages[:i]
			break
		}
		weight += signalSize(m.signal)
		commands, happened, err := e.decideOne(x, env, m)
		if x.panicking != nil {
			return nil
		}
		if len(events) == 0 && len(happened) == 0 {
			m.reply(err)
		} else {
			p.answers = append(p.answers, answer{m, err})
		}
		events = append(events, happened...)
		p.commands = append(p.commands, commands...)
	}
	if x.resume {
		x.resume = false
		// What the decision asks for besides is among what is under way, but for what it has given up.
		p.commands = slices.DeleteFunc(p.commands, func(c statemachine.Command) bool {
			_, cancels := c.(statemachine.Cancel)
			return !cancels
		})
		p.commands = append(p.commands, x.run.Outstanding(env)...)
	}
	if len(events) == 0 {
		e.act(x, p.commands)
		e.timers.set(x, e.nextLook(x))
		x.inHand = nil
		return nil
	}
	x.lastAt = env.Now
	p.spans = x.trace.take(x, env.Now)
	p.entered = statesEntered(events)
	if x.express != nil {
		x.express.note(events)
	} else {
		e.fill(x, p, events)
	}
	x.inHand = nil
	return p
}

func (e *Engine) env(x *live) statemachine.Env {
	now := e.now()
	if now.Before(x.lastAt) {
		now = x.lastAt
	}
	return statemachine.Env{
		Now:    now.Truncate(time.Millisecond),
		Seed:   rand.Uint64(),
		Token:  func(t statemachine.TaskID) string { return e.tokens.sign(x.row.ID, t) },
		Limits: e.cfg.Limits,
		CallbackURL: func(t statemachine.TaskID, action statemachine.CallbackAction) string {
			return e.callbackURL(x.row.ID, t, action)
		},
	}
}

// decideOne decides one signal. A panic of the core is kept in x.panicking.
func (e *Engine) decideOne(x *live, env statemachine.Env, m message) (commands []statemachine.Command, events []statemachine.Event, err error) {
	x.trace.because(m.from)
	defer func() {
		if p := recover(); p != nil {
			e.panicked(x, p, fmt.Sprintf("deciding a %T", m.signal))
			m.reply(errorf(CodeServiceUnavailable, "the engine ran into an internal error in execution %s, which is stopped for it", x.row.ID))
		}
	}()
	// Each signal has randomness of its own, also when several are decided together.
	env.Seed = rand.Uint64()
	return x.machine.Decide(x.run, env, m.signal)
}

// fill completes the durable point: its row, and with it the end, the parking or the snapshot.
func (e *Engine) fill(x *live, p *point, events []statemachine.Event) {
	w := &p.write
	w.Execution, w.Seq, w.At, w.Node = x.row.ID, x.seq, x.lastAt, x.node
	w.Events = statemachine.EncodeEvents(events)
	e.noteApprovals(x, w)
	if w.Adopt = x.isUnowned(); w.Adopt {
		// Another node may do the same in the same millisecond, and its row must not be taken for this one.
		w.Events = statemachine.MarkEvents(w.Events, rand.Uint64())
	}
	switch {
	case x.run.Status() != statemachine.Running:
		w.End = endRow(x.run)
	case e.parks(x):
		w.Park = &ParkRow{WakeAt: x.run.NextDeadline()}
		w.Snapshot = x.run.Snapshot()
	default:
		e.snapshotSometimes(x, w)
	}
}

// snapshotSometimes adds a snapshot after enough rows, and enough bytes that the snapshots of a large run do not cost
// more than its history.
func (e *Engine) snapshotSometimes(x *live, w *Write) {
	x.rows++
	x.bytes += len(w.Events)
	if x.rows < e.cfg.SnapshotRows || x.bytes < x.snapshot {
		return
	}
	w.Snapshot = x.run.Snapshot()
	x.rows, x.bytes, x.snapshot = 0, 0, len(w.Snapshot)
}

func endRow(run *statemachine.Run) *EndRow {
	name, cause := run.Failure()
	return &EndRow{
		Status: Status(run.Status()), Output: run.Output(), Error: name, Cause: cause, EndedAt: run.EndedAt(),
	}
}

// signalSize estimates what a signal adds to a history row.
func signalSize(s statemachine.Signal) int {
	switch s := s.(type) {
	case statemachine.TaskSucceeded:
		return len(s.Result.JSON())
	case statemachine.TaskSubmitted:
		return len(s.Output.JSON())
	case statemachine.TaskFailed:
		return len(s.Error) + len(s.Cause)
	default:
		return 64
	}
}
