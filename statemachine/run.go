package statemachine

import (
	"time"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Status is the status of a run, spelt as the Step Functions API spells it.
type Status string

// The statuses of a run. A run that has not started has the empty status.
const (
	Running   Status = "RUNNING"
	Succeeded Status = "SUCCEEDED"
	Failed    Status = "FAILED"
	Aborted   Status = "ABORTED"
	TimedOut  Status = "TIMED_OUT"
)

// Run is the state of one execution: what its events fold into. It belongs to one goroutine at a time.
type Run struct {
	machine *Machine
	info    Info

	status       Status
	started      time.Time
	ended        time.Time
	deadline     time.Time // of the machine's TimeoutSeconds; zero for none
	redriven     time.Time
	redriveCount int
	failure      failure // of an execution that failed or was aborted

	root      *Frame
	frames    map[FrameID]*Frame
	tasks     map[TaskID]*Frame // open tasks
	busy      int               // open tasks that an invocation of this process answers
	pending   int               // frames with a next state
	lastFrame FrameID
	lastTask  TaskID
	lastEvent int64 // the id that the Step Functions API gives the last event
	// settled remembers which of the tasks that wait for a token or a worker ended without an answer, for those who answer
	// late.
	settled map[TaskID]settlement

	timers timerHeap // of frames, not kept in snapshots

	trial   *Trial          // nil: this is an execution
	lastAt  time.Time       // of the last event
	changes approvalChanges // of approvals, for those who list them

	observe func(Event)         // for tests: sees each event of a decision once it is folded
	watch   func(*Frame, Event) // see Watch
}

type settlement uint8

const (
	settledByAnswer settlement = iota + 1
	settledByTimeout
	settledByAbort
)

// Frame is one strand of a run: its top level, a branch of a Parallel, or an iteration of a Map. It is in one state at
// a time.
type Frame struct {
	id     FrameID
	parent *Frame
	index  int // of the branch or iteration among its parent's
	flow   *flow

	next      string // the state to be entered; "" while in a state
	state     *state // nil before the first
	enteredAt time.Time
	enteredID int64        // the id that the Step Functions API gives the event of the entry
	input     *value.Value // of the state, or of the one to be entered
	result    *value.Value // of the state's work, nil before it ended
	variables map[string]*value.Value
	item      *value.Value // the item of an iteration

	attempts []int // retries so far, by retrier
	retries  int   // their sum

	// What the frame waits for: at most one of these.
	task  *openTask
	group *group
	until time.Time // a Wait, or a retry
	retry bool      // until is the time of a retry

	finished bool // the flow has ended; only a Parallel's branch is kept then
	hidden   bool // below a distributed Map: the Step Functions API tells of its children elsewhere
	catching bool // within a decision: a catcher's way out is being evaluated
}

// openTask is an attempt of a task that nobody has answered yet.
type openTask struct {
	id           TaskID
	arguments    *value.Value
	timeout      time.Duration
	heartbeat    time.Duration
	deadline     time.Time     // zero for none
	heartbeatDue time.Time     // zero for none
	submitted    bool          // handed over, waits for its token
	started      bool          // a worker has it
	approval     *openApproval // nil: it is not for people
	scheduledAt  time.Time     // zero if it was parked by a release that did not keep it
	handedOverAt time.Time     // when it was submitted or started; zero before
}

// group is the frames of a Parallel or of a Map.
type group struct {
	input   *value.Value // Parallel: of the branches
	items   *value.Value // Map: an array
	total   int
	next    int            // the first index that has no frame yet
	open    map[int]*Frame // by index
	results []*value.Value // by index; nil: not ended, or failed
	failed  int            // tolerated failures
	started int64          // the id of MapStateStarted, if this is a distributed Map of which the Step Functions API tells; else 0

	maxConcurrency      int
	toleratedCount      int
	toleratedPercentage float64
}

// NewRun gives the run of an execution that has not started.
func (m *Machine) NewRun(info Info) *Run {
	run := &Run{machine: m, info: info}
	run.root = &Frame{flow: m.flow, next: m.flow.start, input: info.Input}
	run.frames = map[FrameID]*Frame{0: run.root}
	run.tasks = map[TaskID]*Frame{}
	return run
}

// Status gives the status, "" before the start.
func (r *Run) Status() Status { return r.status }

// StartedAt gives the time of the start.
func (r *Run) StartedAt() time.Time { return r.started }

// EndedAt gives the time of the end, zero while the run goes on.
func (r *Run) EndedAt() time.Time { return r.ended }

// LastAt gives the time of the last event, zero before the start.
func (r *Run) LastAt() time.Time { return r.lastAt }

// RedrivenAt gives the time of the last redrive, zero if there was none.
func (r *Run) RedrivenAt() time.Time { return r.redriven }

// Watch has see told of each event of a decision before it is folded into the run, with the frame in which it happens:
// what the event ends is still to be seen there. See must change nothing. Events that are applied are not told of.
func (r *Run) Watch(see func(*Frame, Event)) { r.watch = see }

// RedriveCount tells how often the run was redriven.
func (r *Run) RedriveCount() int { return r.redriveCount }

// Output gives the output of a run that succeeded, else nil.
func (r *Run) Output() *value.Value {
	if r.status != Succeeded {
		return nil
	}
	return r.root.input
}

// Failure gives the error and cause of a run that failed, was aborted or timed out. Either may be nil.
func (r *Run) Failure() (name, cause *string) { return r.failure.name, r.failure.cause }

// Events gives the number of events so far, counted as the Step Functions API does.
func (r *Run) Events() int64 { return r.lastEvent }

// Frame gives an open frame, or nil.
func (r *Run) Frame(id FrameID) *Frame { return r.frames[id] }

// NextDeadline gives the time of the next thing that time alone brings; zero if there is none. At that time the run
// wants a Tick.
func (r *Run) NextDeadline() time.Time {
	if r.status != Running {
		return time.Time{}
	}
	next, _ := r.timers.peek(r)
	if next.IsZero() || (!r.deadline.IsZero() && r.deadline.Before(next)) {
		return r.deadline
	}
	return next
}

// Parkable tells whether all that the run waits for is time, tokens and workers: no invocation is under way whose answer
// this process must stay for.
func (r *Run) Parkable() bool {
	return r.status == Running && r.busy == 0 && r.pending == 0
}

// waitsOutside tells whether the frame's open task is in the hands of somebody who answers with its token, or decides it.
func (f *Frame) waitsOutside() bool {
	return f.task.submitted || f.task.started || f.task.approval != nil
}

// eachFrame visits the frames, parents first, children by index.
func (r *Run) eachFrame(visit func(*Frame)) { r.root.walk(visit) }

func (f *Frame) walk(visit func(*Frame)) {
	visit(f)
	if f.group == nil {
		return
	}
	for _, child := range f.group.ordered() {
		child.walk(visit)
	}
}

// due gives the time at which the frame itself wants to be woken; zero for never.
func (f *Frame) due() time.Time {
	if f.task == nil {
		return f.until
	}
	if f.task.approval != nil {
		return earliest(f.task.approval.nextReminder(), f.task.deadline)
	}
	if f.task.heartbeatDue.IsZero() || (!f.task.deadline.IsZero() && !f.task.heartbeatDue.Before(f.task.deadline)) {
		return f.task.deadline
	}
	return f.task.heartbeatDue
}

// earliest gives the earlier of two times, of which either may be zero: never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// ID gives the frame's id.
func (f *Frame) ID() FrameID { return f.id }

// Parent gives the frame of the Parallel or Map that this one belongs to, nil for the top level.
func (f *Frame) Parent() *Frame { return f.parent }

// Hidden tells whether the frame is below a distributed Map. The history that the Step Functions API gives of an
// execution does not have the events of such frames.
func (f *Frame) Hidden() bool { return f.hidden }

// Distributed tells whether the frame is in a distributed Map, and gives its label, or its name for want of one.
func (f *Frame) Distributed() (label string, ok bool) {
	m, isMap := f.behaviour().(*mapState)
	if !isMap || !m.distributed {
		return "", false
	}
	return m.label, true
}

// Batches gives the number of items in each iteration of a Map that groups them, nil for one that does not.
func (f *Frame) Batches() []int {
	m, isMap := f.behaviour().(*mapState)
	if !isMap || m.batch == nil || f.group == nil {
		return nil
	}
	sizes := make([]int, f.group.total)
	for i := range sizes {
		if items := f.group.items.At(i).Get("Items"); items != nil {
			sizes[i] = items.Len()
		}
	}
	return sizes
}

// Index gives the index of the branch or iteration.
func (f *Frame) Index() int { return f.index }

// State gives the name and type of the state that the frame is in, or was in last; "" before the first.
func (f *Frame) State() (name, typ string) {
	if f.state == nil {
		return "", ""
	}
	return f.state.name, f.state.typ
}

// Input gives the input of the state, or of the one that comes next.
func (f *Frame) Input() *value.Value { return f.input }

// Result gives the result of the state's work, nil while there is none.
func (f *Frame) Result() *value.Value { return f.result }

// Task gives the resource and the arguments of the open task; "" if there is none.
func (f *Frame) Task() (resource string, arguments *value.Value) {
	if f.task == nil {
		return "", nil
	}
	return f.state.task().resource.text, f.taskArguments()
}

// EnteredEvent gives the id that the Step Functions API gives the event of the entry.
func (f *Frame) EnteredEvent() int64 { return f.enteredID }

// Open tells whether the frame is in a state that it has entered and not left.
func (f *Frame) Open() bool { return f.state != nil && f.next == "" && !f.finished }

// EnteredAt gives the time at which the state was entered.
func (f *Frame) EnteredAt() time.Time { return f.enteredAt }

// Retries tells how often the state was retried since it was entered.
func (f *Frame) Retries() int { return f.retries }

// Attempt is the open task of a frame: one attempt of its Task state.
type Attempt struct {
	Task         TaskID
	Resource     string    // as the definition has it
	ScheduledAt  time.Time // zero if that is not known
	HandedOverAt time.Time // when its function answered, if it waits for its token, or a worker took it; else zero
}

// Attempt gives the open task; false if there is none.
func (f *Frame) Attempt() (Attempt, bool) {
	if f.task == nil {
		return Attempt{}, false
	}
	return Attempt{
		Task: f.task.id, Resource: f.state.task().resource.text,
		ScheduledAt: f.task.scheduledAt, HandedOverAt: f.task.handedOverAt,
	}, true
}

func (f *Frame) taskArguments() *value.Value {
	if f.task.arguments != nil {
		return f.task.arguments
	}
	return f.input
}

// Children gives the open branches or iterations of the state that the frame is in, by index.
func (f *Frame) Children() []*Frame {
	if f.group == nil {
		return nil
	}
	return f.group.ordered()
}

// Size gives the number of branches or items of the state that the frame is in, 0 if it has none.
func (f *Frame) Size() int {
	if f.group == nil {
		return 0
	}
	return f.group.total
}

// LastFrame gives the frame that was opened last, nil if it is not open any more.
func (r *Run) LastFrame() *Frame { return r.frames[r.lastFrame] }
