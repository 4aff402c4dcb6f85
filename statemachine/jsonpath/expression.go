package jsonpath

import (
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Expression is a path or a call of an intrinsic function: the value of a key that ends in .$, of ErrorPath and of
// CausePath.
type Expression struct {
	path *Path      // nil if it is a call
	call *Intrinsic // nil if it is a path
}

// ParseExpression compiles a path or a call. It is nil if there is a problem.
func ParseExpression(src string) (*Expression, []query.Problem) {
	start := strings.TrimLeft(src, " ")
	switch {
	case strings.HasPrefix(start, "$"):
		path, problems := ParsePath(src)
		if path == nil {
			return nil, problems
		}
		return &Expression{path: path}, nil
	case strings.HasPrefix(start, "States"):
		call, problems := ParseIntrinsic(src)
		if call == nil {
			return nil, problems
		}
		return &Expression{call: call}, nil
	default:
		return nil, []query.Problem{{
			Message: "it is neither a path nor an intrinsic function",
			Hint:    `write a path such as "$.order.id", or an intrinsic function such as "States.UUID()"`,
			Offset:  len(src) - len(start),
		}}
	}
}

// Source gives the expression as it was written, without the blanks around it.
func (e *Expression) Source() string {
	if e.path != nil {
		return e.path.Source()
	}
	return e.call.Source()
}

// String prints the expression. It parses again to the same expression.
func (e *Expression) String() string {
	if e.path != nil {
		return e.path.String()
	}
	return e.call.String()
}

// Path gives the path that the expression is, nil if it is a call.
func (e *Expression) Path() *Path { return e.path }

// Paths gives all paths in the expression.
func (e *Expression) Paths() []*Path {
	if e.path != nil {
		return []*Path{e.path}
	}
	return e.call.Paths()
}

// Eval evaluates the expression as a field of a state, see [Path.Eval] and [Intrinsic.Eval].
func (e *Expression) Eval(root *value.Value, scope *query.Scope) (*value.Value, error) {
	if e.path != nil {
		return e.path.Eval(root, scope)
	}
	return e.call.Eval(root, scope)
}

// EvalField evaluates the expression as the value of a key of a payload template, such as id.$, whose failures name the
// key.
func (e *Expression) EvalField(key string, root *value.Value, scope *query.Scope) (*value.Value, error) {
	if e.path == nil {
		return e.call.Eval(root, scope)
	}
	if e.path.overNull(root) {
		return nil, runtimeError(noData)
	}
	v, err := e.path.Lookup(root, scope)
	if err != nil {
		return nil, e.path.failure(err, func(m *Missing) *query.Error { return e.path.missingField(key, m, root, scope) })
	}
	return orNull(v), nil
}

// missingField is the failure of a path in a payload template. The service shows what the path was applied to.
func (p *Path) missingField(key string, m *Missing, root *value.Value, scope *query.Scope) *query.Error {
	base := p.base(root, scope)
	switch {
	case m.Malformed:
		return runtimeError("%s", m.Detail)
	case base == nil && p.root == Variable:
		return runtimeError("The JSONPath '%s' specified for the field '%s' could not be found: %s", p.src, key, m.Detail)
	default:
		return runtimeError("The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'",
			p.src, key, orNull(base))
	}
}
