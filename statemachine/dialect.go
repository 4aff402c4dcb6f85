package statemachine

import (
	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/source"
)

// dialect compiles the fields of one state. ASL has two dialects: in that of JSONata and CEL, expressions stand in the
// fields themselves, wrapped in {% %}; in that of JSONPath, data takes a fixed way through the state, and paths and
// templates say where. What comes out is the same for both: templates, which are evaluated in the state's scope.
type dialect interface {
	// arguments gives what a Task or Parallel hands to its work; nil: the state's input.
	arguments() template
	// outcome is the way out of the state when all goes well. Worked tells whether the state has a result.
	outcome(worked bool) outcome
	// caught is the way out by a catcher.
	caught(location string, c *asl.Catcher) outcome
	// rule gives the condition of a Choice's rule, and the way out by it.
	rule(location string, r *asl.Rule) (template, outcome)
	// number is a field that takes a number, as a literal or an expression, or by its twin that ends in Path.
	number(name string, literal, path *source.Node) template
	// text is the same for a field that takes a text.
	text(name string, literal, path *source.Node) template
	// timestamp is the Timestamp of a Wait, or its twin.
	timestamp(w *asl.Wait) template
	// payload is a field of any shape.
	payload(name string, n *source.Node) template
	// items gives the array that a Map iterates over; nil: the state's input.
	items(m *asl.Map) template
}

// dialect gives the dialect of the state, nil if its language is not there.
func (sc *stateCompiler) newDialect() dialect {
	if sc.base.QueryLanguage == asl.JSONPath {
		return &pathDialect{stateCompiler: sc, inputPath: sc.inputPath()}
	}
	if language := languages[sc.base.QueryLanguage]; language != nil {
		return &expressionDialect{sc, language}
	}
	return nil
}
