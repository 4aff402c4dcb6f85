package statemachine

import (
	"time"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Command is something that must be done once the events of its decision are durable. It is implemented by the types
// of this file only.
type Command interface{ command() }

// Invoke asks for one attempt of a task. Its outcome comes back as TaskSucceeded or TaskFailed; that of a task that
// waits for its token as TaskSubmitted or TaskFailed, and later as the token's completion.
type Invoke struct {
	Task        TaskID
	Frame       FrameID
	State       string // the name of the state
	Resource    string // as the definition has it, without the suffix of its pattern
	Pattern     Pattern
	Arguments   *value.Value
	Token       string        // the task token; always set
	Attempt     int           // 0 for the first attempt, then the state's RetryCount
	Deadline    time.Time     // when the attempt times out; zero for never. The run itself times it out at a Tick.
	Heartbeat   time.Duration // how often the worker must be heard of; 0 for never
	EnteredAt   time.Time     // when the state was entered
	Credentials *value.Value  // nil if the state has none
}

// Cancel says that nobody waits for a task any more: it timed out, or its execution or branch has ended.
type Cancel struct{ Task TaskID }

// Proceed asks for the signal Continue, after a decision that stopped at Limits.Transitions.
type Proceed struct{}

func (Invoke) command()  {}
func (Cancel) command()  {}
func (Proceed) command() {}

// Pattern is how a task waits for its work.
type Pattern uint8

// The service integration patterns of ASL.
const (
	RequestResponse  Pattern = iota // the answer is the result
	Sync                            // .sync and .sync:2: the result is that of the job that was started
	Sync2                           //
	WaitForTaskToken                // .waitForTaskToken: the result comes with the token
)
