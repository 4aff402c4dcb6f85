package jsonpath

import (
	"slices"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// operator is a comparison of a filter.
type operator uint8

const (
	opEqual operator = iota
	opNotEqual
	opLess
	opLessOrEqual
	opGreater
	opGreaterOrEqual
	opSameTypeEqual
	opSameTypeNotEqual
	opRegex
	opIn
	opNotIn
	opContains
	opAll
	opSize
	opEmpty
	opSubsetOf
	opAnyOf
	opNoneOf
)

// operatorNames is in the order of the constants.
var operatorNames = []string{
	"==", "!=", "<", "<=", ">", ">=", "===", "!==", "=~",
	"in", "nin", "contains", "all", "size", "empty", "subsetof", "anyof", "noneof",
}

func (o operator) String() string { return operatorNames[o] }

func (t compareTest) holds(s *subject) (bool, error) {
	if err := s.budget.visit(); err != nil {
		return false, err
	}
	if t.operator == opRegex {
		return t.matches(s)
	}
	left, leftFound, err := t.left.find(s)
	if err != nil {
		return false, err
	}
	right, rightFound, err := t.right.find(s)
	if err != nil {
		return false, err
	}
	// A path that leads nowhere equals nothing, itself included.
	found := leftFound && rightFound
	left, right = orNull(left), orNull(right)
	c := comparison{left: left, right: right, budget: s.budget}
	var holds bool
	switch t.operator {
	case opEqual:
		holds = found && c.equal(left, right)
	case opNotEqual:
		holds = !found || !c.equal(left, right)
	case opSameTypeEqual:
		holds = found && sameType(left, right) && c.equal(left, right)
	case opSameTypeNotEqual:
		holds = !found || !sameType(left, right) || !c.equal(left, right)
	case opLess, opLessOrEqual, opGreater, opGreaterOrEqual:
		holds = found && c.ordered(t.operator)
	default:
		holds = c.collection(t.operator, leftFound, rightFound)
	}
	return holds, c.err
}

// sameType is what === asks for: arrays and objects are of one type in Jayway's library.
func sameType(a, b *value.Value) bool {
	return a.Kind() == b.Kind() || (a.Kind() >= value.Array && b.Kind() >= value.Array)
}

// comparison is one comparison; err is set when it exceeds the budget.
type comparison struct {
	left, right *value.Value
	budget      *budget
	err         error
}

// equal compares as Jayway's library does, which takes a number and the text of that number for equal.
func (c *comparison) equal(a, b *value.Value) bool {
	if c.err == nil {
		c.err = c.budget.visitAll((a.Size() + b.Size()) >> 8)
	}
	if c.err != nil {
		return false
	}
	switch ak, bk := a.Kind(), b.Kind(); {
	case ak == value.Number && bk == value.Number:
		return compareNumbers(a, b) == 0
	case ak == value.Number && bk == value.String:
		n := parseNumber(b.Text())
		return n != nil && compareNumbers(a, n) == 0
	case ak == value.String && bk == value.Number, ak == value.String && bk == value.String:
		return a.Text() == b.Text()
	case ak != bk:
		return false
	case ak == value.Array, ak == value.Object:
		return c.same(a, b)
	default:
		return a.Bool() == b.Bool()
	}
}

// same compares values exactly, as the elements and members of arrays and objects are.
func (c *comparison) same(a, b *value.Value) bool {
	if c.err == nil {
		c.err = c.budget.visitAll((a.Size() + b.Size()) >> 8)
	}
	if c.err != nil || a.Kind() != b.Kind() {
		return false
	}
	switch a.Kind() {
	case value.Number:
		return compareNumbers(a, b) == 0
	case value.String:
		return a.Text() == b.Text()
	case value.Array:
		return a.Len() == b.Len() && !slices.ContainsFunc(indexes(a), func(i int) bool { return !c.same(a.At(i), b.At(i)) })
	case value.Object:
		return a.Len() == b.Len() && !slices.ContainsFunc(indexes(a), func(i int) bool {
			other := b.Get(a.Key(i))
			return other == nil || !c.same(a.At(i), other)
		})
	default:
		return a.Bool() == b.Bool()
	}
}

// indexes gives 0 to the length of an array or object.
func indexes(v *value.Value) []int {
	all := make([]int, v.Len())
	for i := range all {
		all[i] = i
	}
	return all
}

// ordered compares numbers and text; a number and a text compare as text.
func (c *comparison) ordered(op operator) bool {
	scalar := func(v *value.Value) bool { return v.Kind() == value.Number || v.Kind() == value.String }
	if !scalar(c.left) || !scalar(c.right) {
		return false
	}
	var order int
	if c.left.Kind() == value.Number && c.right.Kind() == value.Number {
		order = compareNumbers(c.left, c.right)
	} else {
		order = compareText(c.left.Text(), c.right.Text())
	}
	switch op {
	case opLess:
		return order < 0
	case opLessOrEqual:
		return order <= 0
	case opGreater:
		return order > 0
	default:
		return order >= 0
	}
}

// collection evaluates the operators that have names.
func (c *comparison) collection(op operator, leftFound, rightFound bool) bool {
	list := func(v *value.Value, found bool) ([]*value.Value, bool) {
		if !found || v.Kind() != value.Array {
			return nil, false
		}
		return v.Elems(), true
	}
	left, leftIsList := list(c.left, leftFound)
	right, rightIsList := list(c.right, rightFound)
	switch op {
	case opIn:
		return rightIsList && leftFound && c.contains(right, c.left)
	case opNotIn:
		return !(rightIsList && leftFound && c.contains(right, c.left))
	case opContains:
		if leftIsList {
			return rightFound && c.contains(left, c.right)
		}
		return leftFound && rightFound && containsText(c.left, c.right)
	case opAll, opSubsetOf:
		if op == opSubsetOf {
			left, right = right, left
		}
		return leftIsList && rightIsList && c.containsAll(left, right)
	case opAnyOf:
		return leftIsList && rightIsList && c.containsAny(left, right)
	case opNoneOf:
		return leftIsList && rightIsList && !c.containsAny(left, right)
	case opSize:
		n, ok := c.right.Int()
		size, sized := sizeOf(c.left)
		return ok && leftFound && sized && int64(size) == n
	case opEmpty:
		size, sized := sizeOf(c.left)
		return leftFound && sized && c.right.Kind() == value.Bool && (size == 0) == c.right.Bool()
	default:
		return false
	}
}

func (c *comparison) contains(list []*value.Value, v *value.Value) bool {
	return slices.ContainsFunc(list, func(e *value.Value) bool { return c.equal(e, v) || c.err != nil })
}

func (c *comparison) containsAll(list, wanted []*value.Value) bool {
	return !slices.ContainsFunc(wanted, func(e *value.Value) bool { return !c.contains(list, e) })
}

func (c *comparison) containsAny(list, wanted []*value.Value) bool {
	return slices.ContainsFunc(wanted, func(e *value.Value) bool { return c.contains(list, e) })
}

// matches evaluates =~, whose pattern must match the whole text. Of an array, one element suffices.
func (t compareTest) matches(s *subject) (bool, error) {
	against, isPattern := t.right.(*pattern)
	other := t.left
	if !isPattern {
		against, isPattern = t.left.(*pattern)
		other = t.right
	}
	if _, both := other.(*pattern); !isPattern || both {
		return false, nil
	}
	v, found, err := other.find(s)
	if err != nil {
		return false, err
	}
	texts := []*value.Value{orNull(v)}
	if found && texts[0].Kind() == value.Array {
		texts = texts[0].Elems()
	}
	for _, e := range texts {
		if err := s.budget.visitAll(e.Size() * (len(against.source) + 8) >> 8); err != nil {
			return false, err
		}
		if against.match.MatchString(scalarText(e)) {
			return true, nil
		}
	}
	return false, nil
}

// scalarText gives what a pattern is matched with: text, the digits of a number, true or false, and else nothing.
func scalarText(v *value.Value) string {
	if v.Kind() == value.Bool {
		return v.String()
	}
	return v.Text()
}
