package cel

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// node is an expression, built to be evaluated. An error is a value, a *types.Err.
type node interface {
	eval(r *run) ref.Val
}

// constant is a literal, or a list or map of literals.
type constant struct{ v ref.Val }

func (n *constant) eval(*run) ref.Val { return n.v }

// local is a variable of a macro: x in l.map(x, x + 1).
type local struct{ slot int }

func (n *local) eval(r *run) ref.Val { return r.slots[n.slot] }

// and is &&: false if either side is, even if the other is an error.
type and struct {
	at          ast.Expr
	left, right node
}

func (n *and) eval(r *run) ref.Val {
	left := n.left.eval(r)
	if left == types.False {
		return left
	}
	right := n.right.eval(r)
	if right == types.False || (left == types.True && right == types.True) {
		return right
	}
	return neither(n.at, "&&", left, right)
}

// or is ||: true if either side is, even if the other is an error.
type or struct {
	at          ast.Expr
	left, right node
}

func (n *or) eval(r *run) ref.Val {
	left := n.left.eval(r)
	if left == types.True {
		return left
	}
	right := n.right.eval(r)
	if right == types.True || (left == types.False && right == types.False) {
		return right
	}
	return neither(n.at, "||", left, right)
}

// neither gives the error of && and || when the sides do not decide: the first one there is, or that a side is no bool.
func neither(at ast.Expr, operator string, left, right ref.Val) ref.Val {
	if isError(left) {
		return left
	}
	if _, isBool := left.(types.Bool); isBool && isError(right) {
		return right
	}
	return notBool(at, operator, left, right)
}

func notBool(at ast.Expr, operator string, operands ...ref.Val) ref.Val {
	for _, v := range operands {
		if _, isBool := v.(types.Bool); !isBool {
			return types.WrapErr(&fault{message: operator + " needs true or false, not " + typeName(v), at: at, args: operands})
		}
	}
	return newFault("%s has no value", operator)
}

// conditional is c ? a : b.
type conditional struct {
	at                     ast.Expr
	condition, then, other node
}

func (n *conditional) eval(r *run) ref.Val {
	switch c := n.condition.eval(r); {
	case c == types.True:
		return n.then.eval(r)
	case c == types.False:
		return n.other.eval(r)
	case isError(c):
		return c
	default:
		return notBool(n.at, "?:", c)
	}
}

// notFalse is the loop condition of a macro: an error in one turn does not end the loop.
type notFalse struct{ arg node }

func (n *notFalse) eval(r *run) ref.Val { return types.Bool(n.arg.eval(r) != types.False) }

// orElse is a.or(b) and a.orValue(b), where b is evaluated only if it is needed.
type orElse struct {
	at          ast.Expr
	left, right node
	unwrap      bool // orValue
}

func (n *orElse) eval(r *run) ref.Val {
	left := n.left.eval(r)
	o, ok := left.(*types.Optional)
	switch {
	case ok && !o.HasValue():
		return n.right.eval(r)
	case ok && n.unwrap:
		return o.GetValue()
	case ok || isError(left):
		return left
	default:
		return faultAt(n.at, "or() and orValue() need an optional value, as a.?b gives, not %s", typeName(left))
	}
}

// makeList is [a, b, ?c].
type makeList struct {
	elems    []node
	optional []bool // which of them stand behind a question mark; nil if none does
	at       ast.Expr
}

func (n *makeList) eval(r *run) ref.Val {
	r.charge(1 + len(n.elems))
	l := emptyList(len(n.elems))
	for i, e := range n.elems {
		v := e.eval(r)
		if isError(v) {
			return v
		}
		if n.optional != nil && n.optional[i] {
			o, ok := v.(*types.Optional)
			if !ok {
				return faultAt(n.at, "an element behind ? must be an optional value, not %s", typeName(v))
			}
			if !o.HasValue() {
				continue
			}
			v = o.GetValue()
		}
		l.push(v)
	}
	return l
}

// makeObject is {k: v, ?k: o}.
type makeObject struct {
	keys, vals []node
	optional   []bool
	at         ast.Expr
}

func (n *makeObject) eval(r *run) ref.Val {
	r.charge(1 + 2*len(n.keys))
	o := &object{keys: make([]ref.Val, 0, len(n.keys)), vals: make([]ref.Val, 0, len(n.keys))}
	for i := range n.keys {
		key := cooked(n.keys[i].eval(r))
		if isError(key) {
			return key
		}
		v := n.vals[i].eval(r)
		if isError(v) {
			return v
		}
		if n.optional != nil && n.optional[i] {
			opt, ok := v.(*types.Optional)
			if !ok {
				return faultAt(n.at, "the value of ?%s must be optional, not %s", describe(key), typeName(v))
			}
			if !opt.HasValue() {
				continue
			}
			v = opt.GetValue()
		}
		if o.position(key) >= 0 {
			return faultAt(n.at, "the key %s stands twice in a map", describe(key))
		}
		if !o.put(key, v) {
			return faultAt(n.at, "a map key must be a string, an int or a bool, not %s", describe(key))
		}
	}
	return o
}
