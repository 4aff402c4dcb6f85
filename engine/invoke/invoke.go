// Package invoke calls functions: over HTTP, as a command on this machine, or in this process. Each way is an [Invoker]
// in a file of its own and maps its failures to the names of ASL errors.
package invoke

import (
	"context"
	"fmt"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Invoker calls a function once.
type Invoker interface {
	// Invoke gives the function's result, or an error: a *TaskError for what the function or the way to it did wrong.
	// When ctx ends, Invoke returns soon, and nothing it started goes on.
	Invoke(ctx context.Context, call *Invocation) (*value.Value, error)
}

// Invocation is one call of a function for one attempt of a task.
type Invocation struct {
	Arguments      *value.Value
	IdempotencyKey string // the same for each delivery of the same attempt
	Execution      string // ARN
	StateMachine   string
	State          string
	Attempt        int    // 0 for the first
	Token          string // the task token; empty unless the state waits for it
	TraceContext   string // traceparent, may be empty
}

// TaskError is the failure of a function as ASL sees it.
type TaskError struct{ Name, Cause string }

// Error gives name and cause.
func (e *TaskError) Error() string { return e.Name + ": " + e.Cause }

// The names of the errors that the invokers themselves give. States.TaskFailed matches all of them.
const (
	ErrUnreachable     = "Function.Unreachable"     // no answer: refused, reset, unknown host, TLS trouble
	ErrInvalidResponse = "Function.InvalidResponse" // an answer that is not JSON
	ErrPanicked        = "Function.Panicked"        // a Go function panicked
	ErrFailed          = "Function.Failed"          // a Go function gave an error without a name of its own
	ErrTimeout         = "Function.Timeout"         // the function's own timeout_seconds ran out
	ErrNotRegistered   = "Function.NotRegistered"   // the resource names a function that nobody registered
	ErrCommandExit     = "Command.ExitCode"         // a command ended with a code other than 0 and named no error
	ErrCommandSignal   = "Command.Killed"           // a command was ended by a signal
	ErrCommandStart    = "Command.NotStarted"       // a command could not be started
	ErrCommandDisabled = "Command.NotAllowed"       // commands are off on this node
	ErrDataLimit       = "States.DataLimitExceeded" // the answer is larger than its bound
)

func failure(name, format string, args ...any) *TaskError {
	return &TaskError{Name: name, Cause: fmt.Sprintf(format, args...)}
}

// HTTPConfig is a function behind a URL. Arguments are POSTed as JSON; the body of a 2xx answer is the result.
type HTTPConfig struct {
	URL              string            `json:"url" yaml:"url"`
	Method           string            `json:"method,omitempty" yaml:"method,omitempty"` // default POST
	Headers          map[string]string `json:"headers,omitempty" yaml:"headers,omitempty"`
	TimeoutSeconds   float64           `json:"timeout_seconds,omitempty" yaml:"timeout_seconds,omitempty"`       // default 60, at most 900
	MaxResponseBytes int64             `json:"max_response_bytes,omitempty" yaml:"max_response_bytes,omitempty"` // default 6 MiB
}

// CommandConfig is a function that is a program on this machine: JSON on its standard input and output.
type CommandConfig struct {
	Argv           []string          `json:"argv" yaml:"argv"` // program and arguments; no shell reads them
	Dir            string            `json:"dir,omitempty" yaml:"dir,omitempty"`
	Env            map[string]string `json:"env,omitempty" yaml:"env,omitempty"`                           // variables set for it
	PassEnv        []string          `json:"pass_env,omitempty" yaml:"pass_env,omitempty"`                 // variables of this process passed on
	TimeoutSeconds float64           `json:"timeout_seconds,omitempty" yaml:"timeout_seconds,omitempty"`   // default 60, at most 900
	MaxOutputBytes int64             `json:"max_output_bytes,omitempty" yaml:"max_output_bytes,omitempty"` // default 6 MiB
}

const (
	defaultTimeout  = 60 * time.Second
	maxTimeout      = 900 * time.Second
	defaultMaxBytes = 6 << 20
)
