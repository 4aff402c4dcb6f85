package jsonata

import (
	"math"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// path evaluates the steps of a path, each on what the one before gave.
func (r *run) path(n *node, in any, env *frame) any {
	steps := n.list
	at := 0
	var input *array
	if n.plain {
		var out any
		var done bool
		if at, input, out, done = r.straight(n, in, env); done {
			return out
		}
	}
	if at == 0 {
		if input = asArray(in); input == nil || steps[0].kind == kindVariable {
			input = newSequence(in)
		}
	}
	var tuples *array
	var out any
	streaming := false
	for i := at; i < len(steps); i++ {
		step := steps[i]
		streaming = streaming || step.tuples
		switch {
		case i == 0 && step.construct:
			if out = r.eval(step, input, env); out != nil && asArray(out) == nil {
				out = newSequence(out) // a predicate has chosen one of its elements
			}
		case streaming:
			tuples = r.tupleStep(step, input, tuples, env)
		default:
			out = r.step(step, input, env, i == len(steps)-1)
		}
		if streaming {
			continue
		}
		result := asArray(out)
		if out == nil || result != nil && result.length() == 0 {
			break
		}
		if step.focus == "" {
			input = result
		}
	}
	if streaming {
		out = streamed(n, tuples)
	}
	if n.keepArray {
		out = kept(out)
	}
	if n.group != nil && streaming {
		return r.groupBy(n.group.pairs, tuples, env)
	}
	if n.group != nil {
		return r.groupBy(n.group.pairs, out, env)
	}
	return out
}

// streamed gives what a stream of tuples is to whom a path belongs: the stream, if that is a step of another path that
// needs it, else the items.
func streamed(n *node, tuples *array) any {
	if n.tuples {
		return tuples
	}
	items := newSequence()
	for _, t := range tuples.items {
		items.push(t.(*tuple).item)
	}
	return items
}

// kept marks the result of a path that has a [].
func kept(v any) any {
	a := asArray(v)
	if a == nil {
		return v
	}
	if a.built && !a.sequence {
		a = newSequence(a)
	} else {
		c := *a
		a = &c
	}
	a.keep = true
	return a
}

// straight follows the plain names at the start of a path as long as there is one value, which is no array: no sequence
// is needed for it. It gives the result, or the step to go on with and what that is applied to; step 0 if nothing was won.
func (r *run) straight(n *node, in any, env *frame) (at int, input *array, out any, done bool) {
	steps := n.list
	cur := in
	if steps[0].kind == kindVariable {
		cur = r.variable(steps[0], in, env)
		at = 1
	}
	for at < len(steps) && steps[at].plain && steps[at].kind == kindName && !isList(cur) {
		r.steps--
		if cur = member(cur, steps[at].text); cur == nil {
			return 0, nil, nil, true
		}
		at++
	}
	if _, made := cur.(*array); made || at == 0 {
		return 0, nil, nil, false
	}
	if cur == nil || at == len(steps) {
		return 0, nil, cur, true
	}
	if input = asArray(cur); input == nil {
		input = newSequence(cur)
	}
	return at, input, nil, false
}

func isList(v any) bool {
	switch v := v.(type) {
	case *array:
		return true
	case *value.Value:
		return v.Kind() == value.Array
	default:
		return false
	}
}

// step applies a step to every item, and gives what it gives as one sequence.
func (r *run) step(n *node, input *array, env *frame, last bool) any {
	if n.kind == kindSort {
		out := any(r.sortBy(n, input, env))
		if len(n.stages) > 0 {
			out = r.runStages(n.stages, asArray(out), env)
		}
		return out
	}
	results := make([]any, 0, min(input.length(), 64))
	for i := range input.length() {
		item := input.at(i)
		var v any
		if n.plain && n.kind == kindName && !isList(item) {
			r.steps--
			v = member(item, n.text)
		} else {
			v = r.eval(n, item, env)
		}
		for j := range n.stages {
			v = r.filter(n.stages[j].filter, v, env)
		}
		if v != nil {
			r.take(cell)
			results = append(results, v)
		}
	}
	if last && len(results) == 1 {
		if a := asArray(results[0]); a != nil && !a.sequence {
			return results[0]
		}
	}
	if unnested(results) {
		return newSequence(results...)
	}
	out := newSequence()
	for _, v := range results {
		if a := asArray(v); a != nil && !a.built {
			r.addAll(out, a)
		} else {
			out.push(v)
		}
	}
	return out
}

// unnested tells that no value is an array that must be flattened.
func unnested(values []any) bool {
	for _, v := range values {
		if a := asArray(v); a != nil && !a.built {
			return false
		}
	}
	return true
}

// runStages applies predicates, and binds positions.
func (r *run) runStages(stages []stage, in *array, env *frame) any {
	out := any(in)
	for i := range stages {
		if stages[i].filter != nil {
			out = r.filter(stages[i].filter, out, env)
			continue
		}
		if a := asArray(out); a != nil {
			for j := range a.length() {
				if t, ok := a.at(j).(*tuple); ok {
					t.with(stages[i].index, float64(j))
				}
			}
		}
	}
	return out
}

// filter keeps the items for which a predicate is true, or whose position it gives.
func (r *run) filter(by *node, v any, env *frame) any {
	in := asArray(v)
	if in == nil {
		in = newSequence(v)
	}
	out := newSequence()
	out.tuples = in.tuples
	n := in.length()
	if by.kind == kindNumber && len(by.predicates) == 0 && by.group == nil {
		i := position(by.value.(float64), n)
		if i < 0 || i >= n {
			return out
		}
		item := in.at(i)
		if item == nil {
			return out
		}
		if a := asArray(item); a != nil {
			return item
		}
		out.push(item)
		return out
	}
	for i := range n {
		item := in.at(i)
		context, inner := item, env
		if t, ok := item.(*tuple); ok {
			context, inner = t.item, t.within(env)
		}
		res := r.eval(by, context, inner)
		if r.selects(res, i, n, item, out) {
			r.take(cell)
			out.push(item)
		}
	}
	return out
}

// selects tells whether a predicate's value keeps the item at i of n. If it is an array of positions, it pushes the item
// itself, once for each.
func (r *run) selects(res any, i, n int, item any, out *array) bool {
	if f, ok := asNumber(res); ok {
		r.finite(f)
		return position(f, n) == i
	}
	a := asArray(res)
	if a != nil {
		r.spend(a.length())
	}
	if a == nil || !allNumbers(a) {
		return r.truth(res)
	}
	for j := range a.length() {
		f, _ := asNumber(a.at(j))
		if position(f, n) == i {
			r.take(cell)
			out.push(item)
		}
	}
	return false
}

// position gives the position that a number means: rounded down, and from the end if it is negative.
func position(f float64, n int) int {
	f = math.Floor(f)
	if f < 0 {
		f += float64(n)
	}
	if !(f >= 0 && f < float64(n)) {
		return -1
	}
	return int(f)
}

// finite checks that a number is one, as every use of a number does.
func (r *run) finite(f float64) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		raise(fault{code: "D1001", pos: positionOf(r.at), value: formatNumber(f)})
	}
}

func positionOf(n *node) int {
	if n == nil {
		return -1
	}
	return n.pos
}

func allNumbers(a *array) bool {
	for i := range a.length() {
		if _, ok := asNumber(a.at(i)); !ok {
			return false
		}
	}
	return true
}
