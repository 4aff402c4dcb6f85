package cel

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// builder turns a checked expression into nodes.
type builder struct {
	prog      *program
	refs      map[int64]*ast.ReferenceInfo
	variables map[string]bool // the workflow variables that the expression refers to
	locals    []localVar      // the variables of the macros around, innermost last
	roots     map[string]int
}

type localVar struct {
	name string
	slot int
}

// build gives the nodes of an expression. What it cannot build is a problem of the expression.
func (b *builder) build(e ast.Expr) (node, error) {
	switch e.Kind() {
	case ast.LiteralKind:
		return &constant{v: e.AsLiteral()}, nil
	case ast.IdentKind:
		return b.ident(e)
	case ast.SelectKind:
		return b.selection(e)
	case ast.CallKind:
		return b.call(e)
	case ast.ListKind:
		return b.list(e)
	case ast.MapKind:
		return b.object(e)
	case ast.ComprehensionKind:
		return b.comprehension(e)
	default:
		return nil, &misuse{
			at: e, message: "there are no message types in state machines",
			hint: `a map is written {"field": value}`,
		}
	}
}

// misuse is a sub-expression that parses and type-checks, and yet cannot be built.
type misuse struct {
	at            ast.Expr
	message, hint string
}

func (m *misuse) Error() string { return m.message }

func (b *builder) buildAll(exprs []ast.Expr) ([]node, error) {
	nodes := make([]node, len(exprs))
	for i, e := range exprs {
		n, err := b.build(e)
		if err != nil {
			return nil, err
		}
		nodes[i] = n
	}
	return nodes, nil
}

func (b *builder) ident(e ast.Expr) (node, error) {
	name := e.AsIdent()
	if slot, ok := b.local(name); ok {
		return &local{slot: slot}, nil
	}
	info := b.refs[e.ID()]
	if info != nil && info.Value != nil {
		return &constant{v: info.Value}, nil
	}
	if info != nil {
		name = info.Name
	}
	if v, ok := b.prog.names.typeNamed(name); ok && !b.variables[name] {
		return &constant{v: v}, nil
	}
	if name == statesName {
		n := &states{prog: b.prog}
		for _, field := range stateFields {
			n.roots = append(n.roots, b.root(statesName+"."+field.name, false))
		}
		return n, nil
	}
	return &path{at: e, prog: b.prog, root: b.root(name, true)}, nil
}

func (b *builder) local(name string) (slot int, ok bool) {
	for _, l := range slices.Backward(b.locals) {
		if l.name == name {
			return l.slot, true
		}
	}
	return 0, false
}

// declare gives a variable of a macro a slot of its own.
func (b *builder) declare(name string) int {
	b.locals = append(b.locals, localVar{name, b.prog.slots})
	b.prog.slots++
	return b.prog.slots - 1
}

func (b *builder) root(name string, variable bool) int {
	if i, ok := b.roots[name]; ok {
		return i
	}
	b.roots[name] = len(b.prog.roots)
	b.prog.roots = append(b.prog.roots, root{name: name, variable: variable})
	return b.roots[name]
}

func (b *builder) selection(e ast.Expr) (node, error) {
	if info := b.refs[e.ID()]; info != nil { // a qualified name
		if info.Value != nil {
			return &constant{v: info.Value}, nil
		}
		if v, ok := b.prog.names.typeNamed(info.Name); ok {
			return &constant{v: v}, nil
		}
	}
	sel := e.AsSelect()
	if sel.Operand().Kind() == ast.IdentKind && strings.TrimPrefix(sel.Operand().AsIdent(), ".") == statesName {
		if _, isLocal := b.local(sel.Operand().AsIdent()); !isLocal {
			i := b.root(statesName+"."+sel.FieldName(), false)
			if sel.IsTestOnly() {
				return &hasState{prog: b.prog, root: i}, nil
			}
			return &path{at: e, prog: b.prog, root: i}, nil
		}
	}
	operand, err := b.build(sel.Operand())
	if err != nil {
		return nil, err
	}
	if sel.IsTestOnly() {
		return &has{at: e, prog: b.prog, operand: operand, field: types.String(sel.FieldName())}, nil
	}
	if p, ok := operand.(*path); ok {
		return p.then(e, step{at: e, key: sel.FieldName(), isKey: true}), nil
	}
	return &access{at: e, prog: b.prog, operand: operand, key: &constant{v: types.String(sel.FieldName())}}, nil
}

// then gives the path with one more step.
func (n *path) then(at ast.Expr, s step) *path {
	return &path{at: at, prog: n.prog, root: n.root, steps: append(slices.Clip(n.steps), s)}
}

// index builds a[b] and its optional kin.
func (b *builder) index(e ast.Expr, optional bool) (node, error) {
	args, err := b.buildAll(e.AsCall().Args())
	if err != nil {
		return nil, err
	}
	p, isPath := args[0].(*path)
	key, isConstant := args[1].(*constant)
	if isPath && isConstant && !optional {
		switch k := key.v.(type) {
		case types.String:
			return p.then(e, step{at: e, key: string(k), isKey: true}), nil
		case types.Int:
			if int64(int(k)) == int64(k) && k >= 0 {
				return p.then(e, step{at: e, index: int(k)}), nil
			}
		}
	}
	return &access{at: e, prog: b.prog, operand: args[0], key: args[1], optional: optional}, nil
}

