package cel

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// root is a name that an expression takes from its scope.
type root struct {
	name     string // states.input, or that of a workflow variable
	variable bool
}

// value gives what the scope has for the i-th root of the program, nil if it has nothing.
func (p *program) value(r *run, i int) *value.Value {
	if v := r.roots[i]; v != nil {
		return v
	}
	v := p.roots[i].resolve(r)
	r.roots[i] = v
	return v
}

func (o root) resolve(r *run) *value.Value {
	switch {
	case o.variable:
		if r.scope.Variable != nil {
			return r.scope.Variable(o.name)
		}
		return nil
	case o.name == "states.input":
		return r.scope.Input
	case o.name == "states.result":
		return r.scope.Result
	case o.name == "states.errorOutput":
		return r.scope.ErrorOutput
	case r.scope.Context != nil:
		return r.scope.Context()
	}
	return nil
}

// path is a chain of selections and constant indices that starts at a root: states.input.items[0].price. It is
// followed through the JSON without a CEL value for each step.
type path struct {
	at    ast.Expr
	prog  *program
	root  int
	steps []step
	cook  bool // what it gives is computed with
}

// cookAll says of the paths among the arguments of a call that the call computes with them.
func cookAll(args []node) {
	for i, a := range args {
		if p, ok := a.(*path); ok {
			cooking := *p
			cooking.cook = true
			args[i] = &cooking
		}
	}
}

type step struct {
	at    ast.Expr
	key   string
	index int
	isKey bool
}

func (n *path) eval(r *run) ref.Val {
	v, err := n.find(r)
	if err != nil {
		return err
	}
	if n.cook && v.Kind() == value.Number {
		return cookedNumber(v)
	}
	return r.read(v)
}

func (n *path) find(r *run) (*value.Value, ref.Val) {
	r.charge(1)
	v := n.prog.value(r, n.root)
	if v == nil {
		return nil, n.prog.roots[n.root].missing(n.at)
	}
	for i := range n.steps {
		s := &n.steps[i]
		var next *value.Value
		if s.isKey {
			next = v.Get(s.key)
		} else if v.Kind() == value.Array && s.index >= 0 && s.index < v.Len() {
			next = v.At(s.index)
		}
		if next == nil {
			return nil, s.fail(n.prog, fromJSON(v))
		}
		v = next
	}
	return v, nil
}

func (o root) missing(at ast.Expr) ref.Val {
	if o.variable {
		return faultAt(at, "the variable %s has no value: nothing has assigned it yet", o.name)
	}
	return faultAt(at, "%s has no value here", o.name)
}

func (s *step) fail(p *program, operand ref.Val) ref.Val {
	if s.isKey {
		return p.noKey(s.at, operand, types.String(s.key))
	}
	return p.noIndex(s.at, operand, types.Int(s.index))
}

// operandOf gives the expression that a selection or an index looks into.
func operandOf(e ast.Expr) ast.Expr {
	if ops := operands(e); len(ops) > 0 {
		return ops[0]
	}
	return e
}

const (
	maxKeysShown = 12   // how many keys a message lists
	maxKeysRead  = 1000 // in how many a similar one is looked for
)

// noKey says why a selection fails, and what there would have been.
func (p *program) noKey(at ast.Expr, operand, key ref.Val) ref.Val {
	operand = cooked(operand)
	o, isObject := operand.(*object)
	of := clip(p.text(operandOf(at)))
	switch {
	case !isObject && operand == types.NullValue:
		return faultAt(at, "%s is null, it has no key %s", of, describe(key))
	case !isObject && typeName(operand) == "list":
		return faultAt(at, "%s is a list of %s, it has no key %s; an element is %s[0]",
			of, plural(operand.(*list).len(), "element"), describe(key), of)
	case !isObject:
		return faultAt(at, "%s is %s, it has no key %s", of, typed(operand), describe(key))
	case o.len() == 0:
		return faultAt(at, "no such key %s in %s; it is empty", describe(key), of)
	}
	var names, shown []string
	for i := range min(o.len(), maxKeysRead) {
		name, _ := keyText(o.key(i))
		names = append(names, name)
		if i < maxKeysShown {
			shown = append(shown, clip(name))
		}
	}
	message := fmt.Sprintf("no such key %s in %s; it has %s", describe(key), of, strings.Join(shown, ", "))
	if more := o.len() - len(shown); more > 0 {
		message += fmt.Sprintf(" and %s more", thousands(more))
	}
	if name, ok := key.(types.String); ok && len(name) > 2 {
		if near := diag.Closest(string(name), names); near != "" {
			message += fmt.Sprintf(" (did you mean %q?)", near)
		}
	}
	return faultAt(at, "%s", message)
}

// noIndex says why an index fails.
func (p *program) noIndex(at ast.Expr, operand, index ref.Val) ref.Val {
	of := clip(p.text(operandOf(at)))
	switch o := cooked(operand).(type) {
	case *list:
		if _, ok := integer(index); !ok {
			return faultAt(at, "%s is a list, its index must be an int, not %s", of, describe(index))
		}
		return faultAt(at, "index %s is out of range: %s has %s", describe(index), of, plural(o.len(), "element"))
	case *object:
		return p.noKey(at, operand, index)
	}
	if operand == types.NullValue {
		return faultAt(at, "%s is null, it has no element %s", of, describe(index))
	}
	return faultAt(at, "%s is %s, it has no element %s", of, typed(operand), describe(index))
}

func withArticle(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}
