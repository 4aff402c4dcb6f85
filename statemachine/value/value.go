// Package value holds JSON values as executions carry them: immutable, lossless, and parsed only when something reads
// them, and then only as deep as it reads.
//
// A value that is only passed on costs nothing and comes out byte for byte as it came in; one that becomes part of
// another loses its white space and nothing else: numbers keep their digits
// (1e400, 20-digit integers), strings keep their escapes (\u0000, lone surrogates), objects keep the order of their
// members.
package value

import (
	"math"
	"strconv"
	"sync/atomic"
)

// Kind is the JSON type of a value.
type Kind uint8

// The kinds of JSON values.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// String names the kind as JSON does.
func (k Kind) String() string {
	return [...]string{"null", "boolean", "number", "string", "array", "object"}[k]
}

// Value is an immutable JSON value. It is safe for concurrent use. A nil *Value means that there is no value, which is
// not JSON's null.
type Value struct {
	raw   []byte                // compact or not, always valid JSON; nil for a built array or object
	tree  atomic.Pointer[level] // the first level of the value, once something has read it
	depth atomic.Int32          // how deep arrays and objects nest in it, plus one; 0 until it is known
}

// level is one parsed level of a value: its elements and members are values that parse themselves when read.
type level struct {
	kind  Kind
	keys  []string // Object: the names of elems
	elems []*Value // Array, Object
	index map[string]int
	size  int // of the text of a built array or object, in bytes
}

// The constants of JSON.
var (
	NullValue  = Trusted([]byte("null"))
	TrueValue  = Trusted([]byte("true"))
	FalseValue = Trusted([]byte("false"))
)

// Trusted wraps text that is known to be valid JSON, as everything is that this package has checked or made before
// (a stored payload, for one). The caller must not change the bytes afterwards.
func Trusted(raw []byte) *Value { return &Value{raw: raw} }

// FromBool gives true or false.
func FromBool(b bool) *Value {
	if b {
		return TrueValue
	}
	return FalseValue
}

// FromInt gives a number.
func FromInt(i int64) *Value { return Trusted(strconv.AppendInt(nil, i, 10)) }

// FromUint gives a number.
func FromUint(i uint64) *Value { return Trusted(strconv.AppendUint(nil, i, 10)) }

// FromFloat gives a number in the shortest form that reads back to the same float64, without an exponent between
// 1e-6 and 1e21 (the form of ECMAScript, which JSONata and the service share). It gives false for NaN and the
// infinities, which JSON does not have.
func FromFloat(f float64) (*Value, bool) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, false
	}
	return Trusted(appendFloat(nil, f)), true
}

func appendFloat(b []byte, f float64) []byte {
	if f == 0 {
		return append(b, '0') // JSON knows -0, but no user of a result wants to see it
	}
	abs := math.Abs(f)
	if abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(b, f, 'f', -1, 64)
	}
	b = strconv.AppendFloat(b, f, 'e', -1, 64)
	// strconv writes e-07 where ECMAScript and encoding/json write e-7.
	if n := len(b); n >= 4 && b[n-4] == 'e' && b[n-2] == '0' {
		b[n-2] = b[n-1]
		b = b[:n-1]
	}
	return b
}

// FromNumber gives a number from its digits, which must be valid JSON.
func FromNumber(digits string) *Value { return Trusted([]byte(digits)) }

// FromString gives a string.
func FromString(s string) *Value {
	return Trusted(AppendString(make([]byte, 0, quotedSize(s)), s))
}

// FromArray gives an array of values. The caller must not change the slice afterwards.
func FromArray(elems []*Value) *Value {
	size := len("[]") + max(0, len(elems)-1)
	for _, e := range elems {
		size += e.Size()
	}
	v := &Value{}
	v.tree.Store(&level{kind: Array, elems: elems, size: size})
	return v
}

// FromObject gives an object of members in this order; keys must be distinct. The caller must not change the slices
// afterwards.
func FromObject(keys []string, values []*Value) *Value {
	size := len("{}") + max(0, len(keys)-1)
	for i, k := range keys {
		size += quotedSize(k) + len(":") + values[i].Size()
	}
	v := &Value{}
	v.tree.Store(&level{kind: Object, keys: keys, elems: values, size: size})
	return v
}

// Kind gives the JSON type.
func (v *Value) Kind() Kind {
	if l := v.tree.Load(); l != nil {
		return l.kind
	}
	switch v.raw[skipSpace(v.raw, 0)] {
	case '{':
		return Object
	case '[':
		return Array
	case '"':
		return String
	case 't', 'f':
		return Bool
	case 'n':
		return Null
	default:
		return Number
	}
}

// IsNull tells whether the value is JSON's null.
func (v *Value) IsNull() bool { return v.Kind() == Null }

// Bool gives the value of a boolean, false for any other kind.
func (v *Value) Bool() bool {
	return v.Kind() == Bool && v.raw[skipSpace(v.raw, 0)] == 't'
}

