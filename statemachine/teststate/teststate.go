// Package teststate runs one state of a definition by itself, as the operation TestState of the Step Functions API does: with
// an input, with a mocked result or error or with a real call, and with what each of its fields gave.
//
// It is no second interpreter. The state is compiled with its machine and decided by [statemachine.Machine.Decide], as a
// [statemachine.Trial]; this package checks what is asked, answers the one task, and collects what the core tells. Like the core
// it reads no clock and calls nothing: a real call is made by [Request.Call].
package teststate

import (
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Level is how much a test tells of the way of the data through the state.
type Level string

// The levels. Debug and Trace tell of the data; Trace also of the request and the response of an http:invoke.
const (
	Info  Level = "INFO"
	Debug Level = "DEBUG"
	Trace Level = "TRACE"
)

// Mode is how a mocked result is held against what the service that it stands for answers, as far as package teststate knows
// that: see Shapes.
type Mode string

// The modes; Strict is the default.
const (
	Strict  Mode = "STRICT"  // what must be there is there, and what is there is of its type
	Present Mode = "PRESENT" // what is there is of its type
	None    Mode = "NONE"    // nothing is checked
)

// Mock is what comes in place of the work of a Task, Map or Parallel state. Exactly one of Result and Error is set.
type Mock struct {
	Result *string // JSON
	Error  *ErrorOutput
	Mode   Mode
}

// ErrorOutput is a mocked error. Either member may be nil.
type ErrorOutput struct{ Error, Cause *string }

// Configuration is what a test says of the state besides its input.
type Configuration struct {
	RetrierRetryCount        int    // attempts that the retrier of the error has had
	ErrorCausedByState       string // of a Map or Parallel with a mocked error: the state inside it that failed
	MapIterationFailureCount int    // iterations of a Map that failed
	MapItemReaderData        *string
}

// Request is a test of a state.
type Request struct {
	File       string // name of the definition in findings; it is not opened
	Definition []byte // JSON or YAML: of a state, or of a machine with StateName
	StateName  string // "": the definition is a state
	Input      []byte // JSON; nil for {}
	Level      Level  // "" for Info
	Mock       *Mock  // nil: Call makes a real call
	// Context and Variables are JSON objects; nil for none.
	Context, Variables *string
	Configuration      *Configuration
	RevealSecrets      bool
	RoleARN            string
	NeedsRole          bool // a Task without a mock needs RoleARN

	// Call makes the call of a Task without a mock; nil: there are no real calls, and such a test is refused.
	Call func(statemachine.Invoke) Answer
	Now  time.Time // of the test; waits are not waited for
	Seed uint64
	// Account, Region, Machine and Execution name what the Context Object tells of.
	Account, Region, Machine, Execution string
	Limits                              statemachine.Limits
}

// Answer is how a real call went.
type Answer struct {
	Result       *value.Value
	Failed       bool
	Error, Cause string
	Exchange     *Exchange // of http:invoke; else nil
}

// Exchange is a request and its response, over HTTP.
type Exchange struct {
	Request  *HTTPRequest
	Response *HTTPResponse // nil if none came
}

// HTTPRequest is a request as it was sent. Headers are as the service writes them: [name: value, name: value].
type HTTPRequest struct {
	Protocol string `json:"protocol,omitempty"`
	Method   string `json:"method,omitempty"`
	URL      string `json:"url,omitempty"`
	Headers  string `json:"headers,omitempty"`
	Body     string `json:"body,omitempty"`
}

// HTTPResponse is a response as it came, with headers like those of HTTPRequest.
type HTTPResponse struct {
	Protocol      string `json:"protocol,omitempty"`
	StatusCode    string `json:"statusCode,omitempty"`
	StatusMessage string `json:"statusMessage,omitempty"`
	Headers       string `json:"headers,omitempty"`
	Body          string `json:"body,omitempty"`
}

// Status is what became of the state.
type Status string

// The statuses.
const (
	Succeeded Status = "SUCCEEDED"
	Failed    Status = "FAILED"
	Retriable Status = "RETRIABLE"    // it failed, and one of its retriers takes that
	Caught    Status = "CAUGHT_ERROR" // it failed, and one of its catchers takes that
)

// Result is how a test went. Its JSON is the answer of the Step Functions API: data is JSON in texts.
type Result struct {
	Output     *string     `json:"output,omitempty"`
	Error      *string     `json:"error,omitempty"`
	Cause      *string     `json:"cause,omitempty"`
	Inspection *Inspection `json:"inspectionData,omitempty"` // nil at the level Info
	NextState  string      `json:"nextState,omitempty"`
	Status     Status      `json:"status"`
}

// Inspection is what the fields of the state gave, in the order in which data passes them. What does not apply is nil.
type Inspection struct {
	Input               *string `json:"input,omitempty"`
	AfterArguments      *string `json:"afterArguments,omitempty"`
	AfterInputPath      *string `json:"afterInputPath,omitempty"`
	AfterParameters     *string `json:"afterParameters,omitempty"`
	AfterItemsPath      *string `json:"afterItemsPath,omitempty"`
	AfterItemSelector   *string `json:"afterItemSelector,omitempty"`
	AfterItemBatcher    *string `json:"afterItemBatcher,omitempty"`
	Result              *string `json:"result,omitempty"`
	AfterResultSelector *string `json:"afterResultSelector,omitempty"`
	AfterResultPath     *string `json:"afterResultPath,omitempty"`
	Variables           *string `json:"variables,omitempty"`

	Request  *HTTPRequest  `json:"request,omitempty"`
	Response *HTTPResponse `json:"response,omitempty"`

	MaxConcurrency             *int          `json:"maxConcurrency,omitempty"`
	ToleratedFailureCount      *int          `json:"toleratedFailureCount,omitempty"`
	ToleratedFailurePercentage *float64      `json:"toleratedFailurePercentage,omitempty"`
	ErrorDetails               *ErrorDetails `json:"errorDetails,omitempty"`
}

// ErrorDetails tells who takes an error.
type ErrorDetails struct {
	RetryBackoffIntervalSeconds *int `json:"retryBackoffIntervalSeconds,omitempty"`
	RetryIndex                  *int `json:"retryIndex,omitempty"`
	CatchIndex                  *int `json:"catchIndex,omitempty"`
}

// Kind is why a test is refused, as the Step Functions API spells it.
type Kind string

// The kinds of refusals.
const (
	InvalidRequest    Kind = "ValidationException"
	InvalidDefinition Kind = "InvalidDefinition"
	InvalidInput      Kind = "InvalidExecutionInput"
)

// Error refuses a test.
type Error struct {
	Kind     Kind
	Message  string
	Findings diag.List // in the definition, if that is why; the message is empty then

	NeedsMock bool // a mock would mend it
	NeedsName bool // StateName would mend it
}

// Error gives the message.
func (e *Error) Error() string {
	if len(e.Findings) > 0 {
		return e.Findings.Error()
	}
	return e.Message
}

// Run tests a state. An error is an *Error: the test is refused, and nothing was called.
func Run(r Request) (*Result, error) {
	t, err := prepare(&r)
	if err != nil {
		return nil, err
	}
	return t.run()
}
