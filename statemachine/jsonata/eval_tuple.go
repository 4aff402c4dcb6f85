package jsonata

import "slices"

// tupleStep applies a step to the items of a stream of tuples, or starts such a stream from a sequence.
func (r *run) tupleStep(n *node, input, tuples *array, env *frame) *array {
	if n.kind == kindSort {
		return r.sortTuples(n, input, tuples, env)
	}
	out := &array{sequence: true, tuples: true}
	if tuples == nil {
		tuples = &array{items: make([]any, 0, input.length())}
		for i := range input.length() {
			tuples.push(&tuple{item: input.at(i)})
		}
	}
	for _, e := range tuples.items {
		t := e.(*tuple)
		v := r.eval(n, t.item, t.within(env))
		if v == nil {
			continue
		}
		results := asArray(v)
		if results == nil {
			results = newSequence(v)
		}
		r.take(2 * entry * results.length())
		for i := range results.length() {
			out.push(r.extend(n, t, results.at(i), i))
		}
	}
	if len(n.stages) == 0 {
		return out
	}
	if staged := asArray(r.runStages(n.stages, out, env)); staged != nil {
		staged.tuples = true
		return staged
	}
	return &array{sequence: true, tuples: true}
}

// extend gives the tuple of one of the values that a step has for an item.
func (r *run) extend(n *node, from *tuple, v any, i int) *tuple {
	next := &tuple{bound: from.bound}
	switch inner, nested := v.(*tuple); {
	case nested:
		// The stream of a path in parentheses: what is bound there stays bound.
		next.item = inner.item
		for b := range inner.oldestFirst() {
			next.with(b.name, b.v)
		}
	case n.focus != "":
		next.item = from.item
		next.with(n.focus, v)
	default:
		next.item = v
	}
	if n.index != "" {
		next.with(n.index, float64(i))
	}
	if n.ancestor != nil {
		next.with(n.ancestor.label, from.item)
	}
	return next
}

// oldestFirst gives what is bound in the order in which it was.
func (t *tuple) oldestFirst() func(yield func(*binds) bool) {
	return func(yield func(*binds) bool) {
		var all []*binds
		for b := t.bound; b != nil; b = b.next {
			all = append(all, b)
		}
		for _, b := range slices.Backward(all) {
			if !yield(b) {
				return
			}
		}
	}
}

func (r *run) sortTuples(n *node, input, tuples *array, env *frame) *array {
	var out *array
	if tuples != nil {
		out = r.sortBy(n, tuples, env)
	} else {
		sorted := r.sortBy(n, input, env)
		out = &array{}
		for i := range sorted.length() {
			t := &tuple{item: sorted.at(i)}
			if n.index != "" {
				t.with(n.index, float64(i))
			}
			out.push(t)
		}
	}
	out.sequence, out.tuples = true, true
	if len(n.stages) > 0 {
		out = asArray(r.runStages(n.stages, out, env))
	}
	return out
}

// reduced joins tuples into one, in which every name has the values of all of them.
func (r *run) reduced(list []*tuple) *tuple {
	out := &tuple{item: list[0].item, bound: list[0].bound}
	if len(list) == 1 {
		return out
	}
	out.bound = nil
	for b := range list[0].oldestFirst() {
		out.rebind(b.name, b.v)
	}
	for _, t := range list[1:] {
		out.item = r.concat(out.item, t.item)
		seen := map[string]bool{}
		for b := t.bound; b != nil; b = b.next {
			if seen[b.name] {
				continue
			}
			seen[b.name] = true
			old, _ := (&frame{bound: out.bound}).get(b.name)
			out.rebind(b.name, r.concat(old, b.v))
		}
	}
	return out
}

// rebind changes what a name is bound to, in a tuple whose bindings nobody shares.
func (t *tuple) rebind(name string, v any) {
	for b := t.bound; b != nil; b = b.next {
		if b.name == name {
			b.v = v
			return
		}
	}
	t.with(name, v)
}
