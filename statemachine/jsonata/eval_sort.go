package jsonata

// sortBy orders items by the terms of an order-by.
func (r *run) sortBy(n *node, in *array, env *frame) *array {
	r.room(2 * in.length() * len(n.terms))
	keys := make([]any, in.length()*len(n.terms))
	known := make([]bool, len(keys))
	key := func(item, term int) any {
		at := item*len(n.terms) + term
		if !known[at] {
			context, inner := in.at(item), env
			if t, ok := context.(*tuple); ok {
				context, inner = t.item, t.within(env)
			}
			keys[at], known[at] = r.eval(n.terms[term].by, context, inner), true
		}
		return keys[at]
	}
	return r.sorted(in, func(i, j int) bool {
		for t := range n.terms {
			c := r.order(n, key(i, t), key(j, t))
			if c == 0 {
				continue
			}
			if n.terms[t].descending && c*c == 1 {
				c = -c
			}
			return c > 0
		}
		return false
	})
}

// order compares two values of a term: 0 if they are equal, else -1 or 1; 2 or -2 if one is missing, which comes last
// whatever the direction.
func (r *run) order(n *node, a, b any) int {
	ac, bc := classOf(a), classOf(b)
	switch {
	case ac == isNothing && bc == isNothing:
		return 0
	case ac == isNothing:
		return 2
	case bc == isNothing:
		return -2
	}
	if ac != isNumber && ac != isString {
		r.failNode("T2008", n, a)
	}
	if bc != isNumber && bc != isString {
		r.failNode("T2008", n, b)
	}
	if ac != bc {
		r.failNode("T2007", n, shown(r.show(a)+" and "+r.show(b)))
	}
	if ac == isString {
		x, _ := asText(a)
		y, _ := asText(b)
		return compareText(x, y)
	}
	x, _ := asNumber(a)
	y, _ := asNumber(b)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	default:
		return 0
	}
}

// sorted orders the elements of an array by merging, which keeps the order of those that are equal. Behind tells whether
// the element at i must stand behind the one at j. It is asked the same questions in the same order each time.
func (r *run) sorted(in *array, behind func(i, j int) bool) *array {
	n := in.length()
	r.room(2 * n)
	from, into := make([]int, n), make([]int, n)
	for i := range from {
		from[i] = i
	}
	var sort func(lo, hi int)
	sort = func(lo, hi int) {
		if hi-lo < 2 {
			return
		}
		mid := lo + (hi-lo)/2
		sort(lo, mid)
		sort(mid, hi)
		r.spend(hi - lo)
		i, j := lo, mid
		for k := lo; k < hi; k++ {
			if j >= hi || i < mid && !behind(from[i], from[j]) {
				into[k] = from[i]
				i++
			} else {
				into[k] = from[j]
				j++
			}
		}
		copy(from[lo:hi], into[lo:hi])
	}
	sort(0, n)
	out := &array{items: make([]any, n), sequence: in.sequence && n < 2, tuples: in.tuples}
	for k, i := range from {
		out.items[k] = in.at(i)
	}
	return out
}
