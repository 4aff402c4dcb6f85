package jsonata

// grouped is a group in the making: the items that gave the same key.
type grouped struct {
	data   any
	tuples []*tuple
	pair   int
}

// groupBy makes an object: every item goes to the group of its key, and the group's value is that of the value
// expression applied to all its items.
func (r *run) groupBy(pairs []*node, v any, env *frame) any {
	in := asArray(v)
	if in == nil {
		in = newSequence(v)
	}
	if in.length() == 0 {
		in = newSequence(nil)
	}
	out := &object{}
	if in.length() == 1 && !in.tuples {
		return r.single(pairs, in.at(0), env, out)
	}
	keys := &object{}
	var groups []*grouped
	for i := range in.length() {
		item := in.at(i)
		t, isTuple := item.(*tuple)
		context, inner := item, env
		if isTuple {
			context, inner = t.item, t.within(env)
		}
		for p := 0; p < len(pairs); p += 2 {
			key, ok := r.key(pairs[p], context, inner)
			if !ok {
				continue
			}
			at := keys.find(key)
			if at < 0 {
				r.take(2 * entry)
				keys.set(key, nil)
				groups = append(groups, &grouped{pair: p})
				at = len(groups) - 1
			} else if groups[at].pair != p {
				r.failNode("D1009", pairs[p], key)
			}
			if isTuple {
				groups[at].tuples = append(groups[at].tuples, t)
			} else {
				groups[at].data = r.concat(groups[at].data, item)
			}
		}
	}
	for i, g := range groups {
		context, inner := g.data, env
		if len(g.tuples) > 0 {
			t := r.reduced(g.tuples)
			context, inner = t.item, t.within(env)
		}
		if v := r.eval(pairs[g.pair+1], context, inner); v != nil {
			out.set(keys.keys[i], v)
		}
	}
	return out
}

// single makes the object of one item, as every object constructor does: nothing has to be grouped.
func (r *run) single(pairs []*node, item any, env *frame, out *object) any {
	n := len(pairs) / 2
	r.take(entry * (n + 1))
	if n == 0 {
		return out
	}
	keys := make([]string, n)
	given := make([]bool, n)
	seen := &object{}
	for i := range n {
		if keys[i], given[i] = r.key(pairs[2*i], item, env); !given[i] {
			continue
		}
		if seen.find(keys[i]) >= 0 {
			r.failNode("D1009", pairs[2*i], keys[i])
		}
		seen.set(keys[i], nil)
	}
	out.keys, out.values = make([]string, 0, n), make([]any, 0, n)
	for i := range n {
		if !given[i] {
			continue
		}
		if v := r.eval(pairs[2*i+1], item, env); v != nil {
			out.keys = append(out.keys, keys[i])
			out.values = append(out.values, v)
		}
	}
	return out
}

// key evaluates the key of a member; false if it has none.
func (r *run) key(n *node, item any, env *frame) (string, bool) {
	if n.kind == kindString && len(n.predicates) == 0 && n.group == nil {
		r.steps--
		return n.text, true
	}
	v := r.eval(n, item, env)
	if v == nil {
		return "", false
	}
	key, ok := asText(v)
	if !ok {
		r.failNode("T1003", n, v)
	}
	r.take(len(key))
	return key, true
}

// concat appends one value to another; either may be an array, a single value, or nothing.
func (r *run) concat(a, b any) any {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	x, y := asArray(a), asArray(b)
	n := 1
	if y != nil {
		n = y.length()
	}
	m := 1
	if x != nil {
		m = x.length()
	}
	if x != nil && x.shared != nil && *x.shared == m && cap(x.items) >= m+n {
		// Nobody else has appended to this array: its memory has room for more behind what is in use.
		r.room(n)
	} else {
		r.room(2 * (m + n))
		items := make([]any, 0, 2*(m+n))
		if x == nil {
			items = append(items, a)
		} else {
			for i := range m {
				items = append(items, x.at(i))
			}
		}
		x = &array{items: items, shared: new(int)}
	}
	out := &array{items: x.items, shared: x.shared}
	if y == nil {
		out.items = append(out.items, b)
	} else {
		for i := range n {
			out.items = append(out.items, y.at(i))
		}
	}
	*out.shared = len(out.items)
	return out
}
