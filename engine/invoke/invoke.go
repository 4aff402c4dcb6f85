// Package invoke calls functions: over HTTP, as a command on this machine, or in this process. Each way is an [Invoker]
// in a file of its own and maps its failures to the names of ASL errors.
package invoke

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/statemachine"
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
	TaskInfo
	Arguments *value.Value
	// MaxResult bounds the result in bytes, besides the function's own bound; 0 means no further bound. A larger one is
	// the error States.DataLimitExceeded, and is not read to its end.
	MaxResult int
	// Pattern is how the task waits for its work. A job that was started with Sync or Sync2 is not awaited by Invoke.
	Pattern   statemachine.Pattern
	EnteredAt time.Time // when the state was entered
}

// TaskInfo tells a function which task it works on. The deadline of the task is that of the context.
type TaskInfo struct {
	Execution      uuid.UUID
	ExecutionARN   string
	ExecutionName  string
	Namespace      string
	StateMachine   string // its name
	State          string
	Task           statemachine.TaskID
	Attempt        int    // 0 for the first
	IdempotencyKey string // the same for each delivery of the same attempt
	Token          string // the task token; empty unless the state waits for it
	TraceContext   string // traceparent, may be empty
}

// TaskError is the failure of a function as ASL sees it.
type TaskError struct {
	Name, Cause string
	// Body is the whole error object, JSON, as the function gave it; nil if it gave none. Functions that are named as AWS
	// Lambda's are have it as their cause.
	Body []byte
}

// Error gives name and cause.
func (e *TaskError) Error() string { return e.Name + ": " + e.Cause }

// ErrorType gives the name, for those who know errors by it without knowing this type.
func (e *TaskError) ErrorType() string { return e.Name }

// The names of the errors that the invokers themselves give. States.TaskFailed matches all of them but the last, which
// is a reserved name of its own. An HTTP status that is no success, with a body that names no error, is HTTP.<status>,
// as in HTTP.404.
const (
	ErrUnreachable     = "Function.Unreachable"     // no answer: refused, reset, unknown host, TLS trouble
	ErrInvalidResponse = "Function.InvalidResponse" // an answer that is not JSON, or ends too early
	ErrPanicked        = "Function.Panicked"        // a Go function panicked
	ErrFailed          = "Function.Failed"          // a Go function gave an error without a name of its own
	ErrInvalidInput    = "Function.InvalidInput"    // the arguments do not fit the function's schema, or the Go function's type
	ErrInvalidResult   = "Function.InvalidResult"   // the result does not fit the function's schema
	ErrTimeout         = "Function.Timeout"         // the function's own timeout_seconds ran out
	ErrNotRegistered   = "Function.NotRegistered"   // the resource names a function that nobody registered
	ErrUnsupported     = "Function.Unsupported"     // the resource, or its pattern, is none that the engine can call
	ErrCommandExit     = "Command.ExitCode"         // a command ended with a code other than 0 and named no error
	ErrCommandKilled   = "Command.Killed"           // a command was ended by a signal
	ErrCommandStart    = "Command.NotStarted"       // a command could not be started
	ErrCommandDisabled = "Command.NotAllowed"       // commands are off on this node
	ErrDataLimit       = "States.DataLimitExceeded" // the answer is larger than its bound
)

const (
	defaultTimeout  = 60 * time.Second
	maxTimeout      = 900 * time.Second
	defaultMaxBytes = 6 << 20
	maxCause        = 32 << 10 // bytes; the service's quota for a cause is 32,768 characters
	maxErrorName    = 256
)

func failure(name, format string, args ...any) *TaskError {
	return &TaskError{Name: name, Cause: clip(fmt.Sprintf(format, args...), maxCause)}
}

// timeout gives the bound of a call from its configuration.
func timeout(seconds float64) time.Duration {
	if seconds <= 0 {
		return defaultTimeout
	}
	return min(time.Duration(seconds*float64(time.Second)), maxTimeout)
}

func checkTimeout(seconds float64) error {
	if seconds < 0 || seconds > maxTimeout.Seconds() {
		return fmt.Errorf("timeout_seconds is %g; give a number from 0 (the default, %g) to %g",
			seconds, defaultTimeout.Seconds(), maxTimeout.Seconds())
	}
	return nil
}

// bound gives how many bytes of a result are read: the least of what the function and the call allow.
func (c *Invocation) bound(configured int64) int64 {
	if configured <= 0 {
		configured = defaultMaxBytes
	}
	if c.MaxResult > 0 {
		return min(configured, int64(c.MaxResult))
	}
	return configured
}

// parseResult reads a result. No text at all is null.
func parseResult(text []byte, from string) (*value.Value, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return value.NullValue, nil
	}
	v, err := value.Parse(text)
	if err != nil {
		return nil, failure(ErrInvalidResponse, "%s is %v; it begins with %q", from, err, clip(string(text), 200))
	}
	return v, nil
}

// errorBody is how functions name their errors, as AWS Lambda's do.
type errorBody struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

// namedError gives the error that a body names, or nil.
func namedError(body []byte) *TaskError {
	var b errorBody
	if json.Unmarshal(body, &b) != nil || b.Type == "" {
		return nil //nolint:nilerr // what is no such body names no error
	}
	named := &TaskError{Name: clip(b.Type, maxErrorName), Cause: clip(b.Message, maxCause)}
	if len(body) <= maxCause {
		named.Body = body
	}
	return named
}

// clip cuts text to at most n bytes, at the border of a character, and marks the cut.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	cut := n - len("…")
	for cut > 0 && s[cut]&0xC0 == 0x80 {
		cut--
	}
	return s[:cut] + "…"
}
