package statemachine

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// template is a field of a definition in which expressions may stand: JSON whose strings are expressions where {% %}
// wraps them.
type template interface {
	eval(*query.Scope) (*value.Value, *evalFailure)
}

// evalFailure is an expression that could not be evaluated, or gave what its field does not take.
type evalFailure struct {
	name     string // the ASL error name
	location string // of the expression in its state, such as Output/total
	message  string
}

// constant is a template without an expression.
type constant struct{ value *value.Value }

func (t constant) eval(*query.Scope) (*value.Value, *evalFailure) { return t.value, nil }

// expression is a template that is one expression.
type expression struct {
	program  query.Program
	language string
	src      string
	location string
	typ      *query.Type // of what it gives, nil if that is not known
}

func (t *expression) eval(scope *query.Scope) (*value.Value, *evalFailure) {
	v, err := t.program.Eval(scope)
	if scope.Observe != nil {
		scope.Observe(t.location, t.src, v, err)
	}
	if err != nil {
		name, message := ErrorQueryEvaluation, err.Error()
		if failed, ok := errors.AsType[*query.Error](err); ok {
			name, message = failed.Name, failed.Message
		}
		return nil, &evalFailure{name, t.location, t.describe("threw an error during evaluation. " + message)}
	}
	if v == nil {
		return nil, &evalFailure{ErrorQueryEvaluation, t.location, t.describe("returned nothing (undefined).")}
	}
	return v, nil
}

func (t *expression) describe(what string) string {
	return fmt.Sprintf("The %s expression '%s' specified for the field '%s' %s", t.language, t.src, t.location, what)
}

// unexpected is the failure of a field that takes another type of value.
func (t *expression) unexpected(want string, got *value.Value) *evalFailure {
	return &evalFailure{ErrorQueryEvaluation, t.location, t.describe(fmt.Sprintf(
		"returned an unexpected result type. Expected '%s', but was '%s' for value: %s", want, got.Kind(), excerpt(got)))}
}

// outOfRange is the failure of a field whose number is too small or too large.
func (t *expression) outOfRange(want string, got *value.Value) *evalFailure {
	return &evalFailure{ErrorQueryEvaluation, t.location, t.describe(fmt.Sprintf(
		"returned a value outside the acceptable range. Expected %s, but was %s", want, excerpt(got)))}
}

// excerpt gives the text of a value, cut where it is too long for a message.
func excerpt(v *value.Value) string {
	const most = 256
	text := v.JSON()
	if len(text) > most {
		return string(text[:most]) + "..."
	}
	return string(text)
}

// arrayTemplate is an array with an expression somewhere in it.
type arrayTemplate []template

func (t arrayTemplate) eval(scope *query.Scope) (*value.Value, *evalFailure) {
	elems := make([]*value.Value, len(t))
	for i, e := range t {
		v, failed := e.eval(scope)
		if failed != nil {
			return nil, failed
		}
		elems[i] = v
	}
	return value.FromArray(elems), nil
}

// objectTemplate is an object with an expression somewhere in it.
type objectTemplate struct {
	keys   []string
	values []template
}

func (t *objectTemplate) eval(scope *query.Scope) (*value.Value, *evalFailure) {
	values := make([]*value.Value, len(t.values))
	for i, e := range t.values {
		v, failed := e.eval(scope)
		if failed != nil {
			return nil, failed
		}
		values[i] = v
	}
	return value.FromObject(t.keys, values), nil
}

// field says where a template stands and what its expressions may refer to.
type field struct {
	location string
	language query.Language
	env      query.Env
}

func (fd field) at(name string) field {
	fd.location += "/" + name
	return fd
}

// template compiles a field, which may be nil.
func (c *compiler) template(n *source.Node, fd field) template {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case source.Null, source.Bool, source.Number:
	case source.String:
		if src, offset, ok := asl.Unwrap(n.Text); ok {
			return c.expression(n, src, offset, fd)
		}
	case source.Array:
		elems := make(arrayTemplate, len(n.Elems))
		dynamic := false
		for i, e := range n.Elems {
			elems[i] = c.template(e, fd.at(strconv.Itoa(i)))
			dynamic = dynamic || !isConstant(elems[i])
		}
		if dynamic {
			return elems
		}
	case source.Object:
		t := &objectTemplate{}
		dynamic := false
		for _, m := range n.Members {
			e := c.template(m.Value, fd.at(m.Name))
			t.keys = append(t.keys, m.Name)
			t.values = append(t.values, e)
			dynamic = dynamic || !isConstant(e)
		}
		if dynamic {
			return t
		}
	}
	return constant{value.Trusted(n.AppendJSON(nil))}
}

func isConstant(t template) bool {
	_, ok := t.(constant)
	return ok
}
