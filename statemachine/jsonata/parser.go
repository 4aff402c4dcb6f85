package jsonata

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxNesting is how deep an expression may nest in its source.
const maxNesting = 400

// maxSource is how long an expression may be, in bytes, and maxSourceShare how much memory a byte of it takes at most.
const (
	maxSource      = 128 << 10
	maxSourceShare = 400
)

// binding tells how strongly a token binds what stands to its left. A token that is not listed ends an expression.
var binding = map[string]int{
	".": 75, "[": 80, "{": 70, "(": 80, "@": 80, "#": 80, "?": 20, "+": 50, "-": 50, "*": 60, "/": 60, "%": 60,
	"=": 40, "<": 40, ">": 40, "^": 40, "..": 0, ":=": 10, "!=": 40, "<=": 40, ">=": 40, "~>": 40,
	"and": 30, "or": 25, "in": 40, "&": 50,
}

// unknownOperators are cut from the source as operators, but mean nothing.
var unknownOperators = map[string]bool{"!": true, "~": true}

// parser makes a tree of the source, by the binding strengths of the operators (Pratt's way).
type parser struct {
	lex     lexer
	tok     token
	nesting int
	program int // what the regular expressions of the source take, in instructions
}

// parse gives the tree that follows the source.
func parse(src string) *node {
	if len(src) > maxSource {
		raise(fault{code: "U1001", value: fmt.Sprintf("the expression is longer than %d KiB", maxSource>>10)})
	}
	for i := 0; i < len(src); {
		c, size := decode(src[i:])
		if c == utf8.RuneError && size == 1 {
			raise(fault{code: "S0205", pos: i, token: "that is not valid UTF-8"})
		}
		i += size
	}
	p := &parser{lex: lexer{src: src}}
	p.step(false)
	n := p.expression(0)
	if p.tok.kind != tokenEnd {
		raise(fault{code: "S0201", pos: p.tok.pos, token: p.tok.shown()})
	}
	return n
}

// step goes on to the next token.
func (p *parser) step(operatorMayStand bool) {
	p.tok = p.lex.next(operatorMayStand)
	if p.tok.kind == tokenOperator && unknownOperators[p.tok.text] {
		raise(fault{code: "S0204", pos: p.tok.pos, token: p.tok.text})
	}
}

// is tells whether the current token is this operator.
func (p *parser) is(op string) bool { return p.tok.kind == tokenOperator && p.tok.text == op }

// expect goes past an operator that must stand here. Behind closes tells whether an operand ends with it.
func (p *parser) expect(op string, closes bool) {
	if !p.is(op) {
		code := "S0202"
		if p.tok.kind == tokenEnd {
			code = "S0203"
		}
		raise(fault{code: code, pos: p.tok.pos, token: p.tok.shown(), value: op})
	}
	p.step(closes)
}

// strength gives how strongly the current token binds what stands before it.
func (p *parser) strength() int {
	if p.tok.kind != tokenOperator {
		return 0
	}
	return binding[p.tok.text]
}

// expression parses what binds stronger than the operator before it.
func (p *parser) expression(strength int) *node {
	p.nesting++
	if p.nesting > maxNesting {
		raise(fault{code: "U1001", pos: p.tok.pos, value: "the expression nests too deep"})
	}
	t := p.tok
	p.step(true)
	left := p.prefix(t)
	for strength < p.strength() {
		t = p.tok
		p.step(false)
		left = p.infix(t, left)
	}
	p.nesting--
	return left
}

