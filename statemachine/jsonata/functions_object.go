package jsonata

var objectFunctions = []definition{
	{"keys", "<x-:a<s>>", keysOf},
	{"lookup", "<x-s:x>", func(r *run, args []any) any {
		key, ok := asText(args[1])
		if !ok {
			return nil
		}
		return r.name(args[0], key)
	}},
	{"spread", "<x-:a<o>>", func(r *run, args []any) any { return r.spread(args[0], 0) }},
	{"merge", "<a<o>:o>", merge},
	{"each", "<o-f:a>", each},
	{"sift", "<o-f?:o>", sift},
	{"type", "<x:s>", func(_ *run, args []any) any {
		if args[0] == nil {
			return nil
		}
		return classOf(args[0]).String()
	}},
	{"error", "<s?:x>", func(r *run, args []any) any {
		message, ok := asText(args[0])
		if !ok || message == "" {
			message = "$error() function evaluated"
		}
		r.fail("D3137", shown(message))
		return nil
	}},
	{"assert", "<bs?:x>", func(r *run, args []any) any {
		if holds, _ := asBool(args[0]); holds {
			return nil
		}
		message, ok := asText(args[1])
		if !ok || message == "" {
			message = "$assert() statement failed"
		}
		r.fail("D3141", shown(message))
		return nil
	}},
	{"clone", "<(oa)-:o>", func(_ *run, args []any) any { return args[0] }},
}

func keysOf(r *run, args []any) any {
	out := newSequence()
	r.keysInto(args[0], out, map[string]bool{}, 0)
	return out
}

func (r *run) keysInto(v any, out *array, seen map[string]bool, depth int) {
	depth = r.deeper(depth)
	if a := asArray(v); a != nil {
		r.spend(a.length())
		for i := range a.length() {
			r.keysInto(a.at(i), out, seen, depth)
		}
		return
	}
	keys, _ := members(v)
	for _, k := range keys {
		if !seen[k] {
			r.take(entry + cell)
			seen[k] = true
			out.push(k)
		}
	}
}

func (r *run) spread(v any, depth int) any {
	depth = r.deeper(depth)
	if a := asArray(v); a != nil {
		out := &array{items: []any{}, sequence: a.length() == 0}
		for i := range a.length() {
			part := r.spread(a.at(i), depth)
			if inner := asArray(part); inner != nil {
				r.addAll(out, inner)
			} else if part != nil {
				r.room(1)
				out.push(part)
			}
		}
		return out
	}
	if classOf(v) != isObject {
		return v
	}
	keys, at := members(v)
	out := newSequence()
	for i, k := range keys {
		r.take(2 * entry)
		out.push(&object{keys: []string{k}, values: []any{at(i)}})
	}
	return out
}

func merge(r *run, args []any) any {
	a := asArray(args[0])
	if a == nil {
		return nil
	}
	out := &object{}
	for i := range a.length() {
		keys, at := members(a.at(i))
		r.spend(len(keys) + 1)
		r.take(entry * len(keys))
		for j, k := range keys {
			out.set(k, at(j))
		}
	}
	return out
}

func each(r *run, args []any) any {
	keys, at := members(args[0])
	fn, _ := args[1].(callable)
	out := newSequence()
	for i, k := range keys {
		if v := r.member(fn, k, at(i), args[0]); v != nil {
			r.take(cell)
			out.push(v)
		}
	}
	return out
}

// member gives a member of an object to a function.
func (r *run) member(fn callable, key string, v, whole any) any {
	return r.again(fn, []any{v, key, whole}[:useful(fn)]...)
}

// useful gives how many of the arguments value, position and whole a function has a use for. The first it gets always.
func useful(fn callable) int { return max(1, min(3, fn.arity())) }

func sift(r *run, args []any) any {
	fn, ok := args[1].(callable)
	if !ok {
		return nil
	}
	keys, at := members(args[0])
	out := &object{}
	for i, k := range keys {
		if r.truth(r.member(fn, k, at(i), args[0])) {
			r.take(entry)
			out.set(k, at(i))
		}
	}
	if len(out.keys) == 0 {
		return nil
	}
	return out
}
