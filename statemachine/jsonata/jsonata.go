// Package jsonata is the query language JSONata, version 2.0.6, with the functions that AWS Step Functions adds to it.
//
// [Compile] makes a tree of an expression, once; [Expr.Eval] evaluates it, as often as wanted and from several goroutines
// at once. [New] gives the language as state machines use it.
//
// Values that an expression only passes on come out byte for byte as they came in. Numbers it computes with are
// float64, and print as JavaScript prints them. Objects keep the order of their members.
//
// An evaluation is pure: time and randomness are arguments, and its [Limits] count steps and bytes, so that an endless or
// greedy expression ends in the same error wherever it runs.
//
// Where this package differs from the reference on purpose:
//   - Regular expressions run in linear time. Look-around and back references are errors when the expression is compiled.
//   - Characters are never split: $split(s, "") and . in a regular expression give whole ones.
//   - Members of objects stay in the order they were given, also if their names are numbers.
//   - $fromMillis takes negative time zones with minutes (-0530) for what they say.
//   - An object that a transform puts into itself is copied.
package jsonata

import (
	"errors"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Options say what an evaluation may do. The zero value is what state machines use.
type Options struct {
	Eval   bool   // the function $eval is there
	Limits Limits // zero fields mean those of DefaultLimits
}

// Bindings are what an evaluation sees besides its input.
type Bindings struct {
	Lookup func(name string) *value.Value // the value of $name, nil if it is none; nil for no variables
	Now    time.Time                      // what $now and $millis give
	Random func() uint64                  // random bits; nil if the expression must not ask for any
}

// Expr is a compiled expression. It is immutable and safe for concurrent use.
type Expr struct {
	source string
	parsed *node // follows the source
	tree   *node // is evaluated
}

// Compile parses an expression. The error is an *Error.
func Compile(src string) (expr *Expr, err error) {
	defer rescue(&err)
	parsed := parse(src)
	return &Expr{source: src, parsed: parsed, tree: finish(resolve(parsed))}, nil
}

// compileTree compiles for $eval.
func compileTree(src string) (*node, error) {
	e, err := Compile(src)
	if err != nil {
		return nil, err
	}
	return e.tree, nil
}

// errFunction says that the value of an expression is a function, or contains one.
var errFunction = errors.New("the result is a function, or contains one")

// ErrFunction tells whether an error says that the value of an expression is a function, or contains one.
func ErrFunction(err error) bool { return errors.Is(err, errFunction) }

// Eval evaluates the expression on an input; a nil input is "undefined", and so is a nil result. The error is an *Error, or
// one that ErrFunction knows.
func (e *Expr) Eval(input *value.Value, bindings Bindings, options Options) (*value.Value, error) {
	limits := &options.Limits
	for _, l := range []struct{ limit, missing *int }{
		{&limits.Steps, &DefaultLimits.Steps}, {&limits.Depth, &DefaultLimits.Depth}, {&limits.Bytes, &DefaultLimits.Bytes},
	} {
		if *l.limit == 0 {
			*l.limit = *l.missing
		}
	}
	r := &run{options: &options, now: bindings.Now, random: bindings.Random}
	if bindings.Lookup != nil {
		r.lookup = func(name string) any {
			if v := bindings.Lookup(name); v != nil {
				return v
			}
			return nil
		}
	}
	if input != nil {
		r.input = input
	}
	return e.eval(r)
}

// defaults are the options of state machines.
var defaults = Options{Limits: DefaultLimits}

// eval evaluates the expression in a run that has been set up.
func (e *Expr) eval(r *run) (out *value.Value, err error) {
	r.steps, r.bytes = r.options.Limits.Steps, r.options.Limits.Bytes
	defer func() {
		switch caught := recover().(type) {
		case nil:
		case *Error:
			out, err = nil, caught
		case error:
			if !errors.Is(caught, errFunction) {
				panic(caught)
			}
			out, err = nil, caught
		default:
			panic(caught)
		}
	}()
	return r.evaluate(e.tree)
}

// evaluate evaluates the whole expression.
func (r *run) evaluate(tree *node) (*value.Value, error) {
	in := r.input
	if a := asArray(in); a != nil {
		in = &array{items: []any{a}, sequence: true, outer: true}
	}
	if r.random == nil {
		r.random = func() uint64 {
			raise(fault{code: "U1001", pos: positionOf(r.at), value: "there is no source of random numbers here"})
			return 0
		}
	}
	v := r.eval(tree, in, &frame{})
	if v == nil {
		return nil, nil
	}
	if a, ok := v.(*array); ok && a.outer {
		v = a.at(0)
	}
	r.at = nil
	return r.export(v, 0), nil
}
