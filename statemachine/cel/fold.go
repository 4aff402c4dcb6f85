package cel

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// bind is cel.bind(x, value, body), and what macros make that evaluate something once.
type bind struct {
	slot        int
	value, body node
}

func (n *bind) eval(r *run) ref.Val {
	r.charge(1)
	r.slots[n.slot] = n.value.eval(r) // an error is one only where it is used
	return n.body.eval(r)
}

// fold is what all, exists, map, filter and their kin are made of: a loop over a list or map that computes an
// accumulator.
type fold struct {
	at                     ast.Expr
	over, init, goOn, step node
	result                 node
	accu, iter, iter2      int  // slots; iter2 is -1 in a loop of one variable
	always                 bool // goOn is true
}

func (n *fold) eval(r *run) ref.Val {
	r.charge(1)
	over := n.over.eval(r)
	if isError(over) {
		return over
	}
	init := n.init.eval(r)
	r.slots[n.accu] = init
	switch o := cooked(over).(type) {
	case *list:
		for i := range o.len() {
			if n.iter2 >= 0 {
				r.slots[n.iter], r.slots[n.iter2] = types.Int(i), r.element(o, i)
			} else {
				r.slots[n.iter] = r.element(o, i)
			}
			if !n.turn(r) {
				break
			}
		}
	case *object:
		for i := range o.len() {
			r.slots[n.iter] = o.key(i)
			if n.iter2 >= 0 {
				r.slots[n.iter2] = r.entry(o, i)
			}
			if !n.turn(r) {
				break
			}
		}
	default:
		return types.WrapErr(&fault{
			message: "only a list or a map can be looped over, not " + typeName(o), at: n.at, args: []ref.Val{over},
		})
	}
	return n.result.eval(r)
}

// turn is one turn of the loop; it gives false if the loop is over.
func (n *fold) turn(r *run) bool {
	r.charge(1)
	if !n.always && n.goOn.eval(r) == types.False {
		return false
	}
	accu := n.step.eval(r)
	r.slots[n.accu] = accu
	return !n.always || !isError(accu) // without a condition nothing can make good an error
}

// push is accumulator + [element], where nobody but the loop has seen the accumulator.
type push struct {
	accu    int
	element node
}

func (n *push) eval(r *run) ref.Val {
	r.charge(1)
	accu := r.slots[n.accu]
	l, ok := accu.(*list)
	if !ok {
		return accu // the error of an earlier turn
	}
	v := n.element.eval(r)
	if isError(v) {
		return v
	}
	l.push(v)
	return l
}

// insert is what transformMap does in each turn: accumulator with another key.
type insert struct {
	at         ast.Expr
	accu       int
	key, value node // or
	entries    node // a map whose entries are inserted
}

func (n *insert) eval(r *run) ref.Val {
	r.charge(entryCost)
	accu := r.slots[n.accu]
	o, ok := accu.(*object)
	if !ok {
		return accu
	}
	if n.entries == nil {
		key := n.key.eval(r)
		if isError(key) {
			return key
		}
		v := n.value.eval(r)
		if isError(v) {
			return v
		}
		return n.put(o, key, v)
	}
	entries := n.entries.eval(r)
	m, ok := entries.(*object)
	if !ok {
		if isError(entries) {
			return entries
		}
		return faultAt(n.at, "transformMapEntry() needs a map such as {key: value}, not %s", typeName(entries))
	}
	for i := range m.len() {
		r.charge(entryCost)
		if out := n.put(o, m.key(i), r.entry(m, i)); isError(out) {
			return out
		}
	}
	return o
}

// entryCost is what an entry of a map that grows takes.
const entryCost = 4

func (n *insert) put(o *object, key, v ref.Val) ref.Val {
	if o.position(cooked(key)) >= 0 {
		return faultAt(n.at, "the key %s comes twice", describe(key))
	}
	if !o.put(key, v) {
		return faultAt(n.at, "a map key must be a string, an int or a bool, not %s", describe(key))
	}
	return o
}
