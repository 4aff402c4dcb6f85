package statemachine

import (
	"math"
	"strconv"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// outcome is the way out of a state: what it assigns, and what it hands on.
type outcome struct {
	output template // nil: the result as it is
	assign []assignment
}

type assignment struct {
	name  string
	value template
}

// catcher is a compiled entry of Catch.
type catcher struct {
	names   []string
	next    string
	outcome outcome
}

// numberField is a field that takes a number, written as one or as an expression.
type numberField struct {
	template template // nil if absent
	fallback float64  // what an absent field means
	min, max float64
	integer  bool
	want     string // for messages
	name     string
}

func (sc *stateCompiler) integer(name string, literal, path *source.Node, fallback, least int) numberField {
	return numberField{
		template: sc.number(name, literal, path), fallback: float64(fallback), integer: true,
		min: float64(least), max: math.MaxInt32, want: "an integer of at least " + strconv.Itoa(least), name: name,
	}
}

func (sc *stateCompiler) percentage(name string, literal, path *source.Node) numberField {
	return numberField{
		template: sc.number(name, literal, path), fallback: -1, min: 0, max: 100, want: "a number between 0 and 100", name: name,
	}
}

func (nf numberField) eval(scope *query.Scope) (float64, *evalFailure) {
	if nf.template == nil {
		return nf.fallback, nil
	}
	v, failed := nf.template.eval(scope)
	if failed != nil {
		return 0, failed
	}
	x, isExpression := nf.template.(*expression)
	f, ok := v.Float()
	switch {
	case v.Kind() != value.Number && isExpression:
		return 0, x.unexpected("number", v)
	case !ok, f < nf.min, f > nf.max, nf.integer && f != math.Trunc(f):
		if isExpression {
			return 0, x.outOfRange(nf.want, v)
		}
		return 0, &evalFailure{ErrorRuntime, "", "The " + nf.name + " is not valid. Expected " + nf.want + ", but was " + excerpt(v)}
	}
	return f, nil
}

func (nf numberField) seconds(scope *query.Scope) (time.Duration, *evalFailure) {
	f, failed := nf.eval(scope)
	return time.Duration(f) * time.Second, failed
}

// evalText gives the text of a field that takes a string, nil if it is absent.
func evalText(t template, scope *query.Scope) (*string, *evalFailure) {
	if t == nil {
		return nil, nil
	}
	v, failed := t.eval(scope)
	if failed != nil {
		return nil, failed
	}
	if v.Kind() != value.String {
		if x, ok := t.(*expression); ok {
			return nil, x.unexpected("string", v)
		}
	}
	text := v.Text()
	return &text, nil
}

// literalInt gives the number that a node is, 0 if it is none, which the parser has reported.
func literalInt(n *source.Node) int64 {
	if n.Kind != source.Number {
		return 0
	}
	i, _ := value.FromNumber(n.Text).Int()
	return i
}
