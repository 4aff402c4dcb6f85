package backtest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/history"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Record is an execution as its history tells it. One that was recorded and one that was replayed are read by the same
// code, and so can be held against each other.
type Record struct {
	Info    statemachine.Info // with the input
	Status  statemachine.Status
	Output  *value.Value // nil unless it succeeded
	Error   *string
	Cause   *string
	Started time.Time
	Ended   time.Time
	// Known tells whether there is a history. That of an Express execution may not have been kept; its path, its calls and
	// the answers to them are not known then.
	Known         bool
	Path          Path
	Interventions []rehearsal.Intervention
	calls         map[string][]*Visit // the visits that called, by state and iterations
}

// Duration is how long the execution took.
func (r *Record) Duration() time.Duration { return r.Ended.Sub(r.Started) }

// Path is the states that a flow went through, in order.
type Path []*Visit

// Visit is one stay in a state.
type Visit struct {
	State      string
	Iterations []int // of the Maps around it, outermost first
	Entered    time.Time
	Exited     time.Time // zero if the state was not left
	Input      *value.Value
	Output     *value.Value
	Assigned   map[string]*value.Value
	Error      string // what it failed with last
	Calls      []*Call
	Flows      []Path // of the branches or iterations, in the last attempt
	retries    int
}

// name names the state with its iterations, such as Batch[2].
func (v *Visit) name() string {
	return (&rehearsal.Call{State: v.State, Iterations: v.Iterations}).String()
}

// Call is one attempt of a task.
type Call struct {
	Resource  string
	Arguments *value.Value
	Attempt   int // 0 for the first
	At        time.Time
	Submitted time.Time // zero if it was not handed over to wait for its token
	Answer    *value.Value
	Beats     []time.Time
	Ended     time.Time // when it was answered, timed out, or given up
	End       End
	Result    *value.Value
	Error     string
	Cause     string
}

// End is how a call ended.
type End uint8

// The ways in which a call can end.
const (
	GivenUp End = iota // the execution, or what was around the task, ended before it was answered
	Succeeded
	Failed
	TimedOut
)

// Read makes a record of an execution's history. Without events it knows the outcome only.
func Read(r Record, events []history.Event) (*Record, error) {
	r.calls = map[string][]*Visit{}
	if len(events) == 0 {
		return &r, nil
	}
	r.Known = true
	rd := &reading{record: &r, frames: map[event.FrameID]*frame{0: {path: &r.Path}}}
	for _, ev := range events {
		if err := rd.take(ev); err != nil {
			return nil, fmt.Errorf("event %d (%s): %w", ev.ID, ev.Type, err)
		}
	}
	rd.giveUp(r.Path, r.Ended)
	return &r, nil
}

// reading is the making of a record.
type reading struct {
	record *Record
	frames map[event.FrameID]*frame
}

// frame is where in the record the events of a frame go.
type frame struct {
	path       *Path
	iterations []int
	now        *Visit // nil before the first state
}

var errNoState = errors.New("it is in no state that the history has entered")

func (rd *reading) take(ev history.Event) error {
	f := rd.frames[ev.Frame]
	if f == nil {
		return errors.New("its branch or iteration has not begun in this history")
	}
	if strings.HasPrefix(ev.Type, "Execution") {
		return rd.execution(ev)
	}
	if strings.HasSuffix(ev.Type, "StateEntered") {
		f.now = &Visit{State: ev.Details.Name, Iterations: f.iterations, Entered: ev.Time, Input: ev.Details.Input}
		*f.path = append(*f.path, f.now)
		return nil
	}
	if f.now == nil {
		return errNoState
	}
	return rd.inState(ev, f)
}

// execution takes an event of the execution as a whole.
func (rd *reading) execution(ev history.Event) error {
	after := ev.Time.Sub(rd.record.Started)
	switch ev.Type {
	case "ExecutionAborted":
		stop := statemachine.Stop{}
		if ev.Details.Error != nil {
			stop.Error = *ev.Details.Error
		}
		if ev.Details.Cause != nil {
			stop.Cause = *ev.Details.Cause
		}
		rd.record.Interventions = append(rd.record.Interventions, rehearsal.Intervention{After: after, Signal: stop})
	case "ExecutionRedriven":
		rd.giveUp(rd.record.Path, ev.Time)
		rd.record.Interventions = append(rd.record.Interventions, rehearsal.Intervention{After: after, Signal: statemachine.Redrive{}})
	}
	return nil
}

