package cases

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/cel"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// callVariables are what the expressions of a mock see.
var callVariables = []string{"arguments", "attempt", "index", "number", "token"}

// expression is a CEL expression of a case file.
type expression struct {
	program   query.Program
	src       string
	variables []string
}

// eval evaluates with variables; those that are missing are null.
func (e *expression) eval(variables map[string]*value.Value) (*value.Value, error) {
	v, err := e.program.Eval(&query.Scope{
		Input: value.NullValue,
		Variable: func(name string) *value.Value {
			if v := variables[name]; v != nil {
				return v
			}
			return value.NullValue
		},
		Context: func() *value.Value { return value.NullValue },
		Now:     time.Unix(0, 0).UTC(),
		Random:  func() uint64 { return 0 },
	})
	if err != nil {
		message := err.Error()
		if known, ok := errors.AsType[*query.Error](err); ok {
			message = known.Message
		}
		return nil, fmt.Errorf("the expression %s: %s", e.src, message)
	}
	if v == nil {
		return value.NullValue, nil
	}
	return v, nil
}

// expression compiles the expression that a string is; nil if it is none, or is wrong, which is reported.
func (r *reader) expression(n *source.Node, variables []string) *expression {
	if n.Kind != source.String {
		return nil
	}
	src, offset, ok := asl.Unwrap(n.Text)
	if !ok {
		return nil
	}
	program, problems := cel.New().Compile(src, query.Env{Variables: variables})
	for _, p := range problems {
		g := r.doc.At(r.doc.InString(n, offset+p.Offset), n.Pointer)
		g.Severity, g.Code, g.Message, g.Hint = "ERROR", CodeExpression, p.Message, p.Hint
		r.list = append(r.list, g)
	}
	if program == nil {
		return nil
	}
	return &expression{program, strings.TrimSpace(src), variables}
}

// template is JSON whose strings may be expressions.
type template interface {
	eval(variables map[string]*value.Value) (*value.Value, error)
}

type literal struct{ value *value.Value }

func (t literal) eval(map[string]*value.Value) (*value.Value, error) { return t.value, nil }

type arrayTemplate []template

func (t arrayTemplate) eval(variables map[string]*value.Value) (*value.Value, error) {
	elems := make([]*value.Value, len(t))
	for i, e := range t {
		var err error
		if elems[i], err = e.eval(variables); err != nil {
			return nil, err
		}
	}
	return value.FromArray(elems), nil
}

type objectTemplate struct {
	keys   []string
	values []template
}

func (t *objectTemplate) eval(variables map[string]*value.Value) (*value.Value, error) {
	values := make([]*value.Value, len(t.values))
	for i, e := range t.values {
		var err error
		if values[i], err = e.eval(variables); err != nil {
			return nil, err
		}
	}
	return value.FromObject(t.keys, values), nil
}

// template compiles a value in which expressions may stand.
func (r *reader) template(n *source.Node, variables []string) template {
	switch n.Kind {
	case source.Null, source.Bool, source.Number:
	case source.String:
		if e := r.expression(n, variables); e != nil {
			return e
		}
	case source.Array:
		elems := make(arrayTemplate, len(n.Elems))
		for i, e := range n.Elems {
			elems[i] = r.template(e, variables)
		}
		return elems
	case source.Object:
		t := &objectTemplate{}
		for _, m := range n.Members {
			t.keys = append(t.keys, m.Name)
			t.values = append(t.values, r.template(m.Value, variables))
		}
		return t
	}
	return literal{value.Trusted(n.AppendJSON(nil))}
}

// excerpt gives the text of a value, cut where it is too long for a message.
func excerpt(v *value.Value) string {
	const most = 200
	if v == nil {
		return "nothing"
	}
	text := []rune(compact(v))
	if len(text) > most {
		return string(text[:most]) + "..."
	}
	return string(text)
}
