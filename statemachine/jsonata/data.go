package jsonata

import (
	"math"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// While an expression is evaluated, a value is one of these, in an any:
//
//	nil           nothing ("undefined")
//	*value.Value  JSON that came in: it is read only as far as it must be, and comes out as it came in
//	null, bool, float64, string
//	*array, *object, *states
//	callable      a function
//	*tuple        an item of a stream of tuples, within a path only

// null is JSON's null.
type null struct{}

// array is an array. Its elements are in items, or in json if it came in, or they are count integers from first.
type array struct {
	items []any
	json  []*value.Value
	whole *value.Value // what json was taken from
	first float64
	count int

	sequence bool // made by a path or a function: one value stands for itself, none is nothing
	keep     bool // one value stays an array
	built    bool // by an array constructor that is not to be flattened
	outer    bool // holds the input of the whole expression, which is an array
	tuples   bool // the items are tuples
	shared   *int // how much of items' memory is in use, by all arrays that share it
}

// newSequence gives a sequence of values.
func newSequence(items ...any) *array { return &array{items: items, sequence: true} }

// length gives the number of elements.
func (a *array) length() int {
	switch {
	case a.json != nil:
		return len(a.json)
	case a.items != nil:
		return len(a.items)
	default:
		return a.count
	}
}

// at gives an element.
func (a *array) at(i int) any {
	switch {
	case a.json != nil:
		return a.json[i]
	case a.items != nil:
		return a.items[i]
	default:
		return a.first + float64(i)
	}
}

// push appends to a sequence that is being made.
func (a *array) push(v any) { a.items = append(a.items, v) }

// object is an object that an expression made.
type object struct {
	keys   []string
	values []any
	index  map[string]int
	owner  *copying // the transform that may change it
}

// indexFrom is how many members an object has before looking one up in a map beats comparing names.
const indexFrom = 12

// find gives the position of a member, -1 if there is none.
func (o *object) find(key string) int {
	if o.index == nil && len(o.keys) >= indexFrom {
		o.index = make(map[string]int, 2*len(o.keys))
		for i, k := range o.keys {
			o.index[k] = i
		}
	}
	if o.index != nil {
		if i, ok := o.index[key]; ok {
			return i
		}
		return -1
	}
	for i, k := range o.keys {
		if k == key {
			return i
		}
	}
	return -1
}

// set sets a member.
func (o *object) set(key string, v any) {
	if i := o.find(key); i >= 0 {
		o.values[i] = v
		return
	}
	if o.index != nil {
		o.index[key] = len(o.keys)
	}
	o.keys = append(o.keys, key)
	o.values = append(o.values, v)
}

// remove removes a member.
func (o *object) remove(key string) {
	i := o.find(key)
	if i < 0 {
		return
	}
	o.keys = append(o.keys[:i], o.keys[i+1:]...)
	o.values = append(o.values[:i], o.values[i+1:]...)
	o.index = nil
}

// class is the type of a value.
type class uint8

const (
	isNothing class = iota
	isNull
	isBool
	isNumber
	isString
	isArray
	isObject
	isFunction
)

// name gives the type's name, as $type does.
func (c class) String() string {
	return [...]string{"undefined", "null", "boolean", "number", "string", "array", "object", "function"}[c]
}

// classOf gives the type of a value.
func classOf(v any) class {
	switch v := v.(type) {
	case nil:
		return isNothing
	case *value.Value:
		return [...]class{
			value.Null: isNull, value.Bool: isBool, value.Number: isNumber, value.String: isString,
			value.Array: isArray, value.Object: isObject,
		}[v.Kind()]
	case null:
		return isNull
	case bool:
		return isBool
	case float64:
		return isNumber
	case string:
		return isString
	case *array:
		return isArray
	case *object, *states:
		return isObject
	default:
		return isFunction
	}
}

// asArray gives a value as an array, and nil if it is none.
func asArray(v any) *array {
	switch v := v.(type) {
	case *array:
		return v
	case *value.Value:
		if v.Kind() == value.Array {
			elems := v.Elems()
			if elems == nil {
				elems = []*value.Value{}
			}
			return &array{json: elems, whole: v}
		}
	}
	return nil
}

// asNumber gives the number that a value is. Digits beyond what a double holds are lost; beyond its range it is infinite.
func asNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case *value.Value:
		if v.Kind() == value.Number {
			f, ok := v.Float()
			if !ok && f == 0 {
				f = math.Inf(1)
			}
			return f, true
		}
	}
	return 0, false
}

// asText gives the text of a string.
func asText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case *value.Value:
		if v.Kind() == value.String {
			return textOf(v), true
		}
	}
	return "", false
}

// asBool gives the value of a boolean.
func asBool(v any) (b, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case *value.Value:
		return v.Bool(), v.Kind() == value.Bool
	}
	return false, false
}

// members gives the keys of an object, and a function that gives the value of one by its position.
func members(v any) ([]string, func(int) any) {
	switch v := v.(type) {
	case *object:
		return v.keys, func(i int) any { return v.values[i] }
	case *states:
		return members(v.whole())
	case *value.Value:
		if v.Kind() == value.Object {
			return v.Keys(), func(i int) any { return v.At(i) }
		}
	}
	return nil, nil
}

// member gives the value of a member of an object, nil if there is none.
func member(v any, key string) any {
	switch v := v.(type) {
	case *object:
		if i := v.find(key); i >= 0 {
			return v.values[i]
		}
	case *states:
		return v.field(key)
	case *value.Value:
		if m := v.Get(key); m != nil {
			return m
		}
	}
	return nil
}

// integer tells whether a number has no fraction.
func integer(f float64) bool { return f == math.Trunc(f) && !math.IsInf(f, 0) }

// formatNumber writes a number as JavaScript does.
func formatNumber(f float64) string {
	if v, ok := value.FromFloat(f); ok {
		return string(v.JSON())
	}
	switch {
	case math.IsNaN(f):
		return "NaN"
	case f > 0:
		return "Infinity"
	default:
		return "-Infinity"
	}
}
