package jsonata

// transform is the function that |pattern|update,delete| is.
type transform struct {
	n   *node
	env *frame
}

func (*transform) arity() int { return 1 }

// copying marks the objects of one transform's copy, which it may change.
type copying struct {
	_ byte // so that no two have the same address
}

var transformSignature = parseSignature("<(oa):o>", 0)

// transform copies its argument and changes, in the copy, the objects that the pattern finds.
func (r *run) transform(f *transform, args []any, in any) any {
	arg := r.checked(transformSignature, args, in)[0]
	if arg == nil {
		return nil
	}
	if v, bound := f.env.get("clone"); bound {
		if _, ok := v.(callable); !ok {
			r.failNode("T2013", f.n, v)
		}
	}
	owner := &copying{}
	out := r.copied(arg, owner, 0)
	found := r.eval(f.n.left, out, f.env)
	if found == nil {
		return out
	}
	matches := asArray(found)
	if matches == nil {
		matches = newSequence(found)
	}
	for i := range matches.length() {
		match := matches.at(i)
		target, _ := match.(*object)
		if target != nil && target.owner != owner {
			target = nil
		}
		r.update(f, match, target)
		if f.n.third != nil {
			r.remove(f, match, target)
		}
	}
	return out
}

// update merges what the update clause gives for a match into it.
func (r *run) update(f *transform, match any, target *object) {
	v := r.eval(f.n.right, match, f.env)
	if v == nil {
		return
	}
	if classOf(v) != isObject {
		r.failNode("T2011", f.n.right, v)
	}
	if target == nil {
		return
	}
	keys, at := members(v)
	fresh := make([]any, len(keys))
	for i := range keys {
		// A copy, for what the copy contains may stand in it, and no value contains itself.
		fresh[i] = r.frozen(at(i), target.owner)
	}
	r.take(entry * len(keys))
	for i, k := range keys {
		target.set(k, fresh[i])
	}
}

// remove removes what the delete clause names from a match.
func (r *run) remove(f *transform, match any, target *object) {
	v := r.eval(f.n.third, match, f.env)
	if v == nil {
		return
	}
	names := asArray(v)
	if names == nil {
		names = newSequence(v)
	}
	for i := range names.length() {
		name, ok := asText(names.at(i))
		if !ok {
			r.failNode("T2012", f.n.third, v)
		}
		if target != nil {
			target.remove(name)
		}
	}
}

// copied copies arrays and objects.
func (r *run) copied(v any, owner *copying, depth int) any {
	depth = r.deeper(depth)
	switch classOf(v) {
	case isArray:
		a := asArray(v)
		r.room(a.length())
		out := &array{items: make([]any, a.length())}
		for i := range out.items {
			out.items[i] = r.copied(a.at(i), owner, depth)
		}
		return out
	case isObject:
		keys, at := members(v)
		r.take(entry * (len(keys) + 1))
		out := &object{keys: append([]string(nil), keys...), values: make([]any, len(keys)), owner: owner}
		for i := range out.values {
			out.values[i] = r.copied(at(i), owner, depth)
		}
		return out
	default:
		return v
	}
}

// frozen gives a value that a transform does not change any more.
func (r *run) frozen(v any, owner *copying) any {
	if !r.holds(v, owner, 0) {
		return v
	}
	return r.copied(v, nil, 0)
}

// holds tells whether a value contains an object of a transform's copy.
func (r *run) holds(v any, owner *copying, depth int) bool {
	depth = r.deeper(depth)
	r.spend(1)
	switch v := v.(type) {
	case *object:
		if v.owner == owner {
			return true
		}
		for _, e := range v.values {
			if r.holds(e, owner, depth) {
				return true
			}
		}
	case *array:
		for _, e := range v.items {
			if r.holds(e, owner, depth) {
				return true
			}
		}
	}
	return false
}
