package jsonata

var arrayFunctions = []definition{
	{"append", "<xx:a>", func(r *run, args []any) any { return r.concat(args[0], args[1]) }},
	{"reverse", "<a:a>", reverse},
	{"shuffle", "<a:a>", shuffle},
	{"distinct", "<x:x>", distinct},
	{"zip", "<a+>", zip},
	{"sort", "<af?:a>", sortFunction},
	{"exists", "<x:b>", func(_ *run, args []any) any { return args[0] != nil }},
	{"boolean", "<x-:b>", func(r *run, args []any) any {
		if args[0] == nil {
			return nil
		}
		return r.truth(args[0])
	}},
	{"not", "<x-:b>", func(r *run, args []any) any {
		if args[0] == nil {
			return nil
		}
		return !r.truth(args[0])
	}},
}

func reverse(r *run, args []any) any {
	a := asArray(args[0])
	if a == nil || a.length() < 2 {
		return args[0]
	}
	n := a.length()
	r.room(n)
	out := &array{items: make([]any, n)}
	for i := range n {
		out.items[n-1-i] = a.at(i)
	}
	return out
}

func shuffle(r *run, args []any) any {
	a := asArray(args[0])
	if a == nil || a.length() < 2 {
		return args[0]
	}
	n := a.length()
	r.room(n)
	out := &array{items: make([]any, n)}
	for i := range n {
		j := int(unit(r.random()) * float64(i+1))
		out.items[i] = out.items[j]
		out.items[j] = a.at(i)
	}
	return out
}

func distinct(r *run, args []any) any {
	a := asArray(args[0])
	if a == nil || a.length() < 2 {
		return args[0]
	}
	out := &array{items: []any{}, sequence: a.sequence}
	numbers, texts := map[float64]bool{}, map[string]bool{}
	var others []any
	for i := range a.length() {
		r.room(2)
		v := a.at(i)
		if f, ok := asNumber(v); ok {
			if !numbers[f] {
				numbers[f] = true
				out.push(v)
			}
			continue
		}
		if s, ok := asText(v); ok {
			if !texts[s] {
				r.take(len(s) + entry)
				texts[s] = true
				out.push(v)
			}
			continue
		}
		if !r.contains(others, v) {
			others = append(others, v)
			out.push(v)
		}
	}
	return out
}

func (r *run) contains(list []any, v any) bool {
	r.spend(len(list))
	for _, e := range list {
		if r.equal(e, v, 0) {
			return true
		}
	}
	return false
}

func zip(r *run, args []any) any {
	arrays := make([]*array, len(args))
	n := -1
	for i, arg := range args {
		arrays[i] = asArray(arg)
		length := 0
		if arrays[i] != nil {
			length = arrays[i].length()
		}
		if n < 0 || length < n {
			n = length
		}
	}
	out := &array{items: []any{}}
	for i := range max(n, 0) {
		r.room(len(arrays) + 3)
		row := &array{items: make([]any, len(arrays))}
		for j, a := range arrays {
			row.items[j] = a.at(i)
		}
		out.push(row)
	}
	return out
}

func sortFunction(r *run, args []any) any {
	a := asArray(args[0])
	if a == nil || a.length() < 2 {
		return args[0]
	}
	if fn, ok := args[1].(callable); ok {
		return r.sorted(a, func(i, j int) bool { return r.truth(r.again(fn, a.at(i), a.at(j))) })
	}
	numbers, texts := true, true
	for i := range a.length() {
		c := classOf(a.at(i))
		r.take(textSize(a.at(i)))
		numbers = numbers && c == isNumber
		texts = texts && c == isString
	}
	if !numbers && !texts {
		r.fail("D3070", args[0])
	}
	r.room(2 * a.length())
	if numbers {
		keys := make([]float64, a.length())
		for i := range keys {
			keys[i], _ = asNumber(a.at(i))
		}
		return r.sorted(a, func(i, j int) bool { return keys[i] > keys[j] })
	}
	keys := make([]string, a.length())
	for i := range keys {
		keys[i], _ = asText(a.at(i))
	}
	return r.sorted(a, func(i, j int) bool { return compareText(keys[i], keys[j]) > 0 })
}