// prefix parses what starts with a token.
func (p *parser) prefix(t token) *node {
	switch t.kind {
	case tokenEnd:
		return &node{kind: kindEnd, pos: t.pos}
	case tokenName:
		return &node{kind: kindName, pos: t.pos, text: t.text}
	case tokenVariable:
		return &node{kind: kindVariable, pos: t.pos, text: t.text}
	case tokenString:
		return &node{kind: kindString, pos: t.pos, text: t.text, value: t.text}
	case tokenNumber:
		return &node{kind: kindNumber, pos: t.pos, text: t.text, value: t.value}
	case tokenValue:
		return &node{kind: kindValue, pos: t.pos, text: t.text, value: t.value}
	case tokenRegex:
		return &node{kind: kindRegex, pos: t.pos, text: t.text, regex: p.regex(t)}
	default:
		return p.prefixOperator(t)
	}
}

// regex compiles a regular expression.
func (p *parser) regex(t token) *pattern {
	re := compileRegex(t)
	if p.program += re.size; p.program > maxProgram {
		raise(fault{code: "S0303", pos: t.pos, token: "/" + t.text + "/", value: "with those before it, it is too large"})
	}
	return re
}

// prefixOperator parses what starts with an operator. The token behind t has been read as if an operand had ended;
// where t opens something, a slash there opens a regular expression.
func (p *parser) prefixOperator(t token) *node {
	switch t.text {
	case "and", "or", "in":
		return &node{kind: kindWord, pos: t.pos, text: t.text}
	case "*":
		return &node{kind: kindWildcard, pos: t.pos}
	case "**":
		return &node{kind: kindDescendant, pos: t.pos}
	case "%":
		return &node{kind: kindParent, pos: t.pos}
	case "-", "(", "[", "{", "|":
		p.reread()
	default:
		raise(fault{code: "S0211", pos: t.pos, token: t.text})
	}
	switch t.text {
	case "-":
		return &node{kind: kindNegate, pos: t.pos, left: p.expression(70)}
	case "(":
		return p.block(t)
	case "[":
		return p.array(t)
	case "{":
		return &node{kind: kindObject, pos: t.pos, list: p.pairs()}
	default:
		return p.transform(t)
	}
}

// reread reads the current token again as the start of an operand.
func (p *parser) reread() {
	if p.is("/") {
		p.lex.at = p.tok.pos
		p.step(false)
	}
}

// infix parses what goes on with a token behind left.
func (p *parser) infix(t token, left *node) *node {
	switch t.text {
	case ".":
		return &node{kind: kindDot, pos: t.pos, left: left, right: p.expression(75)}
	case "(":
		return p.call(t, left)
	case "[":
		return p.filter(t, left)
	case "{":
		return &node{kind: kindGroup, pos: t.pos, left: left, list: p.pairs()}
	case "^":
		return p.orderBy(t, left)
	case ":=":
		if left.kind != kindVariable {
			raise(fault{code: "S0212", pos: left.pos, token: left.text})
		}
		return &node{kind: kindBind, pos: t.pos, left: left, right: p.expression(9)}
	case "@", "#":
		name := p.expression(80)
		if name.kind != kindVariable {
			raise(fault{code: "S0214", pos: name.pos, token: t.text})
		}
		k := kindFocus
		if t.text == "#" {
			k = kindIndex
		}
		return &node{kind: k, pos: t.pos, left: left, text: name.text}
	case "?":
		n := &node{kind: kindCondition, pos: t.pos, left: left, right: p.expression(0)}
		if p.is(":") {
			p.step(false)
			n.third = p.expression(0)
		}
		return n
	case "~>":
		return &node{kind: kindApply, pos: t.pos, left: left, right: p.expression(40)}
	default:
		right := p.expression(binding[t.text])
		return &node{kind: kindBinary, op: operators[t.text], text: t.text, pos: t.pos, left: left, right: right}
	}
}

// block parses expressions in parentheses.
func (p *parser) block(t token) *node {
	n := &node{kind: kindBlock, pos: t.pos}
	for !p.is(")") {
		n.list = append(n.list, p.expression(0))
		if !p.is(";") {
			break
		}
		p.step(false)
	}
	p.expect(")", true)
	return n
}

