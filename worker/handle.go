package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Task is what a worker knows of the task that a function works on; see TaskOf.
type Task struct {
	Activity       string
	Input          json.RawMessage
	ExecutionARN   string
	ExecutionName  string
	StateMachine   string // its name
	State          string
	Attempt        int    // 0 for the first
	IdempotencyKey string // the same for each delivery of the same attempt
	// Heartbeat is how often the worker must be heard of; 0 if it need not. The worker sees to it.
	Heartbeat time.Duration
	Deadline  time.Time // when the attempt times out, as the context does; zero for never

	token string
}

type taskKey struct{}

// TaskOf gives the task that a function works on, from its context; nil outside of one.
func TaskOf(ctx context.Context) *Task {
	t, _ := ctx.Value(taskKey{}).(*Task)
	return t
}

// Error fails a task under a name that Retry and Catch of the state can match.
type Error struct {
	Name  string // such as Image.Corrupt
	Cause string // for people; may be empty
}

// Error gives name and cause.
func (e *Error) Error() string {
	if e.Cause == "" {
		return e.Name
	}
	return e.Name + ": " + e.Cause
}

// ErrorType gives the name, for those who know errors by it without knowing this type.
func (e *Error) ErrorType() string { return e.Name }

// The names of the errors that a worker itself gives. States.TaskFailed and States.ALL match all of them.
const (
	ErrFailed        = "Worker.Failed"        // the function gave an error without a name of its own
	ErrPanicked      = "Worker.Panicked"      // the function panicked
	ErrInvalidInput  = "Worker.InvalidInput"  // the input does not fit the function's type
	ErrInvalidResult = "Worker.InvalidResult" // the result cannot be written as JSON
	ErrNameStopped   = "Worker.Stopped"       // the worker was stopped before the function had ended
)

// The causes with which the context of a function ends, besides its deadline; see context.Cause.
var (
	// ErrOver says that nobody waits for the task any more: it timed out, or its execution was stopped.
	ErrOver = errors.New("nobody waits for the task any more")
	// ErrStopped says that the worker is stopping and its grace is over.
	ErrStopped = errors.New("the worker is stopping")
)

// Handle lets the worker do the tasks of an activity with a function. Input and result are read and written as
// encoding/json does. The function runs in a goroutine of its own, several at a time (Config.Concurrency); its context
// ends when the task is over. Call it before Run, once for each activity.
//
// An error that is an *Error, or has a method ErrorType() string, fails the task under that name, any other under
// Worker.Failed.
func Handle[In, Out any](w *Worker, activity string, f func(ctx context.Context, in In) (Out, error)) {
	w.add(activity, func(ctx context.Context, task *Task) ([]byte, error) {
		var in In
		if err := json.Unmarshal(task.Input, &in); err != nil {
			return nil, &Error{ErrInvalidInput, fmt.Sprintf("the input of the task does not fit %T: %v", in, err)}
		}
		out, err := f(ctx, in)
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(out)
		if err != nil {
			return nil, &Error{ErrInvalidResult, fmt.Sprintf("the result cannot be written as JSON: %v", err)}
		}
		return text, nil
	})
}

func (w *Worker) add(activity string, do func(context.Context, *Task) ([]byte, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handlers = append(w.handlers, handler{activity, do})
}

// failure gives name and cause of what a function failed with.
func failure(err error) (name, cause string) {
	var own *Error
	var named interface{ ErrorType() string }
	switch {
	case errors.As(err, &own):
		return own.Name, own.Cause
	case errors.As(err, &named) && named.ErrorType() != "":
		return named.ErrorType(), err.Error()
	default:
		return ErrFailed, err.Error()
	}
}
