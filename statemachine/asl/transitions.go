package asl

import (
	"fmt"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/source"
)

// exit is a transition that a state can take.
type exit struct {
	target string
	node   *source.Node // the string that names the target
	field  string       // the field it is the value of: Next, Default
}

// transitions checks where the transitions of a flow, and of the flows in it, lead.
func (p *parser) transitions(f *Flow) {
	index := make(map[string]int, len(f.States))
	names := make([]string, 0, len(f.States))
	for i, s := range f.States {
		if _, ok := index[s.Base().Name]; !ok {
			index[s.Base().Name] = i
			names = append(names, s.Base().Name)
		}
	}
	whole := p.allKnown(f) // whether the graph is the one that was meant, so that its shape says something
	if n := f.Node.Get("StartAt"); n != nil && n.Kind == source.String {
		whole = p.target(n, "StartAt", names, index) && whole
	}
	for _, s := range f.States {
		whole = whole && !adrift(s)
		for _, e := range s.Base().exits {
			whole = p.target(e.node, e.field, names, index) && whole
		}
	}
	if _, ok := index[f.StartAt]; ok && whole {
		p.graph(f, index)
	}
	for _, s := range f.States {
		for _, inner := range flowsOf(s) {
			p.transitions(inner)
		}
	}
}

func (p *parser) allKnown(f *Flow) bool {
	states := f.Node.Get("States")
	return states != nil && states.Kind == source.Object && len(states.Members) == len(f.States)
}

// target checks that a transition leads to a state of the flow.
func (p *parser) target(n *source.Node, field string, names []string, index map[string]int) bool {
	if _, ok := index[n.Text]; ok {
		return true
	}
	if p.undecoded[n.Text] {
		return false // it is there, but it has no type
	}
	if other, ok := p.states[n.Text]; ok {
		p.errorAt(n, CodeForeignTarget,
			`a branch or an iteration ends with "End": true, and what follows is the Next of the state around it`,
			"%s leads to the state %q, which belongs to another flow (line %d)", field, n.Text, other.NamePos.Line)
		return false
	}
	hint := didYouMean(n.Text, names)
	if hint == "" && len(names) > 0 && len(names) <= 12 {
		hint = "the states here are " + strings.Join(quoted(names), ", ")
	}
	p.errorAt(n, CodeMissingTarget, hint, "%s leads to the state %q, which does not exist", field, n.Text)
	return false
}

func quoted(names []string) []string {
	q := make([]string, len(names))
	for i, name := range names {
		q[i] = fmt.Sprintf("%q", name)
	}
	return q
}

// graph checks which states of a flow are reached from its start, and which of those reach an end.
func (p *parser) graph(f *Flow, index map[string]int) {
	reached := make([]bool, len(f.States))
	order := []int{index[f.StartAt]}
	reached[order[0]] = true
	from := make([][]int, len(f.States)) // the states that lead to each state
	for i := 0; i < len(order); i++ {
		for _, e := range f.States[order[i]].Base().exits {
			next := index[e.target]
			from[next] = append(from[next], order[i])
			if !reached[next] {
				reached[next] = true
				order = append(order, next)
			}
		}
	}
	ends := make([]bool, len(f.States))
	var backward []int
	for _, i := range order {
		if terminal(f.States[i]) {
			ends[i] = true
			backward = append(backward, i)
		}
	}
	for i := 0; i < len(backward); i++ {
		for _, before := range from[backward[i]] {
			if !ends[before] {
				ends[before] = true
				backward = append(backward, before)
			}
		}
	}
	p.reportGraph(f, reached, ends, len(backward) > 0)
}

func (p *parser) reportGraph(f *Flow, reached, ends []bool, anyEnd bool) {
	if !anyEnd {
		p.errorAt(f.Node.Get("StartAt"), CodeNoTerminal,
			`give a state "End": true, or add a Succeed or Fail state and lead to it`, "no path from %q comes to an end", f.StartAt)
	}
	for i, s := range f.States {
		c := s.Base()
		switch {
		case !reached[i]:
			// An error, as the Step Functions service has it: more often than not a Next is missing or misspelt.
			p.errorAtPlace(c.NamePos, c.Node.Pointer, CodeUnreachable,
				"lead to it with Next, Default or a catcher, or remove it", "no path leads to the state %q", c.Name)
		case anyEnd && !ends[i]:
			p.warnAt(c.NamePos, c.Node.Pointer, CodeEndless, "lead out of the loop with a Choice, if it is not meant to run for ever",
				"from the state %q no path comes to an end", c.Name)
		}
	}
}

// terminal tells whether a state is the last of its flow when all goes well, or Fail.
func terminal(s State) bool {
	c := s.Base()
	return c.End || c.Type == "Succeed" || c.Type == "Fail"
}

// adrift tells whether a state lacks the transition that it must have, which has been reported.
func adrift(s State) bool {
	return !terminal(s) && s.Base().Next == "" && (s.Base().Type != "Choice" || len(s.Base().exits) == 0)
}

// flowsOf gives the flows inside a state.
func flowsOf(s State) []*Flow {
	switch s := s.(type) {
	case *Parallel:
		flows := make([]*Flow, len(s.Branches))
		for i := range s.Branches {
			flows[i] = &s.Branches[i]
		}
		return flows
	case *Map:
		if s.Processor.Node != nil {
			return []*Flow{&s.Processor}
		}
	}
	return nil
}