func (b *builder) list(e ast.Expr) (node, error) {
	l := e.AsList()
	elems, err := b.buildAll(l.Elements())
	if err != nil {
		return nil, err
	}
	n := &makeList{elems: elems, at: e}
	if len(l.OptionalIndices()) > 0 {
		n.optional = make([]bool, len(elems))
		for _, i := range l.OptionalIndices() {
			n.optional[i] = true
		}
	}
	if n.optional == nil && allConstant(elems) {
		return &constant{v: fold1(n)}, nil
	}
	return n, nil
}

func (b *builder) object(e ast.Expr) (node, error) {
	n := &makeObject{at: e}
	entries := e.AsMap().Entries()
	optional := make([]bool, len(entries))
	hasOptional := false
	for i, entry := range entries {
		m := entry.AsMapEntry()
		key, err := b.build(m.Key())
		if err != nil {
			return nil, err
		}
		v, err := b.build(m.Value())
		if err != nil {
			return nil, err
		}
		n.keys, n.vals = append(n.keys, key), append(n.vals, v)
		optional[i] = m.IsOptional()
		hasOptional = hasOptional || m.IsOptional()
	}
	if hasOptional {
		n.optional = optional
	}
	if err := n.checkKeys(); err != nil {
		return nil, err
	}
	if !hasOptional && allConstant(n.keys) && allConstant(n.vals) {
		return &constant{v: fold1(n)}, nil
	}
	return n, nil
}

// checkKeys finds literal keys that stand twice, or that no map can have.
func (n *makeObject) checkKeys() error {
	seen := map[any]bool{}
	for i, key := range n.keys {
		at := n.at.AsMap().Entries()[i].AsMapEntry().Key()
		literal, ok := key.(*constant)
		if !ok {
			continue
		}
		k, ok := canonicalKey(literal.v)
		switch _, isDouble := literal.v.(types.Double); {
		case !ok || isDouble:
			return &misuse{at: at, message: fmt.Sprintf("a map key must be a string, an int or a bool, not %s", describe(literal.v))}
		case seen[k]:
			return &misuse{at: at, message: fmt.Sprintf("the key %s stands twice in a map", describe(literal.v))}
		}
		seen[k] = true
	}
	return nil
}

func allConstant(nodes []node) bool {
	for _, n := range nodes {
		if _, ok := n.(*constant); !ok {
			return false
		}
	}
	return true
}

// fold1 evaluates a list or map of constants once and for all.
func fold1(n node) ref.Val { return n.eval(&run{left: maxCost}) }

func (b *builder) call(e ast.Expr) (node, error) {
	c := e.AsCall()
	name := c.FunctionName()
	switch name {
	case operators.Index:
		return b.index(e, false)
	case operators.OptSelect, operators.OptIndex:
		return b.index(e, true)
	}
	args, err := b.buildAll(operands(e))
	if err != nil {
		return nil, err
	}
	switch name {
	case operators.LogicalAnd:
		return &and{at: e, left: args[0], right: args[1]}, nil
	case operators.LogicalOr:
		return &or{at: e, left: args[0], right: args[1]}, nil
	case operators.Conditional:
		return &conditional{at: e, condition: args[0], then: args[1], other: args[2]}, nil
	case operators.NotStrictlyFalse, operators.OldNotStrictlyFalse: //nolint:staticcheck // the library still declares both
		return &notFalse{arg: args[0]}, nil
	case operators.Equals, operators.NotEquals:
		return &equals{left: args[0], right: args[1], not: name == operators.NotEquals}, nil
	case "or", "orValue":
		if c.IsMemberFunction() && len(args) == 2 {
			return &orElse{at: e, left: args[0], right: args[1], unwrap: name == "orValue"}, nil
		}
	}
	if fn, ok := binaries[name]; ok && len(args) == 2 {
		cookAll(args)
		return &operation{at: e, name: name, left: args[0], right: args[1], fn: fn}, nil
	}
	return b.function(e, name, args)
}

// binaries are the operators of two operands.
var binaries = map[string]func(r *run, a, b ref.Val) ref.Val{
	operators.Add:           add,
	operators.Subtract:      subtract,
	operators.Multiply:      multiply,
	operators.Divide:        divide,
	operators.Modulo:        modulo,
	operators.Less:          less,
	operators.LessEquals:    lessEquals,
	operators.Greater:       greater,
	operators.GreaterEquals: greaterEquals,
}

// function builds the call of a function: one of ours, or one of cel-go's.
func (b *builder) function(e ast.Expr, name string, args []node) (node, error) {
	if f, ok := functionNamed[name]; ok {
		if f.prepare != nil {
			fn, err := f.prepare(args)
			if err != nil {
				return nil, &misuse{at: e, message: err.Error()}
			}
			return &call{at: e, name: name, args: args, fn: fn}, nil
		}
		return &call{at: e, name: name, args: args, fn: f.do, raw: f.raw}, nil
	}
	var overloads []string
	if info := b.refs[e.ID()]; info != nil {
		overloads = info.OverloadIDs
	}
	f, ok := b.prog.names.binding(name, overloads)
	if !ok {
		return nil, &misuse{at: e, message: callName(name) + " cannot be used here"}
	}
	return &call{at: e, name: name, args: args, fn: fromLibrary(f, name, guards[name])}, nil
}
