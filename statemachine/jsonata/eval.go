package jsonata

// eval gives the value of a part of the expression, applied to in.
func (r *run) eval(n *node, in any, env *frame) any {
	r.enter(n)
	out := r.evalKind(n, in, env)
	for i := range n.predicates {
		out = r.filter(n.predicates[i].filter, out, env)
	}
	if n.group != nil && n.kind != kindPath {
		out = r.groupBy(n.group.pairs, out, env)
	}
	r.depth--
	if a, ok := out.(*array); ok && a.sequence && !a.tuples {
		return settle(a, n.keepArray)
	}
	return out
}

// settle gives what a sequence stands for: nothing if it is empty, its value if it has one.
func settle(a *array, keep bool) any {
	switch a.length() {
	case 0:
		return nil
	case 1:
		if keep {
			// A copy, for others may hold this sequence as what it is.
			c := *a
			c.keep = true
			return &c
		}
		if a.keep {
			return a
		}
		return a.at(0)
	}
	if keep && !a.keep {
		c := *a
		c.keep = true
		return &c
	}
	return a
}

func (r *run) evalKind(n *node, in any, env *frame) any {
	switch n.kind {
	case kindPath:
		return r.path(n, in, env)
	case kindName:
		return r.name(in, n.text)
	case kindVariable:
		return r.variable(n, in, env)
	case kindString, kindNumber, kindValue:
		return n.value
	case kindBinary:
		return r.binary(n, in, env)
	case kindCall:
		if n.tail {
			return &thunk{n: n, in: in, env: env}
		}
		return r.evalCall(n, in, env, nil, false)
	case kindCondition:
		if r.truth(r.eval(n.left, in, env)) {
			return r.eval(n.right, in, env)
		}
		if n.third != nil {
			return r.eval(n.third, in, env)
		}
		return nil
	case kindBlock:
		return r.block(n, in, env)
	case kindBind:
		v := r.eval(n.right, in, env)
		env.set(n.text, v)
		return v
	case kindArray:
		return r.arrayConstructor(n, in, env)
	case kindObject:
		return r.groupBy(n.list, in, env)
	case kindNegate:
		return r.negate(n, in, env)
	case kindWildcard:
		return r.wildcard(in)
	case kindDescendant:
		return r.descendants(in)
	case kindParent:
		v, _ := env.get(n.slot.label)
		return v
	case kindLambda:
		return &lambda{n: n, params: n.params, sig: n.sig, in: in, env: env}
	case kindPartial:
		return r.partial(n, in, env)
	case kindApply:
		return r.applyTo(n, in, env)
	case kindRegex:
		return n.regex
	case kindTransform:
		return &transform{n: n, env: env}
	default:
		r.failNode("S0206", n, nil)
		return nil
	}
}

// variable gives what a name is bound to: $ is the input, the rest is found in the frames, then outside of the
// expression, then among the functions of the language.
func (r *run) variable(n *node, in any, env *frame) any {
	if n.text == "" {
		if a, ok := in.(*array); ok && a.outer {
			return a.at(0)
		}
		return in
	}
	if v, ok := env.get(n.text); ok {
		return v
	}
	if n.text == "$" {
		return r.input
	}
	return r.global(n.text, n.builtin)
}

// global gives what a name means outside of the expression.
func (r *run) global(name string, b *builtin) any {
	if r.lookup != nil {
		if v := r.lookup(name); v != nil {
			return v
		}
	}
	if b == nil || b.eval && !r.options.Eval {
		return nil
	}
	return b
}

func (r *run) block(n *node, in any, env *frame) any {
	inner := newFrame(env)
	var out any
	for _, part := range n.list {
		out = r.eval(part, in, inner)
	}
	return out
}

func (r *run) arrayConstructor(n *node, in any, env *frame) any {
	out := &array{built: n.construct}
	for i, part := range n.list {
		v := r.eval(part, in, env)
		if v == nil {
			continue
		}
		a := asArray(v)
		switch {
		case part.kind == kindArray || a == nil:
			r.room(1)
			out.push(v)
		case a.count > 0 && a.items == nil && a.json == nil && len(n.list) == 1:
			// A range alone stays one, however many numbers it has.
			out.first, out.count = a.first, a.count
		default:
			r.room(a.length())
			if out.items == nil {
				out.items = make([]any, 0, a.length()+len(n.list)-i)
			}
			for j := range a.length() {
				out.push(a.at(j))
			}
		}
	}
	return out
}

// name gives the value of a member. Of an array it gives those of all elements.
func (r *run) name(in any, key string) any {
	a := asArray(in)
	if a == nil {
		return member(in, key)
	}
	out := newSequence()
	r.nameAll(a, key, out, 0)
	return out
}

func (r *run) nameAll(a *array, key string, out *array, depth int) {
	depth = r.deeper(depth)
	r.spend(a.length())
	for i := range a.length() {
		e := a.at(i)
		if inner := asArray(e); inner != nil {
			found := newSequence()
			r.nameAll(inner, key, found, depth)
			out.items = append(out.items, found.items...)
			continue
		}
		v := member(e, key)
		if v == nil {
			continue
		}
		if inner := asArray(v); inner != nil {
			r.addAll(out, inner)
		} else {
			r.take(cell)
			out.push(v)
		}
	}
}

// addAll appends the elements of an array.
func (r *run) addAll(out, a *array) {
	r.room(a.length())
	for i := range a.length() {
		out.push(a.at(i))
	}
}

// wildcard gives the values of all members.
func (r *run) wildcard(in any) any {
	if a, ok := in.(*array); ok && a.outer && a.length() > 0 {
		in = a.at(0)
	}
	out := newSequence()
	each := func(v any) {
		a := asArray(v)
		if a == nil {
			r.room(1)
			out.push(v)
			return
		}
		out.sequence = false
		r.flatten(a, out, 0)
	}
	if a := asArray(in); a != nil {
		for i := range a.length() {
			each(a.at(i))
		}
		return out
	}
	keys, at := members(in)
	for i := range keys {
		each(at(i))
	}
	return out
}

func (r *run) flatten(a, out *array, depth int) {
	depth = r.deeper(depth)
	r.room(a.length())
	for i := range a.length() {
		if inner := asArray(a.at(i)); inner != nil {
			r.flatten(inner, out, depth)
		} else {
			out.push(a.at(i))
		}
	}
}

// descendants gives a value and all that is in it.
func (r *run) descendants(in any) any {
	if in == nil {
		return nil
	}
	out := newSequence()
	r.descend(in, out, 0)
	if out.length() == 1 {
		return out.at(0)
	}
	return out
}

func (r *run) descend(v any, out *array, depth int) {
	depth = r.deeper(depth)
	r.room(1)
	if a := asArray(v); a != nil {
		for i := range a.length() {
			r.descend(a.at(i), out, depth)
		}
		return
	}
	out.push(v)
	keys, at := members(v)
	for i := range keys {
		r.descend(at(i), out, depth)
	}
}
