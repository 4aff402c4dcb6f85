package cel

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// impl is what a function does. It is given no errors, and must not keep the slice of its arguments. It charges what it
// does beyond one unit before doing it.
type impl func(r *run, args []ref.Val) ref.Val

// call is a call of a function or an operator.
type call struct {
	at   ast.Expr
	name string
	args []node
	fn   impl
	raw  bool // the function takes scalars as they are
}

func (n *call) eval(r *run) ref.Val {
	r.charge(1)
	base := len(r.args)
	for _, a := range n.args {
		v := a.eval(r)
		if !n.raw {
			v = cooked(v)
		}
		if isError(v) {
			r.args = r.args[:base]
			return n.own(v)
		}
		r.args = append(r.args, v)
	}
	args := r.args[base:len(r.args):len(r.args)]
	out := n.fn(r, args)
	if err, is := out.(*types.Err); is {
		out = blame(err, n.at, n.name, args)
	}
	r.args = r.args[:base]
	return out
}

// own says where an argument's error comes from if it comes from nowhere, as that of a number beyond a double's range.
func (n *call) own(err ref.Val) ref.Val { return blame(err.(*types.Err), n.at, n.name, nil) }

// operation is a call of two arguments whose function needs no run: the operators on numbers and strings.
type operation struct {
	at          ast.Expr
	name        string
	left, right node
	fn          func(r *run, a, b ref.Val) ref.Val
}

func (n *operation) eval(r *run) ref.Val {
	r.charge(1)
	left := cooked(n.left.eval(r))
	if err, is := left.(*types.Err); is {
		return blame(err, n.at, n.name, nil)
	}
	right := cooked(n.right.eval(r))
	if err, is := right.(*types.Err); is {
		return blame(err, n.at, n.name, nil)
	}
	out := n.fn(r, left, right)
	if err, is := out.(*types.Err); is {
		return blame(err, n.at, n.name, []ref.Val{left, right})
	}
	return out
}

// equals is == and !=. Its operands are not cooked: 20-digit integers are compared by their digits.
type equals struct {
	left, right node
	not         bool
}

func (n *equals) eval(r *run) ref.Val {
	r.charge(1)
	left := n.left.eval(r)
	if isError(left) {
		return left
	}
	right := n.right.eval(r)
	if isError(right) {
		return right
	}
	return types.Bool(equal(r, left, right) != n.not)
}

// fromLibrary makes an implementation of one of cel-go's. The arguments are charged before the call and the result
// after it; before may charge more, or refuse.
func fromLibrary(f *functions.Overload, name string, before impl) impl {
	return func(r *run, args []ref.Val) ref.Val {
		if before != nil {
			if refused := before(r, args); refused != nil {
				return refused
			}
		}
		for _, a := range args {
			r.charge(bulk(a))
		}
		out := adopt(apply(f, name, args))
		r.charge(bulk(out))
		return out
	}
}

// apply calls a function of cel-go as its interpreter does.
func apply(f *functions.Overload, name string, args []ref.Val) ref.Val {
	if f.OperandTrait != 0 && len(args) > 0 && !args[0].Type().HasTrait(f.OperandTrait) {
		if args[0].Type().HasTrait(traits.ReceiverType) {
			return args[0].(traits.Receiver).Receive(name, "", args[1:])
		}
		return types.NoSuchOverloadErr()
	}
	switch {
	case len(args) == 1 && f.Unary != nil:
		return f.Unary(args[0])
	case len(args) == 2 && f.Binary != nil:
		return f.Binary(args[0], args[1])
	case f.Function != nil:
		return f.Function(args...)
	}
	return types.NoSuchOverloadErr()
}
