package jsonata

var aggregateFunctions = []definition{
	{"sum", "<a<n>:n>", func(r *run, args []any) any { return r.total(asArray(args[0])) }},
	{"count", "<a:n>", func(_ *run, args []any) any {
		if a := asArray(args[0]); a != nil {
			return float64(a.length())
		}
		return 0.0
	}},
	{"max", "<a<n>:n>", func(r *run, args []any) any {
		return r.extreme(asArray(args[0]), func(a, b float64) bool { return a > b })
	}},
	{"min", "<a<n>:n>", func(r *run, args []any) any {
		return r.extreme(asArray(args[0]), func(a, b float64) bool { return a < b })
	}},
	{"average", "<a<n>:n>", func(r *run, args []any) any {
		a := asArray(args[0])
		if a == nil || a.length() == 0 {
			return nil
		}
		return r.total(a).(float64) / float64(a.length())
	}},
}

func (r *run) total(a *array) any {
	if a == nil {
		return nil
	}
	r.spend(a.length() / 8)
	sum := 0.0
	for i := range a.length() {
		if n := textSize(a.at(i)); n > longText {
			r.spend(n / longText) // numbers may have very many digits
		}
		f, _ := asNumber(a.at(i))
		sum += f
	}
	return sum
}

func (r *run) extreme(a *array, better func(a, b float64) bool) any {
	if a == nil || a.length() == 0 {
		return nil
	}
	r.spend(a.length() / 8)
	best := a.at(0)
	top, _ := asNumber(best)
	for i := range a.length() {
		if f, _ := asNumber(a.at(i)); better(f, top) {
			best, top = a.at(i), f
		}
	}
	return best
}
