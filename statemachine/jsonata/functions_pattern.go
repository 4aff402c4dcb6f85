package jsonata

import (
	"math"
	"strconv"
	"strings"
)

var patternFunctions = []definition{
	{"match", "<s-f<s:o>n?:a<o>>", matchAll},
	{"contains", "<s-(sf):b>", contains},
	{"replace", "<s-(sf)(sf)n?:s>", replace},
	{"split", "<s-(sf)n?:a<s>>", split},
}

// most gives how often something may be done at most: the limit of an argument, which must not be negative.
func (r *run) most(v any, code string, index int) float64 {
	f, ok := asNumber(v)
	if !ok {
		return math.Inf(1)
	}
	if f < 0 {
		r.failAt(code, v, index)
	}
	return f
}

func matchAll(r *run, args []any) any {
	s, ok := asText(args[0])
	limit := r.most(args[2], "D3040", 3)
	if !ok {
		return nil
	}
	out := newSequence()
	m := r.matchesOf(args[1].(callable), s)
	for n := 0.0; n < limit; n++ {
		f, ok := m.take()
		if !ok {
			break
		}
		r.take(5 * entry)
		out.push(&object{
			keys:   []string{"match", "index", "groups"},
			values: []any{f.text, float64(units(s[:f.start])), &array{items: f.groups}},
		})
	}
	return out
}

func contains(r *run, args []any) any {
	s, ok := asText(args[0])
	if !ok || args[1] == nil {
		return nil
	}
	if part, ok := asText(args[1]); ok {
		r.spend(len(s) / 16)
		return strings.Contains(s, part)
	}
	_, ok = r.matchesOf(args[1].(callable), s).take()
	return ok
}

func split(r *run, args []any) any {
	s, ok := asText(args[0])
	limit := r.most(args[2], "D3020", 3)
	if !ok {
		return nil
	}
	out := &array{items: []any{}}
	add := func(part string) {
		r.room(1)
		out.push(r.piece(part))
	}
	if fn, ok := args[1].(callable); ok {
		m := r.matchesOf(fn, s)
		start := 0
		for float64(len(out.items)) < limit {
			f, ok := m.take()
			if !ok || f.start < start {
				add(s[start:])
				break
			}
			add(s[start:f.start])
			start = f.end
		}
		return out
	}
	limit = math.Floor(limit)
	sep, ok := asText(args[1])
	if !ok && limit > 0 {
		add(s)
		return out
	}
	for rest := s; float64(len(out.items)) < limit; {
		end, next := strings.Index(rest, sep), len(sep)
		if sep == "" {
			if rest == "" {
				break
			}
			_, end = decode(rest)
			if end == len(rest) {
				end = -1
			}
		}
		if end < 0 {
			add(rest)
			break
		}
		add(rest[:end])
		rest = rest[end+next:]
	}
	return out
}

func replace(r *run, args []any) any {
	s, ok := asText(args[0])
	if !ok {
		return nil
	}
	part, plain := asText(args[1])
	if plain && part == "" {
		r.failAt("D3010", args[1], 2)
	}
	limit := r.most(args[3], "D3011", 4)
	with, isText := asText(args[2])
	if plain && !isText {
		r.fail("D3012", args[2])
	}
	var b []byte
	put := func(text string) {
		r.take(2 * len(text))
		b = append(b, text...)
	}
	at := 0
	if plain {
		for n := 0.0; n < limit; n++ {
			i := strings.Index(s[at:], part)
			if i < 0 {
				break
			}
			r.spend(1)
			put(s[at : at+i])
			put(with)
			at += i + len(part)
		}
		put(s[at:])
		return string(b)
	}
	matcher, ok := args[1].(callable)
	if !ok {
		r.failAt("T0410", args[1], 2)
	}
	by, isFunction := args[2].(callable)
	if !isText && !isFunction {
		r.fail("D3012", args[2])
	}
	m := r.matchesOf(matcher, s)
	for n := 0.0; n < limit; n++ {
		f, ok := m.take()
		if !ok || f.start < at {
			break
		}
		put(s[at:f.start])
		if isText {
			put(substituted(with, f))
		} else {
			put(r.replacement(by, f, s))
		}
		at = min(f.start+len(f.text), len(s))
	}
	put(s[at:])
	return string(b)
}

// replacement asks a function for the text that replaces a match.
func (r *run) replacement(fn callable, f found, s string) string {
	arg := f.object
	if arg == nil {
		arg = &object{
			keys: []string{"match", "start", "end", "groups"},
			values: []any{
				f.text, float64(units(s[:f.start])), float64(units(s[:f.end])), &array{items: f.groups},
			},
		}
	}
	v := r.again(fn, arg)
	text, ok := asText(v)
	if !ok {
		r.fail("D3012", v)
	}
	return text
}

// substituted replaces $0 by the match, $1 and so on by the groups, and $$ by $. As many digits count as the number of
// groups has, one less if there is no such group.
func substituted(with string, f found) string {
	digits := 1
	if len(f.groups) > 0 {
		digits = len(strconv.Itoa(len(f.groups)))
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(with, '$')
		if i < 0 {
			b.WriteString(with)
			return b.String()
		}
		b.WriteString(with[:i])
		with = with[i+1:]
		switch {
		case strings.HasPrefix(with, "$"):
			b.WriteByte('$')
			with = with[1:]
			continue
		case strings.HasPrefix(with, "0"):
			b.WriteString(f.text)
			with = with[1:]
			continue
		}
		n, size := leadingNumber(with, digits)
		if digits > 1 && n > len(f.groups) {
			n, size = leadingNumber(with, digits-1)
		}
		if size == 0 {
			b.WriteByte('$')
			continue
		}
		if n >= 1 && n <= len(f.groups) {
			text, _ := asText(f.groups[n-1])
			b.WriteString(text)
		}
		with = with[size:]
	}
}

// leadingNumber reads at most so many digits.
func leadingNumber(s string, most int) (n, size int) {
	for size < len(s) && size < most && s[size] >= '0' && s[size] <= '9' {
		n = 10*n + int(s[size]-'0')
		size++
	}
	return n, size
}
