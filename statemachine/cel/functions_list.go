package cel

import (
	"slices"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

var operatorFunctions = []function{
	{name: operators.Negate, do: negate},
	{name: operators.LogicalNot, do: not},
	{name: operators.In, raw: true, do: in},
	{name: "dyn", raw: true, do: func(_ *run, args []ref.Val) ref.Val { return args[0] }},
	{name: "optional.of", raw: true, do: func(_ *run, args []ref.Val) ref.Val { return types.OptionalOf(args[0]) }},
}

var listFunctions = []function{
	{name: "range", signatures: []string{"(int, int, int) list(int)", "(int, int) list(int)"}, do: rangeList},
	{name: "lists.range", do: func(r *run, args []ref.Val) ref.Val { return listsRange(r, args[0]) }},
	{name: "partition", signatures: []string{"(list(A), int) list(list(A))"}, do: partition},
	{name: "unique", signatures: []string{"(list(A)) list(A)"}, do: distinct},
	{name: "distinct", do: distinct},
	{name: "contains", signatures: []string{".(list(A), dyn) bool"}, raw: true, do: contains},
	{name: "slice", do: slice},
	{name: "flatten", do: flatten},
	{name: "reverse", do: reverse},
	{name: "first", do: func(_ *run, args []ref.Val) ref.Val { return end(args[0], false) }},
	{name: "last", do: func(_ *run, args []ref.Val) ref.Val { return end(args[0], true) }},
	{name: "sort", do: func(r *run, args []ref.Val) ref.Val { return sortBy(r, args[0], args[0]) }},
	{name: "@sortByAssociatedKeys", do: func(r *run, args []ref.Val) ref.Val { return sortBy(r, args[0], args[1]) }},
}

// asList gives the list that an argument must be.
func asList(v ref.Val) (*list, ref.Val) {
	if l, ok := v.(*list); ok {
		return l, nil
	}
	return nil, types.NoSuchOverloadErr()
}

// rangeList is range(start, end, step), as the intrinsic States.ArrayRange: the end is included.
func rangeList(r *run, args []ref.Val) ref.Val {
	step := int64(1)
	start, ok1 := integer(args[0])
	last, ok2 := integer(args[1])
	ok3 := true
	if len(args) == 3 {
		step, ok3 = integer(args[2]) //nolint:gosec // there are three
	}
	if !ok1 || !ok2 || !ok3 {
		return newFault("range() needs integers")
	}
	if step == 0 {
		return newFault("the step of range() must not be 0")
	}
	if (step > 0) != (last >= start) && last != start {
		return emptyList(0)
	}
	distance, stride := uint64(last)-uint64(start), uint64(step)
	if step < 0 {
		distance, stride = uint64(start)-uint64(last), -uint64(step)
	}
	count := distance / stride
	if count >= maxCost {
		panic(exhausted{})
	}
	r.charge(int(count) + 1)
	l := emptyList(int(count) + 1)
	for i, n := uint64(0), start; i <= count; i, n = i+1, n+step {
		l.push(types.Int(n))
	}
	return l
}

func listsRange(r *run, n ref.Val) ref.Val {
	count, ok := integer(n)
	if !ok {
		return types.NoSuchOverloadErr()
	}
	if count <= 0 {
		return emptyList(0)
	}
	return rangeList(r, []ref.Val{types.IntZero, types.Int(count - 1)})
}

// partition cuts a list into lists of a size; the last one may be shorter.
func partition(r *run, args []ref.Val) ref.Val {
	l, err := asList(args[0])
	if err != nil {
		return err
	}
	size, ok := integer(args[1])
	if !ok || size < 1 {
		return newFault("the size of a partition must be an int of 1 or more, not %s", describe(args[1]))
	}
	r.charge(l.len())
	parts := emptyList(0)
	for from := 0; from < l.len(); {
		to := l.len()
		if size < int64(to-from) {
			to = from + int(size)
		}
		parts.push(l.slice(from, to))
		from = to
	}
	return parts
}

// distinct keeps the first of equal elements. Strings, ints and bools are found in a map; others are compared.
func distinct(r *run, args []ref.Val) ref.Val {
	l, err := asList(args[0])
	if err != nil {
		return err
	}
	out := emptyList(0)
	seen := map[any]bool{}
	var others []ref.Val
	for i := range l.len() {
		r.charge(1)
		v := r.element(l, i)
		if key, ok := canonicalKey(cooked(v)); ok {
			r.charge(1)
			if !seen[key] {
				seen[key] = true
				out.push(v)
			}
			continue
		}
		if slices.ContainsFunc(others, func(o ref.Val) bool { r.charge(1); return equal(r, o, v) }) {
			continue
		}
		others = append(others, v)
		out.push(v)
	}
	return out
}

// contains is string.contains(part) and list.contains(element).
func contains(r *run, args []ref.Val) ref.Val {
	switch of := cooked(args[0]).(type) {
	case types.String:
		part, ok := cooked(args[1]).(types.String)
		if !ok {
			return types.NoSuchOverloadErr()
		}
		r.charge((len(of) + len(part)) / unitBytes)
		return types.Bool(strings.Contains(string(of), string(part)))
	case *list:
		return within(r, args[1], of)
	}
	return types.NoSuchOverloadErr()
}

func slice(r *run, args []ref.Val) ref.Val {
	l, err := asList(args[0])
	if err != nil {
		return err
	}
	from, ok1 := integer(args[1])
	to, ok2 := integer(args[2])
	if !ok1 || !ok2 {
		return types.NoSuchOverloadErr()
	}
	if from < 0 || to > int64(l.len()) || from > to {
		return newFault("slice(%d, %d) is out of range: the list has %s", from, to, plural(l.len(), "element"))
	}
	r.charge(int(to - from))
	return l.slice(int(from), int(to))
}

func flatten(r *run, args []ref.Val) ref.Val {
	l, err := asList(args[0])
	if err != nil {
		return err
	}
	depth := int64(1)
	if len(args) == 2 {
		var ok bool
		if depth, ok = integer(args[1]); !ok {
			return types.NoSuchOverloadErr()
		}
		if depth < 0 {
			return newFault("the depth of flatten() must not be negative")
		}
	}
	out := emptyList(l.len())
	flattenInto(r, out, l, depth)
	return out
}

func flattenInto(r *run, out, l *list, depth int64) {
	for i := range l.len() {
		r.charge(1)
		v := r.element(l, i)
		if inner, ok := v.(*list); ok && depth > 0 {
			flattenInto(r, out, inner, depth-1)
			continue
		}
		out.push(v)
	}
}

// reverse is list.reverse() and string.reverse().
func reverse(r *run, args []ref.Val) ref.Val {
	switch v := args[0].(type) {
	case types.String:
		if refused := r.chargeText(len(v)); refused != nil {
			return refused
		}
		backwards := make([]byte, 0, len(v))
		for rest := string(v); rest != ""; {
			_, size := utf8.DecodeLastRuneInString(rest)
			backwards = append(backwards, rest[len(rest)-size:]...)
			rest = rest[:len(rest)-size]
		}
		return types.String(backwards)
	case *list:
		r.charge(v.len())
		out := emptyList(v.len())
		for i := v.len() - 1; i >= 0; i-- {
			out.push(r.element(v, i))
		}
		return out
	}
	return types.NoSuchOverloadErr()
}

func end(v ref.Val, last bool) ref.Val {
	l, err := asList(v)
	switch {
	case err != nil:
		return err
	case l.len() == 0:
		return types.OptionalNone
	case last:
		return types.OptionalOf(l.at(l.len() - 1))
	default:
		return types.OptionalOf(l.at(0))
	}
}

// sortBy sorts a list by keys that belong to its elements, one each. Equal ones keep their order.
func sortBy(r *run, elements, keys ref.Val) ref.Val {
	l, err := asList(elements)
	if err != nil {
		return err
	}
	k, err := asList(keys)
	if err != nil {
		return err
	}
	order := make([]int, l.len())
	sortKeys := make([]ref.Val, l.len())
	for i := range order {
		r.charge(2)
		order[i], sortKeys[i] = i, cooked(r.element(k, i))
		if isError(sortKeys[i]) {
			return sortKeys[i]
		}
	}
	var failed ref.Val
	slices.SortStableFunc(order, func(a, b int) int {
		r.charge(1)
		if failed != nil {
			return 0
		}
		sign, ok := compare(r, sortKeys[a], sortKeys[b]).(types.Int)
		if !ok {
			failed = newFault("%s and %s cannot be put in order", describe(sortKeys[a]), describe(sortKeys[b]))
			return 0
		}
		return int(sign)
	})
	if failed != nil {
		return failed
	}
	out := emptyList(l.len())
	for _, i := range order {
		out.push(r.element(l, i))
	}
	return out
}