// Text gives the decoded text of a string, or the digits of a number; "" for any other kind. A lone surrogate is
// decoded to U+FFFD; the value itself keeps it.
func (v *Value) Text() string {
	switch v.Kind() {
	case String:
		i := skipSpace(v.raw, 0)
		return unquote(v.raw[i:skipString(v.raw, i)])
	case Number:
		return string(v.digits())
	default:
		return ""
	}
}

// digits gives the text of a number.
func (v *Value) digits() []byte {
	i := skipSpace(v.raw, 0)
	return v.raw[i:skipScalar(v.raw, i)]
}

// Int gives a number as an int64, and false if it is no number, has a fraction, or does not fit. 1e3 and 5.0 are
// integers.
func (v *Value) Int() (int64, bool) {
	if v.Kind() != Number {
		return 0, false
	}
	digits := v.digits()
	if i, err := strconv.ParseInt(string(digits), 10, 64); err == nil {
		return i, true
	}
	f, err := strconv.ParseFloat(string(digits), 64)
	// 2^53 bounds what a float64 holds exactly.
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// Float gives a number as the nearest float64, and false if it is no number or lies beyond the range of float64.
func (v *Value) Float() (float64, bool) {
	if v.Kind() != Number {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v.digits()), 64)
	return f, err == nil
}

// Len gives the number of elements of an array or members of an object, 0 for any other kind.
func (v *Value) Len() int {
	switch v.Kind() {
	case Array, Object:
		return len(v.read().elems)
	default:
		return 0
	}
}

// At gives an element of an array or the value of the i-th member of an object. It panics if i is out of range.
func (v *Value) At(i int) *Value { return v.read().elems[i] }

// Key gives the name of the i-th member of an object. It panics if i is out of range.
func (v *Value) Key(i int) string { return v.read().keys[i] }

// Elems gives the elements of an array or the values of an object's members. The caller must not change the slice.
func (v *Value) Elems() []*Value {
	switch v.Kind() {
	case Array, Object:
		return v.read().elems
	default:
		return nil
	}
}

// Keys gives the names of an object's members in order. The caller must not change the slice.
func (v *Value) Keys() []string {
	if v.Kind() != Object {
		return nil
	}
	return v.read().keys
}

// Get gives the value of a member, and nil if the value is no object or has none of that name.
func (v *Value) Get(key string) *Value {
	if v == nil || v.Kind() != Object {
		return nil
	}
	l := v.read()
	if l.index != nil {
		if i, ok := l.index[key]; ok {
			return l.elems[i]
		}
		return nil
	}
	for i, k := range l.keys {
		if k == key {
			return l.elems[i]
		}
	}
	return nil
}

// Size gives the number of bytes that JSON has at the most, without making the text: white space inside of what a value
// was built of counts, although the text is without it.
func (v *Value) Size() int {
	if v.raw != nil {
		return len(v.raw)
	}
	return v.tree.Load().size
}

// Depth gives how deep arrays and objects nest: 0 for a scalar, 1 for an array of scalars. What is built must not
// exceed MaxDepth, or Parse refuses its text.
func (v *Value) Depth() int {
	if d := v.depth.Load(); d > 0 {
		return int(d) - 1
	}
	deepest := 0
	if v.raw != nil {
		deepest = depth(v.raw)
	} else {
		for _, e := range v.tree.Load().elems {
			deepest = max(deepest, e.Depth())
		}
		deepest++
	}
	v.depth.Store(int32(min(deepest, math.MaxInt32-1)) + 1)
	return deepest
}

// JSON gives the text of the value: as it came in, or compact if it was built. The caller must not change the bytes.
func (v *Value) JSON() []byte {
	if v.raw != nil {
		return v.raw
	}
	return v.Append(make([]byte, 0, v.Size()))
}

// Settled gives the value with its text made, so that JSON costs nothing from then on.
func (v *Value) Settled() *Value {
	if v == nil || v.raw != nil {
		return v
	}
	settled := &Value{raw: v.Append(make([]byte, 0, 64))}
	settled.tree.Store(v.tree.Load())
	return settled
}

// String gives the text of the value, for messages.
func (v *Value) String() string { return string(v.JSON()) }

// Append appends the text of the value.
func (v *Value) Append(b []byte) []byte {
	if v.raw != nil {
		return append(b, v.raw...)
	}
	return v.appendCompact(b)
}

// appendCompact appends the text of the value without white space. What is built of other values is compact all
// through, as the Step Functions service writes it.
func (v *Value) appendCompact(b []byte) []byte {
	if v.raw != nil {
		return compact(b, v.raw)
	}
	l := v.tree.Load()
	if l.kind == Array {
		b = append(b, '[')
		for i, e := range l.elems {
			if i > 0 {
				b = append(b, ',')
			}
			b = e.appendCompact(b)
		}
		return append(b, ']')
	}
	b = append(b, '{')
	for i, e := range l.elems {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, l.keys[i])
		b = append(b, ':')
		b = e.appendCompact(b)
	}
	return append(b, '}')
}

// read gives the first level of the value. Two goroutines that read at once may both parse; either result serves.
func (v *Value) read() *level {
	if l := v.tree.Load(); l != nil {
		return l
	}
	l := parseLevel(v.raw)
	v.tree.Store(l)
	return l
}
