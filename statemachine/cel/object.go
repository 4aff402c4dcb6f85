package cel

import (
	"fmt"
	"math"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// object is a CEL map that keeps the order of its entries: either of values, or a JSON object that is read as its
// members are asked for.
type object struct {
	json  *value.Value // the JSON object, or nil
	keys  []ref.Val    // if there is none: strings, ints, uints and bools
	vals  []ref.Val
	index map[any]int // of keys, once there are many
	size  int         // of keys and vals, as weight counts it
}

var _ traits.Mapper = (*object)(nil)

// indexFrom is how many entries an object has before looking one up in a map beats comparing keys.
const indexFrom = 9

func (o *object) len() int {
	if o.json != nil {
		return o.json.Len()
	}
	return len(o.keys)
}

func (o *object) key(i int) ref.Val {
	if o.json != nil {
		return types.String(o.json.Key(i))
	}
	return o.keys[i]
}

func (o *object) at(i int) ref.Val {
	if o.json != nil {
		return fromJSON(o.json.At(i))
	}
	return o.vals[i]
}

// canonicalKey gives what keys that are equal in CEL have in common: 1, 1u and 1.0 are one key. It gives false for what
// no map has as a key.
func canonicalKey(key ref.Val) (any, bool) {
	switch k := key.(type) {
	case types.String, types.Int, types.Bool:
		return k, true
	case types.Uint:
		if k <= math.MaxInt64 {
			return types.Int(k), true
		}
		return k, true
	case types.Double:
		i, ok := integer(k)
		return types.Int(i), ok
	}
	return nil, false
}

// find gives the value of a key as it is.
func (o *object) find(key ref.Val) (ref.Val, bool) {
	key = cooked(key)
	if o.json != nil {
		name, ok := key.(types.String)
		if !ok {
			return nil, false
		}
		v := o.json.Get(string(name))
		if v == nil {
			return nil, false
		}
		return fromJSON(v), true
	}
	if i := o.position(key); i >= 0 {
		return o.vals[i], true
	}
	return nil, false
}

func (o *object) position(key ref.Val) int {
	k, ok := canonicalKey(key)
	if !ok {
		return -1
	}
	if o.index != nil {
		if i, ok := o.index[k]; ok {
			return i
		}
		return -1
	}
	for i := range o.keys {
		if have, _ := canonicalKey(o.keys[i]); have == k {
			return i
		}
	}
	return -1
}

// put adds an entry, or changes the value of one that is there. It gives false if the key is of a type that no map
// has. Only the one who made the object may do so, before anyone else sees it.
func (o *object) put(key, v ref.Val) bool {
	key = cooked(key)
	canonical, ok := canonicalKey(key)
	if _, double := key.(types.Double); !ok || double {
		return false
	}
	if i := o.position(key); i >= 0 {
		o.size += weight(v) - weight(o.vals[i])
		o.vals[i] = v
		return true
	}
	if o.index == nil && len(o.keys)+1 >= indexFrom {
		o.index = make(map[any]int, 2*indexFrom)
		for i := range o.keys {
			k, _ := canonicalKey(o.keys[i])
			o.index[k] = i
		}
	}
	if o.index != nil {
		o.index[canonical] = len(o.keys)
	}
	o.keys = append(o.keys, key)
	o.vals = append(o.vals, v)
	o.size += weight(key) + weight(v)
	return true
}

// Size implements traits.Sizer.
func (o *object) Size() ref.Val { return types.Int(o.len()) }

// Find implements traits.Mapper.
func (o *object) Find(key ref.Val) (ref.Val, bool) {
	v, ok := o.find(key)
	return cooked(v), ok
}

// Get implements traits.Indexer.
func (o *object) Get(key ref.Val) ref.Val {
	if v, ok := o.find(key); ok {
		return cooked(v)
	}
	return newFault("no such key %s", describe(key))
}

// Contains implements traits.Container.
func (o *object) Contains(key ref.Val) ref.Val {
	_, ok := o.find(key)
	return types.Bool(ok)
}

// Equal implements ref.Val.
func (o *object) Equal(other ref.Val) ref.Val { return types.Bool(equal(nil, o, adopt(other))) }

// Type implements ref.Val.
func (o *object) Type() ref.Type { return types.MapType }

// Value implements ref.Val.
func (o *object) Value() any { return o }

// IsZeroValue implements traits.Zeroer.
func (o *object) IsZeroValue() bool { return o.len() == 0 }

// ConvertToType implements ref.Val.
func (o *object) ConvertToType(t ref.Type) ref.Val {
	switch t {
	case types.MapType:
		return o
	case types.TypeType:
		return types.MapType
	}
	return newFault("a map cannot be converted to %s", t.TypeName())
}

// ConvertToNative implements ref.Val.
func (o *object) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("a map cannot be converted to %v", t)
}

// Iterator implements traits.Iterable.
func (o *object) Iterator() traits.Iterator { return &iterator{count: o.len(), next: o.key} }
