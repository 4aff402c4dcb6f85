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

import "github.com/tercel-workflows/tercel/statemachine/source"

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
	Node           *source.Node // the whole definition
}

// Flow is a set of states with a start: the top level of a machine, a branch of a Parallel, the processor of a Map.
type Flow struct {
	StartAt string
	States  []State // in the order of the definition; names are unique over the whole definition
	Node    *source.Node
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
}

// Base implements State.
func (c *Common) Base() *Common { return c }
func (c *Common) sealed()       {}

// Task invokes something: a function, an activity, a service integration.
type Task struct {
	Common
	Resource             string // as written, with its suffix (.sync, .waitForTaskToken)
	ResourceNode         *source.Node
	TimeoutSeconds       *source.Node // literal or expression
	TimeoutSecondsPath   *source.Node // JSONPath
	HeartbeatSeconds     *source.Node
	HeartbeatSecondsPath *source.Node
	Credentials          *source.Node
	Retry                []Retrier
	Catch                []Catcher
}

// Pass hands its input on, or makes an output.
type Pass struct {
	Common
	Result *source.Node // JSONPath only: a literal
}

// Choice takes the first rule that holds.
type Choice struct {
	Common
	Choices []Rule
	Default string // "" if absent
}

// Rule is one rule of a Choice.
type Rule struct {
	Node      *source.Node
	Condition *source.Node // JSONata and CEL: a string expression. JSONPath rules are read from Node by their compiler.
	Next      string
	Assign    *source.Node
	Output    *source.Node
}

// Wait waits for a number of seconds or until a time. Exactly one of the four is set.
type Wait struct {
	Common
	Seconds, Timestamp         *source.Node
	SecondsPath, TimestampPath *source.Node // JSONPath
}

// Parallel runs its branches at once.
type Parallel struct {
	Common
	Branches []Flow
	Retry    []Retrier
	Catch    []Catcher
}

// Map runs its processor for each item.
type Map struct {
	Common
	Processor                      Flow   // ItemProcessor, or the older Iterator
	Mode                           string // INLINE or DISTRIBUTED
	ExecutionType                  string // of a distributed map's children: STANDARD or EXPRESS
	Label                          string
	Items                          *source.Node // JSONata and CEL: an array, or an expression that gives one
	ItemsPath                      *source.Node // JSONPath
	ItemSelector                   *source.Node // or the older Parameters
	MaxConcurrency                 *source.Node
	MaxConcurrencyPath             *source.Node
	ToleratedFailureCount          *source.Node
	ToleratedFailureCountPath      *source.Node
	ToleratedFailurePercentage     *source.Node
	ToleratedFailurePercentagePath *source.Node
	ItemBatcher                    *ItemBatcher
	ItemReader, ResultWriter       *source.Node
	Retry                          []Retrier
	Catch                          []Catcher
}

// ItemBatcher groups the items of a Map.
type ItemBatcher struct {
	Node                      *source.Node
	BatchInput                *source.Node
	MaxItemsPerBatch          *source.Node
	MaxItemsPerBatchPath      *source.Node
	MaxInputBytesPerBatch     *source.Node
	MaxInputBytesPerBatchPath *source.Node
}

// Succeed ends its flow with success.
type Succeed struct{ Common }

// Fail ends the execution, or its branch, with an error.
type Fail struct {
	Common
	Error, Cause         *source.Node // literal or expression, nil if absent
	ErrorPath, CausePath *source.Node // JSONPath
}

// Retrier is one entry of Retry, its defaults filled in.
type Retrier struct {
	Node            *source.Node
	ErrorEquals     []string
	IntervalSeconds int     // default 1
	MaxAttempts     int     // default 3; 0 is never
	BackoffRate     float64 // default 2.0
	MaxDelaySeconds int     // 0 if absent
	FullJitter      bool    // JitterStrategy FULL
}

// Catcher is one entry of Catch.
type Catcher struct {
	Node        *source.Node
	ErrorEquals []string
	Next        string
	Assign      *source.Node
	Output      *source.Node
	ResultPath  *source.Node // JSONPath
}
