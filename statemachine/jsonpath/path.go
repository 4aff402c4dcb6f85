package jsonpath

import (
	"errors"

	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Root is what a path starts from.
type Root uint8

// The roots of paths.
const (
	Data     Root = iota // $: the value that the path is applied to
	Context              // $$: the Context Object
	Variable             // $name: a workflow variable
)

// Path is a compiled path.
type Path struct {
	src      string
	root     Root
	variable string // Variable: its name
	steps    *steps
	notes    []query.Problem
}

// ParsePath compiles a path: $.order.id, $$.Execution.Id or $variable.member. The path is nil if there is a problem.
func ParsePath(src string) (*Path, []query.Problem) {
	p := newParser(src)
	p.skipBlanks()
	path := p.path()
	if path != nil && len(p.problems) == 0 {
		p.end("the path")
	}
	if len(p.problems) > 0 {
		return nil, p.problems
	}
	return path, nil
}

// Source gives the path as it was written, without the blanks around it.
func (p *Path) Source() string { return p.src }

// Root tells what the path starts from.
func (p *Path) Root() Root { return p.root }

// Variable gives the name of the workflow variable that the path starts from, "" if it starts from another root.
func (p *Path) Variable() string { return p.variable }

// Definite tells whether the path gives one value; if not, it gives an array.
func (p *Path) Definite() bool { return p.steps.definite }

// Notes gives what the service accepts and a person would want to know of, such as text without quotes in a filter.
func (p *Path) Notes() []query.Problem { return p.notes }

// String prints the path in the form of Jayway's messages: $['order']['id']. It parses again to the same path.
func (p *Path) String() string {
	return string(appendSteps([]byte(p.prefix()), p.steps.list))
}

func (p *Path) prefix() string {
	switch p.root {
	case Context:
		return "$$"
	case Variable:
		return "$" + p.variable
	default:
		return "$"
	}
}

// base gives the value that the path starts from, nil if it is not there.
func (p *Path) base(root *value.Value, scope *query.Scope) *value.Value {
	switch p.root {
	case Context:
		if scope == nil || scope.Context == nil {
			return nil
		}
		return scope.Context()
	case Variable:
		if scope == nil || scope.Variable == nil {
			return nil
		}
		return scope.Variable(p.variable)
	default:
		return root
	}
}

// Lookup applies the path to root, or to what of the scope it starts from. It gives nil without an error if the path
// leads beyond the end of an array. The error is a *Missing, or a *query.Error if a limit is exceeded.
func (p *Path) Lookup(root *value.Value, scope *query.Scope) (*value.Value, error) {
	if p.steps.plain != nil {
		return p.lookup(root, scope, nil)
	}
	return p.lookup(root, scope, &budget{visits: maxVisits})
}

// lookup is Lookup within a budget, which plain steps do not need.
func (p *Path) lookup(root *value.Value, scope *query.Scope, b *budget) (*value.Value, error) {
	base := p.base(root, scope)
	if base == nil {
		if p.root == Variable {
			return nil, &Missing{Detail: "The variable '" + p.variable + "' has not been assigned"}
		}
		return nil, &Missing{Detail: "No results for path: " + p.String()}
	}
	if p.steps.plain != nil {
		return p.steps.follow(base)
	}
	v, err := p.steps.evaluate(base, base, b, false)
	if m, ok := err.(*Missing); ok && !m.Malformed && !p.steps.definite { //nolint:errorlint // it is never wrapped here
		return value.FromArray(nil), nil
	}
	return v, err
}

// overNull tells whether the path is applied to nothing, or to null.
func (p *Path) overNull(root *value.Value) bool { return p.root == Data && orNull(root).IsNull() }

// Eval applies the path as InputPath and OutputPath do. The error is a *query.Error.
func (p *Path) Eval(root *value.Value, scope *query.Scope) (*value.Value, error) {
	if p.overNull(root) {
		return nil, runtimeError(noData)
	}
	v, err := p.Lookup(root, scope)
	if err != nil {
		return nil, p.failure(err, func(m *Missing) *query.Error {
			return runtimeError("Invalid path '%s' : %s", p.src, m.Detail)
		})
	}
	return orNull(v), nil
}

// EvalParameter applies the path as the fields do that take a number or a text from the input: SecondsPath,
// TimestampPath, TimeoutSecondsPath and so on, field being the name of one. The error is a *query.Error.
func (p *Path) EvalParameter(field string, root *value.Value, scope *query.Scope) (*value.Value, error) {
	v, err := p.Lookup(root, scope)
	if err != nil || v == nil {
		return nil, p.failure(err, func(*Missing) *query.Error {
			return runtimeError("The %s parameter does not reference an input value: %s", field, p.src)
		})
	}
	return v, nil
}

// failure makes a *query.Error of what Lookup gave; no error is a value beyond the end of an array.
func (p *Path) failure(err error, missing func(*Missing) *query.Error) *query.Error {
	if failed, ok := errors.AsType[*query.Error](err); ok {
		return failed
	}
	m, ok := errors.AsType[*Missing](err)
	if !ok {
		m = &Missing{Detail: "No results for path: " + p.String()}
	}
	return missing(m)
}

// orNull gives JSON's null for no value.
func orNull(v *value.Value) *value.Value {
	if v == nil {
		return value.NullValue
	}
	return v
}
