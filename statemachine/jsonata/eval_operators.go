package jsonata

import (
	"math"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// binary evaluates an operator with two operands.
func (r *run) binary(n *node, in any, env *frame) any {
	left := r.eval(n.left, in, env)
	switch n.op {
	case opAnd:
		return r.truth(left) && r.truth(r.eval(n.right, in, env))
	case opOr:
		return r.truth(left) || r.truth(r.eval(n.right, in, env))
	default:
	}
	right := r.eval(n.right, in, env)
	switch n.op {
	case opAdd, opSubtract, opMultiply, opDivide, opModulo:
		return r.arithmetic(n, left, right)
	case opEqual, opNotEqual:
		if left == nil || right == nil {
			return false
		}
		return r.equal(left, right, 0) == (n.op == opEqual)
	case opLess, opLessEqual, opGreater, opGreaterEqual:
		return r.compare(n, left, right)
	case opConcat:
		a, b := r.textFor(left), r.textFor(right)
		r.take(len(a) + len(b))
		return join(a, b)
	case opIn:
		return r.includes(right, left)
	default:
		return r.rangeOf(n, left, right)
	}
}

// textFor gives the text of an operand of &.
func (r *run) textFor(v any) string {
	if v == nil {
		return ""
	}
	if s, ok := asText(v); ok {
		return s
	}
	return r.text(v, false)
}

// operand gives the number that an operand is, and false if there is none.
func (r *run) operand(n *node, v any, code string) (float64, bool) {
	if v == nil {
		return 0, false
	}
	r.spend(textSize(v) / longText) // numbers may have very many digits
	f, ok := asNumber(v)
	if !ok {
		r.failNode(code, n, v)
	}
	if math.IsInf(f, 0) || math.IsNaN(f) {
		raise(fault{code: "D1001", pos: n.pos, token: n.text, value: formatNumber(f)})
	}
	return f, true
}

func (r *run) arithmetic(n *node, left, right any) any {
	a, ok1 := r.operand(n, left, "T2001")
	b, ok2 := r.operand(n, right, "T2002")
	if !ok1 || !ok2 {
		return nil
	}
	switch n.op {
	case opAdd:
		return a + b
	case opSubtract:
		return a - b
	case opMultiply:
		return a * b
	case opDivide:
		return a / b
	default:
		return math.Mod(a, b)
	}
}

func (r *run) negate(n *node, in any, env *frame) any {
	v := r.eval(n.left, in, env)
	if f, ok := r.operand(n, v, "D1002"); ok {
		return -f
	}
	return nil
}

// compare evaluates < <= > >=.
func (r *run) compare(n *node, left, right any) any {
	lc, rc := classOf(left), classOf(right)
	if !hasOrder(lc) || !hasOrder(rc) {
		if hasOrder(lc) {
			r.failNode("T2010", n, right)
		}
		r.failNode("T2010", n, left)
	}
	if lc == isNothing || rc == isNothing {
		return nil
	}
	if lc != rc {
		r.failNode("T2009", n, shown(r.show(left)+" and "+r.show(right)))
	}
	if lc == isString {
		r.spend((textSize(left) + textSize(right)) / longText)
		a, _ := asText(left)
		b, _ := asText(right)
		return ordered(n.op, float64(compareText(a, b)), 0)
	}
	a, _ := asNumber(left)
	b, _ := asNumber(right)
	return ordered(n.op, a, b)
}

// hasOrder tells whether values of a type can be compared, or none is there.
func hasOrder(c class) bool { return c == isNothing || c == isNumber || c == isString }

func ordered(op operator, a, b float64) bool {
	switch op {
	case opLess:
		return a < b
	case opLessEqual:
		return a <= b
	case opGreater:
		return a > b
	default:
		return a >= b
	}
}

// includes evaluates in.
func (r *run) includes(list, v any) bool {
	if v == nil || list == nil {
		return false
	}
	a := asArray(list)
	if a == nil {
		return r.identical(list, v)
	}
	r.spend(a.length())
	for i := range a.length() {
		if r.identical(a.at(i), v) {
			return true
		}
	}
	return false
}

// longText is how long a text is, in bytes, that takes as much work as an evaluation.
const longText = 64

// identical compares as JavaScript's === does: arrays and objects are equal only to themselves.
func (r *run) identical(a, b any) bool {
	if n := textSize(a) + textSize(b); n > longText {
		r.spend(n / longText)
	}
	if x, ok := asNumber(a); ok {
		y, ok := asNumber(b)
		return ok && x == y
	}
	if x, ok := asText(a); ok {
		y, ok := asText(b)
		return ok && x == y
	}
	switch c := classOf(a); c {
	case isNull:
		return classOf(b) == isNull
	case isBool:
		x, _ := asBool(a)
		y, ok := asBool(b)
		return ok && x == y
	default:
		return a == b
	}
}

// equal compares values by what is in them; the order of an object's members does not count.
func (r *run) equal(a, b any, depth int) bool {
	depth = r.deeper(depth)
	c := classOf(a)
	if c != classOf(b) {
		return false
	}
	switch c {
	case isArray:
		x, y := asArray(a), asArray(b)
		if x.length() != y.length() {
			return false
		}
		r.spend(x.length())
		for i := range x.length() {
			if !r.equal(x.at(i), y.at(i), depth) {
				return false
			}
		}
		return true
	case isObject:
		keys, at := members(a)
		if others, _ := members(b); len(keys) != len(others) {
			return false
		}
		r.spend(len(keys))
		for i, k := range keys {
			other := member(b, k)
			if other == nil || !r.equal(at(i), other, depth) {
				return false
			}
		}
		return true
	default:
		return r.identical(a, b)
	}
}

// maxRange is how many numbers a range may have.
const maxRange = 10_000_000

func (r *run) rangeOf(n *node, left, right any) any {
	a, ok1 := asNumber(left)
	b, ok2 := asNumber(right)
	if left != nil && (!ok1 || !integer(a)) {
		r.failNode("T2003", n, left)
	}
	if right != nil && (!ok2 || !integer(b)) {
		r.failNode("T2004", n, right)
	}
	if left == nil || right == nil || a > b {
		return nil
	}
	size := b - a + 1
	if size > maxRange {
		r.failNode("D2014", n, size)
	}
	return &array{first: a, count: int(size), sequence: true}
}

// truth tells what a value decides. Nothing, null, 0, "", functions, and arrays and objects without anything that counts
// are false.
func (r *run) truth(v any) bool {
	if b, ok := v.(bool); ok {
		return b
	}
	return r.truthIn(v, 0)
}

func (r *run) truthIn(v any, depth int) bool {
	switch classOf(v) {
	case isBool:
		b, _ := asBool(v)
		return b
	case isNumber:
		f, _ := asNumber(v)
		return f != 0
	case isString:
		return textSize(v) > 0
	case isObject:
		keys, _ := members(v)
		return len(keys) > 0
	case isArray:
		a := asArray(v)
		if a.items == nil && a.json == nil {
			return a.count > 1 || a.count == 1 && a.first != 0
		}
		depth = r.deeper(depth)
		for i := range a.length() {
			r.spend(1)
			if r.truthIn(a.at(i), depth) {
				return true
			}
		}
		return false
	default:
		return false
	}
}

// textSize gives about how long the text of a string is, in bytes; 0 for the empty one only.
func textSize(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case *value.Value:
		return max(0, v.Size()-len(`""`))
	default:
		return 0
	}
}
