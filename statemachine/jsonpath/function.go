package jsonpath

import (
	"math"
	"slices"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// functions are the functions of paths, with the least and the most arguments that they take.
var functions = map[string]struct{ least, most int }{
	"length": {0, 1}, "size": {0, 1}, "keys": {0, 0},
	"min": {0, math.MaxInt}, "max": {0, math.MaxInt}, "avg": {0, math.MaxInt}, "stddev": {0, math.MaxInt},
	"sum": {0, math.MaxInt}, "concat": {0, math.MaxInt}, "append": {1, math.MaxInt},
	"first": {0, 0}, "last": {0, 0}, "index": {1, 1},
}

func functionNames() []string {
	names := make([]string, 0, len(functions))
	for name := range functions {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// callOn applies a function to all that a scan found; length() counts what is in the results that are arrays.
func (w *walk) callOn(f *functionStep, found []*value.Value) (*value.Value, error) {
	if f.name != "length" && f.name != "size" {
		all, err := w.array(found)
		if err != nil {
			return nil, err
		}
		return w.call(f, all)
	}
	n := 0
	for _, v := range found {
		if v = orNull(v); v.Kind() == value.Array {
			n += v.Len()
		} else {
			n++
		}
	}
	return value.FromInt(int64(n)), nil
}

// call applies a function to a value. A nil value without an error means that the function has no result for it.
func (w *walk) call(f *functionStep, v *value.Value) (*value.Value, error) {
	s := &subject{current: w.document, document: w.document, budget: w.budget}
	args, size := make([]*value.Value, len(f.args)), orNull(v).Len()
	for i, a := range f.args {
		arg, found, err := a.find(s)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, &Missing{Detail: "No results for path: " + string(a.append(nil))}
		}
		args[i] = orNull(arg)
		size += args[i].Len()
	}
	v = orNull(v)
	if err := w.budget.visitAll(size); err != nil {
		return nil, err
	}
	switch f.name {
	case "length", "size":
		return length(v, args), nil
	case "keys":
		return keys(v), nil
	case "concat":
		return concat(v, args)
	case "append":
		if v.Kind() != value.Array {
			return nil, nil
		}
		return w.array(slices.Concat(v.Elems(), args))
	case "first", "last", "index":
		return pick(f.name, v, args)
	default:
		return aggregate(f.name, v, args)
	}
}

func (b *budget) visitAll(n int) error {
	b.visits -= n
	return b.visit()
}

func length(v *value.Value, args []*value.Value) *value.Value {
	if len(args) > 0 {
		v = args[0]
	}
	if v.Kind() != value.Array && v.Kind() != value.Object {
		return nil
	}
	return value.FromInt(int64(v.Len()))
}

func keys(v *value.Value) *value.Value {
	if v.Kind() != value.Object {
		return nil
	}
	elems := make([]*value.Value, v.Len())
	for i, key := range v.Keys() {
		elems[i] = value.FromString(key)
	}
	return value.FromArray(elems)
}

// concat joins the text in an array and the arguments.
func concat(v *value.Value, args []*value.Value) (*value.Value, error) {
	var b strings.Builder
	add := func(list []*value.Value) {
		for _, e := range list {
			if e.Kind() == value.String && b.Len() <= maxBytes {
				b.WriteString(e.Text())
			}
		}
	}
	if v.Kind() == value.Array {
		add(v.Elems())
	}
	for _, arg := range args {
		if arg.Kind() == value.Array {
			add(arg.Elems())
		} else if b.Len() <= maxBytes {
			b.WriteString(scalarText(arg))
		}
	}
	if b.Len() > maxBytes {
		return nil, limitError("bytes in a result", maxBytes)
	}
	return value.FromString(b.String()), nil
}

func pick(name string, v *value.Value, args []*value.Value) (*value.Value, error) {
	index := int64(0)
	switch name {
	case "last":
		index = -1
	case "index":
		n, ok := args[0].Int()
		if !ok || n != int64(int32(n)) {
			return nil, &Missing{Detail: "The argument of index() is not an integer: " + args[0].String()}
		}
		index = n
	}
	if v.Kind() != value.Array || v.Len() == 0 {
		return nil, &Missing{Detail: "Aggregation function attempted to calculate value using empty array"}
	}
	return element(v, int(index)), nil
}

// aggregate computes over the numbers in an array and in the arguments.
func aggregate(name string, v *value.Value, args []*value.Value) (*value.Value, error) {
	var numbers []float64
	add := func(v *value.Value) {
		if f, ok := v.Float(); ok {
			numbers = append(numbers, f)
		}
	}
	for _, each := range slices.Concat([]*value.Value{v}, args) {
		if each.Kind() == value.Array {
			for _, e := range each.Elems() {
				add(e)
			}
		} else if each != v {
			add(each)
		}
	}
	if len(numbers) == 0 {
		return nil, &Missing{Detail: "Aggregation function attempted to calculate value using empty array"}
	}
	sum, squares := 0.0, 0.0
	for _, f := range numbers {
		sum += f
		squares += f * f
	}
	n := float64(len(numbers))
	var result float64
	switch name {
	case "min":
		result = slices.Min(numbers)
	case "max":
		result = slices.Max(numbers)
	case "avg":
		result = sum / n
	case "stddev":
		result = math.Sqrt(max(0, squares/n-sum*sum/n/n))
	default:
		result = sum
	}
	number, ok := value.FromFloat(result)
	if !ok {
		return nil, &Missing{Detail: "The result of " + name + "() is beyond the range of numbers"}
	}
	return number, nil
}

// sortedKeys gives the names of an object's members in order.
func sortedKeys(v *value.Value) []string {
	names := slices.Clone(v.Keys())
	slices.Sort(names)
	return names
}
