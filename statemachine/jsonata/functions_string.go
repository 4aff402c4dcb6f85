package jsonata

import (
	"math"
	"strings"
)

var stringFunctions = []definition{
	{"string", "<x-b?:s>", toText},
	{"substring", "<s-nn?:s>", substring},
	{"substringBefore", "<s-s:s>", func(r *run, args []any) any { return r.cutAt(args, true) }},
	{"substringAfter", "<s-s:s>", func(r *run, args []any) any { return r.cutAt(args, false) }},
	{"lowercase", "<s-:s>", text1(func(r *run, s string) any { return r.made(strings.ToLower(s)) })},
	{"uppercase", "<s-:s>", text1(func(r *run, s string) any { return r.made(upper(s)) })},
	{"length", "<s-:n>", text1(func(r *run, s string) any {
		r.spend(len(s) / longText)
		return float64(runeCount(s))
	})},
	{"trim", "<s-:s>", text1(trim)},
	{"pad", "<s-ns?:s>", pad},
	{"join", "<a<s>s?:s>", joinAll},
	{"eval", "<sx?:x>", evalText},
}

func toText(r *run, args []any) any {
	if args[0] == nil {
		return nil
	}
	r.take(textSize(args[0]))
	pretty := false
	if len(args) > 1 {
		pretty, _ = asBool(args[1])
	}
	return r.text(args[0], pretty)
}

// upper writes text in capitals. The few letters whose capital is two letters are those that texts have.
func upper(s string) string {
	s = strings.ToUpper(s)
	if strings.ContainsAny(s, "ßŉﬀﬁﬂﬃﬄﬅﬆ") {
		s = capitals.Replace(s)
	}
	return s
}

var capitals = strings.NewReplacer("ß", "SS", "ŉ", "ʼN", "ﬀ", "FF", "ﬁ", "FI", "ﬂ", "FL", "ﬃ", "FFI", "ﬄ", "FFL", "ﬅ", "ST",
	"ﬆ", "ST")

// offset gives a number as a position: what a slice of JavaScript makes of it.
func offset(f float64, n int) int {
	f = math.Trunc(f)
	switch {
	case math.IsNaN(f):
		return 0
	case f < 0:
		return int(math.Max(0, float64(n)+f))
	default:
		return int(math.Min(f, float64(n)))
	}
}

func substring(r *run, args []any) any {
	s, ok := asText(args[0])
	if !ok {
		return nil
	}
	start, _ := asNumber(args[1])
	r.spend(len(s) / longText)
	n := runeCount(s)
	if float64(n)+start < 0 {
		start = 0
	}
	from, to := offset(start, n), n
	if length, ok := asNumber(args[2]); ok {
		if length <= 0 {
			return ""
		}
		end := start + length
		if start < 0 {
			end += float64(n)
		}
		to = offset(end, n)
	}
	if from >= to {
		return ""
	}
	return r.piece(s[byteOf(s, from):byteOf(s, to)])
}

// byteOf gives the byte at which a character stands.
func byteOf(s string, runes int) int {
	i := 0
	for range runes {
		_, size := decode(s[i:])
		i += size
	}
	return i
}

func (r *run) cutAt(args []any, before bool) any {
	s, ok := asText(args[0])
	if !ok {
		return nil
	}
	sep, ok := asText(args[1])
	if !ok {
		return r.made(s)
	}
	r.spend(len(s) / longText)
	i := strings.Index(s, sep)
	switch {
	case i < 0:
		return r.made(s)
	case before:
		return r.piece(s[:i])
	default:
		return r.piece(s[i+len(sep):])
	}
}

func trim(r *run, s string) any {
	r.take(len(s))
	return strings.Join(strings.FieldsFunc(s, func(c rune) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }), " ")
}

func pad(r *run, args []any) any {
	s, ok := asText(args[0])
	if !ok {
		return nil
	}
	width, _ := asNumber(args[1])
	fill, _ := asText(args[2])
	if fill == "" {
		fill = " "
	}
	missing := math.Trunc(math.Abs(width)) - float64(runeCount(s))
	if !(missing > 0) {
		return r.made(s)
	}
	if missing > maxResult {
		missing = float64(r.options.Limits.Bytes) // more than there is
	}
	n := int(missing)
	r.take(n*4 + len(s))
	var b strings.Builder
	for i, rest := 0, fill; i < n; i++ {
		_, size := decode(rest)
		b.WriteString(rest[:size])
		if rest = rest[size:]; rest == "" {
			rest = fill
		}
	}
	if width > 0 {
		return s + b.String()
	}
	return b.String() + s
}

func joinAll(r *run, args []any) any {
	a := asArray(args[0])
	if a == nil {
		return nil
	}
	sep, _ := asText(args[1])
	var b []byte
	r.spend(a.length())
	for i := range a.length() {
		if i > 0 {
			r.take(2 * len(sep))
			b = append(b, sep...)
		}
		s, _ := asText(a.at(i))
		r.take(2 * len(s))
		b = append(b, s...)
	}
	return string(b)
}

// evalText evaluates an expression that is a text.
func evalText(r *run, args []any) any {
	src, ok := asText(args[0])
	if !ok {
		return nil
	}
	in := r.focus
	if args[1] != nil {
		in = args[1]
		if a := asArray(in); a != nil && !a.sequence {
			in = &array{items: []any{a}, sequence: true, outer: true}
		}
	}
	r.take(len(src) * maxSourceShare)
	tree, err := compileTree(src)
	if err != nil {
		r.fail("D3120", shown(err.Error()))
	}
	out, err := r.guarded(tree, in)
	if err != nil {
		r.fail("D3121", shown(err.Error()))
	}
	return out
}

// guarded evaluates and gives the error. Limits are not caught: they end the whole evaluation.
func (r *run) guarded(tree *node, in any) (out any, err error) {
	depth, at, focus := r.depth, r.at, r.focus
	defer func() {
		r.depth, r.at, r.focus = depth, at, focus
		caught, ok := recover().(*Error)
		if ok && caught.Code == "U1001" {
			panic(caught)
		}
		if ok {
			err = caught
		}
	}()
	return r.eval(tree, in, &frame{}), nil
}