// array parses an array constructor.
func (p *parser) array(t token) *node {
	n := &node{kind: kindArray, pos: t.pos}
	for !p.is("]") {
		item := p.expression(0)
		if p.is("..") {
			dots := p.tok
			p.step(false)
			item = &node{kind: kindBinary, op: opRange, text: "..", pos: dots.pos, left: item, right: p.expression(0)}
		}
		n.list = append(n.list, item)
		if !p.is(",") {
			break
		}
		p.step(false)
	}
	p.expect("]", true)
	return n
}

// pairs parses the inside of an object constructor or a group-by, and its closing brace.
func (p *parser) pairs() []*node {
	var list []*node
	for !p.is("}") {
		key := p.expression(0)
		p.expect(":", false)
		list = append(list, key, p.expression(0))
		if !p.is(",") {
			break
		}
		p.step(false)
	}
	p.expect("}", true)
	return list
}

// filter parses a predicate, or [] which keeps singleton arrays.
func (p *parser) filter(t token, left *node) *node {
	if p.is("]") {
		inner := left
		for inner.kind == kindFilter {
			inner = inner.left
		}
		inner.keepArray = true
		p.step(true)
		return left
	}
	n := &node{kind: kindFilter, pos: t.pos, left: left, right: p.expression(0)}
	p.expect("]", true)
	return n
}

// orderBy parses the terms of an order-by.
func (p *parser) orderBy(t token, left *node) *node {
	n := &node{kind: kindOrder, pos: t.pos, left: left}
	p.expect("(", false)
	for {
		term := sortTerm{descending: p.is(">")}
		if p.is("<") || p.is(">") {
			p.step(false)
		}
		term.by = p.expression(0)
		n.terms = append(n.terms, term)
		if !p.is(",") {
			break
		}
		p.step(false)
	}
	p.expect(")", true)
	return n
}

// transform parses |pattern|update,delete|.
func (p *parser) transform(t token) *node {
	n := &node{kind: kindTransform, pos: t.pos, left: p.expression(0)}
	p.expect("|", false)
	n.right = p.expression(0)
	if p.is(",") {
		p.step(false)
		n.third = p.expression(0)
	}
	p.expect("|", true)
	return n
}

// call parses the arguments of a call, or the definition of a function.
func (p *parser) call(t token, left *node) *node {
	n := &node{kind: kindCall, pos: t.pos, left: left}
	for !p.is(")") {
		if p.is("?") {
			n.kind = kindPartial
			n.list = append(n.list, &node{kind: kindPlaceholder, pos: p.tok.pos})
			p.step(true)
		} else {
			n.list = append(n.list, p.expression(0))
		}
		if !p.is(",") {
			break
		}
		p.step(false)
	}
	p.expect(")", true)
	if left.kind == kindName && (left.text == "function" || left.text == "λ") {
		return p.function(n)
	}
	return n
}

// function parses the rest of a function definition, whose parameters have been parsed as arguments.
func (p *parser) function(call *node) *node {
	n := &node{kind: kindLambda, pos: call.left.pos, text: call.left.text}
	for i, param := range call.list {
		if param.kind != kindVariable {
			raise(fault{code: "S0208", pos: param.pos, token: param.text, value: formatNumber(float64(i + 1))})
		}
		n.params = append(n.params, param.text)
	}
	if p.is("<") {
		n.sig = p.signature()
	}
	p.expect("{", false)
	n.right = p.expression(0)
	p.expect("}", true)
	return n
}

// signature parses the types of a function.
func (p *parser) signature() *signature {
	start := p.tok.pos
	var text strings.Builder
	text.WriteByte('<')
	for depth := 1; depth > 0; {
		p.step(true)
		switch {
		case p.tok.kind == tokenEnd || p.is("{"):
			p.expect(">", true)
		case p.is("<"):
			depth++
		case p.is(">"):
			depth--
		}
		text.WriteString(p.tok.text)
	}
	p.step(true)
	return parseSignature(text.String(), start)
}
