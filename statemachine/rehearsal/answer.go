package rehearsal

import (
	"fmt"
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Call is one invocation of a task: what a function would be given.
type Call struct {
	State      string
	Iterations []int // of the Maps around the state, outermost first
	Resource   string
	Pattern    statemachine.Pattern
	Arguments  *value.Value
	Attempt    int           // 0 for the first, then how often the state was retried since it was entered
	Number     int           // how often the state was invoked before, in the same iterations
	At         time.Duration // since the start of the execution
	Token      string        // the task token
	Answer     *Answer       // what the mock answered; nil before
}

// String names the state with its iterations, such as Batch[2].
func (c *Call) String() string {
	name := []byte(c.State)
	for _, i := range c.Iterations {
		name = fmt.Appendf(name, "[%d]", i)
	}
	return string(name)
}

// Answer is how a mock answers a call.
type Answer struct {
	Delay  time.Duration // before the answer, in virtual time
	Result *value.Value  // what a task that succeeds gives; nil is JSON's null
	Failed bool          // the task fails, with Error and Cause
	Error  string
	Cause  string
	Never  bool // no answer comes: the timeout of the task, or of the execution, has to end it
	// Heartbeat is how often a heartbeat comes until the answer does; 0 for never.
	Heartbeat time.Duration
	// Beats are the times after the call at which single heartbeats come.
	Beats []time.Duration
	// Unknown comes in place of an answer: should the task still be open then, the rehearsal ends, and this is its
	// problem.
	Unknown error
	// Token is what comes with the task token, after this answer. A task that waits for its token needs it, unless the
	// answer is an error or never comes; no other task may have it. Its Delay counts from this answer.
	Token *Answer
	// Decisions are what people decide of an approval, which needs them, or a Result or an error in their place. Those that
	// come after the approval was settled come to nothing.
	Decisions []Decision
}

// Decision is what an approver does with an approval.
type Decision struct {
	After    time.Duration // the asking
	By       string
	Approved bool
	Delegate string // to whom it is handed on; then it is neither approved nor rejected
	Comment  string
	Form     *value.Value // nil: nothing is filled in
}

func (d Decision) signal(task statemachine.TaskID) statemachine.Signal {
	if d.Delegate != "" {
		return statemachine.DelegateApproval{Task: task, By: d.By, To: d.Delegate, Comment: d.Comment}
	}
	return statemachine.DecideApproval{Task: task, By: d.By, Approved: d.Approved, Comment: d.Comment, Form: d.Form}
}

// signal gives what the core hears of an answer that has come.
func (a Answer) signal(task statemachine.TaskID) statemachine.Signal {
	if a.Failed {
		return statemachine.TaskFailed{Task: task, Error: a.Error, Cause: a.Cause}
	}
	return statemachine.TaskSucceeded{Task: task, Result: a.result()}
}

func (a Answer) result() *value.Value {
	if a.Result == nil {
		return value.NullValue
	}
	return a.Result
}

// check tells why an answer does not fit a call.
func (a Answer) check(c *Call) error {
	waits := c.Pattern == statemachine.WaitForTaskToken
	switch {
	case len(a.Decisions) > 0 && c.Resource != statemachine.ApprovalResource:
		return fmt.Errorf("the mock of %s has decisions, but its resource is %s and not approval", c, c.Resource)
	case a.Delay < 0 || a.Heartbeat < 0:
		return fmt.Errorf("the mock of %s has a negative time", c)
	case waits && a.Token == nil && !a.Failed && !a.Never && a.Unknown == nil:
		return fmt.Errorf("%s waits for its task token, but its mock says nothing of what comes with it; "+
			"give it a token with a result, an error or a timeout", c)
	case !waits && a.Token != nil:
		return fmt.Errorf("the mock of %s has a token, but its resource does not end in .waitForTaskToken", c)
	case a.Token != nil && a.Token.Token != nil:
		return fmt.Errorf("the mock of %s has a token within a token", c)
	case a.Token != nil:
		return a.Token.checkTimes(c)
	}
	return nil
}

func (a Answer) checkTimes(c *Call) error {
	if a.Delay < 0 || a.Heartbeat < 0 {
		return fmt.Errorf("the token in the mock of %s has a negative time", c)
	}
	return nil
}
