package statemachine

import (
	"errors"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// The error names that the Amazon States Language reserves.
const (
	ErrorAll                 = "States.ALL"
	ErrorTimeout             = "States.Timeout"
	ErrorHeartbeatTimeout    = "States.HeartbeatTimeout"
	ErrorTaskFailed          = "States.TaskFailed"
	ErrorPermissions         = "States.Permissions"
	ErrorNoChoiceMatched     = "States.NoChoiceMatched"
	ErrorBranchFailed        = "States.BranchFailed"
	ErrorRuntime             = "States.Runtime"
	ErrorDataLimitExceeded   = "States.DataLimitExceeded"
	ErrorQueryEvaluation     = "States.QueryEvaluationError"
	ErrorItemReaderFailed    = "States.ItemReaderFailed"
	ErrorResultWriterFailed  = "States.ResultWriterFailed"
	ErrorExceedToleratedRate = "States.ExceedToleratedFailureThreshold"
)

// The rejections of a signal. The run is as it was.
var (
	// ErrTaskDoesNotExist rejects the answer to a task that was answered before, or never was.
	ErrTaskDoesNotExist = errors.New("the task does not exist, or was answered before")
	// ErrTaskTimedOut rejects the answer to a task whose time was up, or whose execution ended before.
	ErrTaskTimedOut = errors.New("the task timed out, or its execution does not wait for it any more")
	// ErrTaskTaken rejects a worker for a task that a worker has taken before.
	ErrTaskTaken = errors.New("a worker has the task already")
	// ErrEnded rejects a signal to a run that has ended.
	ErrEnded = errors.New("the execution has ended")
	// ErrNotRedrivable rejects the redrive of a run that still goes on, or succeeded.
	ErrNotRedrivable = errors.New("only an execution that failed, was aborted or timed out can be redriven")
	// ErrMapEnded rejects the change of a distributed Map that has ended, or never was.
	ErrMapEnded = errors.New("the map run has ended")
	// ErrStarted rejects a second start.
	ErrStarted = errors.New("the execution has started before")
)

// exceededTolerance is the cause of ErrorExceedToleratedRate, in the words of the service.
const exceededTolerance = "The specified tolerated failure threshold was exceeded"

// failure is what a state, a flow or an execution fails with.
type failure struct {
	name, cause *string
	// alias is a second name that retriers and catchers may know the failure by.
	alias string
}

func newFailure(name, cause string) failure { return failure{name: &name, cause: &cause} }

//go:fix inline
func (f failure) nameText() string {
	if f.name == nil {
		return ""
	}
	return *f.name
}

// matches tells whether a retrier or catcher with these names takes the failure.
//
// States.Runtime is taken by nothing, whatever the names say. States.TaskFailed stands for every error but a timeout.
func (f failure) matches(names []string) bool {
	if f.nameText() == ErrorRuntime {
		return false
	}
	for _, n := range names {
		switch {
		case n == ErrorAll, f.name != nil && n == *f.name, f.alias != "" && n == f.alias:
			return true
		case n == ErrorTaskFailed && f.nameText() != ErrorTimeout:
			return true
		}
	}
	return false
}

// output gives the error output that a catcher hands on: {"Error": ..., "Cause": ...}, without what is not there.
func (f failure) output() *value.Value {
	var keys []string
	var values []*value.Value
	if f.name != nil {
		keys, values = append(keys, "Error"), append(values, value.FromString(*f.name))
	}
	if f.cause != nil {
		keys, values = append(keys, "Cause"), append(values, value.FromString(*f.cause))
	} else if f.nameText() == ErrorTimeout { // whose cause is never told; the service gives an empty one here
		keys, values = append(keys, "Cause"), append(values, value.FromString(""))
	}
	return value.FromObject(keys, values).Settled()
}
