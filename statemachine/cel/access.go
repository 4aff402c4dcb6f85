package cel

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// access is a.b, a[b], a.?b and a[?b].
type access struct {
	at       ast.Expr
	prog     *program
	operand  node
	key      node
	optional bool // a.?b and a[?b]: a missing key gives optional.none()
}

func (n *access) eval(r *run) ref.Val {
	r.charge(1)
	operand := n.operand.eval(r)
	if isError(operand) {
		return operand
	}
	key := cooked(n.key.eval(r))
	if isError(key) {
		return key
	}
	optional := n.optional
	if o, ok := operand.(*types.Optional); ok {
		// A selection from an optional value is optional itself, all along the chain.
		if !o.HasValue() {
			return o
		}
		operand, optional = o.GetValue(), true
	}
	v := lookUp(operand, key)
	if s, ok := v.(types.String); ok {
		r.charge(len(s) / unitBytes)
	}
	switch {
	case v != nil && optional:
		return types.OptionalOf(v)
	case v != nil:
		return v
	case optional && isContainer(operand):
		return types.OptionalNone
	}
	operand = cooked(operand)
	if isError(operand) {
		return operand
	}
	if n.at.Kind() == ast.SelectKind {
		return n.prog.noKey(n.at, operand, key)
	}
	return n.prog.noIndex(n.at, operand, key)
}

func isContainer(v ref.Val) bool {
	switch v.(type) {
	case *list, *object:
		return true
	}
	return false
}

// lookUp gives the element for an index or the value for a key, nil if there is none.
func lookUp(operand, key ref.Val) ref.Val {
	switch o := operand.(type) {
	case *object:
		if v, ok := o.find(key); ok {
			return v
		}
	case *list:
		if i, ok := integer(key); ok && i >= 0 && i < int64(o.len()) {
			return o.at(int(i))
		}
	}
	return nil
}

// has is has(a.b): whether a selection would find something.
type has struct {
	at      ast.Expr
	prog    *program
	operand node
	field   types.String
}

func (n *has) eval(r *run) ref.Val {
	r.charge(1)
	operand := n.operand.eval(r)
	if o, ok := operand.(*types.Optional); ok {
		if !o.HasValue() {
			return types.False
		}
		operand = o.GetValue()
	}
	switch o := cooked(operand).(type) {
	case *types.Err:
		return o
	case *object:
		_, found := o.find(n.field)
		return types.Bool(found)
	default:
		return n.prog.noKey(n.at, o, n.field)
	}
}

// states is the name states by itself: an object of all that is there.
type states struct {
	prog  *program
	roots []int
}

func (n *states) eval(r *run) ref.Val {
	o := &object{}
	for _, i := range n.roots {
		if v := n.prog.value(r, i); v != nil {
			o.put(types.String(n.prog.roots[i].name[len("states."):]), fromJSON(v))
		}
	}
	return o
}

// hasState is has(states.result): whether a field of states is there.
type hasState struct {
	prog *program
	root int
}

func (n *hasState) eval(r *run) ref.Val { return types.Bool(n.prog.value(r, n.root) != nil) }
