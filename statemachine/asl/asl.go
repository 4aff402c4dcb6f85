// Package asl is the syntax tree of the Amazon States Language, and its parser.
//
// The tree knows nothing of execution and of query languages: a field that may hold an expression is kept as the
// source node it was written as, for the compiler in package statemachine to compile. What the parser checks is
// structure: fields that do not exist or do not belong to a state type, wrong JSON types and ranges of literals,
// transitions that lead nowhere, states that nothing reaches.
//
// The language is specified at https://states-language.net/spec.html; fields that are newer than the specification are
// as the Step Functions developer guide has them.
package asl

import (
	"slices"

	"github.com/tercel-workflows/tercel/statemachine/source"
)

// The query languages a definition may name. JSONPath is the default, as in AWS Step Functions.
const (
	JSONPath = "JSONPath"
	JSONata  = "JSONata"
	CEL      = "CEL"
)

// Definition is a whole state machine.
type Definition struct {
	Flow                        // the top level: StartAt and States
	Comment        string       //
	Version        string       // of the language; "1.0" or ""
	QueryLanguage  string       // JSONPath, JSONata or CEL; never empty after a parse
	TimeoutSeconds *source.Node // an integer literal, nil if absent
	InputSchema    *source.Node // a JSON Schema of the execution's input, nil if absent
	Node           *source.Node // the whole definition
}

// Flow is a set of states with a start: the top level of a machine, a branch of a Parallel, the processor of a Map.
type Flow struct {
	StartAt string
	States  []State // in the order of the definition; names are unique over the whole definition
	Node    *source.Node
	// Assigned holds the names of the workflow variables that the flow's own states assign, sorted; not those that are
	// assigned in the flows inside them.
	Assigned []string
}

// State is one state. It is implemented by the types of this package only: *Task, *Pass, *Choice, *Wait, *Parallel,
// *Map, *Succeed and *Fail.
type State interface {
	// Base gives what all states have.
	Base() *Common
	sealed()
}

// Common holds the fields that states share. Which of them a state type may have, the parser has checked.
type Common struct {
	Name          string
	NamePos       source.Pos
	Node          *source.Node // the state's object
	Type          string       // Task, Pass, ...
	Comment       string
	QueryLanguage string // the effective one: the state's own, else the machine's
	Next          string // "" if End, or if the type has no Next
	End           bool

	// Data flow of JSONata and CEL states; nil if absent.
	Arguments *source.Node // Task, Parallel
	Output    *source.Node // all but Fail; of a Choice, for when Default is taken
	Assign    *source.Node // all but Succeed and Fail; of a Choice, for when Default is taken

	// Data flow of JSONPath states; nil if absent.
	InputPath, OutputPath, ResultPath, Parameters, ResultSelector *source.Node

	// Visible holds the names of the workflow variables that expressions of the state may refer to, sorted: those that
	// are assigned, in whatever order, in the state's own flow or in a flow around it. A flow in a distributed Map sees
	// none of the flows around it. The states of a flow share the slice.
	Visible []string

	exits []exit // the transitions that the state can take
}

// Base implements State.
func (c *Common) Base() *Common { return c }
func (c *Common) sealed()       {}

// Targets gives the names of the states that may follow, each once, in the order of the definition.
func (c *Common) Targets() []string {
	var names []string
	for _, e := range c.exits {
		if !slices.Contains(names, e.target) {
			names = append(names, e.target)
		}
	}
	return names
}
