package statemachine

import (
	"time"

	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Env is what a decision takes from the outside world.
type Env struct {
	Now   time.Time             // becomes the time of the decision's events, cut to milliseconds
	Seed  uint64                // of all randomness in the decision: uuid(), random(), retry jitter
	Token func(t TaskID) string // the task token of a task; must be unguessable and always the same for the same task
	// CallbackURL gives the URL that answers a task in one way, without its token; always the same for the same task. Nil: there are
	// none.
	CallbackURL func(t TaskID, action CallbackAction) string
	Limits      Limits // zero fields mean the defaults
	// Observe, if it is set, sees every expression that the decision evaluates, in order. It is for tools that show an
	// execution to people: it changes nothing, nothing of it is kept, and without it an expression pays a nil check.
	Observe func(Observation)
	// Inspect, if it is set, sees what the stages of the states in JSONPath give, see query.Scope. It is like Observe otherwise.
	Inspect func(state, stage string, v *value.Value)
}

// Observation is something that a decision came upon and that its events do not tell: an expression with its value, or
// the rule that a Choice took.
type Observation struct {
	Frame    FrameID
	State    string
	Location string       // in the state: of the expression, such as Output/total; of the rule, Choices/0 or Default
	Source   string       // the expression, without {% %}; "" for a rule
	Value    *value.Value // what it gave; nil if it gave nothing (an error, or JSONata's undefined)
	Err      error        // why it gave nothing
	Taken    bool         // a Choice took the rule at Location
	Events   int          // how many events the decision had made before
}

// Limits bound what one execution may use.
type Limits struct {
	Payload       int // bytes of an input, output, result or argument; default 262,144, the service's quota
	Events        int // events in the history, as the Step Functions API counts them; default 1,000,000
	MapConcurrent int // iterations of one inline Map at a time when the definition says no less; default 1,000
	Transitions   int // states entered in one decision before the run asks to be continued; default 1,000
}

// CallbackAction is what a callback URL does to its task.
type CallbackAction string

// The actions of callback URLs.
const (
	CallbackSuccess   CallbackAction = "success"
	CallbackFailure   CallbackAction = "failure"
	CallbackHeartbeat CallbackAction = "heartbeat"
)

// Info is what a run knows of its execution from outside its history. It is given to [Machine.NewRun] and
// [Machine.Restore], and feeds the Context Object.
type Info struct {
	ExecutionID    string // what states.context.Execution.Id shows, an ARN
	ExecutionName  string
	RoleARN        string
	StateMachineID string
	StateMachine   string // its name
	Input          *value.Value
}

// The names that events, signals and commands share.
type (
	// Event is something that happened in an execution.
	Event = event.Event
	// TaskID names one attempt of one task within its execution.
	TaskID = event.TaskID
	// FrameID names a frame of a run.
	FrameID = event.FrameID
)

// Signal is something that happened to an execution from outside. It is implemented by the types of this package only.
type Signal interface{ signal() }

// Start begins the execution. It is the first signal of a run, and comes once.
type Start struct{}

// TaskSucceeded ends a task with its result. It settles tasks of every kind: what a function returned, what
// SendTaskSuccess brought.
type TaskSucceeded struct {
	Task   TaskID
	Result *value.Value
}

// TaskFailed ends a task with an error.
type TaskFailed struct {
	Task         TaskID
	Error, Cause string
}

// TaskSubmitted says that a task which waits for its token was handed over: the function was invoked and answered. Of the
// task of an activity it says that it is where workers find it.
type TaskSubmitted struct {
	Task   TaskID
	Output *value.Value
}

// TaskStarted says that a worker has taken a task. It is accepted once; a second worker is rejected with ErrTaskTaken,
// unless it is told that the first never got the task.
type TaskStarted struct {
	Task   TaskID
	Worker string
	Again  bool // the worker that is noted never got the task
}

// TaskHeartbeat says that whoever works on a task is alive.
type TaskHeartbeat struct{ Task TaskID }

// Tick says that time has passed: everything that is due at Env.Now happens.
type Tick struct{}

// Continue lets a run go on that asked for it with the command of the same name.
type Continue struct{}

// Stop aborts the execution, as StopExecution does.
type Stop struct{ Error, Cause string }

// Fail ends the execution as failed, for a reason that lies outside of its machine: what it came to cannot be stored, say.
type Fail struct{ Error, Cause string }

// Redrive lets an execution that failed, was aborted or timed out go on from where it ended.
type Redrive struct{}

// Recover says that another node goes on with the execution. Its event makes the former owner's next write lose. What
// was under way there is in Run.Outstanding.
type Recover struct{ Node string }

func (Start) signal()         {}
func (TaskSucceeded) signal() {}
func (TaskFailed) signal()    {}
func (TaskSubmitted) signal() {}
func (TaskStarted) signal()   {}
func (TaskHeartbeat) signal() {}
func (Tick) signal()          {}
func (Continue) signal()      {}
func (Stop) signal()          {}
func (Fail) signal()          {}
func (Redrive) signal()       {}
func (Recover) signal()       {}
