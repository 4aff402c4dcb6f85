package statemachine

import (
	"time"

	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/schema"
)

// Machine is a compiled definition: immutable, and shared by all its executions. See Compile.
type Machine struct {
	definition *asl.Definition
	timeout    time.Duration // 0: none
	flow       *flow
	input      *schema.Schema    // nil: none
	states     map[string]*state // of all flows: their names are unique over the definition
	activities bool              // a Task state has the resource of an activity
}

// flow is a set of states with a start.
type flow struct {
	start  string
	output *query.Type // what is known of it
}

// state is what the states of all types have.
type state struct {
	name, typ string
	flow      *flow
	next      string // "" ends the flow
	retries   bool   // the type is one that can be retried
	callbacks bool   // its Context Object has callback URLs
	retriers  []asl.Retrier
	catchers  []catcher
	outcome   outcome
	behaviour behaviour
}

// behaviour is what the types of states differ in.
type behaviour interface {
	// work does what the state is for, after it was entered and again for each retry: it ends with the state left, with
	// a failure, or with the frame waiting for something.
	work(d *decider, f *Frame)
}

// task gives the behaviour of a Task state, nil for another type.
func (s *state) task() *taskState {
	t, _ := s.behaviour.(*taskState)
	return t
}

// HasActivities tells whether a Task state is one that workers poll for.
func (m *Machine) HasActivities() bool { return m.activities }

// Comment gives the definition's comment.
func (m *Machine) Comment() string { return m.definition.Comment }

// Definition gives the syntax tree. It must not be changed.
func (m *Machine) Definition() *asl.Definition { return m.definition }

// Resources gives the resources of all Task states, without the suffixes of their patterns, each once, in the order of
// the definition.
func (m *Machine) Resources() []string {
	seen := map[string]bool{}
	var resources []string
	walkStates(&m.definition.Flow, func(s asl.State) {
		t := m.states[s.Base().Name].task()
		if t != nil && !seen[t.resource.name] {
			seen[t.resource.name] = true
			resources = append(resources, t.resource.name)
		}
	})
	return resources
}

// StartsJobs tells whether any task waits for what it starts (.sync).
func (m *Machine) StartsJobs() bool {
	starts := false
	walkStates(&m.definition.Flow, func(s asl.State) {
		t := m.states[s.Base().Name].task()
		starts = starts || t != nil && (t.resource.pattern == Sync || t.resource.pattern == Sync2)
	})
	return starts
}

func walkStates(fl *asl.Flow, visit func(asl.State)) {
	for _, s := range fl.States {
		visit(s)
		switch s := s.(type) {
		case *asl.Parallel:
			for i := range s.Branches {
				walkStates(&s.Branches[i], visit)
			}
		case *asl.Map:
			walkStates(&s.Processor, visit)
		}
	}
}
