package rehearsal

import (
	"slices"
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Path is the states that a flow went through, in order. A state that was retried is there once.
type Path []*Visit

// Visit is one stay in a state.
type Visit struct {
	State   string
	Type    string
	Entered time.Time
	Exited  time.Time // zero if the state was not left
	Input   *value.Value
	Output  *value.Value // nil if the state was not left
	// Assigned is what the state assigned.
	Assigned []event.Assignment
	Next     string  // "" if the flow ended here
	Caught   int     // the catcher that led out, from 1; 0 for none
	Retries  []Retry // in order
	// Failed is the error that the state failed with last, "" if it did not.
	Failed string
	Cause  string
	// Flows are the paths of the branches of a Parallel or the iterations of a Map, by index, in the last attempt. An
	// iteration that did not begin has none.
	Flows       []Path
	Calls       []*Call      // one for each attempt
	Expressions []Expression // if the script asks for a trace
}

// Retry is another attempt at a state's work.
type Retry struct {
	Retrier int // its index in the definition
	Error   string
	Until   time.Time // when the attempt begins
}

// Expression is an expression of a definition with what it gave.
type Expression struct {
	Location string
	Source   string
	Value    *value.Value // nil if it gave nothing
	Err      error
	Calls    int  // how many calls the state had made before
	Flows    bool // the branches or iterations of the state had begun
}

// Walk visits all visits of the path in the order of the definition's nesting, with their depth: 0 at the top.
func (p Path) Walk(see func(v *Visit, depth int)) { p.walk(see, 0) }

func (p Path) walk(see func(v *Visit, depth int), depth int) {
	for _, v := range p {
		see(v, depth)
		for _, inner := range v.Flows {
			inner.walk(see, depth+1)
		}
	}
}

// tracker makes visits of events. It folds them into a run of its own, which is what tells the names of states and how
// frames lie within each other at the time of each event.
type tracker struct {
	run     *statemachine.Run
	result  *Result
	trace   bool
	current map[event.FrameID]*Visit
	places  map[event.FrameID]place
	recent  []string // names of the states that were entered last
	// seen are observations that wait for the events of their decision.
	seen []statemachine.Observation
}

// place is where a frame lies.
type place struct {
	parent     *Visit // nil: the top level
	index      int
	iterations []int
}

func newTracker(m *statemachine.Machine, info statemachine.Info, result *Result, trace bool) *tracker {
	return &tracker{
		run: m.NewRun(info), result: result, trace: trace, current: map[event.FrameID]*Visit{},
		places: map[event.FrameID]place{0: {}},
	}
}

func (t *tracker) iterations(frame event.FrameID) []int { return t.places[frame].iterations }

// called notes a call with the visit that makes it.
func (t *tracker) called(frame event.FrameID, c *Call) {
	if v := t.current[frame]; v != nil {
		v.Calls = append(v.Calls, c)
	}
}

// last gives the names of the states that were entered last.
func (t *tracker) last(n int) []string { return t.recent[max(0, len(t.recent)-n):] }

// follow takes the events of a decision, and hands its observations to the visits that they belong to.
func (t *tracker) follow(events []event.Event) error {
	for i, ev := range events {
		t.attach(i)
		if err := t.apply(ev); err != nil {
			return err
		}
	}
	t.attach(len(events))
	return nil
}

// attach hands on the observations that were made before a decision had more events than these.
func (t *tracker) attach(events int) {
	n := 0
	for ; n < len(t.seen) && t.seen[n].Events <= events; n++ {
		o := t.seen[n]
		if v := t.current[o.Frame]; v != nil {
			v.Expressions = append(v.Expressions, Expression{
				o.Location, o.Source, o.Value, o.Err, len(v.Calls), v.Flows != nil,
			})
		}
	}
	t.seen = t.seen[n:]
}

// apply takes the next event.
func (t *tracker) apply(ev event.Event) error {
	if err := t.run.Apply(ev); err != nil {
		return err
	}
	t.result.Events = append(t.result.Events, ev)
	frame, visit := t.run.Frame(ev.Frame), t.current[ev.Frame]
	switch data := ev.Data.(type) {
	case event.StateEntered:
		t.enter(ev, frame)
	case event.StateExited:
		t.exit(ev.Time, visit, frame, data)
	case event.RetryScheduled:
		visit.Retries = append(visit.Retries, Retry{data.Retrier, visit.Failed, data.Until})
		visit.Flows = nil
		t.hit(Retrier, visit.State, data.Retrier)
	case event.EvaluationFailed:
		visit.Failed, visit.Cause = data.Error, data.Cause
	case event.TaskFailed:
		visit.fail(data.Error, data.Cause)
	case event.TaskTimedOut:
		visit.Failed, visit.Cause = statemachine.ErrorTimeout, ""
	case event.ParallelStarted, event.MapStarted:
		visit.Flows = make([]Path, frame.Size())
		for _, child := range frame.Children() {
			t.open(child, visit, t.places[ev.Frame].iterations)
		}
	case event.IterationStarted:
		child := t.run.LastFrame()
		t.open(child, visit, append(slices.Clone(t.places[ev.Frame].iterations), child.Index()))
	case event.ParallelFailed:
		visit.fail(data.Error, data.Cause)
	case event.MapFailed:
		visit.fail(data.Error, data.Cause)
	}
	return nil
}

func (v *Visit) fail(name, cause *string) {
	v.Failed, v.Cause = "", ""
	if name != nil {
		v.Failed = *name
	}
	if cause != nil {
		v.Cause = *cause
	}
}

func (t *tracker) open(child *statemachine.Frame, parent *Visit, iterations []int) {
	t.places[child.ID()] = place{parent, child.Index(), iterations}
}

func (t *tracker) enter(ev event.Event, frame *statemachine.Frame) {
	v := &Visit{Entered: ev.Time, Input: frame.Input()}
	v.State, v.Type = frame.State()
	t.current[ev.Frame] = v
	at := t.places[ev.Frame]
	if at.parent == nil {
		t.result.Path = append(t.result.Path, v)
	} else if at.index < len(at.parent.Flows) {
		at.parent.Flows[at.index] = append(at.parent.Flows[at.index], v)
	}
	t.hit(State, v.State, 0)
	const kept = 16
	if t.recent = append(t.recent, v.State); len(t.recent) > 2*kept {
		t.recent = append([]string(nil), t.recent[kept:]...)
	}
}

func (t *tracker) exit(at time.Time, v *Visit, frame *statemachine.Frame, data event.StateExited) {
	v.Exited, v.Assigned, v.Next, v.Caught = at, data.Assigned, data.Next, data.Caught
	if frame != nil {
		v.Output = frame.Input()
	}
	for _, a := range data.Assigned {
		t.result.Variables[a.Name] = a.Value
	}
	if data.Caught > 0 {
		t.hit(Catcher, v.State, data.Caught-1)
	}
}

func (t *tracker) hit(kind Kind, state string, index int) { t.result.Hits[Point{kind, state, index}]++ }

// observe notes what a decision came upon. The visit that it belongs to is known when the events of the decision come.
func (t *tracker) observe(o statemachine.Observation) {
	if o.Taken {
		t.hit(Branch, o.State, branchIndex(o.Location))
	} else if t.trace {
		t.seen = append(t.seen, o)
	}
}
