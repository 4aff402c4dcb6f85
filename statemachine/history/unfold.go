package history

import (
	"strconv"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

func (u *unfolding) unfold() {
	switch data := u.ev.Data.(type) {
	case event.ExecutionStarted:
		u.add("ExecutionStarted", Details{Key: "executionStartedEventDetails", Input: u.info.Input, RoleARN: u.info.RoleARN})
		u.last[0] = 0 // the service links the first state to nothing
	case event.ExecutionSucceeded:
		u.add("ExecutionSucceeded", Details{Key: "executionSucceededEventDetails", Output: u.after.input})
	case event.ExecutionFailed:
		u.add("ExecutionFailed", Details{Key: "executionFailedEventDetails", Error: data.Error, Cause: data.Cause})
	case event.ExecutionAborted:
		u.add("ExecutionAborted", Details{Key: "executionAbortedEventDetails", Error: data.Error, Cause: data.Cause})
	case event.ExecutionTimedOut:
		u.add("ExecutionTimedOut", Details{Key: "executionTimedOutEventDetails", Error: new(statemachine.ErrorTimeout)})
	case event.ExecutionRedriven:
		u.add("ExecutionRedriven", Details{Key: "executionRedrivenEventDetails", Redrives: u.run.RedriveCount()})
	case event.ExecutionRecovered:
		u.extra("ExecutionRecovered", Details{Node: data.Node})
	case event.StateEntered:
		u.entered[u.ev.Frame] = [2]int64{u.last[u.ev.Frame], u.id + 1}
		u.add(u.after.typ+"StateEntered", Details{Key: "stateEnteredEventDetails", Name: u.after.name, Input: u.after.input})
	case event.StateExited:
		u.add(u.after.typ+"StateExited", Details{
			Key: "stateExitedEventDetails", Name: u.after.name, Output: u.after.input, Assigned: data.Assigned,
		})
	case event.EvaluationFailed:
		// Where nothing has happened since the state was entered, the service links the failure to what led there.
		if entry := u.entered[u.ev.Frame]; entry[1] == u.last[u.ev.Frame] {
			u.last[u.ev.Frame] = entry[0]
		}
		u.add("EvaluationFailed", Details{
			Key: "evaluationFailedEventDetails", Error: &data.Error, Cause: &data.Cause, Location: data.Location, State: u.after.name,
		})
	case event.RetryScheduled:
		u.extra("RetryScheduled", Details{Until: data.Until})
	case event.WaitScheduled:
		u.extra("WaitScheduled", Details{Until: data.Until})
	case event.ParallelStarted:
		u.add("ParallelStateStarted", Details{Frames: u.branches()})
		for _, child := range u.after.frame.Children() {
			u.last[child.ID()] = u.id // the event that opened it leads to its first one
		}
	case event.ParallelSucceeded:
		u.aside("ParallelStateSucceeded")
	case event.ParallelFailed:
		u.add("ParallelStateFailed", Details{})
	default:
		u.unfoldMap()
	}
}

// branches gives the frames of the branches.
func (u *unfolding) branches() []event.FrameID {
	var frames []event.FrameID
	for _, child := range u.after.frame.Children() {
		frames = append(frames, child.ID())
	}
	return frames
}

func (u *unfolding) unfoldMap() {
	switch data := u.ev.Data.(type) {
	case event.MapStarted:
		u.mapStarted()
	case event.MapSucceeded:
		if _, ok := u.after.frame.Distributed(); ok {
			u.add("MapRunSucceeded", Details{})
		}
		u.aside("MapStateSucceeded")
	case event.MapFailed:
		if _, ok := u.after.frame.Distributed(); ok {
			u.add("MapRunFailed", Details{Key: "mapRunFailedEventDetails", Error: data.Error, Cause: data.Cause})
		}
		u.add("MapStateFailed", Details{})
	case event.MapChanged:
		u.mapChanged(data)
	case event.IterationStarted:
		u.iterationStarted()
	case event.IterationSucceeded:
		u.iterationEnded("Succeeded")
	case event.IterationFailed:
		u.iterationEnded("Failed")
	case event.IterationAborted:
		u.iterationEnded("Aborted")
	default:
		u.unfoldTask(data)
	}
}

func (u *unfolding) mapStarted() {
	length := u.after.frame.Size()
	u.add("MapStateStarted", Details{Key: "mapStateStartedEventDetails", Length: &length})
	delete(u.room, u.ev.Frame)
	if label, ok := u.after.frame.Distributed(); ok {
		u.add("MapRunStarted", Details{Key: "mapRunStartedEventDetails", MapRun: u.mapRun(label, u.id)})
	}
}

// mapRun makes the ARN of a map run: that of its execution, with the label and the event that began it.
func (u *unfolding) mapRun(label string, began int64) string {
	prefix, _, _ := strings.Cut(u.info.ExecutionID, ":execution:")
	return prefix + ":mapRun:" + u.info.StateMachine + "/" + label + ":" + u.info.ExecutionName + "-" + strconv.FormatInt(began, 10)
}

// mapChanged tells what a Map keeps to from now on. The service's history has nothing of it.
func (u *unfolding) mapChanged(data event.MapChanged) {
	var now object
	now.Set("maxConcurrency", value.FromInt(int64(data.MaxConcurrency)))
	if data.ToleratedCount >= 0 {
		now.Set("toleratedFailureCount", value.FromInt(int64(data.ToleratedCount)))
	}
	if share, ok := value.FromFloat(data.ToleratedPercentage); ok && data.ToleratedPercentage >= 0 {
		now.Set("toleratedFailurePercentage", share)
	}
	label, _ := u.after.frame.Distributed()
	u.extra("MapRunChanged", Details{MapRun: u.mapRun(label, u.after.frame.MapStarted()), Input: now.Object()})
}

func (u *unfolding) iterationStarted() {
	child := u.run.LastFrame()
	index := child.Index()
	d := Details{
		Key: "mapIterationStartedEventDetails", Name: u.after.name, Index: &index, Frames: []event.FrameID{child.ID()},
	}
	if _, ok := u.after.frame.Distributed(); ok {
		u.extra("MapIterationStarted", d)
		return
	}
	before := u.last[u.ev.Frame]
	if from, ok := u.room[u.ev.Frame]; ok {
		u.last[u.ev.Frame] = from
	}
	u.add("MapIterationStarted", d)
	u.last[child.ID()] = u.id
	u.last[u.ev.Frame] = before
}

// iterationEnded happens in the iteration's frame, and leads on in the frame of the Map.
func (u *unfolding) iterationEnded(how string) {
	parent := u.before.frame.Parent()
	name, _ := parent.State()
	index := u.before.frame.Index()
	u.room[parent.ID()] = u.last[u.ev.Frame]
	u.add("MapIteration"+how, Details{Key: "mapIteration" + how + "EventDetails", Name: name, Index: &index})
	if !u.hidden() {
		u.last[parent.ID()] = u.id
	}
}

// noActivity is the error of a task whose activity does not exist. No worker can have got it.
const noActivity = "ActivityDoesNotExist"

func (u *unfolding) unfoldTask(data event.Data) {
	resource := u.before.resource
	if resource == "" {
		resource = u.after.resource
	}
	t := taskKind(resource)
	switch data := data.(type) {
	case event.TaskScheduled:
		u.add(t.prefix+"Scheduled", t.details("Scheduled", Details{
			Input: u.after.arguments, Timeout: data.Timeout, Heartbeat: data.Heartbeat,
		}))
		if t.prefix != "Activity" {
			u.add(t.prefix+"Started", t.details("Started", Details{}))
		}
	case event.TaskStarted:
		u.add(t.prefix+"Started", t.details("Started", Details{Worker: data.Worker}))
	case event.TaskSubmitted:
		if t.prefix == "Activity" {
			return // that its task waits where workers find it is for the engine to know
		}
		u.add("TaskSubmitted", t.details("Submitted", Details{Output: data.Output}))
	case event.TaskHeartbeat:
		u.extra("TaskHeartbeat", Details{})
	case event.ApprovalAsked, event.ApprovalDecided, event.ApprovalDelegated, event.ApprovalReminded:
		u.approval(data)
	case event.TaskSucceeded:
		u.add(t.prefix+"Succeeded", t.details("Succeeded", Details{Output: data.Result}))
	case event.TaskFailed:
		what := "Failed"
		if t.prefix == "Activity" && !u.before.handedOver && data.Error != nil && *data.Error == noActivity {
			what = "ScheduleFailed"
		}
		u.add(t.prefix+what, t.details(what, Details{Error: data.Error, Cause: data.Cause}))
	case event.TaskTimedOut:
		timeout := statemachine.ErrorTimeout
		u.add(t.prefix+"TimedOut", t.details("TimedOut", Details{Error: &timeout}))
	}
}

// kindOfTask is how the API speaks of a task, which depends on its resource.
type kindOfTask struct {
	prefix   string // of the event types
	key      string // of the details
	service  string // resourceType
	resource string
}

func taskKind(resource string) kindOfTask {
	if strings.HasPrefix(resource, "arn:") {
		parts := strings.SplitN(resource, ":", 7)
		switch {
		case len(parts) > 6 && parts[2] == "lambda":
			return kindOfTask{"LambdaFunction", "lambdaFunction", "", resource}
		case len(parts) > 6 && parts[2] == "states" && parts[5] == "activity":
			return kindOfTask{"Activity", "activity", "", resource}
		case len(parts) > 6 && parts[2] == "states":
			service, action := parts[5], parts[6]
			if name, rest, ok := strings.Cut(action, ":"); ok && service == "aws-sdk" {
				service, action = service+":"+name, rest
			}
			return kindOfTask{"Task", "task", service, action}
		}
		return kindOfTask{"Task", "task", "", resource}
	}
	if resource == statemachine.ApprovalResource {
		return kindOfTask{"Task", "task", resource, "decide"}
	}
	service, name, _ := strings.Cut(resource, ":")
	if service == "activity" {
		return kindOfTask{"Activity", "activity", "", resource}
	}
	return kindOfTask{"Task", "task", service, name}
}

// details completes the details of a task's event with what the API shows at that point.
func (t kindOfTask) details(what string, d Details) Details {
	d.Key = t.key + what + "EventDetails"
	if t.prefix == "Task" || what == "Scheduled" {
		d.Resource, d.Service = t.resource, t.service
	}
	if what == "Started" && d.Worker == "" && t.prefix == "LambdaFunction" {
		d.Key = "" // LambdaFunctionStarted has no details
	}
	return d
}
