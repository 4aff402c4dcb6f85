// Package event holds what happens in an execution, and how it is stored.
package event

import (
	"time"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Event is something that happened in an execution. Its history is the sequence of its events, and a run is what they
// fold into. What can be derived while folding is not repeated in an event: the output of a state that only hands its
// result on is nil, for one.
type Event struct {
	Time  time.Time // UTC, in milliseconds
	Frame FrameID   // where it happened
	Data  Data
}

// TaskID names one attempt of one task within its execution: the first attempt of the first task is 1.
type TaskID uint64

// FrameID names a frame of a run: 0 is the top level, and each branch of a Parallel and iteration of a Map has its own.
type FrameID uint64

// Data is what an event says. It is implemented by the types of this package only.
type Data interface {
	kind() kind
	encode(*Encoder)
}

// kind is the stored number of an event type. Numbers are never used again for something else.
type kind uint8

const (
	kindExecutionStarted   kind = 1
	kindStateEntered       kind = 2
	kindStateExited        kind = 3
	kindTaskScheduled      kind = 4
	kindTaskStarted        kind = 5
	kindTaskSubmitted      kind = 6
	kindTaskHeartbeat      kind = 7
	kindTaskSucceeded      kind = 8
	kindTaskFailed         kind = 9
	kindTaskTimedOut       kind = 10
	kindRetryScheduled     kind = 11
	kindWaitScheduled      kind = 12
	kindParallelStarted    kind = 13
	kindParallelSucceeded  kind = 14
	kindParallelFailed     kind = 15
	kindMapStarted         kind = 16
	kindIterationStarted   kind = 17
	kindIterationSucceeded kind = 18
	kindIterationFailed    kind = 19
	kindIterationAborted   kind = 20
	kindMapSucceeded       kind = 21
	kindMapFailed          kind = 22
	kindEvaluationFailed   kind = 23
	kindExecutionSucceeded kind = 24
	kindExecutionFailed    kind = 25
	kindExecutionAborted   kind = 26
	kindExecutionTimedOut  kind = 27
	kindExecutionRedriven  kind = 28
	kindExecutionRecovered kind = 29
	kindMark               kind = 30 // no event; see Mark
	kindApprovalAsked      kind = 31
	kindApprovalDecided    kind = 32
	kindApprovalDelegated  kind = 33
	kindApprovalReminded   kind = 34
	kindMapChanged         kind = 35
)

// The events of an execution as a whole. They happen in frame 0.
type (
	// ExecutionStarted begins the history. The input is in the execution's Info.
	ExecutionStarted struct{}
	// ExecutionSucceeded ends it with the output of the top level's last state.
	ExecutionSucceeded struct{}
	// ExecutionFailed ends it with the error that nothing caught. Nil means that there is none: a Fail state may leave
	// both out.
	ExecutionFailed struct{ Error, Cause *string }
	// ExecutionAborted ends it because somebody stopped it.
	ExecutionAborted struct{ Error, Cause *string }
	// ExecutionTimedOut ends it at the machine's TimeoutSeconds.
	ExecutionTimedOut struct{}
	// ExecutionRedriven opens it again: everything that was unfinished when it ended begins anew.
	ExecutionRedriven struct{}
	// ExecutionRecovered says that another node goes on with it. Heartbeats are due anew from here.
	ExecutionRecovered struct{ Node string }
)

// The events of a state.
type (
	// StateEntered says that the frame is in a state. An empty name means the Next of the frame's last exit.
	StateEntered struct{ State string }
	// StateExited says that the frame has left its state.
	StateExited struct {
		Output   *value.Value // nil: the state's result, or its input if it has none
		Assigned []Assignment
		Next     string // "" ends the frame's flow
		Caught   int    // the catcher that was taken, from 1; 0 if the state succeeded
	}
	// EvaluationFailed says that an expression of the state could not be evaluated.
	EvaluationFailed struct{ Error, Cause, Location string }
	// RetryScheduled says that the state failed and begins anew at a time.
	RetryScheduled struct {
		Retrier int // its index
		Until   time.Time
	}
	// WaitScheduled says until when a Wait state waits.
	WaitScheduled struct{ Until time.Time }
)

// Assignment is a workflow variable with its new value.
type Assignment struct {
	Name  string
	Value *value.Value
}

// The events of a task. Those after TaskScheduled speak of the frame's one open task.
type (
	// TaskScheduled opens a task: one attempt of a Task state.
	TaskScheduled struct {
		Task      TaskID
		Arguments *value.Value  // nil: the state's input
		Timeout   time.Duration // 0: none
		Heartbeat time.Duration // 0: none
	}
	// TaskStarted says that a worker has taken it.
	TaskStarted struct{ Worker string }
	// TaskSubmitted says that it was handed over and now waits for its token.
	TaskSubmitted struct{ Output *value.Value }
	// TaskHeartbeat says that its worker lives.
	TaskHeartbeat struct{}
	// TaskSucceeded settles it with its result.
	TaskSucceeded struct{ Result *value.Value }
	// TaskFailed settles it with an error.
	TaskFailed struct{ Error, Cause *string }
	// TaskTimedOut settles it with States.Timeout.
	TaskTimedOut struct{ Heartbeat bool } // the heartbeat's time was up, not the task's
)

// The events of Parallel and Map states.
type (
	// ParallelStarted opens a frame for each branch.
	ParallelStarted struct{ Arguments *value.Value } // nil: the state's input
	// ParallelSucceeded says that all branches have ended.
	ParallelSucceeded struct{}
	// ParallelFailed says that a branch failed and no retry follows.
	ParallelFailed struct{ Error, Cause *string }
	// MapStarted fixes what the Map iterates over.
	MapStarted struct {
		Items               *value.Value // nil: the state's input
		MaxConcurrency      int          // 0: no limit but the engine's
		ToleratedCount      int          // -1: not given
		ToleratedPercentage float64      // -1: not given
	}
	// MapChanged says what a distributed Map that is under way keeps to from now on, in the terms of MapStarted.
	MapChanged struct {
		MaxConcurrency      int
		ToleratedCount      int
		ToleratedPercentage float64
	}
	// IterationStarted opens the frame of the next iteration.
	IterationStarted struct{ Input *value.Value } // nil: the item itself
	// IterationSucceeded closes the iteration's frame, in which it happens.
	IterationSucceeded struct{}
	// IterationFailed says that the iteration failed. A tolerated failure closes the frame; another fails the Map.
	IterationFailed struct {
		Error, Cause *string
		Tolerated    bool
	}
	// IterationAborted says that the iteration ends because another failed.
	IterationAborted struct{}
	// MapSucceeded says that all iterations have ended, with no more failures than tolerated.
	MapSucceeded struct{}
	// MapFailed says that the Map failed and no retry follows.
	MapFailed struct{ Error, Cause *string }
)

func (ExecutionStarted) kind() kind   { return kindExecutionStarted }
func (ExecutionSucceeded) kind() kind { return kindExecutionSucceeded }
func (ExecutionFailed) kind() kind    { return kindExecutionFailed }
func (ExecutionAborted) kind() kind   { return kindExecutionAborted }
func (ExecutionTimedOut) kind() kind  { return kindExecutionTimedOut }
func (ExecutionRedriven) kind() kind  { return kindExecutionRedriven }
func (ExecutionRecovered) kind() kind { return kindExecutionRecovered }
func (StateEntered) kind() kind       { return kindStateEntered }
func (StateExited) kind() kind        { return kindStateExited }
func (EvaluationFailed) kind() kind   { return kindEvaluationFailed }
func (RetryScheduled) kind() kind     { return kindRetryScheduled }
func (WaitScheduled) kind() kind      { return kindWaitScheduled }
func (TaskScheduled) kind() kind      { return kindTaskScheduled }
func (TaskStarted) kind() kind        { return kindTaskStarted }
func (TaskSubmitted) kind() kind      { return kindTaskSubmitted }
func (TaskHeartbeat) kind() kind      { return kindTaskHeartbeat }
func (TaskSucceeded) kind() kind      { return kindTaskSucceeded }
func (TaskFailed) kind() kind         { return kindTaskFailed }
func (TaskTimedOut) kind() kind       { return kindTaskTimedOut }
func (ParallelStarted) kind() kind    { return kindParallelStarted }
func (ParallelSucceeded) kind() kind  { return kindParallelSucceeded }
func (ParallelFailed) kind() kind     { return kindParallelFailed }
func (MapStarted) kind() kind         { return kindMapStarted }
func (MapChanged) kind() kind         { return kindMapChanged }
func (IterationStarted) kind() kind   { return kindIterationStarted }
func (IterationSucceeded) kind() kind { return kindIterationSucceeded }
func (IterationFailed) kind() kind    { return kindIterationFailed }
func (IterationAborted) kind() kind   { return kindIterationAborted }
func (MapSucceeded) kind() kind       { return kindMapSucceeded }
func (MapFailed) kind() kind          { return kindMapFailed }
