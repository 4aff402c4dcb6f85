package statemachine

import (
	"errors"
	"fmt"

	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// TrialState is the name of a state that CompileState compiled, as the service calls it.
const TrialState = "StateName"

// ErrNoTrial rejects the signal TrialEnded to a run that is no trial of a Parallel or Map.
var ErrNoTrial = errors.New("the run is no trial of a Parallel or Map that is under way")

// Trial says how one state of a machine is run by itself, without those before and behind it. What it runs through is what
// every execution does; a trial begins in the middle, and its Parallel and Map are told what their flows came to.
type Trial struct {
	State     string                  // where the run begins, at whatever level of the machine
	Variables map[string]*value.Value // the workflow variables that are set, nil for none; the run takes them over
	// Context holds members that the Context Object has instead of its own: Execution, State, StateMachine, Task, Map. It is nil
	// or an object.
	Context *value.Value
	Retries int // that each retrier of the state has had
	// Items are what the ItemReader of a Map read, nil if it has none.
	Items *value.Value

	begun   bool     // the state was entered: no further one is
	failure *failure // of the state; nil if it did not fail
}

// TrialEnded ends the flows of a trial's Parallel or Map: with the result of the state, or with an error, which the state then
// fails with unless it tolerates it.
type TrialEnded struct {
	Result *value.Value // nil: the state fails
	Failed int          // iterations that failed, of a Map with a Result
	Error  string
	Cause  string
}

func (TrialEnded) signal() {}

// CompileState compiles a definition that is one state and not a machine: as the only state of a machine, by the name
// TrialState. Where its transitions lead to are states that end at once. The list is that of CompileWith.
func CompileState(file string, src []byte, options Options) (*Machine, diag.List) {
	doc, list := source.Parse(file, src)
	if doc.Root == nil {
		return nil, list
	}
	if doc.Root.Kind == source.Object {
		doc.Root = machineAround(doc.Root)
	}
	return compileDocument(doc, list, options)
}

// machineAround gives the machine of one state.
func machineAround(state *source.Node) *source.Node {
	text := func(s string) *source.Node { return &source.Node{Kind: source.String, Pos: state.Pos, Text: s} }
	states := &source.Node{Kind: source.Object, Pos: state.Pos}
	add := func(name string, n *source.Node) {
		if states.Get(name) == nil && name != "" {
			states.Members = append(states.Members, &source.Member{Name: name, NamePos: state.Pos, Value: n})
		}
	}
	add(TrialState, state)
	to := func(n *source.Node) {
		if n != nil && n.Kind == source.String {
			add(n.Text, &source.Node{Kind: source.Object, Pos: n.Pos, Members: []*source.Member{{Name: "Type", NamePos: n.Pos, Value: text("Succeed")}}})
		}
	}
	to(state.Get("Next"))
	to(state.Get("Default"))
	for _, list := range []string{"Choices", "Catch"} {
		if n := state.Get(list); n != nil {
			for _, e := range n.Elems {
				to(e.Get("Next"))
			}
		}
	}
	return &source.Node{Kind: source.Object, Pos: state.Pos, Members: []*source.Member{
		{Name: "StartAt", NamePos: state.Pos, Value: text(TrialState)}, {Name: "States", NamePos: state.Pos, Value: states},
	}}
}

// State gives the state of a name, at whatever level of the definition; nil if there is none.
func (m *Machine) State(name string) asl.State {
	var found asl.State
	walkStates(&m.definition.Flow, func(s asl.State) {
		if s.Base().Name == name {
			found = s
		}
	})
	return found
}

// NewTrial gives the run of a trial that has not started. It stops behind the state. Its input is that of the info. It is an error if
// the machine has no such state.
func (m *Machine) NewTrial(info Info, t Trial) (*Run, error) {
	s := m.states[t.State]
	if s == nil {
		return nil, fmt.Errorf("there is no state %q", t.State)
	}
	run := m.NewRun(info)
	run.trial = &t
	run.root.flow, run.root.next, run.root.variables = s.flow, s.name, t.Variables
	return run, nil
}

// TrialFailure gives the error that the state of a trial failed with, whatever became of it; false if it did not. Either text
// may be nil.
func (r *Run) TrialFailure() (name, cause *string, failed bool) {
	if r.trial == nil || r.trial.failure == nil {
		return nil, nil, false
	}
	return r.trial.failure.name, r.trial.failure.cause, true
}

// Variables gives the workflow variables that are set at the top level of the run. They must not be changed.
func (r *Run) Variables() map[string]*value.Value { return r.root.variables }

// entered makes the state of a trial one that was retried before.
func (t *Trial) entered(f *Frame) {
	t.begun = true
	for i := range f.attempts {
		f.attempts[i] = t.Retries
	}
	f.retries = t.Retries
}

// tryIterations starts iterations of a trial's Map whatever its MaxConcurrency, as far as they are not too many or too large to be
// shown.
func (d *decider) tryIterations(f *Frame, s *mapState) {
	size := 0
	for g := f.group; g.next < g.total && g.next < d.env.Limits.MapConcurrent && size <= d.env.Limits.Payload; {
		if !s.startIteration(d, f) {
			return
		}
		size += len(g.open[g.next-1].input.JSON())
	}
}

// endTrial ends the flows of a Parallel or Map whose work is not done but told.
func (d *decider) endTrial(sig TrialEnded) error {
	f := d.run.root
	g := f.group
	if d.run.trial == nil || g == nil {
		return ErrNoTrial
	}
	if sig.Result == nil {
		d.fail(f, failure{name: optional(sig.Error), cause: optional(sig.Cause)})
		return nil
	}
	bounded := g.toleratedCount >= 0 || g.toleratedPercentage >= 0
	_, isMap := f.behaviour().(*mapState)
	if g.failed = sig.Failed - 1; isMap && sig.Failed > 0 && bounded && !g.tolerates() {
		d.fail(f, newFailure(ErrorExceedToleratedRate, exceededTolerance))
		return nil
	}
	for _, child := range g.ordered() {
		d.run.closeFrame(child)
	}
	if isMap {
		d.emit(f, event.MapSucceeded{})
	} else {
		d.emit(f, event.ParallelSucceeded{})
	}
	f.result = sig.Result
	if d.fits(f, "the result of the state", sig.Result) {
		d.complete(f)
	}
	return nil
}

// trialItems gives the items that a trial was told of, nil for none.
func (r *Run) trialItems() *value.Value {
	if r.trial == nil {
		return nil
	}
	return r.trial.Items
}

// context puts what a trial says of the Context Object in place of what it has. The item of an iteration is always its own.
func (t *Trial) context(own value.Members, f *Frame, extras contextExtras) *value.Value {
	item := mapContext(f, extras)
	own.Set("Map", item)
	made := own.Object()
	if t.Context == nil {
		return made
	}
	var o value.Members
	for i, key := range made.Keys() {
		if t.Context.Get(key) == nil || key == "Map" {
			o.Set(key, made.At(i))
		}
	}
	for i, key := range t.Context.Keys() {
		if key != "Map" || item == nil {
			o.Set(key, t.Context.At(i))
		}
	}
	return o.Object()
}
