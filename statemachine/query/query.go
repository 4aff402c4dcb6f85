// Package query is the seam between the Amazon States Language and the languages that its expressions are written in.
//
// A query language is a package (statemachine/cel, later jsonpath and jsonata) that implements [Language]. It is given
// source text and gives back a [Program] when a definition is compiled; nothing is parsed or type-checked while an
// execution runs. How expressions stand in a definition ({% %} in a string, a key that ends in .$) is the business of
// the statemachine package, not of the language.
package query

import (
	"time"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Language is one query language. Implementations are stateless and safe for concurrent use.
type Language interface {
	// Name is the value of the QueryLanguage field that chooses this language.
	Name() string
	// Compile parses and type-checks one expression. It gives every problem it finds; the program is nil if there
	// is one that is no warning.
	Compile(src string, env Env) (Program, []Problem)
}

// Env is what an expression may refer to, known when the definition is compiled.
type Env struct {
	Variables   []string // workflow variables that may be assigned where the expression stands
	Result      bool     // states.result is there: the field is evaluated after the state's work
	ErrorOutput bool     // states.errorOutput is there: the field belongs to a catcher
	Boolean     bool     // the expression decides something (a Choice's Condition): a type known not to be bool is a problem

	// The types of what the expression refers to, nil where nothing is known. They serve to find mistakes; what an
	// expression gives does not depend on them. A language may ignore them.
	InputType, ResultType, ErrorOutputType, ContextType *Type
	VariableTypes                                       map[string]*Type // of workflow variables, by name
}

// Problem is one finding in the source of an expression.
type Problem struct {
	Message string
	Hint    string // how to mend it, may be empty
	Offset  int    // of the finding in the expression's source, in bytes
	Warning bool   // the expression can be evaluated all the same
}

// Typed is a [Program] that knows the type of what it gives; nil if it does not.
type Typed interface {
	Program
	Type() *Type
}

// Program is a compiled expression, immutable and safe for concurrent use.
type Program interface {
	// Eval gives the value of the expression. The same scope gives the same value. A nil value without an error is
	// "undefined", which only JSONata knows. An error is always an *Error.
	Eval(*Scope) (*value.Value, error)
}

// Scope is what an expression sees when it is evaluated. A nil value is not there.
type Scope struct {
	Input       *value.Value                   // states.input
	Result      *value.Value                   // states.result
	ErrorOutput *value.Value                   // states.errorOutput
	Context     func() *value.Value            // states.context; a function because few expressions ask for it
	Variable    func(name string) *value.Value // a workflow variable, nil if it was never assigned
	Now         time.Time                      // the time of the signal that is being decided
	Random      func() uint64                  // random bits, reproducible from the signal
	// Observe sees an expression of a definition once it is evaluated: where it stands, its source, and what it gave.
	// It is nil unless somebody looks. Whoever evaluates a Program for a definition calls it; programs do not.
	Observe func(location, src string, v *value.Value, err error)
	// Inspect sees what a stage of the way of the data through a state in JSONPath gives: InputPath, Parameters, ItemsPath,
	// ResultSelector or ResultPath. A stage that is not there is not told of. It is nil unless somebody looks.
	Inspect func(stage string, v *value.Value)
}

// Error is an expression that could not be evaluated.
type Error struct {
	Name    string // the ASL error name, such as States.QueryEvaluationError
	Message string // for people: which part failed, and on what values
}

func (e *Error) Error() string { return e.Name + ": " + e.Message }
