package statemachine

import (
	"errors"

	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/jsonpath"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// pathDialect is that of JSONPath: InputPath takes a part of the input, Parameters makes arguments of it, the work gives
// a result, ResultSelector reshapes that, ResultPath puts it into the input as it came, and OutputPath takes a part of
// the whole. See "Input and Output Processing" in the specification.
type pathDialect struct {
	*stateCompiler
	inputPath *effective
}

// effective is the state's input as InputPath leaves it: what $ means in the fields of the state.
type effective struct{ path *selection }

func (e *effective) value(scope *query.Scope) (*value.Value, *evalFailure) {
	return e.path.of(scope.Input, scope)
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

func (sc *stateCompiler) inputPath() *effective {
	return &effective{sc.selection("InputPath", sc.base.InputPath)}
}

func (sc *stateCompiler) selection(name string, n *source.Node) *selection {
	s := &selection{location: name}
	switch {
	case n == nil:
	case n.Kind == source.Null:
		s.null = true
	default:
		path := sc.path(n)
		if path != nil && path.String() != "$" {
			s.path = path
		}
	}
	return s
}

// path compiles a node that holds a path; nil if it holds none, which has been reported.
func (sc *stateCompiler) path(n *source.Node) *jsonpath.Path {
	if n.Kind != source.String {
		return nil // the parser has reported it
	}
	path, problems := jsonpath.ParsePath(n.Text)
	sc.problems(n, jsonpath.CodeInvalidPath, problems)
	if path != nil {
		sc.notes(n, path.Notes())
	}
	return path
}

func (sc *stateCompiler) problems(n *source.Node, code string, problems []query.Problem) {
	for _, p := range problems {
		sc.finding(jsonpath.Finding{Code: code, Message: p.Message, Hint: p.Hint, Node: n, Offset: p.Offset})
	}
}

func (sc *stateCompiler) notes(n *source.Node, notes []query.Problem) {
	for _, p := range notes {
		sc.finding(jsonpath.Finding{
			Code: jsonpath.CodeUnquotedText, Message: p.Message, Hint: p.Hint, Node: n, Offset: p.Offset, Warning: true,
		})
	}
}

func (sc *stateCompiler) findings(list []jsonpath.Finding) {
	for _, f := range list {
		sc.finding(f)
	}
}

func (sc *stateCompiler) finding(f jsonpath.Finding) {
	g := sc.doc.AtNode(f.Node)
	switch {
	case f.Member != nil:
		g = sc.doc.AtName(f.Member)
	case f.Offset >= 0:
		g = sc.doc.At(sc.doc.InString(f.Node, f.Offset), f.Node.Pointer)
	}
	g.Severity, g.Code, g.Message, g.Hint = diag.Error, f.Code, f.Message, f.Hint
	if f.Warning {
		g.Severity = diag.Warning
	}
	sc.list = append(sc.list, g)
}

func (d *pathDialect) arguments() template {
	if d.base.Parameters == nil && d.inputPath.path.identity() {
		return nil
	}
	return &reshaped{from: d.inputPath.value, template: d.payloadTemplate(d.base.Parameters)}
}

// payloadTemplate compiles a payload template; nil if it is absent, or has problems, which have been reported.
func (d *pathDialect) payloadTemplate(n *source.Node) *jsonpath.Template {
	if n == nil {
		return nil
	}
	t, list := jsonpath.CompileTemplate(n)
	d.findings(list)
	return t
}

// reshaped is a payload template applied to something; without a template it is that thing itself.
type reshaped struct {
	from     func(*query.Scope) (*value.Value, *evalFailure)
	template *jsonpath.Template
}

func (t *reshaped) eval(scope *query.Scope) (*value.Value, *evalFailure) {
	root, failed := t.from(scope)
	if failed != nil || t.template == nil {
		return root, failed
	}
	v, err := t.template.Eval(root, scope)
	return v, pathFailure(err)
}

func (d *pathDialect) payload(_ string, n *source.Node) template {
	if n == nil {
		return nil
	}
	return &reshaped{from: d.inputPath.value, template: d.payloadTemplate(n)}
}

func (d *pathDialect) outcome(worked bool) outcome {
	b := d.base
	o := &pathOutput{
		input: d.inputPath, worked: worked,
		selector: d.payloadTemplate(b.ResultSelector), output: d.selection("OutputPath", b.OutputPath),
	}
	switch {
	case b.ResultPath == nil:
		o.replace = true
	case b.ResultPath.Kind == source.Null:
		o.discard = true
	default:
		o.result = d.reference(b.ResultPath)
		o.replace = o.result == nil || o.result.IsRoot()
	}
	way := outcome{}
	if pass, ok := d.node.(*asl.Pass); ok {
		o.worked = true
		o.passed = d.passed(pass)
	}
	// A state that hands its result on as it is needs nothing evaluated.
	plain := o.replace && o.selector == nil && o.output.identity() && o.passed == nil
	if !plain || (!worked && !d.inputPath.path.identity()) {
		way.output = o
	}
	way.assign = d.assign("", b.Assign, o.assignedFrom)
	return way
}

// passed gives the result of a Pass state: Result as it stands, else Parameters applied to the input; nil if neither is
// there and the result is the input.
func (d *pathDialect) passed(pass *asl.Pass) template {
	if pass.Result != nil {
		return constant{value.Trusted(pass.Result.AppendJSON(nil))}
	}
	if pass.Parameters != nil || !d.inputPath.path.identity() {
		return &reshaped{from: d.inputPath.value, template: d.payloadTemplate(pass.Parameters)}
	}
	return nil
}

func (d *pathDialect) reference(n *source.Node) *jsonpath.Reference {
	if n.Kind != source.String {
		return nil
	}
	r, problems := jsonpath.ParseReference(n.Text)
	d.problems(n, jsonpath.CodeInvalidPath, problems)
	return r
}

// assign compiles Assign, whose paths apply to what from gives.
func (d *pathDialect) assign(_ string, n *source.Node, from func(*query.Scope) (*value.Value, *evalFailure)) []assignment {
	t := d.payloadTemplate(n)
	if t == nil || n.Kind != source.Object {
		return nil
	}
	var list []assignment
	if v := t.Constant(); v != nil {
		for i, name := range v.Keys() {
			list = append(list, assignment{name, constant{v.At(i)}})
		}
		return list
	}
	keys, values := t.Members()
	for i, name := range keys {
		list = append(list, assignment{name, &reshaped{from: from, template: values[i]}})
	}
	return list
}

func (d *pathDialect) caught(_ string, c *asl.Catcher) outcome {
	o := outcome{assign: d.assign("", c.Assign, func(scope *query.Scope) (*value.Value, *evalFailure) {
		return scope.ErrorOutput, nil
	})}
	switch {
	case c.ResultPath == nil:
	case c.ResultPath.Kind == source.Null:
		o.output = &pathCaught{discard: true}
	default:
		if r := d.reference(c.ResultPath); r != nil && !r.IsRoot() {
			o.output = &pathCaught{result: r}
		}
	}
	return o
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

func (d *pathDialect) rule(_ string, r *asl.Rule) (template, outcome) {
	compiled, list := jsonpath.CompileRule(r.Node)
	d.findings(list)
	way := d.outcome(false)
	way.assign = d.assign("", r.Assign, d.inputPath.value)
	return &pathCondition{compiled, d.inputPath}, way
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

func (d *pathDialect) number(name string, literal, path *source.Node) template {
	if path != nil {
		return &pathParameter{d.inputPath, d.path(path), name + "Path"}
	}
	return literalTemplate(literal)
}

func literalTemplate(n *source.Node) template {
	if n == nil {
		return nil
	}
	return constant{value.Trusted(n.AppendJSON(nil))}
}

func (d *pathDialect) text(name string, literal, path *source.Node) template {
	if path == nil {
		return literalTemplate(literal)
	}
	if path.Kind != source.String {
		return nil
	}
	x, problems := jsonpath.ParseExpression(path.Text)
	d.problems(path, jsonpath.CodeInvalidPath, problems)
	return &pathText{d.inputPath, x, name + "Path"}
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

func (d *pathDialect) timestamp(w *asl.Wait) template {
	return d.number("Timestamp", w.Timestamp, w.TimestampPath)
}

// noTimestamp is the failure of a TimestampPath that leads to something else.
func (t *pathParameter) noTimestamp(text string) *evalFailure {
	return &evalFailure{name: ErrorRuntime, message: "The " + t.location +
		" parameter does not reference a valid ISO-8601 extended offset date-time format string: " + t.path.Source() + " == " + text}
}

// pathParameter is a field such as SecondsPath: a path to a single value.
type pathParameter struct {
	input    *effective
	path     *jsonpath.Path
	location string
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

func (d *pathDialect) items(m *asl.Map) template {
	if m.ItemsPath != nil && m.ItemsPath.Kind == source.String {
		return &pathItems{d.inputPath, d.path(m.ItemsPath)}
	}
	if d.inputPath.path.identity() {
		return nil
	}
	return &reshaped{from: d.inputPath.value}
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
	return v, pathFailure(err)
}

// assignedFrom gives what $ means in Assign: the result, and in a state without one the input.
func (o *pathOutput) assignedFrom(scope *query.Scope) (*value.Value, *evalFailure) {
	if o.worked {
		return o.selected(scope)
	}
	return o.input.value(scope)
}
