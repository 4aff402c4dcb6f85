package jsonata

import "strings"

// builtins are the functions of the language, by name.
var builtins map[string]*builtin

func init() { //nolint:gochecknoinits // the table refers to functions that refer to the table
	builtins = map[string]*builtin{}
	for _, table := range [][]definition{
		stringFunctions, patternFunctions, codingFunctions, numberFunctions, aggregateFunctions, arrayFunctions,
		objectFunctions, higherFunctions, timeFunctions, stateFunctions,
	} {
		for _, d := range table {
			b := &builtin{name: d.name, sig: parseSignature(d.signature, 0), do: d.do}
			b.takes = len(b.sig.params)
			switch d.name {
			case "string":
				b.takes = 1 // its second argument is none that $map could give
			case "zip":
				b.takes = 0
			case "eval":
				b.eval = true
			}
			builtins[d.name] = b
		}
	}
}

// definition defines a function.
type definition struct {
	name      string
	signature string
	do        func(r *run, args []any) any
}

// text1 makes a function of one text.
func text1(do func(r *run, s string) any) func(*run, []any) any {
	return func(r *run, args []any) any {
		s, ok := asText(args[0])
		if !ok {
			return nil
		}
		return do(r, s)
	}
}

// number1 makes a function of one number.
func number1(do func(r *run, f float64) any) func(*run, []any) any {
	return func(r *run, args []any) any {
		f, ok := asNumber(args[0])
		if !ok {
			return nil
		}
		return do(r, f)
	}
}

// piece gives a part of a text as a text of its own, whose memory it counts: a part that shared the memory of the whole
// would keep all of that in use.
func (r *run) piece(s string) string {
	r.take(len(s))
	return strings.Clone(s)
}

// made gives a new text, whose memory it counts.
func (r *run) made(s string) any {
	r.take(len(s))
	return s
}
