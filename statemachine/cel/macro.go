package cel

import (
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// mapInsert is what transformMap and transformMapEntry expand to.
const mapInsert = "cel.@mapInsert"

// comprehension builds what a macro expanded to.
func (b *builder) comprehension(e ast.Expr) (node, error) {
	c := e.AsComprehension()
	if c.IterRange().Kind() == ast.ListKind && c.IterRange().AsList().Size() == 0 && isFalse(c.LoopCondition()) {
		return b.bind(e)
	}
	n := &fold{at: e, iter2: -1}
	var err error
	if n.over, err = b.build(c.IterRange()); err != nil {
		return nil, err
	}
	if n.init, err = b.accumulator(c.AccuInit()); err != nil {
		return nil, err
	}
	outer := len(b.locals)
	n.accu = b.declare(c.AccuVar())
	n.iter = b.declare(c.IterVar())
	if c.HasIterVar2() {
		n.iter2 = b.declare(c.IterVar2())
	}
	n.always = isTrue(c.LoopCondition())
	if n.goOn, err = b.build(c.LoopCondition()); err != nil {
		return nil, err
	}
	if n.step, err = b.step(c, n.accu); err != nil {
		return nil, err
	}
	b.locals = b.locals[:outer]
	b.locals = append(b.locals, localVar{c.AccuVar(), n.accu})
	n.result, err = b.build(c.Result())
	b.locals = b.locals[:outer]
	return n, err
}

// bind builds cel.bind and its like: a loop over nothing that only names a value.
func (b *builder) bind(e ast.Expr) (node, error) {
	c := e.AsComprehension()
	v, err := b.build(c.AccuInit())
	if err != nil {
		return nil, err
	}
	outer := len(b.locals)
	slot := b.declare(c.AccuVar())
	body, err := b.build(c.Result())
	b.locals = b.locals[:outer]
	if hidden, ok := body.(*call); ok && strings.HasPrefix(hidden.name, "@") {
		hidden.at = e // a call that only the macro can write is shown as the macro
	}
	return &bind{slot: slot, value: v, body: body}, err
}

// accumulator builds the value that a loop starts with. An empty list or map is made anew in each evaluation, since
// push and insert change it.
func (b *builder) accumulator(e ast.Expr) (node, error) {
	switch {
	case e.Kind() == ast.ListKind && e.AsList().Size() == 0:
		return &makeList{at: e}, nil
	case e.Kind() == ast.MapKind && e.AsMap().Size() == 0:
		return &makeObject{at: e}, nil
	}
	return b.build(e)
}

// step builds the step of a loop. Where a macro appends to its own accumulator, that is done in place.
func (b *builder) step(c ast.ComprehensionExpr, accu int) (node, error) {
	e := c.LoopStep()
	if !strings.HasPrefix(c.AccuVar(), "@") || !isName(c.Result(), c.AccuVar()) {
		return b.build(e)
	}
	startsList := c.AccuInit().Kind() == ast.ListKind && c.AccuInit().AsList().Size() == 0
	startsMap := c.AccuInit().Kind() == ast.MapKind && c.AccuInit().AsMap().Size() == 0
	if !startsList && !startsMap {
		return b.build(e)
	}
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Conditional {
		args := e.AsCall().Args()
		then, err := b.growth(args[1], c.AccuVar(), accu)
		if then == nil || err != nil || !isName(args[2], c.AccuVar()) {
			return b.orBuild(e, err)
		}
		condition, err := b.build(args[0])
		if err != nil {
			return nil, err
		}
		return &conditional{at: e, condition: condition, then: then, other: &local{slot: accu}}, nil
	}
	grown, err := b.growth(e, c.AccuVar(), accu)
	if grown == nil || err != nil {
		return b.orBuild(e, err)
	}
	return grown, nil
}

func (b *builder) orBuild(e ast.Expr, err error) (node, error) {
	if err != nil {
		return nil, err
	}
	return b.build(e)
}

// growth builds accumulator + [element] and an insertion into the accumulator; nil if the expression is neither.
func (b *builder) growth(e ast.Expr, name string, accu int) (node, error) {
	if e.Kind() != ast.CallKind {
		return nil, nil
	}
	args := e.AsCall().Args()
	switch {
	case len(args) == 0 || !isName(args[0], name):
		return nil, nil
	case e.AsCall().FunctionName() == operators.Add && len(args) == 2 && args[1].Kind() == ast.ListKind &&
		args[1].AsList().Size() == 1 && len(args[1].AsList().OptionalIndices()) == 0:
		element, err := b.build(args[1].AsList().Elements()[0])
		if err != nil {
			return nil, err
		}
		return &push{accu: accu, element: element}, nil
	case e.AsCall().FunctionName() == mapInsert:
		rest, err := b.buildAll(args[1:])
		if err != nil {
			return nil, err
		}
		if len(rest) == 1 {
			return &insert{at: e, accu: accu, entries: rest[0]}, nil
		}
		return &insert{at: e, accu: accu, key: rest[0], value: rest[1]}, nil
	}
	return nil, nil
}

func isName(e ast.Expr, name string) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == name }

func isTrue(e ast.Expr) bool  { return e.Kind() == ast.LiteralKind && e.AsLiteral() == types.True }
func isFalse(e ast.Expr) bool { return e.Kind() == ast.LiteralKind && e.AsLiteral() == types.False }