func (rd *reading) inState(ev history.Event, f *frame) error {
	v, d := f.now, ev.Details
	switch {
	case strings.HasSuffix(ev.Type, "StateExited"):
		v.Exited, v.Output = ev.Time, d.Output
		for _, a := range d.Assigned {
			if v.Assigned == nil {
				v.Assigned = map[string]*value.Value{}
			}
			v.Assigned[a.Name] = a.Value
		}
		return nil
	case strings.HasPrefix(ev.Type, "MapIteration"):
		return rd.iteration(ev, f)
	}
	switch ev.Type {
	case "ParallelStateStarted":
		v.Flows = make([]Path, len(d.Frames))
		for i, id := range d.Frames {
			rd.frames[id] = &frame{path: &v.Flows[i], iterations: f.iterations}
		}
	case "MapStateStarted":
		if d.Length == nil || *d.Length < 0 {
			return errors.New("it has no length")
		}
		v.Flows = make([]Path, *d.Length)
	case "ParallelStateFailed", "MapStateFailed":
		rd.giveUpBelow(v, ev.Time)
	case "EvaluationFailed":
		v.fail(d)
	case "RetryScheduled":
		rd.giveUpBelow(v, ev.Time)
		v.retries++
	default:
		return rd.task(ev, v)
	}
	return nil
}

func (v *Visit) fail(d history.Details) {
	if v.Error = ""; d.Error != nil {
		v.Error = *d.Error
	}
}

func (rd *reading) iteration(ev history.Event, f *frame) error {
	if ev.Type != "MapIterationStarted" {
		rd.giveUp(*f.path, ev.Time) // it has ended, whatever was still under way in it
		return nil
	}
	if ev.Details.Index == nil || len(ev.Details.Frames) != 1 || *ev.Details.Index < 0 || *ev.Details.Index >= len(f.now.Flows) {
		return errors.New("it does not tell which iteration begins; is the server older than this command?")
	}
	i := *ev.Details.Index
	iterations := append(append([]int(nil), f.iterations...), i)
	rd.frames[ev.Details.Frames[0]] = &frame{path: &f.now.Flows[i], iterations: iterations}
	return nil
}

// task takes an event of a task. The service has them under several names: TaskScheduled, LambdaFunctionScheduled,
// ActivityScheduled.
func (rd *reading) task(ev history.Event, v *Visit) error {
	what := ""
	for _, prefix := range []string{"Task", "LambdaFunction", "Activity"} {
		if rest, ok := strings.CutPrefix(ev.Type, prefix); ok {
			what = rest
		}
	}
	if what == "Scheduled" {
		if len(v.Calls) == 0 {
			rd.record.calls[v.name()] = append(rd.record.calls[v.name()], v)
		}
		resource := ev.Details.Resource
		if ev.Details.Service != "" {
			resource = ev.Details.Service + ":" + resource
		}
		v.Calls = append(v.Calls, &Call{Resource: resource, Arguments: ev.Details.Input, Attempt: v.retries, At: ev.Time})
		return nil
	}
	if len(v.Calls) == 0 {
		if what != "" {
			return errors.New("its task was not scheduled in this history")
		}
		return nil // an event of no interest here, or of a later release
	}
	c := v.Calls[len(v.Calls)-1]
	switch what {
	case "Submitted":
		c.Submitted, c.Answer = ev.Time, ev.Details.Output
	case "Heartbeat":
		c.Beats = append(c.Beats, ev.Time)
	case "Succeeded":
		c.Ended, c.End, c.Result = ev.Time, Succeeded, ev.Details.Output
	case "Failed":
		c.Ended, c.End = ev.Time, Failed
		if v.fail(ev.Details); ev.Details.Cause != nil {
			c.Cause = *ev.Details.Cause
		}
		c.Error = v.Error
	case "TimedOut":
		c.Ended, c.End = ev.Time, TimedOut
		v.fail(ev.Details)
	}
	return nil
}

// giveUp notes when calls that were not answered were given up.
func (rd *reading) giveUp(p Path, at time.Time) {
	for _, v := range p {
		rd.giveUpBelow(v, at)
	}
}

func (rd *reading) giveUpBelow(v *Visit, at time.Time) {
	for _, c := range v.Calls {
		if c.Ended.IsZero() {
			c.Ended = at
		}
	}
	for _, inner := range v.Flows {
		rd.giveUp(inner, at)
	}
}
