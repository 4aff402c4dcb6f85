package cel

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// list is a CEL list: either of values, or a JSON array that is read as its elements are asked for.
//
// What cel-go's functions see of it (the methods of traits.Lister) are cooked elements; the evaluator takes at, which
// gives them as they are.
type list struct {
	json  *value.Value // the array, or nil
	elems []ref.Val    // if there is no array
	size  int          // of elems, as weight counts it
}

var _ traits.Lister = (*list)(nil)

func newList(elems []ref.Val) *list {
	l := &list{elems: elems}
	for _, e := range elems {
		l.size += weight(e)
	}
	return l
}

// emptyList gives a list that push can fill.
func emptyList(capacity int) *list { return &list{elems: make([]ref.Val, 0, capacity)} }

// push appends an element. Only the one who made the list may do so, before anyone else sees it.
func (l *list) push(v ref.Val) {
	l.elems = append(l.elems, v)
	l.size += weight(v)
}

func (l *list) len() int {
	if l.json != nil {
		return l.json.Len()
	}
	return len(l.elems)
}

func (l *list) at(i int) ref.Val {
	if l.json != nil {
		return fromJSON(l.json.At(i))
	}
	return l.elems[i]
}

// slice gives the elements from one index up to, and without, another.
func (l *list) slice(from, to int) *list {
	if l.json != nil {
		return &list{json: value.FromArray(l.json.Elems()[from:to:to])}
	}
	return newList(l.elems[from:to:to])
}

// Size implements traits.Sizer.
func (l *list) Size() ref.Val { return types.Int(l.len()) }

// Get implements traits.Indexer.
func (l *list) Get(index ref.Val) ref.Val {
	i, ok := integer(cooked(index))
	if !ok {
		return newFault("a list is indexed by an int, not by %s", describe(index))
	}
	if i < 0 || i >= int64(l.len()) {
		return newFault("index %d is out of range: %s", i, plural(l.len(), "element"))
	}
	return cooked(l.at(int(i)))
}

// Contains implements traits.Container.
func (l *list) Contains(v ref.Val) ref.Val {
	for i := range l.len() {
		if equal(nil, l.at(i), v) {
			return types.True
		}
	}
	return types.False
}

// Add implements traits.Adder.
func (l *list) Add(other ref.Val) ref.Val {
	o, ok := adopt(other).(*list)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	sum := emptyList(l.len() + o.len())
	for i := range l.len() {
		sum.push(l.at(i))
	}
	for i := range o.len() {
		sum.push(o.at(i))
	}
	return sum
}

// Equal implements ref.Val.
func (l *list) Equal(other ref.Val) ref.Val { return types.Bool(equal(nil, l, adopt(other))) }

// Type implements ref.Val.
func (l *list) Type() ref.Type { return types.ListType }

// Value implements ref.Val.
func (l *list) Value() any { return l }

// IsZeroValue implements traits.Zeroer.
func (l *list) IsZeroValue() bool { return l.len() == 0 }

// ConvertToType implements ref.Val.
func (l *list) ConvertToType(t ref.Type) ref.Val {
	switch t {
	case types.ListType:
		return l
	case types.TypeType:
		return types.ListType
	}
	return newFault("a list cannot be converted to %s", t.TypeName())
}

// ConvertToNative implements ref.Val.
func (l *list) ConvertToNative(t reflect.Type) (any, error) {
	if t.Kind() != reflect.Slice {
		return nil, fmt.Errorf("a list cannot be converted to %v", t)
	}
	native := reflect.MakeSlice(t, l.len(), l.len())
	for i := range l.len() {
		e, err := cooked(l.at(i)).ConvertToNative(t.Elem())
		if err != nil {
			return nil, err
		}
		native.Index(i).Set(reflect.ValueOf(e))
	}
	return native.Interface(), nil
}

// Iterator implements traits.Iterable.
func (l *list) Iterator() traits.Iterator {
	return &iterator{count: l.len(), next: func(i int) ref.Val { return cooked(l.at(i)) }}
}

// iterator walks the elements of a list or the keys of an object.
type iterator struct {
	ref.Val
	count, i int
	next     func(i int) ref.Val
}

func (it *iterator) HasNext() ref.Val { return types.Bool(it.i < it.count) }

func (it *iterator) Next() ref.Val {
	if it.i >= it.count {
		return nil
	}
	it.i++
	return it.next(it.i - 1)
}

// weight gives about how many bytes of JSON a value makes. It costs nothing: lists and objects keep count, so that a
// small expression that makes a huge value (the same list ten times in a list, that ten times in another) is seen
// before anything walks through it.
func weight(v ref.Val) int {
	switch v := v.(type) {
	case *list:
		if v.json != nil {
			return v.json.Size()
		}
		return saturate(v.size + 2)
	case *object:
		if v.json != nil {
			return v.json.Size()
		}
		return saturate(v.size + 2)
	case types.String:
		return len(v) + 3
	case types.Bytes:
		return len(v)*4/3 + 3
	case *scalar:
		return v.json.Size() + 1
	case *types.Optional:
		if v.HasValue() {
			return weight(v.GetValue())
		}
	}
	return 8
}

// saturate keeps sums of weights from overflowing: no sum has more addends than memory holds.
func saturate(n int) int { return min(n, 1<<40) }

// adopt turns the lists and maps of cel-go into ours, so that the evaluator knows but one of each.
func adopt(v ref.Val) ref.Val {
	switch v := v.(type) {
	case *list:
		return v
	case *object:
		return v
	case traits.Lister:
		n := int(v.Size().(types.Int))
		l := emptyList(n)
		for it := v.Iterator(); it.HasNext() == types.True; {
			l.push(adopt(it.Next()))
		}
		return l
	case traits.Mapper:
		o := &object{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			o.put(key, adopt(v.Get(key)))
		}
		return o
	case *types.Optional:
		if !v.HasValue() {
			return v
		}
		inner := v.GetValue()
		if a := adopt(inner); a != inner {
			return types.OptionalOf(a)
		}
		return v
	}
	return v
}
