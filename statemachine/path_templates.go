package statemachine

import (
	"errors"

	"github.com/tercel-workflows/tercel/statemachine/jsonpath"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// The templates that the fields of a JSONPath state become, see pathDialect.

// effective is the state's input as InputPath leaves it: what $ means in the fields of the state.
type effective struct{ path *selection }

func (e *effective) value(scope *query.Scope) (*value.Value, *evalFailure) {
	v, failed := e.path.of(scope.Input, scope)
	inspect(scope, "InputPath", v)
	return v, failed
}

// inspect shows what a stage gave, nil if it failed.
func inspect(scope *query.Scope, stage string, v *value.Value) {
	if scope.Inspect != nil && v != nil && stage != "" {
		scope.Inspect(stage, v)
	}
}

// selection is InputPath or OutputPath: a path, or null, which gives {}.
type selection struct {
	location string
	path     *jsonpath.Path // nil: all of it
	null     bool
}

var emptyObject = value.Trusted([]byte("{}"))

func (s *selection) of(root *value.Value, scope *query.Scope) (*value.Value, *evalFailure) {
	switch {
	case s.null:
		return emptyObject, nil
	case s.path == nil:
		return root, nil
	}
	v, err := s.path.Eval(root, scope)
	observe(scope, s.location, s.path.Source(), v, err)
	return v, pathFailure(err)
}

// identity tells whether nothing is taken away.
func (s *selection) identity() bool { return s.path == nil && !s.null }

// pathFailure makes a failure of an error of package jsonpath. It has no location: the service tells of paths that
// fail by the failure alone, and not by an event EvaluationFailed before it.
func pathFailure(err error) *evalFailure {
	if err == nil {
		return nil
	}
	if failed, ok := errors.AsType[*query.Error](err); ok {
		return &evalFailure{name: failed.Name, message: failed.Message}
	}
	return &evalFailure{name: ErrorRuntime, message: err.Error()}
}

func observe(scope *query.Scope, location, src string, v *value.Value, err error) {
	if scope.Observe != nil {
		scope.Observe(location, src, v, err)
	}
}

// reshaped is a payload template applied to something; without a template it is that thing itself.
type reshaped struct {
	from     func(*query.Scope) (*value.Value, *evalFailure)
	template *jsonpath.Template
	stage    string // for those who inspect; "" for none of theirs
}

func (t *reshaped) eval(scope *query.Scope) (*value.Value, *evalFailure) {
	root, failed := t.from(scope)
	if failed != nil || t.template == nil {
		inspect(scope, t.stage, root)
		return root, failed
	}
	v, err := t.template.Eval(root, scope)
	inspect(scope, t.stage, v)
	return v, pathFailure(err)
}

// pathCaught puts the error output into the state's input, by the catcher's ResultPath.
type pathCaught struct {
	result  *jsonpath.Reference
	discard bool
}

func (t *pathCaught) eval(scope *query.Scope) (*value.Value, *evalFailure) {
	if t.discard {
		return scope.Input, nil
	}
	v, err := t.result.Set(scope.Input, scope.ErrorOutput)
	return v, pathFailure(err)
}

// pathCondition is a rule of a Choice.
type pathCondition struct {
	rule  *jsonpath.Rule
	input *effective
}

func (t *pathCondition) eval(scope *query.Scope) (*value.Value, *evalFailure) {
	root, failed := t.input.value(scope)
	if failed != nil {
		return nil, failed
	}
	holds, err := t.rule.Eval(root, scope)
	v := value.FromBool(holds)
	observe(scope, "Choices", t.rule.String(), v, err)
	return v, pathFailure(err)
}

// pathText is ErrorPath or CausePath: a path or an intrinsic function.
type pathText struct {
	input      *effective
	expression *jsonpath.Expression
	location   string
}

func (t *pathText) eval(scope *query.Scope) (*value.Value, *evalFailure) {
	root, failed := t.input.value(scope)
	if failed != nil {
		return nil, failed
	}
	v, err := t.expression.EvalField(t.location, root, scope)
	observe(scope, t.location, t.expression.Source(), v, err)
	return v, pathFailure(err)
}

// pathParameter is a field such as SecondsPath: a path to a single value.
type pathParameter struct {
	input    *effective
	path     *jsonpath.Path
	location string
}

// noTimestamp is the failure of a TimestampPath that leads to something else.
func (t *pathParameter) noTimestamp(text string) *evalFailure {
	return &evalFailure{name: ErrorRuntime, message: "The " + t.location +
		" parameter does not reference a valid ISO-8601 extended offset date-time format string: " + t.path.Source() + " == " + text}
}

func (t *pathParameter) eval(scope *query.Scope) (*value.Value, *evalFailure) {
	root, failed := t.input.value(scope)
	if failed != nil {
		return nil, failed
	}
	v, err := t.path.EvalParameter(t.location, root, scope)
	observe(scope, t.location, t.path.Source(), v, err)
	return v, pathFailure(err)
}

// pathItems is ItemsPath.
type pathItems struct {
	input *effective
	path  *jsonpath.Path
}

func (t *pathItems) eval(scope *query.Scope) (*value.Value, *evalFailure) {
	root, failed := t.input.value(scope)
	if failed != nil {
		return nil, failed
	}
	v, err := t.path.EvalItems(root, scope)
	observe(scope, "ItemsPath", t.path.Source(), v, err)
	inspect(scope, "ItemsPath", v)
	return v, pathFailure(err)
}

// pathOutput is the way of the data out of a state.
type pathOutput struct {
	input    *effective
	worked   bool               // the state has a result; else its output is made of its input
	passed   template           // the result of a Pass; nil if it is the input
	selector *jsonpath.Template // ResultSelector, may be nil
	result   *jsonpath.Reference
	replace  bool // ResultPath is $: the result replaces the input
	discard  bool // ResultPath is null: the input stays
	output   *selection
}

func (o *pathOutput) eval(scope *query.Scope) (*value.Value, *evalFailure) {
	v, failed := o.combined(scope)
	if failed != nil {
		return nil, failed
	}
	if o.worked {
		inspect(scope, "ResultPath", v)
	}
	return o.output.of(v, scope)
}

// combined gives the state's input with the result in it.
func (o *pathOutput) combined(scope *query.Scope) (*value.Value, *evalFailure) {
	if !o.worked {
		return o.input.value(scope)
	}
	if o.discard {
		return scope.Input, nil
	}
	result, failed := o.selected(scope)
	if failed != nil || o.replace {
		return result, failed
	}
	v, err := o.result.Set(scope.Input, result)
	return v, pathFailure(err)
}

// selected gives the result after ResultSelector.
func (o *pathOutput) selected(scope *query.Scope) (*value.Value, *evalFailure) {
	if scope.Result == nil {
		if o.passed == nil {
			return scope.Input, nil
		}
		return o.passed.eval(scope)
	}
	if o.selector == nil {
		return scope.Result, nil
	}
	v, err := o.selector.Eval(scope.Result, scope)
	inspect(scope, "ResultSelector", v)
	return v, pathFailure(err)
}

// assignedFrom gives what $ means in Assign: the result, and in a state without one the input.
func (o *pathOutput) assignedFrom(scope *query.Scope) (*value.Value, *evalFailure) {
	if o.worked {
		return o.selected(scope)
	}
	return o.input.value(scope)
}
