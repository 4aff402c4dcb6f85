package cel

import (
	"math"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// The operators. Ints and doubles mix: JSON does not tell them apart. Between two ints the arithmetic is that of ints,
// and an overflow is an error; as soon as one is a double it is that of doubles.

func add(r *run, a, b ref.Val) ref.Val {
	switch a := a.(type) {
	case types.Int:
		if b, ok := b.(types.Int); ok {
			return a.Add(b)
		}
	case types.String:
		if b, ok := b.(types.String); ok {
			if refused := r.chargeText(len(a) + len(b)); refused != nil {
				return refused
			}
			return a + b
		}
	case types.Bytes:
		if b, ok := b.(types.Bytes); ok {
			if refused := r.chargeText(len(a) + len(b)); refused != nil {
				return refused
			}
			return a.Add(b)
		}
	case *list:
		if b, ok := b.(*list); ok {
			r.charge(a.len() + b.len())
			return a.Add(b)
		}
	}
	if x, y, ok := doubles(a, b); ok {
		return types.Double(x + y)
	}
	if adder, ok := a.(traits.Adder); ok {
		return adder.Add(b)
	}
	return types.NoSuchOverloadErr()
}

func subtract(_ *run, a, b ref.Val) ref.Val {
	if x, y, ok := doubles(a, b); ok {
		return types.Double(x - y)
	}
	if s, ok := a.(traits.Subtractor); ok {
		return s.Subtract(b)
	}
	return types.NoSuchOverloadErr()
}

func multiply(_ *run, a, b ref.Val) ref.Val {
	if x, y, ok := doubles(a, b); ok {
		return types.Double(x * y)
	}
	if m, ok := a.(traits.Multiplier); ok {
		return m.Multiply(b)
	}
	return types.NoSuchOverloadErr()
}

func divide(_ *run, a, b ref.Val) ref.Val {
	if x, y, ok := doubles(a, b); ok {
		if y == 0 {
			return newFault("division by zero")
		}
		return types.Double(x / y)
	}
	if d, ok := a.(traits.Divider); ok {
		return d.Divide(b)
	}
	return types.NoSuchOverloadErr()
}

func modulo(_ *run, a, b ref.Val) ref.Val {
	if x, y, ok := doubles(a, b); ok {
		if y == 0 {
			return newFault("modulus by zero")
		}
		return types.Double(math.Mod(x, y))
	}
	if m, ok := a.(traits.Modder); ok {
		return m.Modulo(b)
	}
	return types.NoSuchOverloadErr()
}

func negate(_ *run, args []ref.Val) ref.Val {
	if n, ok := args[0].(traits.Negater); ok && !types.IsBool(args[0]) {
		return n.Negate()
	}
	return types.NoSuchOverloadErr()
}

func not(_ *run, args []ref.Val) ref.Val {
	if b, ok := args[0].(types.Bool); ok {
		return !b
	}
	return types.NoSuchOverloadErr()
}

// doubles gives two numbers of which at least one is a double. Uints do not mix, they are no JSON.
func doubles(a, b ref.Val) (x, y float64, ok bool) {
	switch a := a.(type) {
	case types.Double:
		switch b := b.(type) {
		case types.Double:
			return float64(a), float64(b), true
		case types.Int:
			return float64(a), float64(b), true
		}
	case types.Int:
		if b, isDouble := b.(types.Double); isDouble {
			return float64(a), float64(b), true
		}
	}
	return 0, 0, false
}

// comparison gives one of < <= > >=.
func comparison(holds func(sign types.Int) bool) func(r *run, a, b ref.Val) ref.Val {
	return func(r *run, a, b ref.Val) ref.Val {
		if isNaN(a) || isNaN(b) {
			return types.False
		}
		sign := compare(r, a, b)
		if s, ok := sign.(types.Int); ok {
			return types.Bool(holds(s))
		}
		return sign
	}
}

var (
	less          = comparison(func(s types.Int) bool { return s < 0 })
	lessEquals    = comparison(func(s types.Int) bool { return s <= 0 })
	greater       = comparison(func(s types.Int) bool { return s > 0 })
	greaterEquals = comparison(func(s types.Int) bool { return s >= 0 })
)

// compare gives -1, 0 or 1, or an error if the values have no order.
func compare(r *run, a, b ref.Val) ref.Val {
	c, ok := a.(traits.Comparer)
	if !ok {
		return types.NoSuchOverloadErr()
	}
	if s, isString := a.(types.String); isString {
		r.charge(len(s) / unitBytes)
	}
	return c.Compare(b)
}

func isNaN(v ref.Val) bool {
	d, ok := v.(types.Double)
	return ok && math.IsNaN(float64(d))
}

// equal tells whether two values are equal. Values of different types are not, but for numbers: 1 == 1.0. Without a run
// it charges nothing; the caller has done so then.
func equal(r *run, a, b ref.Val) bool {
	x, rawA := a.(*scalar)
	y, rawB := b.(*scalar)
	if rawA && rawB && sameInteger(x, y) {
		return true
	}
	if rawA && rawB && types.IsError(x.Val) && types.IsError(y.Val) {
		return x.json.Text() == y.json.Text()
	}
	if rawA && rawB && bigIntegers(x, y) {
		return false
	}
	a, b = cooked(a), cooked(b)
	switch a := a.(type) {
	case *list:
		b, ok := b.(*list)
		if !ok || a.len() != b.len() {
			return false
		}
		r.charge(a.len())
		for i := range a.len() {
			if !equal(r, a.at(i), b.at(i)) {
				return false
			}
		}
		return true
	case *object:
		return equalObjects(r, a, b)
	case *types.Optional:
		b, ok := b.(*types.Optional)
		if !ok || a.HasValue() != b.HasValue() {
			return false
		}
		return !a.HasValue() || equal(r, a.GetValue(), b.GetValue())
	case types.String:
		b, ok := b.(types.String)
		r.charge(len(a) / unitBytes)
		return ok && a == b
	}
	return types.Equal(a, b) == types.True
}

func equalObjects(r *run, a *object, other ref.Val) bool {
	b, ok := other.(*object)
	if !ok || a.len() != b.len() {
		return false
	}
	r.charge(2 * a.len())
	for i := range a.len() {
		v, found := b.find(a.key(i))
		if !found || !equal(r, a.at(i), v) {
			return false
		}
	}
	return true
}

func sameInteger(a, b *scalar) bool { return bigIntegers(a, b) && a.json.Text() == b.json.Text() }

// bigIntegers tells whether both are integers beyond an int, which their digits compare better than doubles do.
func bigIntegers(a, b *scalar) bool {
	return a.json.Kind() == value.Number && b.json.Kind() == value.Number &&
		isInteger(a.json.Text()) && isInteger(b.json.Text())
}

// in is the operator of that name. What is looked for is not cooked, so that large integers are compared by their digits.
func in(r *run, args []ref.Val) ref.Val { return within(r, args[0], cooked(args[1])) }

func within(r *run, a, b ref.Val) ref.Val {
	switch b := b.(type) {
	case *list:
		for i := range b.len() {
			r.charge(1)
			if equal(r, b.at(i), a) {
				return types.True
			}
		}
		return types.False
	case *object:
		return b.Contains(a)
	case *types.Err:
		return b
	}
	return types.NoSuchOverloadErr()
}
