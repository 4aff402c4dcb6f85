package jsonata

import "strings"

// signature is the types of a function's parameters, as in <s-nn?:s>.
type signature struct {
	text   string // as written
	params []param
}

// param is the type of one parameter.
type param struct {
	types    string // the letters of the types that it takes; m stands for a missing value
	letter   byte   // as written, ( for a choice
	optional bool
	many     bool
	context  bool   // takes the context value if there is no argument
	elements string // what the elements of an array must be, empty for anything
}

// letters of the types, by class.
var letters = [...]byte{
	isNothing: 'm', isNull: 'l', isBool: 'b', isNumber: 'n', isString: 's', isArray: 'a', isObject: 'o', isFunction: 'f',
}

// elementNames say what the elements of an array must be.
var elementNames = map[string]string{
	"s": "strings", "n": "numbers", "b": "booleans", "o": "objects", "a": "arrays", "f": "functions",
}

// parseSignature parses a signature that stands at pos.
func parseSignature(text string, pos int) *signature {
	sig := &signature{text: text}
	for i := 1; i < len(text) && text[i] != ':'; i++ {
		var last *param
		if n := len(sig.params); n > 0 {
			last = &sig.params[n-1]
		}
		switch c := text[i]; c {
		case 's', 'n', 'b', 'l', 'o':
			sig.params = append(sig.params, param{letter: c, types: string(c) + "m"})
		case 'a', 'x':
			sig.params = append(sig.params, param{letter: c, types: "asnblfom"})
		case 'j':
			sig.params = append(sig.params, param{letter: c, types: "asnblom"})
		case 'f':
			sig.params = append(sig.params, param{letter: c, types: "f"})
		case '-':
			if last != nil {
				last.context, last.optional = true, true
			}
		case '?':
			if last != nil {
				last.optional = true
			}
		case '+':
			if last != nil {
				last.many = true
			}
		case '(':
			end := closing(text, i)
			choice := text[i+1 : end]
			if strings.Contains(choice, "<") {
				raise(fault{code: "S0402", pos: pos, value: choice})
			}
			sig.params = append(sig.params, param{letter: '(', types: choice + "m"})
			i = end
		case '<':
			if last == nil || last.letter != 'a' && last.letter != 'f' {
				raise(fault{code: "S0401", pos: pos, value: letterOf(last)})
			}
			end := closing(text, i)
			last.elements = text[i+1 : end]
			i = end
		}
	}
	return sig
}

func letterOf(p *param) string {
	if p == nil {
		return "nothing"
	}
	return string(p.letter)
}

// closing gives the position of the bracket that closes the one at i, or the end of the text.
func closing(text string, i int) int {
	open, end := text[i], byte('>')
	if open == '(' {
		end = ')'
	}
	depth := 0
	for j := i; j < len(text); j++ {
		switch text[j] {
		case open:
			depth++
		case end:
			if depth--; depth == 0 {
				return j
			}
		}
	}
	return len(text)
}

// checked checks arguments against a signature. It gives one argument a parameter: missing ones are nil or the context,
// and where an array is wanted, a single value becomes one.
func (r *run) checked(sig *signature, args []any, context any) []any {
	if out, ok := sig.simple(args); ok {
		return out
	}
	types := make([]byte, len(args))
	for i, arg := range args {
		types[i] = letters[classOf(arg)]
	}
	counts := make([]int, len(sig.params))
	if !r.match(sig.params, types, counts, true) {
		at := r.mismatch(sig, types)
		var bad any
		if at < len(args) {
			bad = args[at]
		}
		r.failAt("T0410", bad, at+1)
	}
	out := make([]any, 0, max(len(args), len(sig.params)))
	next := 0
	for i := range sig.params {
		p := &sig.params[i]
		if counts[i] == 0 {
			out = append(out, r.missing(p, context, next))
			continue
		}
		for range counts[i] {
			out = append(out, r.converted(p, args[next], types[next], next))
			next++
		}
	}
	return out
}

// simple handles the bulk of calls: as many arguments as parameters, each of the parameter's own scalar type.
func (s *signature) simple(args []any) ([]any, bool) {
	if len(args) != len(s.params) {
		return nil, false
	}
	for i, arg := range args {
		p := &s.params[i]
		if p.letter == 'a' || p.letter == 'f' || p.many || strings.IndexByte(p.types, letters[classOf(arg)]) < 0 {
			return nil, false
		}
	}
	return args, true
}

// missing gives what stands for an argument that was not given.
func (r *run) missing(p *param, context any, at int) any {
	if !p.context {
		return nil
	}
	if a, ok := context.(*array); ok && a.outer {
		context = a.at(0)
	}
	if strings.IndexByte(p.types, letters[classOf(context)]) < 0 {
		r.failAt("T0411", context, at+1)
	}
	return context
}

// converted gives an argument as its parameter wants it.
func (r *run) converted(p *param, arg any, letter byte, at int) any {
	if p.letter != 'a' || letter == 'm' {
		return arg
	}
	if letter != 'a' {
		if p.elements != "" && string(letter) != p.elements {
			r.notElements(p, arg, at)
		}
		return newPlain(arg)
	}
	a := asArray(arg)
	if p.elements != "" && (a.items != nil || a.json != nil) {
		r.spend(a.length())
		for i := range a.length() {
			if letters[classOf(a.at(i))] != p.elements[0] {
				r.notElements(p, arg, at)
			}
		}
	} else if p.elements != "" && a.count > 0 && p.elements[0] != 'n' {
		r.notElements(p, arg, at)
	}
	return a
}

// newPlain gives an array of one value that stays one.
func newPlain(v any) *array { return &array{items: []any{v}} }

func (r *run) notElements(p *param, arg any, at int) {
	f := fault{code: "T0412", pos: -1, value: r.show(arg), index: at + 1, typ: elementNames[p.elements]}
	if f.typ == "" {
		f.typ = p.elements
	}
	if r.at != nil {
		f.pos, f.token = r.at.pos, r.at.text
	}
	raise(f)
}

// match distributes arguments to parameters, as many to each as it can take; whole tells that none may be left.
func (r *run) match(params []param, types []byte, counts []int, whole bool) bool {
	r.spend(1)
	if len(params) == 0 {
		return !whole || len(types) == 0
	}
	p := &params[0]
	most := 0
	for most < len(types) && strings.IndexByte(p.types, types[most]) >= 0 && (most == 0 || p.many) {
		most++
	}
	least := 1
	if p.optional {
		least = 0
	}
	for n := most; n >= least; n-- {
		if r.match(params[1:], types[n:], counts[1:], whole) {
			counts[0] = n
			return true
		}
	}
	return false
}

// mismatch gives the position of the first argument that does not fit.
func (r *run) mismatch(s *signature, types []byte) int {
	end := 0
	for n := 1; n <= len(s.params); n++ {
		counts := make([]int, n)
		if !r.match(s.params[:n], types, counts, false) {
			return end
		}
		end = 0
		for _, c := range counts {
			end += c
		}
	}
	return end
}
