package statemachine

import (
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/query"
)

// taskState invokes something and waits for its answer.
type taskState struct {
	resource    resource
	arguments   template
	timeout     numberField
	heartbeat   numberField
	credentials template
}

// resource is a Task's Resource, taken apart.
type resource struct {
	text    string // as written
	name    string // without the suffix of the pattern
	pattern Pattern
	// activity says that workers poll for the task.
	activity bool
}

// patterns are the suffixes of a resource, the longer one of two that fit first.
var patterns = []struct {
	suffix  string
	pattern Pattern
}{{".waitForTaskToken", WaitForTaskToken}, {".sync:2", Sync2}, {".sync", Sync}}

func parseResource(text string) resource {
	for _, p := range patterns {
		if name, ok := strings.CutSuffix(text, p.suffix); ok {
			return newResource(text, name, p.pattern)
		}
	}
	return newResource(text, text, RequestResponse)
}

func newResource(text, name string, pattern Pattern) resource {
	_, activity := ActivityName(name)
	return resource{text, name, pattern, activity}
}

func (sc *stateCompiler) task(node *asl.Task) behaviour {
	s := &taskState{
		resource:    parseResource(node.Resource),
		arguments:   sc.arguments(),
		timeout:     sc.integer("TimeoutSeconds", node.TimeoutSeconds, node.TimeoutSecondsPath, 0, 1),
		heartbeat:   sc.integer("HeartbeatSeconds", node.HeartbeatSeconds, node.HeartbeatSecondsPath, 0, 1),
		credentials: sc.payload("Credentials", node.Credentials),
	}
	sc.function(node, s)
	sc.approval(node, s)
	sc.machine.activities = sc.machine.activities || s.isActivity()
	return s
}

// answeredLater tells whether a task is answered with its token, by somebody who may come too late.
func (s *taskState) answeredLater() bool {
	return s.resource.pattern == WaitForTaskToken || s.isActivity() || s.isApproval()
}

// isActivity tells whether workers poll for the task.
func (s *taskState) isActivity() bool { return s.resource.activity }

// forActivity tells whether the frame is in a Task state of an activity.
func (f *Frame) forActivity() bool {
	return f.state != nil && f.state.task() != nil && f.state.task().isActivity()
}

// ActivityName gives the name of the activity that a resource stands for, and false if it stands for none: activity:NAME
// or arn:aws:states:REGION:ACCOUNT:activity:NAME.
func ActivityName(resource string) (string, bool) {
	if name, ok := strings.CutPrefix(resource, "activity:"); ok {
		return name, true
	}
	parts := strings.SplitN(resource, ":", 7)
	if len(parts) == 7 && parts[0] == "arn" && parts[2] == "states" && parts[5] == "activity" {
		return parts[6], true
	}
	return "", false
}

func (s *taskState) work(d *decider, f *Frame) {
	id := d.run.lastTask + 1
	var scope *query.Scope
	if s.arguments != nil || s.timeout.template != nil || s.heartbeat.template != nil {
		scope = s.scopeOfArguments(d, f, id)
	}
	timeout, failed := s.timeout.seconds(scope)
	if failed == nil {
		var heartbeat time.Duration
		if heartbeat, failed = s.heartbeat.seconds(scope); failed == nil {
			s.schedule(d, f, scope, event.TaskScheduled{Task: id, Timeout: timeout, Heartbeat: heartbeat})
			return
		}
	}
	d.evaluationFailed(f, failed)
}

func (s *taskState) schedule(d *decider, f *Frame, scope *query.Scope, ev event.TaskScheduled) {
	if s.arguments != nil {
		v, failed := s.arguments.eval(scope)
		if failed != nil {
			d.evaluationFailed(f, failed)
			return
		}
		ev.Arguments = v.Settled()
		if !d.fits(f, "the arguments of the task", ev.Arguments) {
			return
		}
	}
	if s.isApproval() {
		s.ask(d, f, ev)
		return
	}
	d.emit(f, ev)
	d.invoke(f)
}

// invoke asks for the frame's open task to be carried out.
func (d *decider) invoke(f *Frame) {
	command, failed := d.invocation(f)
	if failed != nil {
		d.evaluationFailed(f, failed)
		return
	}
	d.commands = append(d.commands, command)
}

// invocation gives the command for the frame's open task.
func (d *decider) invocation(f *Frame) (command Invoke, failed *evalFailure) {
	s := f.state.task()
	command = Invoke{
		Task: f.task.id, Frame: f.id, State: f.state.name,
		Resource: s.resource.name, Pattern: s.resource.pattern, Arguments: f.taskArguments(), Token: d.token(f.task.id),
		Attempt: f.retries, Deadline: f.task.deadline, Heartbeat: f.task.heartbeat, EnteredAt: f.enteredAt,
	}
	if s.credentials != nil {
		command.Credentials, failed = s.credentials.eval(d.scopeWithToken(f, f.task.id))
		command.Credentials = command.Credentials.Settled()
	}
	return command, failed
}
