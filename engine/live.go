package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"

	"github.com/tercel-workflows/tercel/statemachine"
)

// live is an execution in memory. Signals for it come into its mailbox. At any time at most one goroutine works on it:
// the one that set busy, and those it hands the work on to (a runner, the writer while a durable point commits, then a
// runner again).
type live struct {
	row     ExecutionRow // as it was when the execution came here; only what never changes is read
	node    uuid.UUID    // the name under which this node owns it
	machine *statemachine.Machine
	trace   *executionTrace // nil if nobody records spans

	mu      sync.Mutex
	mailbox []message
	busy    bool // somebody works on it, or it waits for a runner
	gone    bool // it has left memory; its mailbox takes no more
	evicted bool // it must leave memory as soon as nobody works on it: this node lost it
	tasks   map[statemachine.TaskID]context.CancelCauseFunc
	waiters []chan<- Execution // who waits for the end, see Wait; a channel that is closed says: look elsewhere

	// It is parked in the database and was read, not claimed: its first write makes this node its owner, if nobody else
	// writes before. Until then nothing is done because of it, and it leaves memory as soon as it has nothing to write.
	unowned bool
	heir    func() // brings its claimed self into memory, should it leave before it is owned

	timer timer // guarded by the timers' mutex

	// What follows belongs to whoever works on it.
	run       *statemachine.Run
	seq       int64     // of the next history row
	lastAt    time.Time // of the last event; time does not run backwards, though the clocks of two nodes may differ
	pending   *point    // the durable point that commits, or has committed and is to be acted on
	express   *express  // nil for an execution of the type STANDARD
	reopened  bool      // it was redriven here: its row has changed since it came
	resume    bool      // it came from another owner: what was under way there is to be done again
	byTime    bool      // the database's clock says that it is due, whatever this node's says
	rows      int       // history rows since the last snapshot
	bytes     int       // and their size
	snapshot  int       // the size of the last snapshot
	broken    bool      // its run panicked once; a second time, it is left alone
	panicking any       // what the run panicked with, when it is to be stopped for it
	inHand    []message // the messages that are being decided
}

// message is a signal and where its answer goes.
type message struct {
	signal statemachine.Signal
	answer chan<- error      // buffered; nil if nobody waits
	from   trace.SpanContext // of the call that brought the signal, not valid if there is none
}

// reply answers, unless there is an answer already.
func (m message) reply(err error) {
	if m.answer == nil {
		return
	}
	select {
	case m.answer <- err:
	default:
	}
}

// point is a durable point under way, with what follows its commit.
type point struct {
	x        *live
	express  *live // whose start it is, if it is that of an Express execution, which runs already
	write    Write
	commands []statemachine.Command
	answers  []answer
	spans    []span // which it ends
	entered  int    // how many states it enters
	weight   int    // its size when it was submitted
}

// answer is what a caller is told once a durable point has committed.
type answer struct {
	message
	err error
}

// size is what a durable point weighs in a batch.
func (p *point) size() int {
	n := 0
	if p.write.Start != nil {
		n += len(p.write.Start.Input.JSON())
	}
	if p.express != nil { // the rest of it may still change
		return n
	}
	if p.write.End != nil && p.write.End.Output != nil {
		n += len(p.write.End.Output.JSON())
	}
	return n + len(p.write.Events) + len(p.write.Snapshot)
}

// settleWaiting answers the caller of a start that was stored to wait; there is no run of it in memory.
func (p *point) settleWaiting() {
	switch p.write.Outcome {
	case OutcomeRefused:
		p.answer(refusal(p.write.Err))
	case OutcomeNameTaken:
		p.answer(&nameTaken{existing: p.write.Existing})
	default:
		p.answer(nil)
	}
}

// post puts a message into the mailbox. It gives false if the execution has left memory.
func (e *Engine) post(x *live, m message) bool {
	x.mu.Lock()
	if x.gone {
		x.mu.Unlock()
		return false
	}
	x.mailbox = append(x.mailbox, m)
	wake := !x.busy
	x.busy = true
	x.mu.Unlock()
	if wake {
		e.runnable.push(x)
	}
	return true
}

// quiet tells whether no messages wait.
func (x *live) quiet() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.mailbox) == 0
}

// take gives the messages that wait, at most maxPointCalls. With none it gives up the work on the execution, unless the
// execution was evicted, or nothing came of why it was brought here: then the worker must let it go.
func (x *live) take() (messages []message, evicted bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.evicted {
		return nil, true
	}
	if len(x.mailbox) == 0 {
		x.busy = x.unowned // nobody else works on it until it has left
		return nil, x.unowned
	}
	if len(x.mailbox) <= maxPointCalls {
		messages, x.mailbox = x.mailbox, nil
		return messages, false
	}
	messages = x.mailbox[:maxPointCalls:maxPointCalls]
	x.mailbox = x.mailbox[maxPointCalls:]
	return messages, false
}

// giveBack puts messages back in front of the mailbox.
func (x *live) giveBack(messages []message) {
	if len(messages) == 0 {
		return
	}
	x.mu.Lock()
	x.mailbox = append(slices.Clip(messages), x.mailbox...)
	x.mu.Unlock()
}

// retire takes the execution out of memory: its function calls are cancelled, its timer is dropped, and callers in its
// mailbox are told to look for it again. Only the goroutine that works on it may call this.
func (e *Engine) retire(x *live, why error) {
	x.mu.Lock()
	if x.gone {
		x.mu.Unlock()
		return
	}
	x.gone = true
	mailbox, tasks, waiters := x.mailbox, x.tasks, x.waiters
	x.mailbox, x.tasks, x.waiters = nil, nil, nil
	heir := x.heir
	x.heir = nil
	x.mu.Unlock()
	for _, cancel := range tasks {
		cancel(why)
	}
	e.timers.drop(x)
	e.lives.remove(x)
	for _, w := range waiters {
		close(w)
	}
	for _, m := range mailbox {
		m.reply(errMoved)
	}
	e.hub.notify(x.row.ID)
	e.roomMade()
	if heir != nil {
		go heir()
	}
}
