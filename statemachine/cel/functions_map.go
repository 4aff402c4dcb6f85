package cel

import (
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

var mapFunctions = []function{
	{name: "merge", signatures: []string{"(map(dyn, dyn), map(dyn, dyn)) map(dyn, dyn)"}, do: merge},
	{name: "deepMerge", signatures: []string{"(map(dyn, dyn), map(dyn, dyn)) map(dyn, dyn)"}, do: deepMerge},
	{name: "keys", signatures: []string{"(map(K, V)) list(K)"}, do: keys},
	{name: "values", signatures: []string{"(map(K, V)) list(V)"}, do: values},
	{name: "entries", signatures: []string{"(map(K, V)) list(map(string, dyn))"}, do: entries},
	{name: "fromEntries", signatures: []string{"(list(dyn)) map(dyn, dyn)"}, do: fromEntries},
}

func twoObjects(args []ref.Val) (a, b *object, ok bool) {
	a, okA := args[0].(*object)
	b, okB := args[1].(*object)
	return a, b, okA && okB
}

// merge gives the entries of the first map in their order, with the values of the second where it has them, and then
// what only the second has.
func merge(r *run, args []ref.Val) ref.Val {
	a, b, ok := twoObjects(args)
	if !ok {
		return types.NoSuchOverloadErr()
	}
	r.charge(entryCost * (a.len() + b.len()))
	out := &object{}
	for _, o := range []*object{a, b} {
		for i := range o.len() {
			out.put(o.key(i), r.entry(o, i))
		}
	}
	return out
}

// deepMerge is merge, which goes on within the maps that both have under a key.
func deepMerge(r *run, args []ref.Val) ref.Val {
	a, b, ok := twoObjects(args)
	if !ok {
		return types.NoSuchOverloadErr()
	}
	return mergeInto(r, a, b)
}

func mergeInto(r *run, a, b *object) *object {
	r.charge(1 + entryCost*(a.len()+b.len()))
	out := &object{}
	for i := range a.len() {
		out.put(a.key(i), r.entry(a, i))
	}
	for i := range b.len() {
		key, v := b.key(i), r.entry(b, i)
		if have, found := out.find(key); found {
			x, okX := have.(*object)
			y, okY := v.(*object)
			if okX && okY {
				v = mergeInto(r, x, y)
			}
		}
		out.put(key, v)
	}
	return out
}

func keys(r *run, args []ref.Val) ref.Val {
	o, ok := args[0].(*object)
	if !ok {
		return types.NoSuchOverloadErr()
	}
	r.charge(o.len())
	out := emptyList(o.len())
	for i := range o.len() {
		out.push(o.key(i))
	}
	return out
}

func values(r *run, args []ref.Val) ref.Val {
	o, ok := args[0].(*object)
	if !ok {
		return types.NoSuchOverloadErr()
	}
	r.charge(o.len())
	out := emptyList(o.len())
	for i := range o.len() {
		out.push(r.entry(o, i))
	}
	return out
}

const entryKey, entryValue = types.String("key"), types.String("value")

// entries gives a map as a list of {"key": ..., "value": ...}.
func entries(r *run, args []ref.Val) ref.Val {
	o, ok := args[0].(*object)
	if !ok {
		return types.NoSuchOverloadErr()
	}
	r.charge(6 * o.len())
	out := emptyList(o.len())
	for i := range o.len() {
		entry := &object{}
		entry.put(entryKey, o.key(i))
		entry.put(entryValue, r.entry(o, i))
		out.push(entry)
	}
	return out
}

// fromEntries is the inverse of entries. Of entries with the same key the last one counts.
func fromEntries(r *run, args []ref.Val) ref.Val {
	l, err := asList(args[0])
	if err != nil {
		return err
	}
	out := &object{}
	for i := range l.len() {
		r.charge(entryCost)
		entry, ok := l.at(i).(*object)
		if !ok {
			return newFault(`fromEntries() needs maps with "key" and "value", element %d is %s`, i, describe(l.at(i)))
		}
		key, hasKey := entry.find(entryKey)
		v, hasValue := entry.find(entryValue)
		if !hasKey || !hasValue {
			return newFault(`fromEntries() needs maps with "key" and "value", element %d is %s`, i, describe(entry))
		}
		if !out.put(key, v) {
			return newFault("a map key must be a string, an int or a bool, not %s", describe(key))
		}
	}
	return out
}
