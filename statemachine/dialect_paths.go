package statemachine

import (
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
		return &reshaped{from: d.inputPath.value, template: d.payloadTemplate(pass.Parameters), stage: "Parameters"}
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

func (d *pathDialect) rule(_ string, r *asl.Rule) (template, outcome) {
	compiled, list := jsonpath.CompileRule(r.Node)
	d.findings(list)
	way := d.outcome(false)
	way.assign = d.assign("", r.Assign, d.inputPath.value)
	return &pathCondition{compiled, d.inputPath}, way
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

func (d *pathDialect) timestamp(w *asl.Wait) template {
	return d.number("Timestamp", w.Timestamp, w.TimestampPath)
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
