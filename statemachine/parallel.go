package statemachine

import (
	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/query"
)

// parallelState runs its branches at once, each with the same input. Its result is the array of their outputs.
type parallelState struct {
	arguments template
	branches  []*flow
}

func (sc *stateCompiler) parallel(node *asl.Parallel) behaviour {
	s := &parallelState{arguments: sc.arguments()}
	input := sc.input
	switch {
	case sc.base.QueryLanguage == asl.JSONPath:
		input = nil
	case s.arguments != nil:
		input = staticType(s.arguments)
	}
	var results arrival
	for i := range node.Branches {
		branch := sc.flow(&node.Branches[i], input, sc.variables)
		s.branches = append(s.branches, branch)
		results.add(branch.output)
	}
	sc.result = query.ListOf(results.typ)
	return s
}

func (s *parallelState) work(d *decider, f *Frame) {
	input, ok := d.arguments(f, s.arguments)
	if !ok {
		return
	}
	d.emit(f, event.ParallelStarted{Arguments: input})
	d.ready = append(d.ready, f.group.ordered()...)
}

// branchSucceeded goes on with the state when the last branch has ended.
func (d *decider) branchSucceeded(f *Frame) {
	if !f.group.ended() {
		return
	}
	d.emit(f, event.ParallelSucceeded{})
	d.complete(f)
}
