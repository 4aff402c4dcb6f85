package jsonata

var higherFunctions = []definition{
	{"map", "<af>", mapFunction},
	{"filter", "<af>", filterFunction},
	{"single", "<af?>", single},
	{"reduce", "<afj?:j>", reduce},
}

// element gives an element of an array to a function.
func (r *run) element(fn callable, a *array, i int) any {
	n := useful(fn)
	args := make([]any, n)
	args[0] = a.at(i)
	if n > 1 {
		args[1] = float64(i)
	}
	if n > 2 {
		args[2] = a
	}
	return r.again(fn, args...)
}

func mapFunction(r *run, args []any) any {
	a := asArray(args[0])
	if a == nil {
		return nil
	}
	fn := args[1].(callable)
	out := newSequence()
	for i := range a.length() {
		if v := r.element(fn, a, i); v != nil {
			r.take(cell)
			out.push(v)
		}
	}
	return out
}

func filterFunction(r *run, args []any) any {
	a := asArray(args[0])
	if a == nil {
		return nil
	}
	fn := args[1].(callable)
	out := newSequence()
	for i := range a.length() {
		if r.truth(r.element(fn, a, i)) {
			r.take(cell)
			out.push(a.at(i))
		}
	}
	return out
}

func single(r *run, args []any) any {
	a := asArray(args[0])
	if a == nil {
		return nil
	}
	fn, _ := args[1].(callable)
	found := false
	var out any
	for i := range a.length() {
		r.spend(1)
		if fn != nil && !r.truth(r.element(fn, a, i)) {
			continue
		}
		if found {
			r.fail("D3138", nil)
		}
		found, out = true, a.at(i)
	}
	if !found {
		r.fail("D3139", nil)
	}
	return out
}

func reduce(r *run, args []any) any {
	a := asArray(args[0])
	if a == nil {
		return nil
	}
	fn := args[1].(callable)
	arity := fn.arity()
	if arity < 2 {
		r.fail("D3050", nil)
	}
	out, i := args[2], 0
	if out == nil && a.length() > 0 {
		out, i = a.at(0), 1
	}
	for ; i < a.length(); i++ {
		given := []any{out, a.at(i), float64(i), a}
		out = r.again(fn, given[:min(4, arity)]...)
	}
	return out
}
